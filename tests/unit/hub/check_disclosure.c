/* check_disclosure: small regional tables whose masks can be worked out by hand. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "disclosure.h"
#include "disclosure_block.h"

enum { TOTAL, MEN, WOMEN, YOUNG, BPI, DISTINCT, COST, HOURS, CARE, EXITS, TRAINED, THEMES, INDICATORS };

static arena *memory;

static void set_up(void)
{
    memory = arena_new((size_t)64 << 20);
    ck_assert_ptr_nonnull(memory);
}

static void tear_down(void)
{
    arena_destroy(&memory);
}

static region_indicator indicator(const char *code, catalogue_kind kind, region_basis basis, fact_unit measure, fact_type type)
{
    return (region_indicator){ .what = { .code = text_of(code), .kind = kind, .type_count = 1, .types = { type },
                                         .measure = measure }, .basis = basis };
}

static region_indicator *indicators(void)
{
    region_indicator *all = arena_take(memory, INDICATORS * sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (unsigned i = TOTAL; i <= DISTINCT; i++)
        all[i] = indicator("1.1.total", CATALOGUE_PERSONNES, REGION_RESTS_ON_PERSONS, FACT_UNIT_NONE, FACT_BENEFICIAIRE);
    all[MEN].what.code = text_of("1.1.hommes"), all[MEN].what.sex = RECORD_SEX_H;
    all[WOMEN].what.code = text_of("1.1.femmes"), all[WOMEN].what.sex = RECORD_SEX_F;
    all[YOUNG].what.code = text_of("1.1.moins_25"), all[YOUNG].what.under_25 = true;
    all[BPI].what.code = text_of("1.1.bpi"), all[BPI].what.bpi = true;
    all[DISTINCT].what.code = text_of(REGION_DISTINCT), all[DISTINCT].is_distinct = true;
    all[COST] = indicator("2.cout_total", CATALOGUE_SOMME, REGION_RESTS_ON_NOBODY, FACT_UNIT_CENTS, FACT_COUT);
    all[HOURS] = indicator("3.1.heures", CATALOGUE_HEURES, REGION_RESTS_ON_RECORDS, FACT_UNIT_MINUTES, FACT_SEANCE);
    all[CARE] = indicator("3.5.consultations", CATALOGUE_SOMME, REGION_RESTS_ON_RECORDS, FACT_UNIT_COUNT, FACT_CONSULTATION_MEDICALE);
    all[EXITS] = indicator("3.2.sorties_positives", CATALOGUE_PERSONNES, REGION_RESTS_ON_PERSONS, FACT_UNIT_NONE, FACT_SORTIE);
    all[EXITS].what.detail_count = 2;
    all[EXITS].what.details[0] = text_of("emploi"), all[EXITS].what.details[1] = text_of("formation");
    all[TRAINED] = all[EXITS];
    all[TRAINED].what.code = text_of("3.2.formation");
    all[TRAINED].what.detail_count = 1, all[TRAINED].what.details[0] = text_of("formation");
    static const char *const themes[] = { "laicite", "egalite", "citoyennete", "autre" };
    all[THEMES] = indicator("3.3.thematiques", CATALOGUE_LISTE, REGION_RESTS_ON_RECORDS, FACT_UNIT_NONE, FACT_SEANCE);
    all[THEMES].what.detail_count = 4;
    for (unsigned i = 0; i < 4; i++)
        all[THEMES].what.details[i] = text_of(themes[i]);
    return all;
}

/* A department of so many contracts that share a scope, each with 40 people who are all alike; then the region. */
static region_table *table_of(unsigned contracts)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
    region_table *self = arena_take(memory, sizeof *self);
    ck_assert(self && contracts <= 6);
    self->from = self->to = CIVIL_NONE;
    self->indicators = indicators();
    self->indicator_count = INDICATORS;
    self->territory_count = contracts + 2;
    self->territories = arena_take(memory, self->territory_count * sizeof *self->territories);
    self->cells = arena_take(memory, self->territory_count * INDICATORS * sizeof *self->cells);
    ck_assert(self->territories && self->cells);
    for (unsigned t = 0; t < self->territory_count; t++) {
        region_territory *at = &self->territories[t];
        at->level = t < contracts ? REGION_CONTRACT : t == contracts ? REGION_DEPARTMENT : REGION_WHOLE;
        at->department = text_of(at->level == REGION_WHOLE ? "" : "63");
        at->contract = text_of(at->level == REGION_CONTRACT ? names[t] : "");
        at->scope = text_of(at->level == REGION_CONTRACT ? "63" : "");
        at->parent = t < contracts ? contracts : contracts + 1;
        for (unsigned i = 0; i < INDICATORS; i++)
            if (i != DISTINCT || at->level != REGION_CONTRACT)
                self->cells[self->cell_count++] = (region_cell){ .territory = t, .indicator = i, .has_value = true };
    }
    return self;
}

static region_cell *cell(region_table *self, unsigned territory, unsigned indicator_at)
{
    region_cell *found = region_table_cell(self, territory, indicator_at);
    ck_assert_ptr_nonnull(found);
    return found;
}

static void set(region_table *self, unsigned territory, unsigned at, int64_t amount, int64_t rests)
{
    region_cell *found = cell(self, territory, at);
    found->amount = amount;
    found->rests = rests;
}

static void people(region_table *self, unsigned territory, unsigned at, int64_t count)
{
    set(self, territory, at, count, count);
}

/* Departments and the region: sums of the contracts; distinct persons: as many as given. */
static void sum_up(region_table *self, int64_t distinct)
{
    unsigned department = self->territory_count - 2;
    for (unsigned i = 0; i < INDICATORS; i++) {
        int64_t amount = 0, rests = 0;
        for (unsigned t = 0; t < department && i != DISTINCT; t++) {
            amount += cell(self, t, i)->amount;
            rests += cell(self, t, i)->rests;
        }
        for (unsigned t = department; t <= department + 1; t++)
            set(self, t, i, i == DISTINCT ? distinct : amount, i == DISTINCT ? distinct : rests);
    }
}

static disclosure_outcome control(region_table *self, const region_table *const *earlier, unsigned count, unsigned threshold,
                                  disclosure_result *result)
{
    const disclosure_options options = { .threshold = threshold, .values = DISCLOSURE_VALUES };
    return disclosure_control(self, earlier, count, &options, memory, result);
}

static unsigned masked_contracts(region_table *self, unsigned at)
{
    unsigned count = 0;
    for (unsigned t = 0; t + 2 < self->territory_count; t++)
        count += cell(self, t, at)->masked;
    return count;
}

START_TEST(the_rule)
{
    region_table *self = table_of(1);
    disclosure_result result;
    people(self, 0, TOTAL, 10);
    people(self, 0, MEN, 10);
    set(self, 0, COST, 5000, 0);
    set(self, 0, HOURS, 600, 11);
    set(self, 0, CARE, 400, 10);
    sum_up(self, 10);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, TOTAL)->masked && cell(self, 0, TOTAL)->primary);
    ck_assert(cell(self, 0, WOMEN)->masked && cell(self, 0, WOMEN)->primary); /* a zero of a masked block */
    ck_assert(!cell(self, 0, COST)->masked && !cell(self, 0, HOURS)->masked);
    ck_assert(cell(self, 0, CARE)->masked); /* 400 consultations of 10 records */
    ck_assert(!cell(self, 0, EXITS)->masked && !cell(self, 0, TRAINED)->masked); /* a zero that is no part of what is masked */
    ck_assert_uint_eq(result.masked, result.primary);
}
END_TEST

START_TEST(the_threshold_itself_is_published)
{
    region_table *self = table_of(2);
    disclosure_result result;
    for (unsigned t = 0; t < 2; t++) {
        people(self, t, TOTAL, 11);
        people(self, t, WOMEN, 11);
    }
    sum_up(self, 22);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert_uint_eq(result.masked, 0);
    ck_assert_int_eq(control(self, NULL, 0, 12, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, TOTAL)->primary && cell(self, 1, TOTAL)->primary);
    ck_assert(cell(self, 2, TOTAL)->masked && !cell(self, 2, TOTAL)->primary); /* two of 1 to 11 that make 22 are 11 each */
}
END_TEST

START_TEST(a_sum_protects_no_single_cell)
{
    region_table *self = table_of(3);
    disclosure_result result;
    set(self, 0, CARE, 7, 3);
    set(self, 1, CARE, 60, 40);
    set(self, 2, CARE, 50, 30);
    set(self, 0, HOURS, 90, 1);
    set(self, 1, HOURS, 6000, 40);
    set(self, 2, HOURS, 9000, 40);
    sum_up(self, 0);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, CARE)->primary);
    ck_assert_uint_eq(masked_contracts(self, CARE), 2);
    ck_assert_uint_eq(masked_contracts(self, HOURS), 2);
    ck_assert(!cell(self, 3, CARE)->masked && !cell(self, 4, HOURS)->masked);
    ck_assert_uint_eq(result.masked, 4);
    ck_assert_uint_eq(result.primary, 2);
}
END_TEST

START_TEST(one_sex_tells_the_other)
{
    region_table *self = table_of(3);
    disclosure_result result;
    for (unsigned t = 0; t < 3; t++) {
        people(self, t, TOTAL, 60);
        people(self, t, MEN, t == 0 ? 55 : 30);
        people(self, t, WOMEN, t == 0 ? 5 : 30);
    }
    sum_up(self, 150);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, WOMEN)->primary);
    ck_assert(cell(self, 0, MEN)->masked || cell(self, 0, TOTAL)->masked);
    ck_assert_uint_ge(masked_contracts(self, WOMEN), 2);
    ck_assert_uint_ge(masked_contracts(self, MEN), 2);
    ck_assert(!cell(self, 3, WOMEN)->masked && !cell(self, 4, MEN)->masked);
    ck_assert(!cell(self, 0, TOTAL)->masked);
}
END_TEST

START_TEST(an_implied_complement)
{
    region_table *self = table_of(3);
    disclosure_result result;
    for (unsigned t = 0; t < 3; t++) {
        people(self, t, TOTAL, 60);
        people(self, t, BPI, t == 0 ? 57 : 30); /* three who are not BPI */
        people(self, t, YOUNG, t == 1 ? 52 : 20); /* eight of 25 and over */
    }
    sum_up(self, 150);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert_uint_eq(result.primary, 0);
    ck_assert(cell(self, 0, BPI)->masked || cell(self, 0, TOTAL)->masked);
    ck_assert(cell(self, 1, YOUNG)->masked || cell(self, 1, TOTAL)->masked);
    ck_assert(!cell(self, 3, BPI)->masked && !cell(self, 3, TOTAL)->masked);
}
END_TEST

START_TEST(distinct_persons_bound_contracts)
{
    region_table *self = table_of(2);
    disclosure_result result;
    for (unsigned t = 0; t < 2; t++) {
        people(self, t, TOTAL, t == 0 ? 5 : 40);
        people(self, t, WOMEN, t == 0 ? 5 : 40);
    }
    sum_up(self, 44); /* with 44 distinct persons, the second contract has at most 44, the first at least 1 */
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, TOTAL)->masked && cell(self, 1, TOTAL)->masked);
    ck_assert(cell(self, 0, BPI)->masked); /* zero, in the block of a total that protects another */
    ck_assert(!cell(self, 1, BPI)->primary);
}
END_TEST

START_TEST(parts_and_wholes)
{
    region_table *self = table_of(2);
    disclosure_result result;
    for (unsigned t = 0; t < 2; t++) {
        people(self, t, TOTAL, 60);
        people(self, t, WOMEN, 60);
        people(self, t, EXITS, t == 0 ? 9 : 40);
        people(self, t, TRAINED, t == 0 ? 0 : 30);
    }
    sum_up(self, 120);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, EXITS)->primary && cell(self, 0, TRAINED)->primary && cell(self, 0, TRAINED)->masked);
    ck_assert(cell(self, 1, EXITS)->masked && cell(self, 1, TRAINED)->masked && !cell(self, 1, TRAINED)->primary);
    ck_assert(disclosure_block_part(&self->indicators[TRAINED], &self->indicators[EXITS]));
    ck_assert(!disclosure_block_part(&self->indicators[EXITS], &self->indicators[TRAINED]));
    ck_assert(disclosure_block_part(&self->indicators[MEN], &self->indicators[TOTAL]));
    ck_assert(!disclosure_block_part(&self->indicators[MEN], &self->indicators[WOMEN]));
    ck_assert(!disclosure_block_part(&self->indicators[EXITS], &self->indicators[TOTAL]));
    ck_assert(!disclosure_block_part(&self->indicators[MEN], &self->indicators[DISTINCT]));
}
END_TEST

/* Quarters and their year: what three of them and the year publish tells the fourth. */
START_TEST(a_year_tells_its_quarter)
{
    const region_table *quarters[4];
    disclosure_result result;
    region_table *year = table_of(3);
    year->from = civil_month_parse(text_of("2024-01"));
    year->to = year->from + 11;
    for (unsigned q = 0; q < 4; q++) {
        region_table *quarter = table_of(3);
        quarter->from = year->from + (civil_month)(3 * q);
        quarter->to = quarter->from + 2;
        for (unsigned t = 0; t < 3; t++)
            set(quarter, t, CARE, q == 0 && t < 2 ? 6 : 50, q == 0 && t < 2 ? 4 : 30);
        sum_up(quarter, 0);
        ck_assert_int_eq(control(quarter, quarters, q, 11, &result), DISCLOSURE_DONE);
        ck_assert_uint_eq(masked_contracts(quarter, CARE), q == 0 ? 2 : 0);
        quarters[q] = quarter;
    }
    for (unsigned t = 0; t < 3; t++)
        set(year, t, CARE, t < 2 ? 156 : 200, 90);
    sum_up(year, 0);
    ck_assert_int_eq(control(year, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert_uint_eq(result.masked, 0);
    ck_assert_int_eq(control(year, quarters, 4, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(year, 0, CARE)->masked && cell(year, 1, CARE)->masked);
}
END_TEST

/* The first numbers that a release with an unchanged territory published may protect nothing in the next. */
START_TEST(a_release_again)
{
    disclosure_result result;
    region_table *first = table_of(4), *again = table_of(4);
    for (unsigned t = 0; t < 4; t++)
        set(first, t, CARE, t == 0 ? 6 : 40, t == 0 ? 4 : 30), set(again, t, CARE, t == 0 ? 6 : 40, t == 0 ? 4 : 30);
    sum_up(first, 0);
    sum_up(again, 0);
    ck_assert_int_eq(control(first, NULL, 0, 11, &result), DISCLOSURE_DONE);
    const region_table *earlier[] = { first };
    ck_assert_int_eq(control(again, earlier, 1, 11, &result), DISCLOSURE_DONE);
    for (unsigned i = 0; i < first->cell_count; i++)
        ck_assert_int_eq(first->cells[i].masked, again->cells[i].masked);
}
END_TEST

/* What was published before a higher threshold stays known: masking it now does not help, and it must be said. */
START_TEST(what_is_known_is_refused)
{
    disclosure_result result;
    region_table *first = table_of(1), *again = table_of(1);
    people(first, 0, EXITS, 6);
    people(first, 0, TOTAL, 60);
    people(first, 0, WOMEN, 60);
    sum_up(first, 60);
    for (unsigned i = 0; i < first->cell_count; i++)
        again->cells[i] = first->cells[i];
    ck_assert_int_eq(control(first, NULL, 0, 5, &result), DISCLOSURE_DONE);
    ck_assert_uint_eq(result.masked, 0);
    const region_table *earlier[] = { first };
    ck_assert_int_eq(control(again, earlier, 1, 11, &result), DISCLOSURE_REFUSED);
    ck_assert_ptr_eq(result.release, again);
    ck_assert_ptr_nonnull(result.cell);
    ck_assert_uint_eq(result.cell->indicator, EXITS);
    ck_assert_uint_lt(result.values, DISCLOSURE_VALUES);
}
END_TEST

static void list(region_table *self, unsigned territory, const char *shown, int64_t rests)
{
    region_cell *at = cell(self, territory, THEMES);
    at->shown = text_of(shown);
    at->has_value = *shown != 0;
    at->rests = rests;
}

/* The union over a department may tell what a masked list holds. */
START_TEST(lists)
{
    disclosure_result result;
    region_table *self = table_of(3);
    sum_up(self, 0);
    list(self, 0, "autre", 2);
    list(self, 1, "laicite;egalite;citoyennete", 30);
    list(self, 2, "laicite", 20);
    list(self, 3, "laicite;egalite;citoyennete;autre", 52);
    list(self, 4, "laicite;egalite;citoyennete;autre", 52);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 0, THEMES)->primary && !cell(self, 1, THEMES)->masked);
    ck_assert(!cell(self, 3, THEMES)->masked); /* "autre" is sure, the three others may be there or not: eight lists */
    list(self, 1, "laicite", 30);
    list(self, 3, "laicite;autre", 52);
    list(self, 4, "laicite;autre", 52);
    ck_assert_int_eq(control(self, NULL, 0, 11, &result), DISCLOSURE_DONE);
    ck_assert(cell(self, 3, THEMES)->masked && !cell(self, 3, THEMES)->primary && cell(self, 4, THEMES)->masked);
}
END_TEST

static disclosure_outcome strictly(region_table *self, const region_table *const *earlier, unsigned count, disclosure_result *result)
{
    const disclosure_options options = { .threshold = 11, .values = DISCLOSURE_VALUES, .strict = true };
    return disclosure_control(self, earlier, count, &options, memory, result);
}

/* A published number is repeated until it has moved by the threshold; sums follow; what rests on few is masked. */
START_TEST(strict)
{
    disclosure_result result;
    region_table *first = table_of(4), *second = table_of(4);
    static const int64_t before[] = { 40, 40, 30, 0 }, after[] = { 43, 51, 30, 5 };
    for (unsigned t = 0; t < 4; t++) {
        people(first, t, EXITS, before[t]), people(second, t, EXITS, after[t]);
        people(first, t, TOTAL, 60), people(second, t, TOTAL, 60);
        people(first, t, WOMEN, 60), people(second, t, WOMEN, 60);
    }
    sum_up(first, 240);
    sum_up(second, 240);
    ck_assert_int_eq(strictly(first, NULL, 0, &result), DISCLOSURE_DONE);
    ck_assert_uint_eq(result.masked + result.repeated, 0);
    const region_table *earlier[] = { first };
    ck_assert_int_eq(strictly(second, earlier, 1, &result), DISCLOSURE_DONE);
    ck_assert(cell(second, 0, EXITS)->repeated && cell(second, 0, EXITS)->amount == 40);
    ck_assert(!cell(second, 1, EXITS)->repeated && cell(second, 1, EXITS)->amount == 51);
    ck_assert(!cell(second, 2, EXITS)->repeated);
    ck_assert(cell(second, 3, EXITS)->masked && cell(second, 3, EXITS)->primary && cell(second, 3, EXITS)->amount == 0);
    ck_assert(cell(second, 4, EXITS)->amount == 121 && cell(second, 4, EXITS)->repeated);
    ck_assert(text_is(cell(second, 4, EXITS)->shown, "121") && text_is(cell(second, 5, EXITS)->shown, "121"));
    ck_assert(!cell(second, 4, EXITS)->masked);
}
END_TEST

START_TEST(memory_that_is_short)
{
    disclosure_result result;
    region_table *self = table_of(3);
    arena *little = arena_new(20000);
    const disclosure_options options = { .threshold = 11, .values = DISCLOSURE_VALUES };
    people(self, 0, TOTAL, 5);
    sum_up(self, 5);
    ck_assert_ptr_nonnull(little);
    ck_assert_int_eq(disclosure_control(self, NULL, 0, &options, little, &result), DISCLOSURE_SHORT);
    arena_destroy(&little);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disclosure");
    TCase *group = tcase_create("tables");
    tcase_add_checked_fixture(group, set_up, tear_down);
    tcase_add_test(group, the_rule);
    tcase_add_test(group, the_threshold_itself_is_published);
    tcase_add_test(group, a_sum_protects_no_single_cell);
    tcase_add_test(group, one_sex_tells_the_other);
    tcase_add_test(group, an_implied_complement);
    tcase_add_test(group, distinct_persons_bound_contracts);
    tcase_add_test(group, parts_and_wholes);
    tcase_add_test(group, a_year_tells_its_quarter);
    tcase_add_test(group, a_release_again);
    tcase_add_test(group, what_is_known_is_refused);
    tcase_add_test(group, lists);
    tcase_add_test(group, strict);
    tcase_add_test(group, memory_that_is_short);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
