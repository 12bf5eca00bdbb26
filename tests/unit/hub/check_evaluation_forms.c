/* The page and the workbook of an evaluation: what is a part of what, where notes and texts stand, the same bytes for the same form. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "evaluation_html.h"
#include "evaluation_layout.h"
#include "evaluation_xlsx.h"
#include "spreadsheet.h"

enum { ARENA_BYTES = 1 << 24, CELLS = 12 };

static arena *memory;
static catalogue national;
static char *written;
static size_t written_bytes;

static void enter(void)
{
    diag_sink silent = {0};
    const embedded_file *file = embedded_find("indicators.yaml");
    memory = arena_new(ARENA_BYTES);
    ck_assert(catalogue_load(&national, memory, "indicators.yaml", (text_view){(const char *)file->data, file->size}, &silent));
}

static void leave(void)
{
    arena_destroy(&memory);
    free(written);
    written = NULL;
}

/* An action with all of the national list, everything counted as "1". */
static evaluation_action all_cells(const char *code)
{
    evaluation_action action = {.code = text_of(code), .title = text_of("Une <action> & l'autre"), .cell_count = national.count};
    action.cells = arena_take(memory, sizeof *action.cells * (national.count + CELLS));
    for (unsigned i = 0; i < national.count; i++) {
        const catalogue_indicator *from = &national.items[i];
        action.cells[i] = (evaluation_cell){.code = from->code, .label = from->label, .unit = from->unit, .value = text_of("1"),
                                            .selected = true, .is_text = from->kind >= CATALOGUE_LISTE};
    }
    return action;
}

static evaluation_cell *find(evaluation_action *action, const char *code)
{
    for (unsigned i = 0; i < action->cell_count; i++)
        if (text_is(action->cells[i].code, code))
            return &action->cells[i];
    ck_abort_msg("%s", code);
    return NULL;
}

static evaluation_table table_of(evaluation_action *actions, unsigned count)
{
    return (evaluation_table){
        .contract = text_of("63-essai"), .title = text_of("Contrat </title><script>1</script>"), .department = text_of("63"),
        .first_day = civil_from(2023, 11, 30), .last_day = civil_from(2024, 11, 29),
        .from = civil_month_of(civil_from(2023, 11, 1)), .to = civil_month_of(civil_from(2024, 8, 1)),
        .position = 7, .last_position = 9, .moment_s = 1717243200, .moment_day = civil_from(2024, 6, 1), .version = 1,
        .action_count = count, .actions = actions,
    };
}

static const char *page_of(const evaluation_form *form)
{
    free(written);
    FILE *to = open_memstream(&written, &written_bytes);
    evaluation_html(form, to);
    fclose(to);
    return written;
}

static bool workbook_of(const evaluation_form *form)
{
    free(written);
    FILE *to = open_memstream(&written, &written_bytes);
    bool good = evaluation_xlsx(form, "/tmp", to);
    fclose(to);
    return good;
}

START_TEST(parts_are_known_by_what_they_count)
{
    static const struct { const char *code, *parent; unsigned depth; } right[] = {
        {"1.1.total", NULL, 0}, {"1.1.hommes", "1.1.total", 1}, {"1.1.femmes", "1.1.total", 1}, {"1.1.moins_25", "1.1.total", 1},
        {"1.1.bpi", "1.1.total", 1}, {"1.1.bpi_hommes", "1.1.bpi", 2}, {"1.1.bpi_femmes", "1.1.bpi", 2}, {"1.1.bpi_moins_25", "1.1.bpi", 2},
        {"1.2.acteurs", NULL, 0}, {"1.2.heures", NULL, 0}, {"2.cout_total", NULL, 0}, {"2.cout_p104", "2.cout_total", 1},
        {"3.1.heures", NULL, 0}, {"3.1.assidus", NULL, 0}, {"3.2.sorties_positives", NULL, 0}, {"3.2.formation", "3.2.sorties_positives", 1},
        {"3.2.emploi_durable", "3.2.sorties_positives", 1}, {"3.2.positives_6_mois", NULL, 1}, {"3.2.suivis_6_mois", NULL, 0},
        {"3.3.heures", NULL, 0}, {"3.3.thematiques", NULL, 0}, {"3.6.heures", NULL, 0}, {"3.8.culture", NULL, 0},
    };
    evaluation_action action = all_cells("axe1");
    evaluation_table table = table_of(&action, 1);
    evaluation_layout(&table, &national, NULL);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        const evaluation_cell *cell = find(&action, right[i].code);
        ck_assert_msg(cell->depth == right[i].depth, "%s: %u", right[i].code, cell->depth);
        if (right[i].parent)
            ck_assert_msg(cell->parent > 0 && text_is(action.cells[cell->parent - 1].code, right[i].parent), "%s", right[i].code);
        else
            ck_assert_msg(cell->parent == 0, "%s", right[i].code);
    }
    /* Only what is there can be a parent: the contract's choice alone (--selected). */
    evaluation_action few = {.code = text_of("axe1"), .cell_count = 2, .cells = action.cells + 4};
    table.actions = &few;
    evaluation_layout(&table, &national, NULL);
    ck_assert_uint_eq(few.cells[0].parent, 0);
    ck_assert_uint_eq(few.cells[1].parent, 1);
}
END_TEST

START_TEST(headings)
{
    ck_assert(text_is(evaluation_heading(text_of("3.1.heures")), "3.1"));
    ck_assert(text_is(evaluation_heading(text_of("2.cout_total")), "2"));
    ck_assert(text_is(evaluation_heading(text_of("L.assiduite")), "L"));
    ck_assert_uint_eq(evaluation_heading(text_of("assiduite")).size, 0);
    ck_assert_uint_eq(evaluation_heading(text_of("UN.TRES.LONG.x")).size, 0);
    ck_assert_str_eq(evaluation_heading_title(text_of("3.4")), "Accès au logement");
    ck_assert_str_eq(evaluation_heading_title(text_of("L")), "Indicateurs propres au contrat");
}
END_TEST

START_TEST(nothing_from_outside_is_markup)
{
    evaluation_action actions[2] = {all_cells("axe1"), all_cells("contrat")};
    evaluation_cell *told = find(&actions[0], "1.2.outils");
    told->value = text_of("cias : </td><img src=x onerror=alert(1)> & co\x1b[0m\n\n=1+1");
    find(&actions[0], "3.7.binomes")->label = text_of("<b>Binômes</b>");
    find(&actions[0], "3.7.binomes")->unit = text_of("<i>s");
    evaluation_table table = table_of(actions, 2);
    evaluation_layout(&table, &national, NULL);
    evaluation_form form = {.table = &table, .department = text_of("Puy-de-Dôme")};
    const char *said = page_of(&form);
    ck_assert_ptr_null(strstr(said, "<script"));
    ck_assert_ptr_null(strstr(said, "<img"));
    ck_assert_ptr_null(strstr(said, "<b>"));
    ck_assert_ptr_null(strstr(said, "<i>"));
    ck_assert_ptr_null(strchr(said, '\x1b'));
    ck_assert_ptr_nonnull(strstr(said, "&lt;/td&gt;&lt;img src=x"));
    ck_assert_ptr_nonnull(strstr(said, "<p>=1+1</p>"));
    ck_assert_ptr_nonnull(strstr(said, "au 1er juin 2024, position 7 du registre"));
    ck_assert_ptr_null(strstr(said, "9 du registre")); /* what came later is not part of what was */
}
END_TEST

START_TEST(states_are_said)
{
    evaluation_action actions[2] = {all_cells("axe1"), all_cells("contrat")};
    evaluation_cell *binomes = find(&actions[0], "3.7.binomes"), *sport = find(&actions[0], "3.8.sport");
    binomes->state = sport->state = EVALUATION_NOT_COLLECTED;
    sport->selected = false;
    find(&actions[0], "3.2.suivis_6_mois")->state = EVALUATION_NOT_DONE;
    find(&actions[0], "3.2.duree_moyenne_mois")->value = text_of(NULL);
    evaluation_table table = table_of(actions, 2);
    table.erased = 2;
    evaluation_layout(&table, &national, NULL);
    evaluation_form form = {.table = &table};
    const char *said = page_of(&form);
    ck_assert_ptr_nonnull(strstr(said, ">non collecté<"));
    ck_assert_ptr_nonnull(strstr(said, ">non fait<"));
    ck_assert_ptr_nonnull(strstr(said, "sans valeur"));
    ck_assert_ptr_nonnull(strstr(said, "Rien n’a été collecté</strong> pour ces indicateurs de la liste, que le contrat n’a pas retenus ici : "
                                       "Événements sportifs auxquels des bénéficiaires ont participé.</p>"));
    ck_assert_ptr_nonnull(strstr(said, "2 enregistrements de plus comptaient"));
}
END_TEST

START_TEST(notes_stand_where_they_belong)
{
    report_notes notes;
    discrepancy_row rows[] = {
        {.kind = DISCREPANCY_SEX, .matter = 1, .action = text_of("axe1"), .operator_name = text_of("fit"), .finding = text_of("X.")},
        {.kind = DISCREPANCY_SEX, .matter = 1, .action = text_of("axe1"), .operator_name = text_of("cias"), .finding = text_of("X.")},
        {.kind = DISCREPANCY_SEX, .matter = 2, .action = text_of("axe2"), .operator_name = text_of("fit"), .finding = text_of("X.")},
        {.kind = DISCREPANCY_SEX, .matter = 3, .action = text_of("axe1"), .operator_name = text_of("fit"), .finding = text_of("X.")},
        {.kind = DISCREPANCY_LATE, .matter = 4, .action = text_of("axe1"), .operator_name = text_of("fit"), .finding = text_of("N’a rien.")},
        {.kind = DISCREPANCY_ADDRESS, .matter = 5, .action = text_of("axe2"), .finding = text_of("Pas d’adresse.")},
    };
    static const struct { report_note_kind kind; const char *action, *text; } right[] = {
        {REPORT_NOTE_SETTLE, "axe1", "Sexe déclaré différemment dans une action\u00A0: 2 (fit, cias)."},
        {REPORT_NOTE_SETTLE, "axe2", "Sexe déclaré différemment dans une action\u00A0: 1 (fit)."},
        {REPORT_NOTE_LATE, "axe1", "fit\u00A0: N’a rien."},
        {REPORT_NOTE_KNOW, "axe2", "Pas d’adresse."},
    };
    discrepancy_table open = {.count = sizeof rows / sizeof *rows, .rows = rows};
    report_notes_init(&notes, memory);
    ck_assert(report_notes_discrepancies(&notes, &open));
    ck_assert_uint_eq(notes.notes.count, 4);
    for (size_t i = 0; i < 4; i++) {
        size_t at = 0;
        const report_note *note = report_notes_next(&notes, right[i].kind, text_of(right[i].action), &at);
        ck_assert_ptr_nonnull(note);
        ck_assert(text_is(note->text, right[i].text));
        ck_assert_ptr_null(report_notes_next(&notes, right[i].kind, text_of(right[i].action), &at));
    }
    ck_assert_uint_eq(report_notes_count(&notes, REPORT_NOTE_SETTLE), 2);
    ck_assert(report_notes_add(&notes, REPORT_NOTE_KNOW, text_of(""), "Du %s.", "contrat"));
    evaluation_action actions[2] = {all_cells("axe1"), all_cells("contrat")};
    evaluation_table table = table_of(actions, 2);
    evaluation_form form = {.table = &table, .notes = &notes, .open = &open};
    const char *said = page_of(&form), *late = strstr(said, "fit\u00A0: N’a rien.");
    ck_assert_ptr_nonnull(late);
    ck_assert_ptr_nonnull(strstr(said, "Transmissions à compléter"));
    ck_assert(strstr(said, "Du contrat.") < late);
    ck_assert_ptr_null(strstr(said, "Pas d’adresse.")); /* of an action that is not in this page */
    ck_assert(workbook_of(&form));
}
END_TEST

START_TEST(the_same_form_is_the_same_bytes)
{
    evaluation_action actions[2] = {all_cells("Axe-[1]:*?/\\"), all_cells("contrat")};
    char *first, text[40000];
    size_t first_bytes;
    memset(text, 'e', sizeof text);
    for (size_t i = 50; i < sizeof text; i += 50)
        text[i] = i % 500 == 0 ? '\n' : ' ';
    find(&actions[0], "1.2.outils")->value = (text_view){text, sizeof text};
    find(&actions[0], "2.cout_total")->value = text_of("12345678901234567890.5"); /* more digits than a spreadsheet keeps */
    evaluation_table table = table_of(actions, 2);
    evaluation_form form = {.table = &table};
    ck_assert(workbook_of(&form));
    ck_assert_uint_gt(written_bytes, 4000);
    ck_assert_mem_eq(written, "PK\x03\x04", 4);
    first = written;
    first_bytes = written_bytes;
    written = NULL;
    ck_assert(workbook_of(&form));
    ck_assert_uint_eq(written_bytes, first_bytes);
    ck_assert_mem_eq(written, first, first_bytes);
    table.moment_s += 86400;
    ck_assert(workbook_of(&form));
    ck_assert(written_bytes != first_bytes || memcmp(written, first, first_bytes) != 0);
    free(first);
}
END_TEST

START_TEST(rows_take_what_they_show)
{
    char text[9000];
    memset(text, 'a', sizeof text);
    for (size_t i = 9; i < sizeof text; i += 10)
        text[i] = ' ';
    text_view rest = {text, sizeof text};
    unsigned parts = 0;
    while (rest.size > 0) {
        text_view part = spreadsheet_fit(rest, 100);
        ck_assert_uint_gt(part.size, 0);
        ck_assert_uint_lt(part.size, 2800);
        if (part.size < rest.size)
            ck_assert_int_eq(rest.at[part.size], ' ');
        rest = text_trim((text_view){rest.at + part.size, rest.size - part.size});
        parts++;
    }
    ck_assert_uint_ge(parts, 4);
    ck_assert_uint_eq(spreadsheet_fit(text_of("court"), 100).size, 5);
    ck_assert_uint_eq(spreadsheet_fit(text_of(""), 100).size, 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_said)
{
    spreadsheet *book = spreadsheet_new("/nowhere/at/all", text_of("Titre"), text_of("Sujet"), 0);
    static const double widths[] = {10};
    ck_assert_ptr_nonnull(book);
    spreadsheet_sheet(book, text_of("Une"), widths, 1, text_of("63"));
    spreadsheet_sheet(book, text_of("UNE"), widths, 1, text_of("63"));
    spreadsheet_next_row(book);
    spreadsheet_text(book, 0, text_of("=1+1"), SPREADSHEET_PROSE);
    FILE *to = open_memstream(&written, &written_bytes);
    bool good = spreadsheet_finish(book, to); /* the library may find another folder: then it is whole */
    fclose(to);
    ck_assert(good ? written_bytes > 1000 : written_bytes == 0);
    spreadsheet_destroy(&book);
    ck_assert_ptr_null(book);
    spreadsheet_destroy(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evaluation_forms");
    TCase *cases = tcase_create("forms");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, parts_are_known_by_what_they_count);
    tcase_add_test(cases, headings);
    tcase_add_test(cases, nothing_from_outside_is_markup);
    tcase_add_test(cases, states_are_said);
    tcase_add_test(cases, notes_stand_where_they_belong);
    tcase_add_test(cases, the_same_form_is_the_same_bytes);
    tcase_add_test(cases, rows_take_what_they_show);
    tcase_add_test(cases, a_folder_that_is_not_there_is_said);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
