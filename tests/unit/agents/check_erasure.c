/* Who is among those that were erased, and what an export then makes of their rows, their relatives and their facts. */
#include <stdlib.h>

#include "departed.h"
#include "erasure_mark.h"
#include "office.h"
#include "recordkey.h"

#define ZOHRA "P1;1234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;01/02/2023;M1\n"
#define KARIM "P2;2234567890;Belkacem;Karim;04/05/1980;H;AFG;refugie;01/02/2023;M1\n"
#define LINA "P3;;Cissé;Lina;14/07/1990;F;GIN;salarie;01/02/2023;\n"

static office *at;
static erasure_person listed[4];
static erasure_list list = {.people = listed};

static void enter(void)
{
    at = office_new();
    memset(listed, 0, sizeof listed);
    list.count = 0;
}

static void leave(void)
{
    office_free(at);
}

/* Reads a table of people and marks those who are on the list: how many. */
static size_t mark(const char *rows, persons *people)
{
    char file[4096];
    erasure_list found;
    snprintf(file, sizeof file, "%s%s", OFFICE_PERSONS, rows);
    ck_assert_int_eq(persons_read(people, at->memory, "p", (text_view){arena_text(at->memory, text_of(file)), strlen(file)}, 1,
                                  &at->said.sink, NULL, NULL),
                     TABLE_OK);
    ck_assert(erasure_mark(&list, people, at->record_key, &found));
    return found.count;
}

/* Puts the first row of a table on the list. */
static void erase(const char *rows)
{
    persons people;
    (void)mark(rows, &people);
    erasure_of_row(&listed[list.count++], at->record_key, persons_at(&people, 0));
}

START_TEST(found_by_each_of_three)
{
    persons people;
    erase(ZOHRA);
    ck_assert_uint_eq(mark(ZOHRA KARIM, &people), 1);
    ck_assert_uint_eq(mark("P1;;Autre;Nom;01/01/1970;F;GIN;refugie;;\n", &people), 1);
    ck_assert_uint_eq(mark("P8;1234567890;Autre;Nom;01/01/1970;F;GIN;refugie;;\n", &people), 1);
    ck_assert_uint_eq(mark("P8;;AARABI;Zôhra;1999-03-12;F;AFG;refugie;;\n", &people), 1);
    ck_assert_uint_eq(mark("P8;3234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;;\n", &people), 0);
    ck_assert_uint_eq(mark("P8;;Aarabi;Zohra;13/03/1999;F;AFG;refugie;;\n", &people), 0);
}
END_TEST

START_TEST(another_number_is_another_person)
{
    persons people;
    erase("P8;;Aarabi;Zohra;12/03/1999;F;AFG;refugie;;\n");
    ck_assert_uint_eq(mark("P9;3234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;;\n", &people), 1);
    erase(ZOHRA); /* now the person of that name is known by her number */
    ck_assert_uint_eq(mark("P9;3234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;;\n", &people), 0);
    ck_assert_uint_eq(mark("P9;;Aarabi;Zohra;12/03/1999;F;AFG;refugie;;\n", &people), 1);
}
END_TEST

START_TEST(one_makes_another_known)
{
    persons people;
    erase(ZOHRA);
    /* Listed by number; the first is the same person by the name of the second. */
    ck_assert_uint_eq(mark("Q1;;Arabi;Zora;12/03/1999;F;AFG;refugie;;\n"
                           "Q2;1234567890;Arabi;Zora;12/03/1999;F;AFG;refugie;;\n",
                           &people), 2);
    ck_assert(persons_at(&people, 0)->erased);
}
END_TEST

START_TEST(unknown_is_nobody)
{
    persons people;
    erase(LINA); /* no number */
    ck_assert_uint_eq(mark(KARIM "P8;;Autre;Nom;01/01/1970;F;GIN;refugie;;\n", &people), 0);
    list.count = 1;
    memset(listed, 0, sizeof listed);
    ck_assert_uint_eq(mark(ZOHRA KARIM LINA, &people), 0);
}
END_TEST

START_TEST(households_go_without_them)
{
    persons people;
    erase(ZOHRA);
    (void)mark(ZOHRA KARIM, &people);
    text_view of = persons_household_identity(&people, persons_at(&people, 1));
    ck_assert(text_equal(of, persons_at(&people, 1)->identity));
    list.count = 0;
    (void)mark(ZOHRA KARIM, &people);
    of = persons_household_identity(&people, persons_at(&people, 1));
    ck_assert(text_equal(of, persons_at(&people, 0)->identity));
}
END_TEST

#define EVENTS \
    OFFICE_EVENTS "e1;15/01/2024;axe1;entree;P1;10;;\n" \
                  "e2;16/03/2024;axe1;sortie;P1;;autre;\n" \
                  "e3;16/01/2024;axe1;consultation_medicale;P1;2;;\n" \
                  "e4;17/01/2024;axe1;entree;P2;10;;\n"

START_TEST(rows_are_left_out)
{
    erase(ZOHRA);
    at->erasures = list;
    office_expect(at, OFFICE_PERSONS ZOHRA KARIM, EVENTS,
                  "beneficiaire axe1 2024-01 EI H bpi\nentree axe1 2024-01 E 600\n", 3, 0);
    ck_assert_uint_eq(at->made.counts.left_out_by[EXPORT_LEFT_OUT_ERASED], 3);
    ck_assert(office_said(at, "personne effacée"));
    const export_result *result = &at->made.results[0];
    ck_assert_uint_eq(at->made.erased.count, 1);
    ck_assert_uint_eq(result->people.count, 1);
    ck_assert_uint_eq(result->erased_subject_count, 3);            /* actions */
    ck_assert_uint_eq(result->erased_count, 3 + 3 * 13);           /* rows, and actions times months */
    uint8_t key[RECORD_KEY];
    recordkey_event(key, at->record_key, text_of("c1"), text_of("e3"));
    ck_assert(departed_has(result->erased, result->erased_count, key));
    recordkey_event(key, at->record_key, text_of("c1"), text_of("e4"));
    ck_assert(!departed_has(result->erased, result->erased_count, key));
}
END_TEST

START_TEST(nothing_of_theirs_stands)
{
    /* What an earlier export said of a row that is now in error, or that a partial export does not name. */
    ck_assert_int_eq(office_make(at, OFFICE_PERSONS ZOHRA KARIM, EVENTS), EXPORT_OK);
    at->contracts[0].earlier = office_contributions(at, 0, &at->contracts[0].earlier_count);
    ck_assert_uint_eq(at->made.results[0].people.count, 2);
    erase(ZOHRA);
    at->erasures = list;
    at->partial = true;
    ck_assert_int_eq(office_make(at, OFFICE_PERSONS ZOHRA, OFFICE_EVENTS "e1;mauvaise;axe1;entree;P1;10;;\n"), EXPORT_OK);
    size_t count;
    (void)office_contributions(at, 0, &count);
    ck_assert_uint_eq(count, 1); /* Karim's */
    (void)office_retained(at, 0, &count);
    ck_assert_uint_eq(count, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("erasure");
    TCase *cases = tcase_create("erasure");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, found_by_each_of_three);
    tcase_add_test(cases, another_number_is_another_person);
    tcase_add_test(cases, one_makes_another_known);
    tcase_add_test(cases, unknown_is_nobody);
    tcase_add_test(cases, households_go_without_them);
    tcase_add_test(cases, rows_are_left_out);
    tcase_add_test(cases, nothing_of_theirs_stands);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
