/*
 * disclosure_distinct: the distinct persons of a release, as rows of the model. In a department the persons of a scope are
 * at least those of its largest contract, at most the sum of its contracts; a department counts the sum of its scopes; so
 * does the region, each scope at least its largest department and at most the sum of them.
 */
#include "disclosure_model.h"

/* A scope inside a department, or (department DISCLOSURE_NOWHERE) in all of the region. */
typedef struct {
    text_view name;
    unsigned department;
    unsigned variable;
    double least, most;
    unsigned part_count; /* contracts, or departments */
} scope;

typedef struct {
    disclosure_model *model;
    unsigned release;
    const region_table *table;
    unsigned everybody, distinct; /* indicators */
    arena_vector scopes;          /* inside departments first, then of the region */
    unsigned inside;
} finder;

static unsigned variable_at(const finder *self, unsigned territory, unsigned indicator)
{
    const region_cell *cell = region_table_cell(self->table, territory, indicator);
    return cell ? self->model->variable_of[self->release][cell - self->table->cells] : DISCLOSURE_NOWHERE;
}

static scope *scope_of(finder *self, text_view name, unsigned department, unsigned from)
{
    scope *all = self->scopes.items;
    for (unsigned i = from; i < self->scopes.count; i++)
        if (all[i].department == department && text_equal(all[i].name, name))
            return &all[i];
    scope *fresh = arena_vector_add(&self->scopes);
    if (fresh)
        *fresh = (scope){ .name = name, .department = department, .variable = DISCLOSURE_NOWHERE };
    else
        self->model->is_short = true;
    return fresh;
}

/* The scopes with the bounds that the contracts' own numbers give. */
static bool find_scopes(finder *self)
{
    for (unsigned i = 0; i < self->table->territory_count; i++) {
        const region_territory *contract = &self->table->territories[i];
        unsigned people = contract->level == REGION_CONTRACT ? variable_at(self, i, self->everybody) : DISCLOSURE_NOWHERE;
        if (people == DISCLOSURE_NOWHERE)
            continue;
        scope *in = scope_of(self, contract->scope, contract->parent, 0);
        if (!in)
            return false;
        double truth = disclosure_model_variable(self->model, people)->truth;
        in->least = truth > in->least ? truth : in->least;
        in->most += truth;
        in->part_count++;
        in->variable = people; /* of a single contract: its own */
    }
    self->inside = (unsigned)self->scopes.count;
    for (unsigned i = 0; i < self->inside; i++) {
        text_view name = ((scope *)self->scopes.items)[i].name;
        scope *whole = scope_of(self, name, DISCLOSURE_NOWHERE, self->inside);
        if (!whole)
            return false;
        whole->part_count++;
        whole->variable = i; /* for now: of a single department, which */
    }
    return true;
}

static unsigned add_variable(finder *self, unsigned like, double truth)
{
    disclosure_variable fresh = *disclosure_model_variable(self->model, like);
    fresh.truth = truth;
    fresh.cell = DISCLOSURE_NOWHERE;
    fresh.implied = fresh.in_block = false;
    return disclosure_model_add(self->model, &fresh);
}

/* Gives the scopes of one place their share of its distinct persons; false when they cannot have them. */
static bool share(finder *self, unsigned department, double truth)
{
    scope *all = self->scopes.items;
    double rest = truth;
    for (unsigned i = 0; i < self->inside; i++)
        if (all[i].department == department)
            rest -= all[i].least;
    if (rest < 0)
        return false;
    for (unsigned i = 0; i < self->inside; i++) {
        if (all[i].department != department)
            continue;
        double more = all[i].most - all[i].least < rest ? all[i].most - all[i].least : rest;
        rest -= more;
        all[i].least += more; /* from here on: the truth that is taken for it */
    }
    return rest == 0;
}

/* At least each part, at most their sum. */
static void add_between(finder *self, const scope *whole, const unsigned *parts, unsigned count)
{
    disclosure_model *model = self->model;
    for (unsigned i = 0; i < count; i++) {
        disclosure_model_row(model);
        disclosure_model_term(model, whole->variable, 1);
        disclosure_model_term(model, parts[i], -1);
        (void)disclosure_model_end(model, false, false);
    }
    disclosure_model_row(model);
    for (unsigned i = 0; i < count; i++)
        disclosure_model_term(model, parts[i], 1);
    disclosure_model_term(model, whole->variable, -1);
    (void)disclosure_model_end(model, false, false);
}

static void add_department(finder *self, unsigned department, unsigned *parts)
{
    scope *all = self->scopes.items;
    for (unsigned i = 0; i < self->inside; i++) {
        if (all[i].department != department || all[i].part_count < 2)
            continue;
        unsigned count = 0;
        for (unsigned j = 0; j < self->table->territory_count; j++)
            if (self->table->territories[j].level == REGION_CONTRACT && self->table->territories[j].parent == department
                && text_equal(self->table->territories[j].scope, all[i].name)
                && variable_at(self, j, self->everybody) != DISCLOSURE_NOWHERE)
                parts[count++] = variable_at(self, j, self->everybody);
        all[i].variable = add_variable(self, parts[0], all[i].least);
        add_between(self, &all[i], parts, count);
    }
    unsigned total = variable_at(self, department, self->distinct);
    if (total == DISCLOSURE_NOWHERE)
        return;
    disclosure_model_row(self->model);
    disclosure_model_term(self->model, total, 1);
    for (unsigned i = 0; i < self->inside; i++)
        if (all[i].department == department)
            disclosure_model_term(self->model, all[i].variable, -1);
    (void)disclosure_model_end(self->model, true, true);
}

/* The region: the sum of its scopes, where the departments' numbers say so; else only what is sure of a crossing scope. */
static void add_region(finder *self, unsigned region, unsigned *parts)
{
    scope *all = self->scopes.items;
    unsigned total = variable_at(self, region, self->distinct);
    if (total == DISCLOSURE_NOWHERE)
        return;
    double rest = disclosure_model_variable(self->model, total)->truth;
    for (unsigned i = self->inside; i < self->scopes.count; i++) {
        all[i].least = all[i].most = 0;
        for (unsigned j = 0; j < self->inside; j++)
            if (text_equal(all[j].name, all[i].name)) {
                all[i].least = all[j].least > all[i].least ? all[j].least : all[i].least;
                all[i].most += all[j].least;
            }
        rest -= all[i].least;
    }
    for (unsigned i = self->inside; i < self->scopes.count; i++) {
        double more = all[i].most - all[i].least < rest ? all[i].most - all[i].least : rest;
        if (all[i].part_count < 2) {
            all[i].variable = all[all[i].variable].variable;
            continue;
        }
        rest -= more > 0 ? more : 0;
        unsigned count = 0;
        for (unsigned j = 0; j < self->inside; j++)
            if (text_equal(all[j].name, all[i].name))
                parts[count++] = all[j].variable;
        all[i].variable = add_variable(self, total, all[i].least + (more > 0 ? more : 0));
        add_between(self, &all[i], parts, count);
    }
    disclosure_model_row(self->model);
    disclosure_model_term(self->model, total, 1);
    for (unsigned i = self->inside; i < self->scopes.count; i++)
        disclosure_model_term(self->model, all[i].variable, -1);
    (void)disclosure_model_end(self->model, true, true);
}

void disclosure_distinct_add(disclosure_model *self, unsigned release)
{
    finder find = { .model = self, .release = release, .table = disclosure_model_release(self, release),
                    .everybody = DISCLOSURE_NOWHERE, .distinct = DISCLOSURE_NOWHERE };
    for (unsigned i = 0; i < find.table->indicator_count; i++) {
        if (find.table->indicators[i].is_distinct)
            find.distinct = i;
        else if (disclosure_model_is_everybody(&find.table->indicators[i]))
            find.everybody = i;
    }
    unsigned *parts = arena_take(self->from, (find.table->territory_count + 1) * sizeof *parts);
    arena_vector_init(&find.scopes, self->from, sizeof(scope));
    if (find.distinct == DISCLOSURE_NOWHERE || find.everybody == DISCLOSURE_NOWHERE)
        return;
    if (!parts || !find_scopes(&find)) {
        self->is_short = true;
        return;
    }
    for (unsigned i = 0; i < find.table->territory_count && !self->is_short; i++) {
        unsigned total = variable_at(&find, i, find.distinct);
        if (find.table->territories[i].level == REGION_DEPARTMENT
            && (total == DISCLOSURE_NOWHERE || share(&find, i, disclosure_model_variable(self, total)->truth)))
            add_department(&find, i, parts);
    }
    for (unsigned i = 0; i < find.table->territory_count && !self->is_short; i++)
        if (find.table->territories[i].level == REGION_WHOLE)
            add_region(&find, i, parts);
}
