/* Messages: what is written is read again, nothing but the canonical form is read, bounds hold. */
#include "mutate.h"
#include "wire.h"

static const uint8_t signature[CRYPTO_SIGNATURE] = {1, 2, 3};

static bool wire_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    wire_message message;

    if (!wire_read(&message, scratch, bytes))
        return false;
    /* Of another version there is nothing to write again: only its number is read. */
    if ((message.type == WIRE_HELLO && message.hello.version != WIRE_VERSION)
        || (message.type == WIRE_WELCOME && message.welcome.version != WIRE_VERSION))
        return false;
    wire_write(again, &message);
    return true;
}

static bool receipt_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    wire_receipt receipt;

    (void) scratch;
    if (!wire_read_receipt(&receipt, bytes))
        return false;
    wire_write_receipt(again, &receipt);
    return true;
}

static bool contracts_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    wire_contract *contracts;
    unsigned count;

    if (!wire_read_contracts(&contracts, &count, scratch, bytes))
        return false;
    wire_write_contracts(again, contracts, count);
    return true;
}

static wire_position *positions(void)
{
    static wire_position made[2];

    made[0] = (wire_position){.scope = text_of("63"), .incarnation = 1, .sequence = 300, .stable = 200};
    memset(made[0].hash, 9, CRYPTO_HASH);
    made[1] = (wire_position){.scope = text_of("03"), .incarnation = 2};
    return made;
}

static wire_contract *contracts(void)
{
    static wire_action actions[] = {{{NULL, 0}, {NULL, 0}, true}, {{NULL, 0}, {NULL, 0}, false}};
    static wire_contract made[2];

    actions[0].code = text_of("axe1");
    actions[0].title = text_of("Accompagnement social renforcé");
    actions[1].code = text_of("axe2");
    made[0] = (wire_contract){.id = text_of("thiers-2023"), .title = text_of("CTAI de Thiers Dore et Montagne"),
                              .scope = text_of("63"), .first_day = civil_from(2023, 11, 30),
                              .last_day = civil_from(2024, 11, 29), .action_count = 2, .actions = actions};
    made[1] = (wire_contract){.id = text_of("vide"), .scope = text_of("63"), .first_day = 0, .last_day = 0};
    return made;
}

static const uint8_t after[RECORD_KEY] = {200, 1};
static const uint8_t hashes[2][CRYPTO_HASH] = {{1}, {2}};
static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST] = {[WIRE_DIGEST] = 1, 2, 3};

static wire_held *listed(void)
{
    static wire_held made[2];

    made[0] = (wire_held){{200, 1, 1}, text_of("thiers-2023"), 1, 300};
    made[1] = (wire_held){{200, 2}, text_of("x"), 2, 200};
    return made;
}

static wire_message message(wire_type type)
{
    static text_view bodies[3];
    static const wire_record_refusal refusals[] = {{1, 0, RECORD_UNREADABLE}, {70000, 1023, RECORD_DUPLICATE_KEY}};
    wire_message made = {.type = type};

    bodies[0] = text_of("a body");
    bodies[2] = text_of(""); /* there, and empty; bodies[1] is absent */
    switch (type) {
    case WIRE_HELLO:
        made.hello.version = WIRE_VERSION;
        made.hello.software = text_of("ctai-agent 0.1.0");
        made.hello.scope_count = 2;
        made.hello.scopes = positions();
        break;
    case WIRE_BATCH:
        made.batch.header = text_of("a header");
        made.batch.signature = signature;
        made.batch.body_count = 3;
        made.batch.bodies = bodies;
        break;
    case WIRE_WELCOME:
        made.welcome.version = WIRE_VERSION;
        made.welcome.software = text_of("ctai-hub 0.1.0");
        made.welcome.credit_batches = 8;
        made.welcome.credit_bytes = 8 << 20;
        made.welcome.contract_count = 2;
        made.welcome.contracts = contracts();
        made.welcome.scope_count = 2;
        made.welcome.scopes = positions();
        break;
    case WIRE_ACK:
        made.ack.receipt = text_of("a receipt");
        made.ack.signature = signature;
        made.ack.refusal_count = 2;
        made.ack.refusals = refusals;
        break;
    case WIRE_CONTRACTS:
        made.contracts.contract_count = 2;
        made.contracts.contracts = contracts();
        break;
    case WIRE_REFUSED:
        made.refused.reason = WIRE_REFUSAL_FORK;
        made.refused.scope = text_of("63");
        made.refused.sequence = 12;
        break;
    case WIRE_RENEW:
        made.renew.own = positions()[0];
        made.renew.seen = positions()[1];
        made.renew.seen.scope = made.renew.own.scope;
        made.renew.incarnation = 3;
        memset(made.renew.request, 7, WIRE_REQUEST);
        break;
    case WIRE_SURVEY:
        made.survey.scope = text_of("63");
        break;
    case WIRE_LIST:
        made.list.scope = text_of("63");
        made.list.bucket = 200;
        made.list.after = after;
        break;
    case WIRE_GRANTED:
        memset(made.granted.request, 7, WIRE_REQUEST);
        made.granted.position = positions()[0];
        made.granted.hash_count = 2;
        made.granted.hashes = hashes;
        break;
    case WIRE_DIGESTS:
        made.digests.scope = text_of("63");
        made.digests.incarnation = 2;
        made.digests.digests = digests;
        break;
    case WIRE_LISTED:
        made.listed.scope = text_of("63");
        made.listed.incarnation = 2;
        made.listed.sequence = 300;
        made.listed.bucket = 200;
        made.listed.after = after;
        made.listed.more = true;
        made.listed.record_count = 2;
        made.listed.records = listed();
        break;
    }
    return made;
}

static const wire_type types[] = {WIRE_HELLO, WIRE_BATCH, WIRE_RENEW, WIRE_SURVEY, WIRE_LIST, WIRE_WELCOME, WIRE_ACK,
                                  WIRE_CONTRACTS, WIRE_REFUSED, WIRE_GRANTED, WIRE_DIGESTS, WIRE_LISTED};
enum { TYPE_COUNT = sizeof types / sizeof *types };

START_TEST(messages_are_read_in_their_canonical_form_alone)
{
    wire_message made = message(types[_i]);
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &made);
    ck_assert(!bytes.failed);
    mutate_all(wire_round, bytes.data, bytes.size);
    batch_buffer_release(&bytes);
}
END_TEST

START_TEST(receipts_and_contracts_likewise)
{
    wire_receipt receipt = {.position = positions()[0], .ledger_position = 12345678};
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write_receipt(&bytes, &receipt);
    ck_assert(!bytes.failed);
    mutate_all(receipt_round, bytes.data, bytes.size);
    batch_buffer_clear(&bytes);
    wire_write_contracts(&bytes, contracts(), 2);
    ck_assert(!bytes.failed);
    mutate_all(contracts_round, bytes.data, bytes.size);
    batch_buffer_release(&bytes);
}
END_TEST

START_TEST(an_absent_body_is_not_an_empty_one)
{
    wire_message made = message(WIRE_BATCH), read;
    arena *scratch = arena_new(1 << 16);
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &made);
    ck_assert(wire_read(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    ck_assert_uint_eq(read.batch.body_count, 3);
    ck_assert(text_is(read.batch.bodies[0], "a body"));
    ck_assert_ptr_null(read.batch.bodies[1].at);
    ck_assert_ptr_nonnull(read.batch.bodies[2].at);
    ck_assert_uint_eq(read.batch.bodies[2].size, 0);
    batch_buffer_release(&bytes);
    arena_destroy(&scratch);
}
END_TEST

START_TEST(another_version_is_known_by_its_number)
{
    arena *scratch = arena_new(1 << 16);
    wire_message read;

    ck_assert(wire_read(&read, scratch, text_of("\x93\x01\x02\xc0")));
    ck_assert_int_eq(read.type, WIRE_HELLO);
    ck_assert_uint_eq(read.hello.version, 2);
    ck_assert(!wire_read(&read, scratch, text_of("\x93\x01\x01\xc0")));
    ck_assert(!wire_read(&read, scratch, text_of("\x93\x02\x02\xc0")));
    arena_destroy(&scratch);
}
END_TEST

/* A full array of bodies, refusals and contracts is read within the memory that the header promises. */
START_TEST(memory_is_bounded_by_the_size_of_the_message)
{
    static text_view bodies[BATCH_BODIES_MAX];
    static wire_record_refusal refusals[WIRE_REFUSALS_MAX];
    wire_message made = message(WIRE_BATCH), read;
    batch_buffer bytes;
    arena *scratch = arena_new(8 << 20);

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    made.batch.bodies = bodies; /* all absent: a byte each */
    made.batch.body_count = BATCH_BODIES_MAX;
    wire_write(&bytes, &made);
    ck_assert(!bytes.failed && wire_read(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    ck_assert_uint_le(arena_used(scratch), 16 * bytes.size + (64 << 10));
    for (unsigned i = 0; i < WIRE_REFUSALS_MAX; i++)
        refusals[i] = (wire_record_refusal){1, i % BATCH_BODIES_MAX, RECORD_BAD_CODE};
    made = message(WIRE_ACK);
    made.ack.refusals = refusals;
    made.ack.refusal_count = WIRE_REFUSALS_MAX;
    batch_buffer_clear(&bytes);
    arena_clear(scratch);
    wire_write(&bytes, &made);
    ck_assert(!bytes.failed && wire_read(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    ck_assert_uint_le(arena_used(scratch), 16 * bytes.size + (64 << 10));
    batch_buffer_release(&bytes);
    arena_destroy(&scratch);
}
END_TEST

START_TEST(short_memory_is_a_refusal)
{
    wire_message made = message(WIRE_WELCOME), read;
    arena *scratch = arena_new(64);
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &made);
    ck_assert(!wire_read(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    batch_buffer_release(&bytes);
    arena_destroy(&scratch);
}
END_TEST

START_TEST(what_a_reader_would_refuse_is_not_written)
{
    wire_message made;
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
#define REFUSED(type, change) \
    made = message(type); \
    change; \
    batch_buffer_clear(&bytes); \
    wire_write(&bytes, &made); \
    ck_assert(bytes.failed)
    REFUSED(WIRE_HELLO, made.hello.scope_count = WIRE_SCOPES_MAX + 1);
    REFUSED(WIRE_HELLO, made.hello.scopes[0].stable = 301);
    REFUSED(WIRE_HELLO, made.hello.scopes[0].incarnation = 0);
    REFUSED(WIRE_HELLO, made.hello.scopes[1].sequence = 1); /* without a hash */
    REFUSED(WIRE_HELLO, made.hello.software = text_of("\xff"));
    REFUSED(WIRE_WELCOME, made.welcome.credit_batches = 0);
    REFUSED(WIRE_CONTRACTS, made.contracts.contracts[0].first_day = made.contracts.contracts[0].last_day + 1);
    REFUSED(WIRE_CONTRACTS, made.contracts.contracts[0].id = text_of("l'été"));
    REFUSED(WIRE_REFUSED, made.refused.reason = 11);
    REFUSED(WIRE_BATCH, made.batch.body_count = BATCH_BODIES_MAX + 1);
    REFUSED(WIRE_RENEW, made.renew.incarnation = 0);
    REFUSED(WIRE_RENEW, made.renew.seen.scope = text_of("03"));
    REFUSED(WIRE_RENEW, made.renew.own.hash[0] = 9; memset(made.renew.own.hash, 0, CRYPTO_HASH));
    REFUSED(WIRE_SURVEY, made.survey.scope = text_of(""));
    REFUSED(WIRE_LIST, made.list.bucket = 201);
    REFUSED(WIRE_LIST, made.list.bucket = WIRE_BUCKETS; made.list.after = NULL);
    REFUSED(WIRE_GRANTED, made.granted.hash_count = WIRE_CHAIN_MAX + 1);
    REFUSED(WIRE_GRANTED, made.granted.position.incarnation = 0);
    REFUSED(WIRE_DIGESTS, made.digests.incarnation = 0);
    REFUSED(WIRE_LISTED, made.listed.incarnation = 0);
    REFUSED(WIRE_LISTED, made.listed.record_count = WIRE_LISTED_MAX + 1);
    REFUSED(WIRE_LISTED, made.listed.record_count = 0); /* and more to come */
    REFUSED(WIRE_LISTED, made.listed.records[0].key[0] = 199);
    REFUSED(WIRE_LISTED, memcpy(made.listed.records[0].key, after, RECORD_KEY)); /* not after it */
    REFUSED(WIRE_LISTED, memcpy(made.listed.records[1].key, made.listed.records[0].key, RECORD_KEY));
    REFUSED(WIRE_LISTED, made.listed.records[1].sequence = 0);
#undef REFUSED
    batch_buffer_release(&bytes);
}
END_TEST

START_TEST(a_start_of_a_bucket_is_nil)
{
    wire_message made = message(WIRE_LIST), read;
    arena *scratch = arena_new(1 << 16);
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    made.list.after = NULL;
    wire_write(&bytes, &made);
    ck_assert(wire_read(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    ck_assert_ptr_null(read.list.after);
    ck_assert_uint_eq(read.list.bucket, 200);
    made = message(WIRE_LISTED);
    made.listed.after = NULL;
    made.listed.more = false;
    made.listed.record_count = 0;
    batch_buffer_clear(&bytes);
    wire_write(&bytes, &made);
    ck_assert(wire_read(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    ck_assert_ptr_null(read.listed.after);
    ck_assert_uint_eq(read.listed.record_count, 0);
    batch_buffer_release(&bytes);
    arena_destroy(&scratch);
}
END_TEST

/* Whatever the order, each field counts; what is taken out again leaves nothing. */
START_TEST(digests_tell_what_is_held)
{
    static const uint8_t none[WIRE_DIGEST];
    uint8_t ab[WIRE_DIGEST] = {0}, ba[WIRE_DIGEST] = {0};
    wire_held *held = listed();

    wire_digest_toggle(ab, &held[0]);
    ck_assert_mem_ne(ab, none, WIRE_DIGEST);
    wire_digest_toggle(ab, &held[1]);
    wire_digest_toggle(ba, &held[1]);
    wire_digest_toggle(ba, &held[0]);
    ck_assert_mem_eq(ab, ba, WIRE_DIGEST);
    wire_digest_toggle(ab, &held[0]);
    wire_digest_toggle(ab, &held[1]);
    ck_assert_mem_eq(ab, none, WIRE_DIGEST);
#define COUNTS(change) \
    memset(ab, 0, sizeof ab); \
    held = listed(); \
    wire_digest_toggle(ab, held); \
    change; \
    wire_digest_toggle(ab, held); \
    ck_assert_mem_ne(ab, none, WIRE_DIGEST)
    COUNTS(held->key[15] ^= 1);
    COUNTS(held->contract = text_of("thiers-2024"));
    COUNTS(held->incarnation++);
    COUNTS(held->sequence++);
#undef COUNTS
}
END_TEST

START_TEST(random_bytes_are_refused_or_canonical)
{
    arena *scratch = arena_new(1 << 20);
    uint64_t state = 20231130;
    uint8_t bytes[64];

    for (int i = 0; i < 200000; i++) {
        for (size_t at = 0; at < sizeof bytes; at++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[at] = (uint8_t) (state >> 56);
        }
        bytes[0] = 0x94;
        bytes[1] = types[state % TYPE_COUNT] & 0x7f;
        mutate_one(wire_round, bytes, 2 + state / 64 % 62, scratch);
    }
    arena_destroy(&scratch);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("wire");
    TCase *tests = tcase_create("wire");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, messages_are_read_in_their_canonical_form_alone, 0, TYPE_COUNT);
    tcase_add_test(tests, a_start_of_a_bucket_is_nil);
    tcase_add_test(tests, digests_tell_what_is_held);
    tcase_add_test(tests, receipts_and_contracts_likewise);
    tcase_add_test(tests, an_absent_body_is_not_an_empty_one);
    tcase_add_test(tests, another_version_is_known_by_its_number);
    tcase_add_test(tests, memory_is_bounded_by_the_size_of_the_message);
    tcase_add_test(tests, short_memory_is_a_refusal);
    tcase_add_test(tests, what_a_reader_would_refuse_is_not_written);
    tcase_add_test(tests, random_bytes_are_refused_or_canonical);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
