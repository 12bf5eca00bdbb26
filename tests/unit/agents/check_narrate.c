/* Texts in the outbox beside exports, the people by whom they are refused, the files of the last push, and the way back from a key. */
#include "enqueue.h"
#include "explain.h"
#include "forget.h"
#include "lastfiles.h"
#include "namebook.h"
#include "narrate.h"
#include "office.h"
#include "outbox_bench.h"
#include "recordkey.h"

#define ZOHRA "P1;1234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;01/02/2023;M1\n"
#define KARIM "P2;2234567890;Belkacem;Karim;04/05/1980;H;AFG;refugie;01/02/2023;M1\n"
#define FACTS "e1;15/01/2024;axe1;entree;P1;10;;\ne2;16/01/2024;axe2;consultation_medicale;P1;2;;\ne3;15/01/2024;axe1;entree;P2;10;;\n"

static office *at;
static agent_home_secrets secrets;
static agent_home agent = {.name = "essai", .secrets = &secrets};
static arena *memory;
static narrate_cell cell;

static void open_all(void)
{
    enter();
    at = office_new();
    memory = arena_new((size_t)16 << 20);
    crypto_sign_new(&secrets.sign);
    memcpy(secrets.record_key, at->record_key, CRYPTO_KEY);
    cell = (narrate_cell){.terms = &at->terms[0], .action = text_of("axe1"), .indicator = text_of("1.2.outils")};
}

static void close_all(void)
{
    arena_destroy(&memory);
    office_free(at);
    leave();
}

static enqueue_result push(const char *p_rows, const char *e_rows, bool partial)
{
    char first[2048], second[2048];
    enqueue_result queued;
    export_contribution *earlier;
    snprintf(first, sizeof first, OFFICE_PERSONS "%s", p_rows);
    snprintf(second, sizeof second, OFFICE_EVENTS "%s", e_rows);
    ck_assert_int_eq(trail_facts(box, TRAIL_CONTRIBUTIONS, text_of("c1"), &earlier, &at->contracts[0].earlier_count), OUTBOX_OK);
    at->contracts[0].earlier = earlier;
    at->partial = partial;
    ck_assert_int_eq(office_make(at, first, second), EXPORT_OK);
    ck_assert_int_eq(enqueue(box, &agent, &at->made, true, &queued), ENQUEUE_OK);
    free(earlier);
    return queued;
}

static narrate_result put(const char *text)
{
    narrate_result done;
    ck_assert_int_eq(narrate_put(box, &agent, &cell, text_of(text), &done), OUTBOX_OK);
    ck_assert(recordkey_is_narrative(done.key));
    return done;
}

static uint64_t last(void)
{
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    return scope.queued;
}

/* The last batch holds that record alone. */
static void check_last(record_operation operation, const char *text)
{
    batch_buffer bytes;
    wire_message message;
    record what;
    record_reason reason;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    ck_assert_int_eq(outbox_message(box, "63", last(), &bytes), OUTBOX_OK);
    ck_assert(wire_read(&message, memory, (text_view){(const char *)bytes.data, bytes.size}));
    ck_assert_uint_eq(message.batch.body_count, 1);
    ck_assert(batch_read_body(&what, message.batch.bodies[0], &reason));
    ck_assert_int_eq(what.operation, operation);
    if (operation == RECORD_PUT) {
        ck_assert_int_eq(record_check(&what), RECORD_OK);
        ck_assert(text_is(what.text, text) && text_is(what.code, "1.2.outils") && text_is(what.action, "axe1"));
    }
    batch_buffer_release(&bytes);
}

START_TEST(a_text_is_queued_once)
{
    narrate_result done = put("Un livret."); /* before any push of the contract */
    ck_assert(done.queued && !done.was_held);
    check_last(RECORD_PUT, "Un livret.");
    done = put("Un livret.");
    ck_assert(!done.queued && done.was_held && last() == 1);
    reopen();
    done = put("Un autre.");
    ck_assert(done.queued && done.was_held && last() == 2);
    check_last(RECORD_PUT, "Un autre.");
    ck_assert_int_eq(narrate_withdraw(box, &agent, &cell, &done), OUTBOX_OK);
    ck_assert(done.was_held);
    check_last(RECORD_WITHDRAW, NULL);
    ck_assert_int_eq(narrate_withdraw(box, &agent, &cell, &done), OUTBOX_OK);
    ck_assert(!done.was_held && last() == 4);
    ck_assert(put("Un autre.").queued);
}
END_TEST

START_TEST(exports_leave_texts_alone)
{
    ck_assert_uint_eq(push(ZOHRA KARIM, FACTS, false).added, 6);
    ck_assert(put("Un livret.").queued);
    enqueue_result queued = push(ZOHRA KARIM, FACTS, false);
    ck_assert_uint_eq(queued.added + queued.changed + queued.withdrawn, 0);
    queued = push(ZOHRA KARIM, "", false);
    ck_assert_uint_eq(queued.withdrawn, 6);
    ck_assert(!put("Un livret.").queued);
    /* One that the hub has listed, and of which no more is known here, is a text all the same. */
    uint8_t key[RECORD_KEY];
    recordkey_narrative(key, text_of("c1"), text_of("axe2"), text_of("L.autre"));
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_held_put(box, text_of("63"), text_of("c1"), &(difference_entry){.key = {1}}), OUTBOX_OK);
    difference_entry listed = {.incarnation = 1, .sequence = 1};
    memcpy(listed.key, key, RECORD_KEY);
    ck_assert_int_eq(outbox_held_put(box, text_of("63"), text_of("c1"), &listed), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_uint_eq(push(ZOHRA KARIM, "", false).withdrawn, 1);
    ck_assert_int_eq(outbox_held_find(box, text_of("c1"), key, &listed), OUTBOX_OK);
    /* Nor does an erasure take any. */
    forget_result gone;
    ck_assert_int_eq(forget_person(box, &agent, text_of("P1"), false, &gone), OUTBOX_OK);
    ck_assert(!put("Un livret.").queued);
}
END_TEST

START_TEST(a_first_text_that_was_refused_leaves_nothing)
{
    static const uint8_t signature[CRYPTO_SIGNATURE];
    outbox_tally tally = {0};
    record_reason reason;
    difference_entry held;
    narrate_result done = put("Un livret.");
    ck_assert_int_eq(narrate_refused(box, &cell, &done, &reason), OUTBOX_OK);
    ck_assert_int_eq(reason, RECORD_OK);
    wire_record_refusal refusal = {1, 0, RECORD_BAD_CODE};
    outbox_receipt receipt = {.scope = "63", .sequence = 1, .stable = 1, .ledger_position = 1, .receipt = text_of("r"),
                              .signature = signature, .refusal_count = 1, .refusals = &refusal};
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_acknowledge(box, &receipt, &tally), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_int_eq(narrate_refused(box, &cell, &done, &reason), OUTBOX_OK);
    ck_assert_int_eq(reason, RECORD_BAD_CODE);
    ck_assert_int_eq(outbox_held_find(box, text_of("c1"), done.key, &held), OUTBOX_ABSENT);
    ck_assert_int_eq(narrate_refused(box, &cell, &done, &reason), OUTBOX_OK);
    ck_assert_int_eq(reason, RECORD_OK);
}
END_TEST

static bool names(const char *text)
{
    privacy_list list;
    size_t found = 0;
    diag_sink silent = {.emit = NULL};
    ck_assert_int_eq(namebook_load(box, text_of("c1"), memory, &list), OUTBOX_OK);
    ck_assert(privacy_scan(&found, memory, &list, 1, secrets.record_key, "t", text_of(text), &silent));
    return found > 0;
}

START_TEST(the_people_of_the_last_push_are_known)
{
    privacy_list list;
    forget_result gone;
    ck_assert_int_eq(namebook_load(box, text_of("c1"), memory, &list), OUTBOX_ABSENT);
    (void)push(ZOHRA, FACTS, false);
    ck_assert(names("Zohra") && names("12 34 56 78 90") && names("12 mars 1999") && !names("Karim"));
    (void)push(KARIM, "", true);
    ck_assert(names("Zohra") && names("Karim"));
    reopen();
    ck_assert_int_eq(forget_person(box, &agent, text_of("P1"), false, &gone), OUTBOX_OK);
    ck_assert(!names("Zohra") && names("Karim"));
    (void)push(ZOHRA KARIM, FACTS, false);
    ck_assert(names("Zohra") && names("Karim"));
    (void)push(KARIM, "", false);
    ck_assert(!names("Zohra") && names("Karim"));
    (void)push("", "", false);
    ck_assert_int_eq(namebook_load(box, text_of("c1"), memory, &list), OUTBOX_OK);
    ck_assert_uint_eq(list.count, 0);
    spoil("UPDATE value SET value = x'00' WHERE name = 'noms'");
    ck_assert_int_eq(namebook_load(box, text_of("c1"), memory, &list), OUTBOX_DAMAGED);
}
END_TEST

START_TEST(the_last_files_are_remembered)
{
    lastfiles files, again;
    char long_name[PATH_MAX + 1];
    memset(&files, 0, sizeof files);
    memset(long_name, 'a', PATH_MAX);
    long_name[PATH_MAX] = '\0';
    ck_assert(!lastfiles_path(files.persons, "/a", "-") && !lastfiles_path(files.persons, "/a", long_name));
    ck_assert(lastfiles_path(files.persons, "/", "p.csv") && strcmp(files.persons, "/p.csv") == 0);
    ck_assert(lastfiles_path(files.events, "/a", "b/e.csv") && strcmp(files.events, "/a/b/e.csv") == 0);
    lastfiles_hash(files.persons_hash, secrets.record_key, text_of("x"));
    ck_assert_int_eq(lastfiles_load(box, text_of("c1"), &again), OUTBOX_ABSENT);
    ck_assert_int_eq(lastfiles_keep(box, text_of("c1"), &files), OUTBOX_OK);
    ck_assert_int_eq(lastfiles_keep(box, text_of("c1"), &files), OUTBOX_OK);
    ck_assert_int_eq(lastfiles_load(box, text_of("c1"), &again), OUTBOX_OK);
    ck_assert_str_eq(again.persons, files.persons);
    ck_assert_mem_eq(again.persons_hash, files.persons_hash, CRYPTO_SHORT_HASH);
    ck_assert_int_eq(lastfiles_move(box, text_of("c1"), &files, "/n/p.csv", "/n/e.csv"), OUTBOX_OK);
    ck_assert_int_eq(lastfiles_load(box, text_of("c1"), &again), OUTBOX_OK);
    ck_assert_str_eq(again.events, "/n/e.csv");
    ck_assert_int_eq(lastfiles_move(box, text_of("c1"), &files, "/o/p.csv", "/o/e.csv"), OUTBOX_OK);
    ck_assert_int_eq(lastfiles_load(box, text_of("c1"), &again), OUTBOX_OK);
    ck_assert_str_eq(again.events, "/n/e.csv"); /* they were others */
    spoil("UPDATE value SET value = x'2F' WHERE name = 'fichiers'");
    ck_assert_int_eq(lastfiles_load(box, text_of("c1"), &again), OUTBOX_DAMAGED);
}
END_TEST

static explain_answer explain(const uint8_t key[RECORD_KEY])
{
    explain_answer what;
    ck_assert_int_eq(explain_key(&what, memory, &at->made, secrets.record_key, key), EXPLAIN_FOUND);
    return what;
}

START_TEST(keys_lead_back_to_rows)
{
    uint8_t key[RECORD_KEY] = {1}, subject[RECORD_KEY];
    explain_answer what;
    (void)push(ZOHRA KARIM, FACTS "e4;17/01/2024;axe1;logement_perenne;P1;;;\ne5;01/01/2020;axe1;logement_perenne;P2;;;\n"
               "e6;01/02/2024;axe1;entree;P9;1;;\n", false);
    ck_assert_uint_eq(explain_key(&what, memory, &at->made, secrets.record_key, key), EXPLAIN_UNKNOWN);
    recordkey_event(key, secrets.record_key, text_of("c1"), text_of("e2"));
    what = explain(key);
    ck_assert(what.counts && what.type == FACT_CONSULTATION_MEDICALE && text_is(what.action, "axe2") && what.line_count == 1);
    ck_assert(what.lines[0] == 3 && text_is(what.who->given_name, "Zohra") && text_is(what.who->family_name, "Aarabi"));
    recordkey_subject(subject, secrets.record_key, text_of("c1"), text_of("axe1"), text_of("P1"));
    recordkey_beneficiary(key, secrets.record_key, subject, civil_month_of(civil_from(2024, 1, 1)));
    what = explain(key);
    ck_assert(what.counts && what.type == FACT_BENEFICIAIRE && what.line_count == 2 && what.lines[0] == 2 && what.lines[1] == 5);
    /* A month in which the person has nothing now; a row that is left out; a row in error. */
    recordkey_beneficiary(key, secrets.record_key, subject, civil_month_of(civil_from(2024, 5, 1)));
    what = explain(key);
    ck_assert(!what.counts && what.month == civil_month_of(civil_from(2024, 5, 1)) && what.line_count == 0 && what.who->line == 2);
    recordkey_event(key, secrets.record_key, text_of("c1"), text_of("e5"));
    what = explain(key);
    ck_assert(!what.counts && what.type == FACT_LOGEMENT_PERENNE && what.lines[0] == 6 && text_is(what.who->id, "P2"));
    recordkey_event(key, secrets.record_key, text_of("c1"), text_of("e6"));
    what = explain(key);
    ck_assert(!what.counts && what.type == FACT_NONE && what.who == NULL && what.lines[0] == 7);
    (void)push("", "", false);
    ck_assert_uint_eq(explain_key(&what, memory, &at->made, secrets.record_key, key), EXPLAIN_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("narrate");
    TCase *tests = tcase_create("narrate");
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_text_is_queued_once);
    tcase_add_test(tests, exports_leave_texts_alone);
    tcase_add_test(tests, a_first_text_that_was_refused_leaves_nothing);
    tcase_add_test(tests, the_people_of_the_last_push_are_known);
    tcase_add_test(tests, the_last_files_are_remembered);
    tcase_add_test(tests, keys_lead_back_to_rows);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
