/* disclosure_model: see disclosure_model.h. Here: variables, bounds, masks; the rows are made in disclosure_tables and disclosure_releases. */
#include "disclosure_model.h"

#include <assert.h>
#include <math.h>

#include "disclosure_block.h"

const region_table *disclosure_model_release(const disclosure_model *self, unsigned i)
{
    return i + 1 == self->release_count ? self->table : self->earlier[i];
}

disclosure_variable *disclosure_model_variable(const disclosure_model *self, unsigned i)
{
    assert(i < self->variables.count);
    return (disclosure_variable *)self->variables.items + i;
}

const region_cell *disclosure_model_cell(const disclosure_model *self, const disclosure_variable *of)
{
    return of->cell == DISCLOSURE_NOWHERE ? NULL : &disclosure_model_release(self, of->release)->cells[of->cell];
}

/* Kinds whose number is that of the people on whom it rests. */
static bool counts_people(catalogue_kind kind)
{
    return kind == CATALOGUE_PERSONNES || kind == CATALOGUE_MENAGES || kind == CATALOGUE_ASSIDUITE || kind == CATALOGUE_PROGRES;
}

/* The smallest number that a cell may show which rests on many; 1 when the threshold leaves too few values below it. */
static double least_of_many(const disclosure_model *self, catalogue_kind kind)
{
    if (!counts_people(kind))
        return kind == CATALOGUE_REFERENCES ? 1 : 0;
    return self->options->threshold > self->options->values ? self->options->threshold : 1;
}

void disclosure_model_bounds_masked(const disclosure_model *self, const disclosure_variable *of, double *low, double *high)
{
    const region_cell *cell = disclosure_model_cell(self, of);
    *low = 0;
    *high = HUGE_VAL;
    if (cell && !of->in_block) {
        catalogue_kind kind = disclosure_model_release(self, of->release)->indicators[cell->indicator].what.kind;
        bool small = cell->rests >= 1 && cell->rests < (int64_t)self->options->threshold;
        bool counts = counts_people(kind) || kind == CATALOGUE_REFERENCES;
        if (self->relaxed[of->family])
            *low = counts ? 1 : 0;
        else if (!small)
            *low = least_of_many(self, kind);
        else if (counts) {
            *low = 1;
            if (self->options->threshold > self->options->values)
                *high = self->options->threshold - 1;
        }
    }
    *low = fmin(*low, of->truth);
    *high = fmax(*high, of->truth);
}

void disclosure_model_bounds(const disclosure_model *self, const disclosure_variable *of, double *low, double *high)
{
    const region_cell *cell = disclosure_model_cell(self, of);
    if (cell && !cell->masked)
        *low = *high = of->truth;
    else
        disclosure_model_bounds_masked(self, of, low, high);
}

unsigned disclosure_model_values(const disclosure_model *self, const disclosure_variable *of)
{
    if (of->whole)
        return (unsigned)__builtin_popcountll(of->seen);
    double steps = (of->most - of->least) / of->unit + 1 + 1e-6;
    return steps > 64 ? 64 : (unsigned)steps;
}

bool disclosure_model_is_open(const disclosure_model *self, const disclosure_variable *of)
{
    const region_cell *cell = disclosure_model_cell(self, of);
    return (cell ? cell->masked : of->implied) && !of->excused && disclosure_model_values(self, of) < self->options->values;
}

void disclosure_model_note(disclosure_variable *of, double change)
{
    if (of->whole) {
        assert(fabs(change) <= DISCLOSURE_REACH);
        of->seen |= 1ULL << (DISCLOSURE_REACH + (int)change);
    } else {
        of->least = fmin(of->least, of->truth + change);
        of->most = fmax(of->most, of->truth + change);
    }
}

bool disclosure_model_has(const disclosure_variable *of, double change)
{
    if (of->whole)
        return of->seen >> (DISCLOSURE_REACH + (int)change) & 1;
    return of->truth + change >= of->least && of->truth + change <= of->most;
}

void disclosure_model_blocks(disclosure_model *self, unsigned release, unsigned territory)
{
    const region_table *table = disclosure_model_release(self, release);
    for (unsigned i = 0; i < table->indicator_count; i++) {
        const region_cell *part = region_table_cell(table, territory, i);
        unsigned at = part ? self->variable_of[release][part - table->cells] : DISCLOSURE_NOWHERE;
        if (at == DISCLOSURE_NOWHERE || !part->masked)
            continue;
        bool inside = false;
        for (unsigned j = 0; j < table->indicator_count && !inside; j++) {
            const region_cell *whole = j == i ? NULL : region_table_cell(table, territory, j);
            inside = whole && whole->masked && disclosure_block_part(&table->indicators[i], &table->indicators[j]);
        }
        disclosure_model_variable(self, at)->in_block = inside;
    }
}

unsigned disclosure_model_mask(disclosure_model *self, region_cell *cell)
{
    unsigned before = 0, after = 0;
    if (cell->masked)
        return 0;
    for (unsigned i = 0; i < self->table->indicator_count; i++) {
        const region_cell *at = region_table_cell(self->table, cell->territory, i);
        before += at && at->masked;
    }
    cell->masked = true;
    self->changes++;
    (void)disclosure_block_close(self->table, cell);
    for (unsigned i = 0; i < self->table->indicator_count; i++) {
        const region_cell *at = region_table_cell(self->table, cell->territory, i);
        after += at && at->masked;
    }
    disclosure_model_blocks(self, self->release_count - 1, cell->territory);
    return after - before;
}

unsigned disclosure_model_add(disclosure_model *self, const disclosure_variable *like)
{
    disclosure_variable *fresh = arena_vector_add(&self->variables);
    if (!fresh) {
        self->is_short = true;
        return DISCLOSURE_NOWHERE;
    }
    *fresh = *like;
    fresh->seen = 1ULL << DISCLOSURE_REACH;
    fresh->least = fresh->most = fresh->truth;
    return (unsigned)(self->variables.count - 1);
}

void disclosure_model_row(disclosure_model *self)
{
    disclosure_row *row = arena_vector_add(&self->rows);
    if (row)
        *row = (disclosure_row){ .first = (unsigned)self->terms.count };
    else
        self->is_short = true;
}

void disclosure_model_term(disclosure_model *self, unsigned variable, double weight)
{
    disclosure_term *term = self->is_short || variable == DISCLOSURE_NOWHERE ? NULL : arena_vector_add(&self->terms);
    if (term)
        *term = (disclosure_term){ variable, weight };
    else
        self->is_short = true;
}

bool disclosure_model_end(disclosure_model *self, bool want_equal, bool if_equal)
{
    if (self->is_short)
        return false;
    disclosure_row *row = (disclosure_row *)self->rows.items + self->rows.count - 1;
    const disclosure_term *terms = self->terms.items;
    row->count = (unsigned)self->terms.count - row->first;
    row->slack = 0;
    for (unsigned i = 0; i < row->count; i++)
        row->slack += terms[row->first + i].weight * disclosure_model_variable(self, terms[row->first + i].variable)->truth;
    row->equal = (want_equal || if_equal) && row->slack == 0;
    if (row->slack < 0 || (want_equal && !row->equal)) {
        self->terms.count = row->first;
        self->rows.count--;
        return false;
    }
    return true;
}

/* The step between two published numbers that are taken for different values. */
static double unit_of(const region_indicator *indicator, const region_cell *cell)
{
    switch (indicator->what.measure) {
    case FACT_UNIT_MINUTES: return 60;
    case FACT_UNIT_CENTS: return 100;
    case FACT_UNIT_DAYS: return 3.04375 * (double)(cell->rests > 1 ? cell->rests : 1); /* a tenth of a month of the mean */
    default: return 1;
    }
}

/* Every different code of all releases gets a number; the same code is taken to mean the same. */
static bool number_indicators(disclosure_model *self)
{
    size_t most = 0;
    for (unsigned i = 0; i < self->release_count; i++)
        most += disclosure_model_release(self, i)->indicator_count;
    self->indicators = arena_take(self->from, (most + 1) * sizeof *self->indicators);
    self->indicator_of = arena_take(self->from, self->release_count * sizeof *self->indicator_of);
    if (!self->indicators || !self->indicator_of)
        return false;
    for (unsigned back = self->release_count; back > 0; back--) { /* the table's own definitions come first */
        const region_table *table = disclosure_model_release(self, back - 1);
        unsigned *numbers = self->indicator_of[back - 1] = arena_take(self->from, (table->indicator_count + 1) * sizeof *numbers);
        if (!numbers)
            return false;
        for (unsigned i = 0; i < table->indicator_count; i++) {
            unsigned at = 0;
            while (at < self->indicator_count && !text_equal(self->indicators[at]->what.code, table->indicators[i].what.code))
                at++;
            if (at == self->indicator_count)
                self->indicators[self->indicator_count++] = &table->indicators[i];
            numbers[i] = at;
        }
    }
    return true;
}

bool disclosure_model_is_everybody(const region_indicator *indicator)
{
    const catalogue_indicator *what = &indicator->what;
    return what->kind == CATALOGUE_PERSONNES && what->type_count == 1 && what->types[0] == FACT_BENEFICIAIRE
           && !indicator->is_distinct && what->detail_count == 0 && what->sex == RECORD_SEX_NONE && !what->bpi && !what->under_25;
}

static bool number_families(disclosure_model *self)
{
    unsigned *family = self->family_of = arena_take(self->from, (self->indicator_count + 1) * sizeof *family);
    self->relaxed = arena_take(self->from, (self->indicator_count + 1) * sizeof *self->relaxed);
    if (!family || !self->relaxed)
        return false;
    for (unsigned i = 0; i < self->indicator_count; i++)
        family[i] = i;
    for (unsigned i = 0; i < self->indicator_count; i++)
        for (unsigned j = 0; j < self->indicator_count; j++) {
            const region_indicator *a = self->indicators[i], *b = self->indicators[j];
            bool tied = disclosure_block_part(a, b) || (a->is_distinct && disclosure_model_is_everybody(b));
            unsigned from = family[j], to = family[i];
            for (unsigned k = 0; tied && from != to && k < self->indicator_count; k++)
                if (family[k] == from)
                    family[k] = to;
        }
    self->family_count = self->indicator_count;
    return true;
}

static unsigned department_number(disclosure_model *self, const region_territory *of)
{
    if (of->level == REGION_WHOLE)
        return DISCLOSURE_NOWHERE;
    unsigned at = 0;
    while (at < self->department_count && !text_equal(self->departments[at], of->department))
        at++;
    if (at == self->department_count)
        self->departments[self->department_count++] = of->department;
    return at;
}

static bool add_variables(disclosure_model *self, unsigned release)
{
    const region_table *table = disclosure_model_release(self, release);
    unsigned *numbers = self->variable_of[release] = arena_take(self->from, (table->cell_count + 1) * sizeof *numbers);
    if (!numbers)
        return false;
    for (unsigned i = 0; i < table->cell_count; i++) {
        const region_cell *cell = &table->cells[i];
        const region_indicator *indicator = &table->indicators[cell->indicator];
        numbers[i] = DISCLOSURE_NOWHERE;
        if (indicator->basis == REGION_RESTS_ON_NOBODY || indicator->what.kind == CATALOGUE_LISTE
            || indicator->what.kind == CATALOGUE_TEXTE)
            continue;
        disclosure_variable fresh = {
            .truth = (double)cell->amount,
            .unit = unit_of(indicator, cell),
            .release = release,
            .cell = i,
            .department = department_number(self, &table->territories[cell->territory]),
            .family = self->family_of[self->indicator_of[release][cell->indicator]],
            .whole = indicator->what.measure != FACT_UNIT_MINUTES && indicator->what.measure != FACT_UNIT_DAYS,
        };
        numbers[i] = disclosure_model_add(self, &fresh);
        if (numbers[i] == DISCLOSURE_NOWHERE)
            return false;
    }
    for (unsigned i = 0; i < table->territory_count; i++)
        disclosure_model_blocks(self, release, i);
    return true;
}

/* In which rows each variable is. */
static void index_rows(disclosure_model *self)
{
    const disclosure_row *rows = self->rows.items;
    const disclosure_term *terms = self->terms.items;
    self->first = arena_take(self->from, (self->variables.count + 2) * sizeof *self->first);
    self->in = arena_take(self->from, (self->terms.count + 1) * sizeof *self->in);
    self->is_short = !self->first || !self->in;
    if (self->is_short)
        return;
    for (size_t i = 0; i < self->terms.count; i++)
        self->first[terms[i].variable + 2]++;
    for (size_t i = 2; i < self->variables.count + 2; i++)
        self->first[i] += self->first[i - 1];
    for (unsigned i = 0; i < self->rows.count; i++)
        for (unsigned k = rows[i].first; k < rows[i].first + rows[i].count; k++)
            self->in[self->first[terms[k].variable + 1]++] = (disclosure_term){ i, terms[k].weight };
}

bool disclosure_model_init(disclosure_model *self, region_table *table, const region_table *const *earlier,
                           unsigned earlier_count, const disclosure_options *options, arena *from)
{
    size_t most = 0;
    *self = (disclosure_model){ .table = table, .earlier = earlier, .release_count = earlier_count + 1, .options = options,
                                .from = from };
    arena_vector_init(&self->variables, from, sizeof(disclosure_variable));
    arena_vector_init(&self->rows, from, sizeof(disclosure_row));
    arena_vector_init(&self->terms, from, sizeof(disclosure_term));
    for (unsigned i = 0; i < self->release_count; i++)
        most += disclosure_model_release(self, i)->territory_count;
    self->departments = arena_take(from, (most + 1) * sizeof *self->departments);
    self->variable_of = arena_take(from, self->release_count * sizeof *self->variable_of);
    if (!self->departments || !self->variable_of || !number_indicators(self) || !number_families(self))
        return false;
    for (unsigned i = 0; i < self->release_count; i++)
        if (!add_variables(self, i))
            return false;
    for (unsigned i = 0; i < self->release_count && !self->is_short; i++)
        disclosure_tables_add(self, i);
    if (!self->is_short)
        disclosure_releases_add(self);
    if (!self->is_short)
        disclosure_releases_limit(self);
    if (!self->is_short)
        index_rows(self);
    return !self->is_short;
}
