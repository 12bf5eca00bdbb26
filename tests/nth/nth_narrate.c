/* nth_narrate: a text's way into the outbox and out of it, and where the files of a push were, with each call failing in turn. */
#include "lastfiles.h"
#include "narrate.h"
#include "nth_office.h"
#include "recordkey.h"

/* A text, its replacement and withdrawal; one that the hub refused. */

static narrate_cell cell;
static const char *text;

static int run_narrate(void)
{
    outbox *box;
    narrate_result done;
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = text == NULL ? narrate_withdraw(box, &agent, &cell, &done)
                             : narrate_put(box, &agent, &cell, text_of(text), &done);
    outbox_close(&box);
    return (int)error;
}

static int run_narrate_refused(void)
{
    outbox *box;
    record_reason reason;
    narrate_result done = {.was_held = false};
    recordkey_narrative(done.key, contract.id, cell.action, cell.indicator);
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = narrate_refused(box, &cell, &done, &reason);
    if (error == OUTBOX_OK)
        must(reason == RECORD_BAD_CODE || reason == RECORD_OK); /* OK: it was forgotten, then something failed */
    outbox_close(&box);
    return (int)error;
}

static void begin_narrate(const char *first)
{
    cell = (narrate_cell){.terms = &contract, .action = text_of("axe1"), .indicator = text_of("1.2.outils")};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    text = first;
    if (first != NULL)
        ck_assert_int_eq(run_narrate(), 0);
    copy_file(box_path, kept_path);
}

START_TEST(test_narrate)
{
    static const nth_case what = {"narrate", take_kept, run_narrate, outbox_fits, box_state, NULL, false};
    begin_narrate(NULL);
    text = "Un texte.";
    nth_drive(&what, everything);
    begin_narrate("Un texte.");
    text = "Un autre.";
    nth_drive(&what, everything);
}
END_TEST

/* Not the failures after which the writing may be there: a second time queues a second time. */
START_TEST(test_narrate_withdrawn)
{
    static const nth_kind kinds[] = {NTH_MEMORY, NTH_ARENA, NTH_KIND_COUNT};
    static const nth_case what = {"narrate, withdrawn", take_kept, run_narrate, outbox_fits, box_state, NULL, false};
    begin_narrate("Un texte.");
    text = NULL;
    nth_drive(&what, kinds);
}
END_TEST

START_TEST(test_narrate_refused)
{
    static const nth_case what = {"narrate, refused", take_kept, run_narrate_refused, outbox_fits, box_state, NULL, false};
    static const uint8_t signature[CRYPTO_SIGNATURE];
    static const wire_record_refusal refusals[] = {{2, 0, RECORD_BAD_CODE}};
    outbox *box;
    outbox_tally tally = {0};
    outbox_receipt receipt = {.scope = "63", .sequence = 2, .stable = 2, .ledger_position = 5, .receipt = text_of("receipt"),
                              .signature = signature, .chain = signature, .refusal_count = 1, .refusals = refusals};
    begin_narrate("Un texte.");
    ck_assert_int_eq(outbox_open(&box, box_path, NULL), OUTBOX_OK);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    (void)outbox_acknowledge(box, &receipt, &tally);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    outbox_close(&box);
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

/* Where the files of a push were. */
static int run_remember(void)
{
    outbox *box;
    lastfiles files;
    memset(&files, 0, sizeof files);
    must(lastfiles_path(files.persons, "/a", "p.csv") && lastfiles_path(files.events, "/a", "/b/e.csv"));
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = lastfiles_keep(box, contract.id, &files);
    if (error == OUTBOX_OK)
        error = lastfiles_load(box, contract.id, &files);
    if (error == OUTBOX_OK)
        must(strcmp(files.persons, "/a/p.csv") == 0 && strcmp(files.events, "/b/e.csv") == 0);
    outbox_close(&box);
    return (int)error;
}

START_TEST(test_remember)
{
    static const nth_case what = {"last files", take_kept, run_remember, outbox_fits, box_state, NULL, false};
    begin_narrate(NULL);
    nth_drive(&what, everything);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    nth_start();
    nth_sqlite_start();
    Suite *suite = suite_create("nth_narrate");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, leave);
    tcase_set_timeout(all, 600);
    tcase_add_test(all, test_narrate);
    tcase_add_test(all, test_narrate_withdrawn);
    tcase_add_test(all, test_narrate_refused);
    tcase_add_test(all, test_remember);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nth_tell();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
