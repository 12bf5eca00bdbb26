/* The agent's side of the conversation, event by event: connections, credit, time. */
#include "agent_bench.h"

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

START_TEST(a_refused_key_needs_a_person_and_is_tried_again_slowly)
{
    have("63", 1, 0);
    simple(AGENT_EVENT_START);
    simple(AGENT_EVENT_REFUSED_KEY);
    ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
    ck_assert_int_eq(session.stop, AGENT_STOP_NOT_ADMITTED);
    ck_assert_uint_ge(session.deadline_ms - now, AGENT_SESSION_RETRY_MS_MAX / 2);
    ck_assert_uint_le(session.deadline_ms - now, AGENT_SESSION_RETRY_MS_MAX);
    queued("63", 2);
    ck_assert_uint_eq(effects.count, 0);
    simple(AGENT_EVENT_START);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_CONNECT));
    simple(AGENT_EVENT_CONNECTED);
    welcome(0);
    ck_assert_int_eq(session.stop, AGENT_STOP_NONE);
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

static void unkept(const char *scope, uint64_t incarnation, uint64_t queued, uint64_t acknowledged, uint64_t stable)
{
    uint8_t hash[CRYPTO_HASH] = {(uint8_t)queued};
    step((agent_event){.type = AGENT_EVENT_UNKEPT, .scope = scope, .incarnation = incarnation, .sequence = queued, .hash = hash,
                       .acknowledged = acknowledged, .stable = stable});
}

START_TEST(what_could_not_be_written_down_is_asked_for_again)
{
    wire_position scopes[WIRE_SCOPES_MAX];
    wire_message hello;

    have("63", 5, 3);
    have("03", 2, 2);
    connect_now();
    wire_position at[2] = {position("63", 3), position("03", 2)};
    welcome_at(at, 2, 8, 1 << 20);
    ck_assert_uint_eq(send_all(1000), 2);
    ack(5);
    ck_assert_uint_eq(session.scopes[0].acknowledged, 5);
    unkept("63", 1, 5, 3, 0);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_DISCONNECT));
    ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
    ck_assert_uint_ge(session.deadline_ms, now + AGENT_SESSION_UNKEPT_MS / 2); /* a full disk is no reason to knock on and on */
    unkept("03", 1, 2, 2, 0);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_uint_eq(session.scopes[1].acknowledged, 2);
    ck_assert_uint_eq(session.scopes[1].stable, 0);
    agent_session_hello(&session, &hello, scopes);
    ck_assert_uint_eq(scopes[0].stable, 3);
    ck_assert_uint_eq(agent_session_pending(&session), 2);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    simple(AGENT_EVENT_CONNECTED);
    at[0] = position("63", 1);
    welcome_at(at, 2, 8, 1 << 20);
    ck_assert_uint_eq(effect(AGENT_EFFECT_RETRACT)->sequence, 1);
    ck_assert_uint_eq(session.scopes[0].acknowledged, 1);
    unkept("63", 1, 5, 3, 0); /* nor that: it is to be told again */
    ck_assert_uint_eq(session.scopes[0].acknowledged, 3);
    step((agent_event){.type = AGENT_EVENT_UNKEPT, .scope = "63"}); /* cannot even be read: it holds no receipt that it could show */
    ck_assert_uint_eq(session.scopes[0].acknowledged, 0);
    ck_assert_uint_eq(session.scopes[0].queued, 5);
    /* It may hold receipts beyond the hub's place all the same: it is told that they are void. */
    for (int i = 0; i < 2; i++) {
        now = session.deadline_ms;
        simple(AGENT_EVENT_TICK);
        simple(AGENT_EVENT_CONNECTED);
        at[0] = position("63", 4);
        welcome_at(at, 2, 8, 1 << 20);
        ck_assert((effect(AGENT_EFFECT_RETRACT) != NULL) == (i == 0));
        ck_assert(i > 0 || effect(AGENT_EFFECT_RETRACT)->sequence == 4);
        ck_assert_uint_eq(session.scopes[0].acknowledged, 0);
        simple(AGENT_EVENT_LOST);
    }
}
END_TEST

START_TEST(a_grant_that_was_written_although_that_failed_counts)
{
    wire_position scopes[WIRE_SCOPES_MAX];
    wire_message hello;

    have("63", 1, 0);
    connect_now();
    unkept("63", 3, 2, 1, 1); /* its batch is the second now */
    agent_session_hello(&session, &hello, scopes);
    ck_assert_uint_eq(scopes[0].incarnation, 3);
    ck_assert_uint_eq(scopes[0].sequence, 2);
    ck_assert_uint_eq(scopes[0].stable, 1);
    ck_assert_int_eq(session.scopes[0].renewal, AGENT_RENEWAL_NONE);
    ck_assert_int_eq(session.scopes[0].resync, AGENT_RESYNC_WANTED);
    ck_assert_uint_eq(session.scopes[0].sent_ever, 1);
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
            ck_assert(before[s] <= scope->acknowledged || effect(AGENT_EFFECT_RETRACT) != NULL);
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
    tcase_add_test(tests, never_more_than_the_credit_is_outstanding);
    tcase_add_test(tests, a_huge_credit_is_bounded_by_the_window);
    tcase_add_test(tests, a_batch_larger_than_the_credit_that_is_left_waits);
    tcase_add_test(tests, scopes_take_turns);
    tcase_add_test(tests, without_an_acknowledgement_it_greets_again_and_then_reconnects);
    tcase_add_test(tests, an_acknowledgement_is_a_sign_of_life);
    tcase_add_test(tests, the_back_off_doubles_with_jitter_up_to_its_maximum);
    tcase_add_test(tests, a_connection_that_never_comes_is_given_up);
    tcase_add_test(tests, three_handshakes_to_nothing_mean_another_key_but_it_keeps_trying);
    tcase_add_test(tests, a_refused_key_needs_a_person_and_is_tried_again_slowly);
    tcase_add_test(tests, a_new_scope_is_asked_about_first);
    tcase_add_test(tests, messages_of_a_dropped_connection_mean_nothing);
    tcase_add_test(tests, what_could_not_be_written_down_is_asked_for_again);
    tcase_add_test(tests, a_grant_that_was_written_although_that_failed_counts);
    tcase_add_test(tests, impossible_scopes_are_not_taken);
    tcase_add_loop_test(tests, nothing_breaks_it, 0, 8);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
