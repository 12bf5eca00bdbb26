#include "agent_hear.h"

#include <string.h>

#include "agent_flow.h"

/* Is it the hash of our own batch of that sequence? known: has the outbox (or the session) still got it? */
static bool is_own_hash(const agent_event *event, const agent_session_scope *scope, uint64_t sequence,
                        const uint8_t hash[CRYPTO_HASH], bool *known)
{
    uint8_t own[CRYPTO_HASH];

    *known = true;
    if (sequence == scope->queued)
        return memcmp(hash, scope->queued_hash, CRYPTO_HASH) == 0;
    *known = event->header_hash(event->outbox, scope->scope, sequence, own);
    return *known && memcmp(hash, own, CRYPTO_HASH) == 0;
}

/* Does the hub's position lie on our chain, and can we go on from it? Else the reason to stop. */
static agent_stop judge_position(const agent_event *event, const agent_session_scope *scope, const wire_position *at)
{
    uint8_t next[CRYPTO_HASH];
    bool known;

    if (at->sequence > scope->queued || (scope->queued > 0 && at->incarnation != scope->incarnation))
        return AGENT_STOP_FORK;
    if (at->sequence > 0 && !is_own_hash(event, scope, at->sequence, at->hash, &known) && known)
        return AGENT_STOP_FORK;
    /* A standby that lost the tail was promoted: what we kept is sent again. */
    if (at->sequence < scope->acknowledged && at->sequence + 1 < scope->queued
        && !event->header_hash(event->outbox, scope->scope, at->sequence + 1, next))
        return AGENT_STOP_HUB_LOST;
    return AGENT_STOP_NONE;
}

/* Takes the hub's positions; false when one of them stops the session. */
static bool take_positions(agent_step *step, const wire_message *welcome)
{
    agent_session *self = step->session;

    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].welcome = false;
    for (unsigned i = 0; i < welcome->welcome.scope_count; i++) {
        const wire_position *at = &welcome->welcome.scopes[i];
        agent_session_scope *scope = agent_step_find(self, at->scope);
        agent_stop stop = scope != NULL        ? judge_position(step->event, scope, at)
                          : at->sequence > 0 ? AGENT_STOP_FORK
                                             : AGENT_STOP_NONE;
        if (stop != AGENT_STOP_NONE) {
            agent_step_halt(step, stop, 0);
            return false;
        }
        if (scope != NULL) {
            scope->committed = at->sequence;
            scope->welcome = true;
            if (scope->refusal == WIRE_REFUSAL_SCOPE) {
                scope->stop = AGENT_STOP_NONE;
                scope->refusal = 0;
                agent_step_report(step);
            }
        }
    }
    agent_step_forget_sent(self);
    for (unsigned i = 0; i < self->scope_count; i++) {
        agent_session_scope *scope = &self->scopes[i];
        if (!scope->welcome && scope->queued > scope->acknowledged && scope->stop == AGENT_STOP_NONE)
            agent_flow_stop_scope(step, scope, WIRE_REFUSAL_SCOPE);
    }
    return true;
}

static void emit_contracts(agent_step *step, const wire_contract *contracts, unsigned count)
{
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_CONTRACTS);

    effect->contracts = contracts;
    effect->contract_count = count;
}

static void take_welcome(agent_step *step, const wire_message *welcome)
{
    agent_session *self = step->session;

    if (welcome->welcome.version != WIRE_VERSION) {
        agent_step_halt(step, AGENT_STOP_PROTOCOL, WIRE_REFUSAL_VERSION);
        return;
    }
    emit_contracts(step, welcome->welcome.contracts, welcome->welcome.contract_count);
    self->credit_batches = welcome->welcome.credit_batches;
    self->credit_bytes = welcome->welcome.credit_bytes;
    /* The answer to a HELLO that was repeated: its positions are older than what has flowed since. */
    if (self->state != AGENT_SESSION_GREETING)
        return;
    if (!take_positions(step, welcome))
        return;
    self->state = AGENT_SESSION_FLOWING;
    self->hellos = 0;
    self->welcomed_ms = step->now;
    self->deadline_ms = UINT64_MAX;
    agent_step_stop(step, AGENT_STOP_NONE, 0);
    agent_flow_arm(step, true);
    agent_flow_pump(step);
}

/* Is this receipt the hub's word on batches that are ours? */
static bool is_ours(agent_step *step, const wire_message *ack, const wire_receipt *receipt, bool *known)
{
    agent_session *self = step->session;
    const wire_position *at = &receipt->position;
    const agent_session_scope *scope = agent_step_find(self, at->scope);

    if (memcmp(receipt->agent, self->agent, CRYPTO_PUBLIC) != 0 || scope == NULL
        || at->incarnation != scope->incarnation)
        return false;
    /* What a connection before has sent may be committed now: its end of the line dies later than ours. */
    if (at->sequence > scope->sent_ever)
        return false;
    for (unsigned i = 0; i < ack->ack.refusal_count; i++)
        if (ack->ack.refusals[i].sequence > at->sequence)
            return false;
    if (is_own_hash(step->event, scope, at->sequence, at->hash, known))
        return true;
    /* What we have forgotten was acknowledged long ago: nothing to learn, nothing to check. */
    return !*known && at->sequence <= scope->acknowledged;
}

static void take_ack(agent_step *step, const wire_message *ack)
{
    agent_session *self = step->session;
    wire_receipt receipt;
    bool known = true;

    if (!crypto_verify(ack->ack.signature, ack->ack.receipt.at, ack->ack.receipt.size, self->hub_sign)
        || !wire_read_receipt(&receipt, ack->ack.receipt) || !is_ours(step, ack, &receipt, &known)) {
        agent_step_halt(step, AGENT_STOP_WRONG_HUB, 0);
        return;
    }
    if (!known)
        return;
    const wire_position *at = &receipt.position;
    agent_session_scope *scope = agent_step_find(self, at->scope);
    bool progress = at->sequence > scope->committed || at->sequence > scope->acknowledged;
    for (uint64_t i = scope->committed + 1; i <= at->sequence && i <= scope->sent; i++) {
        self->outstanding_batches--;
        self->outstanding_bytes -= scope->window_bytes[i % AGENT_SESSION_WINDOW_MAX];
    }
    if (at->sequence > scope->committed)
        scope->committed = at->sequence;
    if (scope->sent < scope->committed)
        scope->sent = scope->committed;
    if (at->sequence > scope->acknowledged || at->stable > scope->stable || ack->ack.refusal_count > 0) {
        if (at->sequence > scope->acknowledged)
            scope->acknowledged = at->sequence;
        if (at->stable > scope->stable)
            scope->stable = at->stable;
        agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_ACKNOWLEDGED);
        effect->scope = scope->scope;
        effect->sequence = at->sequence;
        effect->stable = at->stable;
        effect->ledger_position = receipt.ledger_position;
        effect->receipt = ack->ack.receipt;
        effect->receipt_signature = ack->ack.signature;
        effect->refusal_count = ack->ack.refusal_count;
        effect->refusals = ack->ack.refusals;
    }
    if (progress) {
        self->restarts = 0;
        self->retry_ms = AGENT_SESSION_RETRY_MS_MIN;
    }
    agent_flow_arm(step, progress);
    agent_flow_pump(step);
}

static void take_refused(agent_step *step, const wire_message *refused)
{
    agent_session *self = step->session;
    wire_refusal reason = refused->refused.reason;
    bool whole = refused->refused.scope.size == 0;
    agent_session_scope *scope = agent_step_find(self, refused->refused.scope);

    switch (reason) {
    case WIRE_REFUSAL_MALFORMED:
    case WIRE_REFUSAL_VERSION:
    case WIRE_REFUSAL_SIGNATURE:
        agent_step_halt(step, AGENT_STOP_PROTOCOL, reason);
        break;
    case WIRE_REFUSAL_FORK:
        agent_step_halt(step, AGENT_STOP_FORK, reason);
        break;
    case WIRE_REFUSAL_REVOKED:
        agent_step_halt(step, AGENT_STOP_NOT_ADMITTED, reason);
        break;
    case WIRE_REFUSAL_SCOPE:
    case WIRE_REFUSAL_KEY:
        if (whole) {
            agent_step_halt(step, AGENT_STOP_NO_RIGHT, reason);
        } else if (scope != NULL && scope->stop == AGENT_STOP_NONE) {
            agent_flow_stop_scope(step, scope, reason);
            agent_flow_arm(step, false);
            agent_flow_pump(step);
        }
        break;
    case WIRE_REFUSAL_SEQUENCE:
    case WIRE_REFUSAL_INCARNATION:
        /* Several batches of one window are refused together: the first brings the HELLO. */
        if (self->state != AGENT_SESSION_FLOWING)
            break;
        if (self->restarts++ == 0)
            agent_step_greet(step);
        else
            agent_step_pause(step);
        break;
    case WIRE_REFUSAL_BUSY:
        if (self->state == AGENT_SESSION_FLOWING || (self->state == AGENT_SESSION_GREETING && whole))
            agent_step_pause(step);
        break;
    }
}

static void take_contracts(agent_step *step, const wire_message *message)
{
    agent_session *self = step->session;
    bool stopped = false;

    emit_contracts(step, message->contracts.contracts, message->contracts.contract_count);
    for (unsigned i = 0; i < self->scope_count; i++)
        stopped |= self->scopes[i].stop != AGENT_STOP_NONE;
    if (!stopped || self->state != AGENT_SESSION_FLOWING)
        return;
    agent_flow_clear_stops(step);
    agent_step_greet(step);
}

void agent_hear(agent_step *step)
{
    wire_message message;

    if (!agent_step_linked(step->session) || step->session->state == AGENT_SESSION_CONNECTING)
        return;
    if (!wire_read(&message, step->event->scratch, step->event->message)) {
        agent_step_halt(step, AGENT_STOP_WRONG_HUB, 0);
        return;
    }
    switch (message.type) {
    case WIRE_WELCOME: take_welcome(step, &message); break;
    case WIRE_ACK: take_ack(step, &message); break;
    case WIRE_CONTRACTS: take_contracts(step, &message); break;
    case WIRE_REFUSED: take_refused(step, &message); break;
    case WIRE_GRANTED:
    case WIRE_DIGESTS:
    case WIRE_LISTED: break; /* never asked for */
    case WIRE_HELLO:
    case WIRE_RENEW:
    case WIRE_SURVEY:
    case WIRE_LIST:
    case WIRE_BATCH: agent_step_halt(step, AGENT_STOP_WRONG_HUB, 0); break;
    }
}
