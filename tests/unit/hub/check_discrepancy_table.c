/* The list of what parties settle, as an officer reads it and as a spreadsheet does. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "discrepancy_table.h"

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

static civil_month month(const char *text)
{
    return civil_month_parse(text_of(text));
}

static discrepancy_table table(discrepancy_row *rows, unsigned count)
{
    discrepancy_table made = {
        .contract = text_of("63-essai"), .title = text_of("Contrat d’essai, au nom assez long pour prendre plus d’une ligne étroite"),
        .from = month("2023-11"), .to = month("2024-11"), .at = month("2025-02"), .position = 12, .count = count, .rows = rows,
    };
    ck_assert(discrepancy_table_word(&made, memory));
    return made;
}

static const char *print(const discrepancy_table *made, unsigned width)
{
    free(written);
    FILE *to = open_memstream(&written, &written_bytes);
    discrepancy_table_print(made, width, to);
    fclose(to);
    return written;
}

static const char *write_csv(const discrepancy_table *made)
{
    free(written);
    FILE *to = open_memstream(&written, &written_bytes);
    discrepancy_table_csv(made, to);
    fclose(to);
    return written;
}

/* Rows of every kind, with more keys than a line holds. */
static unsigned every_kind(discrepancy_row rows[10], text_view keys[5])
{
    for (unsigned i = 0; i < 5; i++)
        keys[i] = text_of("00112233445566778899aabbccddeeff");
    const discrepancy_row all[] = {
        {.kind = DISCREPANCY_SEX, .matter = 1, .action = text_of("axe1"), .operator_name = text_of("cecler"), .month = month("2024-04"),
         .key_count = 5, .keys = keys, .says_h = true},
        {.kind = DISCREPANCY_SEX, .matter = 1, .action = text_of("axe1"), .operator_name = text_of("cias"), .month = month("2024-05"),
         .key_count = 2, .keys = keys, .says_f = true, .says_h = true},
        {.kind = DISCREPANCY_SEX_CONTRACT, .matter = 2, .action = text_of("axe2"), .operator_name = text_of("fit"), .month = month("2024-01"),
         .key_count = 1, .keys = keys, .says_f = true},
        {.kind = DISCREPANCY_IDENTITY, .matter = 3, .action = text_of("axe1"), .operator_name = text_of("cias"), .month = month("2024-08"),
         .key_count = 1, .keys = keys, .numbers = 3, .unlinked = true},
        {.kind = DISCREPANCY_FOLLOW_UP, .matter = 4, .action = text_of("axe3"), .operator_name = text_of("cecler"), .month = month("2024-04"),
         .due = month("2024-10"), .key_count = 1, .keys = keys},
        {.kind = DISCREPANCY_FOLLOW_UP, .matter = 5, .action = text_of("axe3"), .operator_name = text_of("cecler"), .month = month("2024-05"),
         .due = month("2024-11"), .key_count = 1, .keys = keys},
        {.kind = DISCREPANCY_LATE, .matter = 6, .action = text_of("axe2"), .operator_name = text_of("fit"), .month = CIVIL_NONE,
         .due = month("2024-11")},
        {.kind = DISCREPANCY_LATE, .matter = 7, .action = text_of("axe1"), .operator_name = text_of("cias"), .month = month("2024-08"),
         .due = month("2024-11")},
        {.kind = DISCREPANCY_ADDRESS, .matter = 8, .action = text_of("axe1"), .month = CIVIL_NONE},
    };
    memcpy(rows, all, sizeof all);
    return sizeof all / sizeof *all;
}

START_TEST(csv_is_what_scripts_rely_on)
{
    discrepancy_row rows[10];
    text_view keys[5];
    discrepancy_table made = table(rows, every_kind(rows, keys));
    const char *said = write_csv(&made);
    ck_assert_ptr_eq(strstr(said, "contrat,action,operateur,type,affaire,mois,cles,constat,remede\n"), said);
    static const char *const lines[] = {
        "\n63-essai,axe1,cias,sexe,1,2024-05,00112233445566778899aabbccddeeff 00112233445566778899aabbccddeeff,"
        "\"Déclare cette personne tantôt femme, tantôt homme.\",",
        "\n63-essai,axe1,cecler,sexe,1,2024-04,", "Déclare cette personne homme ; un autre opérateur de l’action la déclare femme.",
        "\n63-essai,axe2,fit,sexe_contrat,2,2024-01,", "Déclare cette personne femme ; une autre action du contrat la déclare homme.",
        "\n63-essai,axe1,cias,identite,3,2024-08,", "avec 3 numéros d’étranger différents dans le périmètre ; ce qui est envoyé sans numéro",
        "\n63-essai,axe3,cecler,suivi_6_mois,4,2024-04,", "Sortie d’avril 2024 sans suivi à six mois, attendu en octobre 2024.",
        "Sortie de mai 2024 sans suivi à six mois, attendu en novembre 2024.",
        "\n63-essai,axe2,fit,retard,6,,,N’a encore rien déclaré dans ce contrat ; attendu jusqu’à novembre 2024.,",
        "\n63-essai,axe1,cias,retard,7,2024-08,,N’a rien déclaré après août 2024 ; attendu jusqu’à novembre 2024.,",
        "\n63-essai,axe1,,refugies_info,8,,,L’action n’a pas d’adresse sur refugies.info.,",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(said, lines[i]) != NULL, "no « %s » in %s", lines[i], said);
}
END_TEST

START_TEST(the_table_counts_matters)
{
    discrepancy_row rows[10];
    text_view keys[5];
    discrepancy_table made = table(rows, every_kind(rows, keys));
    ck_assert_uint_eq(discrepancy_table_matters(&made, DISCREPANCY_SEX), 1);
    ck_assert_uint_eq(discrepancy_table_matters(&made, DISCREPANCY_FOLLOW_UP), 2);
    const char *said = print(&made, 80);
    ck_assert_ptr_nonnull(strstr(said, "Sexe déclaré différemment dans une action : 1 personne\n"));
    ck_assert_ptr_nonnull(strstr(said, "Sorties sans suivi à six mois : 2 sorties\n"));
    ck_assert_ptr_nonnull(strstr(said, "Opérateurs en retard : 2 opérateurs\n"));
    ck_assert_ptr_nonnull(strstr(said, "\n  1. axe1 · cecler · avril 2024\n"));
    ck_assert_ptr_nonnull(strstr(said, "\n     axe1 · cias · mai 2024\n"));
    ck_assert_ptr_nonnull(strstr(said, "et 3 autres clés\n"));
    ck_assert_ptr_nonnull(strstr(said, "\n  8. axe1\n"));
    ck_assert_ptr_nonnull(strstr(said, "vu en février 2025 · position 12"));
    for (unsigned width = 60; width <= 110; width += 5) {
        said = print(&made, width);
        for (const char *line = said; *line; line += strcspn(line, "\n") + 1) {
            text_view one = {line, strcspn(line, "\n")};
            ck_assert_msg(text_width(one) <= width, "%u: %.*s", width, (int)one.size, one.at);
        }
    }
}
END_TEST

START_TEST(nothing_to_settle)
{
    discrepancy_table made = table(NULL, 0);
    ck_assert_ptr_nonnull(strstr(print(&made, 80), "\nRien à régler.\n"));
    ck_assert_str_eq(write_csv(&made), "contrat,action,operateur,type,affaire,mois,cles,constat,remede\n");
    for (unsigned kind = 0; kind < DISCREPANCY_KIND_COUNT; kind++)
        ck_assert(strlen(discrepancy_kind_name((discrepancy_kind)kind)) > 0 && strlen(discrepancy_kind_title((discrepancy_kind)kind)) > 0);
}
END_TEST

START_TEST(memory_may_be_short)
{
    discrepancy_row rows[10];
    text_view keys[5];
    discrepancy_table made = {.count = every_kind(rows, keys), .rows = rows};
    arena *tiny = arena_new(64);
    ck_assert_ptr_nonnull(tiny);
    ck_assert(!discrepancy_table_word(&made, tiny));
    arena_destroy(&tiny);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("discrepancy_table");
    TCase *cases = tcase_create("forms");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, csv_is_what_scripts_rely_on);
    tcase_add_test(cases, the_table_counts_matters);
    tcase_add_test(cases, nothing_to_settle);
    tcase_add_test(cases, memory_may_be_short);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
