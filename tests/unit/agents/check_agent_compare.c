/* How a scope is compared with what the hub holds: when, bucket after bucket, and what begins it anew. */
#include "agent_bench.h"

static uint8_t digests[WIRE_BUCKETS][WIRE_DIGEST];

static void digests_of(const char *scope, uint64_t incarnation, uint64_t sequence)
{
    wire_message message = {.type = WIRE_DIGESTS};

    message.digests.scope = text_of(scope);
    message.digests.incarnation = incarnation;
    message.digests.sequence = sequence;
    message.digests.digests = digests[0];
    tell(&message);
}

static void listed(unsigned bucket, const uint8_t *after, unsigned first, unsigned count, bool more)
{
    wire_held records[8] = {{{0}, {NULL, 0}, 0, 0}};
    wire_message message = {.type = WIRE_LISTED};

    for (unsigned i = 0; i < count; i++) {
        records[i] = (wire_held){.key = {(uint8_t) bucket, (uint8_t) (first + i)}, .contract = text_of("c1"),
                                 .incarnation = 1, .sequence = 1};
    }
    message.listed.scope = text_of("63");
    message.listed.incarnation = 1;
    message.listed.sequence = 5;
    message.listed.bucket = bucket;
    message.listed.after = after;
    message.listed.more = more;
    message.listed.record_count = count;
    message.listed.records = records;
    tell(&message);
}

static void compared(unsigned first, unsigned second)
{
    uint8_t differs[WIRE_BUCKETS / 8] = {0};

    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_COMPARE));
    if (first < WIRE_BUCKETS)
        differs[first / 8] |= (uint8_t) (1U << first % 8);
    if (second < WIRE_BUCKETS)
        differs[second / 8] |= (uint8_t) (1U << second % 8);
    step((agent_event){.type = AGENT_EVENT_COMPARED, .scope = "63", .differs = differs});
}

static void reconciled(void)
{
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_RECONCILE));
    step((agent_event){.type = AGENT_EVENT_RECONCILED, .scope = "63"});
}

/* A scope that is to be compared, with all acknowledged. */
static void begin(void)
{
    have("63", 5, 5);
    agent_session_want_resync(&session, "63");
    agent_session_want_resync(&session, "no such scope");
    connect_now();
    welcome(5);
}

START_TEST(what_is_equal_is_done_at_once)
{
    begin();
    ck_assert_str_eq(effect(AGENT_EFFECT_SEND_SURVEY)->scope, "63");
    ck_assert_uint_eq(session.deadline_ms, now + AGENT_SESSION_ACK_TIMEOUT_MS);
    digests_of("63", 1, 5);
    ck_assert_mem_eq(effect(AGENT_EFFECT_COMPARE)->digests, digests, sizeof digests);
    compared(WIRE_BUCKETS, WIRE_BUCKETS);
    ck_assert_str_eq(effect(AGENT_EFFECT_RESYNCED)->scope, "63");
    ck_assert(!agent_session_settling(&session));
    ck_assert_uint_eq(session.deadline_ms, UINT64_MAX);
    digests_of("63", 1, 5); /* twice */
    ck_assert_uint_eq(effects.count, 0);
}
END_TEST

START_TEST(bucket_after_bucket_is_listed_to_its_end)
{
    begin();
    digests_of("63", 1, 5);
    compared(200, 3);
    const agent_effect *list = effect(AGENT_EFFECT_SEND_LIST);
    ck_assert_uint_eq(list->bucket, 3);
    ck_assert_ptr_null(list->after);
    listed(200, NULL, 1, 2, false); /* not what was asked */
    ck_assert_uint_eq(effects.count, 0);
    listed(3, NULL, 1, 2, true);
    ck_assert(effect(AGENT_EFFECT_RECONCILE)->more);
    ck_assert_uint_eq(effect(AGENT_EFFECT_RECONCILE)->record_count, 2);
    ck_assert_ptr_null(effect(AGENT_EFFECT_RECONCILE)->after);
    reconciled();
    const uint8_t after[RECORD_KEY] = {3, 2};
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_LIST)->bucket, 3);
    ck_assert_mem_eq(effect(AGENT_EFFECT_SEND_LIST)->after, after, RECORD_KEY);
    listed(3, NULL, 1, 2, true); /* the answer of before again */
    ck_assert_uint_eq(effects.count, 0);
    listed(3, after, 3, 1, false);
    ck_assert_mem_eq(effect(AGENT_EFFECT_RECONCILE)->after, after, RECORD_KEY);
    reconciled();
    ck_assert_uint_eq(effect(AGENT_EFFECT_SEND_LIST)->bucket, 200);
    listed(200, NULL, 0, 0, false);
    reconciled();
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_RESYNCED));
    ck_assert(!agent_session_settling(&session));
}
END_TEST

START_TEST(it_waits_until_all_is_acknowledged)
{
    have("63", 5, 3);
    agent_session_want_resync(&session, "63");
    connect_now();
    welcome(3);
    ck_assert_uint_eq(send_all(1000), 2);
    ack(4);
    ck_assert_ptr_null(effect(AGENT_EFFECT_SEND_SURVEY));
    ack(5);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
}
END_TEST

START_TEST(a_batch_meanwhile_begins_it_anew)
{
    begin();
    if (_i == 1) {
        digests_of("63", 1, 5);
        compared(3, 4);
    }
    queued("63", 6);
    ck_assert_uint_eq(send_all(1000), 1);
    if (_i == 0)
        digests_of("63", 1, 5);
    else
        listed(3, NULL, 1, 2, false);
    ck_assert_ptr_null(effect(AGENT_EFFECT_COMPARE));
    ck_assert_ptr_null(effect(AGENT_EFFECT_RECONCILE));
    ck_assert_int_eq(session.state, AGENT_SESSION_FLOWING);
    ack(6);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
    digests_of("63", 1, 6);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_COMPARE));
}
END_TEST

START_TEST(an_answer_of_elsewhere_brings_hello)
{
    begin();
    digests_of("63", 1, _i == 0 ? 6 : 4);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    welcome(5);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
    digests_of("63", 2, 5);
    ck_assert_int_eq(session.state, AGENT_SESSION_PAUSED);
}
END_TEST

START_TEST(without_an_answer_it_begins_anew)
{
    begin();
    digests_of("63", 1, 5);
    compared(3, 4);
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_HELLO));
    listed(3, NULL, 1, 2, false); /* too late */
    ck_assert_uint_eq(effects.count, 0);
    step((agent_event){.type = AGENT_EVENT_RECONCILED, .scope = "63"});
    step((agent_event){.type = AGENT_EVENT_COMPARED, .scope = "63", .differs = digests[0]});
    ck_assert_uint_eq(effects.count, 0);
    welcome(5);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
    simple(AGENT_EVENT_LOST);
    ck_assert(agent_session_settling(&session));
    now = session.deadline_ms;
    simple(AGENT_EVENT_TICK);
    simple(AGENT_EVENT_CONNECTED);
    welcome(5);
    ck_assert_ptr_nonnull(effect(AGENT_EFFECT_SEND_SURVEY));
}
END_TEST

START_TEST(what_was_not_asked_is_passed_over)
{
    have("63", 5, 5);
    connect_now();
    welcome(5);
    digests_of("63", 1, 5);
    ck_assert_uint_eq(effects.count, 0);
    digests_of("99", 1, 5);
    ck_assert_uint_eq(effects.count, 0);
    listed(0, NULL, 1, 2, false);
    ck_assert_uint_eq(effects.count, 0);
    refused(WIRE_REFUSAL_SCOPE, "63", 0);
    ck_assert_int_eq(agent_session_trouble(&session, NULL), AGENT_STOP_NO_RIGHT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_compare");
    TCase *tests = tcase_create("agent_compare");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_equal_is_done_at_once);
    tcase_add_test(tests, bucket_after_bucket_is_listed_to_its_end);
    tcase_add_test(tests, it_waits_until_all_is_acknowledged);
    tcase_add_loop_test(tests, a_batch_meanwhile_begins_it_anew, 0, 2);
    tcase_add_loop_test(tests, an_answer_of_elsewhere_brings_hello, 0, 2);
    tcase_add_test(tests, without_an_answer_it_begins_anew);
    tcase_add_test(tests, what_was_not_asked_is_passed_over);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
