/* Writers refuse what a reader of ours would not take: a bound passed anywhere makes the buffer fail. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mpack.h"
#include "wire.h"

static batch_buffer buffer;
static char long_text[WIRE_MESSAGE_MAX];
static const uint8_t mark[CRYPTO_HASH] = {1}, signature[CRYPTO_SIGNATURE];

static void enter(void)
{
    batch_buffer_init(&buffer, 8 << 20);
    memset(long_text, 'x', sizeof long_text);
}

static void leave(void)
{
    batch_buffer_release(&buffer);
}

static bool writes(const wire_message *message)
{
    batch_buffer_clear(&buffer);
    wire_write(&buffer, message);
    return !buffer.failed;
}

static wire_position position(uint64_t sequence)
{
    wire_position made = {.scope = text_of("63"), .incarnation = 1, .sequence = sequence};
    memcpy(made.hash, mark, CRYPTO_HASH);
    return made;
}

static wire_contract contract(void)
{
    static wire_action action = {{"a", 1}, {"t", 1}, true};
    return (wire_contract){{"c", 1}, {"t", 1}, {"63", 2}, 19700, 19800, 1, &action, 0, {{0}}};
}

START_TEST(test_hello_and_welcome)
{
    wire_position many[WIRE_SCOPES_MAX + 1];
    for (unsigned i = 0; i <= WIRE_SCOPES_MAX; i++)
        many[i] = position(1);
    wire_message hello = {.type = WIRE_HELLO, .hello = {WIRE_VERSION, {"x", 1}, 1, many}};
    ck_assert(writes(&hello));
    hello.hello.scope_count = WIRE_SCOPES_MAX + 1;
    ck_assert(!writes(&hello));
    hello.hello.scope_count = 1;
    hello.hello.software.size = WIRE_SOFTWARE_MAX + 1;
    hello.hello.software.at = long_text;
    ck_assert(!writes(&hello));
    wire_contract one = contract();
    wire_message welcome = {.type = WIRE_WELCOME, .welcome = {WIRE_VERSION, {"x", 1}, 1, 1, 1, &one, 1, many}};
    ck_assert(writes(&welcome));
    welcome.welcome.credit_batches = 0;
    ck_assert(!writes(&welcome));
    welcome.welcome.credit_batches = UINT16_MAX + 1;
    ck_assert(!writes(&welcome));
    welcome.welcome.credit_batches = 1, welcome.welcome.credit_bytes = 0;
    ck_assert(!writes(&welcome));
    welcome.welcome.credit_bytes = MPACK_UINT_MAX + 1;
    ck_assert(!writes(&welcome));
}
END_TEST

START_TEST(test_contracts)
{
    static wire_contract many[WIRE_CONTRACTS_MAX + 1];
    static wire_action actions[WIRE_ACTIONS_MAX + 1];
    for (unsigned i = 0; i <= WIRE_CONTRACTS_MAX; i++)
        many[i] = contract();
    for (unsigned i = 0; i <= WIRE_ACTIONS_MAX; i++)
        actions[i] = (wire_action){{"a", 1}, {"t", 1}, true};
    wire_message message = {.type = WIRE_CONTRACTS, .contracts = {WIRE_CONTRACTS_MAX + 1, many}};
    ck_assert(!writes(&message));
    message.contracts.contract_count = 1;
    ck_assert(writes(&message));
    many[0].action_count = WIRE_ACTIONS_MAX + 1, many[0].actions = actions;
    ck_assert(!writes(&message));
    many[0] = contract(), many[0].last_day = many[0].first_day - 1;
    ck_assert(!writes(&message));
    many[0] = contract(), many[0].first_day = CIVIL_NONE;
    ck_assert(!writes(&message));
    many[0] = contract(), many[0].title = (text_view){long_text, WIRE_TITLE_MAX + 1};
    ck_assert(!writes(&message));
    many[0] = contract(), many[0].title = (text_view){"\xff", 1};
    ck_assert(!writes(&message));
    many[0] = contract(), many[0].id = (text_view){long_text, RECORD_NAME_MAX + 1};
    ck_assert(!writes(&message));
}
END_TEST

START_TEST(test_batch)
{
    static text_view bodies[BATCH_BODIES_MAX + 1];
    wire_message message = {.type = WIRE_BATCH, .batch = {{"h", 1}, signature, 1, bodies}};
    ck_assert(writes(&message));
    message.batch.body_count = BATCH_BODIES_MAX + 1;
    ck_assert(!writes(&message));
    message.batch.body_count = 1;
    bodies[0] = (text_view){long_text, BATCH_BODY_MAX + 1};
    ck_assert(!writes(&message));
    bodies[0].size--;
    ck_assert(writes(&message));
    message.batch.header = (text_view){long_text, BATCH_HEADER_MAX + 1};
    ck_assert(!writes(&message));
    /* All within its bounds, and more than a frame may have. */
    message.batch.header.size--;
    message.batch.body_count = BATCH_BODIES_MAX;
    for (unsigned i = 0; i < BATCH_BODIES_MAX; i++)
        bodies[i] = (text_view){long_text, i < 256 ? BATCH_BODY_MAX : 0};
    ck_assert(!writes(&message));
}
END_TEST

START_TEST(test_ack_and_refused)
{
    static wire_record_refusal refusals[WIRE_REFUSALS_MAX + 1];
    wire_message ack = {.type = WIRE_ACK, .ack = {{"r", 1}, signature, 1, refusals}};
    static const wire_record_refusal wrong[] = {{0, 0, RECORD_BAD_MONTH}, {1, BATCH_BODIES_MAX, RECORD_BAD_MONTH}, {1, 0, RECORD_OK}, {1, 0, RECORD_REASON_COUNT}};
    refusals[0] = (wire_record_refusal){1, 0, RECORD_BAD_MONTH};
    ck_assert(writes(&ack));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refusals[0] = wrong[i];
        ck_assert(!writes(&ack));
    }
    ack.ack.refusal_count = WIRE_REFUSALS_MAX + 1;
    ck_assert(!writes(&ack));
    ack.ack.refusal_count = 0;
    ack.ack.receipt = (text_view){long_text, WIRE_RECEIPT_MAX + 1};
    ck_assert(!writes(&ack));
    wire_message refused = {.type = WIRE_REFUSED, .refused = {WIRE_REFUSAL_BUSY, {NULL, 0}, 0}};
    ck_assert(writes(&refused));
    refused.refused.reason = (wire_refusal)0;
    ck_assert(!writes(&refused));
    refused.refused.reason = (wire_refusal)(WIRE_REFUSAL_BUSY + 1);
    ck_assert(!writes(&refused));
    refused.refused.reason = WIRE_REFUSAL_BUSY, refused.refused.scope = text_of("6/3");
    ck_assert(!writes(&refused));
    for (unsigned reason = 0; reason <= WIRE_REFUSAL_BUSY + 1u; reason++)
        ck_assert_ptr_nonnull(wire_refusal_text((wire_refusal)reason));
}
END_TEST

START_TEST(test_resume)
{
    static uint8_t hashes[WIRE_CHAIN_MAX + 1][CRYPTO_HASH];
    static wire_held records[2] = {{{7, 1}, {"c", 1}, 1, 1}, {{7, 2}, {"c", 1}, 1, 1}};
    wire_message granted = {.type = WIRE_GRANTED, .granted = {{1}, position(1), 1, (const uint8_t (*)[CRYPTO_HASH])hashes}};
    ck_assert(writes(&granted));
    granted.granted.hash_count = WIRE_CHAIN_MAX + 1;
    ck_assert(!writes(&granted));
    wire_message listed = {.type = WIRE_LISTED, .listed = {{"63", 2}, 1, 1, 7, NULL, false, 2, records}};
    ck_assert(writes(&listed));
    listed.listed.record_count = WIRE_LISTED_MAX + 1;
    ck_assert(!writes(&listed));
    listed.listed.record_count = 2;
    records[1].incarnation = 0;
    ck_assert(!writes(&listed));
    records[1].incarnation = 1, records[1].sequence = 0;
    ck_assert(!writes(&listed));
    records[1].sequence = 1, records[1].key[0] = 8;
    ck_assert(!writes(&listed));
    records[1].key[0] = 7, records[1].key[1] = 1;
    ck_assert(!writes(&listed));
    listed.listed.record_count = 0, listed.listed.more = true;
    ck_assert(!writes(&listed));
    listed.listed.more = false, listed.listed.bucket = WIRE_BUCKETS;
    ck_assert(!writes(&listed));
}
END_TEST

START_TEST(test_receipt)
{
    wire_receipt receipt = {.position = position(1)}, read;
    wire_write_receipt(&buffer, &receipt);
    ck_assert(!buffer.failed);
    receipt.position = position(0);
    memset(receipt.position.hash, 0, CRYPTO_HASH);
    batch_buffer_clear(&buffer);
    wire_write_receipt(&buffer, &receipt); /* of nothing there is no receipt */
    ck_assert(buffer.failed);
    receipt.position = position(1), receipt.position.stable = 2;
    batch_buffer_clear(&buffer);
    wire_write_receipt(&buffer, &receipt);
    ck_assert(buffer.failed);
    ck_assert(!wire_read_receipt(&read, (text_view){NULL, 0}));
}
END_TEST

static bool writes_header(const batch_header *header)
{
    batch_buffer_clear(&buffer);
    batch_write_header(&buffer, header);
    return !buffer.failed;
}

START_TEST(test_header)
{
    static uint8_t hashes[BATCH_BODIES_MAX + 1][CRYPTO_HASH];
    static batch_coverage coverage[BATCH_COVERAGE_MAX + 1];
    static char names[BATCH_COVERAGE_MAX + 1][RECORD_NAME_MAX + 1];
    batch_header header = {.scope = text_of("63"), .incarnation = 1, .sequence = 1, .scheme = 1, .hashes = hashes, .coverage = coverage};
    ck_assert(writes_header(&header));
    header.body_count = BATCH_BODIES_MAX + 1;
    ck_assert(!writes_header(&header));
    header.body_count = 0, header.coverage_count = BATCH_COVERAGE_MAX + 1;
    ck_assert(!writes_header(&header));
    header.coverage_count = 1;
    coverage[0] = (batch_coverage){.contract = text_of("c"), .last_month = CIVIL_NONE, .action_count = BATCH_ACTIONS_MAX + 1};
    ck_assert(!writes_header(&header));
    header.coverage_count = 0, header.key_count = RECORD_TOKEN_SETS + 1;
    ck_assert(!writes_header(&header));
    /* Each part within its bounds, and all together beyond those of a header. */
    header.key_count = 0, header.body_count = BATCH_BODIES_MAX, header.coverage_count = BATCH_COVERAGE_MAX;
    for (unsigned i = 0; i < BATCH_COVERAGE_MAX; i++) {
        memset(names[i], 'n', RECORD_NAME_MAX);
        names[i][0] = (char)('0' + i % 64 / 10), names[i][1] = (char)('0' + i % 10);
        coverage[i] = (batch_coverage){.contract = {names[i], RECORD_NAME_MAX}, .last_month = CIVIL_NONE, .action_count = BATCH_ACTIONS_MAX};
        for (unsigned a = 0; a < BATCH_ACTIONS_MAX; a++)
            coverage[i].actions[a] = (text_view){names[a], RECORD_NAME_MAX};
    }
    ck_assert(!writes_header(&header));
}
END_TEST

/* With each limit of memory a header is read whole or not at all, and the arena says that it was short. */
START_TEST(test_memory)
{
    static uint8_t hashes[4][CRYPTO_HASH];
    batch_coverage coverage[2] = {{.contract = text_of("c"), .last_month = CIVIL_NONE}, {.contract = text_of("d"), .last_month = CIVIL_NONE}};
    batch_header header = {.scope = text_of("63"), .incarnation = 1, .sequence = 1, .scheme = 1, .body_count = 4, .hashes = hashes, .coverage_count = 2, .coverage = coverage};
    ck_assert(writes_header(&header));
    bool whole = false;
    for (size_t limit = 0; !whole; limit += 32) {
        arena *memory = arena_new(limit);
        batch_header read;
        whole = batch_read_header(&read, memory, (text_view){(const char *)buffer.data, buffer.size});
        ck_assert(whole || arena_short(memory));
        arena_destroy(&memory);
        ck_assert_uint_lt(limit, 1 << 20);
    }
    record what;
    record_reason reason;
    ck_assert(!batch_read_header(&header, NULL, (text_view){long_text, BATCH_HEADER_MAX + 1}));
    ck_assert(!batch_read_envelope(&header, (text_view){long_text, BATCH_HEADER_MAX + 1}));
    ck_assert(!batch_read_body(&what, (text_view){long_text, BATCH_BODY_MAX + 1}, &reason) && reason == RECORD_UNREADABLE);
}
END_TEST

START_TEST(test_items)
{
    static const civil_month months[] = {11, 10000 * 12};
    for (size_t i = 0; i < 2; i++) {
        batch_buffer_clear(&buffer);
        mpack_write_month(&buffer, months[i]);
        ck_assert(buffer.failed);
    }
    batch_buffer_clear(&buffer);
    mpack_write_day(&buffer, CIVIL_NONE);
    ck_assert(buffer.failed);
    batch_buffer_clear(&buffer);
    mpack_write_string(&buffer, text_of("abc"), 2);
    ck_assert(buffer.failed);
    batch_buffer_clear(&buffer);
    mpack_write_name(&buffer, text_of("aZ09._-"), 7);
    ck_assert(!buffer.failed);
    static const char *const names[] = {"", "a/", "a:", "a@", "a[", "a`", "a{", "a,", "a ", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert(!mpack_name_valid(text_of(names[i]), 64));
    mpack_reader reader;
    mpack_reader_init(&reader, (text_view){NULL, 0});
    ck_assert(!mpack_read_done(&reader) && mpack_read_uint(&reader, 0, 9) == 0 && mpack_read_fixed(&reader, 1) == NULL);
    mpack_reader_init(&reader, text_of("\x05"));
    ck_assert_uint_eq(mpack_read_uint(&reader, 6, 9), 0);
    mpack_reader_init(&reader, text_of("\x05"));
    ck_assert_uint_eq(mpack_read_uint(&reader, 0, 4), 0);
    mpack_reader_init(&reader, (text_view){"\xcf\x80\0\0\0\0\0\0\0", 9});
    ck_assert_uint_eq(mpack_read_uint(&reader, 0, UINT64_MAX), 0);
    ck_assert(!mpack_read_done(&reader));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writers");
    TCase *tests = tcase_create("writers");
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, test_hello_and_welcome);
    tcase_add_test(tests, test_contracts);
    tcase_add_test(tests, test_batch);
    tcase_add_test(tests, test_ack_and_refused);
    tcase_add_test(tests, test_resume);
    tcase_add_test(tests, test_receipt);
    tcase_add_test(tests, test_header);
    tcase_add_test(tests, test_memory);
    tcase_add_test(tests, test_items);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
