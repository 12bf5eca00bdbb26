#include "agent_session.h"

#include <assert.h>
#include <string.h>

/* One step: what every part of it needs. */
typedef struct {
    agent_session *session;
    const agent_event *event;
    uint64_t now;
    agent_effects *effects;
} agent_step;

static agent_effect *emit(agent_step *step, agent_effect_type type)
{
    agent_effects *effects = step->effects;

    assert(effects->count < AGENT_SESSION_EFFECTS_MAX);
    effects->items[effects->count] = (agent_effect){.type = type};
    return &effects->items[effects->count++];
}

/* Once in a step, however much has changed. */
static void report(agent_step *step)
{
    for (unsigned i = 0; i < step->effects->count; i++)
        if (step->effects->items[i].type == AGENT_EFFECT_REPORT)
            return;
    (void) emit(step, AGENT_EFFECT_REPORT);
}

static void set_stop(agent_step *step, agent_stop stop, wire_refusal refusal)
{
    agent_session *self = step->session;

    if (self->stop == stop && self->refusal == refusal)
        return;
    self->stop = stop;
    self->refusal = refusal;
    report(step);
}

static agent_session_scope *find(agent_session *self, text_view name)
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

static bool linked(const agent_session *self)
{
    return self->state == AGENT_SESSION_CONNECTING || self->state == AGENT_SESSION_GREETING
           || self->state == AGENT_SESSION_FLOWING || self->state == AGENT_SESSION_PAUSED;
}

/* Nothing is known to be on its way any more. */
static void forget_sent(agent_session *self)
{
    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].sent = self->scopes[i].committed;
    self->outstanding_batches = self->outstanding_bytes = 0;
    self->sending = false;
    self->held_bytes = 0;
}

static void connect_hub(agent_step *step)
{
    agent_session *self = step->session;

    forget_sent(self);
    self->hellos = 0;
    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].welcome = false;
    self->state = AGENT_SESSION_CONNECTING;
    self->deadline_ms = step->now + AGENT_SESSION_CONNECT_TIMEOUT_MS;
    (void) emit(step, AGENT_EFFECT_CONNECT);
}

/* The connection is of no more use: drop it and try again after the back-off. */
static void lose(agent_step *step, agent_stop stop)
{
    agent_session *self = step->session;

    /* One that held for long was sound: what follows is a new trouble. */
    if (self->state == AGENT_SESSION_FLOWING && step->now - self->welcomed_ms >= AGENT_SESSION_RETRY_MS_MAX)
        self->retry_ms = AGENT_SESSION_RETRY_MS_MIN;
    self->state = AGENT_SESSION_WAITING;
    forget_sent(self);
    (void) emit(step, AGENT_EFFECT_DISCONNECT);
    back_off(step);
    set_stop(step, stop, 0);
}

/* A person must act. */
static void halt(agent_step *step, agent_stop stop, wire_refusal refusal)
{
    agent_session *self = step->session;

    self->state = AGENT_SESSION_STOPPED;
    self->deadline_ms = UINT64_MAX;
    forget_sent(self);
    (void) emit(step, AGENT_EFFECT_DISCONNECT);
    set_stop(step, stop, refusal);
}

static void greet(agent_step *step)
{
    agent_session *self = step->session;

    if (self->hellos == AGENT_SESSION_HELLO_TRIES) {
        lose(step, AGENT_STOP_UNREACHABLE);
        return;
    }
    self->hellos++;
    self->sending = false;
    self->state = AGENT_SESSION_GREETING;
    self->deadline_ms = step->now + AGENT_SESSION_ACK_TIMEOUT_MS;
    (void) emit(step, AGENT_EFFECT_SEND_HELLO);
}

static void pause_flow(agent_step *step)
{
    step->session->state = AGENT_SESSION_PAUSED;
    step->session->sending = false;
    back_off(step);
}

/* Is there a batch on its way, or committed by the hub's word alone, whose receipt has not come? */
static bool awaits_receipt(const agent_session *self)
{
    for (unsigned i = 0; i < self->scope_count; i++) {
        const agent_session_scope *scope = &self->scopes[i];
        if (scope->welcome && scope->stop == AGENT_STOP_NONE
            && (scope->sent > scope->committed || scope->sent > scope->acknowledged))
            return true;
    }
    return false;
}

/* The time for the next acknowledgement runs from the last progress. */
static void arm(agent_step *step, bool progress)
{
    agent_session *self = step->session;

    if (self->state == AGENT_SESSION_GREETING && progress) {
        /* The hub lives, and its WELCOME may stand behind a long queue. */
        self->hellos = 1;
        self->deadline_ms = step->now + AGENT_SESSION_ACK_TIMEOUT_MS;
    }
    if (self->state != AGENT_SESSION_FLOWING)
        return;
    if (!awaits_receipt(self))
        self->deadline_ms = UINT64_MAX;
    else if (progress || self->deadline_ms == UINT64_MAX)
        self->deadline_ms = step->now + AGENT_SESSION_ACK_TIMEOUT_MS;
}

/* Asks for the next batch, if the hub's credit allows one and none is under way. */
static void pump(agent_step *step)
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
        if (!scope->welcome || scope->stop != AGENT_STOP_NONE || scope->sent >= scope->queued)
            continue;
        self->turn = turn;
        self->sending = true;
        agent_effect *effect = emit(step, AGENT_EFFECT_SEND_BATCH);
        effect->scope = scope->scope;
        effect->sequence = scope->sent + 1;
        effect->bytes_max = bytes_max;
        return;
    }
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

static void take_sent(agent_step *step)
{
    agent_session *self = step->session;
    agent_session_scope *scope = answered(step);

    if (scope == NULL)
        return;
    scope->sent++;
    scope->window_bytes[scope->sent % AGENT_SESSION_WINDOW_MAX] = step->event->bytes;
    self->outstanding_batches++;
    self->outstanding_bytes += step->event->bytes;
    self->held_bytes = 0;
    self->turn = (self->turn + 1) % self->scope_count;
    arm(step, false);
    pump(step);
}

static void take_held(agent_step *step)
{
    agent_session *self = step->session;

    if (answered(step) == NULL)
        return;
    self->held_bytes = step->event->bytes;
    if (self->outstanding_batches == 0) /* larger than any message may be: no credit will ever do */
        halt(step, AGENT_STOP_PROTOCOL, WIRE_REFUSAL_MALFORMED);
}

static void take_missing(agent_step *step)
{
    if (answered(step) != NULL)
        halt(step, AGENT_STOP_HUB_LOST, 0);
}

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

static void clear_scope_stops(agent_step *step)
{
    agent_session *self = step->session;

    for (unsigned i = 0; i < self->scope_count; i++) {
        if (self->scopes[i].stop != AGENT_STOP_NONE)
            report(step);
        self->scopes[i].stop = AGENT_STOP_NONE;
        self->scopes[i].refusal = 0;
    }
}

static void stop_scope(agent_step *step, agent_session_scope *scope, wire_refusal refusal)
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
    scope->stop = AGENT_STOP_NO_RIGHT;
    scope->refusal = refusal;
    report(step);
}

/* Takes the hub's positions; false when one of them stops the session. */
static bool take_positions(agent_step *step, const wire_message *welcome)
{
    agent_session *self = step->session;

    for (unsigned i = 0; i < self->scope_count; i++)
        self->scopes[i].welcome = false;
    for (unsigned i = 0; i < welcome->welcome.scope_count; i++) {
        const wire_position *at = &welcome->welcome.scopes[i];
        agent_session_scope *scope = find(self, at->scope);
        agent_stop stop = scope != NULL        ? judge_position(step->event, scope, at)
                          : at->sequence > 0 ? AGENT_STOP_FORK
                                             : AGENT_STOP_NONE;
        if (stop != AGENT_STOP_NONE) {
            halt(step, stop, 0);
            return false;
        }
        if (scope != NULL) {
            scope->committed = at->sequence;
            scope->welcome = true;
            if (scope->refusal == WIRE_REFUSAL_SCOPE) {
                scope->stop = AGENT_STOP_NONE;
                scope->refusal = 0;
                report(step);
            }
        }
    }
    forget_sent(self);
    for (unsigned i = 0; i < self->scope_count; i++) {
        agent_session_scope *scope = &self->scopes[i];
        if (!scope->welcome && scope->queued > scope->acknowledged && scope->stop == AGENT_STOP_NONE)
            stop_scope(step, scope, WIRE_REFUSAL_SCOPE);
    }
    return true;
}

static void emit_contracts(agent_step *step, const wire_contract *contracts, unsigned count)
{
    agent_effect *effect = emit(step, AGENT_EFFECT_CONTRACTS);

    effect->contracts = contracts;
    effect->contract_count = count;
}

static void take_welcome(agent_step *step, const wire_message *welcome)
{
    agent_session *self = step->session;

    if (welcome->welcome.version != WIRE_VERSION) {
        halt(step, AGENT_STOP_PROTOCOL, WIRE_REFUSAL_VERSION);
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
    set_stop(step, AGENT_STOP_NONE, 0);
    arm(step, true);
    pump(step);
}

/* Is this receipt the hub's word on batches that are ours? */
static bool is_ours(agent_step *step, const wire_message *ack, const wire_receipt *receipt, bool *known)
{
    agent_session *self = step->session;
    const wire_position *at = &receipt->position;
    const agent_session_scope *scope = find(self, at->scope);

    if (memcmp(receipt->agent, self->agent, CRYPTO_PUBLIC) != 0 || scope == NULL
        || at->incarnation != scope->incarnation)
        return false;
    if (at->sequence > (scope->sent > scope->acknowledged ? scope->sent : scope->acknowledged))
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
        halt(step, AGENT_STOP_WRONG_HUB, 0);
        return;
    }
    if (!known)
        return;
    const wire_position *at = &receipt.position;
    agent_session_scope *scope = find(self, at->scope);
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
        agent_effect *effect = emit(step, AGENT_EFFECT_ACKNOWLEDGED);
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
    arm(step, progress);
    pump(step);
}

static void take_refused(agent_step *step, const wire_message *refused)
{
    agent_session *self = step->session;
    wire_refusal reason = refused->refused.reason;
    bool whole = refused->refused.scope.size == 0;
    agent_session_scope *scope = find(self, refused->refused.scope);

    switch (reason) {
    case WIRE_REFUSAL_MALFORMED:
    case WIRE_REFUSAL_VERSION:
    case WIRE_REFUSAL_SIGNATURE:
        halt(step, AGENT_STOP_PROTOCOL, reason);
        break;
    case WIRE_REFUSAL_FORK:
        halt(step, AGENT_STOP_FORK, reason);
        break;
    case WIRE_REFUSAL_REVOKED:
        halt(step, AGENT_STOP_NOT_ADMITTED, reason);
        break;
    case WIRE_REFUSAL_SCOPE:
    case WIRE_REFUSAL_KEY:
        if (whole) {
            halt(step, AGENT_STOP_NO_RIGHT, reason);
        } else if (scope != NULL && scope->stop == AGENT_STOP_NONE) {
            stop_scope(step, scope, reason);
            arm(step, false);
            pump(step);
        }
        break;
    case WIRE_REFUSAL_SEQUENCE:
    case WIRE_REFUSAL_INCARNATION:
        /* Several batches of one window are refused together: the first brings the HELLO. */
        if (self->state != AGENT_SESSION_FLOWING)
            break;
        if (self->restarts++ == 0)
            greet(step);
        else
            pause_flow(step);
        break;
    case WIRE_REFUSAL_BUSY:
        if (self->state == AGENT_SESSION_FLOWING || (self->state == AGENT_SESSION_GREETING && whole))
            pause_flow(step);
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
    clear_scope_stops(step);
    greet(step);
}

static void take_message(agent_step *step)
{
    wire_message message;

    if (!linked(step->session) || step->session->state == AGENT_SESSION_CONNECTING)
        return;
    if (!wire_read(&message, step->event->scratch, step->event->message)) {
        halt(step, AGENT_STOP_WRONG_HUB, 0);
        return;
    }
    switch (message.type) {
    case WIRE_WELCOME: take_welcome(step, &message); break;
    case WIRE_ACK: take_ack(step, &message); break;
    case WIRE_CONTRACTS: take_contracts(step, &message); break;
    case WIRE_REFUSED: take_refused(step, &message); break;
    case WIRE_HELLO:
    case WIRE_BATCH: halt(step, AGENT_STOP_WRONG_HUB, 0); break;
    }
}

static void take_start(agent_step *step)
{
    agent_session *self = step->session;
    bool stopped = false;

    for (unsigned i = 0; i < self->scope_count; i++)
        stopped |= self->scopes[i].stop != AGENT_STOP_NONE;
    clear_scope_stops(step);
    if (!linked(self))
        connect_hub(step);
    else if (stopped && self->state == AGENT_SESSION_FLOWING)
        greet(step);
}

static void take_queued(agent_step *step)
{
    agent_session *self = step->session;
    const agent_event *event = step->event;
    agent_session_scope *scope = find(self, text_of(event->scope));

    if (scope == NULL) {
        if (!agent_session_add_scope(self, event->scope, event->incarnation, event->sequence, event->hash, 0, 0))
            return;
        scope = &self->scopes[self->scope_count - 1];
    } else if (event->sequence > scope->queued) {
        scope->queued = event->sequence;
        scope->incarnation = event->incarnation;
        memcpy(scope->queued_hash, event->hash, CRYPTO_HASH);
    }
    if (self->state != AGENT_SESSION_FLOWING || scope->stop != AGENT_STOP_NONE)
        return;
    if (scope->welcome)
        pump(step);
    else
        greet(step); /* the hub has not said what it has of this scope */
}

static void take_no_detail(agent_step *step)
{
    agent_session *self = step->session;

    if (!linked(self))
        return;
    if (++self->no_detail_failures < AGENT_SESSION_WRONG_KEY_FAILURES) {
        lose(step, AGENT_STOP_UNREACHABLE);
        return;
    }
    self->retry_ms = AGENT_SESSION_RETRY_MS_MAX;
    lose(step, AGENT_STOP_WRONG_HUB);
}

static void take_lost(agent_step *step)
{
    agent_session *self = step->session;

    if (!linked(self))
        return;
    self->no_detail_failures = 0;
    lose(step, AGENT_STOP_UNREACHABLE);
}

static void take_connected(agent_step *step)
{
    agent_session *self = step->session;

    if (self->state != AGENT_SESSION_CONNECTING)
        return;
    self->no_detail_failures = 0;
    greet(step);
}

static void take_tick(agent_step *step)
{
    agent_session *self = step->session;

    if (step->now < self->deadline_ms)
        return;
    switch (self->state) {
    case AGENT_SESSION_CONNECTING:
        lose(step, AGENT_STOP_UNREACHABLE);
        break;
    case AGENT_SESSION_PAUSED:
        self->hellos = 0;
        greet(step);
        break;
    case AGENT_SESSION_GREETING:
    case AGENT_SESSION_FLOWING:
        greet(step);
        break;
    case AGENT_SESSION_WAITING:
        connect_hub(step);
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
        if (linked(self))
            halt(&step, AGENT_STOP_NOT_ADMITTED, 0);
        break;
    case AGENT_EVENT_NO_DETAIL: take_no_detail(&step); break;
    case AGENT_EVENT_MESSAGE: take_message(&step); break;
    case AGENT_EVENT_SENT: take_sent(&step); break;
    case AGENT_EVENT_HELD: take_held(&step); break;
    case AGENT_EVENT_MISSING: take_missing(&step); break;
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
                                   .stable = stable, .committed = acknowledged, .sent = acknowledged};
    if (!text_copy(added->scope, sizeof added->scope, text_of(scope)) || added->scope[0] == '\0')
        return false;
    if (queued > 0)
        memcpy(added->queued_hash, queued_hash, CRYPTO_HASH);
    self->scope_count++;
    return true;
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

agent_stop agent_session_trouble(const agent_session *self, const char *scope)
{
    if (self->stop != AGENT_STOP_NONE)
        return self->stop;
    for (unsigned i = 0; i < self->scope_count; i++)
        if (self->scopes[i].stop != AGENT_STOP_NONE && (scope == NULL || strcmp(scope, self->scopes[i].scope) == 0))
            return self->scopes[i].stop;
    return AGENT_STOP_NONE;
}
