/* check_outbox: what is written is there after reopening, wholly or not at all; receipts, refusals, held pages. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outbox_bench.h"

START_TEST(test_open)
{
    struct stat is;
    outbox *second = NULL;
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_uint_eq(is.st_mode & 0777, 0600);
    reopen();
    outbox_close(&box);
    chmod(path, 0640);
    ck_assert_int_eq(outbox_open(&second, path, NULL), OUTBOX_LOOSE);
    ck_assert_ptr_null(second);
    chmod(path, 0600);
    int file = open(path, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(
        write(file, "this is not a database, but long enough to be looked at as one by its first page. ", 80), 80);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(write(file, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 64), 64);
    close(file);
    ck_assert_int_eq(outbox_open(&second, path, NULL), OUTBOX_DAMAGED);
    unlink(path);
    sqlite3 *newer;
    ck_assert_int_eq(sqlite3_open(path, &newer), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(newer, "PRAGMA application_id = 1129595209; PRAGMA user_version = 99; CREATE TABLE t (x)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(newer);
    chmod(path, 0600);
    ck_assert_int_eq(outbox_open(&second, path, NULL), OUTBOX_NEWER);
    ck_assert_int_eq(outbox_open(&second, "/nowhere/at/all", NULL), OUTBOX_CANNOT_OPEN);
}
END_TEST

START_TEST(test_one_process)
{
    outbox *second = NULL;
    /* In one process SQLite itself tells; between two, the file's lock. */
    ck_assert_int_eq(outbox_open(&second, path, NULL), OUTBOX_IN_USE);
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(test_batches)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    uint64_t pending;
    outbox_scope scope;
    queue(&sign, 5);
    queue(&sign, 3);
    reopen();
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.queued, 2);
    ck_assert_uint_eq(scope.records_queued, 8);
    ck_assert_int_eq(outbox_pending(box, &pending), OUTBOX_OK);
    ck_assert_uint_eq(pending, 8);
    batch_buffer message, again;
    uint8_t hash[CRYPTO_HASH];
    arena *memory = arena_new(1 << 24);
    wire_message read;
    batch_header header;
    batch_buffer_init(&message, WIRE_MESSAGE_MAX);
    batch_buffer_init(&again, WIRE_MESSAGE_MAX);
    ck_assert_int_eq(outbox_message(box, "63", 2, &message), OUTBOX_OK);
    ck_assert_int_eq(outbox_message(box, "63", 2, &again), OUTBOX_OK);
    ck_assert_uint_eq(message.size, again.size);
    ck_assert_int_eq(memcmp(message.data, again.data, message.size), 0);
    ck_assert(wire_read(&read, memory, (text_view){(const char *)message.data, message.size}));
    ck_assert_int_eq(read.type, WIRE_BATCH);
    ck_assert_uint_eq(read.batch.body_count, 3);
    ck_assert(batch_verify(read.batch.signature, read.batch.header, sign.public_key));
    ck_assert(batch_read_header(&header, memory, read.batch.header));
    ck_assert_int_eq(outbox_header_hash(box, "63", 1, hash), OUTBOX_OK);
    ck_assert_int_eq(memcmp(hash, header.previous, CRYPTO_HASH), 0);
    ck_assert_int_eq(outbox_message(box, "63", 3, &message), OUTBOX_ABSENT);
    ck_assert_int_eq(outbox_header_hash(box, "64", 1, hash), OUTBOX_ABSENT);
    batch_buffer_release(&message);
    batch_buffer_release(&again);
    arena_destroy(&memory);
}
END_TEST

START_TEST(test_nothing_or_all)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    outbox_scope scope;
    unsigned spoilt;
    queue(&sign, 5);
    keep(0, 10, 1);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    append(&sign, 7);
    outbox_rollback(box);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    append(&sign, 7);
    outbox_spoil(box, OUTBOX_NO_MEMORY);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_NO_MEMORY);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    append(&sign, 7);
    reopen(); /* as after a crash: the transaction is open */
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.queued, 1);
    ck_assert_uint_eq(held(&spoilt), 10);
}
END_TEST

START_TEST(test_receipts)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    outbox_tally tally = {0};
    outbox_scope scope;
    uint8_t hash[CRYPTO_HASH], again[CRYPTO_HASH];
    uint64_t pending;
    batch_buffer message;
    batch_buffer_init(&message, WIRE_MESSAGE_MAX);
    for (int i = 0; i < 4; i++)
        queue(&sign, 10);
    ck_assert_int_eq(outbox_header_hash(box, "63", 1, hash), OUTBOX_OK);
    acknowledge(2, 1, NULL, 0, &tally);
    ck_assert_uint_eq(tally.records, 20);
    acknowledge(2, 1, NULL, 0, &tally); /* the same again */
    acknowledge(1, 0, NULL, 0, &tally); /* the past */
    acknowledge(9, 9, NULL, 0, &tally); /* not of ours */
    ck_assert_uint_eq(tally.records, 20);
    reopen();
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.acknowledged, 2);
    ck_assert_uint_eq(scope.stable, 1);
    ck_assert_uint_eq(scope.ledger_position, 102);
    ck_assert_int_eq(outbox_message(box, "63", 1, &message), OUTBOX_ABSENT);
    ck_assert_int_eq(outbox_header_hash(box, "63", 2, again), OUTBOX_OK);
    /* The next batch tells the hash of one that is forgotten. */
    ck_assert_int_eq(outbox_header_hash(box, "63", 1, again), OUTBOX_OK);
    ck_assert_mem_eq(again, hash, CRYPTO_HASH);
    acknowledge(4, 99, NULL, 0, &tally); /* stable never runs ahead */
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.stable, 4);
    ck_assert_int_eq(outbox_pending(box, &pending), OUTBOX_OK);
    ck_assert_uint_eq(pending, 0);
    ck_assert_uint_eq(tally.records, 40);
    queue(&sign, 1); /* the chain goes on when all before is forgotten */
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.queued, 5);
    batch_buffer_release(&message);
}
END_TEST

static void count_refusal(void *data, const outbox_refusal *refusal)
{
    uint64_t *counts = data;
    ck_assert(text_is(refusal->scope, "63"));
    counts[refusal->reason] += refusal->records;
}

START_TEST(test_refusals)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    outbox_tally tally = {0};
    const wire_record_refusal refusals[] = {
        {1, 2, RECORD_BAD_MONTH}, {1, 4, RECORD_NO_RIGHT}, {7, 0, RECORD_BAD_CODE}, {1, 4000, RECORD_BAD_CODE}};
    uint64_t counts[RECORD_REASON_COUNT] = {0};
    unsigned spoilt;
    keep(0, 3, 65536); /* keys 0, 1, 2 in the first byte */
    queue(&sign, 5);
    acknowledge(1, 1, refusals, 3, &tally);
    ck_assert_uint_eq(tally.refused, 2); /* of a batch that is not acknowledged: not taken */
    ck_assert_uint_eq(tally.records, 5);
    ck_assert_uint_eq(held(&spoilt), 4); /* 2 is spoilt, 4 is added */
    ck_assert_uint_eq(spoilt, 2);
    ck_assert_int_eq(outbox_refusals(box, count_refusal, counts), OUTBOX_OK);
    ck_assert_uint_eq(counts[RECORD_BAD_MONTH], 1);
    ck_assert_uint_eq(counts[RECORD_NO_RIGHT], 1);
    record what = make_record(2);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_forget_refusal(box, text_of("63-essai"), what.key), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    memset(counts, 0, sizeof counts);
    ck_assert_int_eq(outbox_refusals(box, count_refusal, counts), OUTBOX_OK);
    ck_assert_uint_eq(counts[RECORD_BAD_MONTH], 0);
    queue(&sign, 1);
    acknowledge(2, 0, &refusals[3], 1, &tally); /* already told, and no such body */
    ck_assert_uint_eq(held(&spoilt), 4);
}
END_TEST

/* The hub has lost what it had taken, and refuses a record of it when it comes again. */
START_TEST(test_retraction)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    outbox_tally tally = {0};
    const wire_record_refusal refusals[] = {{2, 1, RECORD_NO_RIGHT}, {3, 0, RECORD_NO_RIGHT}};
    uint64_t counts[RECORD_REASON_COUNT] = {0}, pending;
    unsigned spoilt;
    outbox_scope scope;
    keep(0, 3, 65536);
    for (int i = 0; i < 3; i++)
        queue(&sign, 5);
    acknowledge(3, 1, &refusals[1], 1, &tally);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_retract(box, "63", 3, &tally), OUTBOX_OK); /* nothing is lost */
    ck_assert_uint_eq(tally.records, 15);
    ck_assert_int_eq(outbox_retract(box, "63", 1, &tally), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_uint_eq(tally.records, 5);
    reopen();
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.acknowledged, 1);
    ck_assert_uint_eq(scope.stable, 1);
    ck_assert_uint_eq(scope.queued, 3);
    ck_assert_uint_eq(scope.records_acknowledged, 5);
    ck_assert_int_eq(outbox_pending(box, &pending), OUTBOX_OK);
    ck_assert_uint_eq(pending, 10);
    ck_assert_int_eq(outbox_refusals(box, count_refusal, counts), OUTBOX_OK);
    ck_assert_uint_eq(counts[RECORD_NO_RIGHT], 0);
    acknowledge(3, 1, refusals, 2, &tally);
    ck_assert_uint_eq(tally.records, 15);
    ck_assert_int_eq(outbox_refusals(box, count_refusal, counts), OUTBOX_OK);
    ck_assert_uint_eq(counts[RECORD_NO_RIGHT], 2);
    ck_assert_uint_gt(held(&spoilt), 0);
    ck_assert_uint_eq(spoilt, 2);
}
END_TEST

START_TEST(test_held)
{
    unsigned spoilt;
    ck_assert_uint_eq(held(&spoilt), 0);
    keep(1, 3500, 3);
    reopen();
    ck_assert_uint_eq(held(&spoilt), 3500);
    keep(0, 1000, 1);
    ck_assert_uint_eq(held(&spoilt), 1000);
    keep(0, 0, 1);
    ck_assert_uint_eq(held(&spoilt), 0);
}
END_TEST

/* A page that grows beyond its double is split, and the order holds. */
START_TEST(test_held_grows)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    static wire_record_refusal refusals[250];
    outbox_tally tally = {0};
    unsigned spoilt;
    keep(1, 1000, 2);
    for (unsigned i = 0; i < 250; i++)
        refusals[i] = (wire_record_refusal){1, i, RECORD_BAD_MONTH};
    queue(&sign, 250);
    acknowledge(1, 0, refusals, 250, &tally);
    ck_assert_uint_eq(held(&spoilt), 1250);
    ck_assert_uint_eq(spoilt, 250);
}
END_TEST

START_TEST(test_values)
{
    batch_buffer value;
    batch_buffer_init(&value, 1 << 20);
    ck_assert_int_eq(outbox_get(box, "nom", text_of("x"), &value), OUTBOX_ABSENT);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_set(box, "nom", text_of("x"), text_of("un")), OUTBOX_OK);
    ck_assert_int_eq(outbox_set(box, "nom", text_of("x"), text_of("deux")), OUTBOX_OK);
    ck_assert_int_eq(outbox_set(box, "nom", text_of("y"), (text_view){NULL, 0}), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    reopen();
    ck_assert_int_eq(outbox_get(box, "nom", text_of("x"), &value), OUTBOX_OK);
    ck_assert_uint_eq(value.size, 4);
    ck_assert_int_eq(memcmp(value.data, "deux", 4), 0);
    batch_buffer_clear(&value);
    ck_assert_int_eq(outbox_get(box, "nom", text_of("y"), &value), OUTBOX_OK);
    ck_assert_uint_eq(value.size, 0);
    batch_buffer_release(&value);
}
END_TEST

/* What was acknowledged gives its room on the disk back. */
START_TEST(test_shrinks)
{
    enum { MANY = 24 };
    static char bodies[1024 * 1024];
    uint8_t signature[CRYPTO_SIGNATURE] = {0};
    outbox_tally tally = {0};
    struct stat before, after;
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    for (uint64_t sequence = 1; sequence <= MANY; sequence++)
        ck_assert_int_eq(outbox_append(box, text_of("63"), sequence, text_of("header"), signature,
                                       (text_view){bodies, sizeof bodies}, 1),
                         OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert_int_gt(before.st_size, (off_t)MANY * 1024 * 1024);
    acknowledge(MANY, MANY, NULL, 0, &tally);
    reopen();
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_lt(after.st_size, 1024 * 1024);
}
END_TEST

/* A disk that fills at any page: the transaction fails as a whole, and the next one works. */
START_TEST(test_full)
{
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    queue(&sign, 200);
    outbox_close(&box);
    for (long limit = 1024; limit < 200 * 1024; limit += 8192) {
        pid_t child = fork();
        if (child == 0) {
            /* In a process of its own: a file-size limit cannot be taken back. */
            char command[64];
            (void)snprintf(command, sizeof command, "%ld", limit);
            execl("/proc/self/exe", "check_outbox", "--full", path, command, (char *)NULL);
            _exit(99);
        }
        int ended;
        ck_assert_int_eq(waitpid(child, &ended, 0), child);
        ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "limit %ld: %d", limit, ended);
        outbox_scope scope;
        reopen();
        ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
        ck_assert_uint_eq(scope.queued, 1);
        outbox_close(&box);
    }
    reopen();
    queue(&sign, 200);
}
END_TEST

/* The other process of test_full: 0 when the write failed cleanly; then the memory must still be usable. */
static int fill(const char *file, long limit)
{
    struct stat is;
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    if (stat(file, &is) != 0 || outbox_open(&box, file, NULL) != OUTBOX_OK)
        return 1;
    const struct rlimit size = {(rlim_t)(is.st_size + limit), (rlim_t)(is.st_size + limit)};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &size) != 0 || outbox_begin(box) != OUTBOX_OK)
        return 2;
    uint8_t signature[CRYPTO_SIGNATURE] = {0};
    static char bodies[1024 * 1024];
    uint64_t sequence = 2;
    for (int i = 0; i < 24; i++) /* more than SQLite keeps in memory: it fails before the end */
        if (outbox_append(box, text_of("63"), sequence, text_of("header"), signature,
                          (text_view){bodies, sizeof bodies}, 1) == OUTBOX_OK)
            sequence++;
    (void)outbox_set(box, "after", text_of("63"), text_of("a failure"));
    if (outbox_commit(box) != OUTBOX_CANNOT_WRITE)
        return 3;
    outbox_scope scope;
    if (outbox_scope_load(box, text_of("63"), &scope) != OUTBOX_OK || scope.queued != 1)
        return 4;
    batch_buffer value;
    batch_buffer_init(&value, 1024);
    if (outbox_get(box, "after", text_of("63"), &value) != OUTBOX_ABSENT)
        return 5;
    batch_buffer_release(&value);
    outbox_close(&box);
    return 0;
}

int main(int argc, char **argv)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    if (argc == 4 && strcmp(argv[1], "--full") == 0)
        return fill(argv[2], strtol(argv[3], NULL, 10));
    Suite *suite = suite_create("outbox");
    TCase *cases = tcase_create("outbox");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_open);
    tcase_add_test(cases, test_one_process);
    tcase_add_test(cases, test_batches);
    tcase_add_test(cases, test_nothing_or_all);
    tcase_add_test(cases, test_receipts);
    tcase_add_test(cases, test_refusals);
    tcase_add_test(cases, test_retraction);
    tcase_add_test(cases, test_held);
    tcase_add_test(cases, test_held_grows);
    tcase_add_test(cases, test_values);
    tcase_add_test(cases, test_shrinks);
    tcase_add_test(cases, test_full);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
