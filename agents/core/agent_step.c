#include "agent_step.h"

#include <assert.h>
#include <string.h>

agent_effect *agent_step_emit(agent_step *step, agent_effect_type type)
{
    agent_effects *effects = step->effects;

    assert(effects->count < AGENT_SESSION_EFFECTS_MAX);
    effects->items[effects->count] = (agent_effect){.type = type};
    return &effects->items[effects->count++];
}

void agent_step_report(agent_step *step)
{
    for (unsigned i = 0; i < step->effects->count; i++)
        if (step->effects->items[i].type == AGENT_EFFECT_REPORT)
            return;
    (void) agent_step_emit(step, AGENT_EFFECT_REPORT);
}

void agent_step_stop(agent_step *step, agent_stop stop, wire_refusal refusal)
{
    agent_session *self = step->session;

    if (self->stop == stop && self->refusal == refusal)
        return;
    self->stop = stop;
    self->refusal = refusal;
    agent_step_report(step);
}

agent_session_scope *agent_step_find(agent_session *self, text_view name)
{
    for (unsigned i = 0; i < self->scope_count; i++)
        if (text_is(name, self->scopes[i].scope))
            return &self->scopes[i];
    return NULL;
}

/* SplitMix64 (Steele, Lea, Flood 2014): spreads the agents that a restart of the hub has cut off together. */
static uint64_t random_below(agent_session *self, uint64_t bound)
{
    uint64_t mixed = self->jitter += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) % bound;
}

/* From half of the back-off to all of it; the next one is twice as long. */
static void back_off(agent_step *step)
{
    agent_session *self = step->session;
    uint64_t half = self->retry_ms / 2;

    self->deadline_ms = step->now + half + random_below(self, self->retry_ms - half + 1);
    self->retry_ms = self->retry_ms < AGENT_SESSION_RETRY_MS_MAX / 2 ? self->retry_ms * 2 : AGENT_SESSION_RETRY_MS_MAX;
}

bool agent_step_linked(const agent_session *self)
{
    return self->state == AGENT_SESSION_CONNECTING || self->state == AGENT_SESSION_GREETING
           || self->state == AGENT_SESSION_FLOWING || self->state == AGENT_SESSION_PAUSED;
}

/* No answer to a question counts any more, but a grant, which is written down. */
static void forget_asked(agent_session *self)
{
    self->asking = false;
    for (unsigned i = 0; i < self->scope_count; i++)
        if (self->scopes[i].resync != AGENT_RESYNC_NONE)
            self->scopes[i].resync = AGENT_RESYNC_WANTED;
}

void agent_step_forget_sent(agent_session *self)
{
    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].sent = self->scopes[i].committed;
    self->outstanding_batches = self->outstanding_bytes = 0;
    self->sending = false;
    self->held_bytes = 0;
    forget_asked(self);
}

void agent_step_connect(agent_step *step)
{
    agent_session *self = step->session;

    agent_step_forget_sent(self);
    self->hellos = 0;
    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].welcome = false;
    self->state = AGENT_SESSION_CONNECTING;
    self->deadline_ms = step->now + AGENT_SESSION_CONNECT_TIMEOUT_MS;
    (void) agent_step_emit(step, AGENT_EFFECT_CONNECT);
}

void agent_step_lose(agent_step *step, agent_stop stop)
{
    agent_session *self = step->session;

    /* One that held for long was sound: what follows is a new trouble. */
    if (self->state == AGENT_SESSION_FLOWING && step->now - self->welcomed_ms >= AGENT_SESSION_RETRY_MS_MAX)
        self->retry_ms = AGENT_SESSION_RETRY_MS_MIN;
    self->state = AGENT_SESSION_WAITING;
    agent_step_forget_sent(self);
    (void) agent_step_emit(step, AGENT_EFFECT_DISCONNECT);
    back_off(step);
    agent_step_stop(step, stop, 0);
}

void agent_step_bar(agent_step *step, wire_refusal refusal)
{
    step->session->retry_ms = AGENT_SESSION_RETRY_MS_MAX;
    agent_step_lose(step, AGENT_STOP_NOT_ADMITTED);
    agent_step_stop(step, AGENT_STOP_NOT_ADMITTED, refusal);
}

void agent_step_halt(agent_step *step, agent_stop stop, wire_refusal refusal)
{
    agent_session *self = step->session;

    self->state = AGENT_SESSION_STOPPED;
    self->deadline_ms = UINT64_MAX;
    agent_step_forget_sent(self);
    (void) agent_step_emit(step, AGENT_EFFECT_DISCONNECT);
    agent_step_stop(step, stop, refusal);
}

void agent_step_greet(agent_step *step)
{
    agent_session *self = step->session;

    if (self->hellos == AGENT_SESSION_HELLO_TRIES) {
        agent_step_lose(step, AGENT_STOP_UNREACHABLE);
        return;
    }
    self->hellos++;
    self->sending = false;
    forget_asked(self);
    self->state = AGENT_SESSION_GREETING;
    self->deadline_ms = step->now + AGENT_SESSION_ACK_TIMEOUT_MS;
    (void) agent_step_emit(step, AGENT_EFFECT_SEND_HELLO);
}

void agent_step_pause(agent_step *step)
{
    step->session->state = AGENT_SESSION_PAUSED;
    step->session->sending = false;
    forget_asked(step->session);
    back_off(step);
}

void agent_step_restart(agent_step *step)
{
    if (step->session->restarts++ == 0)
        agent_step_greet(step);
    else
        agent_step_pause(step);
}

void agent_step_progress(agent_session *self)
{
    self->restarts = 0;
    self->retry_ms = AGENT_SESSION_RETRY_MS_MIN;
}
