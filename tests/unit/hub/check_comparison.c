/* Two evaluations side by side: what is paired, what stands alone, and exact differences. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"

static arena *memory;
static char *written;
static size_t written_bytes;

static void enter(void)
{
    memory = arena_new(1 << 20);
    ck_assert_ptr_nonnull(memory);
}

static void leave(void)
{
    free(written);
    written = NULL;
    arena_destroy(&memory);
}

START_TEST(differences_are_exact)
{
    static const struct { const char *a, *b; bool fixed; const char *wanted; } tries[] = {
        {"1", "3", false, "2"}, {"3", "1", false, "-2"}, {"7", "7", false, "0"}, {"0.1", "0.3", false, "0.2"}, {"9.25", "9.5", false, "0.25"},
        {"9.5", "9.25", false, "-0.25"}, {"1.75", "2.75", false, "1"}, {"10", "9.99", false, "-0.01"}, {"99999999999.99", "100000000000", false, "0.01"},
        {"2.0", "3.0", true, "1.0"}, {"2.3", "2.3", true, "0.0"}, {"3.1", "2.9", true, "-0.2"}, {"12345678901234567", "0", false, "-12345678901234567"},
        {"", "1", false, ""}, {"1", "", false, ""}, {"x", "1", false, ""}, {"1.", "1", false, ""}, {".5", "1", false, ""}, {"1.2.3", "1", false, ""},
        {"-1", "1", false, ""}, {"123456789012345678", "1", false, ""}, {"0.1234567", "1", false, ""}, {"99999999999999999", "0.001", false, ""},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char got[COMPARISON_NUMBER_MAX];
        comparison_subtract(text_of(tries[i].a), text_of(tries[i].b), tries[i].fixed, got);
        ck_assert_msg(strcmp(got, tries[i].wanted) == 0, "%s, %s: %s", tries[i].a, tries[i].b, got);
    }
}
END_TEST

static evaluation_cell cell(const char *code, const char *value, const char *unit)
{
    return (evaluation_cell){.code = text_of(code), .label = text_of("Un libellé assez long pour prendre plus d’une ligne de la colonne"),
                             .value = text_of(value), .unit = text_of(unit), .state = EVALUATION_COUNTED};
}

static evaluation_table table(const char *id, evaluation_action *actions, unsigned count)
{
    return (evaluation_table){.contract = text_of(id), .title = text_of("Contrat"), .from = civil_month_of(civil_from(2023, 11, 1)),
                              .to = civil_month_of(civil_from(2024, 8, 1)), .position = 7, .last_position = 7, .action_count = count,
                              .actions = actions};
}

/* a: axe1, axe2, contrat; b: axe1, axe3, contrat, with indicators of its own. */
static void fill(evaluation_table *a, evaluation_table *b)
{
    static evaluation_cell first[5], second[6];
    static evaluation_action of_a[3], of_b[3];
    first[0] = cell("1.1.total", "12", "personnes");
    first[0].target = text_of("30");
    first[1] = cell("2.cout_total", "1234.5", "euros");
    first[2] = cell("3.2.duree_moyenne_mois", "3.0", "mois");
    first[3] = cell("1.2.outils", "cias : \x1B[2Jun guide", "");
    first[3].is_text = true;
    first[4] = cell("L.ancien", "1", "personnes");
    second[0] = cell("0.premier", "4", "personnes");
    second[1] = cell("1.1.total", "9", "personnes");
    second[2] = cell("2.cout_total", "2000", "euros");
    second[3] = cell("2.cout_total.variante", "0", "euros");
    second[3].state = EVALUATION_NOT_COLLECTED;
    second[3].selected = true;
    second[4] = cell("3.2.duree_moyenne_mois", "2.5", "mois");
    second[5] = cell("1.2.outils", "=1", "");
    second[5].is_text = true;
    for (unsigned i = 0; i < 3; i++) {
        static const char *const a_codes[] = {"axe1", "axe2", "contrat"}, *const b_codes[] = {"axe1", "axe3", "contrat"};
        of_a[i] = (evaluation_action){.code = text_of(a_codes[i]), .title = text_of("Action"), .cell_count = 5, .cells = first};
        of_b[i] = (evaluation_action){.code = text_of(b_codes[i]), .title = text_of("Action"), .cell_count = 6, .cells = second};
    }
    *a = table("63-a", of_a, 3);
    *b = table("63-b", of_b, 3);
}

START_TEST(csv_is_what_scripts_rely_on)
{
    evaluation_table a, b;
    comparison what;
    fill(&a, &b);
    ck_assert(comparison_make(&what, &a, &b, memory));
    static const char *const codes[] = {"axe1", "axe3", "axe2", "contrat"};
    ck_assert_uint_eq(what.action_count, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(text_is(what.actions[i].code, codes[i]));
    FILE *to = open_memstream(&written, &written_bytes);
    comparison_csv(&what, to);
    fclose(to);
    static const char begins[] =
        "action,indicateur,libelle,unite,objectif_a,realise_a,statut_a,objectif_b,realise_b,statut_b,ecart\n"
        "axe1,0.premier,L,personnes,,,,,4,compte,\n"
        "axe1,1.1.total,L,personnes,30,12,compte,,9,compte,-3\n"
        "axe1,2.cout_total,L,euros,,1234.5,compte,,2000,compte,765.5\n"
        "axe1,2.cout_total.variante,L,euros,,,,,0,non_collecte,\n"
        "axe1,3.2.duree_moyenne_mois,L,mois,,3.0,compte,,2.5,compte,-0.5\n"
        "axe1,1.2.outils,L,,,cias : \x1B[2Jun guide,compte,,\"'=1\",compte,\n"
        "axe1,L.ancien,L,personnes,,1,compte,,,,\n"
        "axe3,0.premier,L,personnes,,,,,4,compte,\n";
    char expected[2048], *at = expected; /* with the label in full */
    for (const char *from = begins; *from; from++)
        at += *from == 'L' && from[1] == ',' ? sprintf(at, "%s", a.actions[0].cells[0].label.at) : sprintf(at, "%c", *from);
    ck_assert_msg(strncmp(written, expected, strlen(expected)) == 0, "%s", written);
}
END_TEST

START_TEST(the_table_says_what_is_alone)
{
    evaluation_table a, b;
    comparison what;
    fill(&a, &b);
    ck_assert(comparison_make(&what, &a, &b, memory));
    for (unsigned width = 60; width <= 140; width += 10) {
        free(written);
        FILE *to = open_memstream(&written, &written_bytes);
        comparison_print(&what, width, to);
        fclose(to);
        size_t columns = width < 96 ? 96 : width;
        for (const char *line = written; *line; line += strcspn(line, "\n") + 1) {
            text_view one = {line, strcspn(line, "\n")};
            ck_assert_msg(text_width(one) <= columns, "%u: %.*s", width, (int)one.size, one.at);
        }
    }
    static const char *const says[] = {"A : 63-a, de novembre 2023 à août 2024 · contrat initial", "B : 63-b", "\naxe3 (B seulement)\n",
                                       "\naxe2 (A seulement)\n", "\naxe1\n", "12 / 30", "−3", "+765,50", "−0,5", "non collecté", "B moins A",
                                       "CONTRAT · toutes les actions"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        ck_assert_msg(strstr(written, says[i]) != NULL, "no « %s » in %s", says[i], written);
    ck_assert_ptr_null(strchr(written, '\x1B'));
}
END_TEST

START_TEST(memory_may_be_short)
{
    evaluation_table a, b;
    comparison what;
    fill(&a, &b);
    for (size_t bytes = 16; bytes <= 2048; bytes *= 2) {
        arena *tiny = arena_new(bytes);
        ck_assert_ptr_nonnull(tiny);
        ck_assert(comparison_make(&what, &a, &b, tiny) == !arena_short(tiny));
        arena_destroy(&tiny);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("comparison");
    TCase *cases = tcase_create("pairs and forms");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, differences_are_exact);
    tcase_add_test(cases, csv_is_what_scripts_rely_on);
    tcase_add_test(cases, the_table_says_what_is_alone);
    tcase_add_test(cases, memory_may_be_short);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
