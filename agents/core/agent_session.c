#include "agent_session.h"

#include <string.h>

#include "agent_compare.h"
#include "agent_flow.h"
#include "agent_hear.h"
#include "agent_renew.h"

static void take_start(agent_step *step)
{
    agent_session *self = step->session;
    bool stopped = false;

    for (unsigned i = 0; i < self->scope_count; i++)
        stopped |= self->scopes[i].stop != AGENT_STOP_NONE;
    agent_flow_clear_stops(step);
    if (!agent_step_linked(self))
        agent_step_connect(step);
    else if (self->state == AGENT_SESSION_PAUSED) {
        self->hellos = 0; /* somebody waits for it */
        agent_step_greet(step);
    } else if (stopped && self->state == AGENT_SESSION_FLOWING)
        agent_step_greet(step);
}

static void take_queued(agent_step *step)
{
    agent_session *self = step->session;
    const agent_event *event = step->event;
    agent_session_scope *scope = agent_step_find(self, text_of(event->scope));

    if (scope == NULL) {
        if (!agent_session_add_scope(self, event->scope, event->incarnation, event->sequence, event->hash, 0, 0))
            return;
        scope = &self->scopes[self->scope_count - 1];
        scope->sent_ever = 0;
    } else if (event->sequence > scope->queued) {
        scope->queued = event->sequence;
        scope->incarnation = event->incarnation;
        memcpy(scope->queued_hash, event->hash, CRYPTO_HASH);
    }
    if (self->state != AGENT_SESSION_FLOWING || scope->stop != AGENT_STOP_NONE)
        return;
    if (scope->welcome)
        agent_flow_pump(step);
    else
        agent_step_greet(step); /* the hub has not said what it has of this scope */
}

static void take_no_detail(agent_step *step)
{
    agent_session *self = step->session;

    if (!agent_step_linked(self))
        return;
    if (++self->no_detail_failures < AGENT_SESSION_WRONG_KEY_FAILURES) {
        agent_step_lose(step, AGENT_STOP_UNREACHABLE);
        return;
    }
    self->retry_ms = AGENT_SESSION_RETRY_MS_MAX;
    agent_step_lose(step, AGENT_STOP_WRONG_HUB);
}

static void take_lost(agent_step *step)
{
    agent_session *self = step->session;

    if (!agent_step_linked(self))
        return;
    self->no_detail_failures = 0;
    agent_step_lose(step, AGENT_STOP_UNREACHABLE);
}

static void take_connected(agent_step *step)
{
    agent_session *self = step->session;

    if (self->state != AGENT_SESSION_CONNECTING)
        return;
    self->no_detail_failures = 0;
    agent_step_greet(step);
}

/* What the outbox has is what counts: a writing that failed may stand all the same, a grant taken among them. */
static void reload(agent_session_scope *scope, const agent_event *event)
{
    if (scope->incarnation != event->incarnation && event->sequence > 0) {
        scope->renewal = AGENT_RENEWAL_NONE;
        scope->refused_renewal = scope->lacks = false;
        scope->resync = AGENT_RESYNC_WANTED;
        scope->committed = scope->sent = scope->sent_ever = event->acknowledged;
    }
    scope->incarnation = event->incarnation;
    scope->queued = event->sequence;
    memcpy(scope->queued_hash, event->hash, CRYPTO_HASH);
    scope->acknowledged = event->acknowledged;
    scope->stable = event->stable;
    scope->unsure = false;
}

/*
 * The hub's word was not written down: it counts for nothing, and is asked for again. What an acknowledgement brought
 * beside (refusals) comes only with the answer to a HELLO that names the receipts from before.
 */
static void take_unkept(agent_step *step)
{
    agent_session *self = step->session;
    const agent_event *event = step->event;
    agent_session_scope *scope = agent_step_find(self, text_of(event->scope));

    if (scope != NULL && event->hash != NULL) {
        reload(scope, event);
    } else if (scope != NULL) { /* no receipt that could not be shown again */
        scope->acknowledged = scope->stable = 0;
        scope->unsure = true;
        if (scope->queued == 0)
            scope->incarnation = 1; /* which it was to begin with; WELCOME tells it again */
    }
    if (!agent_step_linked(self))
        return;
    if (self->retry_ms < AGENT_SESSION_UNKEPT_MS)
        self->retry_ms = AGENT_SESSION_UNKEPT_MS;
    agent_step_lose(step, AGENT_STOP_UNREACHABLE);
}

static void take_tick(agent_step *step)
{
    agent_session *self = step->session;

    if (step->now < self->deadline_ms)
        return;
    switch (self->state) {
    case AGENT_SESSION_CONNECTING:
        agent_step_lose(step, AGENT_STOP_UNREACHABLE);
        break;
    case AGENT_SESSION_PAUSED:
        self->hellos = 0;
        agent_step_greet(step);
        break;
    case AGENT_SESSION_GREETING:
    case AGENT_SESSION_FLOWING:
        agent_step_greet(step);
        break;
    case AGENT_SESSION_WAITING:
        agent_step_connect(step);
        break;
    case AGENT_SESSION_OFFLINE:
    case AGENT_SESSION_STOPPED:
        break;
    }
}

void agent_session_step(agent_session *self, const agent_event *event, uint64_t now_ms, agent_effects *effects)
{
    agent_step step = {self, event, now_ms, effects};

    effects->count = 0;
    switch (event->type) {
    case AGENT_EVENT_START: take_start(&step); break;
    case AGENT_EVENT_QUEUED: take_queued(&step); break;
    case AGENT_EVENT_CONNECTED: take_connected(&step); break;
    case AGENT_EVENT_LOST: take_lost(&step); break;
    case AGENT_EVENT_REFUSED_KEY:
        if (agent_step_linked(self))
            agent_step_bar(&step, 0);
        break;
    case AGENT_EVENT_NO_DETAIL: take_no_detail(&step); break;
    case AGENT_EVENT_MESSAGE: agent_hear(&step); break;
    case AGENT_EVENT_SENT: agent_flow_sent(&step); break;
    case AGENT_EVENT_HELD: agent_flow_held(&step); break;
    case AGENT_EVENT_MISSING: agent_flow_missing(&step); break;
    case AGENT_EVENT_ADOPTED: agent_renew_adopted(&step); break;
    case AGENT_EVENT_NOT_OURS: break; /* the answer to ours is still to come, or the time for it ends */
    case AGENT_EVENT_COMPARED: agent_compare_compared(&step); break;
    case AGENT_EVENT_RECONCILED: agent_compare_reconciled(&step); break;
    case AGENT_EVENT_UNKEPT: take_unkept(&step); break;
    case AGENT_EVENT_TICK: take_tick(&step); break;
    }
}

void agent_session_init(agent_session *self, const uint8_t agent[CRYPTO_PUBLIC], const uint8_t hub_sign[CRYPTO_PUBLIC],
                        uint64_t jitter_seed)
{
    *self = (agent_session){.state = AGENT_SESSION_OFFLINE, .retry_ms = AGENT_SESSION_RETRY_MS_MIN,
                            .deadline_ms = UINT64_MAX, .jitter = jitter_seed};
    memcpy(self->agent, agent, CRYPTO_PUBLIC);
    memcpy(self->hub_sign, hub_sign, CRYPTO_PUBLIC);
}

bool agent_session_add_scope(agent_session *self, const char *scope, uint64_t incarnation, uint64_t queued,
                             const uint8_t queued_hash[CRYPTO_HASH], uint64_t acknowledged, uint64_t stable)
{
    if (self->scope_count == WIRE_SCOPES_MAX || stable > acknowledged || acknowledged > queued
        || (queued > 0 && incarnation == 0))
        return false;
    agent_session_scope *added = &self->scopes[self->scope_count];
    *added = (agent_session_scope){.incarnation = incarnation, .queued = queued, .acknowledged = acknowledged,
                                   .stable = stable, .committed = acknowledged, .sent = acknowledged,
                                   .sent_ever = queued};
    if (!text_copy(added->scope, sizeof added->scope, text_of(scope)) || added->scope[0] == '\0')
        return false;
    if (queued > 0)
        memcpy(added->queued_hash, queued_hash, CRYPTO_HASH);
    self->scope_count++;
    return true;
}

void agent_session_want_resync(agent_session *self, const char *scope)
{
    agent_session_scope *found = agent_step_find(self, text_of(scope));

    if (found != NULL)
        found->resync = AGENT_RESYNC_WANTED;
}

void agent_session_hello(const agent_session *self, wire_message *hello, wire_position *scopes)
{
    *hello = (wire_message){.type = WIRE_HELLO};
    hello->hello.version = WIRE_VERSION;
    hello->hello.software = text_of("ctai-agent " CTAI_VERSION);
    hello->hello.scopes = scopes;
    for (unsigned i = 0; i < self->scope_count; i++) {
        const agent_session_scope *scope = &self->scopes[i];
        if (scope->queued == 0)
            continue;
        wire_position *position = &scopes[hello->hello.scope_count++];
        *position = (wire_position){.scope = text_of(scope->scope), .incarnation = scope->incarnation,
                                    .sequence = scope->queued, .stable = scope->acknowledged};
        memcpy(position->hash, scope->queued_hash, CRYPTO_HASH);
    }
}

uint64_t agent_session_pending(const agent_session *self)
{
    uint64_t pending = 0;

    for (unsigned i = 0; i < self->scope_count; i++) {
        const agent_session_scope *scope = &self->scopes[i];
        pending += scope->queued - (scope->acknowledged < scope->committed ? scope->acknowledged : scope->committed);
    }
    return pending;
}

bool agent_session_settling(const agent_session *self)
{
    for (unsigned i = 0; i < self->scope_count; i++) {
        const agent_session_scope *scope = &self->scopes[i];
        bool wants = scope->renewal != AGENT_RENEWAL_NONE || scope->resync != AGENT_RESYNC_NONE;
        if (wants && scope->stop == AGENT_STOP_NONE && (scope->welcome || self->state != AGENT_SESSION_FLOWING))
            return true;
    }
    return false;
}

agent_stop agent_session_trouble(const agent_session *self, const char *scope)
{
    if (self->stop != AGENT_STOP_NONE)
        return self->stop;
    for (unsigned i = 0; i < self->scope_count; i++)
        if (self->scopes[i].stop != AGENT_STOP_NONE && (scope == NULL || strcmp(scope, self->scopes[i].scope) == 0))
            return self->scopes[i].stop;
    return AGENT_STOP_NONE;
}
