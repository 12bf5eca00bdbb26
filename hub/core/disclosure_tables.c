/*
 * disclosure_tables: the relations inside one release, as rows of the model: sums over contracts and departments; what the
 * definitions say of men, women, BPI and under 25 (for the list's own cells these are exact: whole numbers that satisfy
 * them are the counts of some group of people); parts and wholes; who has a fact is a beneficiary; distinct persons.
 * Where all sexes are stated, men and women are taken to make up the total: a reader would guess it.
 */
#include "disclosure_model.h"

#include <assert.h>

#include "disclosure_block.h"

static unsigned at(const disclosure_model *self, unsigned release, unsigned territory, unsigned indicator)
{
    const region_table *table = disclosure_model_release(self, release);
    const region_cell *cell = indicator == DISCLOSURE_NOWHERE ? NULL : region_table_cell(table, territory, indicator);
    return cell ? self->variable_of[release][cell - table->cells] : DISCLOSURE_NOWHERE;
}

/* A department is the sum of its contracts, the region that of its departments, wherever the records say so. */
static void add_sums(disclosure_model *self, unsigned release)
{
    const region_table *table = disclosure_model_release(self, release);
    for (unsigned i = 0; i < table->indicator_count; i++)
        for (unsigned up = 0; up < table->territory_count; up++) {
            unsigned total = at(self, release, up, i);
            if (total == DISCLOSURE_NOWHERE || table->territories[up].level == REGION_CONTRACT || table->indicators[i].is_distinct)
                continue;
            disclosure_model_row(self);
            disclosure_model_term(self, total, 1);
            for (unsigned down = 0; down < table->territory_count; down++) {
                unsigned part = at(self, release, down, i);
                if (down != up && table->territories[down].parent == up && part != DISCLOSURE_NOWHERE)
                    disclosure_model_term(self, part, -1);
            }
            (void)disclosure_model_end(self, true, true);
        }
}

enum { ANY_SEX, MEN, WOMEN, SEXES };

/* The indicators that count the same facts and differ by their filters. */
typedef struct {
    unsigned of[SEXES][2][2]; /* [sex][bpi][under_25]: an indicator of the release, or DISCLOSURE_NOWHERE */
} crossing;

static bool same_facts(const region_indicator *a, const region_indicator *b)
{
    region_indicator wide_a = *a, wide_b = *b;
    wide_a.what.sex = wide_b.what.sex = RECORD_SEX_NONE;
    wide_a.what.bpi = wide_b.what.bpi = wide_a.what.under_25 = wide_b.what.under_25 = false;
    return disclosure_block_part(&wide_a, &wide_b) && disclosure_block_part(&wide_b, &wide_a);
}

static crossing crossing_of(const region_table *table, unsigned first)
{
    crossing self;
    for (unsigned i = 0; i < SEXES * 4; i++)
        self.of[i / 4][i / 2 % 2][i % 2] = DISCLOSURE_NOWHERE;
    for (unsigned i = table->indicator_count; i > first; i--) {
        const catalogue_indicator *what = &table->indicators[i - 1].what;
        unsigned sex = what->sex == RECORD_SEX_H ? MEN : what->sex == RECORD_SEX_F ? WOMEN : ANY_SEX;
        if (same_facts(&table->indicators[first], &table->indicators[i - 1]))
            self.of[sex][what->bpi][what->under_25] = i - 1;
    }
    return self;
}

typedef struct {
    disclosure_model *model;
    unsigned release, territory;
    const crossing *over;
} corner;

static unsigned pick(const corner *self, unsigned sex, unsigned bpi, unsigned young)
{
    return at(self->model, self->release, self->territory, self->over->of[sex][bpi][young]);
}

/* a - b - c + d >= 0, of those that are there: the first must be; false when a needed one is missing. */
static bool add_row(disclosure_model *model, const unsigned *plus, const unsigned *minus, unsigned count, bool if_equal)
{
    for (unsigned i = 0; i < count; i++)
        if (plus[i] == DISCLOSURE_NOWHERE || minus[i] == DISCLOSURE_NOWHERE)
            return false;
    disclosure_model_row(model);
    for (unsigned i = 0; i < count; i++) {
        disclosure_model_term(model, plus[i], 1);
        disclosure_model_term(model, minus[i], -1);
    }
    return disclosure_model_end(model, false, if_equal);
}

/* Those who are in whole and not in part: a number that nobody publishes, and that may be as small as a masked one. */
static void add_implied(disclosure_model *model, const unsigned *plus, const unsigned *minus, unsigned count)
{
    double truth = 0;
    for (unsigned i = 0; i < count; i++) {
        if (plus[i] == DISCLOSURE_NOWHERE || minus[i] == DISCLOSURE_NOWHERE)
            return;
        truth += disclosure_model_variable(model, plus[i])->truth - disclosure_model_variable(model, minus[i])->truth;
    }
    const disclosure_variable *like = disclosure_model_variable(model, plus[0]);
    if (truth < 1 || truth >= model->options->threshold || like->release + 1 != model->release_count)
        return;
    disclosure_variable fresh = *like;
    fresh.truth = truth;
    fresh.cell = DISCLOSURE_NOWHERE;
    fresh.implied = true;
    fresh.in_block = false;
    unsigned implied = disclosure_model_add(model, &fresh);
    disclosure_model_row(model);
    disclosure_model_term(model, implied, 1);
    for (unsigned i = 0; i < count; i++) {
        disclosure_model_term(model, plus[i], -1);
        disclosure_model_term(model, minus[i], 1);
    }
    (void)disclosure_model_end(model, true, true);
}

/* Sexes: their sum is at most the whole; and so for those who are not BPI, or not under 25. */
static void add_sexes(const corner *self)
{
    disclosure_model *model = self->model;
    for (unsigned bpi = 0; bpi < 2; bpi++)
        for (unsigned young = 0; young < 2; young++) {
            unsigned all = pick(self, ANY_SEX, bpi, young), men = pick(self, MEN, bpi, young), women = pick(self, WOMEN, bpi, young);
            if (all != DISCLOSURE_NOWHERE && men != DISCLOSURE_NOWHERE && women != DISCLOSURE_NOWHERE) {
                disclosure_model_row(model);
                disclosure_model_term(model, all, 1);
                disclosure_model_term(model, men, -1);
                disclosure_model_term(model, women, -1);
                (void)disclosure_model_end(model, false, true);
            } else {
                (void)add_row(model, &all, &men, 1, false);
                (void)add_row(model, &all, &women, 1, false);
            }
        }
    for (unsigned filter = 0; filter < 2; filter++)
        for (unsigned other = 0; other < 2; other++) {
            unsigned no_bpi = filter ? other : 0, no_young = filter ? 0 : other;
            unsigned bpi = filter ? other : 1, young = filter ? 1 : other;
            unsigned plus[3] = { pick(self, ANY_SEX, no_bpi, no_young), pick(self, MEN, bpi, young), pick(self, WOMEN, bpi, young) };
            unsigned minus[3] = { pick(self, ANY_SEX, bpi, young), pick(self, MEN, no_bpi, no_young), pick(self, WOMEN, no_bpi, no_young) };
            if (!add_row(model, plus, minus, 3, true)) { /* all - men - women of those without the filter */
                unsigned one_plus[2] = { plus[0], plus[1] }, one_minus[2] = { minus[0], minus[1] };
                (void)add_row(model, one_plus, one_minus, 2, false);
                one_plus[1] = plus[2], one_minus[1] = minus[2];
                (void)add_row(model, one_plus, one_minus, 2, false);
            }
        }
}

/* BPI and under 25: parts, and the corner of those who are neither. */
static void add_filters(const corner *self)
{
    disclosure_model *model = self->model;
    for (unsigned sex = 0; sex < SEXES; sex++) {
        unsigned all = pick(self, sex, 0, 0), bpi = pick(self, sex, 1, 0), young = pick(self, sex, 0, 1), both = pick(self, sex, 1, 1);
        const unsigned pairs[4][2] = { { all, bpi }, { all, young }, { bpi, both }, { young, both } };
        for (unsigned i = 0; i < 4; i++) {
            (void)add_row(model, &pairs[i][0], &pairs[i][1], 1, false);
            add_implied(model, &pairs[i][0], &pairs[i][1], 1);
        }
        unsigned plus[2] = { all, both }, minus[2] = { bpi, young };
        (void)add_row(model, plus, minus, 2, false);
        add_implied(model, plus, minus, 2);
    }
}

static void add_crossings(disclosure_model *self, unsigned release)
{
    const region_table *table = disclosure_model_release(self, release);
    for (unsigned i = 0; i < table->indicator_count; i++) {
        bool first = !table->indicators[i].is_distinct;
        for (unsigned j = 0; j < i && first; j++)
            first = !same_facts(&table->indicators[i], &table->indicators[j]);
        if (!first)
            continue;
        crossing over = crossing_of(table, i);
        for (unsigned territory = 0; territory < table->territory_count; territory++) {
            corner here = { self, release, territory, &over };
            add_sexes(&here);
            add_filters(&here);
        }
    }
}

/* Does whoever is counted by one count among the other's beneficiaries? Facts of persons come with a `beneficiaire`. */
static bool is_beneficiary(const region_indicator *one, const region_indicator *other)
{
    const catalogue_indicator *a = &one->what, *b = &other->what;
    bool people = a->kind == CATALOGUE_PERSONNES || a->kind == CATALOGUE_ASSIDUITE || a->kind == CATALOGUE_PROGRES;
    bool all = b->kind == CATALOGUE_PERSONNES && b->type_count == 1 && b->types[0] == FACT_BENEFICIAIRE && !other->is_distinct;
    return people && all && !one->is_distinct && !(a->kind == CATALOGUE_PERSONNES && a->types[0] == FACT_BENEFICIAIRE)
           && (b->sex == RECORD_SEX_NONE || b->sex == a->sex) && (!b->bpi || a->bpi) && (!b->under_25 || a->under_25);
}

/* Parts of other facts (a job among exits), and facts of beneficiaries. */
static void add_parts(disclosure_model *self, unsigned release)
{
    const region_table *table = disclosure_model_release(self, release);
    for (unsigned i = 0; i < table->indicator_count; i++)
        for (unsigned j = 0; j < table->indicator_count; j++) {
            const region_indicator *part = &table->indicators[i], *whole = &table->indicators[j];
            bool within = disclosure_block_part(part, whole) && !same_facts(part, whole);
            if (i == j || !(within || is_beneficiary(part, whole)))
                continue;
            for (unsigned territory = 0; territory < table->territory_count; territory++) {
                unsigned plus = at(self, release, territory, j), minus = at(self, release, territory, i);
                (void)add_row(self, &plus, &minus, 1, false);
            }
        }
}

void disclosure_tables_add(disclosure_model *self, unsigned release)
{
    add_sums(self, release);
    add_crossings(self, release);
    add_parts(self, release);
    disclosure_distinct_add(self, release);
}
