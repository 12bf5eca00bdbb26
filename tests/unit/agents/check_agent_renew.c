/* When an agent asks for an incarnation, for which one, and what it does with the answer. */
#include "agent_bench.h"

static wire_position at_of(uint64_t incarnation, uint64_t sequence)
{
    wire_position made = position("63", sequence);

    made.incarnation = incarnation;
    return made;
}

static void welcome_of(wire_position at)
{
    welcome_at(&at, 1, 8, 8 << 20);
}

static void grant(uint64_t incarnation, uint64_t sequence)
{
    static uint8_t hashes[1][CRYPTO_HASH] = {{7}};
    wire_message message = {.type = WIRE_GRANTED};

    message.granted.request[0] = 9;
    message.granted.position = at_of(incarnation, sequence);
    message.granted.hash_count = 1;
    message.granted.hashes = (const uint8_t(*)[CRYPTO_HASH]) hashes;
    tell(&message);
}

/* The outbox's answer to ADOPT: so many batches of its own after the granted position. */
static void adopted(uint64_t incarnation, uint64_t granted, uint64_t more)
{
    uint8_t hash[CRYPTO_HASH];

    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_ADOPT));
    hash_of(hash, "63", granted + more);
    step((agent_event){.type = AGENT_EVENT_ADOPTED, .scope = "63", .incarnation = incarnation, .sequence = granted + more,
                       .hash = hash, .acknowledged = granted, .stable = 0});
}

/* Whatever makes the chain go on no more: what is asked for. */
START_TEST(another_history_at_the_hub_asks_for_an_incarnation)
{
    static const struct { uint64_t incarnation, sequence, wanted; bool other; } cases[] = {
        {1, 6, 2, false}, /* restored: the hub is ahead */
        {1, 5, 2, true},  /* the same number, another batch */
        {1, 4, 2, true},  /* and before it */
        {3, 5, 4, false}, /* granted to somebody else meanwhile */
        {2, 0, 3, false}, /* nothing of ours is there */
    };
    wire_position at = at_of(cases[_i].incarnation, cases[_i].sequence);

    have("63", 5, 5);
    have("03", 2, 0);
    at.hash[3] ^= cases[_i].other;
    connect_now();
    wire_position both[2] = {at, position("03", 0)};
    welcome_at(both, 2, 8, 8 << 20);
    const agent_effect *renew = effect(AGENT_EFFECT_SEND_RENEW);
    ck_assert_ptr_nonnull(renew);
    ck_assert_str_eq(renew->scope, "63");
    ck_assert_uint_eq(renew->incarnation, cases[_i].wanted);
    ck_assert_uint_eq(renew->own.incarnation, 1);
    ck_assert_uint_eq(renew->own.sequence, 5);
    ck_assert_uint_eq(renew->own.stable, 5);
    ck_assert_mem_eq(renew->own.hash, session.scopes[0].queued_hash, CRYPTO_HASH);
    ck_assert_uint_eq(renew->at.incarnation, cases[_i].incarnation);
    ck_assert_uint_eq(renew->at.sequence, cases[_i].sequence);
    ck_assert_mem_eq(renew->at.hash, at.hash, CRYPTO_HASH);
    ck_assert(!renew->anew);
    ck_assert(agent_session_settling(&session));
    ck_assert_int_eq(agent_session_trouble(&session, NULL), AGENT_STOP_NONE);
    /* The other scope flows on meanwhile. */
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_BATCH)->scope, "03");
    ck_assert_uint_eq(send_all(1000), 2);
    queued("63", 6);
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_BATCH));
}
END_TEST

START_TEST(after_the_grant_it_sends_and_is_compared)
{
    have("63", 7, 3);
    connect_now();
    welcome_of(at_of(1, 9));
    grant(2, 9);
    const agent_effect *adopt = effect(AGENT_EFFECT_ADOPT);
    ck_assert_ptr_nonnull(adopt);
    ck_assert_uint_eq(adopt->at.incarnation, 2);
    ck_assert_uint_eq(adopt->at.sequence, 9);
    ck_assert_uint_eq(adopt->hash_count, 1);
    ck_assert_uint_eq(adopt->request[0], 9);
    ck_assert_uint_eq(effects.count, 1);
    adopted(2, 9, 2);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 10);
    ck_assert_uint_eq(send_all(1000), 2);
    ck_assert_uint_eq(agent_session_pending(&session), 2);
    ack(7); /* of the past */
    ck_assert_uint_eq(effects.count, 0);
    ack_parts parts = good_ack("63", 11);
    parts.receipt.position.incarnation = 2;
    tell_ack(&parts);
    ck_assert_uint_eq(effect(AGENT_EFFECT_ACKNOWLEDGED)->sequence, 11);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
    ck_assert(agent_session_settling(&session));
}
END_TEST

START_TEST(a_grant_that_was_not_asked_for_is_passed_over)
{
    have("63", 7, 3);
    connect_now();
    welcome_of(at_of(1, 3));
    (void) send_all(1000);
    grant(2, 3);
    ck_assert_uint_eq(effects.count, 0);
    step((agent_event){.type = AGENT_EVENT_ADOPTED, .scope = "63", .incarnation = 2, .sequence = 3, .hash = agent_key});
    ck_assert_uint_eq(session.scopes[0].incarnation, 1);
    step((agent_event){.type = AGENT_EVENT_NOT_OURS, .scope = "63"});
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

/* Another machine's, by chance of the same scope: ours is still to come. */
START_TEST(a_grant_to_another_request_changes_nothing)
{
    have("63", 7, 3);
    connect_now();
    welcome_of(at_of(1, 9));
    grant(2, 9);
    step((agent_event){.type = AGENT_EVENT_NOT_OURS, .scope = "63"});
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_uint_eq(session.deadline_ms, now + AGENT_SESSION_ACK_TIMEOUT_MS);
    grant(2, 9);
    adopted(2, 9, 0);
    ck_assert_uint_eq(session.scopes[0].incarnation, 2);
}
END_TEST

START_TEST(without_an_answer_it_greets_and_asks_again)
{
    have("63", 7, 3);
    connect_now();
    welcome_of(at_of(1, 9));
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome_of(at_of(2, 9)); /* it was granted: the outbox tells that it is the request of before */
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_RENEW));
    ck_assert(!effect(AGENT_EFFECT_SEND_RENEW)->anew);
    grant(2, 9);
    adopted(2, 9, 4);
    ck_assert_uint_eq(send_all(1000), 4);
}
END_TEST

START_TEST(a_refused_request_is_not_made_again)
{
    have("63", 7, 3);
    connect_now();
    welcome_of(at_of(1, 9));
    /* A batch of before, on the same connection; or the hub tells that its place is another: it may be our grant. */
    refused(WIRE_REFUSAL_SEQUENCE, "63", _i == 0 ? 4 : 0);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome_of(at_of(2, 9));
    ck_assert(!effect(AGENT_EFFECT_SEND_RENEW)->anew);
    refused(WIRE_REFUSAL_SEQUENCE, "63", 0);
    ck_assert_int_eq(session.state, AGENT_SESSION_PAUSED);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    welcome_of(at_of(2, 9));
    ck_assert(effect(AGENT_EFFECT_SEND_RENEW)->anew);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_RENEW)->incarnation, 3);
    grant(3, 9);
    adopted(3, 9, 4);
    ck_assert_uint_eq(send_all(1000), 4);
    refused(WIRE_REFUSAL_INCARNATION, "63", 10); /* and one more grant, to somebody else */
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome_of(at_of(4, 9));
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_RENEW)->own.incarnation, 3);
    refused(WIRE_REFUSAL_FORK, "63", 0);
    ck_assert_int_eq(session.stop, AGENT_STOP_FORK);
}
END_TEST

/* The hub lost the grant alone, or batches before it as well. */
START_TEST(a_grant_that_the_hub_has_lost_is_asked_for_again)
{
    uint8_t hash[CRYPTO_HASH];

    hash_of(hash, "63", 12);
    ck_assert(agent_session_add_scope(&session, "63", 2, 12, hash, 10, 9));
    kept_from = 9; /* granted at 9 */
    connect_now();
    welcome_of(at_of(1, _i == 0 ? 9 : 8));
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_RENEW)->incarnation, _i == 0 ? 2 : 3);
    grant(_i == 0 ? 2 : 3, _i == 0 ? 9 : 8);
    adopted(_i == 0 ? 2 : 3, _i == 0 ? 9 : 8, 3);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, _i == 0 ? 10 : 9);
    ck_assert_uint_eq(agent_session_pending(&session), 3);
}
END_TEST

START_TEST(what_the_outbox_has_forgotten_and_the_hub_lost_is_renewed)
{
    have("63", 9, 8);
    kept_from = 7;
    connect_now();
    welcome_of(at_of(1, 5));
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_RENEW)->incarnation, 2);
    grant(2, 5);
    adopted(2, 5, 3);
    ck_assert_uint_eq(session.scopes[0].acknowledged, 5); /* the one way back */
    ck_assert_uint_eq(send_all(1000), 3);
}
END_TEST

/* Word on what is sent again must count: a right may have changed since the first time. */
START_TEST(receipts_for_a_lost_tail_are_void)
{
    have("63", 9, 8);
    connect_now();
    welcome_of(at_of(1, 5));
    ck_assert_str_eq(effect(AGENT_EFFECT_RETRACT)->scope, "63");
    ck_assert_uint_eq(effect(AGENT_EFFECT_RETRACT)->sequence, 5);
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_BATCH)->sequence, 6);
    ck_assert(effect(AGENT_EFFECT_RETRACT) < effect(AGENT_EFFECT_SEND_BATCH)); /* and durable by then */
    ck_assert_uint_eq(session.scopes[0].acknowledged, 5);
    ck_assert_uint_eq(agent_session_pending(&session), 4);
    ck_assert_uint_eq(send_all(1000), 4);
}
END_TEST

START_TEST(a_batch_that_the_outbox_has_not_is_renewed)
{
    have("63", 9, 8);
    connect_now();
    welcome_of(at_of(1, 8));
    answer(AGENT_EVENT_MISSING, 0);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome_of(at_of(1, 8));
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_RENEW)->incarnation, 2);
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_BATCH));
    grant(2, 8);
    adopted(2, 8, 0);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
}
END_TEST

/* A home without an outbox: the hub tells of scopes that we know nothing of. */
START_TEST(a_fresh_home_meets_what_it_had)
{
    wire_position at[3] = {at_of(2, 40), position("03", 0), position("15", 0)};

    at[2].incarnation = 3;
    connect_now();
    welcome_at(at, 3, 8, 8 << 20);
    ck_assert_uint_eq(session.scope_count, 2);
    const agent_effect *renew = effect(AGENT_EFFECT_SEND_RENEW);
    ck_assert_str_eq(renew->scope, "63");
    ck_assert_uint_eq(renew->own.incarnation, 1);
    ck_assert_uint_eq(renew->own.sequence, 0);
    ck_assert_uint_eq(renew->incarnation, 3);
    const agent_effect *begin = effect(AGENT_EFFECT_BEGIN);
    ck_assert_str_eq(begin->scope, "15");
    ck_assert_uint_eq(begin->incarnation, 3);
    ack(40); /* the receipt that goes with WELCOME */
    ck_assert_uint_eq(effects.count, 0);
    grant(3, 40);
    adopted(3, 40, 0);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
    wire_position scopes[WIRE_SCOPES_MAX];
    wire_message hello;
    agent_session_hello(&session, &hello, scopes);
    ck_assert_uint_eq(hello.hello.scope_count, 1);
    ck_assert_uint_eq(scopes[0].incarnation, 3);
    ck_assert_uint_eq(scopes[0].sequence, 40);
}
END_TEST

/* One question at a time, however many scopes. */
START_TEST(scopes_are_renewed_one_after_the_other)
{
    wire_position at[2] = {at_of(1, 9), position("03", 9)};

    have("63", 5, 5);
    have("03", 5, 5);
    connect_now();
    welcome_at(at, 2, 8, 8 << 20);
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_RENEW)->scope, "63");
    ck_assert_uint_eq(effects.count, 2); /* with CONTRACTS */
    grant(2, 9);
    adopted(2, 9, 0);
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_RENEW)->scope, "03");
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_SURVEY));
    refused(WIRE_REFUSAL_SCOPE, "03", 0);
    ck_assert_int_eq(agent_session_trouble(&session, "03"), AGENT_STOP_NO_RIGHT);
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_SURVEY)->scope, "63");
}
END_TEST

START_TEST(a_busy_hub_is_asked_again_after_the_back_off)
{
    have("63", 5, 5);
    connect_now();
    welcome_of(at_of(1, 9));
    refused(WIRE_REFUSAL_BUSY, "63", 0);
    ck_assert_int_eq(session.state, AGENT_SESSION_PAUSED);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    welcome_of(at_of(1, 9));
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_RENEW));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_renew");
    TCase *tests = tcase_create("agent_renew");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, another_history_at_the_hub_asks_for_an_incarnation, 0, 5);
    tcase_add_test(tests, after_the_grant_it_sends_and_is_compared);
    tcase_add_test(tests, a_grant_that_was_not_asked_for_is_passed_over);
    tcase_add_test(tests, a_grant_to_another_request_changes_nothing);
    tcase_add_test(tests, without_an_answer_it_greets_and_asks_again);
    tcase_add_loop_test(tests, a_refused_request_is_not_made_again, 0, 2);
    tcase_add_loop_test(tests, a_grant_that_the_hub_has_lost_is_asked_for_again, 0, 2);
    tcase_add_test(tests, what_the_outbox_has_forgotten_and_the_hub_lost_is_renewed);
    tcase_add_test(tests, receipts_for_a_lost_tail_are_void);
    tcase_add_test(tests, a_batch_that_the_outbox_has_not_is_renewed);
    tcase_add_test(tests, a_fresh_home_meets_what_it_had);
    tcase_add_test(tests, scopes_are_renewed_one_after_the_other);
    tcase_add_test(tests, a_busy_hub_is_asked_again_after_the_back_off);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
