/* Who belongs to the public on which day, and the codes of countries. */
#include <check.h>

#include "eligibility.h"
#include "nationality.h"

static civil_day day(const char *text)
{
    return text ? civil_parse_iso(text_of(text)) : CIVIL_NONE;
}

static const struct { eligibility_statut statut; bool european; const char *cir, *on; eligibility expected; } cases[] = {
    {STATUT_REFUGIE, false, "2022-01-01", "2023-12-01", ELIGIBILITY_YES},
    {STATUT_REFUGIE, false, "2023-12-01", "2023-12-01", ELIGIBILITY_YES},
    {STATUT_REFUGIE, false, "2023-12-02", "2023-12-01", ELIGIBILITY_CIR_LATER},
    {STATUT_REFUGIE, false, "2018-12-02", "2023-12-01", ELIGIBILITY_YES},
    {STATUT_REFUGIE, false, "2018-12-01", "2023-12-01", ELIGIBILITY_CIR_OVER},
    {STATUT_REFUGIE, false, NULL, "2023-12-01", ELIGIBILITY_NO_CIR},
    {STATUT_SALARIE, false, "2020-02-29", "2025-02-28", ELIGIBILITY_YES},
    {STATUT_SALARIE, false, "2020-02-29", "2025-03-01", ELIGIBILITY_CIR_OVER},
    {STATUT_AUTRE_TITRE, false, "9997-01-01", "9999-01-01", ELIGIBILITY_YES},
    {STATUT_APATRIDE, false, NULL, "2024-01-01", ELIGIBILITY_NO_CIR},
    {STATUT_PROTECTION_SUBSIDIAIRE, false, "2024-01-01", "2024-01-01", ELIGIBILITY_YES},
    {STATUT_VIE_PRIVEE_FAMILIALE, false, "2024-01-01", "2024-01-01", ELIGIBILITY_YES},
    {STATUT_ETRANGER_MALADE, false, "2024-01-01", "2024-01-01", ELIGIBILITY_YES},
    {STATUT_PROTECTION_TEMPORAIRE, false, NULL, "2024-01-01", ELIGIBILITY_YES},
    {STATUT_PROTECTION_TEMPORAIRE, false, "2000-01-01", "2024-01-01", ELIGIBILITY_YES},
    {STATUT_PROTECTION_TEMPORAIRE, true, NULL, "2024-01-01", ELIGIBILITY_EUROPEAN},
    {STATUT_REFUGIE, true, "2024-01-01", "2024-01-01", ELIGIBILITY_EUROPEAN},
    {STATUT_ETUDIANT, false, "2024-01-01", "2024-01-01", ELIGIBILITY_STUDENT},
    {STATUT_DEMANDEUR_ASILE, false, "2024-01-01", "2024-01-01", ELIGIBILITY_ASYLUM_SEEKER},
    {STATUT_MINEUR_NON_ACCOMPAGNE, false, "2024-01-01", "2024-01-01", ELIGIBILITY_MINOR},
    {STATUT_SANS_TITRE, false, "2024-01-01", "2024-01-01", ELIGIBILITY_UNLAWFUL},
};

START_TEST(the_public_is_the_contracts)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(eligibility_on(cases[i].statut, cases[i].european, day(cases[i].cir), day(cases[i].on)) == cases[i].expected,
                      "case %zu", i);
}
END_TEST

START_TEST(youth_ends_on_the_25th_birthday)
{
    ck_assert(eligibility_is_young(day("1999-06-15"), day("2024-06-14")));
    ck_assert(!eligibility_is_young(day("1999-06-15"), day("2024-06-15")));
    ck_assert(eligibility_is_young(day("2000-02-29"), day("2025-02-28")));
    ck_assert(!eligibility_is_young(day("2000-02-29"), day("2025-03-01")));
    ck_assert(eligibility_is_young(day("9990-01-01"), day("2024-01-01")));
}
END_TEST

/* Each day around an anniversary and far from it: of people born in every kind of year, and to the calendar's end. */
START_TEST(anniversaries_are_those_of_the_calendar)
{
    const int years[] = {1, 1896, 1900, 1999, 2000, 2003, 2004, 9970, 9974, 9993, 9994, 9995};
    for (size_t i = 0; i < sizeof years / sizeof *years; i++)
        for (int month = 1; month <= 12; month++)
            for (int of_month = 1; of_month <= 31; of_month++) {
                civil_day birth = civil_from(years[i], month, of_month), last = civil_from(9999, 12, 31);
                if (birth == CIVIL_NONE)
                    continue;
                civil_day limit = civil_anniversary(birth, ELIGIBILITY_YOUNG_YEARS);
                civil_day near = birth + 365 * ELIGIBILITY_YOUNG_YEARS - 3;
                for (civil_day day = near; day < near + 40 && day <= last; day++)
                    ck_assert_int_eq(eligibility_is_young(birth, day), limit == CIVIL_NONE || day < limit);
                ck_assert(eligibility_is_young(birth, birth));
                ck_assert_int_eq(eligibility_is_young(birth, last), limit == CIVIL_NONE);
            }
}
END_TEST

START_TEST(statuts_are_known_by_their_names)
{
    int never = 0, bpi = 0;
    for (int i = 0; i < STATUT_COUNT; i++) {
        ck_assert_int_eq(eligibility_statut_find(text_of(eligibility_statut_names[i])), i);
        never += eligibility_never((eligibility_statut)i, false);
        bpi += eligibility_is_bpi((eligibility_statut)i);
        ck_assert(eligibility_never((eligibility_statut)i, true));
    }
    ck_assert_int_eq(never, 4);
    ck_assert_int_eq(bpi, 3);
    ck_assert_int_eq(eligibility_statut_find(text_of("Refugie")), STATUT_NONE);
    ck_assert_int_eq(eligibility_statut_find(text_of("")), STATUT_NONE);
    for (int i = 0; i < ELIGIBILITY_COUNT; i++)
        ck_assert(eligibility_text((eligibility)i)[0]);
}
END_TEST

START_TEST(countries_are_those_of_iso)
{
    static const char *const others[] = {"AF", "AFG", "GB", "GBR", "CH", "CHE", "UA", "UKR", "XXA", "XK", "XKX", "NO", "TR", "ZW", "SS"};
    static const char *const europeans[] = {"FR", "FRA", "DE", "DEU", "GR", "GRC", "HR", "HRV", "IE", "IRL", "CY", "CYP", "MT", "RO", "SE"};
    static const char *const unknown[] = {"", "A", "fr", "fra", "Fr", "UK", "EL", "ZZ", "ZZZ", "XX", "AFGH", "EU", "AN", "SU", "YUG", "A\xC3\xA9", "France"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(nationality_find(text_of(others[i])) == NATIONALITY_OTHER, "%s", others[i]);
    for (size_t i = 0; i < sizeof europeans / sizeof *europeans; i++)
        ck_assert_msg(nationality_find(text_of(europeans[i])) == NATIONALITY_EUROPEAN, "%s", europeans[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        ck_assert_msg(nationality_find(text_of(unknown[i])) == NATIONALITY_UNKNOWN, "%s", unknown[i]);
    int two = 0, two_european = 0, three = 0, three_european = 0;
    for (int i = 0; i < 26 * 26 * 26; i++) {
        char code[3] = {(char)('A' + i / 676), (char)('A' + i / 26 % 26), (char)('A' + i % 26)};
        nationality found = nationality_find((text_view){code, 3});
        three += found != NATIONALITY_UNKNOWN;
        three_european += found == NATIONALITY_EUROPEAN;
        found = i < 676 ? nationality_find((text_view){code + 1, 2}) : NATIONALITY_UNKNOWN;
        two += found != NATIONALITY_UNKNOWN;
        two_european += found == NATIONALITY_EUROPEAN;
    }
    ck_assert_int_eq(two, 250);
    ck_assert_int_eq(three, 251);
    ck_assert_int_eq(two_european, 27);
    ck_assert_int_eq(three_european, 27);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("eligibility");
    tcase_add_test(tests, the_public_is_the_contracts);
    tcase_add_test(tests, youth_ends_on_the_25th_birthday);
    tcase_add_test(tests, anniversaries_are_those_of_the_calendar);
    tcase_add_test(tests, statuts_are_known_by_their_names);
    tcase_add_test(tests, countries_are_those_of_iso);
    Suite *suite = suite_create("eligibility");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
