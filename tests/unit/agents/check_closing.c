/* check_closing: the closing of an epoch is queued once, and its answer outlives a crash. */
#include "closing.h"
#include "outbox_bench.h"

static agent_home home_of;
static agent_home_secrets secrets;
static const batch_key EPOCH = {.epoch = 3, .id = {7, 8}};
static unsigned refusals;

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&secrets.sign);
    home_of.secrets = &secrets;
    enter();
}

static closing_state state(void)
{
    closing_state now;
    reopen();
    ck_assert_int_eq(closing_load(box, text_of("63"), &now), OUTBOX_OK);
    return now;
}

static uint64_t queued(void)
{
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    return scope.queued;
}

static void close_epoch(void)
{
    ck_assert_int_eq(closing_queue(box, &home_of, text_of("63"), &EPOCH), OUTBOX_OK);
}

static void count_refusal(void *data, const outbox_refusal *refusal)
{
    (void)data;
    (void)refusal;
    refusals++;
}

START_TEST(test_queue)
{
    ck_assert_uint_eq(state().epoch, 0);
    queue(&secrets.sign, 2);
    close_epoch();
    ck_assert_uint_eq(queued(), 2);
    ck_assert(state().waits);
    close_epoch(); /* it waits already */
    ck_assert_uint_eq(queued(), 2);
    batch_buffer message;
    batch_buffer_init(&message, WIRE_MESSAGE_MAX);
    ck_assert_int_eq(outbox_message(box, "63", 2, &message), OUTBOX_OK);
    wire_message batch;
    record what;
    record_reason reason;
    arena *from = arena_new(WIRE_SCRATCH_BYTES);
    batch_header header;
    ck_assert(wire_read(&batch, from, (text_view){(const char *)message.data, message.size}));
    ck_assert(batch_read_header(&header, from, batch.batch.header));
    ck_assert_uint_eq(header.key_count, 0);
    ck_assert_uint_eq(header.coverage_count, 0);
    ck_assert_uint_eq(batch.batch.body_count, 1);
    ck_assert(batch_read_body(&what, batch.batch.bodies[0], &reason));
    ck_assert_int_eq(what.operation, RECORD_CLOSE);
    ck_assert_uint_eq(what.epoch, 3);
    ck_assert_mem_eq(what.key, EPOCH.id, TOKEN_KEY_ID);
    arena_destroy(&from);
    batch_buffer_release(&message);
}
END_TEST

START_TEST(test_taken)
{
    outbox_tally tally = {0};
    close_epoch();
    acknowledge(1, 1, NULL, 0, &tally);
    closing_state now = state();
    ck_assert(now.epoch == 3 && !now.waits && now.reason == RECORD_OK);
}
END_TEST

/* The refusal is its answer: told by itself, not among refused records; and it may be tried again. */
START_TEST(test_refused)
{
    outbox_tally tally = {0};
    wire_record_refusal no = {.sequence = 1, .index = 0, .reason = RECORD_EPOCH_IN_USE};
    close_epoch();
    acknowledge(1, 1, &no, 1, &tally);
    closing_state now = state();
    ck_assert(now.epoch == 3 && !now.waits && now.reason == RECORD_EPOCH_IN_USE);
    ck_assert_uint_eq(tally.refused, 0);
    ck_assert_int_eq(outbox_refusals(box, count_refusal, NULL), OUTBOX_OK);
    ck_assert_uint_eq(refusals, 0);
    close_epoch();
    ck_assert_uint_eq(queued(), 2);
    now = state();
    ck_assert(now.waits && now.reason == RECORD_OK);
    acknowledge(2, 2, NULL, 0, &tally);
    ck_assert(!state().waits);
}
END_TEST

START_TEST(test_done)
{
    wire_contract told[] = {
        {.id = {"a", 1}, .title = {"A", 1}, .scope = {"63", 2}, .key_count = 2, .keys = {{3, {7}}, {4, {9}}}},
        {.id = {"b", 1}, .title = {"B", 1}, .scope = {"63", 2}, .key_count = 1, .keys = {{4, {9}}}},
        {.id = {"c", 1}, .title = {"C", 1}, .scope = {"84", 2}, .key_count = 2, .keys = {{3, {7}}, {4, {9}}}},
    };
    wire_contract *kept;
    unsigned count;
    for (unsigned i = 0; i < 3; i++)
        told[i].first_day = told[i].last_day = civil_from(2024, 1, 1);
    ck_assert_int_eq(closing_done(box, text_of("63"), 3, told, 3), OUTBOX_OK);
    arena *from = arena_new(1 << 20);
    ck_assert_int_eq(outbox_contracts(box, from, &kept, &count), OUTBOX_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert(kept[0].key_count == 1 && kept[0].keys[0].epoch == 4 && kept[0].keys[0].id[0] == 9);
    ck_assert_uint_eq(kept[1].key_count, 1);
    ck_assert_uint_eq(kept[2].key_count, 2);
    arena_destroy(&from);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("closing");
    TCase *cases = tcase_create("closing");
    tcase_add_checked_fixture(cases, setup, leave);
    tcase_add_test(cases, test_queue);
    tcase_add_test(cases, test_taken);
    tcase_add_test(cases, test_refused);
    tcase_add_test(cases, test_done);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
