/* The sums of a region, their texts, and the forms and headings of its report. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "region_form.h"
#include "region_shown.h"
#include "region_sum.h"

enum { ARENA_BYTES = 16 << 20 };
static arena *memory;
static catalogue national;
static region_table table;
static char *written;
static size_t written_bytes;
static unsigned long errors;

static const region_contract contracts[] = {
    {.id = {"a", 1}, .title = {"Le premier", 10}, .department = {"03", 2}, .department_name = {"Allier", 6}, .scope = {"s", 1}},
    {.id = {"b", 1}, .title = {"Le deuxième", 12}, .department = {"63", 2}, .department_name = {"Puy-de-Dôme", 12}, .scope = {"s", 1}},
    {.id = {"c", 1}, .title = {"=Le troisième", 14}, .department = {"63", 2}, .department_name = {"Puy-de-Dôme", 12}, .scope = {"t", 1}},
};

static text_view carried(const char *name)
{
    const embedded_file *file = embedded_find(name);
    ck_assert_ptr_nonnull(file);
    return (text_view){(const char *)file->data, file->size};
}

static void enter(void)
{
    diag_sink silent = {0};
    memory = arena_new(ARENA_BYTES);
    ck_assert(catalogue_load(&national, memory, "i", carried("indicators.yaml"), &silent));
}

static void leave(void)
{
    arena_destroy(&memory);
    free(written);
    written = NULL;
}

static region_sum *begin(const region_contract *of, unsigned count)
{
    region_sum *sum = region_sum_new(memory, text_of("84"), text_of("Auvergne-Rhône-Alpes"), of, count);
    ck_assert_ptr_nonnull(sum);
    for (unsigned i = 0; i < national.count; i++)
        ck_assert(region_sum_declare(sum, REGION_SUM_NATIONAL, &national.items[i]));
    return sum;
}

static void put(region_sum *sum, uint32_t contract, const char *code, int64_t amount, int64_t of_records, const char *shown)
{
    region_part part = {.known = true, .has_value = shown != NULL, .amount = amount, .of_records = of_records, .rests = amount,
                        .shown = text_of(shown)};
    ck_assert(region_sum_put(sum, contract, text_of(code), &part));
}

static void finish(region_sum *sum)
{
    ck_assert_int_eq(region_sum_finish(sum, &table), REGION_SUM_DONE);
}

/* "VALUE" of a cell; "-": there is none; "": no value. */
static const char *at(const char *department, const char *contract, const char *code)
{
    for (unsigned i = 0; i < table.cell_count; i++) {
        const region_territory *where = &table.territories[table.cells[i].territory];
        if (text_is(where->department, department) && text_is(where->contract, contract) &&
            text_is(table.indicators[table.cells[i].indicator].what.code, code)) {
            ck_assert(table.cells[i].has_value == (table.cells[i].shown.size > 0));
            return arena_text(memory, table.cells[i].shown);
        }
    }
    return "-";
}

START_TEST(territories_come_in_order)
{
    region_sum *sum = begin(contracts, 3);
    finish(sum);
    static const char *const wanted[] = {"03/a", "03/", "63/b", "63/c", "63/", "/"};
    static const unsigned parents[] = {1, 5, 4, 4, 5, 5};
    ck_assert_uint_eq(table.territory_count, 6);
    for (unsigned i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "%.*s/%.*s", (int)table.territories[i].department.size, table.territories[i].department.at,
                 (int)table.territories[i].contract.size, table.territories[i].contract.at);
        ck_assert_str_eq(name, wanted[i]);
        ck_assert_uint_eq(table.territories[i].parent, parents[i]);
    }
    ck_assert(text_is(table.indicators[0].what.code, "1.1.total") && text_is(table.indicators[1].what.code, REGION_DISTINCT));
    ck_assert_str_eq(at("", "", "1.1.distinct"), "0");
    ck_assert_str_eq(at("63", "b", "1.1.distinct"), "-");
}
END_TEST

START_TEST(exact_amounts_are_summed)
{
    region_sum *sum = begin(contracts, 3);
    /* 20 minutes three times: 0.33 h each, an hour together; 10.05 € and 0.95 €. */
    for (uint32_t i = 0; i < 3; i++)
        put(sum, i, "3.1.heures", 20, 0, "0.33");
    put(sum, 1, "2.cout_total", 1005, 0, "10.05");
    put(sum, 2, "2.cout_total", 95, 0, "0.95");
    /* One exit of 100 days and three of 5: the mean of four, not of two means. */
    put(sum, 1, "3.2.duree_moyenne_mois", 100, 1, "3.3");
    put(sum, 2, "3.2.duree_moyenne_mois", 15, 3, "0.2");
    put(sum, 0, "3.2.duree_moyenne_mois", 0, 0, NULL);
    put(sum, 0, "3.3.thematiques", 1, 0, "autre");
    put(sum, 2, "3.3.thematiques", 2, 0, "laicite;autre");
    put(sum, 1, "3.3.thematiques", 0, 0, NULL);
    put(sum, 1, "1.2.outils", 0, 0, "cias : Un guide.");
    put(sum, 2, "1.2.outils", 0, 0, "fit : Deux\nlignes.");
    finish(sum);
    ck_assert_str_eq(at("", "", "3.1.heures"), "1");
    ck_assert_str_eq(at("63", "", "3.1.heures"), "0.67");
    ck_assert_str_eq(at("03", "", "3.1.heures"), "0.33");
    ck_assert_str_eq(at("63", "", "2.cout_total"), "11");
    ck_assert_str_eq(at("63", "", "3.2.duree_moyenne_mois"), "0.9");
    ck_assert_str_eq(at("03", "", "3.2.duree_moyenne_mois"), "");
    ck_assert_str_eq(at("", "", "3.3.thematiques"), "laicite;autre");
    ck_assert_str_eq(at("03", "", "3.3.thematiques"), "autre");
    ck_assert_str_eq(at("63", "", "1.2.outils"), "b : cias : Un guide.\n\nc : fit : Deux\nlignes.");
    ck_assert_str_eq(at("03", "", "1.2.outils"), "-");
    ck_assert_str_eq(at("63", "b", "1.2.outils"), "cias : Un guide.");
}
END_TEST

START_TEST(own_indicators_are_summed_where_they_are_alike)
{
    region_sum *sum = begin(contracts, 3);
    catalogue_indicator own = {.code = text_of("L.x"), .label = text_of("X"), .unit = text_of("x"), .kind = CATALOGUE_SOMME,
                               .type_count = 1, .types = {FACT_SOLLICITATION}, .measure = FACT_UNIT_COUNT};
    catalogue_indicator other = own, disputed = own;
    other.label = text_of("autrement nommé");
    disputed.code = text_of("L.y");
    ck_assert(region_sum_declare(sum, 0, &own));
    ck_assert(region_sum_declare(sum, 1, &other));
    ck_assert(region_sum_declare(sum, 1, &disputed));
    disputed.types[0] = FACT_CONSULTATION_MEDICALE;
    ck_assert(region_sum_declare(sum, 2, &disputed));
    put(sum, 0, "L.x", 3, 0, "3");
    put(sum, 1, "L.x", 4, 0, "4");
    put(sum, 1, "L.y", 5, 0, "5");
    put(sum, 2, "L.y", 6, 0, "6");
    finish(sum);
    ck_assert_str_eq(at("", "", "L.x"), "7");
    ck_assert_str_eq(at("63", "", "L.x"), "4");
    ck_assert_str_eq(at("63", "c", "L.x"), "-");
    ck_assert_str_eq(at("63", "c", "L.y"), "6");
    ck_assert_str_eq(at("63", "", "L.y"), "-");
    ck_assert_str_eq(at("", "", "L.y"), "-");
    const text_view *notes;
    ck_assert_uint_eq(region_sum_notes(sum, &notes), 1);
    ck_assert(strstr(arena_text(memory, notes[0]), "L.y : ") != NULL);
}
END_TEST

START_TEST(persons_count_once_in_a_scope)
{
    region_sum *sum = begin(contracts, 3);
    put(sum, 0, "1.1.total", 5, 0, "5");
    put(sum, 1, "1.1.total", 6, 0, "6");
    put(sum, 2, "1.1.total", 7, 0, "7");
    ck_assert(region_sum_distinct(sum, text_of("s"), text_of("03"), 5));
    ck_assert(region_sum_distinct(sum, text_of("s"), text_of("63"), 6));
    ck_assert(region_sum_distinct(sum, text_of("s"), text_of(""), 8));
    ck_assert(region_sum_distinct(sum, text_of("t"), text_of("63"), 7));
    ck_assert(region_sum_distinct(sum, text_of("t"), text_of(""), 7));
    finish(sum);
    ck_assert_str_eq(at("03", "", "1.1.distinct"), "5");
    ck_assert_str_eq(at("63", "", "1.1.distinct"), "13");
    ck_assert_str_eq(at("", "", "1.1.distinct"), "15");
    ck_assert_str_eq(at("", "", "1.1.total"), "18");
}
END_TEST

START_TEST(what_a_purged_contract_cannot_tell_has_no_value)
{
    region_contract gone[3];
    memcpy(gone, contracts, sizeof gone);
    gone[1].is_purged = true;
    region_sum *sum = begin(gone, 3);
    put(sum, 0, "1.1.total", 5, 0, "5");
    put(sum, 1, "1.1.total", 6, 0, "6");
    put(sum, 2, "1.1.total", 7, 0, "7");
    ck_assert(region_sum_put(sum, 1, text_of("3.1.heures"), &(region_part){.has_value = true, .shown = text_of("2")}));
    put(sum, 0, "3.1.heures", 60, 0, "1");
    finish(sum);
    ck_assert_str_eq(at("63", "", "1.1.distinct"), "6"); /* scope t has said nothing: none; the purged one is alone in its scope here */
    ck_assert_str_eq(at("", "", "1.1.distinct"), "");
    ck_assert_str_eq(at("", "", "1.1.total"), "18");
    ck_assert_str_eq(at("63", "", "3.1.heures"), "");
    ck_assert_str_eq(at("03", "", "3.1.heures"), "1");
    const text_view *notes;
    ck_assert_uint_eq(region_sum_notes(sum, &notes), 3);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    region_sum *sum = begin(contracts, 3);
    put(sum, 0, "2.cout_total", INT64_MAX - 1, 0, "x");
    put(sum, 1, "2.cout_total", 2, 0, "y");
    ck_assert_int_eq(region_sum_finish(sum, &table), REGION_SUM_TOO_LARGE);
}
END_TEST

START_TEST(amounts_are_written_as_the_database_does)
{
    char text[REGION_SHOWN_MAX];
    catalogue_indicator hours = {.kind = CATALOGUE_HEURES, .measure = FACT_UNIT_MINUTES}, euros = {.kind = CATALOGUE_SOMME, .measure = FACT_UNIT_CENTS},
                        mean = {.kind = CATALOGUE_DUREE_MOYENNE, .measure = FACT_UNIT_DAYS};
    static const struct { int64_t minutes; const char *text; } of_hours[] = {{0, "0"}, {1, "0.02"}, {2, "0.03"}, {20, "0.33"}, {30, "0.5"},
                                                                             {59, "0.98"}, {60, "1"}, {61, "1.02"}, {555, "9.25"}};
    for (size_t i = 0; i < sizeof of_hours / sizeof *of_hours; i++) {
        region_shown_number(&hours, of_hours[i].minutes, 0, text);
        ck_assert_str_eq(text, of_hours[i].text);
    }
    region_shown_number(&euros, 123456789, 0, text);
    ck_assert_str_eq(text, "1234567.89");
    region_shown_number(&euros, 100050, 0, text);
    ck_assert_str_eq(text, "1000.5");
    region_shown_number(&mean, 301, 3, text);
    ck_assert_str_eq(text, "3.3");
    region_shown_number(&mean, 0, 4, text);
    ck_assert_str_eq(text, "0.0");
}
END_TEST

static void count_error(diag_sink *sink, const diag *what)
{
    errors += what->severity == DIAG_ERROR;
}

START_TEST(headings_arrange_every_indicator)
{
    region_scheme scheme;
    diag_sink sink = {.emit = count_error};
    unsigned count = 0, rest = 0;
    region_sum *sum = begin(contracts, 3);
    finish(sum);
    ck_assert(region_scheme_read(&scheme, memory, text_of("84"), "84.yaml", carried("84.yaml"), &sink));
    ck_assert(scheme.to_confirm);
    for (unsigned h = 0; h < scheme.heading_count; h++)
        for (unsigned i = 0; i < scheme.headings[h].indicator_count; i++) {
            text_view code = scheme.headings[h].indicators[i];
            ck_assert_msg(text_is(code, REGION_DISTINCT) || code.at[0] == 'L' || catalogue_find(&national, code), "%.*s", (int)code.size, code.at);
        }
    region_section *sections = region_scheme_arrange(&scheme, &table, memory, &count);
    ck_assert_ptr_nonnull(sections);
    ck_assert_uint_eq(count, scheme.heading_count); /* all of the national list has a heading */
    sections = region_scheme_arrange(NULL, &table, memory, &count);
    ck_assert_ptr_nonnull(sections);
    for (unsigned i = 0; i < count; i++)
        rest += sections[i].indicator_count;
    ck_assert_uint_eq(rest, table.indicator_count);

    scheme.heading_count = 1;
    sections = region_scheme_arrange(&scheme, &table, memory, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert(text_is(sections[1].title, "Autres indicateurs"));
    ck_assert_uint_eq(sections[0].indicator_count + sections[1].indicator_count, table.indicator_count);
}
END_TEST

START_TEST(what_is_wrong_in_a_scheme_is_said)
{
    static const char *const wrong[] = {
        "region: \"11\"\ntitre: T\nde: 2021\na: 2023\nrubriques: [{code: a, titre: A, indicateurs: [x]}]\n",
        "region: \"84\"\ntitre: T\nde: 2023\na: 2021\nrubriques: [{code: a, titre: A, indicateurs: [x]}]\n",
        "region: \"84\"\ntitre: T\nde: 2021\na: 2023\nrubriques: [{code: a, titre: A, indicateurs: [x, x]}]\n",
        "region: \"84\"\ntitre: T\nde: 2021\na: 2023\nrubriques: [{code: a, titre: A, indicateurs: [x]}, {code: a, titre: B, indicateurs: [y]}]\n",
        "region: \"84\"\ntitre: T\nde: 2021\na: 2023\nrubriques: []\n",
        "region: \"84\"\ntitre: T\nde: 2021\na: 2023\nrubrique: 1\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        region_scheme scheme;
        diag_sink sink = {.emit = count_error};
        errors = 0;
        ck_assert(!region_scheme_read(&scheme, memory, text_of("84"), "84.yaml", text_of(wrong[i]), &sink));
        ck_assert_uint_gt(errors, 0);
    }
}
END_TEST

START_TEST(masked_cells_are_written_nowhere)
{
    region_sum *sum = begin(contracts, 3);
    unsigned count = 0;
    put(sum, 0, "1.1.total", 987, 0, "987");
    put(sum, 1, "1.1.total", 41, 0, "41");
    put(sum, 1, "1.2.outils", 0, 0, "=1+1, \"dit\"");
    finish(sum);
    for (unsigned i = 0; i < table.cell_count; i++)
        table.cells[i].masked = table.cells[i].amount == 987;
    FILE *to = open_memstream(&written, &written_bytes);
    region_form_csv(&table, to);
    fclose(to);
    ck_assert(strncmp(written, REGION_FORM_HEADER "\n84,03,a,1.1.total,", sizeof REGION_FORM_HEADER + 18) == 0);
    ck_assert_ptr_null(strstr(written, "987"));
    ck_assert_ptr_nonnull(strstr(written, ",,masque,personnes\n"));
    ck_assert_ptr_nonnull(strstr(written, ",41,publie,personnes\n"));
    ck_assert_ptr_nonnull(strstr(written, ",\"'=1+1, \"\"dit\"\"\",publie,\n"));
    free(written);
    region_section *sections = region_scheme_arrange(NULL, &table, memory, &count);
    to = open_memstream(&written, &written_bytes);
    table.threshold = 11;
    region_form_print(&table, "Brouillon", NULL, sections, count, 80, to);
    fclose(to);
    ck_assert_ptr_null(strstr(written, "987"));
    ck_assert_ptr_nonnull(strstr(written, "· masqué"));
    ck_assert_ptr_nonnull(strstr(written, "moins de 11"));
    ck_assert_ptr_nonnull(strstr(written, "Département 63 · Puy-de-Dôme"));
}
END_TEST

START_TEST(periods_have_names)
{
    char text[REGION_FORM_PERIOD_MAX];
    civil_month january = civil_month_parse(text_of("2024-01"));
    static const struct { int from, to; const char *name; } cases[] = {{0, 11, "année 2024"}, {0, 2, "de janvier à mars 2024"},
                                                                       {3, 3, "avril 2024"}, {10, 13, "de novembre 2024 à février 2025"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        table = (region_table){.from = january + cases[i].from, .to = january + cases[i].to};
        region_form_period(&table, text);
        ck_assert_str_eq(text, cases[i].name);
    }
    table = (region_table){.from = CIVIL_NONE, .to = CIVIL_NONE};
    region_form_period(&table, text);
    ck_assert_str_eq(text, "toute la durée de chaque contrat");
}
END_TEST

/* Memory that runs short at any point is said. */
START_TEST(short_memory_is_no_table)
{
    for (size_t limit = 1 << 10; limit < 1 << 20; limit += 8 << 10) {
        arena *small = arena_new(limit);
        region_sum *sum = small ? region_sum_new(small, text_of("84"), text_of("R"), contracts, 3) : NULL;
        bool good = sum != NULL;
        for (unsigned i = 0; i < national.count && good; i++)
            good = region_sum_declare(sum, REGION_SUM_NATIONAL, &national.items[i]);
        region_part part = {.known = true, .has_value = true, .amount = 1, .shown = text_of("1")};
        good = good && region_sum_put(sum, 0, text_of("1.1.total"), &part);
        if (good)
            good = region_sum_finish(sum, &table) == REGION_SUM_DONE;
        if (good)
            ck_assert_uint_eq(table.territory_count, 6);
        arena_destroy(&small);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("region_sum");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, leave);
    tcase_add_test(all, territories_come_in_order);
    tcase_add_test(all, exact_amounts_are_summed);
    tcase_add_test(all, own_indicators_are_summed_where_they_are_alike);
    tcase_add_test(all, persons_count_once_in_a_scope);
    tcase_add_test(all, what_a_purged_contract_cannot_tell_has_no_value);
    tcase_add_test(all, what_does_not_fit_is_refused);
    tcase_add_test(all, amounts_are_written_as_the_database_does);
    tcase_add_test(all, headings_arrange_every_indicator);
    tcase_add_test(all, what_is_wrong_in_a_scheme_is_said);
    tcase_add_test(all, masked_cells_are_written_nowhere);
    tcase_add_test(all, periods_have_names);
    tcase_add_test(all, short_memory_is_no_table);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
