/* The hub's side of what follows a restored or second machine: questions, grants, forks; quarantine; what becomes stable. */
#include "hub_bench.h"

/* It was found on another connection, or at another hub. */
START_TEST(a_fork_may_be_known_before_it_speaks)
{
    if (_i == 0) {
        hello_at(3);
        step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_FORK});
    } else {
        open_at(3);
        step((hub_event){.type = HUB_EVENT_CHANGED, .stored = HUB_STORED_FORK});
    }
    ck_assert_int_eq(refused(), WIRE_REFUSAL_FORK);
    ck_assert_uint_eq(effect(HUB_EFFECT_SEND)->message.refused.scope.size, 0);
    is_forked();
}
END_TEST

START_TEST(what_is_under_way_of_a_forked_agent_is_still_answered)
{
    open_at(3);
    batch(4);
    size_t size = bytes.size;
    batch(5);
    step((hub_event){.type = HUB_EVENT_CHANGED, .stored = HUB_STORED_FORK});
    stored(HUB_STORED_COMMITTED, 4, 4, size);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_ACK));
    stored(HUB_STORED_FORK, 5, 4, bytes.size);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_uint_eq(session.outstanding_batches, 0);
    simple(HUB_EVENT_REVOKED);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_REVOKED);
}
END_TEST

/* Questions. */

static void ask(wire_type type, const char *scope)
{
    wire_message message = {.type = type};

    if (type == WIRE_RENEW) {
        message.renew.own = message.renew.seen = position(3);
        message.renew.own.scope = message.renew.seen.scope = text_of(scope);
        message.renew.incarnation = 2;
    } else if (type == WIRE_SURVEY) {
        message.survey.scope = text_of(scope);
    } else {
        message.list.scope = text_of(scope);
        message.list.bucket = 7;
    }
    tell(&message);
}

static void answered(hub_stored how, const wire_message *answer)
{
    step((hub_event){.type = HUB_EVENT_ANSWERED, .stored = how, .scope = "63", .answer = answer, .ledger_position = 77});
}

static void granted(uint64_t incarnation, uint64_t sequence)
{
    wire_message answer = {.type = WIRE_GRANTED};

    answer.granted.position = position(sequence);
    answer.granted.position.incarnation = incarnation;
    answered(HUB_STORED_COMMITTED, &answer);
}

START_TEST(a_question_goes_to_the_store_and_its_answer_back)
{
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    static const struct { wire_type question, answer; } cases[] = {
        {WIRE_RENEW, WIRE_GRANTED}, {WIRE_SURVEY, WIRE_DIGESTS}, {WIRE_LIST, WIRE_LISTED},
    };
    wire_message answer = {.type = cases[_i].answer};

    answer.digests.digests = digests;
    open_at(3);
    ask(cases[_i].question, "63");
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_int_eq(effect(HUB_EFFECT_ASK)->message.type, cases[_i].question);
    ask(WIRE_SURVEY, "63"); /* one at a time */
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
    ck_assert(text_is(effect(HUB_EFFECT_SEND)->message.refused.scope, "63"));
    answered(HUB_STORED_COMMITTED, &answer);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_int_eq(effect(HUB_EFFECT_SEND)->message.type, cases[_i].answer);
    answered(HUB_STORED_COMMITTED, &answer); /* nobody asked */
    ck_assert_uint_eq(effects.count, 0);
    ask(cases[_i].question, "63");
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_ASK));
}
END_TEST

START_TEST(a_question_before_hello_or_of_another_scope_is_refused)
{
    ask(WIRE_RENEW, "63");
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SEQUENCE);
    open_at(3);
    ask(WIRE_LIST, "03");
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SCOPE);
    ck_assert(text_is(effect(HUB_EFFECT_SEND)->message.refused.scope, "03"));
    ck_assert_ptr_null(effect(HUB_EFFECT_ASK));
}
END_TEST

START_TEST(a_question_that_the_store_refuses)
{
    static const struct { hub_stored how; int reason; } cases[] = {
        {HUB_STORED_SEQUENCE, WIRE_REFUSAL_SEQUENCE}, {HUB_STORED_SCOPE, WIRE_REFUSAL_SCOPE},
        {HUB_STORED_LATER, WIRE_REFUSAL_BUSY},        {HUB_STORED_NO_RIGHT, WIRE_REFUSAL_REVOKED},
        {HUB_STORED_FORK, WIRE_REFUSAL_FORK},
    };
    open_at(3);
    ask(WIRE_RENEW, "63");
    answered(cases[_i].how, NULL);
    ck_assert_int_eq(refused(), cases[_i].reason);
    ck_assert((effect(HUB_EFFECT_ALARM) != NULL) == (cases[_i].how == HUB_STORED_FORK));
    if (cases[_i].how == HUB_STORED_FORK)
        is_forked();
    else
        ck_assert((session.state == HUB_SESSION_CLOSED) == (cases[_i].how == HUB_STORED_NO_RIGHT));
}
END_TEST

/* After a grant the scope goes on from its position, halted or not, whatever was in the store's hands. */
START_TEST(a_grant_is_a_new_beginning)
{
    batch_parts parts = good_batch(6);

    open_at(3);
    batch(5); /* refused: out of order */
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SEQUENCE);
    ask(WIRE_RENEW, "63");
    granted(2, 5);
    batch(6); /* of before */
    ck_assert_int_eq(refused(), WIRE_REFUSAL_INCARNATION);
    hello_at(3);
    hub_session_loaded loaded = {.position = position(5)};
    loaded.position.incarnation = 2;
    step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = 1, .scopes = &loaded});
    ask(WIRE_RENEW, "63");
    granted(3, 5);
    parts.header.incarnation = 3;
    tell_batch(&parts);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(an_answer_of_before_the_grant_disturbs_nothing)
{
    batch_parts parts = good_batch(4);

    open_at(3);
    ask(WIRE_RENEW, "63");
    batch(4); /* no honest agent sends it now */
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    size_t size = bytes.size;
    granted(2, 3);
    stored(HUB_STORED_INCARNATION, 4, 3, size);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_uint_eq(session.outstanding_batches, 0);
    parts.header.incarnation = 2;
    tell_batch(&parts);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

/* The same of HELLO: batches of before it, which the store still had. */
START_TEST(an_answer_of_before_the_welcome_disturbs_nothing)
{
    open_at(3);
    batch(4);
    size_t size = bytes.size;
    batch(5);
    hello_at(3);
    stored(HUB_STORED_LATER, 4, 3, size);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
    stored(HUB_STORED_SEQUENCE, 5, 3, bytes.size);
    ck_assert_uint_eq(effects.count, 0);
    state_is(3);
    batch(4);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    stored(HUB_STORED_COMMITTED, 4, 4, bytes.size);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_ACK));
}
END_TEST

/* A header of the next version: only its place in the chain can be read. */
static void unreadable_batch(uint64_t sequence, const crypto_sign_pair *by)
{
    static uint8_t signature[CRYPTO_SIGNATURE];
    static text_view told[2];
    batch_parts parts = good_batch(sequence);
    uint8_t hash[CRYPTO_HASH];
    wire_message message = {.type = WIRE_BATCH};

    memcpy(parts.header.agent, by->public_key, CRYPTO_PUBLIC);
    header_hash(hash, &parts.header);
    ck_assert_uint_eq(header_bytes.data[0], 0x9a); /* an array of ten items: make it eleven, and say false at last */
    header_bytes.data[0] = 0x9b;
    batch_buffer_append(&header_bytes, "\xc2", 1);
    memcpy(told, parts.bodies, sizeof told);
    told[1] = (text_view){NULL, 0};
    message.batch.header = (text_view){(char *) header_bytes.data, header_bytes.size};
    batch_sign(signature, message.batch.header, &agent_pair);
    message.batch.signature = signature;
    message.batch.bodies = told;
    message.batch.body_count = 2;
    tell(&message);
}

START_TEST(a_header_that_can_be_read_in_part_is_for_quarantine)
{
    open_at(3);
    unreadable_batch(4, &agent_pair);
    const hub_effect *store = effect(HUB_EFFECT_STORE);
    ck_assert_ptr_nonnull(store);
    ck_assert(store->quarantine && store->header.sequence == 4 && text_is(store->header.scope, "63"));
    ck_assert_uint_eq(store->message.batch.body_count, 2);
    ck_assert_ptr_null(effect(HUB_EFFECT_ALARM));
    wire_record_refusal refusal = {4, 0, RECORD_UNREADABLE};
    step((hub_event){.type = HUB_EVENT_STORED, .stored = HUB_STORED_COMMITTED, .scope = "63", .sequence = 4, .bytes = bytes.size,
                     .position = position(4), .quarantined = true, .refusal_count = 1, .refusals = &refusal});
    ck_assert_int_eq(effect(HUB_EFFECT_ALARM)->reason, WIRE_REFUSAL_MALFORMED);
    ck_assert_uint_eq(effect(HUB_EFFECT_ALARM)->sequence, 4);
    ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->refusal_count, 1);
    /* Its order is looked at as any other's, and whose it is. */
    unreadable_batch(9, &agent_pair);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SEQUENCE);
    unreadable_batch(5, &other_pair);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SIGNATURE);
}
END_TEST

/* No room for a good batch: it is not taken for a bad one. */
START_TEST(short_memory_is_no_fault_of_the_agent)
{
    batch_parts parts = good_batch(4);
    arena *whole = scratch;

    open_at(3);
    scratch = arena_new(_i == 0 ? 8 : 100);
    tell_batch(&parts);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_uint_eq(session.strikes, 0);
    arena_destroy(&scratch);
    scratch = whole;
}
END_TEST

/* The state with one scope of another name, or of the same at that place. */
static void state_of(const char *scope, uint64_t incarnation, uint64_t sequence, uint8_t change_hash)
{
    hub_session_loaded loaded[2] = {{.position = position(sequence)}, {.position = position(0)}};

    loaded[0].position.scope = text_of(scope);
    loaded[0].position.incarnation = incarnation;
    loaded[0].position.hash[0] ^= change_hash;
    loaded[1].position.scope = text_of("01");
    step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = 2, .scopes = loaded});
}

/* A right may go while the store has work in hand. */
START_TEST(answers_of_a_scope_that_is_gone)
{
    wire_message granted_answer = {.type = WIRE_GRANTED};

    open_at(3);
    batch(4);
    size_t size = bytes.size;
    batch(5);
    size_t second = bytes.size;
    ask(WIRE_RENEW, "63");
    hello_at(3);
    state_of("03", 1, 3, 0);
    stored(HUB_STORED_COMMITTED, 4, 4, size); /* it is committed all the same */
    ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.position.sequence, 4);
    stored(HUB_STORED_SCOPE, 5, 4, second);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SCOPE);
    granted_answer.granted.position = position(4);
    answered(HUB_STORED_COMMITTED, &granted_answer);
    ck_assert_int_eq(effect(HUB_EFFECT_SEND)->message.type, WIRE_GRANTED);
    batch(4);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SCOPE);
}
END_TEST

/* What was handed over before the store's word is the store's still if its word is the place that we know of. */
START_TEST(a_new_word_of_the_store_is_the_last_one)
{
    static const struct { uint64_t incarnation, sequence; uint8_t change_hash; bool still_in_hands; } cases[] = {
        {1, 3, 0, true}, {2, 3, 0, false}, {1, 2, 0, false}, {1, 3, 1, false},
    };
    open_at(3);
    hello_at(3);
    batch(4);
    size_t size = bytes.size;
    state_of("63", cases[_i].incarnation, cases[_i].sequence, cases[_i].change_hash);
    ck_assert_uint_eq(session.scopes[0].handed, cases[_i].still_in_hands ? 4 : cases[_i].sequence);
    /* An answer of another place moves nothing. */
    stored(HUB_STORED_AGAIN, 4, 1, size);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_ACK));
    ck_assert_uint_eq(session.scopes[0].sequence, cases[_i].sequence);
}
END_TEST

START_TEST(answers_that_nobody_waits_for_change_nothing)
{
    state_is(3);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_int_eq(session.state, HUB_SESSION_EXPECT_HELLO);
    open_at(3);
    hello_at(3);
    step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_LATER});
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
    ck_assert_int_eq(session.state, HUB_SESSION_OPEN);
    hello_at(3);
    ask(WIRE_SURVEY, "63");
    step((hub_event){.type = HUB_EVENT_CHANGED, .stored = HUB_STORED_FORK});
    state_is(3);
    ck_assert_uint_eq(effects.count, 0);
    answered(HUB_STORED_LATER, NULL);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_int_eq(session.state, HUB_SESSION_FORKED);
}
END_TEST

START_TEST(credit_is_in_bytes_too)
{
    open_at(0);
    batch(1);
    session.outstanding_bytes += HUB_SESSION_CREDIT_BYTES - 2 * bytes.size + 1; /* as a large one */
    batch(2);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
}
END_TEST

static void changed_to(uint64_t incarnation, uint64_t sequence, uint64_t stable)
{
    hub_session_loaded loaded = {.position = position(sequence), .ledger_position = 200};

    loaded.position.incarnation = incarnation;
    loaded.position.stable = stable;
    step((hub_event){.type = HUB_EVENT_CHANGED, .same_contracts = true, .scope_count = 1, .scopes = &loaded});
}

START_TEST(what_has_become_stable_is_told_once)
{
    open_at(5);
    changed_to(1, 5, 0);
    ck_assert_uint_eq(effects.count, 0);
    changed_to(1, 5, 4);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.position.stable, 4);
    ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.position.sequence, 5);
    ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.ledger_position, 200);
    changed_to(1, 5, 4);
    ck_assert_uint_eq(effects.count, 0);
    session.scopes[0].scope[0] = 'x'; /* one that it has no more */
    changed_to(1, 5, 5);
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

/* The tail is lost, with or without a grant; or another connection has come further. */
START_TEST(an_idle_agent_is_told_to_look_anew)
{
    static const struct { uint64_t incarnation, sequence; } places[] = {{1, 3}, {0, 5}, {2, 5}, {1, 6}, {1, 5}};
    open_at(5);
    chain[5][0] ^= _i == 4; /* as far, and by another way */
    changed_to(places[_i].incarnation, places[_i].sequence, 0);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SEQUENCE);
    ck_assert(text_is(effect(HUB_EFFECT_SEND)->message.refused.scope, "63"));
    ck_assert_uint_eq(effect(HUB_EFFECT_SEND)->message.refused.sequence, 0);
    changed_to(1, 3, 0); /* it has been told */
    ck_assert_uint_eq(effects.count, 0);
    batch(6); /* of before */
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hub_resume");
    TCase *tests = tcase_create("hub_resume");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_fork_may_be_known_before_it_speaks, 0, 2);
    tcase_add_test(tests, what_is_under_way_of_a_forked_agent_is_still_answered);
    tcase_add_loop_test(tests, a_question_goes_to_the_store_and_its_answer_back, 0, 3);
    tcase_add_test(tests, a_question_before_hello_or_of_another_scope_is_refused);
    tcase_add_loop_test(tests, a_question_that_the_store_refuses, 0, 5);
    tcase_add_test(tests, a_grant_is_a_new_beginning);
    tcase_add_test(tests, an_answer_of_before_the_grant_disturbs_nothing);
    tcase_add_test(tests, an_answer_of_before_the_welcome_disturbs_nothing);
    tcase_add_test(tests, a_header_that_can_be_read_in_part_is_for_quarantine);
    tcase_add_test(tests, answers_of_a_scope_that_is_gone);
    tcase_add_loop_test(tests, a_new_word_of_the_store_is_the_last_one, 0, 4);
    tcase_add_test(tests, answers_that_nobody_waits_for_change_nothing);
    tcase_add_test(tests, credit_is_in_bytes_too);
    tcase_add_loop_test(tests, short_memory_is_no_fault_of_the_agent, 0, 2);
    tcase_add_test(tests, what_has_become_stable_is_told_once);
    tcase_add_loop_test(tests, an_idle_agent_is_told_to_look_anew, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
