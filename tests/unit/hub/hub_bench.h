/*
 * hub_bench: one hub_session, event by event, against an agent that signs a chain of batches and a store of
 * few words; and what the last step gave.
 */
#ifndef CTAI_TESTS_HUB_BENCH_H
#define CTAI_TESTS_HUB_BENCH_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hub_session.h"

static crypto_sign_pair agent_pair, other_pair;
static hub_session session;
static hub_effects effects;
static arena *scratch;
static batch_buffer bytes, header_bytes;

/* The chain of headers that the agent of this test signs. */
enum { CHAIN_MAX = 32 };
static uint8_t chain[CHAIN_MAX][CRYPTO_HASH];

static const text_view bodies[2] = {{"a body", 6}, {"another", 7}};

typedef struct {
    batch_header header;
    const crypto_sign_pair *by;
    unsigned body_count;
    text_view bodies[2];
} batch_parts;

static inline uint8_t (*body_hashes(void))[CRYPTO_HASH]
{
    static uint8_t hashes[2][CRYPTO_HASH];

    batch_hash(hashes[0], bodies[0]);
    batch_hash(hashes[1], bodies[1]);
    return hashes;
}

static inline batch_parts good_batch(uint64_t sequence)
{
    batch_parts parts = {.by = &agent_pair, .body_count = 2, .bodies = {bodies[0], bodies[1]}};
    batch_header *header = &parts.header;

    *header = (batch_header){.scope = text_of("63"), .incarnation = 1, .sequence = sequence, .scheme = 1,
                             .body_count = 2, .hashes = body_hashes()};
    memcpy(header->agent, agent_pair.public_key, CRYPTO_PUBLIC);
    memcpy(header->previous, chain[sequence - 1], CRYPTO_HASH);
    return parts;
}

static inline void header_hash(uint8_t hash[CRYPTO_HASH], const batch_header *header)
{
    batch_buffer_clear(&header_bytes);
    batch_write_header(&header_bytes, header);
    ck_assert(!header_bytes.failed);
    batch_hash(hash, (text_view){(char *) header_bytes.data, header_bytes.size});
}

static inline void step(hub_event event)
{
    arena_clear(scratch);
    event.scratch = scratch;
    hub_session_step(&session, &event, 0, &effects);
}

static inline void simple(hub_event_type type)
{
    step((hub_event){.type = type});
}

static inline void tell(const wire_message *message)
{
    batch_buffer_clear(&bytes);
    wire_write(&bytes, message);
    ck_assert(!bytes.failed);
    step((hub_event){.type = HUB_EVENT_MESSAGE, .message = {(char *) bytes.data, bytes.size}});
}

static inline void tell_batch(const batch_parts *parts)
{
    static uint8_t signature[CRYPTO_SIGNATURE];
    static text_view told[2];
    wire_message message = {.type = WIRE_BATCH};
    uint8_t hash[CRYPTO_HASH];

    header_hash(hash, &parts->header);
    memcpy(told, parts->bodies, sizeof told);
    message.batch.header = (text_view){(char *) header_bytes.data, header_bytes.size};
    batch_sign(signature, message.batch.header, parts->by);
    message.batch.signature = signature;
    message.batch.bodies = told;
    message.batch.body_count = parts->body_count;
    tell(&message);
}

static inline void batch(uint64_t sequence)
{
    batch_parts parts = good_batch(sequence);

    tell_batch(&parts);
}

static inline wire_position position(uint64_t sequence)
{
    wire_position made = {.scope = text_of("63"), .incarnation = 1, .sequence = sequence};

    memcpy(made.hash, chain[sequence], CRYPTO_HASH);
    return made;
}

static inline void hello_at(uint64_t sequence)
{
    wire_position at = position(sequence);
    wire_message message = {.type = WIRE_HELLO};

    message.hello.version = WIRE_VERSION;
    message.hello.scopes = &at;
    message.hello.scope_count = sequence > 0;
    tell(&message);
}

static inline void state_is(uint64_t sequence)
{
    static const wire_record_refusal refusal = {1, 2, RECORD_BAD_CODE};
    hub_session_loaded loaded = {.position = position(sequence), .ledger_position = 100 + sequence,
                                 .refusal_count = sequence > 0, .refusals = &refusal};

    step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = 1, .scopes = &loaded});
}

static inline void open_at(uint64_t sequence)
{
    hello_at(CHAIN_MAX - 1);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_int_eq(effects.items[0].type, HUB_EFFECT_LOAD);
    state_is(sequence);
    ck_assert_int_eq(session.state, HUB_SESSION_OPEN);
}

static inline void stored(hub_stored how, uint64_t sequence, uint64_t committed, uint64_t size)
{
    step((hub_event){.type = HUB_EVENT_STORED, .stored = how, .scope = "63", .sequence = sequence,
                     .position = position(committed), .ledger_position = 1000 + sequence, .bytes = size});
}

static inline const hub_effect *effect(hub_effect_type type)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.items[i].type == type)
            return &effects.items[i];
    return NULL;
}

/* The reason of the REFUSED that is sent, 0 when there is none. */
static inline int refused(void)
{
    const hub_effect *sent = effect(HUB_EFFECT_SEND);

    return sent != NULL && sent->message.type == WIRE_REFUSED ? (int) sent->message.refused.reason : 0;
}

/* It hears one thing, whatever it says. */
static inline void is_forked(void)
{
    ck_assert_int_eq(session.state, HUB_SESSION_FORKED);
    hello_at(3);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_FORK);
    ck_assert_uint_eq(effects.count, 1);
    step((hub_event){.type = HUB_EVENT_MESSAGE, .message = text_of("noise")});
    ck_assert_int_eq(refused(), WIRE_REFUSAL_FORK);
    ck_assert_uint_eq(effects.count, 1);
    step((hub_event){.type = HUB_EVENT_CHANGED});
    ck_assert_uint_eq(effects.count, 0);
}

static inline void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&agent_pair);
    crypto_sign_new(&other_pair);
    hub_session_init(&session, agent_pair.public_key);
    scratch = arena_new(WIRE_SCRATCH_BYTES);
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    batch_buffer_init(&header_bytes, BATCH_HEADER_MAX);
    for (uint64_t sequence = 1; sequence < CHAIN_MAX; sequence++) {
        batch_parts parts = good_batch(sequence);
        header_hash(chain[sequence], &parts.header);
    }
}

static inline void teardown(void)
{
    arena_destroy(&scratch);
    batch_buffer_release(&bytes);
    batch_buffer_release(&header_bytes);
}

#endif
