#include "hub_session.h"

#include <assert.h>
#include <string.h>

/* One step: what every part of it needs. */
typedef struct {
    hub_session *session;
    const hub_event *event;
    hub_effects *effects;
} hub_step;

static hub_effect *emit(hub_step *step, hub_effect_type type)
{
    hub_effects *effects = step->effects;

    assert(effects->count < HUB_SESSION_EFFECTS_MAX);
    memset(&effects->items[effects->count], 0, sizeof effects->items[effects->count]);
    effects->items[effects->count].type = type;
    return &effects->items[effects->count++];
}

static void refuse(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence)
{
    hub_effect *effect = emit(step, HUB_EFFECT_SEND);

    effect->message.type = WIRE_REFUSED;
    effect->message.refused.reason = reason;
    effect->message.refused.scope = scope;
    effect->message.refused.sequence = sequence;
}

static void alarm_of(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence)
{
    hub_effect *effect = emit(step, HUB_EFFECT_ALARM);

    effect->reason = reason;
    effect->scope = scope;
    effect->sequence = sequence;
}

static const text_view nowhere = {NULL, 0};

static void cut(hub_step *step)
{
    step->session->state = HUB_SESSION_CLOSED;
    (void) emit(step, HUB_EFFECT_CUT);
}

/* What no honest agent sends: a few times it is told so, then it is cut. */
static void strike(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence)
{
    refuse(step, reason, scope, sequence);
    alarm_of(step, reason, scope, sequence);
    if (++step->session->strikes >= HUB_SESSION_STRIKES_MAX)
        cut(step);
}

static hub_session_scope *find(hub_session *self, text_view name)
{
    for (unsigned i = 0; i < self->scope_count; i++)
        if (text_is(name, self->scopes[i].scope))
            return &self->scopes[i];
    return NULL;
}

/* HELLO and the store's answer to it. */

static void take_hello(hub_step *step, const wire_message *hello)
{
    hub_session *self = step->session;

    if (hello->hello.version != WIRE_VERSION) {
        strike(step, WIRE_REFUSAL_VERSION, nowhere, 0);
        return;
    }
    if (self->loading)
        return; /* the answer under way serves this one too */
    self->loading = true;
    if (self->state == HUB_SESSION_EXPECT_HELLO)
        self->state = HUB_SESSION_LOADING;
    self->hello_count = hello->hello.scope_count;
    for (unsigned i = 0; i < self->hello_count; i++) {
        const wire_position *said = &hello->hello.scopes[i];
        bool whole = text_copy(self->hello[i].scope, sizeof self->hello[i].scope, said->scope);
        assert(whole); /* wire_read bounds it */
        self->hello[i].sequence = said->sequence;
        memcpy(self->hello[i].hash, said->hash, CRYPTO_HASH);
    }
    emit(step, HUB_EFFECT_LOAD)->message = *hello;
}

/* An agent that is behind what it has signed, or on another chain: restored, or cloned. */
static void compare_hello(hub_step *step, const wire_position *has)
{
    const hub_session *self = step->session;

    for (unsigned i = 0; i < self->hello_count; i++) {
        if (!text_is(has->scope, self->hello[i].scope))
            continue;
        bool behind = self->hello[i].sequence < has->sequence;
        bool other = self->hello[i].sequence == has->sequence && memcmp(self->hello[i].hash, has->hash, CRYPTO_HASH) != 0;
        if (behind || other)
            alarm_of(step, WIRE_REFUSAL_FORK, has->scope, has->sequence);
        return;
    }
}

/* Takes over what the store says of a scope; batches that came after the LOAD stay in the store's hands. */
static void install_scope(hub_session_scope *scope, const hub_session_scope *before, const hub_session_loaded *loaded)
{
    const wire_position *has = &loaded->position;

    *scope = (hub_session_scope){.incarnation = has->incarnation, .sequence = has->sequence, .stable = has->stable,
                                 .ledger_position = loaded->ledger_position, .handed = has->sequence};
    bool whole = text_copy(scope->scope, sizeof scope->scope, has->scope);
    assert(whole); /* the store holds valid scopes alone */
    memcpy(scope->hash, has->hash, CRYPTO_HASH);
    if (before != NULL && !before->halted && before->sequence == has->sequence && before->handed > before->sequence
        && memcmp(before->hash, has->hash, CRYPTO_HASH) == 0) {
        scope->handed = before->handed;
        memcpy(scope->handed_hash, before->handed_hash, sizeof scope->handed_hash);
    }
}

static void acknowledge(hub_step *step, const wire_position *position, uint64_t ledger_position,
                        unsigned refusal_count, const wire_record_refusal *refusals)
{
    hub_effect *effect = emit(step, HUB_EFFECT_ACK);

    memcpy(effect->receipt.agent, step->session->agent, CRYPTO_PUBLIC);
    effect->receipt.position = *position;
    effect->receipt.ledger_position = ledger_position;
    effect->refusal_count = refusal_count;
    effect->refusals = refusals;
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
        alarm_of(step, WIRE_REFUSAL_SCOPE, nowhere, 0);
    for (unsigned i = 0; i < self->scope_count; i++) {
        const hub_session_loaded *loaded = &event->scopes[i];
        const hub_session_scope *old = NULL;
        for (unsigned j = 0; j < before_count; j++)
            if (text_is(loaded->position.scope, before[j].scope))
                old = &before[j];
        install_scope(&self->scopes[i], old, loaded);
        self->positions[i] = loaded->position;
        self->positions[i].scope = text_of(self->scopes[i].scope);
        compare_hello(step, &self->positions[i]);
    }
}

static void welcome(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;
    wire_message *message = &emit(step, HUB_EFFECT_SEND)->message;

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
            acknowledge(step, &self->positions[i], event->scopes[i].ledger_position, event->scopes[i].refusal_count,
                        event->scopes[i].refusals);
}

static void revoke(hub_step *step)
{
    refuse(step, WIRE_REFUSAL_REVOKED, nowhere, 0);
    cut(step);
}

static void take_state(hub_step *step)
{
    hub_session *self = step->session;

    if (!self->loading)
        return;
    self->loading = false;
    if (step->event->stored == HUB_STORED_NO_RIGHT) {
        revoke(step);
    } else if (step->event->stored != HUB_STORED_COMMITTED) {
        if (self->state == HUB_SESSION_LOADING)
            self->state = HUB_SESSION_EXPECT_HELLO;
        refuse(step, WIRE_REFUSAL_BUSY, nowhere, 0);
    } else {
        install(step);
        self->state = HUB_SESSION_OPEN;
        welcome(step);
    }
}

/* Batches. */

/* The scope's further batches are passed over: the agent has been told, and says HELLO before it goes on. */
static void refuse_batch(hub_step *step, hub_session_scope *scope, wire_refusal reason, uint64_t sequence)
{
    scope->halted = true;
    scope->handed = scope->sequence;
    refuse(step, reason, text_of(scope->scope), sequence);
    if (reason == WIRE_REFUSAL_FORK || reason == WIRE_REFUSAL_KEY)
        alarm_of(step, reason, text_of(scope->scope), sequence);
}

/* Are the bodies those that the header announces? A body may be absent. */
static bool bodies_fit(const batch_header *header, const wire_message *batch)
{
    uint8_t hash[CRYPTO_HASH];

    if (batch->batch.body_count != header->body_count)
        return false;
    for (unsigned i = 0; i < header->body_count; i++) {
        if (batch->batch.bodies[i].at == NULL)
            continue;
        batch_hash(hash, batch->batch.bodies[i]);
        if (memcmp(hash, header->hashes[i], CRYPTO_HASH) != 0)
            return false;
    }
    return true;
}

static const uint8_t *last_handed(const hub_session_scope *scope)
{
    return scope->handed == scope->sequence ? scope->hash : scope->handed_hash[scope->handed % HUB_SESSION_CREDIT_BATCHES];
}

static void store(hub_step *step, const wire_message *batch, const batch_header *header)
{
    hub_effect *effect = emit(step, HUB_EFFECT_STORE);

    effect->message = *batch;
    effect->header = *header;
    effect->bytes = step->event->message.size;
    step->session->outstanding_batches++;
    step->session->outstanding_bytes += effect->bytes;
}

/* A batch of this scope, well signed and well formed: is it the next one? */
static void order(hub_step *step, hub_session_scope *scope, const wire_message *batch, const batch_header *header)
{
    hub_session *self = step->session;
    uint64_t sequence = header->sequence;
    uint8_t hash[CRYPTO_HASH];

    batch_hash(hash, batch->batch.header);
    if (header->incarnation != scope->incarnation) {
        refuse_batch(step, scope, WIRE_REFUSAL_INCARNATION, sequence);
        return;
    }
    if (sequence > scope->handed + 1) {
        refuse_batch(step, scope, WIRE_REFUSAL_SEQUENCE, sequence);
        return;
    }
    if (sequence > scope->sequence && sequence <= scope->handed) {
        /* In the store's hands already, whose answer will acknowledge it. */
        if (memcmp(hash, scope->handed_hash[sequence % HUB_SESSION_CREDIT_BATCHES], CRYPTO_HASH) != 0)
            refuse_batch(step, scope, WIRE_REFUSAL_FORK, sequence);
        return;
    }
    bool next = sequence == scope->handed + 1;
    if ((next && memcmp(header->previous, last_handed(scope), CRYPTO_HASH) != 0)
        || (!next && sequence == scope->sequence && memcmp(hash, scope->hash, CRYPTO_HASH) != 0)) {
        refuse_batch(step, scope, WIRE_REFUSAL_FORK, sequence);
        return;
    }
    if (self->outstanding_batches >= HUB_SESSION_CREDIT_BATCHES
        || (self->outstanding_batches > 0
            && self->outstanding_bytes + step->event->message.size > HUB_SESSION_CREDIT_BYTES)) {
        refuse_batch(step, scope, WIRE_REFUSAL_BUSY, sequence);
        return;
    }
    if (next) {
        scope->handed = sequence;
        memcpy(scope->handed_hash[sequence % HUB_SESSION_CREDIT_BATCHES], hash, CRYPTO_HASH);
    }
    store(step, batch, header); /* one that was committed before, too: the store knows with which hash */
}

static void take_batch(hub_step *step, const wire_message *batch)
{
    hub_session *self = step->session;
    batch_header header;

    if (self->state != HUB_SESSION_OPEN) {
        /* The connection is new to us, not to the agent: it shall say HELLO. */
        refuse(step, WIRE_REFUSAL_SEQUENCE, nowhere, 0);
        return;
    }
    if (!batch_verify(batch->batch.signature, batch->batch.header, self->agent)) {
        strike(step, WIRE_REFUSAL_SIGNATURE, nowhere, 0);
        return;
    }
    if (!batch_read_header(&header, step->event->scratch, batch->batch.header)) {
        strike(step, WIRE_REFUSAL_MALFORMED, nowhere, 0);
        return;
    }
    if (memcmp(header.agent, self->agent, CRYPTO_PUBLIC) != 0) {
        strike(step, WIRE_REFUSAL_SIGNATURE, header.scope, header.sequence);
        return;
    }
    if (!bodies_fit(&header, batch)) {
        strike(step, WIRE_REFUSAL_MALFORMED, header.scope, header.sequence);
        return;
    }
    hub_session_scope *scope = find(self, header.scope);
    if (scope == NULL)
        refuse(step, WIRE_REFUSAL_SCOPE, header.scope, header.sequence);
    else if (!scope->halted)
        order(step, scope, batch, &header);
}

static void take_message(hub_step *step)
{
    wire_message message;

    if (!wire_read(&message, step->event->scratch, step->event->message)) {
        strike(step, WIRE_REFUSAL_MALFORMED, nowhere, 0);
        return;
    }
    switch (message.type) {
    case WIRE_HELLO: take_hello(step, &message); break;
    case WIRE_BATCH: take_batch(step, &message); break;
    default: strike(step, WIRE_REFUSAL_MALFORMED, nowhere, 0);
    }
}

/* The store's answer to a batch. */

static wire_refusal refusal_of(hub_stored stored)
{
    switch (stored) {
    case HUB_STORED_FORK: return WIRE_REFUSAL_FORK;
    case HUB_STORED_SEQUENCE: return WIRE_REFUSAL_SEQUENCE;
    case HUB_STORED_SCOPE: return WIRE_REFUSAL_SCOPE;
    case HUB_STORED_KEY: return WIRE_REFUSAL_KEY;
    case HUB_STORED_INCARNATION: return WIRE_REFUSAL_INCARNATION;
    case HUB_STORED_NO_RIGHT: return WIRE_REFUSAL_REVOKED;
    case HUB_STORED_COMMITTED:
    case HUB_STORED_AGAIN:
    case HUB_STORED_LATER: break;
    }
    return WIRE_REFUSAL_BUSY;
}

static void take_committed(hub_step *step, hub_session_scope *scope)
{
    const hub_event *event = step->event;
    const wire_position *position = &event->position;

    if (scope != NULL && position->sequence >= scope->sequence) {
        scope->sequence = position->sequence;
        scope->stable = position->stable;
        scope->ledger_position = event->ledger_position;
        memcpy(scope->hash, position->hash, CRYPTO_HASH);
        if (scope->handed < scope->sequence)
            scope->handed = scope->sequence;
    }
    acknowledge(step, position, event->ledger_position, event->refusal_count, event->refusals);
}

static void take_stored(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;
    hub_session_scope *scope = find(self, text_of(event->scope));

    assert(self->outstanding_batches > 0 && self->outstanding_bytes >= event->bytes);
    self->outstanding_batches--;
    self->outstanding_bytes -= event->bytes;
    if (event->stored == HUB_STORED_COMMITTED || event->stored == HUB_STORED_AGAIN)
        take_committed(step, scope);
    else if (event->stored == HUB_STORED_NO_RIGHT)
        revoke(step);
    else if (scope == NULL)
        refuse(step, refusal_of(event->stored), text_of(event->scope), event->sequence);
    else if (!scope->halted) /* else what follows a refused batch, and the agent knows */
        refuse_batch(step, scope, refusal_of(event->stored), event->sequence);
}

static void take_changed(hub_step *step)
{
    if (step->session->state != HUB_SESSION_OPEN)
        return;
    wire_message *message = &emit(step, HUB_EFFECT_SEND)->message;
    message->type = WIRE_CONTRACTS;
    message->contracts.contracts = step->event->contracts;
    message->contracts.contract_count = step->event->contract_count;
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
    case HUB_EVENT_STORED: take_stored(&step); break;
    case HUB_EVENT_CHANGED: take_changed(&step); break;
    case HUB_EVENT_REVOKED: revoke(&step); break;
    }
}
