/* What an agent believes of what a hub says: positions, receipts, refusals. */
#include "agent_bench.h"

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
    ck_assert_uint_eq(effect(AGENT_EFFECT_ACKNOWLEDGED)->sequence, 7); /* as before, and perhaps with other refusals */
    ck_assert_uint_eq(session.scopes[0].acknowledged, 7);
    ack(9);
    ck_assert_uint_eq(effect(AGENT_EFFECT_ACKNOWLEDGED)->sequence, 9);
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
    case 3: parts.refusal = (wire_record_refusal){5, 0, RECORD_BAD_CODE}; break;
    }
    tell_ack(&parts);
    ck_assert_ptr_null(effect(AGENT_EFFECT_ACKNOWLEDGED));
    ck_assert_uint_eq(session.scopes[0].acknowledged, 2);
    ck_assert_int_eq(session.state, AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, AGENT_STOP_WRONG_HUB);
}
END_TEST

/* Signed for us, and not of our chain: the hub is elsewhere than we think, and its position tells where. */
START_TEST(a_receipt_of_another_chain_brings_hello)
{
    have("63", 4, 2);
    connect_now();
    ack_parts parts = good_ack("63", 4);
    if (_i == 3) { /* the WELCOME before it was lost */
        parts = good_ack("03", 4);
        tell_ack(&parts);
        ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
        ck_assert_uint_eq(effects.count, 0);
        return;
    }
    welcome(2);
    (void) send_all(1000); /* 3 and 4 */
    queued("63", 5);
    switch (_i) {
    case 0: parts = good_ack("63", 5); break; /* not sent yet */
    case 1: parts.receipt.position.hash[7] ^= 1; break;
    case 2: parts.receipt.position.incarnation = 2; break;
    }
    session.sending = true; /* 5 is not on its way yet */
    tell_ack(&parts);
    ck_assert_uint_eq(session.scopes[0].acknowledged, 2);
    ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    tell_ack(&parts); /* until WELCOME comes: passed over */
    ck_assert_uint_eq(effects.count, 0);
    welcome(2);
    (void) send_all(1000);
    parts.receipt.position.incarnation = 7;
    tell_ack(&parts); /* without end: with patience */
    ck_assert_int_eq(session.state, AGENT_SESSION_PAUSED);
}
END_TEST

START_TEST(a_receipt_of_a_lower_incarnation_is_of_the_past)
{
    uint8_t hash[CRYPTO_HASH];

    hash_of(hash, "63", 4);
    ck_assert(agent_session_add_scope(&session, "63", 2, 4, hash, 2, 0));
    connect_now();
    wire_position at = position("63", 2);
    at.incarnation = 2;
    welcome_at(&at, 1, 8, 8 << 20);
    ck_assert_uint_eq(send_all(1000), 2);
    ack(4);
    ck_assert_uint_eq(effects.count, 0);
    ck_assert_uint_eq(session.scopes[0].acknowledged, 2);
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
}
END_TEST

/* The hub has signed another history before: evidence, and the end. */
START_TEST(a_receipt_that_contradicts_one_that_is_held)
{
    static const struct { bool above; uint64_t sequence, position; uint8_t link; bool fits; } table[] = {
        {false, 3, 103, 0, true},  {false, 3, 103, 1, false}, {false, 3, 104, 0, false}, {false, 2, 102, 9, true},
        {false, 2, 103, 0, false}, {false, 1, 400, 0, false}, {true, 4, 104, 9, true},   {true, 4, 103, 0, false},
        {true, 9, 9, 0, false},
    };
    have("63", 5, 0);
    connect_now();
    welcome(0);
    (void) send_all(1000);
    memset(held, 0, sizeof held);
    held[table[_i].above].there = true;
    held[table[_i].above].sequence = table[_i].sequence;
    held[table[_i].above].position = table[_i].position;
    held[table[_i].above].link = table[_i].link;
    session.scopes[0].stable = table[_i].sequence;
    ack(3); /* at position 103, with a link of zeros */
    ck_assert_int_eq(session.state, table[_i].fits ? AGENT_SESSION_FLOWING : AGENT_SESSION_STOPPED);
    ck_assert_int_eq(session.stop, table[_i].fits ? AGENT_STOP_NONE : AGENT_STOP_HISTORY);
    ck_assert_uint_eq(session.scopes[0].acknowledged, table[_i].fits ? 3 : 0);
    const agent_effect *evidence = effect(AGENT_EFFECT_CONTRADICTED);
    ck_assert((evidence == NULL) == table[_i].fits);
    if (evidence)
        ck_assert(evidence->sequence == 3 && evidence->ledger_position == 103 && evidence->receipt.size == receipt_bytes.size);
    ck_assert((effect(AGENT_EFFECT_ACKNOWLEDGED) != NULL) == table[_i].fits);
    memset(held, 0, sizeof held);
}
END_TEST

/* The hub lost its tail, and a batch that was under way came to stand anew, elsewhere: no WELCOME tells it. */
START_TEST(a_receipt_that_was_not_stable_may_be_void)
{
    wire_position scopes[WIRE_SCOPES_MAX];
    wire_message hello;

    have("63", 5, 4);
    connect_now();
    welcome(3);
    session.scopes[0].stable = 1;
    held[0].there = true;
    held[0].sequence = 3;
    held[0].position = 90;
    ack(3);
    ck_assert_uint_eq(effect(AGENT_EFFECT_RETRACT)->sequence, 1);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_DISCONNECT));
    ck_assert_ptr_null(effect(AGENT_EFFECT_ACKNOWLEDGED));
    ck_assert_int_eq(session.state, AGENT_SESSION_WAITING);
    agent_session_hello(&session, &hello, scopes);
    ck_assert_uint_eq(scopes[0].stable, 1); /* so that what was refused since comes again */
    memset(held, 0, sizeof held);
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
        {WIRE_REFUSAL_REVOKED, AGENT_SESSION_WAITING, AGENT_STOP_NOT_ADMITTED},
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
    refused(WIRE_REFUSAL_BUSY, NULL, 0);
    simple(AGENT_EVENT_START); /* a person waits for it */
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

static void tell_contract(const char *scope, bool allowed)
{
    wire_action action = {.code = text_of("axe1"), .title = text_of("Un"), .allowed = allowed};
    wire_contract contract = {.id = text_of("c"), .title = text_of("C"), .scope = text_of(scope),
                              .first_day = 19000, .last_day = 19300, .action_count = 1, .actions = &action};
    wire_message message = {.type = WIRE_CONTRACTS, .contracts = {.contract_count = 1, .contracts = &contract}};

    tell(&message);
}

/* A WELCOME that came while the rights were away names no scope; what the hub holds there must be heard when they are back. */
START_TEST(a_right_that_comes_back_brings_hello)
{
    have("63", 4, 4);
    connect_now();
    welcome_at(NULL, 0, 8, 8 << 20);
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
    tell_contract("63", false);
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
    tell_contract(_i == 0 ? "63" : "03", true); /* one that we have sent to; one that a disk before ours may have */
    ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome(4);
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
    tell_contract("63", true); /* nothing new */
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
}
END_TEST

START_TEST(a_second_welcome_gives_rights_back)
{
    wire_position at[] = {position("63", 4), position("03", 0)};

    have("63", _i == 0 ? 6 : 4, 4);
    connect_now();
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK); /* HELLO again, and both are answered */
    welcome_at(NULL, 0, 8, 8 << 20);
    ck_assert_int_eq(agent_session_trouble(&session, "63"), _i == 0 ? AGENT_STOP_NO_RIGHT : AGENT_STOP_NONE);
    welcome_at(at, 2, 8, 8 << 20);
    ck_assert_int_eq(session.state, AGENT_SESSION_GREETING);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome_at(at, 2, 8, 8 << 20);
    ck_assert_int_eq(agent_session_trouble(&session, "63"), AGENT_STOP_NONE);
    ck_assert_uint_eq(send_all(1000), _i == 0 ? 2 : 0);
    welcome_at(at, 2, 8, 8 << 20); /* nothing new: no answer to it */
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_HELLO));
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

int main(void)
{
    Suite *suite = suite_create("agent_hear");
    TCase *tests = tcase_create("agent_hear");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, after_a_reconnect_it_goes_on_from_the_hub_s_position);
    tcase_add_test(tests, a_receipt_that_is_owed_is_asked_for);
    tcase_add_test(tests, what_the_hub_has_lost_is_sent_again);
    tcase_add_test(tests, a_forgotten_position_is_no_fork);
    tcase_add_loop_test(tests, an_acknowledgement_that_is_not_for_us_is_never_taken, 0, 4);
    tcase_add_loop_test(tests, a_receipt_of_another_chain_brings_hello, 0, 4);
    tcase_add_test(tests, a_receipt_of_a_lower_incarnation_is_of_the_past);
    tcase_add_test(tests, refused_records_are_passed_on);
    tcase_add_test(tests, a_receipt_that_was_not_stable_may_be_void);
    tcase_add_loop_test(tests, a_receipt_that_contradicts_one_that_is_held, 0, 9);
    tcase_add_loop_test(tests, refusals_stop_or_greet_again_or_wait, 0, 10);
    tcase_add_test(tests, refusals_without_end_are_not_answered_without_end);
    tcase_add_test(tests, a_busy_hub_is_greeted_again_after_the_back_off);
    tcase_add_test(tests, one_scope_without_right_does_not_stop_the_others);
    tcase_add_test(tests, a_second_welcome_does_not_turn_back);
    tcase_add_loop_test(tests, a_right_that_comes_back_brings_hello, 0, 2);
    tcase_add_loop_test(tests, a_second_welcome_gives_rights_back, 0, 2);
    tcase_add_loop_test(tests, what_is_no_message_of_a_hub_stops, 0, 3);
    tcase_add_test(tests, another_version_of_the_hub_stops);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
