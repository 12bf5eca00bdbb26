#include "agent_hear.h"

#include <string.h>

#include "agent_compare.h"
#include "agent_flow.h"
#include "agent_renew.h"

/* Takes the hub's positions: each scope goes on after it, is to be renewed, or has no right any more. */
static void take_positions(agent_step *step, const wire_message *welcome)
{
    agent_session *self = step->session;

    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].welcome = false;
    for (unsigned i = 0; i < welcome->welcome.scope_count; i++) {
        const wire_position *at = &welcome->welcome.scopes[i];
        agent_session_scope *scope = agent_step_find(self, at->scope);
        if (scope == NULL) {
            agent_renew_meet(step, at);
            continue;
        }
        agent_renew_judge(step, scope, at);
        if (scope->refusal == WIRE_REFUSAL_SCOPE) {
            scope->stop = AGENT_STOP_NONE;
            scope->refusal = 0;
            agent_step_report(step);
        }
    }
    agent_step_forget_sent(self);
    for (unsigned i = 0; i < self->scope_count; i++) {
        agent_session_scope *scope = &self->scopes[i];
        if (!scope->welcome && scope->queued > scope->acknowledged && scope->stop == AGENT_STOP_NONE)
            agent_flow_stop_scope(step, scope, WIRE_REFUSAL_SCOPE);
    }
}

static void emit_contracts(agent_step *step, const wire_contract *contracts, unsigned count)
{
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_CONTRACTS);

    effect->contracts = contracts;
    effect->contract_count = count;
}

/* Does it name a scope that was stopped, or that the WELCOME we go by did not name? Its position is to be heard anew. */
static bool gives_back(agent_session *self, const wire_message *welcome)
{
    for (unsigned i = 0; i < welcome->welcome.scope_count; i++) {
        const wire_position *at = &welcome->welcome.scopes[i];
        const agent_session_scope *scope = agent_step_find(self, at->scope);
        if (scope == NULL ? !agent_renew_is_blank(at) : !scope->welcome || scope->refusal == WIRE_REFUSAL_SCOPE)
            return true;
    }
    return false;
}

/* Rights have come (back): what has been sent for those scopes, and what the hub holds there, its WELCOME will tell. */
static void begin_anew(agent_step *step)
{
    if (step->session->state != AGENT_SESSION_FLOWING)
        return; /* a HELLO is under way, or to come */
    agent_flow_clear_stops(step);
    agent_step_greet(step);
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
    /* The answer to a HELLO that was repeated: its positions are older than what has flowed since, but not its rights. */
    if (self->state != AGENT_SESSION_GREETING) {
        if (gives_back(self, welcome))
            begin_anew(step);
        return;
    }
    take_positions(step, welcome);
    self->state = AGENT_SESSION_FLOWING;
    self->hellos = 0;
    self->welcomed_ms = step->now;
    self->deadline_ms = UINT64_MAX;
    agent_step_stop(step, AGENT_STOP_NONE, 0);
    agent_flow_arm(step, true);
    agent_flow_pump(step);
}

/* What a receipt means that the hub's key has signed for us. */
typedef enum {
    RECEIPT_COUNTS,
    RECEIPT_PAST,      /* nothing to learn from it */
    RECEIPT_ELSEWHERE, /* the hub stands where our chain does not: its position will tell */
    RECEIPT_WRONG,     /* no hub of this protocol says so */
} receipt_meaning;

static receipt_meaning judge_receipt(agent_step *step, const wire_message *ack, const wire_receipt *receipt)
{
    agent_session *self = step->session;
    const wire_position *at = &receipt->position;
    const agent_session_scope *scope = agent_step_find(self, at->scope);
    bool known;

    for (unsigned i = 0; i < ack->ack.refusal_count; i++)
        if (ack->ack.refusals[i].sequence > at->sequence)
            return RECEIPT_WRONG;
    /* The WELCOME that went before it was lost, or it is for a scope that we shall hear of. */
    if (scope == NULL)
        return self->state == AGENT_SESSION_GREETING ? RECEIPT_PAST : RECEIPT_WRONG;
    if (scope->renewal != AGENT_RENEWAL_NONE || at->incarnation < scope->incarnation)
        return RECEIPT_PAST;
    /* What a connection before has sent may be committed now: its end of the line dies later than ours. */
    if (at->incarnation > scope->incarnation || at->sequence > scope->sent_ever)
        return RECEIPT_ELSEWHERE;
    if (agent_renew_is_own(step->event, scope, at->sequence, at->hash, &known))
        return RECEIPT_COUNTS;
    /* What we have forgotten was acknowledged long ago: nothing to learn, nothing to check. */
    return !known && at->sequence <= scope->acknowledged ? RECEIPT_PAST : RECEIPT_ELSEWHERE;
}

/*
 * Does it contradict a receipt that is held (PROTOCOL.md, "The ledger's chain")? Then that one's sequence; the lowest that
 * is seen, and 0 where none does.
 */
static uint64_t contradicted(const agent_event *event, const agent_session_scope *scope, const wire_receipt *receipt)
{
    uint64_t sequence = receipt->position.sequence, position = receipt->ledger_position, at, held;
    uint8_t chain[CRYPTO_HASH];

    if (event->held_receipt == NULL)
        return 0;
    if (event->held_receipt(event->outbox, scope->scope, sequence, false, &at, &held, chain)
        && (at == sequence ? held != position || memcmp(chain, receipt->chain, CRYPTO_HASH) != 0 : held >= position))
        return at;
    return event->held_receipt(event->outbox, scope->scope, sequence, true, &at, &held, chain) && held <= position ? at : 0;
}

/* An effect with all that the receipt says. */
static agent_effect *emit_receipt(agent_step *step, agent_effect_type type, const char *scope, const wire_message *ack,
                                  const wire_receipt *receipt)
{
    agent_effect *effect = agent_step_emit(step, type);

    effect->scope = scope;
    effect->sequence = receipt->position.sequence;
    effect->stable = receipt->position.stable;
    effect->ledger_position = receipt->ledger_position;
    memcpy(effect->chain, receipt->chain, CRYPTO_HASH);
    effect->receipt = ack->ack.receipt;
    effect->receipt_signature = ack->ack.signature;
    return effect;
}

static void take_receipt(agent_step *step, const wire_message *ack, const wire_receipt *receipt)
{
    agent_session *self = step->session;
    const wire_position *at = &receipt->position;
    agent_session_scope *scope = agent_step_find(self, at->scope);
    bool progress = at->sequence > scope->committed || at->sequence > scope->acknowledged;

    uint64_t before = contradicted(step->event, scope, receipt);
    if (before > scope->stable) {
        /*
         * Never called stable: the hub has lost its tail, and what was still under way to it has come to stand anew, so
         * that no WELCOME says so. What was refused of it this time, a HELLO on a fresh connection brings.
         */
        agent_renew_retract(step, scope, scope->stable);
        agent_step_lose(step, AGENT_STOP_UNREACHABLE);
        return;
    }
    if (before > 0) {
        (void) emit_receipt(step, AGENT_EFFECT_CONTRADICTED, scope->scope, ack, receipt);
        agent_step_halt(step, AGENT_STOP_HISTORY, 0);
        return;
    }
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
        agent_effect *effect = emit_receipt(step, AGENT_EFFECT_ACKNOWLEDGED, scope->scope, ack, receipt);
        effect->refusal_count = ack->ack.refusal_count;
        effect->refusals = ack->ack.refusals;
    }
    if (progress)
        agent_step_progress(self);
    agent_flow_arm(step, progress);
    agent_flow_pump(step);
}

static void take_ack(agent_step *step, const wire_message *ack)
{
    agent_session *self = step->session;
    wire_receipt receipt;
    receipt_meaning meaning = RECEIPT_WRONG;

    if (crypto_verify(ack->ack.signature, ack->ack.receipt.at, ack->ack.receipt.size, self->hub_sign)
        && wire_read_receipt(&receipt, ack->ack.receipt)
        && memcmp(receipt.agent, self->agent, CRYPTO_PUBLIC) == 0)
        meaning = judge_receipt(step, ack, &receipt);
    switch (meaning) {
    case RECEIPT_COUNTS: take_receipt(step, ack, &receipt); break;
    case RECEIPT_PAST: break;
    case RECEIPT_ELSEWHERE:
        if (self->state == AGENT_SESSION_FLOWING)
            agent_step_restart(step);
        break;
    case RECEIPT_WRONG: agent_step_halt(step, AGENT_STOP_WRONG_HUB, 0); break;
    }
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
        agent_step_bar(step, reason);
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
        /* A number that no batch has: it is the RENEW. */
        if (scope != NULL && scope->renewal == AGENT_RENEWAL_ASKED && refused->refused.sequence == 0)
            scope->refused_renewal = true;
        /* Several batches of one window are refused together: the first brings the HELLO. */
        if (self->state == AGENT_SESSION_FLOWING)
            agent_step_restart(step);
        break;
    case WIRE_REFUSAL_BUSY:
        if (self->state == AGENT_SESSION_FLOWING || (self->state == AGENT_SESSION_GREETING && whole))
            agent_step_pause(step);
        break;
    }
}

static bool may_push(const wire_contract *contract)
{
    for (unsigned i = 0; i < contract->action_count; i++)
        if (contract->actions[i].allowed)
            return true;
    return false;
}

static void take_contracts(agent_step *step, const wire_message *message)
{
    agent_session *self = step->session;
    bool news = false;

    emit_contracts(step, message->contracts.contracts, message->contracts.contract_count);
    for (unsigned i = 0; i < self->scope_count; i++)
        news |= self->scopes[i].stop != AGENT_STOP_NONE;
    for (unsigned i = 0; i < message->contracts.contract_count; i++) {
        const wire_contract *contract = &message->contracts.contracts[i];
        const agent_session_scope *scope = agent_step_find(self, contract->scope);
        news |= may_push(contract) && (scope == NULL || !scope->welcome);
    }
    if (news)
        begin_anew(step);
}

void agent_hear(agent_step *step)
{
    wire_message message;

    if (!agent_step_linked(step->session) || step->session->state == AGENT_SESSION_CONNECTING)
        return;
    if (!wire_read(&message, step->event->scratch, step->event->message)) {
        if (arena_short(step->event->scratch))
            return; /* short of memory: as though lost on the way, so that it comes again */
        agent_step_halt(step, AGENT_STOP_WRONG_HUB, 0);
        return;
    }
    switch (message.type) {
    case WIRE_WELCOME: take_welcome(step, &message); break;
    case WIRE_ACK: take_ack(step, &message); break;
    case WIRE_CONTRACTS: take_contracts(step, &message); break;
    case WIRE_REFUSED: take_refused(step, &message); break;
    case WIRE_GRANTED: agent_renew_granted(step, &message); break;
    case WIRE_DIGESTS: agent_compare_digests(step, &message); break;
    case WIRE_LISTED: agent_compare_listed(step, &message); break;
    case WIRE_HELLO:
    case WIRE_BATCH:
    case WIRE_RENEW:
    case WIRE_SURVEY:
    case WIRE_LIST: agent_step_halt(step, AGENT_STOP_WRONG_HUB, 0); break;
    }
}
