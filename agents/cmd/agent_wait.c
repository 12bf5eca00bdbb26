#include "agent_wait.h"

#include <errno.h>
#include <stdlib.h>

#include "control.h"
#include "progress.h"

enum {
    GREET_MS = 4 * 1000, /* to hear of changed contracts before anything is made */
    STEP_MS = 250,
    MEMORY_BYTES = 64 * 1024 * 1024,
};

bool agent_wait_read(cli_call *call, uint64_t *seconds)
{
    const char *text = cli_value(call, "wait");
    char *end = NULL;
    *seconds = AGENT_WAIT_S;
    if (text == NULL)
        return true;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    *seconds = number;
    return errno == 0 && *end == '\0' && number <= AGENT_WAIT_S_MAX;
}

bool agent_wait_settled(const agent_session *session)
{
    if (session->state == AGENT_SESSION_STOPPED
        || (session->stop != AGENT_STOP_NONE && session->stop != AGENT_STOP_UNREACHABLE))
        return true;
    for (unsigned i = 0; i < session->scope_count; i++)
        if (session->scopes[i].acknowledged < session->scopes[i].queued
            && session->scopes[i].stop == AGENT_STOP_NONE)
            return false;
    return !agent_session_settling(session);
}

int agent_wait_trouble(cli_call *call, const runtime *loop)
{
    agent_stop stop = agent_session_trouble(runtime_session(loop), NULL);
    if (stop == AGENT_STOP_UNREACHABLE && runtime_met(loop))
        stop = AGENT_STOP_NONE; /* it was reached, and lost on the way */
    return cli_fail(call, runtime_stop_code(stop), "%s", runtime_stop_text(stop));
}

/* Is there no use in waiting for the hub now? */
static bool is_away(const runtime *loop)
{
    agent_session_state state = runtime_session(loop)->state;
    return state == AGENT_SESSION_WAITING || state == AGENT_SESSION_STOPPED || state == AGENT_SESSION_PAUSED;
}

/*
 * Gives the hub a moment, within --wait, to tell of changed contracts, if it can be reached at once; and as long as
 * --wait says to settle what it holds of us, after a restoration: the export is then compared with the truth.
 */
static void greet(runtime *loop, uint64_t seconds)
{
    uint64_t begun = runtime_now_ms(), patience_ms = seconds * 1000;
    if (patience_ms == 0)
        return;
    runtime_start(loop);
    for (;;) {
        uint64_t spent = runtime_now_ms() - begun;
        bool told = runtime_told(loop) > 0;
        uint64_t most = told || patience_ms < GREET_MS ? patience_ms : GREET_MS;
        if (spent >= most || is_away(loop) || (told && !agent_session_settling(runtime_session(loop))))
            return;
        runtime_step(loop, NULL, 0, (int)(most - spent < STEP_MS ? most - spent : STEP_MS));
    }
}

/* What is to be waited for begins to count when it has been made. */
static int begin(agent_wait *self, cli_call *call, runtime *loop, uint64_t seconds, int (*make)(agent_wait *self))
{
    self->call = call;
    self->loop = loop;
    int code = make(self);
    self->deadline_ms = runtime_now_ms() + seconds * 1000;
    return code;
}

/* Waits with a loop of its own. */
static int run_alone(agent_wait *self, cli_call *call, runtime *loop, uint64_t seconds,
                     int (*make)(agent_wait *self))
{
    greet(loop, seconds);
    int code = begin(self, call, loop, seconds, make);
    if (code != CLI_DONE)
        return code;
    progress bar;
    uint64_t total = agent_session_pending(runtime_session(loop));
    progress_start(&bar, call->err, call->terminal, "Envoi");
    while (!self->over(self, runtime_now_ms())) {
        runtime_step(loop, NULL, 0, STEP_MS);
        progress_at(&bar, total - agent_session_pending(runtime_session(loop)), total);
    }
    progress_end(&bar);
    return self->end(self);
}

/* Opens a loop towards the hub of the approval, for this command alone. */
static int open_alone(agent_wait *self, cli_call *call, uint64_t seconds, int (*make)(agent_wait *self))
{
    agent_call *own = agent_call_of(call);
    credential_approval approval;
    agent_home_result result;
    arena *memory = arena_new(MEMORY_BYTES);
    if (memory == NULL)
        return agent_call_no_memory(call);
    int code;
    if (agent_home_approval(own->agent, &approval, memory, &result) != AGENT_HOME_OK) {
        code = agent_call_home_failed(call, &result);
    } else {
        outbox_error error;
        runtime *loop = runtime_new(own->agent, own->box, &approval, &error);
        code = loop == NULL ? agent_call_outbox_failed(call, error) : run_alone(self, call, loop, seconds, make);
        runtime_destroy(&loop);
    }
    arena_destroy(&memory);
    return code;
}

int agent_wait_run(cli_call *call, uint64_t seconds, size_t size, int (*make)(agent_wait *self))
{
    agent_serving *serving = agent_call_of(call)->serving;
    agent_wait *self = calloc(1, size);
    if (self == NULL)
        return agent_call_no_memory(call);
    int code;
    if (serving == NULL) {
        code = open_alone(self, call, seconds, make);
    } else {
        code = begin(self, call, serving->loop, seconds, make);
        if (code == CLI_DONE) {
            serving->pend(serving, self);
            return CONTROL_PENDING;
        }
    }
    free(self);
    return code;
}
