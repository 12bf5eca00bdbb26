/* The evaluation as an officer reads it and as a spreadsheet does. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "evaluation_table.h"

static char *written;
static size_t written_bytes;

static evaluation_cell cell(const char *code, const char *label, const char *value, const char *unit)
{
    return (evaluation_cell){.code = text_of(code), .label = text_of(label), .value = text_of(value), .unit = text_of(unit),
                             .state = EVALUATION_COUNTED};
}

/* One action and the contract's own line, with the same cells. */
static evaluation_table table(evaluation_cell *cells, unsigned count, evaluation_action actions[2])
{
    actions[0] = (evaluation_action){.code = text_of("axe1"), .title = text_of("Première action"), .cell_count = count, .cells = cells};
    actions[1] = (evaluation_action){.code = text_of("contrat"), .title = text_of("Contrat"), .cell_count = count, .cells = cells};
    return (evaluation_table){
        .contract = text_of("63-essai"), .title = text_of("Contrat d’essai"), .department = text_of("63"),
        .first_day = civil_from(2023, 11, 30), .last_day = civil_from(2024, 11, 29),
        .from = civil_month_of(civil_from(2023, 11, 1)), .to = civil_month_of(civil_from(2024, 8, 1)),
        .position = 7, .last_position = 7, .version = 1, .effective_day = civil_from(2023, 11, 30), .action_count = 2, .actions = actions,
    };
}

static const char *write_csv(evaluation_cell *cells, unsigned count)
{
    evaluation_action actions[2];
    evaluation_table made = table(cells, count, actions);
    free(written);
    FILE *to = open_memstream(&written, &written_bytes);
    evaluation_table_csv(&made, to);
    fclose(to);
    return written;
}

static const char *print(evaluation_cell *cells, unsigned count, unsigned width, uint64_t position)
{
    evaluation_action actions[2];
    evaluation_table made = table(cells, count, actions);
    made.position = position;
    free(written);
    FILE *to = open_memstream(&written, &written_bytes);
    evaluation_table_print(&made, width, to);
    fclose(to);
    return written;
}

static void leave(void)
{
    free(written);
    written = NULL;
}

START_TEST(csv_is_what_scripts_rely_on)
{
    evaluation_cell cells[] = {cell("1.1.total", "Bénéficiaires", "12", "personnes"), cell("2.cout_total", "Coût, en tout", "1234.5", "euros"),
                               cell("3.2.duree_moyenne_mois", "Durée", NULL, "mois"), cell("3.2.suivis_6_mois", "Suivis", "0", "personnes")};
    cells[0].target = text_of("30");
    cells[2].state = EVALUATION_NOT_COLLECTED;
    cells[3].state = EVALUATION_NOT_DONE;
    ck_assert_str_eq(write_csv(cells, 4),
                     "contrat,action,indicateur,libelle,objectif,realise,unite,statut\n"
                     "63-essai,axe1,1.1.total,Bénéficiaires,30,12,personnes,compte\n"
                     "63-essai,axe1,2.cout_total,\"Coût, en tout\",,1234.5,euros,compte\n"
                     "63-essai,axe1,3.2.duree_moyenne_mois,Durée,,,mois,non_collecte\n"
                     "63-essai,axe1,3.2.suivis_6_mois,Suivis,,0,personnes,non_fait\n"
                     "63-essai,contrat,1.1.total,Bénéficiaires,30,12,personnes,compte\n"
                     "63-essai,contrat,2.cout_total,\"Coût, en tout\",,1234.5,euros,compte\n"
                     "63-essai,contrat,3.2.duree_moyenne_mois,Durée,,,mois,non_collecte\n"
                     "63-essai,contrat,3.2.suivis_6_mois,Suivis,,0,personnes,non_fait\n");
}
END_TEST

START_TEST(free_text_is_no_formula)
{
    static const struct { const char *text, *field; } tries[] = {
        {"=1+1", "\"'=1+1\""}, {"+33", "\"'+33\""}, {"-1", "\"'-1\""}, {"@a", "\"'@a\""}, {"\tx", "\"'\tx\""}, {"\rx", "\"'\rx\""},
        {"a=1", "a=1"}, {"dit \"oui\"", "\"dit \"\"oui\"\"\""}, {"deux\nlignes", "\"deux\nlignes\""}, {"cias : Un guide.", "cias : Un guide."},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char wanted[128];
        evaluation_cell one = cell("1.2.outils", "Outils", tries[i].text, "");
        one.is_text = true;
        snprintf(wanted, sizeof wanted, "axe1,1.2.outils,Outils,,%s,,compte\n", tries[i].field);
        ck_assert_msg(strstr(write_csv(&one, 1), wanted) != NULL, "%s: %s", tries[i].text, written);
        one = cell("1.2.outils", tries[i].text, "1", "");
        snprintf(wanted, sizeof wanted, "axe1,1.2.outils,%s,,1,,compte\n", tries[i].field);
        ck_assert_ptr_nonnull(strstr(write_csv(&one, 1), wanted));
    }
    evaluation_cell number = cell("2.x", "N", "-1", ""); /* a number is never touched */
    ck_assert_ptr_nonnull(strstr(write_csv(&number, 1), ",N,,-1,,compte\n"));
}
END_TEST

START_TEST(numbers_are_french_at_the_terminal_alone)
{
    evaluation_cell cells[] = {cell("2.cout_total", "Coût", "1234567.5", "euros"), cell("3.1.heures", "Heures", "9.25", "heures"),
                               cell("1.1.total", "Bénéficiaires", "1", "personnes"), cell("1.1.bpi", "dont BPI", "999", "personnes")};
    const char *said = print(cells, 4, 90, 7);
    ck_assert_ptr_nonnull(strstr(said, "1\u202F234\u202F567,50  euros"));
    ck_assert_ptr_nonnull(strstr(said, "9,25  heures"));
    ck_assert_ptr_nonnull(strstr(said, " 1  personne\n"));
    ck_assert_ptr_nonnull(strstr(said, " 999  personnes\n"));
    ck_assert_ptr_nonnull(strstr(said, "ÉVALUATION DU CONTRAT"));
    ck_assert_ptr_nonnull(strstr(said, "du 30/11/2023 au 29/11/2024"));
    ck_assert_ptr_nonnull(strstr(said, "de novembre 2023 à août 2024 · contrat initial · position 7 du registre\n"));
    /* How far the ledger has come since changes nothing. */
    ck_assert_ptr_nonnull(strstr(print(cells, 4, 110, 3), " · contrat initial · position 3 du registre\n"));
}
END_TEST

START_TEST(the_version_is_named)
{
    char text[EVALUATION_VERSION_TEXT];
    evaluation_table of = {.version = 3, .amendment = 2, .effective_day = civil_from(2024, 3, 1)};
    evaluation_table_version(&of, text);
    ck_assert_str_eq(text, "avenant n° 2, applicable au 1er mars 2024");
    of.effective_day = civil_from(2024, 8, 15);
    evaluation_table_version(&of, text);
    ck_assert_str_eq(text, "avenant n° 2, applicable au 15 août 2024");
    of.amendment = 0;
    evaluation_table_version(&of, text);
    ck_assert_str_eq(text, "contrat initial");
}
END_TEST

START_TEST(what_was_not_collected_is_said_in_words)
{
    evaluation_cell cells[] = {cell("1.1.total", "Bénéficiaires", "0", "personnes"), cell("3.2.suivis_6_mois", "Suivis", "0", "personnes"),
                               cell("3.5.consultations", "Consultations", "0", "consultations"), cell("3.2.duree_moyenne_mois", "Durée", NULL, "mois")};
    cells[0].state = EVALUATION_NOT_COLLECTED;
    cells[0].selected = true;
    cells[1].state = EVALUATION_NOT_DONE;
    cells[2].state = EVALUATION_NOT_COLLECTED;
    const char *said = print(cells, 4, 80, 7);
    ck_assert_ptr_nonnull(strstr(said, "non collecté\n"));
    ck_assert_ptr_nonnull(strstr(said, "non fait\n"));
    ck_assert_ptr_nonnull(strstr(said, "—\n"));
    ck_assert_ptr_nonnull(strstr(said, "Rien n’a été collecté pour : 3.5.consultations.\n"));
    ck_assert_ptr_null(strstr(said, "Consultations"));
}
END_TEST

/* No line is wider than asked, accents counted once, whatever the width. */
START_TEST(lines_fit)
{
    evaluation_cell cells[] = {
        cell("1.1.total", "Étrangers éligibles bénéficiaires de l’action, très longuement nommés pour qu’il faille plusieurs lignes", "12345678", "personnes"),
        cell("1.1.bpi", "dont bénéficiaires d’une protection internationale, eux aussi très longuement nommés ici", "3", "personnes"),
        cell("1.2.outils", "Outils", "cias : Un guide très long, écrit pour les professionnels de l’accueil, avec des mots accentués à l’excès.\n\nfit : Rien.", ""),
        cell("3.3.outils", "Autre", "0", ""), cell("3.3.heures", "Autre", "0", "heures"), cell("L.sollicitations", "Autre", "0", ""),
    };
    cells[2].is_text = true;
    for (unsigned i = 3; i < 6; i++)
        cells[i].state = EVALUATION_NOT_COLLECTED;
    for (unsigned width = 60; width <= 110; width += 5) {
        const char *said = print(cells, 6, width, 3);
        for (const char *line = said; *line; line += strcspn(line, "\n") + 1) {
            text_view one = {line, strcspn(line, "\n")};
            ck_assert_msg(text_width(one) <= width, "%u: %.*s", width, (int)one.size, one.at);
        }
        ck_assert_ptr_nonnull(strstr(said, "fit : Rien.\n"));
    }
}
END_TEST

START_TEST(text_of_others_does_no_harm)
{
    evaluation_cell cells[] = {cell("1.2.outils", "Outils", "cias : \x1B[2J\x07 \xC2\x9B" "1A efface", ""),
                               cell("TRES.LONG.CODE.x", "Propre", "1", ""), cell("ABCDEFGHIJ", "Sans point", "2", "")};
    cells[0].is_text = true;
    const char *said = print(cells, 3, 80, 7);
    ck_assert_ptr_null(strchr(said, '\x1B'));
    ck_assert_ptr_null(strchr(said, '\x07'));
    ck_assert_ptr_null(strstr(said, "\xC2\x9B"));
    ck_assert_ptr_nonnull(strstr(said, "efface"));
    ck_assert_ptr_nonnull(strstr(said, "Propre"));
    ck_assert_uint_lt(written_bytes, 8192);
}
END_TEST

START_TEST(lists_are_words_at_the_terminal)
{
    evaluation_cell one = cell("3.3.thematiques", "Thèmes", "laicite;autre", "");
    one.is_text = true;
    ck_assert_ptr_nonnull(strstr(print(&one, 1, 80, 7), "laïcité, autres\n"));
    ck_assert_ptr_nonnull(strstr(write_csv(&one, 1), ",laicite;autre,"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evaluation_table");
    TCase *cases = tcase_create("forms");
    tcase_add_checked_fixture(cases, NULL, leave);
    tcase_add_test(cases, csv_is_what_scripts_rely_on);
    tcase_add_test(cases, free_text_is_no_formula);
    tcase_add_test(cases, numbers_are_french_at_the_terminal_alone);
    tcase_add_test(cases, the_version_is_named);
    tcase_add_test(cases, what_was_not_collected_is_said_in_words);
    tcase_add_test(cases, lines_fit);
    tcase_add_test(cases, text_of_others_does_no_harm);
    tcase_add_test(cases, lists_are_words_at_the_terminal);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
