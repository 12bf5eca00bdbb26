/* control: the serving side; see the header. */
#include "control.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_form.h"
#include "logline.h"

enum { SPEAK_MS = 10 * 1000 }; /* a caller must have told its call by then */

typedef struct {
    control_call asked; /* first: a control_call is its caller */
    control *of;
    int socket; /* -1: the place is free */
    uint64_t since_ms;
    uint8_t head[CONTROL_FORM_HEAD];
    size_t head_size;
    char *payload;
    size_t payload_size, got;
    int files[CONTROL_FORM_FILES_MAX];
    unsigned file_count;
    FILE *data;
    bool running; /* pending: its command waits for something */
} caller;

struct control {
    const home *folder;
    const cli_program *program;
    int socket;
    caller callers[CONTROL_CALLS_MAX];
    unsigned watched[CONTROL_WATCHES_MAX]; /* the caller behind each descriptor of the last watch */
};

static void close_file(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
    *file = NULL;
}

static void release(caller *self)
{
    close_file(&self->asked.call.out);
    close_file(&self->asked.call.err);
    close_file(&self->asked.deposit);
    close_file(&self->data);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        close_file(&self->asked.call.files[i].file);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        close_file(&self->asked.call.operand_files[i].file);
    for (unsigned i = 0; i < self->file_count; i++)
        if (self->files[i] >= 0)
            close(self->files[i]);
    free(self->payload);
    if (self->socket >= 0)
        close(self->socket);
    control *of = self->of;
    memset(self, 0, sizeof *self);
    self->of = of;
    self->socket = -1;
}

control *control_open(const home *folder, const cli_program *program)
{
    struct sockaddr_un address;
    socklen_t size = control_form_address(folder, &address);
    control *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->folder = folder;
    self->program = program;
    for (unsigned i = 0; i < CONTROL_CALLS_MAX; i++) {
        self->callers[i].of = self;
        self->callers[i].socket = -1;
    }
    self->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The home is ours alone: a socket that is there is what a crash left behind. */
    if (self->socket >= 0 && (unlink(address.sun_path) == 0 || errno == ENOENT)
        && bind(self->socket, (const struct sockaddr *)&address, size) == 0 && chmod(address.sun_path, 0600) == 0
        && listen(self->socket, CONTROL_CALLS_MAX) == 0)
        return self;
    int why = errno;
    if (self->socket >= 0)
        close(self->socket);
    free(self);
    errno = why;
    return NULL;
}

void control_close(control **self)
{
    if (*self == NULL)
        return;
    struct sockaddr_un address;
    (void)control_form_address((*self)->folder, &address);
    (void)unlink(address.sun_path);
    for (unsigned i = 0; i < CONTROL_CALLS_MAX; i++)
        if ((*self)->callers[i].socket >= 0)
            release(&(*self)->callers[i]);
    close((*self)->socket);
    free(*self);
    *self = NULL;
}

static caller *free_place(control *self)
{
    for (unsigned i = 0; i < CONTROL_CALLS_MAX; i++)
        if (self->callers[i].socket < 0)
            return &self->callers[i];
    return NULL;
}

unsigned control_watch(control *self, struct pollfd *to)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CONTROL_CALLS_MAX; i++) {
        if (self->callers[i].socket < 0)
            continue;
        self->watched[count] = i;
        to[count++] = (struct pollfd){.fd = self->callers[i].socket, .events = POLLIN};
    }
    if (free_place(self) != NULL) {
        self->watched[count] = CONTROL_CALLS_MAX;
        to[count++] = (struct pollfd){.fd = self->socket, .events = POLLIN};
    }
    return count;
}

/* Only the home's owner and root are heard. */
static bool may_speak(int socket)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
        && (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_callers(control *self, uint64_t now_ms)
{
    for (caller *place; (place = free_place(self)) != NULL;) {
        int accepted = accept4(self->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted < 0)
            return;
        if (!may_speak(accepted)) {
            logline(LOGLINE_WARNING, "a caller of another user was turned away from the control socket");
            close(accepted);
            continue;
        }
        place->socket = accepted;
        place->since_ms = now_ms;
    }
}

static void take_files(caller *self, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int file;
            memcpy(&file, CMSG_DATA(part) + i * sizeof file, sizeof file);
            if (self->file_count < CONTROL_FORM_FILES_MAX)
                self->files[self->file_count++] = file;
            else
                close(file);
        }
    }
}

typedef enum { TAKEN_MORE, TAKEN_WHOLE, TAKEN_NOTHING_YET, TAKEN_WRONG } taken;

static taken take_head(caller *self)
{
    union {
        char room[CMSG_SPACE(CONTROL_FORM_FILES_MAX * sizeof(int))];
        struct cmsghdr align;
    } space;
    struct iovec part = {.iov_base = self->head + self->head_size, .iov_len = sizeof self->head - self->head_size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space.room, .msg_controllen = sizeof space.room};
    ssize_t got = recvmsg(self->socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? TAKEN_NOTHING_YET : TAKEN_WRONG;
    take_files(self, &message);
    if (got == 0 || (message.msg_flags & MSG_CTRUNC) != 0)
        return TAKEN_WRONG;
    self->head_size += (size_t)got;
    if (self->head_size < sizeof self->head)
        return TAKEN_MORE;
    uint32_t size, count;
    memcpy(&size, self->head + 4, sizeof size);
    memcpy(&count, self->head + 8, sizeof count);
    if (memcmp(self->head, "CTAI", 4) != 0 || size == 0 || size > CONTROL_FORM_PAYLOAD_MAX
        || count != self->file_count || count < CONTROL_FORM_INPUTS)
        return TAKEN_WRONG;
    self->payload_size = size;
    self->payload = malloc(size);
    return self->payload == NULL ? TAKEN_WRONG : TAKEN_MORE;
}

static taken take_payload(caller *self)
{
    ssize_t got = recv(self->socket, self->payload + self->got, self->payload_size - self->got, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? TAKEN_NOTHING_YET : TAKEN_WRONG;
    self->got += (size_t)got;
    if (got == 0)
        return TAKEN_WRONG;
    return self->got == self->payload_size ? TAKEN_WHOLE : TAKEN_MORE;
}

static bool open_stream(caller *self, unsigned which, FILE **stream)
{
    *stream = fdopen(self->files[which], "w");
    if (*stream != NULL)
        self->files[which] = -1;
    return *stream != NULL;
}

/* Sends the code off and lets the caller go. */
static void answer(caller *self, int code)
{
    int32_t number = code;
    if (self->asked.call.out != NULL)
        (void)fflush(self->asked.call.out);
    if (self->asked.call.err != NULL)
        (void)fflush(self->asked.call.err);
    if (self->data != NULL)
        (void)fflush(self->data);
    if (self->asked.deposit != NULL)
        (void)fflush(self->asked.deposit);
    (void)send(self->socket, &number, sizeof number,
               MSG_NOSIGNAL | MSG_DONTWAIT); /* a caller that has gone needs none */
    release(self);
}

static void run(caller *self, const control_handler *handler)
{
    bool has_data = false;
    control_form_result result = control_form_read(
        &self->asked.call, self->of->program, (text_view){self->payload, self->payload_size},
        self->files + CONTROL_FORM_INPUTS, self->file_count - CONTROL_FORM_INPUTS, &has_data);
    if (result == CONTROL_FORM_WRONG || !open_stream(self, CONTROL_FORM_OUT, &self->asked.call.out)
        || !open_stream(self, CONTROL_FORM_ERR, &self->asked.call.err)
        || !open_stream(self, CONTROL_FORM_DEPOSIT, &self->asked.deposit)
        || !open_stream(self, CONTROL_FORM_DATA, &self->data)) {
        logline(LOGLINE_WARNING, "a call on the control socket made no sense");
        release(self);
        return;
    }
    if (result == CONTROL_FORM_OTHER_VERSION) {
        answer(self, CONTROL_PENDING); /* as an answer: not for us */
        return;
    }
    self->asked.call.home = self->of->folder->path;
    self->asked.call.data = has_data ? self->data : NULL;
    int code = handler->run(handler->data, &self->asked);
    if (code == CONTROL_PENDING)
        self->running = true;
    else
        answer(self, code);
}

/* A pending caller says nothing more: what can be read is its end. */
static void hear(caller *self, const control_handler *handler)
{
    char byte;
    if (self->running) {
        ssize_t got = recv(self->socket, &byte, 1, MSG_DONTWAIT);
        if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
            return;
        handler->gone(handler->data, &self->asked);
        release(self);
        return;
    }
    for (;;) {
        taken outcome = self->payload == NULL ? take_head(self) : take_payload(self);
        if (outcome == TAKEN_NOTHING_YET)
            return;
        if (outcome == TAKEN_WRONG)
            release(self);
        if (outcome == TAKEN_WHOLE)
            run(self, handler);
        if (outcome != TAKEN_MORE)
            return;
    }
}

void control_work(control *self, const struct pollfd *polled, unsigned count, uint64_t now_ms,
                  const control_handler *handler)
{
    assert(count <= CONTROL_WATCHES_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (polled[i].revents == 0)
            continue;
        unsigned which = self->watched[i];
        if (which == CONTROL_CALLS_MAX)
            accept_callers(self, now_ms);
        else if (self->callers[which].socket == polled[i].fd)
            hear(&self->callers[which], handler);
    }
    for (unsigned i = 0; i < CONTROL_CALLS_MAX; i++) {
        caller *one = &self->callers[i];
        if (one->socket >= 0 && !one->running && now_ms - one->since_ms > SPEAK_MS)
            release(one);
    }
}

void control_answer(control *self, control_call *call, int code)
{
    caller *one = (caller *)call;
    assert(one->of == self && one->running);
    answer(one, code);
}
