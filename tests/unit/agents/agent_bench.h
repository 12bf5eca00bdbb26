/*
 * agent_bench: an agent's session on a bench: a hub that says what a test wants, an outbox whose header hashes are a
 * function of scope and sequence. One session at a time.
 */
#ifndef CTAI_TEST_AGENT_BENCH_H
#define CTAI_TEST_AGENT_BENCH_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "agent_session.h"

static crypto_sign_pair hub_pair, other_pair;
static uint8_t agent_key[CRYPTO_PUBLIC] = {1};
static agent_session session;
static agent_effects effects;
static arena *scratch;
static batch_buffer bytes, receipt_bytes;
static uint64_t now;
static uint64_t kept_from; /* the outbox has forgotten what is before */

static inline void hash_of(uint8_t hash[CRYPTO_HASH], const char *scope, uint64_t sequence)
{
    crypto_digest(hash, (const uint8_t *) "a key for the test's own hashes.", 32, scope, strlen(scope));
    memcpy(hash, &sequence, sizeof sequence);
    if (sequence == 0)
        memset(hash, 0, CRYPTO_HASH);
}

static inline bool own_hash(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    (void) outbox;
    if (sequence < kept_from)
        return false;
    hash_of(hash, scope, sequence);
    return true;
}

/* The receipts of scope 63 that are held: nearest below or at, and above. */
static struct { bool there; uint64_t sequence, position; uint8_t link; } held[2];

static inline bool held_receipt(void *outbox, const char *scope, uint64_t sequence, bool above, uint64_t *at, uint64_t *where,
                                uint8_t chain[CRYPTO_HASH])
{
    (void) outbox;
    *at = held[above].sequence;
    *where = held[above].position;
    memset(chain, held[above].link, CRYPTO_HASH);
    return held[above].there && strcmp(scope, "63") == 0 && above == (held[above].sequence > sequence);
}

static inline void step(agent_event event)
{
    arena_clear(scratch);
    event.scratch = scratch;
    event.header_hash = own_hash;
    event.held_receipt = held_receipt;
    agent_session_step(&session, &event, now, &effects);
}

static inline void simple(agent_event_type type)
{
    step((agent_event){.type = type});
}

static inline void tell(const wire_message *message)
{
    batch_buffer_clear(&bytes);
    wire_write(&bytes, message);
    ck_assert(!bytes.failed);
    step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = {(char *) bytes.data, bytes.size}});
}

static inline wire_position position(const char *scope, uint64_t sequence)
{
    wire_position made = {.scope = text_of(scope), .incarnation = 1, .sequence = sequence};

    hash_of(made.hash, scope, sequence);
    return made;
}

static inline void welcome_at(wire_position *positions, unsigned count, unsigned batches, uint64_t credit)
{
    wire_message message = {.type = WIRE_WELCOME};

    message.welcome.version = WIRE_VERSION;
    message.welcome.credit_batches = batches;
    message.welcome.credit_bytes = credit;
    message.welcome.scopes = positions;
    message.welcome.scope_count = count;
    tell(&message);
}

static inline void welcome(uint64_t sequence)
{
    wire_position at = position("63", sequence);

    welcome_at(&at, 1, 8, 8 << 20);
}

/* An ACK whose parts the caller may spoil. */
typedef struct {
    wire_receipt receipt;
    const crypto_sign_pair *by;
    wire_record_refusal refusal;
} ack_parts;

static inline ack_parts good_ack(const char *scope, uint64_t sequence)
{
    ack_parts parts = {.receipt = {.position = position(scope, sequence), .ledger_position = sequence + 100}, .by = &hub_pair};

    memcpy(parts.receipt.agent, agent_key, sizeof agent_key);
    return parts;
}

static inline void tell_ack(const ack_parts *parts)
{
    static uint8_t signature[CRYPTO_SIGNATURE];
    wire_message message = {.type = WIRE_ACK};

    batch_buffer_clear(&receipt_bytes);
    wire_write_receipt(&receipt_bytes, &parts->receipt);
    ck_assert(!receipt_bytes.failed);
    message.ack.receipt = (text_view){(char *) receipt_bytes.data, receipt_bytes.size};
    crypto_sign_with(signature, receipt_bytes.data, receipt_bytes.size, parts->by);
    message.ack.signature = signature;
    message.ack.refusals = &parts->refusal;
    message.ack.refusal_count = parts->refusal.sequence > 0;
    tell(&message);
}

static inline void ack(uint64_t sequence)
{
    ack_parts parts = good_ack("63", sequence);

    tell_ack(&parts);
}

static inline void refused(wire_refusal reason, const char *scope, uint64_t sequence)
{
    wire_message message = {.type = WIRE_REFUSED};

    message.refused.reason = reason;
    message.refused.scope = text_of(scope);
    message.refused.sequence = sequence;
    tell(&message);
}

static inline void queued(const char *scope, uint64_t sequence)
{
    uint8_t hash[CRYPTO_HASH];

    hash_of(hash, scope, sequence);
    step((agent_event){.type = AGENT_EVENT_QUEUED, .scope = scope, .incarnation = 1, .sequence = sequence, .hash = hash});
}

static inline const agent_effect *effect(agent_effect_type type)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.items[i].type == type)
            return &effects.items[i];
    return NULL;
}

static inline void answer(agent_event_type type, uint64_t size)
{
    const agent_effect *wanted = effect(AGENT_EFFECT_SEND_BATCH);

    ck_assert_ptr_nonnull(wanted);
    step((agent_event){.type = type, .scope = wanted->scope, .sequence = wanted->sequence, .bytes = size});
}

/* Lets the link send all that the session asks for: how many batches. */
static inline unsigned send_all(uint64_t size)
{
    unsigned sent = 0;

    for (; effect(AGENT_EFFECT_SEND_BATCH) != NULL; sent++)
        answer(AGENT_EVENT_SENT, size);
    return sent;
}

static inline void connect_now(void)
{
    simple(AGENT_EVENT_START);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONNECT));
    simple(AGENT_EVENT_CONNECTED);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
}

static inline void have(const char *scope, uint64_t queued_sequence, uint64_t acknowledged)
{
    uint8_t hash[CRYPTO_HASH];

    hash_of(hash, scope, queued_sequence);
    ck_assert(agent_session_add_scope(&session, scope, 1, queued_sequence, hash, acknowledged, 0));
}

static inline void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&hub_pair);
    crypto_sign_new(&other_pair);
    agent_session_init(&session, agent_key, hub_pair.public_key, 1);
    scratch = arena_new(WIRE_SCRATCH_BYTES);
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    batch_buffer_init(&receipt_bytes, WIRE_RECEIPT_MAX);
    now = 1000000;
    kept_from = 0;
}

static inline void teardown(void)
{
    arena_destroy(&scratch);
    batch_buffer_release(&bytes);
    batch_buffer_release(&receipt_bytes);
}

#endif
