/* The basics both sides stand on: text, arena, diag, civil days, the table of facts, records' shape. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "civil.h"
#include "diag.h"
#include "fact.h"
#include "record.h"
#include "text.h"

START_TEST(white_space_of_any_kind_is_trimmed)
{
    ck_assert(text_is(text_trim(text_of(" \t\xC2\xA0 a b\xE2\x80\xAF\xE3\x80\x80\r\n")), "a b"));
    ck_assert_uint_eq(text_trim(text_of("\xEF\xBB\xBF  ")).size, 0);
    ck_assert(text_is(text_trim(text_of("\xC3\xA9")), "\xC3\xA9"));
    ck_assert_uint_eq(text_trim((text_view){NULL, 0}).size, 0);
    ck_assert(text_is(text_trim(text_of("x\xA0")), "x\xA0")); /* a lone continuation byte is no space */
}
END_TEST

START_TEST(utf8_is_strict)
{
    ck_assert(text_is_utf8(text_of("d\xC3\xA9j\xC3\xA0")));
    ck_assert(!text_is_utf8(text_of("d\xE9j\xE0")));
    ck_assert(!text_is_utf8(text_of("\xC0\xAF")));         /* overlong */
    ck_assert(!text_is_utf8(text_of("\xED\xA0\x80")));     /* surrogate */
    ck_assert(!text_is_utf8(text_of("\xF4\x90\x80\x80"))); /* past U+10FFFF */
}
END_TEST

START_TEST(copies_are_never_cut_inside_a_character)
{
    char to[4];
    ck_assert(text_copy(to, sizeof to, text_of("abc")));
    ck_assert(!text_copy(to, sizeof to, text_of("ab\xC3\xA9")));
    ck_assert_str_eq(to, "ab");
}
END_TEST

START_TEST(the_nearest_word_is_found_and_a_far_one_is_not)
{
    static const char *const words[] = {"emploi_durable", "emploi_court", "autre"};
    ck_assert_str_eq(text_nearest(text_of("Emploi_durabel"), words, 3), "emploi_durable");
    ck_assert_str_eq(text_nearest(text_of("autr\xC3\xA9"), words, 3), "autre");
    ck_assert_ptr_null(text_nearest(text_of("logement"), words, 3));
    ck_assert_ptr_null(text_nearest(text_of(""), words, 3));
}
END_TEST

START_TEST(an_arena_gives_zeroed_memory_up_to_its_limit)
{
    arena *from = arena_new(10000);
    ck_assert_ptr_nonnull(from);
    char *first = arena_take(from, 100);
    ck_assert_ptr_nonnull(first);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(first[i], 0);
    memset(first, 1, 100);
    ck_assert_ptr_nonnull(arena_take(from, 9000));
    ck_assert(!arena_short(from));
    ck_assert_ptr_null(arena_take(from, 9000));
    ck_assert(arena_short(from));
    ck_assert_ptr_null(arena_take(from, SIZE_MAX));
    ck_assert_ptr_nonnull(arena_take(from, 10));
    ck_assert(arena_short(from));
    arena_clear(from);
    ck_assert(!arena_short(from));
    ck_assert_uint_eq(arena_used(from), 0);
    char *again = arena_take(from, 100);
    ck_assert_int_eq(again[50], 0);
    arena_destroy(&from);
    arena_destroy(&from);
    ck_assert_ptr_null(from);
}
END_TEST

START_TEST(a_vector_keeps_its_items_when_it_grows)
{
    arena *from = arena_new(1 << 20);
    arena_vector numbers;
    arena_vector_init(&numbers, from, sizeof(int));
    for (int i = 0; i < 1000; i++)
        *(int *)arena_vector_add(&numbers) = i;
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(((int *)numbers.items)[i], i);
    arena_destroy(&from);
}
END_TEST

START_TEST(every_day_of_four_centuries_splits_and_joins)
{
    int year = 1799, month = 12, day = 31;
    for (civil_day at = civil_from(1800, 1, 1); at <= civil_from(2200, 12, 31); at++) {
        int y, m, d;
        civil_split(at, &y, &m, &d);
        ck_assert_int_eq(civil_from(y, m, d), at);
        if (civil_from(year, month, day + 1) != CIVIL_NONE)
            day++;
        else
            day = 1, month = month % 12 + 1, year += month == 1;
        ck_assert_int_eq(y * 10000 + m * 100 + d, year * 10000 + month * 100 + day);
    }
    ck_assert_int_eq(civil_from(1970, 1, 1), 0);
    ck_assert_int_eq(civil_from(2000, 2, 29), 11016);
    ck_assert_int_eq(civil_from(1, 1, 1), -719162);
}
END_TEST

START_TEST(only_real_days_in_the_two_forms_are_days)
{
    ck_assert_int_eq(civil_parse(text_of("31/01/2024")), civil_from(2024, 1, 31));
    ck_assert_int_eq(civil_parse(text_of("2024-01-31")), civil_from(2024, 1, 31));
    static const char *const wrong[] = {"", "2024-02-30", "30/02/2024", "2023-02-29", "1/2/2024", "2024/01/31",
                                        "31-01-2024", "2024-1-31", "20240131", "0000-01-01", "2024-01-31 ", "31/13/2024",
                                        "2024-01-3a", "-024-01-31"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(civil_parse(text_of(wrong[i])), CIVIL_NONE);
}
END_TEST

START_TEST(anniversaries_of_a_leap_day_fall_on_the_first_of_march)
{
    ck_assert_int_eq(civil_anniversary(civil_from(2020, 2, 29), 5), civil_from(2025, 3, 1));
    ck_assert_int_eq(civil_anniversary(civil_from(2000, 2, 29), 24), civil_from(2024, 2, 29));
    ck_assert_int_eq(civil_anniversary(civil_from(1999, 12, 31), 25), civil_from(2024, 12, 31));
    ck_assert_int_eq(civil_add_months(civil_from(2024, 11, 29), 7), civil_from(2025, 6, 29));
    ck_assert_int_eq(civil_add_months(civil_from(2024, 7, 31), 7), civil_from(2025, 3, 1));
}
END_TEST

START_TEST(months_and_texts)
{
    char text[CIVIL_DAY_TEXT];
    civil_month november = civil_month_parse(text_of("2023-11"));
    ck_assert_int_eq(november, civil_month_of(civil_from(2023, 11, 30)));
    ck_assert_int_eq(civil_month_first(november + 2), civil_from(2024, 1, 1));
    civil_month_text(november, text);
    ck_assert_str_eq(text, "2023-11");
    civil_day_text(civil_from(987, 3, 4), text);
    ck_assert_str_eq(text, "0987-03-04");
    ck_assert_int_eq(civil_month_parse(text_of("2023-13")), CIVIL_NONE);
    ck_assert_int_eq(civil_month_parse(text_of("2023-00")), CIVIL_NONE);
}
END_TEST

START_TEST(a_diagnostic_says_where_what_and_what_to_do)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    diag_sink sink = diag_sink_to(to);
    diag where = {.severity = DIAG_ERROR, .file = "e.csv", .line = 7, .column = 3, .field = "date", .remedy = "Corrigez"};
    diag_emitf(&sink, &where, "date %s", "impossible");
    diag_emit(&sink, &(diag){.severity = DIAG_WARNING, .file = "e.csv", .message = "lu en Windows-1252"});
    fclose(to);
    ck_assert_str_eq(text, "e.csv:7:3: erreur : [date] date impossible. Corrigez.\n"
                           "e.csv: avertissement : lu en Windows-1252.\n");
    ck_assert_uint_eq(sink.count[DIAG_ERROR], 1);
    ck_assert_uint_eq(sink.count[DIAG_WARNING], 1);
    free(text);
}
END_TEST

START_TEST(facts_are_found_and_details_leave_as_they_should)
{
    for (int type = 0; type < FACT_TYPE_COUNT; type++)
        ck_assert_int_eq(fact_find(text_of(fact_rule_of((fact_type)type)->name)), type);
    ck_assert_int_eq(fact_find(text_of("Entree")), FACT_NONE);
    ck_assert_str_eq(fact_code_find(FACT_SORTIE, text_of("creation_activite"))->leaves_as, "emploi");
    ck_assert_ptr_null(fact_code_find(FACT_SORTIE, text_of("formation")));
    ck_assert(fact_code_leaves(FACT_SORTIE, text_of("formation")));
    ck_assert(!fact_code_leaves(FACT_SORTIE, text_of("abandon")));
    ck_assert_int_eq(fact_level(text_of("infra_A1")), 0);
    ck_assert_int_eq(fact_level(text_of("C2")), 6);
    ck_assert_int_eq(fact_level(text_of("D1")), -1);
}
END_TEST

/* A record of that type with every field that the type must have. */
static record whole(fact_type type)
{
    const fact_rule *rule = fact_rule_of(type);
    record self = {.operation = RECORD_PUT, .contract = text_of("63-t"), .action = text_of("axe1"), .type = type,
                   .month = 2024 * 12};
    self.has_quantity = rule->record_unit != FACT_UNIT_NONE;
    self.has_reference = rule->reference_leaves;
    if (rule->codes)
        self.code = text_of(rule->codes[0].leaves_as);
    if (rule->kind <= FACT_KIND_HOUSEHOLD) {
        self.token_sets = 1;
        self.tokens[0] = (record_tokens){.epoch = 1, .has_i = rule->kind != FACT_KIND_HOUSEHOLD,
                                         .has_m = rule->kind == FACT_KIND_HOUSEHOLD};
    }
    if (type == FACT_NARRATIVE) {
        self.month = CIVIL_NONE;
        self.code = text_of("1.2.outils");
        self.text = text_of("Un livret d’accueil.");
    }
    return self;
}

START_TEST(a_record_has_exactly_the_fields_of_its_type)
{
    for (int i = 0; i < FACT_TYPE_COUNT; i++) {
        const fact_rule *rule = fact_rule_of((fact_type)i);
        record good = whole((fact_type)i), bad;
        ck_assert_msg(record_check(&good) == RECORD_OK, "%s", rule->name);
        bad = good, bad.has_reference = !good.has_reference;
        ck_assert_int_eq(record_check(&bad), RECORD_BAD_FIELDS);
        bad = good, bad.month = good.month == CIVIL_NONE ? 0 : CIVIL_NONE;
        ck_assert_int_eq(record_check(&bad), RECORD_BAD_FIELDS);
        bad = good, bad.token_sets = !good.token_sets, bad.tokens[0] = (record_tokens){.epoch = 1, .has_i = true};
        ck_assert_int_eq(record_check(&bad), RECORD_BAD_TOKENS);
        bad = good, bad.code = good.code.size ? text_of("n'importe") : text_of("autre");
        ck_assert_int_ne(record_check(&bad), RECORD_OK);
        bad = good, bad.sex = RECORD_SEX_F;
        ck_assert_int_eq(record_check(&bad), rule->kind == FACT_KIND_BENEFICIARY ? RECORD_OK : RECORD_BAD_FIELDS);
        bad = good, bad.has_quantity = true, bad.quantity = RECORD_QUANTITY_MAX + 1;
        ck_assert_int_ne(record_check(&bad), RECORD_OK);
        bad = good, bad.contract = text_of("../x");
        ck_assert_int_eq(record_check(&bad), RECORD_UNREADABLE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("basics");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, white_space_of_any_kind_is_trimmed);
    tcase_add_test(tests, utf8_is_strict);
    tcase_add_test(tests, copies_are_never_cut_inside_a_character);
    tcase_add_test(tests, the_nearest_word_is_found_and_a_far_one_is_not);
    tcase_add_test(tests, an_arena_gives_zeroed_memory_up_to_its_limit);
    tcase_add_test(tests, a_vector_keeps_its_items_when_it_grows);
    tcase_add_test(tests, every_day_of_four_centuries_splits_and_joins);
    tcase_add_test(tests, only_real_days_in_the_two_forms_are_days);
    tcase_add_test(tests, anniversaries_of_a_leap_day_fall_on_the_first_of_march);
    tcase_add_test(tests, months_and_texts);
    tcase_add_test(tests, a_diagnostic_says_where_what_and_what_to_do);
    tcase_add_test(tests, facts_are_found_and_details_leave_as_they_should);
    tcase_add_test(tests, a_record_has_exactly_the_fields_of_its_type);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
