/* The agent's side of the conversation, event by event, against a hub and an outbox of this file. */
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

static void hash_of(uint8_t hash[CRYPTO_HASH], const char *scope, uint64_t sequence)
{
    crypto_digest(hash, (const uint8_t *) "a key for the test's own hashes.", 32, scope, strlen(scope));
    memcpy(hash, &sequence, sizeof sequence);
    if (sequence == 0)
        memset(hash, 0, CRYPTO_HASH);
}

static bool own_hash(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    (void) outbox;
    if (sequence < kept_from)
        return false;
    hash_of(hash, scope, sequence);
    return true;
}

static void step(agent_event event)
{
    arena_clear(scratch);
    event.scratch = scratch;
    event.header_hash = own_hash;
    agent_session_step(&session, &event, now, &effects);
}

static void simple(agent_event_type type)
{
    step((agent_event){.type = type});
}

static void tell(const wire_message *message)
{
    batch_buffer_clear(&bytes);
    wire_write(&bytes, message);
    ck_assert(!bytes.failed);
    step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = {(char *) bytes.data, bytes.size}});
}

static wire_position position(const char *scope, uint64_t sequence)
{
    wire_position made = {.scope = text_of(scope), .incarnation = 1, .sequence = sequence};

    hash_of(made.hash, scope, sequence);
    return made;
}

static void welcome_at(wire_position *positions, unsigned count, unsigned batches, uint64_t credit)
{
    wire_message message = {.type = WIRE_WELCOME};

    message.welcome.version = WIRE_VERSION;
    message.welcome.credit_batches = batches;
    message.welcome.credit_bytes = credit;
    message.welcome.scopes = positions;
    message.welcome.scope_count = count;
    tell(&message);
}

static void welcome(uint64_t sequence)
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

static ack_parts good_ack(const char *scope, uint64_t sequence)
{
    ack_parts parts = {.receipt = {.position = position(scope, sequence), .ledger_position = sequence + 100}, .by = &hub_pair};

    memcpy(parts.receipt.agent, agent_key, sizeof agent_key);
    return parts;
}

static void tell_ack(const ack_parts *parts)
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

static void ack(uint64_t sequence)
{
    ack_parts parts = good_ack("63", sequence);

    tell_ack(&parts);
}

static void refused(wire_refusal reason, const char *scope, uint64_t sequence)
{
    wire_message message = {.type = WIRE_REFUSED};

    message.refused.reason = reason;
    message.refused.scope = text_of(scope);
    message.refused.sequence = sequence;
    tell(&message);
}

static void queued(const char *scope, uint64_t sequence)
{
    uint8_t hash[CRYPTO_HASH];

    hash_of(hash, scope, sequence);
    step((agent_event){.type = AGENT_EVENT_QUEUED, .scope = scope, .incarnation = 1, .sequence = sequence, .hash = hash});
}

static const agent_effect *effect(agent_effect_type type)
{
    for (unsigned i = 0; i < effects.count; i++)
        if (effects.items[i].type == type)
            return &effects.items[i];
    return NULL;
}

static void answer(agent_event_type type, uint64_t size)
{
    const agent_effect *wanted = effect(AGENT_EFFECT_SEND_BATCH);

    ck_assert_ptr_nonnull(wanted);
    step((agent_event){.type = type, .scope = wanted->scope, .sequence = wanted->sequence, .bytes = size});
}

/* Lets the link send all that the session asks for: how many batches. */
static unsigned send_all(uint64_t size)
{
    unsigned sent = 0;

    for (; effect(AGENT_EFFECT_SEND_BATCH) != NULL; sent++)
        answer(AGENT_EVENT_SENT, size);
    return sent;
}

static void connect_now(void)
{
    simple(AGENT_EVENT_START);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONNECT));
    simple(AGENT_EVENT_CONNECTED);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
}

static void have(const char *scope, uint64_t queued_sequence, uint64_t acknowledged)
{
    uint8_t hash[CRYPTO_HASH];

    hash_of(hash, scope, queued_sequence);
    ck_assert(agent_session_add_scope(&session, scope, 1, queued_sequence, hash, acknowledged, 0));
}

static void setup(void)
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

static void teardown(void)
{
    arena_destroy(&scratch);
    batch_buffer_release(&bytes);
    batch_buffer_release(&receipt_bytes);
}

START_TEST(batches_go_out_in_order_and_acknowledgements_come_in)
{
    have("63", 3, 0);
    ck_assert_uint_eq(agent_session_pending(&session), 3);
    connect_now();
    welcome(0);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONTRACTS));
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, sequence);
        answer(AGENT_EVENT_SENT, 1000);
    }
    ck_assert_uint_eq(effects.count, 0);
    ack(2);
    const agent_effect *acknowledged = effect(AGENT_EFFECT_ACKNOWLEDGED);
    ck_assert_ptr_nonnull(acknowledged);
    ck_assert_str_eq(acknowledged->scope, "63");
    ck_assert_uint_eq(acknowledged->sequence, 2);
    ck_assert_uint_eq(acknowledged->ledger_position, 102);
    ck_assert_uint_eq(acknowledged->receipt.size, receipt_bytes.size);
    ck_assert_uint_eq(session.outstanding_batches, 1);
    ack(3);
    ck_assert_uint_eq(agent_session_pending(&session), 0);
    ck_assert_uint_eq(session.deadline_ms, UINT64_MAX);
    queued("63", 4);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 4);
}
END_TEST

START_TEST(hello_names_what_is_signed_and_what_is_acknowledged)
{
    wire_position scopes[WIRE_SCOPES_MAX];
    wire_message hello;

    have("63", 7, 5);
    have("03", 0, 0);
    agent_session_hello(&session, &hello, scopes);
    ck_assert_uint_eq(hello.hello.scope_count, 1);
    ck_assert(text_is(scopes[0].scope, "63"));
    ck_assert_uint_eq(scopes[0].sequence, 7);
    ck_assert_uint_eq(scopes[0].stable, 5);
}
END_TEST

START_TEST(after_a_reconnect_it_goes_on_from_the_hub_s_position)
{
    have("63", 6, 0);
    connect_now();
    welcome(0);
    ck_assert_uint_eq(send_all(1000), 6);
    simple(AGENT_EVENT_LOST);
    ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
    ck_assert_int_eq(session.stop, AGENT_STOP_UNREACHABLE);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_REPORT));
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONNECT));
    simple(AGENT_EVENT_CONNECTED);
    welcome(4);
    ck_assert_int_eq(session.stop, AGENT_STOP_NONE);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_REPORT));
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 5);
    ck_assert_uint_eq(send_all(1000), 2);
    /* Only a receipt acknowledges: WELCOME does not. */
    ck_assert_uint_eq(agent_session_pending(&session), 6);
    ack(4);
    ck_assert_uint_eq(agent_session_pending(&session), 2);
}
END_TEST

START_TEST(a_receipt_that_is_owed_is_asked_for)
{
    have("63", 4, 1);
    connect_now();
    welcome(4); /* all is committed, and the acknowledgement was lost */
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_BATCH));
    ck_assert_uint_eq(session.deadline_ms, now + AGENT_SESSION_ACK_TIMEOUT_MS);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome(4);
    ack(4);
    ck_assert_uint_eq(effect(AGENT_EFFECT_ACKNOWLEDGED)->sequence, 4);
    ck_assert_uint_eq(session.deadline_ms, UINT64_MAX);
}
END_TEST

START_TEST(what_the_hub_has_lost_is_sent_again)
{
    have("63", 9, 8);
    kept_from = 5;
    connect_now();
    welcome(5);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 6);
    ck_assert_uint_eq(agent_session_pending(&session), 4);
    ck_assert_uint_eq(send_all(1000), 4);
    ack(7);
    ck_assert_ptr_null(effect(AGENT_EFFECT_ACKNOWLEDGED)); /* it was, long ago */
    ck_assert_uint_eq(session.scopes[0].acknowledged, 8);
    ack(9);
    ck_assert_uint_eq(effect(AGENT_EFFECT_ACKNOWLEDGED)->sequence, 9);
}
END_TEST

START_TEST(what_nobody_has_any_more_is_reported)
{
    have("63", 9, 8);
    kept_from = 7;
    connect_now();
    welcome(5);
    ck_assert_int_eq(session.state, AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, AGENT_STOP_HUB_LOST);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_DISCONNECT));
}
END_TEST

START_TEST(a_batch_that_the_outbox_has_not_is_reported)
{
    have("63", 9, 8);
    connect_now();
    welcome(8);
    answer(AGENT_EVENT_MISSING, 0);
    ck_assert_int_eq(session.stop, AGENT_STOP_HUB_LOST);
}
END_TEST

START_TEST(another_history_at_the_hub_is_a_fork)
{
    wire_position at[2] = {position("63", 5), position("03", 0)};

    have("63", 5, 5);
    switch (_i) {
    case 0: at[0] = position("63", 6); break;
    case 1: at[0].hash[0] ^= 1; break;
    case 2: at[0] = position("63", 4); at[0].hash[9] ^= 1; break;
    case 3: at[0].incarnation = 2; break;
    case 4: at[1] = position("03", 1); break; /* a scope for which we have signed nothing */
    }
    connect_now();
    welcome_at(at, 2, 8, 8 << 20);
    ck_assert_int_eq(session.state, AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, AGENT_STOP_FORK);
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_BATCH));
}
END_TEST

START_TEST(a_forgotten_position_is_no_fork)
{
    have("63", 6, 5);
    kept_from = 6;
    connect_now();
    welcome(5);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 6);
}
END_TEST

START_TEST(an_acknowledgement_that_is_not_for_us_is_never_taken)
{
    have("63", 4, 2);
    connect_now();
    welcome(2);
    (void) send_all(1000); /* 3 and 4 */
    queued("63", 5);
    ack_parts parts = good_ack("63", 4);
    switch (_i) {
    case 0: parts.by = &other_pair; break;
    case 1: parts.receipt.agent[3] ^= 1; break;
    case 2: parts = good_ack("03", 4); break;
    case 3: parts = good_ack("63", 5); break; /* not sent yet */
    case 4: parts.receipt.position.hash[7] ^= 1; break;
    case 5: parts.receipt.position.incarnation = 2; break;
    case 6: parts.refusal = (wire_record_refusal){5, 0, RECORD_BAD_CODE}; break;
    }
    tell_ack(&parts);
    ck_assert_ptr_null(effect(AGENT_EFFECT_ACKNOWLEDGED));
    ck_assert_uint_eq(session.scopes[0].acknowledged, 2);
    ck_assert_int_eq(session.state, AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, AGENT_STOP_WRONG_HUB);
}
END_TEST

START_TEST(refused_records_are_passed_on)
{
    have("63", 3, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    ack_parts parts = good_ack("63", 3);
    parts.receipt.position.stable = 2;
    parts.refusal = (wire_record_refusal){2, 17, RECORD_BAD_MONTH};
    tell_ack(&parts);
    const agent_effect *acknowledged = effect(AGENT_EFFECT_ACKNOWLEDGED);
    ck_assert_uint_eq(acknowledged->refusal_count, 1);
    ck_assert_uint_eq(acknowledged->refusals[0].index, 17);
    ck_assert_uint_eq(acknowledged->stable, 2);
}
END_TEST

START_TEST(never_more_than_the_credit_is_outstanding)
{
    wire_position at = position("63", 0);

    have("63", 100, 0);
    connect_now();
    welcome_at(&at, 1, 3, 8 << 20);
    ck_assert_uint_eq(send_all(1000), 3);
    ack(1);
    ck_assert_uint_eq(send_all(1000), 1);
    ack(4);
    ck_assert_uint_eq(send_all(1000), 3);
    ck_assert_uint_eq(session.outstanding_bytes, 3000);
}
END_TEST

START_TEST(a_huge_credit_is_bounded_by_the_window)
{
    wire_position at = position("63", 0);

    have("63", 100, 0);
    connect_now();
    welcome_at(&at, 1, 60000, INT64_MAX);
    ck_assert_uint_eq(send_all(1000), AGENT_SESSION_WINDOW_MAX);
}
END_TEST

START_TEST(a_batch_larger_than_the_credit_that_is_left_waits)
{
    wire_position at = position("63", 0);

    have("63", 3, 0);
    connect_now();
    welcome_at(&at, 1, 8, 10000);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->bytes_max, WIRE_MESSAGE_MAX);
    answer(AGENT_EVENT_SENT, 7000);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->bytes_max, 3000);
    answer(AGENT_EVENT_HELD, 5000);
    ck_assert_uint_eq(effects.count, 0);
    queued("63", 4); /* does not ask in vain */
    ck_assert_uint_eq(effects.count, 0);
    ack(1);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 2);
    answer(AGENT_EVENT_SENT, 5000);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 3);
}
END_TEST

START_TEST(scopes_take_turns)
{
    wire_position at[2] = {position("63", 0), position("03", 0)};
    const char *const turns[] = {"63", "03", "63", "03", "63"};

    have("63", 3, 0);
    have("03", 2, 0);
    connect_now();
    welcome_at(at, 2, 8, 8 << 20);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_str_eq(effect(AGENT_EFFECT_SEND_BATCH)->scope, turns[i]);
        answer(AGENT_EVENT_SENT, 100);
    }
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

START_TEST(without_an_acknowledgement_it_greets_again_and_then_reconnects)
{
    have("63", 1, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    for (int i = 0; i < AGENT_SESSION_HELLO_TRIES; i++) {
        now = session.deadline_ms - 1;
        simple(AGENT_EVENT_TICK);
        ck_assert_uint_eq(effects.count, 0);
        now++;
        simple(AGENT_EVENT_TICK);
        ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    }
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_DISCONNECT));
    ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
}
END_TEST

START_TEST(an_acknowledgement_is_a_sign_of_life)
{
    have("63", 3, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    now += AGENT_SESSION_ACK_TIMEOUT_MS - 1;
    ack(1);
    ck_assert_uint_eq(session.deadline_ms, now + AGENT_SESSION_ACK_TIMEOUT_MS);
    ack(1); /* twice is not */
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
    now += 5000;
    ack(2);
    ck_assert_uint_eq(session.deadline_ms, now + AGENT_SESSION_ACK_TIMEOUT_MS);
    ck_assert_uint_eq(session.hellos, 1);
}
END_TEST

START_TEST(the_back_off_doubles_with_jitter_up_to_its_maximum)
{
    uint64_t expected = AGENT_SESSION_RETRY_MS_MIN;

    have("63", 1, 0);
    simple(AGENT_EVENT_START);
    for (int i = 0; i < 20; i++) {
        simple(AGENT_EVENT_LOST);
        ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
        ck_assert_uint_ge(session.deadline_ms - now, expected / 2);
        ck_assert_uint_le(session.deadline_ms - now, expected);
        expected = expected * 2 < AGENT_SESSION_RETRY_MS_MAX ? expected * 2 : AGENT_SESSION_RETRY_MS_MAX;
        now = session.deadline_ms;
        simple(AGENT_EVENT_TICK);
        ck_assert_int_eq(session.state, AGENT_SESSION_CONNECTING);
    }
    simple(AGENT_EVENT_CONNECTED);
    welcome(0);
    (void) send_all(10);
    ack(1);
    ck_assert_uint_eq(session.retry_ms, AGENT_SESSION_RETRY_MS_MIN);
}
END_TEST

START_TEST(a_connection_that_never_comes_is_given_up)
{
    have("63", 1, 0);
    simple(AGENT_EVENT_START);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_DISCONNECT));
    ck_assert_int_eq(session.stop, AGENT_STOP_UNREACHABLE);
    simple(AGENT_EVENT_LOST); /* the socket's last word: nothing new */
    ck_assert_uint_eq(effects.count, 0);
    simple(AGENT_EVENT_START);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONNECT));
}
END_TEST

START_TEST(three_handshakes_to_nothing_mean_another_key_but_it_keeps_trying)
{
    have("63", 1, 0);
    simple(AGENT_EVENT_START);
    for (int i = 0; i < 5; i++) {
        simple(AGENT_EVENT_NO_DETAIL);
        simple(AGENT_EVENT_LOST); /* of the same failure */
        ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
        ck_assert_int_eq(session.stop, i < 2 ? AGENT_STOP_UNREACHABLE : AGENT_STOP_WRONG_HUB);
        if (i >= 2)
            ck_assert_uint_ge(session.deadline_ms - now, AGENT_SESSION_RETRY_MS_MAX / 2);
        now = session.deadline_ms;
        simple(AGENT_EVENT_TICK);
    }
    simple(AGENT_EVENT_CONNECTED);
    welcome(0);
    ck_assert_int_eq(session.stop, AGENT_STOP_NONE);
}
END_TEST

START_TEST(a_refused_key_stops_until_the_next_start)
{
    have("63", 1, 0);
    simple(AGENT_EVENT_START);
    simple(AGENT_EVENT_REFUSED_KEY);
    ck_assert_int_eq(session.state, AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, AGENT_STOP_NOT_ADMITTED);
    ck_assert_uint_eq(session.deadline_ms, UINT64_MAX);
    queued("63", 2);
    ck_assert_uint_eq(effects.count, 0);
    simple(AGENT_EVENT_START);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONNECT));
    simple(AGENT_EVENT_CONNECTED);
    welcome(0);
    ck_assert_int_eq(session.stop, AGENT_STOP_NONE);
}
END_TEST

START_TEST(refusals_stop_or_greet_again_or_wait)
{
    static const struct { wire_refusal reason; agent_session_state state; agent_stop stop; } cases[] = {
        {WIRE_REFUSAL_MALFORMED, AGENT_SESSION_STOPPED, AGENT_STOP_PROTOCOL},
        {WIRE_REFUSAL_VERSION, AGENT_SESSION_STOPPED, AGENT_STOP_PROTOCOL},
        {WIRE_REFUSAL_SIGNATURE, AGENT_SESSION_STOPPED, AGENT_STOP_PROTOCOL},
        {WIRE_REFUSAL_SEQUENCE, AGENT_SESSION_GREETING, AGENT_STOP_NONE},
        {WIRE_REFUSAL_FORK, AGENT_SESSION_STOPPED, AGENT_STOP_FORK},
        {WIRE_REFUSAL_SCOPE, AGENT_SESSION_FLOWING, AGENT_STOP_NO_RIGHT},
        {WIRE_REFUSAL_KEY, AGENT_SESSION_FLOWING, AGENT_STOP_NO_RIGHT},
        {WIRE_REFUSAL_REVOKED, AGENT_SESSION_STOPPED, AGENT_STOP_NOT_ADMITTED},
        {WIRE_REFUSAL_INCARNATION, AGENT_SESSION_GREETING, AGENT_STOP_NONE},
        {WIRE_REFUSAL_BUSY, AGENT_SESSION_PAUSED, AGENT_STOP_NONE},
    };
    have("63", 2, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    refused(cases[_i].reason, "63", 1);
    ck_assert_int_eq(session.state, cases[_i].state);
    ck_assert_int_eq(agent_session_trouble(&session, "63"), cases[_i].stop);
    ck_assert((effect(AGENT_EFFECT_REPORT) != NULL) == (cases[_i].stop != AGENT_STOP_NONE));
    refused(cases[_i].reason, "63", 2); /* its companion of the same window changes nothing more */
    ck_assert_int_eq(session.state, cases[_i].state);
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

START_TEST(refusals_without_end_are_not_answered_without_end)
{
    have("63", 2, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    refused(WIRE_REFUSAL_SEQUENCE, "63", 1);
    welcome(0);
    (void) send_all(1000);
    refused(WIRE_REFUSAL_SEQUENCE, "63", 1);
    ck_assert_int_eq(session.state, AGENT_SESSION_PAUSED);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
}
END_TEST

START_TEST(a_busy_hub_is_greeted_again_after_the_back_off)
{
    have("63", 2, 0);
    connect_now();
    refused(WIRE_REFUSAL_BUSY, NULL, 0);
    ck_assert_int_eq(session.state, AGENT_SESSION_PAUSED);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome(0);
    ck_assert_uint_eq(send_all(1000), 2);
}
END_TEST

START_TEST(one_scope_without_right_does_not_stop_the_others)
{
    wire_position at[2] = {position("63", 0), position("03", 0)};

    have("63", 2, 0);
    have("03", 2, 0);
    connect_now();
    welcome_at(at, 1, 8, 8 << 20); /* the hub does not name 03 */
    ck_assert_int_eq(agent_session_trouble(&session, "03"), AGENT_STOP_NO_RIGHT);
    ck_assert_int_eq(agent_session_trouble(&session, "63"), AGENT_STOP_NONE);
    ck_assert_int_eq(agent_session_trouble(&session, NULL), AGENT_STOP_NO_RIGHT);
    ck_assert_uint_eq(send_all(1000), 2);
    wire_message message = {.type = WIRE_CONTRACTS};
    tell(&message); /* rights have changed */
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    at[0] = position("63", 2);
    welcome_at(at, 2, 8, 8 << 20);
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_BATCH)->scope, "03");
    ck_assert_uint_eq(send_all(1000), 2);
    ck_assert_int_eq(agent_session_trouble(&session, NULL), AGENT_STOP_NONE);
    ack(2);
    refused(WIRE_REFUSAL_KEY, "03", 1);
    ck_assert_int_eq(agent_session_trouble(&session, "03"), AGENT_STOP_NO_RIGHT);
    ck_assert_uint_eq(session.outstanding_batches, 0);
    ck_assert_uint_eq(session.outstanding_bytes, 0);
    queued("63", 3);
    ck_assert_uint_eq(send_all(1000), 1);
}
END_TEST

START_TEST(a_new_scope_is_asked_about_first)
{
    have("63", 1, 1);
    connect_now();
    welcome(1);
    queued("03", 1);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    wire_position at[2] = {position("63", 1), position("03", 0)};
    welcome_at(at, 2, 8, 8 << 20);
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_BATCH)->scope, "03");
}
END_TEST

START_TEST(a_second_welcome_does_not_turn_back)
{
    have("63", 5, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    ack(3);
    welcome(0); /* the answer to a HELLO that was repeated */
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_BATCH));
    ck_assert_uint_eq(session.outstanding_batches, 2);
}
END_TEST

START_TEST(what_is_no_message_of_a_hub_stops)
{
    wire_message hello = {.type = WIRE_HELLO};

    have("63", 5, 0);
    connect_now();
    if (_i == 0) {
        step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = text_of("HTTP/1.1 400 Bad Request")});
    } else if (_i == 1) {
        step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = {NULL, 0}});
    } else {
        hello.hello.version = WIRE_VERSION;
        tell(&hello);
    }
    ck_assert_int_eq(session.state, AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, AGENT_STOP_WRONG_HUB);
}
END_TEST

START_TEST(another_version_of_the_hub_stops)
{
    have("63", 5, 0);
    connect_now();
    step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = text_of("\x93\x10\x02\xc0")});
    ck_assert_int_eq(session.stop, AGENT_STOP_PROTOCOL);
    ck_assert_int_eq(session.refusal, WIRE_REFUSAL_VERSION);
}
END_TEST

START_TEST(messages_of_a_dropped_connection_mean_nothing)
{
    have("63", 5, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    simple(AGENT_EVENT_LOST);
    ack(5);
    ck_assert_uint_eq(effects.count, 0);
    step((agent_event){.type = AGENT_EVENT_SENT, .scope = "63", .sequence = 1, .bytes = 1});
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

START_TEST(impossible_scopes_are_not_taken)
{
    static const uint8_t hash[CRYPTO_HASH] = {1};
    char name[8];

    ck_assert(!agent_session_add_scope(&session, "63", 1, 5, hash, 6, 0));
    ck_assert(!agent_session_add_scope(&session, "63", 1, 5, hash, 4, 5));
    ck_assert(!agent_session_add_scope(&session, "63", 0, 5, hash, 4, 4));
    ck_assert(!agent_session_add_scope(&session, "", 1, 5, hash, 4, 4));
    ck_assert(!agent_session_add_scope(&session, "a-name-of-more-than-thirty-two-bytes", 1, 5, hash, 4, 4));
    for (unsigned i = 0; i < WIRE_SCOPES_MAX; i++) {
        name[0] = (char) ('a' + i);
        name[1] = '\0';
        ck_assert(agent_session_add_scope(&session, name, 1, 1, hash, 0, 0));
    }
    ck_assert(!agent_session_add_scope(&session, "63", 1, 5, hash, 0, 0));
}
END_TEST

/* Any events in any order: what the head of agent_session.h promises holds, and effects stay few. */
START_TEST(nothing_breaks_it)
{
    static const char *const names[] = {"63", "03"};
    uint64_t state = (uint64_t) _i * 7919 + 1, next_sequence[2] = {3, 0};
    agent_effect last = {.type = AGENT_EFFECT_REPORT};

    have("63", 3, 0);
    for (int i = 0; i < 6000; i++) {
        uint64_t before[2] = {session.scopes[0].acknowledged, session.scope_count > 1 ? session.scopes[1].acknowledged : 0};
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t dice = state >> 33, which = state >> 60 & 1, sequence = (state >> 40) % 9;
        wire_position at[2] = {position("63", sequence < next_sequence[0] ? sequence : next_sequence[0]),
                               position("03", sequence < next_sequence[1] ? sequence : next_sequence[1])};
        switch (dice % 14) {
        case 0: simple(AGENT_EVENT_START); break;
        case 1: queued(names[which], ++next_sequence[which]); break;
        case 2: simple(AGENT_EVENT_CONNECTED); break;
        case 3: if (sequence == 0) simple(AGENT_EVENT_LOST); break;
        case 4: if (sequence == 0) simple(AGENT_EVENT_NO_DETAIL); break;
        case 5: now = session.deadline_ms != UINT64_MAX ? session.deadline_ms : now + 1; simple(AGENT_EVENT_TICK); break;
        case 6: welcome_at(at, 2, 1 + (unsigned) sequence, 5000); break;
        case 7: refused((wire_refusal) (1 + sequence), sequence & 1 ? "63" : NULL, sequence); break;
        case 8:
        case 9: {
            const agent_session_scope *scope = &session.scopes[which % session.scope_count];
            ack_parts parts = good_ack(scope->scope, scope->sent > 0 ? scope->sent : 1);
            tell_ack(&parts);
            break;
        }
        default:
            step((agent_event){.type = sequence == 0 ? AGENT_EVENT_HELD : AGENT_EVENT_SENT,
                               .scope = last.scope, .sequence = last.sequence, .bytes = 500 * (sequence + 1)});
        }
        uint64_t outstanding = 0, size = 0;
        for (unsigned s = 0; s < session.scope_count; s++) {
            const agent_session_scope *scope = &session.scopes[s];
            ck_assert_uint_le(scope->stable, scope->acknowledged);
            ck_assert_uint_le(scope->acknowledged, scope->queued);
            ck_assert_uint_le(scope->sent, scope->queued);
            ck_assert_uint_le(before[s], scope->acknowledged);
            outstanding += scope->sent - scope->committed;
            for (uint64_t at_sequence = scope->committed + 1; at_sequence <= scope->sent; at_sequence++)
                size += scope->window_bytes[at_sequence % AGENT_SESSION_WINDOW_MAX];
        }
        ck_assert_uint_eq(session.outstanding_batches, outstanding);
        ck_assert_uint_eq(session.outstanding_bytes, size);
        ck_assert_uint_le(outstanding, AGENT_SESSION_WINDOW_MAX);
        last = effect(AGENT_EFFECT_SEND_BATCH) != NULL ? *effect(AGENT_EFFECT_SEND_BATCH)
                                                       : (agent_effect){.scope = "63", .sequence = sequence};
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_session");
    TCase *tests = tcase_create("agent_session");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, batches_go_out_in_order_and_acknowledgements_come_in);
    tcase_add_test(tests, hello_names_what_is_signed_and_what_is_acknowledged);
    tcase_add_test(tests, after_a_reconnect_it_goes_on_from_the_hub_s_position);
    tcase_add_test(tests, a_receipt_that_is_owed_is_asked_for);
    tcase_add_test(tests, what_the_hub_has_lost_is_sent_again);
    tcase_add_test(tests, what_nobody_has_any_more_is_reported);
    tcase_add_test(tests, a_batch_that_the_outbox_has_not_is_reported);
    tcase_add_loop_test(tests, another_history_at_the_hub_is_a_fork, 0, 5);
    tcase_add_test(tests, a_forgotten_position_is_no_fork);
    tcase_add_loop_test(tests, an_acknowledgement_that_is_not_for_us_is_never_taken, 0, 7);
    tcase_add_test(tests, refused_records_are_passed_on);
    tcase_add_test(tests, never_more_than_the_credit_is_outstanding);
    tcase_add_test(tests, a_huge_credit_is_bounded_by_the_window);
    tcase_add_test(tests, a_batch_larger_than_the_credit_that_is_left_waits);
    tcase_add_test(tests, scopes_take_turns);
    tcase_add_test(tests, without_an_acknowledgement_it_greets_again_and_then_reconnects);
    tcase_add_test(tests, an_acknowledgement_is_a_sign_of_life);
    tcase_add_test(tests, the_back_off_doubles_with_jitter_up_to_its_maximum);
    tcase_add_test(tests, a_connection_that_never_comes_is_given_up);
    tcase_add_test(tests, three_handshakes_to_nothing_mean_another_key_but_it_keeps_trying);
    tcase_add_test(tests, a_refused_key_stops_until_the_next_start);
    tcase_add_loop_test(tests, refusals_stop_or_greet_again_or_wait, 0, 10);
    tcase_add_test(tests, refusals_without_end_are_not_answered_without_end);
    tcase_add_test(tests, a_busy_hub_is_greeted_again_after_the_back_off);
    tcase_add_test(tests, one_scope_without_right_does_not_stop_the_others);
    tcase_add_test(tests, a_new_scope_is_asked_about_first);
    tcase_add_test(tests, a_second_welcome_does_not_turn_back);
    tcase_add_loop_test(tests, what_is_no_message_of_a_hub_stops, 0, 3);
    tcase_add_test(tests, another_version_of_the_hub_stops);
    tcase_add_test(tests, messages_of_a_dropped_connection_mean_nothing);
    tcase_add_test(tests, impossible_scopes_are_not_taken);
    tcase_add_loop_test(tests, nothing_breaks_it, 0, 8);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
