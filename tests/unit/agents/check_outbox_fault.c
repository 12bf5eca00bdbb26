/* A step that fails in the middle: it is told, its transaction is void as a whole, and the file stays what it was. */
#include <sys/stat.h>
#include <unistd.h>

#include "outbox_base.h"
#include "outbox_bench.h"
#include "outbox_old_form.h"

static crypto_sign_pair sign;

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&sign);
    enter();
}

static outbox_scope scope_now(void)
{
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    return scope;
}

/* What the file says to a query of one number. */
static sqlite3_int64 number_of(const char *sql)
{
    sqlite3_int64 number = -1;
    ck_assert_int_eq(outbox_pragma(box, sql, &number), OUTBOX_OK);
    return number;
}

START_TEST(test_results)
{
    static const struct { int result; outbox_error error; } known[] = {
        {SQLITE_OK, OUTBOX_OK}, {SQLITE_ROW, OUTBOX_OK}, {SQLITE_DONE, OUTBOX_OK}, {SQLITE_FULL, OUTBOX_CANNOT_WRITE},
        {SQLITE_READONLY_DBMOVED, OUTBOX_CANNOT_WRITE}, {SQLITE_PERM, OUTBOX_CANNOT_WRITE}, {SQLITE_ABORT_ROLLBACK, OUTBOX_CANNOT_WRITE},
        {SQLITE_IOERR_FSYNC, OUTBOX_CANNOT_WRITE}, {SQLITE_IOERR, OUTBOX_CANNOT_WRITE}, {SQLITE_IOERR_NOMEM, OUTBOX_NO_MEMORY},
        {SQLITE_NOMEM, OUTBOX_NO_MEMORY}, {SQLITE_TOOBIG, OUTBOX_NO_MEMORY}, {SQLITE_BUSY_RECOVERY, OUTBOX_IN_USE},
        {SQLITE_LOCKED, OUTBOX_IN_USE}, {SQLITE_CANTOPEN_ISDIR, OUTBOX_CANNOT_OPEN}, {SQLITE_CORRUPT_VTAB, OUTBOX_DAMAGED},
        {SQLITE_NOTADB, OUTBOX_DAMAGED}, {SQLITE_CONSTRAINT_NOTNULL, OUTBOX_DAMAGED}, {SQLITE_ERROR, OUTBOX_DAMAGED},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_msg(outbox_result(box, known[i].result) == known[i].error, "%s", sqlite3_errstr(known[i].result));
}
END_TEST

/* SQLite rolls back by itself when the disk is full: nothing that follows may be written, each statement alone. */
START_TEST(test_rolled_back)
{
    queue(&sign, 3);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    append(&sign, 2);
    ck_assert_int_eq(sqlite3_exec(box->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(outbox_set(box, "nom", text_of("63"), text_of("valeur")), OUTBOX_CANNOT_WRITE);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_CANNOT_WRITE);
    ck_assert_uint_eq(scope_now().queued, 1);
    ck_assert_int_eq(number_of("SELECT count(*) FROM value"), 0);
    /* Nor does it pass when nothing follows. */
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    append(&sign, 2);
    ck_assert_int_eq(sqlite3_exec(box->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_CANNOT_WRITE);
    ck_assert_uint_eq(scope_now().queued, 1);
    /* A failure outside of a transaction is of none. */
    ck_assert_int_eq(outbox_fails(box, OUTBOX_NO_MEMORY), OUTBOX_NO_MEMORY);
    queue(&sign, 2);
    ck_assert_uint_eq(scope_now().queued, 2);
}
END_TEST

START_TEST(test_values)
{
    static char large[OUTBOX_VALUE_MAX + 1];
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_set(box, "nom", text_of("63"), (text_view){large, sizeof large}), OUTBOX_NO_MEMORY);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_NO_MEMORY);
    ck_assert_int_eq(number_of("SELECT count(*) FROM value"), 0);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_set(box, "nom", text_of("63"), (text_view){large, sizeof large - 1}), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_int_eq(number_of("SELECT length(value) FROM value"), OUTBOX_VALUE_MAX);
    /* Much room to give back: within a transaction it waits. */
    spoil("CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
          " SELECT zeroblob(1000000) AS bytes FROM n");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_execute(box, "DROP TABLE filler"), OUTBOX_OK);
    sqlite3_int64 room = number_of("PRAGMA freelist_count");
    ck_assert_int_gt(room, 4096);
    outbox_shrink(box);
    ck_assert_int_eq(number_of("PRAGMA freelist_count"), room);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    outbox_shrink(box);
    ck_assert_int_eq(number_of("PRAGMA freelist_count"), 0);
}
END_TEST

/* Each step of a retraction that fails leaves the scope acknowledged as it was. */
START_TEST(test_retract)
{
    static const struct { const char *fault, *repair; } faults[] = {
        {"UPDATE scope SET queued_hash = CAST(queued_hash || x'00' AS BLOB)", "UPDATE scope SET queued_hash = substr(queued_hash, 1, 32)"},
        {"ALTER TABLE batch RENAME TO away", "ALTER TABLE away RENAME TO batch"},
        {"CREATE TRIGGER fault BEFORE UPDATE ON scope BEGIN SELECT RAISE(ABORT, 'fault'); END", "DROP TRIGGER fault"},
        {"ALTER TABLE refusal RENAME TO away", "ALTER TABLE away RENAME TO refusal"},
        {"CREATE TRIGGER fault BEFORE DELETE ON refusal BEGIN SELECT RAISE(ABORT, 'fault'); END", "DROP TRIGGER fault"},
        {"CREATE TRIGGER fault BEFORE DELETE ON refusal BEGIN SELECT RAISE(ROLLBACK, 'fault'); END", "DROP TRIGGER fault"},
        {"ALTER TABLE proof RENAME TO away", "ALTER TABLE away RENAME TO proof"},
    };
    wire_record_refusal refusal = {2, 0, RECORD_BAD_MONTH};
    outbox_tally tally = {0};
    queue(&sign, 3);
    queue(&sign, 2);
    acknowledge(2, 0, &refusal, 1, &tally);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        spoil(faults[i].fault);
        ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
        ck_assert_msg(outbox_retract(box, "63", 1, &tally) == OUTBOX_DAMAGED, "%s", faults[i].fault);
        ck_assert_msg(outbox_commit(box) == OUTBOX_DAMAGED, "%s", faults[i].fault);
        spoil(faults[i].repair);
        ck_assert_uint_eq(scope_now().acknowledged, 2);
        ck_assert_uint_eq(scope_now().records_acknowledged, 5);
        ck_assert_int_eq(number_of("SELECT count(*) FROM refusal"), 1);
    }
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_retract(box, "63", 1, &tally), OUTBOX_OK);
    ck_assert_int_eq(outbox_retract(box, "63", 1, &tally), OUTBOX_OK); /* nothing any more */
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_uint_eq(scope_now().acknowledged, 1);
    ck_assert_uint_eq(scope_now().records_acknowledged, 3);
    ck_assert_int_eq(number_of("SELECT count(*) FROM refusal"), 0);
}
END_TEST

/* A scope that cannot be begun, or whose request cannot be written down: none is sent. */
START_TEST(test_requests)
{
    wire_position seen = {.scope = text_of("63"), .incarnation = 1};
    uint8_t request[WIRE_REQUEST];
    uint64_t wanted = 2;
    spoil("CREATE TRIGGER fault BEFORE INSERT ON scope BEGIN SELECT RAISE(ABORT, 'fault'); END");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_request(box, &seen, false, &wanted, request), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_begin_scope(box, text_of("63"), 4), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
    ck_assert_int_eq(number_of("SELECT count(*) FROM scope"), 0);
    spoil("DROP TRIGGER fault");
    queue(&sign, 1);
    spoil("UPDATE scope SET incarnation = 0");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_begin_scope(box, text_of("63"), 4), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
}
END_TEST

START_TEST(test_places)
{
    static const char *const wrong[] = {"UPDATE generation SET scope = printf('%033d', 1)", "UPDATE generation SET contract = printf('%065d', 1)",
                                        "DROP TABLE generation"};
    outbox_place *places;
    char (*names)[RECORD_NAME_MAX + 1];
    size_t count;
    keep(1, 3, 1);
    ck_assert_int_eq(outbox_places(box, &places, &count), OUTBOX_OK);
    ck_assert(count == 1 && strcmp(places[0].scope, "63") == 0 && strcmp(places[0].contract, "63-essai") == 0);
    free(places);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        spoil(wrong[i]);
        ck_assert_msg(outbox_places(box, &places, &count) == OUTBOX_DAMAGED, "%s", wrong[i]);
        ck_assert_ptr_null(places);
        if (i > 0) {
            ck_assert_msg(outbox_held_contracts(box, text_of("63"), &names, &count) == OUTBOX_DAMAGED, "%s", wrong[i]);
            ck_assert_ptr_null(names);
        } else {
            spoil("UPDATE generation SET scope = '63'");
        }
    }
}
END_TEST

/* An erasure does all or nothing; what is no body is of nobody, and stays. */
START_TEST(test_erase)
{
    const uint8_t keys[1][RECORD_KEY] = {{1}};
    const outbox_place place = {.scope = "63", .contract = "63-essai"};
    uint64_t erased = 0, dropped = 0;
    queue(&sign, 3);
    queue(&sign, 2);
    keep(1, 3, 1);
    spoil("UPDATE batch SET bodies = x'02000000aabb' WHERE sequence = 1");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_erase_bodies(box, text_of("63"), keys, 1, &erased), OUTBOX_OK);
    ck_assert_uint_eq(erased, 1);
    ck_assert_int_eq(number_of("SELECT bodies = x'02000000aabb' FROM batch WHERE sequence = 1"), 1);
    ck_assert_int_eq(number_of("SELECT substr(bodies, -4) = x'ffffffff' FROM batch WHERE sequence = 2"), 1);
    outbox_rollback(box);
    spoil("UPDATE batch SET bodies = x'01' WHERE sequence = 2");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_erase_bodies(box, text_of("63"), keys, 1, &erased), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
    ck_assert_uint_eq(erased, 1);
    spoil("UPDATE held SET entries = x'00'");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_erase_held(box, &place, keys, 1, &dropped), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
    ck_assert_uint_eq(dropped, 0);
    ck_assert_int_eq(number_of("SELECT entries = x'00' FROM held"), 1);
}
END_TEST

/* A contract whose name no contract has does not keep the others' notes. */
START_TEST(test_notes)
{
    queue(&sign, 1);
    spoil("INSERT INTO value VALUES ('reprise', printf('%065d', 1), CAST('1 2 63' AS BLOB)), ('reprise', '63-essai', CAST('1 2 63' AS BLOB))");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_note_forget(box, text_of("63")), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_int_eq(number_of("SELECT count(*) FROM value WHERE of = '63-essai'"), 0);
    spoil("UPDATE scope SET incarnation = 0");
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_note_answered(box, text_of("63"), text_of("63-essai")), OUTBOX_DAMAGED);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
}
END_TEST

/* --- files of earlier forms --- */

/* A file of the first form, changed, with two contracts that the hub has told, of scope 84; closed. */
static void write_old(const char *more)
{
    wire_action action = {.code = text_of("axe1"), .title = text_of("Un"), .allowed = true};
    wire_contract contracts[] = {
        {.id = text_of("63-essai"), .title = text_of("Essai"), .scope = text_of("84"), .first_day = civil_from(2024, 1, 1),
         .last_day = civil_from(2024, 12, 31), .action_count = 1, .actions = &action},
        {.id = text_of("autre"), .title = text_of("Autre"), .scope = text_of("84"), .first_day = civil_from(2024, 1, 1),
         .last_day = civil_from(2024, 12, 31), .action_count = 1, .actions = &action},
    };
    batch_buffer bytes;
    sqlite3 *old;
    sqlite3_stmt *tell;
    outbox_close(&box);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(sqlite3_open(path, &old), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(old, OLD_FORM, NULL, NULL, NULL), SQLITE_OK);
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write_contracts(&bytes, contracts, 2);
    ck_assert(!bytes.failed);
    ck_assert_int_eq(sqlite3_prepare_v2(old, "INSERT INTO value VALUES ('contrats', '', ?1)", -1, &tell, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_bind_blob64(tell, 1, bytes.data, bytes.size, SQLITE_STATIC), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(tell), SQLITE_DONE);
    sqlite3_finalize(tell);
    ck_assert_msg(sqlite3_exec(old, more, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", more, sqlite3_errmsg(old));
    sqlite3_close(old);
    batch_buffer_release(&bytes);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static const char SECOND_SCOPE[] = "INSERT INTO scope (name, incarnation, queued, queued_hash) VALUES ('84', 1, 0, zeroblob(32));";

/* Of two scopes the hub's word tells which has the contract. */
START_TEST(test_first_form)
{
    outbox_place *places;
    size_t count;
    write_old(SECOND_SCOPE);
    reopen();
    ck_assert_int_eq(outbox_places(box, &places, &count), OUTBOX_OK);
    ck_assert(count == 1 && strcmp(places[0].scope, "84") == 0 && strcmp(places[0].contract, "63-essai") == 0);
    free(places);
}
END_TEST

/* What cannot be brought to the present form stays wholly what it was. */
START_TEST(test_first_form_damaged)
{
    static const char *const wrong[] = {
        "UPDATE held SET entries = x'00'",
        "UPDATE value SET value = x'9101'",
        "DROP TABLE value",
        "DROP TABLE generation",
        "CREATE TABLE proof (number INTEGER)",
        "CREATE TRIGGER fault BEFORE UPDATE ON generation BEGIN SELECT RAISE(ABORT, 'fault'); END",
    };
    for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
        char sql[512];
        sqlite3 *old;
        sqlite3_stmt *row;
        (void)snprintf(sql, sizeof sql, "%s%s", i % 2 == 0 ? SECOND_SCOPE : "", wrong[i / 2]);
        write_old(sql);
        ck_assert_msg(outbox_open(&box, path, NULL) == OUTBOX_DAMAGED, "%s", sql);
        ck_assert_ptr_null(box);
        ck_assert_int_eq(sqlite3_open(path, &old), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(old, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM"
                                                 " pragma_table_info('scope')), (SELECT count(*) FROM held)", -1, &row, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(row, 0), 1);
        ck_assert_int_eq(sqlite3_column_int(row, 1), 11);
        ck_assert_int_eq(sqlite3_column_int(row, 2), 2);
        sqlite3_finalize(row);
        sqlite3_close(old);
    }
}
END_TEST

START_TEST(test_second_form)
{
    unsigned spoilt;
    queue(&sign, 3);
    keep(1, 3, 1);
    spoil("DROP TABLE proof; PRAGMA user_version = 2");
    ck_assert_int_eq(number_of("PRAGMA user_version"), 3);
    ck_assert_int_eq(number_of("SELECT count(*) FROM proof"), 0);
    ck_assert_uint_eq(scope_now().queued, 1);
    ck_assert_uint_eq(held(&spoilt), 3);
    outbox_close(&box);
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(outbox_open(&box, path, NULL), OUTBOX_DAMAGED); /* it has what only the third has */
    ck_assert_ptr_null(box);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outbox_fault");
    TCase *tests = tcase_create("faults");
    tcase_add_checked_fixture(tests, setup, leave);
    tcase_add_test(tests, test_results);
    tcase_add_test(tests, test_rolled_back);
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_retract);
    tcase_add_test(tests, test_requests);
    tcase_add_test(tests, test_places);
    tcase_add_test(tests, test_erase);
    tcase_add_test(tests, test_notes);
    tcase_add_test(tests, test_first_form);
    tcase_add_test(tests, test_first_form_damaged);
    tcase_add_test(tests, test_second_form);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
