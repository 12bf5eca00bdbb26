/*
 * nth_renew: an outbox that is opened in its first form, takes a new incarnation, and compares what is held with the hub,
 * with each allocation and SQLite call failing in turn.
 */
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nth.h"
#include "nth_sqlite.h"
#include "outbox_bench.h"
#include "outbox_old_form.h"

static const nth_kind everything[] = {NTH_MEMORY, NTH_ARENA, NTH_FILE, NTH_SQLITE, NTH_SQLITE_MEMORY, NTH_DISK,
                                      NTH_DISK_FOR_GOOD, NTH_KIND_COUNT};

/* Opening takes SQLite thousands of small allocations, which nth_agent goes through. */
static const nth_kind of_opening[] = {NTH_MEMORY, NTH_ARENA, NTH_FILE, NTH_SQLITE, NTH_DISK, NTH_DISK_FOR_GOOD, NTH_KIND_COUNT};

static char kept_path[112];
static crypto_sign_pair sign;

/* As the bench does, but in memory where there is such a place. */
static void enter_memory(void)
{
    (void)snprintf(folder, sizeof folder, "%s/nth_renew.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/etat.sqlite", folder);
    nth_rewind();
    box = NULL;
    reopen();
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    ck_assert(in != NULL && out != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    ck_assert(size < sizeof bytes && fwrite(bytes, 1, size, out) == size);
    ck_assert_int_eq(chmod(to, 0600), 0);
    ck_assert(fclose(in) == 0 && fclose(out) == 0);
}

static void take_kept(void)
{
    char journal[112];
    (void)snprintf(journal, sizeof journal, "%s-journal", path);
    (void)unlink(path);
    (void)unlink(journal);
    copy_file(kept_path, path);
}

/* What stands now is what each run begins with. */
static void keep_file(void)
{
    outbox_close(&box);
    (void)snprintf(kept_path, sizeof kept_path, "%s/kept", folder);
    copy_file(path, kept_path);
}

static void box_state(batch_buffer *to)
{
    nth_sqlite_dump(path, to);
}

static bool fits(nth_kind kind, int error)
{
    if (kind == NTH_MEMORY || kind == NTH_ARENA || kind == NTH_SQLITE_MEMORY)
        return error == OUTBOX_NO_MEMORY;
    return error == OUTBOX_NO_MEMORY || error == OUTBOX_CANNOT_OPEN || error == OUTBOX_CANNOT_WRITE;
}

/* The first form. */

static int run_open(void)
{
    outbox *opened;
    outbox_error error = outbox_open(&opened, path, NULL);
    outbox_close(&opened);
    return (int)error;
}

START_TEST(test_old_form)
{
    static const nth_case what = {"old form", take_kept, run_open, fits, box_state, NULL, false};
    sqlite3 *db;
    outbox_close(&box);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, OLD_FORM, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    keep_file();
    nth_drive(&what, of_opening);
}
END_TEST

/* Batches, what is held by them, contracts and a coverage. */
static void fill(unsigned batches, uint64_t acknowledged)
{
    static wire_action action = {{"axe1", 4}, {"t", 1}, true};
    wire_contract contracts[2] = {{{"63-essai", 8}, {"t", 1}, {"63", 2}, 19723, 20088, 1, &action, 1, {{1, {1}}}},
                                  {{"63-autre", 8}, {"t", 1}, {"63", 2}, 19723, 20088, 1, &action, 1, {{1, {1}}}}};
    outbox_keep *writer;
    outbox_tally tally = {0};
    crypto_sign_new(&sign);
    for (unsigned i = 0; i < batches; i++)
        queue(&sign, 4);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    for (unsigned c = 0; c < 2; c++) {
        ck_assert_int_eq(outbox_keep_open(box, text_of("63"), contracts[c].id, &writer), OUTBOX_OK);
        for (unsigned i = 1; i <= 1200; i++) {
            difference_entry entry = {.key = {(uint8_t)(i >> 4), (uint8_t)i, (uint8_t)c}, .content = {1}, .incarnation = 1, .sequence = 1 + i % batches};
            outbox_keep_add(writer, &entry);
        }
        ck_assert_int_eq(outbox_keep_finish(&writer), OUTBOX_OK);
    }
    ck_assert_int_eq(outbox_set_contracts(box, contracts, 2), OUTBOX_OK);
    ck_assert_int_eq(outbox_set(box, OUTBOX_COVERAGE, text_of("63-essai"), text_of("complete")), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    static const wire_record_refusal refusals[] = {{1, 0, RECORD_BAD_MONTH}, {1, 2, RECORD_NO_RIGHT}};
    acknowledge(acknowledged, 1, refusals, 2, &tally);
}

static wire_position place(uint64_t incarnation, uint64_t sequence)
{
    wire_position at = {.scope = text_of("63"), .incarnation = incarnation, .sequence = sequence};
    memset(at.hash, 7, sizeof at.hash);
    return at;
}

/* The request and the grant, with a part of the old chain on both sides. */
static int run_adopt(void)
{
    outbox *opened;
    outbox_scope to;
    uint8_t request[WIRE_REQUEST], hashes[2][CRYPTO_HASH];
    uint64_t wanted = 2;
    wire_position seen = place(1, 9);
    outbox_error error = outbox_open(&opened, path, NULL);
    if (error == OUTBOX_OK)
        error = outbox_scope_load(opened, text_of("63"), &to);
    if (error == OUTBOX_OK && to.incarnation == 2) { /* the run before got so far */
        outbox_close(&opened);
        return OUTBOX_OK;
    }
    if (error == OUTBOX_OK)
        error = outbox_begin(opened);
    if (error == OUTBOX_OK) {
        (void)outbox_request(opened, &seen, false, &wanted, request);
        error = outbox_commit(opened);
    }
    if (error == OUTBOX_OK && (error = outbox_header_hash(opened, "63", 3, hashes[0])) == OUTBOX_OK)
        error = outbox_begin(opened);
    if (error == OUTBOX_OK) {
        outbox_grant grant = {.request = request, .at = place(2, 9), .hash_count = 2, .hashes = (const uint8_t (*)[CRYPTO_HASH])hashes};
        memset(hashes[1], 9, CRYPTO_HASH);
        (void)outbox_adopt(opened, &sign, &grant, 1700000000, &to);
        error = outbox_commit(opened);
    }
    outbox_close(&opened);
    return (int)error;
}

START_TEST(test_adopt)
{
    static const nth_case what = {"adopt", take_kept, run_adopt, fits, box_state, NULL, true};
    fill(4, 2);
    keep_file();
    nth_drive(&what, everything);
}
END_TEST

static void count_note(void *data, const outbox_note *note)
{
    *(unsigned *)data += note->kind != OUTBOX_NOTE_NONE;
}

/* Digests, two lists of a bucket, the end of the comparison, and the notes. */
static int run_compare(void)
{
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    wire_held records[] = {{{1, 17, 0}, text_of("63-essai"), 1, 2}, {{1, 18, 1}, text_of("63-autre"), 1, 1}, {{1, 200}, text_of("63-essai"), 1, 9}};
    uint8_t differs[WIRE_BUCKETS / 8];
    unsigned notes = 0;
    outbox *opened;
    outbox_error error = outbox_open(&opened, path, NULL);
    if (error == OUTBOX_OK)
        error = outbox_compare(opened, text_of("63"), 2, 9, digests, differs);
    for (unsigned part = 0; part < 2 && error == OUTBOX_OK; part++) {
        outbox_listing listing = {.scope = text_of("63"), .incarnation = 2, .sequence = 9, .bucket = 1, .after = part == 0 ? NULL : records[1].key,
                                  .more = part == 0, .record_count = part == 0 ? 2 : 1, .records = part == 0 ? records : &records[2]};
        error = outbox_begin(opened);
        if (error == OUTBOX_OK) {
            (void)outbox_reconcile(opened, &listing);
            error = outbox_commit(opened);
        }
    }
    if (error == OUTBOX_OK)
        error = outbox_begin(opened);
    if (error == OUTBOX_OK) {
        (void)outbox_resynced(opened, text_of("63"));
        error = outbox_commit(opened);
    }
    if (error == OUTBOX_OK)
        error = outbox_notes(opened, count_note, &notes);
    if (error == OUTBOX_OK)
        error = outbox_begin(opened);
    if (error == OUTBOX_OK) {
        (void)outbox_note_answered(opened, text_of("63"), text_of("63-essai"));
        error = outbox_commit(opened);
    }
    outbox_close(&opened);
    return (int)error;
}

START_TEST(test_compare)
{
    static const nth_case what = {"compare", take_kept, run_compare, fits, box_state, NULL, true};
    fill(1, 1);
    uint8_t request[WIRE_REQUEST];
    uint64_t wanted = 2;
    outbox_scope to;
    wire_position seen = place(1, 9);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_request(box, &seen, false, &wanted, request), OUTBOX_OK);
    outbox_grant grant = {.request = request, .at = place(2, 9)};
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 1700000000, &to), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert(to.queued == 9 && to.acknowledged == 9 && to.resync);
    keep_file();
    nth_drive(&what, everything);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    nth_start();
    nth_sqlite_start();
    Suite *suite = suite_create("nth_renew");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter_memory, leave);
    tcase_set_timeout(all, 600);
    tcase_add_test(all, test_old_form);
    tcase_add_test(all, test_adopt);
    tcase_add_test(all, test_compare);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nth_tell();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
