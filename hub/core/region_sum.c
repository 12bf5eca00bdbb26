/*
 * region_sum: see the header.
 *
 * parts is a matrix, contract by indicator; what has not been put is NULL there: the contract does not have it.
 */
#include "region_sum.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "region_shown.h"

enum { NOTE_MAX = 512 };

typedef struct {
    uint32_t contract, indicator;
    region_part part;
} placed;

typedef struct {
    text_view scope, department;
    int64_t persons;
} distinct_count;

struct region_sum {
    arena *from;
    text_view code, name;
    const region_contract *contracts;
    unsigned contract_count;
    arena_vector indicators; /* region_indicator */
    arena_vector owners;     /* uint32_t: of each indicator, the contract that was the first to declare it */
    arena_vector declared;   /* placed, without a part: which contract has declared which of its own */
    arena_vector parts;      /* placed */
    arena_vector distinct;   /* distinct_count */
    arena_vector notes;      /* text_view */
    const region_part **matrix;
    region_table *table;
};

region_sum *region_sum_new(arena *from, text_view code, text_view name, const region_contract *contracts, unsigned count)
{
    region_sum *self = arena_take(from, sizeof *self);
    if (!self)
        return NULL;
    *self = (region_sum){.from = from, .code = code, .name = name, .contracts = contracts, .contract_count = count};
    arena_vector_init(&self->indicators, from, sizeof(region_indicator));
    arena_vector_init(&self->owners, from, sizeof(uint32_t));
    arena_vector_init(&self->declared, from, sizeof(placed));
    arena_vector_init(&self->parts, from, sizeof(placed));
    arena_vector_init(&self->distinct, from, sizeof(distinct_count));
    arena_vector_init(&self->notes, from, sizeof(text_view));
    return self;
}

bool region_sum_note(region_sum *self, const char *format, ...)
{
    char text[NOTE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_view *note = arena_vector_add(&self->notes);
    char *kept = note ? arena_text(self->from, text_of(text)) : NULL;
    if (kept)
        *note = text_of(kept);
    return kept != NULL;
}

unsigned region_sum_notes(const region_sum *self, const text_view **notes)
{
    *notes = self->notes.items;
    return (unsigned)self->notes.count;
}

static region_basis basis_of(const catalogue_indicator *what)
{
    region_basis basis = REGION_RESTS_ON_RECORDS;
    if (what->kind == CATALOGUE_TEXTE || what->measure == FACT_UNIT_CENTS)
        return REGION_RESTS_ON_NOBODY;
    if (what->kind == CATALOGUE_MENAGES)
        return REGION_RESTS_ON_HOUSEHOLDS;
    if (what->kind == CATALOGUE_PERSONNES || what->kind == CATALOGUE_ASSIDUITE || what->kind == CATALOGUE_PROGRES)
        return REGION_RESTS_ON_PERSONS;
    for (unsigned i = 0; i < what->type_count; i++) {
        fact_kind kind = fact_rule_of(what->types[i])->kind;
        if (kind == FACT_KIND_PERSON || kind == FACT_KIND_BENEFICIARY)
            return REGION_RESTS_ON_PERSONS;
        if (kind == FACT_KIND_HOUSEHOLD)
            basis = REGION_RESTS_ON_HOUSEHOLDS;
    }
    return basis;
}

/* Do they count the same? What they are called is another matter. */
static bool is_same_count(const catalogue_indicator *a, const catalogue_indicator *b)
{
    if (a->kind != b->kind || a->measure != b->measure || a->sex != b->sex || a->bpi != b->bpi || a->under_25 != b->under_25 ||
        a->share != b->share || a->not_done != b->not_done || a->type_count != b->type_count || a->detail_count != b->detail_count ||
        !text_equal(a->unit, b->unit))
        return false;
    for (unsigned i = 0; i < a->type_count; i++)
        if (a->types[i] != b->types[i])
            return false;
    for (unsigned i = 0; i < a->detail_count; i++)
        if (!text_equal(a->details[i], b->details[i]))
            return false;
    return true;
}

static region_indicator *indicator_at(const region_sum *self, size_t index)
{
    return (region_indicator *)self->indicators.items + index;
}

static uint32_t owner_of(const region_sum *self, size_t index)
{
    return ((const uint32_t *)self->owners.items)[index];
}

static region_indicator *add_indicator(region_sum *self, uint32_t owner, const catalogue_indicator *what)
{
    uint32_t *of = arena_vector_add(&self->owners);
    region_indicator *added = of ? arena_vector_add(&self->indicators) : NULL;
    if (!added)
        return NULL;
    *of = owner;
    *added = (region_indicator){.what = *what, .basis = basis_of(what)};
    return added;
}

static bool declare_national(region_sum *self, const catalogue_indicator *what)
{
    static const char label[] = "Personnes distinctes (chacune une fois, là où les contrats la reconnaissent)";
    if (!add_indicator(self, REGION_SUM_NATIONAL, what))
        return false;
    if (!text_is(what->code, "1.1.total"))
        return true;
    region_indicator *distinct = add_indicator(self, REGION_SUM_NATIONAL, what);
    if (!distinct)
        return false;
    distinct->is_distinct = true;
    distinct->what.code = text_of(REGION_DISTINCT);
    distinct->what.label = text_of(label);
    return true;
}

bool region_sum_declare(region_sum *self, uint32_t contract, const catalogue_indicator *what)
{
    if (contract == REGION_SUM_NATIONAL)
        return declare_national(self, what);
    size_t index = 0;
    while (index < self->indicators.count &&
           (owner_of(self, index) == REGION_SUM_NATIONAL || !text_equal(indicator_at(self, index)->what.code, what->code) ||
            !is_same_count(&indicator_at(self, index)->what, what)))
        index++;
    if (index == self->indicators.count && !add_indicator(self, contract, what))
        return false;
    placed *declared = arena_vector_add(&self->declared);
    if (declared)
        *declared = (placed){.contract = contract, .indicator = (uint32_t)index};
    return declared != NULL;
}

/* The indicator that a contract means by a code; their count: none. */
static size_t find_indicator(const region_sum *self, uint32_t contract, text_view code)
{
    const placed *declared = self->declared.items;
    for (size_t i = 0; i < self->indicators.count && owner_of(self, i) == REGION_SUM_NATIONAL; i++)
        if (text_equal(indicator_at(self, i)->what.code, code))
            return i;
    for (size_t i = 0; i < self->declared.count; i++)
        if (declared[i].contract == contract && text_equal(indicator_at(self, declared[i].indicator)->what.code, code))
            return declared[i].indicator;
    return self->indicators.count;
}

bool region_sum_put(region_sum *self, uint32_t contract, text_view code, const region_part *part)
{
    assert(contract < self->contract_count);
    size_t index = find_indicator(self, contract, code);
    if (index == self->indicators.count)
        return true;
    placed *added = arena_vector_add(&self->parts);
    if (added)
        *added = (placed){.contract = contract, .indicator = (uint32_t)index, .part = *part};
    return added != NULL;
}

bool region_sum_distinct(region_sum *self, text_view scope, text_view department, int64_t persons)
{
    distinct_count *added = arena_vector_add(&self->distinct);
    if (added)
        *added = (distinct_count){scope, department, persons};
    return added != NULL;
}

static const region_part *part_of(const region_sum *self, size_t contract, size_t indicator)
{
    return self->matrix[contract * self->indicators.count + indicator];
}

static bool fill_matrix(region_sum *self)
{
    size_t cells = self->contract_count * self->indicators.count;
    const placed *parts = self->parts.items;
    self->matrix = arena_take(self->from, (cells + 1) * sizeof *self->matrix);
    for (size_t i = 0; self->matrix && i < self->parts.count; i++)
        self->matrix[parts[i].contract * self->indicators.count + parts[i].indicator] = &parts[i].part;
    return self->matrix != NULL;
}

/* Contracts that mean different things by one code: those indicators stay with them. */
static bool is_disputed(const region_sum *self, size_t index)
{
    if (owner_of(self, index) == REGION_SUM_NATIONAL)
        return false;
    for (size_t i = 0; i < self->indicators.count; i++)
        if (i != index && owner_of(self, i) != REGION_SUM_NATIONAL &&
            text_equal(indicator_at(self, i)->what.code, indicator_at(self, index)->what.code))
            return true;
    return false;
}

static bool note_disputed(region_sum *self)
{
    bool good = true;
    for (size_t i = 0; i < self->indicators.count && good; i++) {
        text_view code = indicator_at(self, i)->what.code;
        bool first = is_disputed(self, i);
        for (size_t k = 0; k < i && first; k++)
            first = !text_equal(indicator_at(self, k)->what.code, code);
        if (first)
            good = region_sum_note(self, "%.*s : des contrats le définissent autrement que d’autres ; il n’est donc ni ajouté pour "
                                   "les départements, ni pour la région", (int)code.size, code.at);
    }
    return good;
}

/* The contracts of a territory that is a sum: of a department, or all. */
static bool is_of(const region_sum *self, const region_territory *where, size_t contract)
{
    return where->level == REGION_WHOLE || text_equal(self->contracts[contract].department, where->department);
}

static region_territory *add_territory(region_sum *self, region_level level)
{
    region_territory *added = &self->table->territories[self->table->territory_count++];
    *added = (region_territory){.level = level, .region = self->code};
    return added;
}

static bool make_territories(region_sum *self)
{
    region_table *table = self->table;
    table->territories = arena_take(self->from, (2 * (size_t)self->contract_count + 1) * sizeof *table->territories);
    if (!table->territories)
        return false;
    for (unsigned i = 0; i < self->contract_count; i++) {
        const region_contract *contract = &self->contracts[i];
        region_territory *one = add_territory(self, REGION_CONTRACT);
        one->department = contract->department;
        one->contract = contract->id;
        one->name = contract->title;
        one->scope = contract->scope;
        if (i + 1 < self->contract_count && text_equal(contract->department, self->contracts[i + 1].department))
            continue;
        unsigned here = table->territory_count;
        one = add_territory(self, REGION_DEPARTMENT);
        one->department = contract->department;
        one->name = contract->department_name;
        for (unsigned k = here; k > 0 && table->territories[k - 1].level == REGION_CONTRACT; k--)
            table->territories[k - 1].parent = here;
    }
    unsigned whole = table->territory_count;
    region_territory *region = add_territory(self, REGION_WHOLE);
    region->name = self->name;
    region->parent = whole;
    for (unsigned i = 0; i < whole; i++)
        if (table->territories[i].level == REGION_DEPARTMENT)
            table->territories[i].parent = whole;
    return true;
}

static region_cell *add_cell(region_sum *self, unsigned territory, size_t indicator)
{
    region_cell *cell = &self->table->cells[self->table->cell_count++];
    *cell = (region_cell){.territory = territory, .indicator = (unsigned)indicator};
    return cell;
}

static bool keep_shown(region_sum *self, region_cell *cell)
{
    char text[REGION_SHOWN_MAX];
    region_shown_number(&indicator_at(self, cell->indicator)->what, cell->amount, cell->of_records, text);
    char *kept = arena_text(self->from, text_of(text));
    if (kept)
        cell->shown = text_of(kept);
    return kept != NULL;
}

/* "ID : TEXT", a blank line between. */
static bool join_texts(region_sum *self, const region_territory *where, region_cell *cell)
{
    size_t size = 0;
    for (int pass = 0; pass < 2; pass++) {
        char *to = pass ? arena_take(self->from, size + 1) : NULL;
        if (pass && !to)
            return false;
        cell->shown = (text_view){to, size};
        size = 0;
        for (size_t i = 0; i < self->contract_count; i++) {
            const region_part *part = is_of(self, where, i) ? part_of(self, i, cell->indicator) : NULL;
            text_view pieces[] = {text_of(size > 0 ? "\n\n" : ""), self->contracts[i].id, text_of(" : "),
                                  part ? part->shown : text_of("")};
            if (!part || !part->has_value)
                continue;
            for (size_t k = 0; k < 4; k++) {
                if (to && pieces[k].size > 0)
                    memcpy(to + size, pieces[k].at, pieces[k].size);
                size += pieces[k].size;
            }
        }
    }
    cell->has_value = cell->shown.size > 0;
    return true;
}

static bool join_lists(region_sum *self, const region_territory *where, region_cell *cell)
{
    text_view *lists = arena_take(self->from, (self->contract_count + 1) * sizeof *lists);
    unsigned count = 0;
    for (size_t i = 0; lists && i < self->contract_count; i++) {
        const region_part *part = is_of(self, where, i) ? part_of(self, i, cell->indicator) : NULL;
        if (part && part->has_value)
            lists[count++] = part->shown;
    }
    if (lists)
        cell->shown = region_shown_union(&indicator_at(self, cell->indicator)->what, lists, count, self->from);
    if (!cell->shown.at)
        return false;
    cell->has_value = cell->shown.size > 0;
    cell->amount = 0;
    for (size_t i = 0; i < cell->shown.size; i++)
        cell->amount += cell->shown.at[i] == ';';
    cell->amount += cell->has_value;
    return true;
}

static bool add_up(int64_t *to, int64_t amount)
{
    return !__builtin_add_overflow(*to, amount, to);
}

static bool note_unknown(region_sum *self, const region_territory *where, text_view code)
{
    return where->level == REGION_WHOLE
        ? region_sum_note(self, "%.*s : sans valeur pour la région, faute de ce que des contrats purgés ne disent plus",
                          (int)code.size, code.at)
        : region_sum_note(self, "%.*s : sans valeur pour le département %.*s, faute de ce que des contrats purgés ne disent plus",
                          (int)code.size, code.at, (int)where->department.size, where->department.at);
}

static region_sum_outcome sum_cell(region_sum *self, unsigned territory, size_t indicator)
{
    const region_territory *where = &self->table->territories[territory];
    const catalogue_indicator *what = &indicator_at(self, indicator)->what;
    region_cell sum = {.territory = territory, .indicator = (unsigned)indicator};
    bool any = false, known = true;
    for (size_t i = 0; i < self->contract_count; i++) {
        const region_part *part = is_of(self, where, i) ? part_of(self, i, indicator) : NULL;
        if (!part)
            continue;
        any = true;
        known &= part->known;
        if (!add_up(&sum.amount, part->amount) || !add_up(&sum.of_records, part->of_records) || !add_up(&sum.rests, part->rests))
            return REGION_SUM_TOO_LARGE;
    }
    if (what->kind == CATALOGUE_DUREE_MOYENNE && (sum.amount > REGION_SHOWN_MEAN_MAX || sum.of_records > REGION_SHOWN_MEAN_MAX))
        return REGION_SUM_TOO_LARGE;
    if (!any)
        return REGION_SUM_DONE;
    region_cell *cell = add_cell(self, territory, indicator);
    *cell = sum;
    if (!known) {
        cell->amount = cell->of_records = 0;
        return note_unknown(self, where, what->code) ? REGION_SUM_DONE : REGION_SUM_SHORT;
    }
    if (what->kind == CATALOGUE_TEXTE)
        return join_texts(self, where, cell) ? REGION_SUM_DONE : REGION_SUM_SHORT;
    if (what->kind == CATALOGUE_LISTE)
        return join_lists(self, where, cell) ? REGION_SUM_DONE : REGION_SUM_SHORT;
    cell->has_value = what->kind != CATALOGUE_DUREE_MOYENNE || cell->of_records > 0;
    return !cell->has_value || keep_shown(self, cell) ? REGION_SUM_DONE : REGION_SUM_SHORT;
}

/* Persons of the contracts of one scope in a territory, each once; false: that cannot be told. */
static bool persons_of_scope(const region_sum *self, const region_territory *where, text_view scope, size_t total, int64_t *persons)
{
    unsigned contracts = 0, purged = 0;
    const region_part *last = NULL;
    const distinct_count *counts = self->distinct.items;
    *persons = 0;
    for (size_t i = 0; i < self->contract_count; i++)
        if (is_of(self, where, i) && text_equal(self->contracts[i].scope, scope)) {
            contracts++;
            purged += self->contracts[i].is_purged;
            last = part_of(self, i, total);
        }
    if (purged > 0) {
        if (contracts > 1 || !last || !last->known)
            return false;
        *persons = last->amount;
        return true;
    }
    text_view department = where->level == REGION_WHOLE ? text_of("") : where->department;
    for (size_t i = 0; i < self->distinct.count; i++)
        if (text_equal(counts[i].scope, scope) && text_equal(counts[i].department, department))
            *persons = counts[i].persons;
    return true;
}

static region_sum_outcome distinct_cell(region_sum *self, unsigned territory, size_t indicator)
{
    const region_territory *where = &self->table->territories[territory];
    region_cell *cell = add_cell(self, territory, indicator);
    cell->has_value = true;
    for (size_t i = 0; i < self->contract_count && cell->has_value; i++) {
        int64_t persons = 0;
        bool first = is_of(self, where, i);
        for (size_t k = 0; k < i && first; k++)
            first = !is_of(self, where, k) || !text_equal(self->contracts[k].scope, self->contracts[i].scope);
        if (!first)
            continue;
        /* The indicator before this one is 1.1.total. */
        cell->has_value = persons_of_scope(self, where, self->contracts[i].scope, indicator - 1, &persons);
        if (!add_up(&cell->amount, persons))
            return REGION_SUM_TOO_LARGE;
    }
    if (!cell->has_value) {
        cell->amount = 0;
        return note_unknown(self, where, text_of(REGION_DISTINCT)) ? REGION_SUM_DONE : REGION_SUM_SHORT;
    }
    cell->rests = cell->amount;
    return keep_shown(self, cell) ? REGION_SUM_DONE : REGION_SUM_SHORT;
}

static region_sum_outcome make_sums(region_sum *self, unsigned territory)
{
    region_sum_outcome outcome = REGION_SUM_DONE;
    for (size_t i = 0; i < self->indicators.count && outcome == REGION_SUM_DONE; i++) {
        if (indicator_at(self, i)->is_distinct)
            outcome = distinct_cell(self, territory, i);
        else if (!is_disputed(self, i))
            outcome = sum_cell(self, territory, i);
    }
    return outcome;
}

static void copy_parts(region_sum *self, unsigned territory, size_t contract)
{
    for (size_t i = 0; i < self->indicators.count; i++) {
        const region_part *part = part_of(self, contract, i);
        if (!part)
            continue;
        region_cell *cell = add_cell(self, territory, i);
        cell->has_value = part->known && part->has_value;
        cell->amount = part->amount;
        cell->of_records = part->of_records;
        cell->rests = part->rests;
        cell->shown = cell->has_value ? part->shown : text_of("");
    }
}

region_sum_outcome region_sum_finish(region_sum *self, region_table *table)
{
    *table = (region_table){.code = self->code, .name = self->name, .from = CIVIL_NONE, .to = CIVIL_NONE};
    self->table = table;
    table->indicators = self->indicators.items;
    table->indicator_count = (unsigned)self->indicators.count;
    if (!fill_matrix(self) || !make_territories(self) || !note_disputed(self))
        return REGION_SUM_SHORT;
    table->cells = arena_take(self->from, ((size_t)table->territory_count * table->indicator_count + 1) * sizeof *table->cells);
    if (!table->cells)
        return REGION_SUM_SHORT;
    size_t contract = 0;
    region_sum_outcome outcome = REGION_SUM_DONE;
    for (unsigned i = 0; i < table->territory_count && outcome == REGION_SUM_DONE; i++) {
        if (table->territories[i].level == REGION_CONTRACT)
            copy_parts(self, i, contract++);
        else
            outcome = make_sums(self, i);
    }
    return outcome;
}
