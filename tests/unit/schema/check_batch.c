/* Batches: what is written is read again, nothing but the canonical form is read, bounds hold. */
#include <stdio.h>

#include "mutate.h"

static const uint8_t salt[CRYPTO_SALT] = {1, 2, 3};

static record withdrawal(void)
{
    record made = {.operation = RECORD_WITHDRAW, .contract = text_of("thiers-2023"), .month = CIVIL_NONE,
                   .type = FACT_NONE};
    memset(made.key, 7, sizeof made.key);
    return made;
}

static record put(fact_type type)
{
    record made = withdrawal();
    made.operation = RECORD_PUT;
    made.type = type;
    made.action = text_of("axe1");
    made.month = civil_month_parse(text_of("2023-11"));
    return made;
}

static record beneficiary(void)
{
    record made = put(FACT_BENEFICIAIRE);
    made.token_sets = 2;
    made.tokens[0] = (record_tokens){.epoch = 1, .has_e = true, .has_i = true};
    made.tokens[1] = (record_tokens){.epoch = 300, .has_e = true, .has_i = true};
    made.sex = RECORD_SEX_F;
    made.bpi = true;
    return made;
}

static record session(void)
{
    record made = put(FACT_SEANCE);
    made.has_quantity = true;
    made.quantity = 90;
    made.code = text_of("francais");
    made.has_reference = true;
    return made;
}

static record narrative(void)
{
    record made = put(FACT_NARRATIVE);
    made.month = CIVIL_NONE;
    made.code = text_of("1.2.outils");
    made.text = text_of("Un livret d’accueil, et des séances à l’école.");
    return made;
}

static bool body_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    record what;
    record_reason reason;

    (void) scratch;
    if (!batch_read_body(&what, bytes, &reason)) {
        ck_assert_int_ne(reason, RECORD_OK);
        return false;
    }
    ck_assert_int_eq(reason, RECORD_OK);
    /* The salt is not a part of the record: the third byte on, after the array and the binary's head. */
    batch_write_body(again, &what, (const uint8_t *) bytes.at + 3);
    return true;
}

static bool header_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    batch_header header;

    if (!batch_read_header(&header, scratch, bytes))
        return false;
    batch_write_header(again, &header);
    return true;
}

static batch_header plain_header(void)
{
    static batch_coverage coverage[2];
    static uint8_t hashes[3][CRYPTO_HASH];
    batch_header made = {.scope = text_of("63"), .incarnation = 1, .sequence = 70000, .scheme = 1, .key_count = 2,
                         .keys = {{.epoch = 1}, {.epoch = 2}}, .coverage_count = 2, .coverage = coverage,
                         .body_count = 3, .hashes = hashes};
    memset(made.agent, 3, sizeof made.agent);
    memset(made.previous, 4, sizeof made.previous);
    memset(hashes, 5, sizeof hashes);
    coverage[0] = (batch_coverage){.contract = text_of("thiers-2023"), .complete = true, .action_count = 2,
                                   .actions = {text_of("axe1"), text_of("axe3")},
                                   .last_month = civil_month_parse(text_of("2024-11"))};
    coverage[1] = (batch_coverage){.contract = text_of("ambert-2024"), .last_month = CIVIL_NONE};
    return made;
}

static void bodies_round(record what)
{
    batch_buffer bytes;

    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, &what, salt);
    ck_assert(!bytes.failed);
    mutate_all(body_round, bytes.data, bytes.size);
    batch_buffer_release(&bytes);
}

START_TEST(bodies_are_read_in_their_canonical_form_alone)
{
    bodies_round(withdrawal());
    bodies_round(beneficiary());
    bodies_round(session());
    bodies_round(narrative());
}
END_TEST

START_TEST(headers_are_read_in_their_canonical_form_alone)
{
    batch_header header = plain_header();
    batch_buffer bytes;

    batch_buffer_init(&bytes, BATCH_HEADER_MAX);
    batch_write_header(&bytes, &header);
    ck_assert(!bytes.failed);
    mutate_all(header_round, bytes.data, bytes.size);
    batch_buffer_release(&bytes);
}
END_TEST

/* What a later version may add or change after field 5 leaves the place in the chain readable. */
START_TEST(an_envelope_is_read_when_the_rest_cannot_be)
{
    batch_header header = plain_header(), read;
    arena *scratch = arena_new(1 << 20);
    batch_buffer bytes;
    unsigned envelopes = 0;

    batch_buffer_init(&bytes, BATCH_HEADER_MAX + 1);
    batch_write_header(&bytes, &header);
    text_view whole = {(char *) bytes.data, bytes.size};
    ck_assert(batch_read_envelope(&read, whole));
    ck_assert(text_is(read.scope, "63"));
    ck_assert_uint_eq(read.incarnation, 1);
    ck_assert_uint_eq(read.sequence, 70000);
    ck_assert_mem_eq(read.agent, header.agent, CRYPTO_PUBLIC);
    ck_assert_mem_eq(read.previous, header.previous, CRYPTO_HASH);
    ck_assert_uint_eq(read.body_count + read.coverage_count + read.key_count, 0);
    for (size_t size = 0; size < whole.size; size++) { /* cut anywhere: never a header, from some point on an envelope */
        ck_assert(!batch_read_header(&read, scratch, (text_view){whole.at, size}));
        bool is = batch_read_envelope(&read, (text_view){whole.at, size});
        ck_assert(is || envelopes == 0);
        envelopes += is;
        ck_assert(is || (read.sequence == 0 && read.scope.size == 0));
        arena_clear(scratch);
    }
    ck_assert_uint_gt(envelopes, 0);
    bytes.data[0] = 0x95; /* five fields */
    ck_assert(!batch_read_envelope(&read, whole));
    bytes.data[0] = 0x9b; /* eleven */
    ck_assert(batch_read_envelope(&read, whole) && !batch_read_header(&read, scratch, whole));
    ck_assert(!batch_read_envelope(&read, (text_view){whole.at, BATCH_HEADER_MAX + 1}));
    header = plain_header();
    header.sequence = 1;
    memset(header.previous, 0, sizeof header.previous);
    batch_buffer_clear(&bytes);
    batch_write_header(&bytes, &header);
    ck_assert(batch_read_envelope(&read, (text_view){(char *) bytes.data, bytes.size}));
    uint8_t *at = memchr(bytes.data, 0xc4, bytes.size); /* the agent; the hash before comes second */
    at = memchr(at + 1, 0xc4, (size_t) (bytes.data + bytes.size - at - 1));
    at[2] = 1;
    ck_assert(!batch_read_envelope(&read, (text_view){(char *) bytes.data, bytes.size}));
    batch_buffer_release(&bytes);
    arena_destroy(&scratch);
}
END_TEST

START_TEST(every_field_of_a_body_comes_back)
{
    record what = beneficiary(), read;
    record_reason reason;
    batch_buffer bytes;

    memset(what.tokens[1].i, 9, TOKEN_SIZE);
    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, &what, salt);
    ck_assert(batch_read_body(&read, (text_view){(char *) bytes.data, bytes.size}, &reason));
    ck_assert_mem_eq(read.key, what.key, RECORD_KEY);
    ck_assert(text_is(read.contract, "thiers-2023") && text_is(read.action, "axe1"));
    ck_assert_int_eq(read.type, FACT_BENEFICIAIRE);
    ck_assert_int_eq(read.month, what.month);
    ck_assert_uint_eq(read.token_sets, 2);
    ck_assert_uint_eq(read.tokens[1].epoch, 300);
    ck_assert(read.tokens[1].has_e && read.tokens[1].has_i && !read.tokens[1].has_m);
    ck_assert_mem_eq(read.tokens[1].i, what.tokens[1].i, TOKEN_SIZE);
    ck_assert_int_eq(read.sex, RECORD_SEX_F);
    ck_assert(read.bpi && !read.under_25 && !read.has_quantity && !read.has_reference);
    batch_buffer_release(&bytes);
}
END_TEST

START_TEST(a_narrative_has_its_whole_length_and_no_more)
{
    static char long_text[RECORD_TEXT_MAX + 1];
    record what = narrative();
    batch_buffer bytes;

    memset(long_text, 'a', sizeof long_text);
    what.text = (text_view){long_text, RECORD_TEXT_MAX};
    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, &what, salt);
    ck_assert(!bytes.failed);
    batch_buffer_clear(&bytes);
    what.text.size++;
    batch_write_body(&bytes, &what, salt);
    ck_assert(bytes.failed);
    batch_buffer_release(&bytes);
}
END_TEST

/* The reason with which a body is refused after one change of its record's bytes. */
static record_reason refused(const char *from, const char *to)
{
    record what = session(), read;
    record_reason reason;
    batch_buffer bytes;
    uint8_t *found;

    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, &what, salt);
    found = memmem(bytes.data, bytes.size, from, strlen(from));
    ck_assert_ptr_nonnull(found);
    memcpy(found, to, strlen(from));
    ck_assert(!batch_read_body(&read, (text_view){(char *) bytes.data, bytes.size}, &reason));
    batch_buffer_release(&bytes);
    return reason;
}

START_TEST(a_refused_body_says_why)
{
    record what;
    record_reason reason;

    ck_assert_int_eq(refused("seance", "seanse"), RECORD_BAD_TYPE);
    ck_assert_int_eq(refused("seance", "sortie"), RECORD_BAD_FIELDS);
    ck_assert_int_eq(refused("francais", "francois"), RECORD_BAD_CODE);
    ck_assert_int_eq(refused("axe1", "axe "), RECORD_UNREADABLE);
    ck_assert(!batch_read_body(&what, text_of(""), &reason));
    ck_assert_int_eq(reason, RECORD_UNREADABLE);
}
END_TEST

START_TEST(a_header_that_contradicts_itself_is_neither_written_nor_read)
{
    batch_buffer bytes;
    batch_header header;

    batch_buffer_init(&bytes, BATCH_HEADER_MAX);
#define REFUSED(change) \
    header = plain_header(); \
    change; \
    batch_buffer_clear(&bytes); \
    batch_write_header(&bytes, &header); \
    ck_assert(bytes.failed)
    REFUSED(header.sequence = 0);
    REFUSED(header.incarnation = 0);
    REFUSED(header.sequence = 1); /* the first has no header before it */
    REFUSED(memset(header.previous, 0, sizeof header.previous));
    REFUSED(header.scheme = 2);
    REFUSED(header.keys[1].epoch = 1);
    REFUSED(header.coverage[1].contract = header.coverage[0].contract);
    REFUSED(header.coverage[0].actions[1] = header.coverage[0].actions[0]);
    REFUSED(header.scope = text_of("63 "));
    REFUSED(header.scope = text_of(""));
    REFUSED(header.body_count = BATCH_BODIES_MAX + 1);
    REFUSED(header.sequence = UINT64_C(1) << 63);
#undef REFUSED
    batch_buffer_release(&bytes);
}
END_TEST

START_TEST(a_full_header_fits_its_bound)
{
    static batch_coverage coverage[BATCH_COVERAGE_MAX];
    static uint8_t hashes[BATCH_BODIES_MAX][CRYPTO_HASH];
    static char names[BATCH_COVERAGE_MAX][RECORD_NAME_MAX + 1];
    batch_header header = plain_header(), read;
    arena *scratch = arena_new(1 << 20);
    batch_buffer bytes;

    for (unsigned i = 0; i < BATCH_COVERAGE_MAX; i++)
        (void) snprintf(names[i], sizeof names[i], "%064u", i);
    for (unsigned i = 0; i < BATCH_COVERAGE_MAX; i++) {
        coverage[i].contract = text_of(names[i]);
        coverage[i].last_month = CIVIL_NONE;
        coverage[i].action_count = 12;
        for (unsigned a = 0; a < 12; a++)
            coverage[i].actions[a] = text_of(names[a]);
    }
    header.coverage = coverage;
    header.coverage_count = BATCH_COVERAGE_MAX;
    header.hashes = hashes;
    header.body_count = BATCH_BODIES_MAX;
    batch_buffer_init(&bytes, BATCH_HEADER_MAX);
    batch_write_header(&bytes, &header);
    ck_assert(!bytes.failed);
    ck_assert(batch_read_header(&read, scratch, (text_view){(char *) bytes.data, bytes.size}));
    ck_assert_uint_eq(read.body_count, BATCH_BODIES_MAX);
    batch_buffer_release(&bytes);
    arena_destroy(&scratch);
}
END_TEST

START_TEST(counts_are_never_believed)
{
    /* Arrays that announce 2^32 - 1 or 2^16 - 1 items; maps, extensions; a long nesting of arrays. */
    static const char *const bombs[] = {"\xdd\xff\xff\xff\xff", "\xdc\xff\xff", "\xdf\xff\xff\xff\xff",
                                        "\xc9\xff\xff\xff\xff", "\x9a\xdd\xff\xff\xff\xff"};
    arena *scratch = arena_new(1 << 16);
    char nested[4096];
    batch_header header;
    record what;
    record_reason reason;

    memset(nested, '\x9a', sizeof nested);
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        ck_assert(!batch_read_header(&header, scratch, text_of(bombs[i])));
        ck_assert(!batch_read_body(&what, text_of(bombs[i]), &reason));
    }
    ck_assert(!batch_read_header(&header, scratch, (text_view){nested, sizeof nested}));
    ck_assert(!batch_read_body(&what, (text_view){nested, sizeof nested}, &reason));
    arena_destroy(&scratch);
}
END_TEST

START_TEST(a_signature_holds_for_its_bytes_and_its_key)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    crypto_sign_pair by, other;

    crypto_sign_new(&by);
    crypto_sign_new(&other);
    batch_sign(signature, text_of("header"), &by);
    ck_assert(batch_verify(signature, text_of("header"), by.public_key));
    ck_assert(!batch_verify(signature, text_of("Header"), by.public_key));
    ck_assert(!batch_verify(signature, text_of("header"), other.public_key));
    signature[5] ^= 1;
    ck_assert(!batch_verify(signature, text_of("header"), by.public_key));
}
END_TEST

START_TEST(a_body_fits_its_batch)
{
    batch_header header = plain_header();
    record first = beneficiary(), next = beneficiary(), bare = session();

    first.tokens[1].epoch = next.tokens[1].epoch = 2;
    memset(first.key, 1, sizeof first.key);
    ck_assert_int_eq(batch_check_body(&header, &first, NULL), RECORD_OK);
    ck_assert_int_eq(batch_check_body(&header, &next, &first), RECORD_OK);
    ck_assert_int_eq(batch_check_body(&header, &first, &next), RECORD_DUPLICATE_KEY);
    ck_assert_int_eq(batch_check_body(&header, &next, &next), RECORD_DUPLICATE_KEY);
    ck_assert_int_eq(batch_check_body(&header, &bare, NULL), RECORD_OK);
    next.tokens[1].epoch = 3;
    ck_assert_int_eq(batch_check_body(&header, &next, NULL), RECORD_BAD_TOKENS);
    next.token_sets = 1;
    ck_assert_int_eq(batch_check_body(&header, &next, NULL), RECORD_BAD_TOKENS);
}
END_TEST

START_TEST(the_content_hash_sees_every_change_and_no_salt)
{
    static const uint8_t key[CRYPTO_KEY] = {42}, other_key[CRYPTO_KEY] = {43};
    uint8_t one[CRYPTO_SHORT_HASH], two[CRYPTO_SHORT_HASH];
    record what = session();

    batch_content_hash(one, &what, key);
    batch_content_hash(two, &what, key);
    ck_assert_mem_eq(one, two, sizeof one);
    batch_content_hash(two, &what, other_key);
    ck_assert_mem_ne(one, two, sizeof one);
    what.quantity++;
    batch_content_hash(two, &what, key);
    ck_assert_mem_ne(one, two, sizeof one);
}
END_TEST

START_TEST(a_buffer_fails_stickily_at_its_limit)
{
    batch_buffer bytes;

    batch_buffer_init(&bytes, 10);
    batch_buffer_append(&bytes, "0123456789", 10);
    ck_assert(!bytes.failed);
    batch_buffer_append(&bytes, "", 0);
    ck_assert(!bytes.failed);
    batch_buffer_append(&bytes, "x", 1);
    batch_buffer_append(&bytes, "", 0);
    ck_assert(bytes.failed);
    batch_buffer_clear(&bytes);
    batch_buffer_append(&bytes, "x", 1);
    ck_assert(!bytes.failed);
    ck_assert_uint_eq(bytes.size, 1);
    batch_buffer_release(&bytes);
    batch_buffer_release(&bytes);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("batch");
    TCase *tests = tcase_create("batch");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, bodies_are_read_in_their_canonical_form_alone);
    tcase_add_test(tests, headers_are_read_in_their_canonical_form_alone);
    tcase_add_test(tests, an_envelope_is_read_when_the_rest_cannot_be);
    tcase_add_test(tests, every_field_of_a_body_comes_back);
    tcase_add_test(tests, a_narrative_has_its_whole_length_and_no_more);
    tcase_add_test(tests, a_refused_body_says_why);
    tcase_add_test(tests, a_header_that_contradicts_itself_is_neither_written_nor_read);
    tcase_add_test(tests, a_full_header_fits_its_bound);
    tcase_add_test(tests, counts_are_never_believed);
    tcase_add_test(tests, a_signature_holds_for_its_bytes_and_its_key);
    tcase_add_test(tests, a_body_fits_its_batch);
    tcase_add_test(tests, the_content_hash_sees_every_change_and_no_salt);
    tcase_add_test(tests, a_buffer_fails_stickily_at_its_limit);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
