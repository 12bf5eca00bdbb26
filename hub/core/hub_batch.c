/* hub_batch: batches on their way from the agent to the store, and the store's answers; see hub_step.h. */
#include <assert.h>
#include <string.h>

#include "hub_step.h"

/* The scope's further batches are passed over: the agent has been told, and says HELLO before it goes on. */
static void refuse_batch(hub_step *step, hub_session_scope *scope, wire_refusal reason, uint64_t sequence)
{
    scope->halted = true;
    scope->handed = scope->sequence;
    hub_step_refuse(step, reason, text_of(scope->scope), sequence);
    if (reason == WIRE_REFUSAL_KEY)
        hub_step_alarm(step, reason, text_of(scope->scope), sequence);
}

enum { SOME = 64 };

/* Are the bodies those that the header announces? A body may be absent. */
static bool bodies_fit(const batch_header *header, const wire_message *batch)
{
    text_view some[SOME];
    unsigned which[SOME];
    uint8_t hashes[SOME][CRYPTO_HASH];
    unsigned next = 0;
    bool fit = batch->batch.body_count == header->body_count;

    while (fit && next < header->body_count) {
        unsigned count = 0;
        for (; next < header->body_count && count < SOME; next++)
            if (batch->batch.bodies[next].at != NULL) {
                some[count] = batch->batch.bodies[next];
                which[count++] = next;
            }
        batch_hash_bodies(hashes, some, count);
        for (unsigned i = 0; fit && i < count; i++)
            fit = memcmp(hashes[i], header->hashes[which[i]], CRYPTO_HASH) == 0;
    }
    return fit;
}

static void store(hub_step *step, const wire_message *batch, const batch_header *header, bool quarantine)
{
    hub_effect *effect = hub_step_emit(step, HUB_EFFECT_STORE);

    effect->message = *batch;
    effect->header = *header;
    effect->quarantine = quarantine;
    effect->bytes = step->event->message.size;
    step->session->outstanding_batches++;
    step->session->outstanding_bytes += effect->bytes;
}

static bool has_credit(const hub_step *step)
{
    const hub_session *self = step->session;

    return self->outstanding_batches == 0
        || (self->outstanding_batches < HUB_SESSION_CREDIT_BATCHES
            && self->outstanding_bytes + step->event->message.size <= HUB_SESSION_CREDIT_BYTES);
}

/* A batch of this scope, well signed: may it come now? With which chain, the store looks. */
static void order(hub_step *step, hub_session_scope *scope, const wire_message *batch, const batch_header *header, bool quarantine)
{
    uint64_t sequence = header->sequence;
    uint8_t *handed_hash = scope->handed_hash[sequence % HUB_SESSION_CREDIT_BATCHES], hash[CRYPTO_HASH];

    batch_hash(hash, batch->batch.header);
    if (header->incarnation != scope->incarnation) {
        refuse_batch(step, scope, WIRE_REFUSAL_INCARNATION, sequence);
        return;
    }
    if (sequence > scope->handed + 1) {
        refuse_batch(step, scope, WIRE_REFUSAL_SEQUENCE, sequence);
        return;
    }
    bool in_hands = sequence > scope->sequence && sequence <= scope->handed;
    if (in_hands && memcmp(hash, handed_hash, CRYPTO_HASH) == 0)
        return; /* the store's answer will acknowledge it */
    if (!has_credit(step)) {
        refuse_batch(step, scope, WIRE_REFUSAL_BUSY, sequence);
        return;
    }
    if (sequence == scope->handed + 1) {
        scope->handed = sequence;
        memcpy(handed_hash, hash, CRYPTO_HASH);
    }
    /* One that was committed before, or another of a number in the store's hands, too: the store knows with which hash. */
    store(step, batch, header, quarantine);
}

/*
 * The header of a batch that is well signed. False: it was refused. One that can be read up to its place in the chain
 * is taken for quarantine, so that it does not block what follows it.
 */
static bool read_header(hub_step *step, const wire_message *batch, batch_header *header, bool *quarantine)
{
    *quarantine = false;
    if (batch_read_header(header, step->event->scratch, batch->batch.header))
        return true;
    if (arena_short(step->event->scratch)) {
        hub_step_refuse(step, WIRE_REFUSAL_BUSY, hub_step_nowhere, 0);
        return false;
    }
    *quarantine = batch_read_envelope(header, batch->batch.header);
    if (!*quarantine)
        hub_step_strike(step, WIRE_REFUSAL_MALFORMED, hub_step_nowhere, 0);
    return *quarantine;
}

void hub_batch_take(hub_step *step, const wire_message *batch)
{
    hub_session *self = step->session;
    batch_header header;
    bool quarantine;

    if (self->state != HUB_SESSION_OPEN) {
        /* The connection is new to us, not to the agent: it shall say HELLO. */
        hub_step_refuse(step, WIRE_REFUSAL_SEQUENCE, hub_step_nowhere, 0);
        return;
    }
    if (!batch_verify(batch->batch.signature, batch->batch.header, self->agent)) {
        hub_step_strike(step, WIRE_REFUSAL_SIGNATURE, hub_step_nowhere, 0);
        return;
    }
    if (!read_header(step, batch, &header, &quarantine))
        return;
    if (memcmp(header.agent, self->agent, CRYPTO_PUBLIC) != 0) {
        hub_step_strike(step, WIRE_REFUSAL_SIGNATURE, header.scope, header.sequence);
        return;
    }
    if (!quarantine && !bodies_fit(&header, batch)) {
        hub_step_strike(step, WIRE_REFUSAL_MALFORMED, header.scope, header.sequence);
        return;
    }
    hub_session_scope *scope = hub_step_scope(self, header.scope);
    if (scope == NULL)
        hub_step_refuse(step, WIRE_REFUSAL_SCOPE, header.scope, header.sequence);
    else if (!scope->halted)
        order(step, scope, batch, &header, quarantine);
}

static void take_committed(hub_step *step, hub_session_scope *scope)
{
    const hub_event *event = step->event;
    const wire_position *position = &event->position;

    if (scope != NULL && position->incarnation == scope->incarnation && position->sequence >= scope->sequence) {
        scope->sequence = position->sequence;
        scope->stable = position->stable;
        memcpy(scope->hash, position->hash, CRYPTO_HASH);
        if (scope->handed < scope->sequence)
            scope->handed = scope->sequence;
    }
    if (event->quarantined)
        hub_step_alarm(step, WIRE_REFUSAL_MALFORMED, text_of(event->scope), event->sequence);
    hub_step_acknowledge(step, position, event->ledger_position, event->chain, event->refusal_count, event->refusals);
}

void hub_batch_stored(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;
    hub_session_scope *scope = hub_step_scope(self, text_of(event->scope));

    assert(self->outstanding_batches > 0 && self->outstanding_bytes >= event->bytes);
    self->outstanding_batches--;
    self->outstanding_bytes -= event->bytes;
    if (event->stored == HUB_STORED_COMMITTED || event->stored == HUB_STORED_AGAIN) {
        take_committed(step, scope);
    } else if (event->stored == HUB_STORED_NO_RIGHT) {
        hub_step_revoke(step);
    } else if (self->state == HUB_SESSION_FORKED) {
        return; /* it has been told */
    } else if (event->stored == HUB_STORED_FORK) {
        hub_step_alarm(step, WIRE_REFUSAL_FORK, text_of(event->scope), event->sequence);
        hub_step_fork(step, text_of(event->scope), event->sequence);
    } else if (scope == NULL) {
        hub_step_refuse(step, hub_step_refusal_of(event->stored), text_of(event->scope), event->sequence);
    } else if (!scope->halted && event->sequence <= scope->handed) {
        /* Else it follows a refused one, and the agent knows; or a HELLO or a grant has come since, and it is not expected. */
        refuse_batch(step, scope, hub_step_refusal_of(event->stored), event->sequence);
    }
}
