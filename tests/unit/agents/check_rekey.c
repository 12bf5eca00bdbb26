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

static outbox_error try_rekey(void)
{
    batch_key right = id_of(&RIGHT);
    uint64_t batches;
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    outbox_error error = outbox_rekey(box, &secrets.sign, text_of("63"), &right, &batches);
    outbox_error committed = outbox_commit(box);
    ck_assert_int_eq(committed, error);
    return error;
}

/* A withdrawal tells no token, a record that was erased is told to nobody, and a key of another epoch is no wrong one. */
START_TEST(test_kept)
{
    uint8_t chain[CRYPTO_HASH] = {0}, keys[1][RECORD_KEY] = {{30}};
    batch_key next = id_of(&(token_key){.epoch = 2, .key = {1}});
    uint64_t erased = 0;
    unsigned spoilt;
    bool found;
    push(&WRONG, 30);
    ck_assert_int_eq(outbox_misnamed(box, text_of("63"), &next, &found), OUTBOX_OK);
    ck_assert(!found);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    batcher *to = batcher_new(box, &home_of, text_of("63"));
    ck_assert_ptr_nonnull(to);
    batcher_use_keys(to, &WRONG, 1);
    record gone = {.operation = RECORD_WITHDRAW, .contract = text_of("63-essai"), .key = {50}};
    record with = make_record(51);
    with.type = FACT_AUTONOMIE;
    with.has_quantity = false;
    with.quantity = 0;
    with.code = text_of("parentalite");
    with.token_sets = 1;
    with.tokens[0] = (record_tokens){.epoch = 1, .has_e = true};
    batcher_add(to, &gone);
    batcher_add(to, &with);
    batcher_end(to, &(batch_coverage){.contract = text_of("63-essai"), .complete = true, .last_month = CIVIL_NONE});
    batcher_destroy(&to);
    ck_assert_int_eq(outbox_erase_bodies(box, text_of("63"), keys, 1, &erased), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_uint_eq(erased, 1);
    ck_assert_uint_eq(rekey(), 2);
    ck_assert_uint_eq(check_batch(1, chain, 0, false), 1);
    ck_assert_uint_eq(check_batch(2, chain, 0, false), 1);
    ck_assert_uint_eq(held(&spoilt), 3); /* those of the push, and the one that went; for the erased one nothing is asked */
    ck_assert_uint_eq(spoilt, 1);
}
END_TEST

/* A body that is none names no one: it stays, and the rest is signed anew. */
START_TEST(test_no_body)
{
    unsigned spoilt;
    push(&WRONG, 30);
    spoil("UPDATE batch SET bodies = x'02000000aabb01000000cc'");
    ck_assert_uint_eq(rekey(), 1);
    ck_assert(!misnamed());
    ck_assert_uint_eq(held(&spoilt), 2);
    ck_assert_uint_eq(spoilt, 0);
    spoil("CREATE TABLE same (yes INTEGER CHECK (yes)); INSERT INTO same SELECT bodies = x'02000000aabb01000000cc' FROM batch");
}
END_TEST

/* Batches that cannot be read: told, and nothing of the others is changed. */
START_TEST(test_damaged)
{
    static const struct { const char *sql; bool headers; } wrong[] = {
        {"UPDATE batch SET header = x'90' WHERE sequence = 2", true},
        {"DELETE FROM batch WHERE sequence = 2", true},
        {"UPDATE batch SET bodies = x'01' WHERE sequence = 3", false},
        {"UPDATE held SET entries = x'00'", false},
        {"UPDATE generation SET contract = printf('%065d', 1)", false},
        {"ALTER TABLE batch RENAME TO away; CREATE VIEW batch AS SELECT scope, sequence, records, signature, bodies,"
         " abs(-9223372036854775807 - 1) AS header FROM away", true}, /* a row that cannot be computed */
        {"ALTER TABLE batch RENAME TO away", true},
    };
    uint8_t chain[CRYPTO_HASH] = {0};
    push(&RIGHT, 10);
    push(NULL, 20);
    push(&WRONG, 30);
    spoil("CREATE TABLE batches AS SELECT * FROM batch; CREATE TABLE pages AS SELECT * FROM held;"
          "CREATE TABLE generations AS SELECT * FROM generation");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        batch_key right = id_of(&RIGHT);
        bool found;
        spoil(wrong[i].sql);
        ck_assert_msg(try_rekey() == OUTBOX_DAMAGED, "%s", wrong[i].sql);
        outbox_error error = outbox_misnamed(box, text_of("63"), &right, &found);
        ck_assert_msg(error == (wrong[i].headers ? OUTBOX_DAMAGED : OUTBOX_OK) && found != wrong[i].headers, "%s", wrong[i].sql);
        if (strstr(wrong[i].sql, "VIEW") != NULL)
            spoil("DROP VIEW batch");
        if (strstr(wrong[i].sql, "RENAME") != NULL)
            spoil("ALTER TABLE away RENAME TO batch");
        spoil("DELETE FROM batch; INSERT INTO batch SELECT * FROM batches; DELETE FROM held; INSERT INTO held SELECT * FROM pages;"
              "DELETE FROM generation; INSERT INTO generation SELECT * FROM generations");
    }
    ck_assert_uint_eq(rekey(), 1);
    ck_assert_uint_eq(check_batch(1, chain, 1, true), 0);
    ck_assert_uint_eq(check_batch(2, chain, 0, true), 0);
    ck_assert_uint_eq(check_batch(3, chain, 0, false), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rekey");
    TCase *cases = tcase_create("rekey");
    tcase_add_checked_fixture(cases, setup, leave);
    tcase_add_test(cases, test_rekey);
    tcase_add_test(cases, test_nothing);
    tcase_add_test(cases, test_kept);
    tcase_add_test(cases, test_no_body);
    tcase_add_test(cases, test_damaged);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
