/*
 * agent_serve: `ctai-agent serve`: sends what is queued, runs the commands of the home that others
 * hand over, and pushes what an office leaves in the inbox.
 *
 * Always true: one loop, one thread; nothing that a caller does holds it up; SIGTERM and SIGINT end
 * it between two steps, with all that matters in the outbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent_commands.h"
#include "agent_push.h"
#include "control.h"
#include "inbox.h"
#include "lastfiles.h"
#include "logline.h"
#include "oserror.h"

enum {
    MEMORY_BYTES = 64 * 1024 * 1024,
    STEP_MS = 1000, /* the longest sleep: pushes that wait, and the watchdog */
    PENDING_STEP_MS = 100,
    WATCHDOG_MS = 5 * 1000,
};

/* A call that was handed over, while it runs or waits. */
typedef struct served {
    agent_call own; /* first: a call is the first part of one of these */
    control_call *from;
    agent_wait *wait; /* when it waits */
    struct served *next;
} served;

typedef struct {
    agent_serving base; /* first: what commands see of it */
    agent_call *self; /* the call of serve itself */
    control *door;
    inbox *box;
    int signals;
    served *waiting;
    uint64_t alive_ms;
} server;

static void pend(agent_serving *serving, agent_wait *wait)
{
    server *self = (server *)serving;
    served *one = (served *)agent_call_of(wait->call);
    one->wait = wait;
    one->next = self->waiting;
    self->waiting = one;
}

static int run_handed(void *data, control_call *handed)
{
    server *self = data;
    if ((handed->call.command->flags & (AGENT_COMMAND_NO_HOME | AGENT_COMMAND_SERVE)) != 0) {
        logline(LOGLINE_WARNING, "a command that does not belong here was handed over");
        return CLI_USAGE;
    }
    served *one = calloc(1, sizeof *one);
    if (one == NULL)
        return CLI_FAULT;
    one->own = (agent_call){.call = handed->call,
                            .agent = self->self->agent,
                            .box = self->self->box,
                            .deposit = handed->deposit,
                            .serving = &self->base};
    one->from = handed;
    int code = cli_run_call(&one->own.call);
    if (code != CONTROL_PENDING) {
        logline(LOGLINE_INFO, "command %s: %d", handed->call.command->name, code);
        free(one);
    }
    return code;
}

/* Takes a waiting call out of the list; the next one. */
static served *take_out(server *self, served **place)
{
    served *one = *place;
    *place = one->next;
    free(one->wait);
    free(one);
    return *place;
}

static void caller_gone(void *data, control_call *handed)
{
    server *self = data;
    for (served **place = &self->waiting; *place != NULL;) {
        if ((*place)->from != handed) {
            place = &(*place)->next;
            continue;
        }
        take_out(self, place); /* what it has queued goes out all the same */
    }
}

static void answer_waiting(server *self, bool all)
{
    for (served **place = &self->waiting; *place != NULL;) {
        served *one = *place;
        if (!all && !one->wait->over(one->wait, runtime_now_ms())) {
            place = &one->next;
            continue;
        }
        int code = one->wait->end(one->wait);
        logline(LOGLINE_INFO, "command %s: %d", one->own.call.command->name, code);
        control_call *from = one->from;
        take_out(self, place);
        control_answer(self->door, from, code);
    }
}

static void open_file(cli_file *file, const char *path)
{
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    file->name = strrchr(path, '/') + 1;
    file->file = opened < 0 ? NULL : fdopen(opened, "r");
    file->error = file->file == NULL ? errno : 0;
    if (file->file == NULL && opened >= 0)
        close(opened);
}

static void set_value(cli_call *call, const char *option, const char *value, const char *path)
{
    for (int i = 0; call->command->options[i].name != NULL; i++) {
        if (strcmp(call->command->options[i].name, option) != 0)
            continue;
        call->values[i] = value;
        if (path != NULL) {
            open_file(&call->files[i], path);
            call->values[i] = call->files[i].name;
        }
    }
}

/* Pushes a pair as if the office had called push; what was said goes into text. */
static int push_pair(server *self, const inbox_pair *pair, FILE *text)
{
    agent_call own = *self->self;
    agent_push push = {.wait = {.call = &own.call, .loop = self->base.loop}};
    own.serving = &self->base;
    own.call.command = cli_find(&agent_program, "push");
    own.call.out = own.call.err = text;
    own.call.folder = pair->folder;
    own.call.terminal = own.call.json = false;
    memset(own.call.values, 0, sizeof own.call.values);
    memset(own.call.files, 0, sizeof own.call.files);
    set_value(&own.call, "persons", NULL, pair->persons);
    set_value(&own.call, "events", NULL, pair->events);
    if (pair->contract[0] != '\0')
        set_value(&own.call, "contract", pair->contract, NULL);
    int code = agent_push_make(&push);
    if (code == CLI_DONE)
        agent_push_counts(text, "Enregistrements mis en file", &push.queued);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        if (own.call.files[i].file != NULL)
            (void)fclose(own.call.files[i].file);
    return code;
}

/* Does another try of the same files make sense, with nothing of them changed? */
static bool may_pass(int code)
{
    return code == CLI_CANNOT_WRITE || code == CLI_LATER || code == CLI_FAULT;
}

/* The files of the push have been moved: `explain` shall find them. Where that fails it asks for them. */
static void follow(server *self, const lastfiles *before, const inbox_pair *pair)
{
    wire_contract *known;
    unsigned count = 0;
    arena *memory = arena_new(MEMORY_BYTES);
    outbox_error error = memory == NULL ? OUTBOX_NO_MEMORY : outbox_contracts(self->self->box, memory, &known, &count);
    for (unsigned i = 0; error == OUTBOX_OK && i < count; i++)
        error = lastfiles_move(self->self->box, known[i].id, before, pair->persons, pair->events);
    if (error != OUTBOX_OK)
        logline(LOGLINE_WARNING, "inbox: where the files went could not be written down");
    arena_destroy(&memory);
}

static void work_inbox(server *self)
{
    inbox_pair pair;
    const agent_session *session = runtime_session(self->base.loop);
    /* After a restoration: an export that waits until the hub's holdings are known makes all good. */
    if (session->state == AGENT_SESSION_FLOWING && agent_session_settling(session))
        return;
    if (self->box == NULL || !inbox_next(self->box, runtime_now_ms(), &pair))
        return;
    char *said = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&said, &size);
    int code = text == NULL ? CLI_FAULT : push_pair(self, &pair, text);
    if (text != NULL)
        (void)fclose(text);
    logline(code == CLI_DONE ? LOGLINE_INFO : LOGLINE_WARNING, "inbox: a pair of files: %d", code);
    lastfiles before;
    memcpy(before.persons, pair.persons, sizeof before.persons);
    memcpy(before.events, pair.events, sizeof before.events);
    if (may_pass(code))
        inbox_leave(self->box, &pair);
    else if (!inbox_done(self->box, &pair, code == CLI_DONE, said, size))
        logline(LOGLINE_ERROR, "inbox: a pair of files cannot be moved away: %s", strerror(errno));
    else
        follow(self, &before, &pair);
    free(said);
}

/* One turn of the loop. False when it is time to end. */
static bool turn(server *self)
{
    struct pollfd watched[CONTROL_WATCHES_MAX + 2];
    unsigned doors = control_watch(self->door, watched), count = doors;
    watched[count++] = (struct pollfd){.fd = self->signals, .events = POLLIN};
    if (self->box != NULL && inbox_descriptor(self->box) >= 0)
        watched[count++] = (struct pollfd){.fd = inbox_descriptor(self->box), .events = POLLIN};
    uint64_t now = runtime_now_ms();
    int patience = self->waiting != NULL ? PENDING_STEP_MS : STEP_MS;
    if (self->box != NULL && inbox_patience(self->box, now) < patience)
        patience = inbox_patience(self->box, now);
    runtime_step(self->base.loop, watched, count, patience);
    now = runtime_now_ms();
    if (watched[doors].revents != 0)
        return false;
    if (count > doors + 1 && watched[doors + 1].revents != 0)
        inbox_noticed(self->box, now);
    const control_handler handler = {.run = run_handed, .gone = caller_gone, .data = self};
    control_work(self->door, watched, doors, now, &handler);
    answer_waiting(self, false);
    work_inbox(self);
    if (now - self->alive_ms >= WATCHDOG_MS) {
        logline_notify("WATCHDOG=1");
        self->alive_ms = now;
    }
    return true;
}

static int serve(server *self)
{
    outbox_error failure;
    logline(LOGLINE_NOTICE, "ready: agent %s", self->self->agent->name);
    logline_notify("READY=1");
    runtime_log(self->base.loop, true);
    runtime_start(self->base.loop);
    while (turn(self))
        if (runtime_failures(self->base.loop, &failure) > 0 && failure == OUTBOX_DAMAGED)
            return agent_call_outbox_failed(&self->self->call, failure);
    logline_notify("STOPPING=1");
    logline(LOGLINE_NOTICE, "ends");
    answer_waiting(self, true);
    return CLI_DONE;
}

/* Signals come as a descriptor; blocked before libzmq starts its threads. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(cli_call *call, const credential_approval *approval)
{
    agent_call *own = agent_call_of(call);
    server self = {.base = {.pend = pend}, .self = own};
    outbox_error error;
    int code = CLI_FAULT;
    self.signals = open_signals();
    self.base.loop = runtime_new(own->agent, own->box, approval, &error);
    self.door = control_open(&own->agent->folder, &agent_program);
    int why = errno;
    self.box = inbox_open(&own->agent->folder);
    if (self.base.loop == NULL)
        code = agent_call_outbox_failed(call, error);
    else if (self.signals < 0 || self.door == NULL)
        code = cli_fail(call, CLI_FAULT, "le service ne peut pas ouvrir sa porte dans %s : %s", call->home,
                        oserror_text(why));
    else {
        if (self.box == NULL)
            logline(LOGLINE_WARNING, "the inbox cannot be opened: %s", strerror(errno));
        code = serve(&self);
    }
    inbox_close(&self.box);
    control_close(&self.door);
    runtime_destroy(&self.base.loop);
    if (self.signals >= 0)
        close(self.signals);
    return code;
}

int agent_serve_run(cli_call *call)
{
    credential_approval approval;
    agent_home_result result;
    arena *memory = arena_new(MEMORY_BYTES);
    if (memory == NULL)
        return agent_call_no_memory(call);
    int code;
    if (agent_home_approval(agent_call_of(call)->agent, &approval, memory, &result) != AGENT_HOME_OK)
        code = agent_call_home_failed(call, &result);
    else
        code = run(call, &approval);
    arena_destroy(&memory);
    return code;
}
