/*
 * disclosure_releases: what ties a release to the ones before it, as rows of the model: a number counted since the contract's
 * start does not fall from one release to the next; a quarter is part of its year, a year of the whole contract, and a year
 * has at most what its four quarters have (sums: exactly that). Where a territory's numbers are all the same in two releases
 * of one period, a reader will guess that nothing changed there, and each unknown number is taken to be the same.
 */
#include "disclosure_model.h"

#include <assert.h>

typedef enum { PERIOD_WHOLE, PERIOD_YEAR, PERIOD_QUARTER, PERIOD_OTHER } period;

static period period_of(const region_table *table)
{
    if (table->from == CIVIL_NONE || table->to == CIVIL_NONE)
        return PERIOD_WHOLE;
    if (table->to - table->from == 11)
        return PERIOD_YEAR;
    return table->to - table->from == 2 ? PERIOD_QUARTER : PERIOD_OTHER;
}

static bool same_period(const region_table *a, const region_table *b)
{
    return a->from == b->from && a->to == b->to;
}

/* Is everything of part's period in that of whole, which is another? */
static bool is_within(const region_table *part, const region_table *whole)
{
    if (same_period(part, whole) || period_of(part) == PERIOD_WHOLE)
        return false;
    return period_of(whole) == PERIOD_WHOLE || (part->from >= whole->from && part->to <= whole->to);
}

/* The same territory in another release, or DISCLOSURE_NOWHERE. */
static unsigned same_territory(const region_table *in, const region_territory *as)
{
    for (unsigned i = 0; i < in->territory_count; i++) {
        const region_territory *at = &in->territories[i];
        if (at->level == as->level && text_equal(at->department, as->department) && text_equal(at->contract, as->contract))
            return i;
    }
    return DISCLOSURE_NOWHERE;
}

/* The variable of indicator (of the model) in a territory of a release. */
static unsigned variable_of(const disclosure_model *self, unsigned release, unsigned territory, unsigned indicator)
{
    const region_table *table = disclosure_model_release(self, release);
    for (unsigned i = 0; i < table->indicator_count; i++)
        if (self->indicator_of[release][i] == indicator) {
            const region_cell *cell = region_table_cell(table, territory, i);
            return cell ? self->variable_of[release][cell - table->cells] : DISCLOSURE_NOWHERE;
        }
    return DISCLOSURE_NOWHERE;
}

typedef struct {
    unsigned small, large;             /* releases: of the earlier or shorter, of the later or longer */
    unsigned small_at, large_at;       /* the territory in each */
    bool unchanged;                    /* every number of it is the same */
} tie;

static bool grows(const region_indicator *indicator)
{
    return indicator->what.kind != CATALOGUE_DUREE_MOYENNE;
}

/* large >= small, number by number; equal when nothing changed in a territory. */
static void add_tie(disclosure_model *self, const tie *of)
{
    for (unsigned i = 0; i < self->indicator_count; i++) {
        unsigned small = variable_of(self, of->small, of->small_at, i), large = variable_of(self, of->large, of->large_at, i);
        if (small == DISCLOSURE_NOWHERE || large == DISCLOSURE_NOWHERE || (!grows(self->indicators[i]) && !of->unchanged))
            continue;
        disclosure_model_row(self);
        disclosure_model_term(self, large, 1);
        disclosure_model_term(self, small, -1);
        (void)disclosure_model_end(self, false, of->unchanged);
    }
}

/* A number that is repeated for strictness says nothing of what is true now. */
static bool is_repeated(const disclosure_model *self, unsigned variable)
{
    const region_cell *cell = disclosure_model_cell(self, disclosure_model_variable(self, variable));
    return cell && cell->repeated;
}

static bool is_unchanged(const disclosure_model *self, const tie *of)
{
    for (unsigned i = 0; i < self->indicator_count; i++) {
        unsigned a = variable_of(self, of->small, of->small_at, i), b = variable_of(self, of->large, of->large_at, i);
        if (a == DISCLOSURE_NOWHERE || b == DISCLOSURE_NOWHERE)
            continue;
        if (disclosure_model_variable(self, a)->truth != disclosure_model_variable(self, b)->truth || is_repeated(self, a)
            || is_repeated(self, b))
            return false;
    }
    return true;
}

static void add_pair(disclosure_model *self, unsigned small, unsigned large)
{
    const region_table *from = disclosure_model_release(self, small), *to = disclosure_model_release(self, large);
    for (unsigned i = 0; i < from->territory_count && !self->is_short; i++) {
        tie one = { .small = small, .large = large, .small_at = i, .large_at = same_territory(to, &from->territories[i]) };
        if (one.large_at == DISCLOSURE_NOWHERE)
            continue;
        one.unchanged = same_period(from, to) && is_unchanged(self, &one);
        add_tie(self, &one);
    }
}

/* A year and its four quarters: at most their sum; a plain sum: exactly. */
static void add_year(disclosure_model *self, unsigned year)
{
    const region_table *table = disclosure_model_release(self, year);
    unsigned quarters[4], found = 0;
    for (unsigned q = 0; q < 4; q++)
        for (unsigned i = self->release_count; i > 0; i--) {
            const region_table *part = disclosure_model_release(self, i - 1);
            if (period_of(part) == PERIOD_QUARTER && part->from == table->from + (civil_month)(3 * q)) {
                quarters[found++] = i - 1;
                break;
            }
        }
    for (unsigned at = 0; at < table->territory_count && found == 4; at++)
        for (unsigned i = 0; i < self->indicator_count && !self->is_short; i++) {
            unsigned whole = variable_of(self, year, at, i), parts[4];
            bool all = whole != DISCLOSURE_NOWHERE && grows(self->indicators[i]);
            for (unsigned q = 0; q < 4 && all; q++) {
                unsigned there = same_territory(disclosure_model_release(self, quarters[q]), &table->territories[at]);
                parts[q] = there == DISCLOSURE_NOWHERE ? there : variable_of(self, quarters[q], there, i);
                all = parts[q] != DISCLOSURE_NOWHERE;
            }
            if (!all)
                continue;
            disclosure_model_row(self);
            for (unsigned q = 0; q < 4; q++)
                disclosure_model_term(self, parts[q], 1);
            disclosure_model_term(self, whole, -1);
            (void)disclosure_model_end(self, false, self->indicators[i]->what.kind == CATALOGUE_SOMME);
        }
}

void disclosure_releases_add(disclosure_model *self)
{
    for (unsigned i = 0; i < self->release_count; i++) {
        const region_table *here = disclosure_model_release(self, i);
        bool again = false, year = false, whole = false;
        for (unsigned j = i + 1; j < self->release_count; j++) {
            const region_table *later = disclosure_model_release(self, j);
            bool is_year = is_within(here, later) && period_of(later) != PERIOD_WHOLE;
            bool is_whole = is_within(here, later) && period_of(later) == PERIOD_WHOLE;
            if ((same_period(here, later) && !again) || (is_year && !year) || (is_whole && !whole))
                add_pair(self, i, j);
            again = again || same_period(here, later);
            year = year || is_year;
            whole = whole || is_whole;
        }
        if (period_of(here) == PERIOD_YEAR)
            add_year(self, i);
    }
}

void disclosure_releases_limit(disclosure_model *self)
{
    const unsigned last = self->release_count - 1;
    unsigned unknown = 0;
    bool *near = arena_take(self->from, (self->release_count + 1) * sizeof *near);
    if (!near) {
        self->is_short = true;
        return;
    }
    for (unsigned i = 0; i < self->release_count; i++)
        for (unsigned j = 0; j < disclosure_model_release(self, i)->cell_count; j++)
            unknown += disclosure_model_release(self, i)->cells[j].masked;
    for (unsigned i = 0; i < self->rows.count; i++) {
        const disclosure_row *row = (const disclosure_row *)self->rows.items + i;
        const disclosure_term *terms = (const disclosure_term *)self->terms.items + row->first;
        bool tied = false;
        for (unsigned k = 0; k < row->count; k++)
            tied = tied || disclosure_model_variable(self, terms[k].variable)->release == last;
        for (unsigned k = 0; k < row->count && tied; k++)
            near[disclosure_model_variable(self, terms[k].variable)->release] = true;
    }
    for (unsigned i = 0; i < self->variables.count && unknown > DISCLOSURE_UNKNOWN; i++) {
        disclosure_variable *at = disclosure_model_variable(self, i);
        if (at->release != last && !near[at->release])
            at->far = at->excused = true;
    }
}
