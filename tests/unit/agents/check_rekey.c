/* check_rekey: what waits under a wrong linkage key loses its tokens' records; the chain and all else stays whole. */
#include "batcher.h"
#include "outbox_bench.h"

static agent_home home_of;
static agent_home_secrets secrets;
static const token_key WRONG = {.epoch = 1, .key = {9}}, RIGHT = {.epoch = 1, .key = {1}};

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&secrets.sign);
    home_of.secrets = &secrets;
    enter();
}

static batch_key id_of(const token_key *key)
{
    batch_key made = {.epoch = key->epoch};
    token_key_id(made.id, key);
    return made;
}

/* A batch of one record with a token and one without, under a key (NULL: the second alone), that covers the contract. */
static void push(const token_key *key, uint8_t number)
{
    batch_coverage covers = {.contract = text_of("63-essai"), .complete = true, .last_month = CIVIL_NONE};
    outbox_keep *keeper;
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    batcher *to = batcher_new(box, &home_of, text_of("63"));
    ck_assert_ptr_nonnull(to);
    ck_assert_int_eq(outbox_keep_open(box, text_of("63"), text_of("63-essai"), &keeper), OUTBOX_OK);
    if (key != NULL)
        batcher_use_keys(to, key, 1);
    for (uint8_t i = 0; i < 2; i++) {
        record what = make_record((uint8_t)(number + i));
        difference_entry entry = {.sequence = batcher_sequence(to), .incarnation = 1, .content = {5}};
        if (i == 0 && key != NULL) {
            what.type = FACT_AUTONOMIE;
            what.has_quantity = false;
            what.quantity = 0;
            what.code = text_of("parentalite");
            what.token_sets = 1;
            what.tokens[0] = (record_tokens){.epoch = key->epoch, .has_e = true};
        }
        memcpy(entry.key, what.key, RECORD_KEY);
        batcher_add(to, &what);
        outbox_keep_add(keeper, &entry);
    }
    batcher_end(to, &covers);
    batcher_destroy(&to);
    ck_assert_int_eq(outbox_keep_finish(&keeper), OUTBOX_OK);
    (void)outbox_set(box, OUTBOX_COVERAGE, text_of("63-essai"), text_of("told"));
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

static uint64_t rekey(void)
{
    batch_key right = id_of(&RIGHT);
    uint64_t batches;
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_rekey(box, &secrets.sign, text_of("63"), &right, &batches), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    reopen();
    return batches;
}

static bool misnamed(void)
{
    batch_key right = id_of(&RIGHT);
    bool found;
    ck_assert_int_eq(outbox_misnamed(box, text_of("63"), &right, &found), OUTBOX_OK);
    return found;
}

/* The batch of that sequence is what the hub would take after the one before; how many bodies are absent. */
static unsigned check_batch(uint64_t sequence, uint8_t previous[CRYPTO_HASH], unsigned keys, bool complete)
{
    batch_buffer message;
    wire_message batch;
    batch_header header;
    unsigned absent = 0;
    uint8_t hash[CRYPTO_HASH];
    arena *from = arena_new(WIRE_SCRATCH_BYTES);
    batch_buffer_init(&message, WIRE_MESSAGE_MAX);
    ck_assert_int_eq(outbox_message(box, "63", sequence, &message), OUTBOX_OK);
    ck_assert(wire_read(&batch, from, (text_view){(const char *)message.data, message.size}));
    ck_assert(batch_verify(batch.batch.signature, batch.batch.header, secrets.sign.public_key));
    ck_assert(batch_read_header(&header, from, batch.batch.header));
    ck_assert_mem_eq(header.previous, previous, CRYPTO_HASH);
    ck_assert_uint_eq(header.sequence, sequence);
    ck_assert_uint_eq(header.key_count, keys);
    ck_assert(header.coverage[0].complete == complete);
    ck_assert_uint_eq(header.body_count, batch.batch.body_count);
    for (unsigned i = 0; i < batch.batch.body_count; i++) {
        absent += batch.batch.bodies[i].at == NULL;
        batch_hash(hash, batch.batch.bodies[i]);
        ck_assert(batch.batch.bodies[i].at == NULL || memcmp(hash, header.hashes[i], CRYPTO_HASH) == 0);
    }
    batch_hash(previous, batch.batch.header);
    ck_assert_int_eq(outbox_header_hash(box, "63", sequence, hash), OUTBOX_OK);
    ck_assert_mem_eq(hash, previous, CRYPTO_HASH);
    arena_destroy(&from);
    batch_buffer_release(&message);
    return absent;
}

START_TEST(test_rekey)
{
    uint8_t chain[CRYPTO_HASH] = {0};
    outbox_tally tally = {0};
    batch_buffer value;
    unsigned spoilt;
    outbox_scope scope;
    push(&RIGHT, 10);
    acknowledge(1, 0, NULL, 0, &tally);
    push(NULL, 20);
    push(&WRONG, 30);
    push(NULL, 40);
    ck_assert(misnamed());
    ck_assert_uint_eq(rekey(), 1);
    ck_assert(!misnamed());
    ck_assert_uint_eq(rekey(), 0);
    ck_assert_uint_eq(check_batch(1, chain, 1, true), 0);
    ck_assert_uint_eq(check_batch(2, chain, 0, true), 0);
    ck_assert_uint_eq(check_batch(3, chain, 0, false), 1);
    ck_assert_uint_eq(check_batch(4, chain, 0, false), 0);
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_mem_eq(scope.queued_hash, chain, CRYPTO_HASH);
    ck_assert_uint_eq(scope.queued, 4);
    ck_assert_uint_eq(scope.records_queued, 8);
    batch_buffer_init(&value, 100);
    ck_assert_int_eq(outbox_get(box, OUTBOX_COVERAGE, text_of("63-essai"), &value), OUTBOX_ABSENT);
    batch_buffer_release(&value);
    ck_assert_uint_eq(held(&spoilt), 3); /* of the last push, and the one that is not known any more */
    ck_assert_uint_eq(spoilt, 1);
}
END_TEST

START_TEST(test_nothing)
{
    uint8_t chain[CRYPTO_HASH] = {0};
    push(&RIGHT, 10);
    push(NULL, 20);
    ck_assert(!misnamed());
    ck_assert_uint_eq(rekey(), 0);
    ck_assert_uint_eq(check_batch(1, chain, 1, true), 0);
    ck_assert_uint_eq(check_batch(2, chain, 0, true), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rekey");
    TCase *cases = tcase_create("rekey");
    tcase_add_checked_fixture(cases, setup, leave);
    tcase_add_test(cases, test_rekey);
    tcase_add_test(cases, test_nothing);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
