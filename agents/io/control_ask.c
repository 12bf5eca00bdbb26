/* control_ask: the asking side of control. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"
#include "control_form.h"

enum { LOOK_MS = 100 }; /* how often we look for what the command has printed */

/* What the other side prints into memory, and where we copy it to. */
typedef struct {
    int memory;
    off_t copied;
    FILE *to;
} stream;

static void copy_on(stream *self)
{
    char chunk[16 * 1024];
    ssize_t got;
    if (self->to == NULL || self->memory < 0)
        return;
    while ((got = pread(self->memory, chunk, sizeof chunk, self->copied)) > 0) {
        (void)fwrite(chunk, 1, (size_t)got, self->to); /* an error stays with the stream, and is told at its end */
        self->copied += got;
    }
    (void)fflush(self->to);
}

static bool send_head(int to, uint32_t payload_size, const int *files, unsigned count)
{
    char head[CONTROL_FORM_HEAD] = "CTAI";
    uint32_t many = count;
    union {
        char room[CMSG_SPACE(CONTROL_FORM_FILES_MAX * sizeof(int))];
        struct cmsghdr align;
    } space;
    memcpy(head + 4, &payload_size, sizeof payload_size);
    memcpy(head + 8, &many, sizeof many);
    memset(&space, 0, sizeof space);
    struct iovec part = {.iov_base = head, .iov_len = sizeof head};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = space.room,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *files_part = CMSG_FIRSTHDR(&message);
    files_part->cmsg_level = SOL_SOCKET;
    files_part->cmsg_type = SCM_RIGHTS;
    files_part->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(files_part), files, count * sizeof(int));
    return sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)sizeof head;
}

static bool send_all(int to, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = send(to, data, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

/* Copies what is printed until the code comes. */
static control_outcome await(int from, stream *streams, unsigned count, int *code)
{
    uint8_t answer[4];
    size_t size = 0;
    for (;;) {
        struct pollfd wait = {.fd = from, .events = POLLIN};
        int ready = poll(&wait, 1, LOOK_MS);
        for (unsigned i = 0; i < count; i++)
            copy_on(&streams[i]);
        if (ready <= 0)
            continue;
        ssize_t got = recv(from, answer + size, sizeof answer - size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return CONTROL_BROKEN;
        size += (size_t)got;
        if (size < sizeof answer)
            continue;
        int32_t number;
        memcpy(&number, answer, sizeof number);
        for (unsigned i = 0; i < count; i++)
            copy_on(&streams[i]);
        *code = number;
        return number == CONTROL_PENDING ? CONTROL_OTHER : CONTROL_ANSWERED;
    }
}

static control_outcome ask(int server, const cli_call *call, int deposit, stream *streams, unsigned count,
                           int *code)
{
    int files[CONTROL_FORM_FILES_MAX] = {
        [CONTROL_FORM_OUT] = streams[0].memory,
        [CONTROL_FORM_ERR] = streams[1].memory,
        [CONTROL_FORM_DEPOSIT] = deposit,
        [CONTROL_FORM_DATA] = streams[2].memory,
    };
    unsigned inputs = 0;
    batch_buffer payload;
    batch_buffer_init(&payload, CONTROL_FORM_PAYLOAD_MAX);
    control_form_write(&payload, call, files + CONTROL_FORM_INPUTS, &inputs);
    control_outcome outcome = CONTROL_BROKEN;
    if (payload.failed) {
        errno = E2BIG;
        outcome = CONTROL_SYSTEM;
    } else if (send_head(server, (uint32_t)payload.size, files, CONTROL_FORM_INPUTS + inputs)
               && send_all(server, payload.data, payload.size)) {
        outcome = await(server, streams, count, code);
    }
    batch_buffer_release(&payload);
    return outcome;
}

control_outcome control_ask(const home *folder, const cli_call *call, int deposit, int *code)
{
    struct sockaddr_un address;
    socklen_t size = control_form_address(folder, &address);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0)
        return CONTROL_SYSTEM;
    if (connect(server, (const struct sockaddr *)&address, size) != 0) {
        int why = errno;
        close(server);
        errno = why;
        return why == ENOENT || why == ECONNREFUSED ? CONTROL_NOBODY : CONTROL_SYSTEM;
    }
    stream streams[3] = {{.to = call->out}, {.to = call->err}, {.to = call->data}};
    bool made = true;
    for (unsigned i = 0; i < 3; i++) {
        streams[i].memory = memfd_create("ctai-output", MFD_CLOEXEC);
        made = made && streams[i].memory >= 0;
    }
    control_outcome outcome = made ? ask(server, call, deposit, streams, 3, code) : CONTROL_SYSTEM;
    int why = errno;
    for (unsigned i = 0; i < 3; i++)
        if (streams[i].memory >= 0)
            close(streams[i].memory);
    close(server);
    errno = why;
    return outcome;
}
