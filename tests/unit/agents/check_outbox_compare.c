/* What the comparison with the hub changes among what is held, against the definition. */
#include "outbox_bench.h"

static crypto_sign_pair sign;

static void begin(void)
{
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
}

static void commit(void)
{
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

enum { KEYS = 6000 };

/* Both sides by key: the batch that brought it (0: not there), and what we think it says (0: not known). */
typedef struct { unsigned hub, own, content; } pair;

static void key_of(uint8_t key[RECORD_KEY], unsigned number)
{
    memset(key, 0, RECORD_KEY);
    key[0] = (uint8_t)(number % 3 == 0 ? 200 : number / 40);
    key[1] = (uint8_t)(number >> 8);
    key[2] = (uint8_t)number;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_KEY);
}

static unsigned number_of(const uint8_t *key)
{
    return (unsigned)key[1] << 8 | key[2];
}

static text_view contract_of(unsigned number)
{
    return text_of(number % 7 == 0 ? "63-autre" : "63-essai");
}

static void write_held(const pair *all, text_view contract)
{
    static difference_entry entries[KEYS];
    size_t count = 0;
    outbox_keep *writer;
    for (unsigned i = 0; i < KEYS; i++)
        if (text_equal(contract_of(i), contract) && (all[i].own > 0 || all[i].content > 0)) {
            entries[count] = (difference_entry){.content = {(uint8_t)all[i].content}, .incarnation = all[i].own > 0,
                                                .sequence = all[i].own};
            key_of(entries[count++].key, i);
        }
    qsort(entries, count, sizeof *entries, by_key);
    ck_assert_int_eq(outbox_keep_open(box, text_of("63"), contract, &writer), OUTBOX_OK);
    for (size_t i = 0; i < count; i++)
        outbox_keep_add(writer, &entries[i]);
    ck_assert_int_eq(outbox_keep_finish(&writer), OUTBOX_OK);
}

static size_t list_hub(const pair *all, wire_held *records)
{
    size_t count = 0;
    for (unsigned i = 0; i < KEYS; i++)
        if (all[i].hub > 0) {
            records[count] = (wire_held){.contract = contract_of(i), .incarnation = 1, .sequence = all[i].hub};
            key_of(records[count++].key, i);
        }
    qsort(records, count, sizeof *records, by_key);
    return count;
}

static outbox_error compare(uint64_t sequence, const uint8_t *digests, uint8_t differs[WIRE_BUCKETS / 8])
{
    return outbox_compare(box, text_of("63"), 1, sequence, digests, differs);
}

static void differing(const wire_held *records, size_t count, uint8_t differs[WIRE_BUCKETS / 8])
{
    static uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    memset(digests, 0, sizeof digests);
    for (size_t i = 0; i < count; i++)
        wire_digest_toggle(&digests[records[i].key[0] * WIRE_DIGEST], &records[i]);
    ck_assert_int_eq(compare(0, digests, differs), OUTBOX_OK);
}

/* Lists a bucket in parts, as a hub would. */
static void list_bucket(const wire_held *records, size_t count, unsigned bucket, unsigned part)
{
    const uint8_t *after = NULL;
    size_t at = 0;
    while (at < count && records[at].key[0] < bucket)
        at++;
    for (bool more = true; more;) {
        size_t end = at;
        while (end < count && records[end].key[0] == bucket && end - at < part)
            end++;
        more = end < count && records[end].key[0] == bucket;
        outbox_listing listing = {.scope = text_of("63"), .incarnation = 1, .bucket = bucket, .after = after, .more = more,
                                  .record_count = (unsigned)(end - at), .records = records + at};
        begin();
        ck_assert_int_eq(outbox_reconcile(box, &listing), OUTBOX_OK);
        commit();
        at = end;
        after = more ? records[end - 1].key : NULL;
    }
}

static void check_held(const pair *all, text_view contract)
{
    outbox_held *reader;
    const difference_entry *entry;
    bool seen[KEYS] = {false};
    ck_assert_int_eq(outbox_held_open(box, contract, &reader), OUTBOX_OK);
    outbox_error error;
    while ((error = outbox_held_next(reader, &entry)) == OUTBOX_OK) {
        unsigned number = number_of(entry->key);
        const pair *was = &all[number];
        seen[number] = true;
        ck_assert_uint_eq(entry->sequence, was->hub);
        ck_assert_uint_eq(entry->content[0], was->own == was->hub ? was->content : 0);
    }
    ck_assert_int_eq(error, OUTBOX_ABSENT);
    outbox_held_close(&reader);
    for (unsigned i = 0; i < KEYS; i++) {
        bool refused = all[i].own == 0 && all[i].content == 0;
        if (text_equal(contract_of(i), contract) && !refused)
            ck_assert_int_eq(seen[i], all[i].hub > 0);
    }
}

/* Against the definition, on random sets. */
START_TEST(test_compare)
{
    static pair all[KEYS];
    static wire_held records[KEYS];
    uint8_t differs[WIRE_BUCKETS / 8], none[WIRE_BUCKETS / 8] = {0};
    srandom(11 + (unsigned)_i);
    begin();
    ck_assert_int_eq(outbox_begin_scope(box, text_of("63"), 1), OUTBOX_OK);
    commit();
    long rarely = _i == 0 ? 2 : _i == 1 ? 20 : 1000;
    for (unsigned i = 0; i < KEYS; i++) {
        all[i].hub = random() % 5 != 0 ? (unsigned)(1 + random() % 9) : 0;
        all[i].own = random() % rarely == 0 ? (unsigned)(random() % 9) : all[i].hub;
        all[i].content = all[i].own > 0 ? (unsigned)(random() % 4) : 0;
    }
    if (_i < 3) { /* the last time: a home that knows nothing */
        begin();
        write_held(all, text_of("63-essai"));
        write_held(all, text_of("63-autre"));
        commit();
    } else {
        for (unsigned i = 0; i < KEYS; i++)
            all[i].own = all[i].content = 0;
    }
    size_t count = list_hub(all, records);
    differing(records, count, differs);
    for (unsigned bucket = 0; bucket < WIRE_BUCKETS; bucket++)
        if ((differs[bucket / 8] >> bucket % 8 & 1) != 0)
            list_bucket(records, count, bucket, _i % 2 == 0 ? 700 : 3);
    differing(records, count, differs);
    ck_assert_mem_eq(differs, none, sizeof none);
    check_held(all, text_of("63-essai"));
    check_held(all, text_of("63-autre"));
    /* What does not stand for our last batch is not taken. */
    queue(&sign, 1);
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    outbox_listing listing = {.scope = text_of("63"), .incarnation = 1};
    ck_assert_int_eq(compare(0, digests, differs), OUTBOX_ABSENT);
    ck_assert_int_eq(compare(1, digests, differs), OUTBOX_ABSENT);
    begin();
    ck_assert_int_eq(outbox_reconcile(box, &listing), OUTBOX_ABSENT);
    commit();
}
END_TEST

static void enter_signing(void)
{
    crypto_sign_new(&sign);
    enter();
}

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("outbox_compare");
    TCase *cases = tcase_create("outbox_compare");
    tcase_add_checked_fixture(cases, enter_signing, leave);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, test_compare, 0, 4);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
