/* The hub's side of the conversation: HELLO, batches, refusals, revocation. What resumes or proves a fork: check_hub_resume. */
#include "hub_bench.h"

START_TEST(hello_is_answered_with_what_the_store_has)
{
    hello_at(5);
    ck_assert_int_eq(session.state, HUB_SESSION_LOADING);
    ck_assert_int_eq(effect(HUB_EFFECT_LOAD)->message.type, WIRE_HELLO);
    state_is(5);
    ck_assert_uint_eq(effects.count, 2);
    const wire_message *welcome = &effects.items[0].message;
    ck_assert_int_eq(welcome->type, WIRE_WELCOME);
    ck_assert_uint_eq(welcome->welcome.credit_batches, HUB_SESSION_CREDIT_BATCHES);
    ck_assert_uint_eq(welcome->welcome.scope_count, 1);
    ck_assert_uint_eq(welcome->welcome.scopes[0].sequence, 5);
    /* The acknowledgement that the last connection may have lost comes again. */
    ck_assert_int_eq(effects.items[1].type, HUB_EFFECT_ACK);
    ck_assert_uint_eq(effects.items[1].receipt.position.sequence, 5);
    ck_assert_uint_eq(effects.items[1].receipt.ledger_position, 105);
    ck_assert_uint_eq(effects.items[1].refusal_count, 1);
    ck_assert_mem_eq(effects.items[1].receipt.agent, agent_pair.public_key, CRYPTO_PUBLIC);
}
END_TEST

START_TEST(a_new_agent_is_welcomed_without_an_acknowledgement)
{
    hello_at(0);
    state_is(0);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_int_eq(effects.items[0].message.type, WIRE_WELCOME);
}
END_TEST

START_TEST(batches_go_to_the_store_and_are_acknowledged_after_the_commit)
{
    open_at(0);
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        batch(sequence);
        ck_assert_uint_eq(effects.count, 1);
        const hub_effect *store = effect(HUB_EFFECT_STORE);
        ck_assert_ptr_nonnull(store);
        ck_assert_uint_eq(store->header.sequence, sequence);
        ck_assert_uint_eq(store->bytes, bytes.size);
        ck_assert(text_is(store->message.batch.bodies[1], "another"));
    }
    size_t size = bytes.size;
    ck_assert_uint_eq(session.outstanding_batches, 3);
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        stored(HUB_STORED_COMMITTED, sequence, sequence, size);
        ck_assert_uint_eq(effects.count, 1);
        ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.position.sequence, sequence);
        ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.ledger_position, 1000 + sequence);
    }
    ck_assert_uint_eq(session.outstanding_batches, 0);
    ck_assert_uint_eq(session.outstanding_bytes, 0);
}
END_TEST

START_TEST(an_erased_body_is_no_fault)
{
    batch_parts parts = good_batch(1);

    open_at(0);
    parts.bodies[0] = (text_view){NULL, 0};
    tell_batch(&parts);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(what_no_honest_agent_signs_is_refused_with_an_alarm)
{
    batch_parts parts = good_batch(1);
    int expected = WIRE_REFUSAL_SIGNATURE;

    open_at(0);
    switch (_i) {
    case 0: parts.by = &other_pair; break;
    case 1: memcpy(parts.header.agent, other_pair.public_key, CRYPTO_PUBLIC); break;
    case 2: parts.bodies[0] = text_of("A body"); expected = WIRE_REFUSAL_MALFORMED; break;
    case 3: parts.body_count = 1; expected = WIRE_REFUSAL_MALFORMED; break;
    }
    tell_batch(&parts);
    ck_assert_int_eq(refused(), expected);
    ck_assert_int_eq(effect(HUB_EFFECT_ALARM)->reason, expected);
    ck_assert_ptr_null(effect(HUB_EFFECT_STORE));
    /* The chain has not moved: the good one is still taken. */
    batch(1);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(a_header_that_is_well_signed_but_unreadable_is_malformed)
{
    static uint8_t signature[CRYPTO_SIGNATURE];
    wire_message message = {.type = WIRE_BATCH};

    open_at(0);
    message.batch.header = text_of("no header");
    batch_sign(signature, message.batch.header, &agent_pair);
    message.batch.signature = signature;
    tell(&message);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_MALFORMED);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_ALARM));
}
END_TEST

START_TEST(noise_is_cut_after_a_few_strikes)
{
    for (int i = 1; i <= HUB_SESSION_STRIKES_MAX; i++) {
        step((hub_event){.type = HUB_EVENT_MESSAGE, .message = text_of("GET / HTTP/1.1")});
        ck_assert_int_eq(refused(), WIRE_REFUSAL_MALFORMED);
        ck_assert((effect(HUB_EFFECT_CUT) != NULL) == (i == HUB_SESSION_STRIKES_MAX));
    }
    ck_assert_int_eq(session.state, HUB_SESSION_CLOSED);
    hello_at(0);
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

START_TEST(messages_of_a_hub_are_none_of_an_agent)
{
    wire_message message = {.type = WIRE_CONTRACTS};

    open_at(0);
    tell(&message);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_MALFORMED);
}
END_TEST

START_TEST(a_batch_before_hello_is_sent_back)
{
    batch(1);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SEQUENCE);
    ck_assert_ptr_null(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(another_version_is_told_so)
{
    step((hub_event){.type = HUB_EVENT_MESSAGE, .message = text_of("\x93\x01\x02\xc0")});
    ck_assert_int_eq(refused(), WIRE_REFUSAL_VERSION);
    ck_assert_int_eq(session.state, HUB_SESSION_EXPECT_HELLO);
}
END_TEST

START_TEST(batches_out_of_order_are_refused_once)
{
    open_at(0);
    batch(2);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SEQUENCE);
    batch(3); /* of the same window: the agent has been told */
    ck_assert_uint_eq(effects.count, 0);
    batch(1);
    ck_assert_uint_eq(effects.count, 0);
    hello_at(3);
    state_is(0);
    batch(1);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

/* Whether a chain goes on is for the store to say; from then on the agent hears nothing else. */
START_TEST(another_chain_is_a_fork_when_the_store_says_so)
{
    batch_parts parts = good_batch(4);

    open_at(3);
    if (_i == 0) {
        parts.header.previous[0] ^= 1; /* does not follow what is committed */
    } else if (_i == 1) {
        batch(4);
        parts = good_batch(5);
        parts.header.previous[0] ^= 1; /* does not follow what is in the store's hands */
    } else if (_i == 2) {
        batch(4);
        parts.header.key_count = 1;
        parts.header.keys[0].epoch = 1; /* another one of a number in the store's hands */
    } else {
        parts = good_batch(3);
        parts.header.key_count = 1;
        parts.header.keys[0].epoch = 1; /* another one of the last committed */
    }
    size_t size = bytes.size;
    tell_batch(&parts);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    if (_i == 1 || _i == 2) {
        stored(HUB_STORED_COMMITTED, 4, 4, size);
        ck_assert_ptr_nonnull(effect(HUB_EFFECT_ACK));
    }
    stored(HUB_STORED_FORK, parts.header.sequence, 3, bytes.size);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_FORK);
    ck_assert_uint_eq(effect(HUB_EFFECT_SEND)->message.refused.sequence, parts.header.sequence);
    ck_assert_int_eq(effect(HUB_EFFECT_ALARM)->reason, WIRE_REFUSAL_FORK);
    ck_assert(text_is(effect(HUB_EFFECT_ALARM)->scope, "63"));
    is_forked();
}
END_TEST

START_TEST(another_incarnation_and_another_scope_are_refused)
{
    batch_parts parts = good_batch(1);

    open_at(0);
    parts.header.scope = text_of("03");
    tell_batch(&parts);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_SCOPE);
    ck_assert(text_is(effect(HUB_EFFECT_SEND)->message.refused.scope, "03"));
    parts = good_batch(1);
    parts.header.incarnation = 2;
    tell_batch(&parts);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_INCARNATION);
}
END_TEST

START_TEST(more_than_the_credit_is_refused_busy)
{
    open_at(0);
    for (uint64_t sequence = 1; sequence <= HUB_SESSION_CREDIT_BATCHES; sequence++) {
        batch(sequence);
        ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    }
    batch(HUB_SESSION_CREDIT_BATCHES + 1);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
}
END_TEST

START_TEST(a_batch_that_comes_again_is_handed_over_once)
{
    open_at(3);
    batch(4);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    batch(4); /* in the store's hands: its answer will do */
    ck_assert_uint_eq(effects.count, 0);
    stored(HUB_STORED_COMMITTED, 4, 4, bytes.size);
    batch(2); /* committed long ago: the store knows with which hash */
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    stored(HUB_STORED_AGAIN, 2, 4, bytes.size);
    ck_assert_uint_eq(effect(HUB_EFFECT_ACK)->receipt.position.sequence, 4);
    batch(5);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(the_store_s_refusals_are_told_with_the_right_reason)
{
    static const struct { hub_stored how; int reason; bool alarm; } cases[] = {
        {HUB_STORED_SEQUENCE, WIRE_REFUSAL_SEQUENCE, false},
        {HUB_STORED_SCOPE, WIRE_REFUSAL_SCOPE, false},
        {HUB_STORED_KEY, WIRE_REFUSAL_KEY, true},
        {HUB_STORED_INCARNATION, WIRE_REFUSAL_INCARNATION, false},
        {HUB_STORED_LATER, WIRE_REFUSAL_BUSY, false},
    };
    open_at(0);
    batch(1);
    size_t size = bytes.size;
    batch(2);
    stored(cases[_i].how, 1, 0, size);
    ck_assert_int_eq(refused(), cases[_i].reason);
    ck_assert_uint_eq(effect(HUB_EFFECT_SEND)->message.refused.sequence, 1);
    ck_assert((effect(HUB_EFFECT_ALARM) != NULL) == cases[_i].alarm);
    /* What followed it cannot be stored: the agent knows already. */
    stored(HUB_STORED_SEQUENCE, 2, 0, size);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_uint_eq(session.outstanding_batches, 0);
    batch(3);
    ck_assert_uint_eq(effects.count, 0);
    hello_at(3);
    state_is(0);
    batch(1);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(a_revoked_agent_is_told_and_cut)
{
    open_at(0);
    if (_i == 0) {
        simple(HUB_EVENT_REVOKED);
    } else if (_i == 1) {
        batch(1);
        stored(HUB_STORED_NO_RIGHT, 1, 0, bytes.size);
    } else {
        hello_at(1);
        step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_NO_RIGHT});
    }
    ck_assert_uint_eq(effects.count, 2);
    ck_assert_int_eq(refused(), WIRE_REFUSAL_REVOKED);
    ck_assert_int_eq(effects.items[1].type, HUB_EFFECT_CUT);
    ck_assert_int_eq(session.state, HUB_SESSION_CLOSED);
    batch(1);
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

START_TEST(hello_again_loads_again_and_takes_the_store_s_word)
{
    open_at(5);
    batch(6);
    stored(HUB_STORED_COMMITTED, 6, 6, bytes.size);
    hello_at(8);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_LOAD));
    ck_assert_int_eq(session.state, HUB_SESSION_OPEN);
    hello_at(8); /* while that is under way */
    ck_assert_uint_eq(effects.count, 0);
    state_is(3); /* a standby that lost the tail was promoted */
    ck_assert_uint_eq(effects.items[0].message.welcome.scopes[0].sequence, 3);
    batch(4);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
}
END_TEST

START_TEST(batches_that_come_while_it_loads_again_are_not_forgotten)
{
    open_at(0);
    hello_at(3);
    batch(1);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    size_t size = bytes.size;
    state_is(0);
    batch(1); /* sent again by WELCOME: it is in the store's hands */
    ck_assert_uint_eq(effects.count, 0);
    batch(2);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_STORE));
    stored(HUB_STORED_COMMITTED, 1, 1, size);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_ACK));
}
END_TEST

START_TEST(a_store_that_cannot_load_is_busy)
{
    hello_at(3);
    step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_LATER});
    ck_assert_int_eq(refused(), WIRE_REFUSAL_BUSY);
    ck_assert_uint_eq(effect(HUB_EFFECT_SEND)->message.refused.scope.size, 0);
    hello_at(3);
    ck_assert_ptr_nonnull(effect(HUB_EFFECT_LOAD));
}
END_TEST

/* It may be an old HELLO: a RENEW alone proves anything. */
START_TEST(an_agent_that_is_behind_or_elsewhere_is_welcomed)
{
    wire_position at = position(3);
    wire_message message = {.type = WIRE_HELLO};

    if (_i == 1)
        at.hash[0] ^= 1;
    message.hello.version = WIRE_VERSION;
    message.hello.scopes = &at;
    message.hello.scope_count = 1;
    tell(&message);
    state_is(_i == 1 ? 3 : 5);
    ck_assert_ptr_null(effect(HUB_EFFECT_ALARM));
    ck_assert_int_eq(effect(HUB_EFFECT_SEND)->message.type, WIRE_WELCOME);
}
END_TEST

START_TEST(changes_are_told_to_who_has_been_welcomed)
{
    hub_event event = {.type = HUB_EVENT_CHANGED};

    step(event);
    ck_assert_uint_eq(effects.count, 0);
    open_at(0);
    step(event);
    ck_assert_int_eq(effects.items[0].message.type, WIRE_CONTRACTS);
}
END_TEST

START_TEST(all_scopes_fit_into_the_effects_of_one_step)
{
    static char names[WIRE_SCOPES_MAX + 2][4];
    hub_session_loaded loaded[WIRE_SCOPES_MAX + 2];
    wire_position said[WIRE_SCOPES_MAX];
    wire_message message = {.type = WIRE_HELLO};

    for (unsigned i = 0; i < WIRE_SCOPES_MAX + 2; i++) {
        names[i][0] = (char) ('a' + i);
        loaded[i] = (hub_session_loaded){.position = position(3)};
        loaded[i].position.scope = text_of(names[i]);
        if (i < WIRE_SCOPES_MAX) {
            said[i] = position(2);
            said[i].scope = text_of(names[i]);
        }
    }
    message.hello.version = WIRE_VERSION;
    message.hello.scopes = said;
    message.hello.scope_count = WIRE_SCOPES_MAX;
    tell(&message);
    step((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = WIRE_SCOPES_MAX + 2, .scopes = loaded});
    ck_assert_uint_eq(effects.count, WIRE_SCOPES_MAX + 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hub_session");
    TCase *tests = tcase_create("hub_session");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, hello_is_answered_with_what_the_store_has);
    tcase_add_test(tests, a_new_agent_is_welcomed_without_an_acknowledgement);
    tcase_add_test(tests, batches_go_to_the_store_and_are_acknowledged_after_the_commit);
    tcase_add_test(tests, an_erased_body_is_no_fault);
    tcase_add_loop_test(tests, what_no_honest_agent_signs_is_refused_with_an_alarm, 0, 4);
    tcase_add_test(tests, a_header_that_is_well_signed_but_unreadable_is_malformed);
    tcase_add_test(tests, noise_is_cut_after_a_few_strikes);
    tcase_add_test(tests, messages_of_a_hub_are_none_of_an_agent);
    tcase_add_test(tests, a_batch_before_hello_is_sent_back);
    tcase_add_test(tests, another_version_is_told_so);
    tcase_add_test(tests, batches_out_of_order_are_refused_once);
    tcase_add_loop_test(tests, another_chain_is_a_fork_when_the_store_says_so, 0, 4);
    tcase_add_test(tests, another_incarnation_and_another_scope_are_refused);
    tcase_add_test(tests, more_than_the_credit_is_refused_busy);
    tcase_add_test(tests, a_batch_that_comes_again_is_handed_over_once);
    tcase_add_loop_test(tests, the_store_s_refusals_are_told_with_the_right_reason, 0, 5);
    tcase_add_loop_test(tests, a_revoked_agent_is_told_and_cut, 0, 3);
    tcase_add_test(tests, hello_again_loads_again_and_takes_the_store_s_word);
    tcase_add_test(tests, batches_that_come_while_it_loads_again_are_not_forgotten);
    tcase_add_test(tests, a_store_that_cannot_load_is_busy);
    tcase_add_loop_test(tests, an_agent_that_is_behind_or_elsewhere_is_welcomed, 0, 2);
    tcase_add_test(tests, changes_are_told_to_who_has_been_welcomed);
    tcase_add_test(tests, all_scopes_fit_into_the_effects_of_one_step);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
