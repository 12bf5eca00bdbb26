#include "runtime.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logline.h"
#include "outbox_proof.h"
#include "runtime_base.h"

enum {
    EVENTS_MAX = 256, /* of the link, in one step */
    SCRATCH_BYTES = 17 * WIRE_MESSAGE_MAX, /* see wire_read */
};

/* Names of the outbox's values. */
static const char CONTACT[] = "contact";
static const char STOP[] = "arret";

uint64_t runtime_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void runtime_storage_failed(runtime *self, outbox_error error)
{
    if (error == OUTBOX_OK)
        return;
    self->failures++;
    if (error == self->storage)
        return; /* told once */
    self->storage = error;
    logline(LOGLINE_ERROR, "outbox cannot be read or written (%d)", (int)error);
}

bool runtime_write(runtime *self)
{
    if (!self->writing) {
        outbox_error error = outbox_begin(self->box);
        runtime_storage_failed(self, error);
        self->writing = error == OUTBOX_OK;
        self->unkept = self->unkept || error != OUTBOX_OK;
        self->before = self->tally;
    }
    return self->writing;
}

bool runtime_commit(runtime *self)
{
    if (!self->writing)
        return true;
    if (self->heard) {
        char text[32];
        (void)snprintf(text, sizeof text, "%" PRIu64, (uint64_t)time(NULL));
        (void)outbox_set(self->box, CONTACT, text_of(""), text_of(text));
    }
    self->writing = self->heard = false;
    outbox_error error = outbox_commit(self->box);
    if (error == OUTBOX_OK)
        return true;
    runtime_storage_failed(self, error);
    self->tally = self->before;
    self->unkept = true;
    return false;
}

/* What cannot be read is not absent: nothing may follow of it, and the session begins anew. */
static bool own_hash(void *runtime_of, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    runtime *self = runtime_of;
    outbox_error error = outbox_header_hash(self->box, scope, sequence, hash);
    if (error != OUTBOX_OK && error != OUTBOX_ABSENT) {
        runtime_storage_failed(self, error);
        self->unkept = true;
    }
    return error == OUTBOX_OK;
}

static bool held_receipt(void *runtime_of, const char *scope, uint64_t sequence, bool above, uint64_t *at, uint64_t *position,
                         uint8_t chain[CRYPTO_HASH])
{
    runtime *self = runtime_of;
    outbox_error error = outbox_proof_near(self->box, scope, sequence, above, at, position, chain);
    if (error != OUTBOX_OK && error != OUTBOX_ABSENT) {
        runtime_storage_failed(self, error);
        self->unkept = true;
    }
    return error == OUTBOX_OK;
}

bool runtime_send(runtime *self, const wire_message *message)
{
    batch_buffer_clear(&self->message);
    wire_write(&self->message, message);
    return !self->message.failed
        && agent_link_send(self->link, (text_view){(const char *)self->message.data, self->message.size});
}

static void send_hello(runtime *self)
{
    wire_message hello;
    wire_position scopes[WIRE_SCOPES_MAX];
    agent_session_hello(&self->session, &hello, scopes);
    /* What cannot be handed over is as lost as on the way: the session's timeout sees to it. */
    if (!runtime_send(self, &hello))
        logline(LOGLINE_WARNING, "cannot send HELLO");
}

agent_event *runtime_answer(runtime *self, agent_event_type type, const char *scope)
{
    (void)text_copy(self->answer_scope, sizeof self->answer_scope, text_of(scope));
    self->answer = (agent_event){.type = type, .scope = self->answer_scope};
    self->answered = true;
    return &self->answer;
}

void runtime_answer_lost(runtime *self)
{
    agent_link_disconnect(self->link);
    self->unkept = true; /* the outbox may have more than the session knows of */
    (void)runtime_answer(self, AGENT_EVENT_LOST, "");
}

static void send_batch(runtime *self, const agent_effect *effect)
{
    batch_buffer_clear(&self->message);
    outbox_error error = outbox_message(self->box, effect->scope, effect->sequence, &self->message);
    text_view message = {(const char *)self->message.data, self->message.size};
    agent_event *answer = runtime_answer(self, AGENT_EVENT_SENT, effect->scope);
    answer->sequence = effect->sequence;
    answer->bytes = message.size;
    if (error == OUTBOX_ABSENT) {
        answer->type = AGENT_EVENT_MISSING;
    } else if (error != OUTBOX_OK) {
        runtime_storage_failed(self, error);
        runtime_answer_lost(self);
    } else if (message.size > effect->bytes_max) {
        answer->type = AGENT_EVENT_HELD;
    } else if (!agent_link_send(self->link, message)) {
        runtime_answer_lost(self);
    }
}

static void acknowledge(runtime *self, const agent_effect *effect)
{
    if (!runtime_write(self))
        return;
    outbox_receipt receipt = {
        .scope = effect->scope,
        .sequence = effect->sequence,
        .stable = effect->stable,
        .ledger_position = effect->ledger_position,
        .receipt = effect->receipt,
        .signature = effect->receipt_signature,
        .chain = effect->chain,
        .refusal_count = effect->refusal_count,
        .refusals = effect->refusals,
    };
    (void)outbox_acknowledge(self->box, &receipt, &self->tally); /* a failure sticks to the transaction */
    self->forgets = true;
}

/* Evidence for people: both receipts are in the outbox from now on. */
static void contradicted(runtime *self, const agent_effect *effect)
{
    const outbox_proof against = {.sequence = effect->sequence, .position = effect->ledger_position, .chain = effect->chain,
                                  .receipt = effect->receipt, .signature = effect->receipt_signature,
                                  .state = PROOF_RECEIPT_AGAINST};
    logline(LOGLINE_ERROR, "scope %s: a receipt for sequence %" PRIu64 " contradicts one that the hub has signed before",
            effect->scope, effect->sequence);
    if (runtime_write(self))
        (void)outbox_proof_keep(self->box, effect->scope, &against);
}

static void report(runtime *self)
{
    agent_stop stop = agent_session_trouble(&self->session, NULL);
    if (stop != AGENT_STOP_NONE && self->logs)
        logline(LOGLINE_WARNING, "session with the hub: trouble %d, refusal %d", (int)stop,
                (int)self->session.refusal);
    if (!runtime_write(self))
        return;
    char text[64];
    (void)snprintf(text, sizeof text, "%d %d", (int)stop, (int)self->session.refusal);
    (void)outbox_set(self->box, STOP, text_of(""), text_of(text));
}

static void perform(runtime *self, const agent_effect *effect)
{
    switch (effect->type) {
    case AGENT_EFFECT_CONNECT:
        agent_link_connect(self->link);
        return;
    case AGENT_EFFECT_DISCONNECT:
        agent_link_disconnect(self->link);
        return;
    case AGENT_EFFECT_SEND_HELLO:
        send_hello(self);
        return;
    case AGENT_EFFECT_SEND_BATCH:
        send_batch(self, effect);
        return;
    case AGENT_EFFECT_ACKNOWLEDGED:
        acknowledge(self, effect);
        return;
    case AGENT_EFFECT_CONTRADICTED:
        contradicted(self, effect);
        return;
    case AGENT_EFFECT_CONTRACTS:
        self->told++;
        if (runtime_write(self))
            (void)outbox_set_contracts(self->box, effect->contracts, effect->contract_count);
        return;
    case AGENT_EFFECT_REPORT:
        report(self);
        return;
    case AGENT_EFFECT_RETRACT:
    case AGENT_EFFECT_BEGIN:
    case AGENT_EFFECT_SEND_RENEW:
    case AGENT_EFFECT_ADOPT:
    case AGENT_EFFECT_SEND_SURVEY:
    case AGENT_EFFECT_COMPARE:
    case AGENT_EFFECT_SEND_LIST:
    case AGENT_EFFECT_RECONCILE:
    case AGENT_EFFECT_RESYNCED:
        runtime_resume(self, effect);
        return;
    }
}

/* One event and all that follows of it at once. */
static void step(runtime *self, const agent_event *event)
{
    agent_effects effects;
    agent_event next = *event;
    for (;;) {
        self->answered = false;
        agent_session_step(&self->session, &next, runtime_now_ms(), &effects);
        for (unsigned i = 0; i < effects.count; i++)
            perform(self, &effects.items[i]);
        if (!self->answered)
            return;
        next = self->answer;
    }
}

/* What could not be written was never heard, unless it was written: the session goes back to what the outbox has. */
static void tell_unkept(runtime *self)
{
    self->unkept = false;
    for (unsigned i = 0; i < self->session.scope_count; i++) {
        agent_event event = {.type = AGENT_EVENT_UNKEPT, .scope = self->session.scopes[i].scope};
        outbox_scope has;
        if (outbox_scope_load(self->box, text_of(event.scope), &has) == OUTBOX_OK) {
            event.incarnation = has.incarnation;
            event.sequence = has.queued;
            event.hash = has.queued_hash;
            event.acknowledged = has.acknowledged;
            event.stable = has.stable;
        }
        step(self, &event);
    }
}

/* Ends the transaction of a step; telling of a failure may begin another, once. */
static void write_end(runtime *self)
{
    while (self->writing || self->unkept) {
        (void)runtime_commit(self);
        if (self->unkept)
            tell_unkept(self);
    }
}

static void step_simple(runtime *self, agent_event_type type)
{
    agent_event event = {.type = type};
    step(self, &event);
}

static void take_message(runtime *self, text_view message)
{
    agent_event event = {.type = AGENT_EVENT_MESSAGE,
                         .message = message,
                         .scratch = self->scratch,
                         .header_hash = own_hash,
                         .held_receipt = held_receipt,
                         .outbox = self};
    self->heard = true;
    step(self, &event);
    arena_clear(self->scratch);
}

/* False when there is nothing more to take. */
static bool take_event(runtime *self)
{
    agent_link_event event = agent_link_next(self->link);
    switch (event.type) {
    case AGENT_LINK_QUIET:
        return false;
    case AGENT_LINK_CONNECTED:
        self->met = true;
        step_simple(self, AGENT_EVENT_CONNECTED);
        return true;
    case AGENT_LINK_LOST:
        step_simple(self, AGENT_EVENT_LOST);
        return true;
    case AGENT_LINK_REFUSED_KEY:
        step_simple(self, AGENT_EVENT_REFUSED_KEY);
        return true;
    case AGENT_LINK_NO_DETAIL:
        step_simple(self, AGENT_EVENT_NO_DETAIL);
        return true;
    case AGENT_LINK_MESSAGE:
        take_message(self, event.message);
        return true;
    }
    return false;
}

void runtime_step(runtime *self, struct pollfd *others, unsigned count, int timeout_ms)
{
    uint64_t now = runtime_now_ms(), deadline = self->session.deadline_ms;
    if (deadline != UINT64_MAX) {
        uint64_t left = deadline > now ? deadline - now : 0;
        if (timeout_ms < 0 || left < (uint64_t)timeout_ms)
            timeout_ms = (int)(left > 3600 * 1000 ? 3600 * 1000 : left);
    }
    agent_link_wait(self->link, others, count, timeout_ms);
    for (int i = 0; i < EVENTS_MAX && take_event(self); i++)
        continue;
    if (runtime_now_ms() >= self->session.deadline_ms)
        step_simple(self, AGENT_EVENT_TICK);
    write_end(self);
    if (self->forgets && agent_session_pending(&self->session) == 0) {
        outbox_shrink(self->box);
        self->forgets = false;
    }
}

static outbox_error load_scopes(runtime *self)
{
    outbox_scope scopes[WIRE_SCOPES_MAX];
    unsigned count;
    outbox_error error = outbox_scopes(self->box, scopes, WIRE_SCOPES_MAX, &count);
    for (unsigned i = 0; i < count && error == OUTBOX_OK; i++) {
        const outbox_scope *scope = &scopes[i];
        if (!agent_session_add_scope(&self->session, scope->scope, scope->incarnation, scope->queued,
                                     scope->queued_hash, scope->acknowledged, scope->stable))
            error = OUTBOX_DAMAGED;
        else if (scope->resync)
            agent_session_want_resync(&self->session, scope->scope);
    }
    return error;
}

runtime *runtime_new(const agent_home *agent, outbox *box, const credential_approval *approval, outbox_error *error)
{
    runtime *self = calloc(1, sizeof *self);
    *error = OUTBOX_NO_MEMORY;
    if (self == NULL)
        return NULL;
    uint64_t seed;
    crypto_random(&seed, sizeof seed);
    self->agent = agent;
    self->box = box;
    batch_buffer_init(&self->message, WIRE_MESSAGE_MAX);
    self->scratch = arena_new(SCRATCH_BYTES);
    self->link = agent_link_new(&agent->secrets->curve);
    agent_session_init(&self->session, agent->secrets->sign.public_key, approval->hub_sign, seed);
    if (self->scratch != NULL && self->link != NULL) {
        runtime_towards(self, approval);
        *error = load_scopes(self);
    }
    if (*error != OUTBOX_OK)
        runtime_destroy(&self);
    return self;
}

void runtime_destroy(runtime **self)
{
    if (*self == NULL)
        return;
    assert(!(*self)->writing);
    agent_link_destroy(&(*self)->link);
    arena_destroy(&(*self)->scratch);
    batch_buffer_release(&(*self)->message);
    free(*self);
    *self = NULL;
}

void runtime_towards(runtime *self, const credential_approval *approval)
{
    agent_link_towards(self->link, approval->addresses, approval->address_count, approval->hub_curve);
}

void runtime_log(runtime *self, bool on)
{
    self->logs = on;
}

void runtime_start(runtime *self)
{
    step_simple(self, AGENT_EVENT_START);
    write_end(self);
}

outbox_error runtime_queued(runtime *self)
{
    outbox_scope scopes[WIRE_SCOPES_MAX];
    unsigned count;
    outbox_error error = outbox_scopes(self->box, scopes, WIRE_SCOPES_MAX, &count);
    for (unsigned i = 0; i < count && error == OUTBOX_OK; i++) {
        if (scopes[i].queued == 0)
            continue; /* it has begun, and has no batch yet */
        agent_event event = {
            .type = AGENT_EVENT_QUEUED,
            .scope = scopes[i].scope,
            .incarnation = scopes[i].incarnation,
            .sequence = scopes[i].queued,
            .hash = scopes[i].queued_hash,
        };
        step(self, &event);
    }
    write_end(self);
    return error;
}

const agent_session *runtime_session(const runtime *self)
{
    return &self->session;
}

const outbox_tally *runtime_tally(const runtime *self)
{
    return &self->tally;
}

bool runtime_met(const runtime *self)
{
    return self->met;
}

unsigned long runtime_told(const runtime *self)
{
    return self->told;
}

unsigned long runtime_failures(const runtime *self, outbox_error *last)
{
    *last = self->storage;
    return self->failures;
}

/* Up to two numbers kept as text; what is absent is 0. */
static outbox_error read_numbers(outbox *box, const char *name, uint64_t numbers[2])
{
    batch_buffer text;
    batch_buffer_init(&text, 256);
    numbers[0] = numbers[1] = 0;
    outbox_error error = outbox_get(box, name, text_of(""), &text);
    batch_buffer_append(&text, "", 1);
    if (error == OUTBOX_OK && !text.failed) {
        char *end = NULL;
        numbers[0] = strtoull((const char *)text.data, &end, 10);
        numbers[1] = strtoull(end, NULL, 10);
    }
    batch_buffer_release(&text);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

outbox_error runtime_last_contact(outbox *box, uint64_t *seconds, agent_stop *stop, wire_refusal *refusal)
{
    uint64_t contact[2], stopped[2];
    outbox_error error = read_numbers(box, CONTACT, contact);
    if (error == OUTBOX_OK)
        error = read_numbers(box, STOP, stopped);
    if (error == OUTBOX_OK) {
        *seconds = contact[0];
        *stop = stopped[0] <= AGENT_STOP_HISTORY ? (agent_stop)stopped[0] : AGENT_STOP_NONE; /* of an older version */
        *refusal = (wire_refusal)stopped[1];
    }
    return error;
}
