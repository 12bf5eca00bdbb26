/* A file whose content is not what we wrote: each cell that is read is judged, and what is wrong is DAMAGED, never used. */
#include <sys/stat.h>
#include <unistd.h>

#include "outbox_bench.h"

static crypto_sign_pair sign;

static void fill(void)
{
    crypto_sign_new(&sign);
    queue(&sign, 3);
    queue(&sign, 2);
    keep(1, 3, 1);
}

static outbox_error load_message(uint64_t sequence)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    outbox_error error = outbox_message(box, "63", sequence, &bytes);
    batch_buffer_release(&bytes);
    return error;
}

static outbox_error acknowledge_refused(uint64_t sequence, uint64_t refused, uint32_t index)
{
    static const uint8_t signature[CRYPTO_SIGNATURE];
    wire_record_refusal refusal = {refused, index, RECORD_BAD_MONTH};
    outbox_tally tally = {0};
    outbox_receipt receipt = {.scope = "63", .sequence = sequence, .ledger_position = 1, .receipt = text_of("r"), .signature = signature,
                              .refusal_count = 1, .refusals = &refusal};
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    outbox_error error = outbox_acknowledge(box, &receipt, &tally);
    outbox_rollback(box);
    return error;
}

START_TEST(test_bodies)
{
    static const char *const wrong[] = {
        "UPDATE batch SET bodies = x'01' WHERE sequence = 1",               /* a length that is cut */
        "UPDATE batch SET bodies = x'05000000aabb' WHERE sequence = 1",     /* a body that is cut */
        "UPDATE batch SET bodies = x'feffffff' WHERE sequence = 1",         /* one that is too large */
        "UPDATE batch SET bodies = zeroblob(4100) WHERE sequence = 1",      /* 1,025 of them */
    };
    fill();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        spoil(wrong[i]);
        ck_assert_int_eq(load_message(1), OUTBOX_DAMAGED);
        ck_assert_int_eq(acknowledge_refused(1, 1, 0), OUTBOX_DAMAGED);
        ck_assert_int_eq(load_message(2), OUTBOX_OK);
    }
    spoil("UPDATE batch SET signature = x'00' WHERE sequence = 2");
    ck_assert_int_eq(load_message(2), OUTBOX_DAMAGED);
    ck_assert_int_eq(load_message(3), OUTBOX_ABSENT);
    /* Erased bodies are no damage: they are sent as absent, and a refusal keeps their place alone. */
    spoil("UPDATE batch SET bodies = x'ffffffffffffffffffffffff' WHERE sequence = 1");
    ck_assert_int_eq(load_message(1), OUTBOX_OK);
    ck_assert_int_eq(acknowledge_refused(1, 1, 0), OUTBOX_OK);
    ck_assert_int_eq(acknowledge_refused(1, 1, 900), OUTBOX_OK);
    /* A body that is none cannot tell whose record it was. */
    spoil("UPDATE batch SET bodies = x'02000000aabb' WHERE sequence = 1");
    ck_assert_int_eq(acknowledge_refused(1, 1, 0), OUTBOX_OK);
}
END_TEST

START_TEST(test_scopes)
{
    static const char *const wrong[] = {
        "UPDATE scope SET incarnation = 0", "UPDATE scope SET incarnation = -1", "UPDATE scope SET acknowledged = 9", "UPDATE scope SET stable = 9",
        "UPDATE scope SET queued_hash = x'00'", "UPDATE scope SET base_hash = x'00'", "UPDATE scope SET base_sequence = 9",
        "UPDATE scope SET name = '0123456789012345678901234567890123456789'", "UPDATE scope SET name = ''",
    };
    outbox_scope scopes[2];
    unsigned count;
    fill();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bool named = strstr(wrong[i], "name") == NULL;
        spoil("CREATE TABLE kept AS SELECT * FROM scope");
        spoil(wrong[i]);
        if (named)
            ck_assert_msg(outbox_scope_load(box, text_of("63"), &scopes[0]) == OUTBOX_DAMAGED, "%s", wrong[i]);
        (void)!outbox_scopes(box, scopes, 2, &count);
        spoil("DELETE FROM scope; INSERT INTO scope SELECT * FROM kept; DROP TABLE kept");
    }
    ck_assert_int_eq(outbox_scopes(box, scopes, 2, &count), OUTBOX_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(outbox_scopes(box, scopes, 0, &count), OUTBOX_OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

static outbox_error read_held(void)
{
    outbox_held *reader;
    const difference_entry *entry;
    ck_assert_int_eq(outbox_held_open(box, text_of("63-essai"), &reader), OUTBOX_OK);
    outbox_error error = OUTBOX_OK;
    while (error == OUTBOX_OK)
        error = outbox_held_next(reader, &entry);
    outbox_held_close(&reader);
    return error;
}

START_TEST(test_held)
{
    fill();
    ck_assert_int_eq(read_held(), OUTBOX_ABSENT);
    spoil("UPDATE held SET entries = x'00'");
    ck_assert_int_eq(read_held(), OUTBOX_DAMAGED);
    ck_assert_int_eq(acknowledge_refused(1, 1, 1), OUTBOX_DAMAGED);
    spoil("UPDATE held SET entries = x''");
    ck_assert_int_eq(read_held(), OUTBOX_DAMAGED);
    char text[160];
    (void)snprintf(text, sizeof text, "UPDATE held SET entries = zeroblob(%zu)", 2 * sizeof(difference_entry));
    spoil(text); /* a key twice */
    ck_assert_int_eq(read_held(), OUTBOX_DAMAGED);
}
END_TEST

static void ignore_note(void *data, const outbox_note *note)
{
    ck_assert_uint_le(note->scope.size, BATCH_SCOPE_MAX);
    ++*(unsigned *)data;
}

START_TEST(test_values)
{
    static const char *const notes[] = {"", "1", "1 ", "1 2", "x 2 63", "0 2 63", "9 2 63", "1 x 63", "1 2 ", "-1 2 63",
                                        "1 2 012345678901234567890123456789012", "1 111111111111111111111111111111111111111111111111 63"};
    arena *memory = arena_new(8 * WIRE_MESSAGE_MAX);
    wire_contract *contracts;
    unsigned count, told = 0;
    fill();
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "INSERT OR REPLACE INTO value VALUES ('reprise', '63-essai', CAST('%s' AS BLOB))", notes[i]);
        spoil(text);
        ck_assert_msg(outbox_notes(box, ignore_note, &told) == OUTBOX_DAMAGED, "%s", notes[i]);
        ck_assert_uint_eq(told, 0);
    }
    spoil("INSERT OR REPLACE INTO value VALUES ('reprise', '63-essai', CAST('1 2 63' AS BLOB))");
    ck_assert_int_eq(outbox_notes(box, ignore_note, &told), OUTBOX_OK);
    ck_assert_uint_eq(told, 1);
    /* Nothing of a scope that cannot be read is told. */
    spoil("UPDATE scope SET incarnation = 0");
    ck_assert_int_eq(outbox_notes(box, ignore_note, &told), OUTBOX_DAMAGED);
    ck_assert_uint_eq(told, 1);
    spoil("UPDATE scope SET incarnation = 1; INSERT INTO value VALUES ('contrats', '', x'9101')");
    ck_assert_int_eq(outbox_contracts(box, memory, &contracts, &count), OUTBOX_DAMAGED);
    arena *small = arena_new(8);
    ck_assert_int_eq(outbox_contracts(box, small, &contracts, &count), OUTBOX_NO_MEMORY);
    arena_destroy(&small);
    arena_destroy(&memory);
}
END_TEST

START_TEST(test_renewals)
{
    static const char *const wrong[] = {"UPDATE scope SET request = x'00', seen_incarnation = 1, seen_sequence = 0, wanted = 2, seen_hash = zeroblob(32)",
                                        "UPDATE scope SET request = zeroblob(16), seen_incarnation = 1, seen_sequence = 0, wanted = 2, seen_hash = x'00'"};
    uint8_t request[WIRE_REQUEST];
    outbox_scope to;
    wire_position seen = {.scope = text_of("63"), .incarnation = 1};
    fill();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t wanted = 2;
        spoil(wrong[i]);
        ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
        /* What is no request is none: a new one is made. */
        ck_assert_msg(outbox_request(box, &seen, false, &wanted, request) == OUTBOX_OK && wanted == 2, "%s", wrong[i]);
        outbox_rollback(box);
    }
    /* A header that cannot be read cannot be signed anew. */
    spoil("UPDATE scope SET request = NULL");
    uint64_t wanted = 2;
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_request(box, &seen, false, &wanted, request), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    spoil("UPDATE batch SET header = x'90' WHERE sequence = 1");
    outbox_grant grant = {.request = request, .at = {.scope = text_of("63"), .incarnation = 2}};
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 1, &to), OUTBOX_DAMAGED);
    outbox_rollback(box);
    spoil("DELETE FROM batch WHERE sequence = 1; UPDATE batch SET header = x'90'");
    uint8_t hash[CRYPTO_HASH];
    ck_assert_int_eq(outbox_header_hash(box, "63", 1, hash), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_header_hash(box, "63", 3, hash), OUTBOX_ABSENT);
}
END_TEST

START_TEST(test_files)
{
    static const char *const wrong[] = {"PRAGMA application_id = 7", "PRAGMA user_version = 0", "DROP TABLE batch; DROP TABLE scope"};
    fill();
    outbox_close(&box);
    for (size_t i = 0; i < 2; i++) {
        sqlite3 *db;
        outbox *second = NULL;
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, wrong[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        ck_assert_msg(outbox_open(&second, path, NULL) == OUTBOX_DAMAGED, "%s", wrong[i]);
        ck_assert_ptr_null(second);
    }
    char other[128];
    outbox *second = NULL;
    (void)snprintf(other, sizeof other, "%s/lien", folder);
    ck_assert_int_eq(symlink(path, other), 0);
    ck_assert_int_eq(outbox_open(&second, other, NULL), OUTBOX_CANNOT_OPEN); /* not through a link */
    ck_assert_int_eq(outbox_open(&second, folder, NULL), OUTBOX_CANNOT_OPEN);
    for (int error = OUTBOX_OK; error <= OUTBOX_NO_MEMORY; error++)
        ck_assert_ptr_nonnull(outbox_error_text((outbox_error)error));
    remove(path);
    reopen();
    spoil(wrong[2]);
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_DAMAGED);
    ck_assert_int_eq(load_message(1), OUTBOX_DAMAGED);
}
END_TEST

/* Files without tables, with a head that is not ours; and what is no file. */
START_TEST(test_heads)
{
    static const char *const wrong[] = {"PRAGMA application_id = 7", "PRAGMA user_version = 1", "PRAGMA application_id = 1129595209"};
    outbox *second = NULL;
    outbox_close(&box);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sqlite3 *db;
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, wrong[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        ck_assert_int_eq(chmod(path, 0600), 0);
        ck_assert_msg(outbox_open(&second, path, NULL) == OUTBOX_DAMAGED, "%s", wrong[i]);
    }
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(outbox_open(&second, path, NULL), OUTBOX_CANNOT_OPEN);
    ck_assert_ptr_null(second);
}
END_TEST

/* What the hub says twice, of no reason that we know, or of a place that is not the present one. */
START_TEST(test_words)
{
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    static const struct { uint64_t incarnation, sequence; } elsewhere[] = {{2, 2}, {1, 1}, {1, 3}, {1, 2}};
    uint8_t differs[WIRE_BUCKETS / 8];
    wire_record_refusal refusals[] = {{1, 0, RECORD_REASON_COUNT}, {1, 1, RECORD_OK}, {2, 0, RECORD_BAD_CODE}};
    outbox_receipt receipt = {.scope = "63", .sequence = 1, .receipt = text_of("r"), .refusal_count = 3, .refusals = refusals};
    outbox_tally tally = {0};
    fill();
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_acknowledge(box, &receipt, &tally), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_uint_eq(tally.refused, 2);
    ck_assert_uint_eq(tally.reasons[RECORD_BAD_CODE], 0); /* of a batch that this receipt does not cover */
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) /* the last one is not acknowledged yet */
        ck_assert_int_eq(outbox_compare(box, text_of("63"), elsewhere[i].incarnation, elsewhere[i].sequence, digests, differs), OUTBOX_ABSENT);
    /* The first failure of a transaction is the one that counts. */
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    outbox_spoil(box, OUTBOX_CANNOT_WRITE);
    outbox_spoil(box, OUTBOX_NO_MEMORY);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_CANNOT_WRITE);
    /* Notes of two scopes: the end of one's comparison answers its own alone. */
    spoil("INSERT INTO value VALUES ('reprise', '63-essai', CAST('1 2 63' AS BLOB)), ('reprise', '03-essai', CAST('1 2 03' AS BLOB)),"
          " ('reprise', '63-autre', CAST('2 2 63' AS BLOB)); UPDATE scope SET resync = 1");
    unsigned told = 0;
    ck_assert_int_eq(outbox_notes(box, ignore_note, &told), OUTBOX_OK);
    ck_assert_uint_eq(told, 3);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_resynced(box, text_of("63")), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    told = 0;
    ck_assert_int_eq(outbox_notes(box, ignore_note, &told), OUTBOX_OK);
    ck_assert_uint_eq(told, 1);
    spoil("INSERT OR REPLACE INTO value VALUES ('reprise', '63-autre', CAST('1 2 63' AS BLOB)), ('reprise', '63-essai', x'ff'); UPDATE scope SET resync = 1");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_resynced(box, text_of("63")), OUTBOX_DAMAGED);
    outbox_rollback(box);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("outbox_damage");
    TCase *tests = tcase_create("damage");
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, test_bodies);
    tcase_add_test(tests, test_scopes);
    tcase_add_test(tests, test_held);
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_renewals);
    tcase_add_test(tests, test_files);
    tcase_add_test(tests, test_heads);
    tcase_add_test(tests, test_words);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
