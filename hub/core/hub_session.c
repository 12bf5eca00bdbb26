/* hub_session: HELLO and its answer, and what changes meanwhile; the other parts of a step are told in hub_step.h. */
#include <assert.h>
#include <string.h>

#include "hub_step.h"

/* HELLO and the store's answer to it. */

static void take_hello(hub_step *step, const wire_message *hello)
{
    hub_session *self = step->session;

    if (hello->hello.version != WIRE_VERSION) {
        hub_step_strike(step, WIRE_REFUSAL_VERSION, hub_step_nowhere, 0);
        return;
    }
    if (self->loading)
        return; /* the answer under way serves this one too */
    self->loading = true;
    if (self->state == HUB_SESSION_EXPECT_HELLO)
        self->state = HUB_SESSION_LOADING;
    hub_step_emit(step, HUB_EFFECT_LOAD)->message = *hello;
}

/* Takes over what the store says of a scope; batches that came after the LOAD stay in the store's hands. */
static void install_scope(hub_session_scope *scope, const hub_session_scope *before, const hub_session_loaded *loaded)
{
    const wire_position *has = &loaded->position;

    *scope = (hub_session_scope){.incarnation = has->incarnation, .sequence = has->sequence, .stable = has->stable,
                                 .handed = has->sequence};
    bool whole = text_copy(scope->scope, sizeof scope->scope, has->scope);
    assert(whole); /* the store holds valid scopes alone */
    memcpy(scope->hash, has->hash, CRYPTO_HASH);
    if (before != NULL && !before->halted && before->incarnation == has->incarnation && before->sequence == has->sequence
        && before->handed > before->sequence && memcmp(before->hash, has->hash, CRYPTO_HASH) == 0) {
        scope->handed = before->handed;
        memcpy(scope->handed_hash, before->handed_hash, sizeof scope->handed_hash);
    }
}

static void install(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;
    hub_session_scope before[WIRE_SCOPES_MAX];
    unsigned before_count = self->scope_count;

    memcpy(before, self->scopes, sizeof before);
    self->scope_count = event->scope_count < WIRE_SCOPES_MAX ? event->scope_count : WIRE_SCOPES_MAX;
    if (self->scope_count < event->scope_count) /* the prefecture admitted it to more than the protocol can name */
        hub_step_alarm(step, WIRE_REFUSAL_SCOPE, hub_step_nowhere, 0);
    for (unsigned i = 0; i < self->scope_count; i++) {
        const hub_session_loaded *loaded = &event->scopes[i];
        const hub_session_scope *old = NULL;
        for (unsigned j = 0; j < before_count; j++)
            if (text_is(loaded->position.scope, before[j].scope))
                old = &before[j];
        install_scope(&self->scopes[i], old, loaded);
        self->positions[i] = loaded->position;
        self->positions[i].scope = text_of(self->scopes[i].scope);
    }
}

static void welcome(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;
    wire_message *message = &hub_step_emit(step, HUB_EFFECT_SEND)->message;

    message->type = WIRE_WELCOME;
    message->welcome.version = WIRE_VERSION;
    message->welcome.software = text_of("ctai-hub " CTAI_VERSION);
    message->welcome.credit_batches = HUB_SESSION_CREDIT_BATCHES;
    message->welcome.credit_bytes = HUB_SESSION_CREDIT_BYTES;
    message->welcome.contract_count = event->contract_count;
    message->welcome.contracts = event->contracts;
    message->welcome.scope_count = self->scope_count;
    message->welcome.scopes = self->positions;
    /* An acknowledgement may have been lost with the last connection: say each again, signed. */
    for (unsigned i = 0; i < self->scope_count; i++)
        if (self->positions[i].sequence > 0)
            hub_step_acknowledge(step, &self->positions[i], event->scopes[i].ledger_position, event->scopes[i].chain,
                                 event->scopes[i].refusal_count, event->scopes[i].refusals);
}

static void take_state(hub_step *step)
{
    hub_session *self = step->session;
    hub_stored stored = step->event->stored;

    if (!self->loading)
        return;
    self->loading = false;
    if (stored == HUB_STORED_NO_RIGHT) {
        hub_step_revoke(step);
    } else if (self->state == HUB_SESSION_FORKED) {
        return; /* it has been told */
    } else if (stored == HUB_STORED_FORK) {
        hub_step_fork(step, hub_step_nowhere, 0);
    } else if (stored != HUB_STORED_COMMITTED) {
        if (self->state == HUB_SESSION_LOADING)
            self->state = HUB_SESSION_EXPECT_HELLO;
        hub_step_refuse(step, WIRE_REFUSAL_BUSY, hub_step_nowhere, 0);
    } else {
        install(step);
        self->state = HUB_SESSION_OPEN;
        welcome(step);
    }
}

/* Messages. */

static void take_message(hub_step *step)
{
    wire_message message;

    if (step->session->state == HUB_SESSION_FORKED) {
        hub_step_refuse(step, WIRE_REFUSAL_FORK, hub_step_nowhere, 0);
        return;
    }
    if (!wire_read(&message, step->event->scratch, step->event->message)) {
        if (arena_short(step->event->scratch))
            hub_step_refuse(step, WIRE_REFUSAL_BUSY, hub_step_nowhere, 0);
        else
            hub_step_strike(step, WIRE_REFUSAL_MALFORMED, hub_step_nowhere, 0);
        return;
    }
    switch (message.type) {
    case WIRE_HELLO: take_hello(step, &message); break;
    case WIRE_BATCH: hub_batch_take(step, &message); break;
    case WIRE_RENEW:
    case WIRE_SURVEY:
    case WIRE_LIST: hub_ask_take(step, &message); break;
    default: hub_step_strike(step, WIRE_REFUSAL_MALFORMED, hub_step_nowhere, 0);
    }
}

/* What changes. */

/*
 * Where more is stable than the agent was told, it is told: one that has nothing to send can forget too. Where the
 * database has another place than we know of, it is told to look anew. Less: a standby that lost the tail was promoted,
 * and one that has nothing to send would never find out. More: another connection has brought it, perhaps to another hub;
 * then this one is dead, and hears nothing, or there are two machines.
 */
static void tell_place(hub_step *step, const hub_session_loaded *loaded)
{
    const wire_position *has = &loaded->position;
    hub_session_scope *scope = hub_step_scope(step->session, has->scope);

    if (scope == NULL || scope->halted)
        return;
    if (has->incarnation != scope->incarnation || has->sequence != scope->sequence
        || memcmp(has->hash, scope->hash, CRYPTO_HASH) != 0) {
        scope->halted = true;
        scope->handed = scope->sequence;
        hub_step_refuse(step, WIRE_REFUSAL_SEQUENCE, text_of(scope->scope), 0);
    } else if (has->stable > scope->stable) {
        scope->stable = has->stable;
        hub_step_acknowledge(step, has, loaded->ledger_position, loaded->chain, 0, NULL);
    }
}

static void take_changed(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;

    if (self->state == HUB_SESSION_FORKED)
        return;
    if (event->stored == HUB_STORED_FORK) {
        hub_step_fork(step, hub_step_nowhere, 0);
        return;
    }
    if (self->state != HUB_SESSION_OPEN)
        return;
    if (!event->same_contracts) {
        wire_message *message = &hub_step_emit(step, HUB_EFFECT_SEND)->message;
        message->type = WIRE_CONTRACTS;
        message->contracts.contracts = event->contracts;
        message->contracts.contract_count = event->contract_count;
    }
    for (unsigned i = 0; i < event->scope_count && i < WIRE_SCOPES_MAX; i++)
        tell_place(step, &event->scopes[i]);
}

void hub_session_init(hub_session *self, const uint8_t agent[CRYPTO_PUBLIC])
{
    memset(self, 0, sizeof *self);
    self->state = HUB_SESSION_EXPECT_HELLO;
    memcpy(self->agent, agent, CRYPTO_PUBLIC);
}

void hub_session_step(hub_session *self, const hub_event *event, uint64_t now_ms, hub_effects *effects)
{
    hub_step step = {self, event, effects};

    (void) now_ms; /* nothing here has a time yet; the simulator's clock and later rules come by this way */
    effects->count = 0;
    if (self->state == HUB_SESSION_CLOSED)
        return;
    switch (event->type) {
    case HUB_EVENT_MESSAGE: take_message(&step); break;
    case HUB_EVENT_STATE: take_state(&step); break;
    case HUB_EVENT_STORED: hub_batch_stored(&step); break;
    case HUB_EVENT_ANSWERED: hub_ask_answered(&step); break;
    case HUB_EVENT_CHANGED: take_changed(&step); break;
    case HUB_EVENT_REVOKED: hub_step_revoke(&step); break;
    }
}
