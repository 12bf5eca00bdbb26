#include "agent_flow.h"

#include "agent_compare.h"
#include "agent_renew.h"

/* Is there a batch on its way, or committed by the hub's word alone, whose receipt has not come? */
static bool awaits_receipt(const agent_session *self)
{
    for (unsigned i = 0; i < self->scope_count; i++) {
        const agent_session_scope *scope = &self->scopes[i];
        if (scope->welcome && scope->stop == AGENT_STOP_NONE && scope->renewal == AGENT_RENEWAL_NONE
            && (scope->sent > scope->committed || scope->sent > scope->acknowledged))
            return true;
    }
    return false;
}

void agent_flow_arm(agent_step *step, bool progress)
{
    agent_session *self = step->session;

    if (self->state == AGENT_SESSION_GREETING && progress) {
        /* The hub lives, and its WELCOME may stand behind a long queue. */
        self->hellos = 1;
        self->deadline_ms = step->now + AGENT_SESSION_ACK_TIMEOUT_MS;
    }
    if (self->state != AGENT_SESSION_FLOWING)
        return;
    if (!self->asking && !awaits_receipt(self))
        self->deadline_ms = UINT64_MAX;
    else if (progress || self->deadline_ms == UINT64_MAX)
        self->deadline_ms = step->now + AGENT_SESSION_ACK_TIMEOUT_MS;
}

static void pump_batches(agent_step *step)
{
    agent_session *self = step->session;
    uint64_t window = self->credit_batches < AGENT_SESSION_WINDOW_MAX ? self->credit_batches : AGENT_SESSION_WINDOW_MAX;
    uint64_t bytes_max;

    if (self->state != AGENT_SESSION_FLOWING || self->sending || self->outstanding_batches >= window)
        return;
    if (self->outstanding_batches == 0) /* one batch may always go, or a large one would never */
        bytes_max = self->credit_bytes > WIRE_MESSAGE_MAX ? self->credit_bytes : WIRE_MESSAGE_MAX;
    else
        bytes_max = self->credit_bytes > self->outstanding_bytes ? self->credit_bytes - self->outstanding_bytes : 0;
    /* A batch that is held keeps its turn: small ones of other scopes must not pass it for ever. */
    if (bytes_max == 0 || self->held_bytes > bytes_max)
        return;
    for (unsigned i = 0; i < self->scope_count; i++) {
        unsigned turn = (self->turn + i) % self->scope_count;
        const agent_session_scope *scope = &self->scopes[turn];
        if (!scope->welcome || scope->stop != AGENT_STOP_NONE || scope->renewal != AGENT_RENEWAL_NONE
            || scope->sent >= scope->queued)
            continue;
        self->turn = turn;
        self->sending = true;
        agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_SEND_BATCH);
        effect->scope = scope->scope;
        effect->sequence = scope->sent + 1;
        effect->bytes_max = bytes_max;
        return;
    }
}

void agent_flow_pump(agent_step *step)
{
    agent_renew_pump(step);
    agent_compare_pump(step);
    pump_batches(step);
    if (step->session->asking)
        agent_flow_arm(step, false);
}

/* The scope whose SEND_BATCH the event answers, or NULL when nothing such is under way. */
static agent_session_scope *answered(agent_step *step)
{
    agent_session *self = step->session;

    if (self->state != AGENT_SESSION_FLOWING || !self->sending)
        return NULL;
    agent_session_scope *scope = &self->scopes[self->turn];
    if (!text_is(text_of(step->event->scope), scope->scope) || step->event->sequence != scope->sent + 1)
        return NULL;
    self->sending = false;
    return scope;
}

void agent_flow_sent(agent_step *step)
{
    agent_session *self = step->session;
    agent_session_scope *scope = answered(step);

    if (scope == NULL)
        return;
    scope->sent++;
    if (scope->sent_ever < scope->sent)
        scope->sent_ever = scope->sent;
    scope->window_bytes[scope->sent % AGENT_SESSION_WINDOW_MAX] = step->event->bytes;
    self->outstanding_batches++;
    self->outstanding_bytes += step->event->bytes;
    self->held_bytes = 0;
    self->turn = (self->turn + 1) % self->scope_count;
    agent_flow_arm(step, false);
    agent_flow_pump(step);
}

void agent_flow_held(agent_step *step)
{
    agent_session *self = step->session;

    if (answered(step) == NULL)
        return;
    self->held_bytes = step->event->bytes;
    if (self->outstanding_batches == 0) /* larger than any message may be: no credit will ever do */
        agent_step_halt(step, AGENT_STOP_PROTOCOL, WIRE_REFUSAL_MALFORMED);
}

void agent_flow_missing(agent_step *step)
{
    agent_session_scope *scope = answered(step);

    if (scope == NULL)
        return;
    scope->lacks = true; /* the next WELCOME finds that it must be renewed */
    agent_step_restart(step);
}

void agent_flow_stop_scope(agent_step *step, agent_session_scope *scope, wire_refusal refusal)
{
    agent_session *self = step->session;

    for (uint64_t i = scope->committed + 1; i <= scope->sent; i++) {
        self->outstanding_batches--;
        self->outstanding_bytes -= scope->window_bytes[i % AGENT_SESSION_WINDOW_MAX];
    }
    scope->sent = scope->committed;
    if (&self->scopes[self->turn] == scope) {
        self->sending = false;
        self->held_bytes = 0;
    }
    if (scope->renewal == AGENT_RENEWAL_ASKED || scope->resync > AGENT_RESYNC_WANTED)
        self->asking = false;
    if (scope->resync != AGENT_RESYNC_NONE)
        scope->resync = AGENT_RESYNC_WANTED;
    scope->stop = AGENT_STOP_NO_RIGHT;
    scope->refusal = refusal;
    agent_step_report(step);
}

void agent_flow_clear_stops(agent_step *step)
{
    agent_session *self = step->session;

    for (unsigned i = 0; i < self->scope_count; i++) {
        if (self->scopes[i].stop != AGENT_STOP_NONE)
            agent_step_report(step);
        self->scopes[i].stop = AGENT_STOP_NONE;
        self->scopes[i].refusal = 0;
    }
}
