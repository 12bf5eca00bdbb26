/*
 * disclosure: see disclosure.h. The rule masks; then, in turn, walks from the records' own table (disclosure_walk) show which
 * masked cells keep enough values, and further cells are masked for those that seem not to, until all do: first inside each
 * department, then over the region, then with all that is known. What walks do not show and masks do not help is asked of
 * linear programs (disclosure_audit). Masks only grow, so that what has been shown possible stays so.
 */
#include "disclosure.h"

#include <assert.h>

#include "disclosure_audit.h"
#include "disclosure_block.h"
#include "disclosure_choice.h"
#include "disclosure_list.h"
#include "disclosure_strict.h"
#include "disclosure_walk.h"

typedef struct {
    disclosure_model model;
    disclosure_scope scope;
    disclosure_walk walk;
} control;

/* Nothing changed in a territory since a release of the same period: what was masked then is masked again. */
static void repeat_masks(disclosure_model *model)
{
    for (unsigned i = 0; i < model->rows.count; i++) {
        const disclosure_row *row = (const disclosure_row *)model->rows.items + i;
        const disclosure_term *terms = (const disclosure_term *)model->terms.items + row->first;
        if (!row->equal || row->count != 2)
            continue;
        const disclosure_variable *now = disclosure_model_variable(model, terms[0].variable);
        const disclosure_variable *then = disclosure_model_variable(model, terms[1].variable);
        const region_cell *before = disclosure_model_cell(model, then);
        if (now->release + 1 == model->release_count && then->release != now->release && before && before->masked
            && disclosure_scope_may_mask(model, now))
            (void)disclosure_model_mask(model, &model->table->cells[now->cell]);
    }
}

/* Masks what helps in an extent, until nothing is open there or nothing helps. */
static disclosure_outcome settle(control *self, unsigned family, unsigned department, unsigned *masked)
{
    disclosure_extent extent = { family, department };
    disclosure_outcome outcome = DISCLOSURE_DONE;
    for (unsigned more = 1; more > 0 && outcome == DISCLOSURE_DONE; *masked += more) {
        more = 0;
        disclosure_walk_run(&self->walk, &extent);
        if (disclosure_audit_is_open(&self->model, &extent))
            outcome = disclosure_choice_run(&self->scope, &self->walk, &extent, &more);
    }
    return outcome;
}

static disclosure_outcome attack(control *self, unsigned family, unsigned department)
{
    disclosure_extent extent = { family, department };
    disclosure_walk_run(&self->walk, &extent);
    if (!disclosure_audit_is_open(&self->model, &extent))
        return DISCLOSURE_DONE;
    return disclosure_audit_run(&self->scope, &extent);
}

/* Departments one by one, where programs are small, before all of a family together. */
static disclosure_outcome settle_all(control *self)
{
    const disclosure_model *model = &self->model;
    disclosure_outcome outcome = DISCLOSURE_DONE;
    for (unsigned masked = 1; masked > 0 && outcome == DISCLOSURE_DONE;) {
        masked = 0;
        for (unsigned f = 0; f < model->family_count; f++)
            for (unsigned d = 0; d < model->department_count && outcome == DISCLOSURE_DONE; d++)
                outcome = settle(self, f, d, &masked);
        for (unsigned f = 0; f < model->family_count && outcome == DISCLOSURE_DONE; f++)
            outcome = settle(self, f, DISCLOSURE_NOWHERE, &masked);
        for (unsigned d = 0; d < model->department_count && outcome == DISCLOSURE_DONE; d++)
            outcome = settle(self, DISCLOSURE_NOWHERE, d, &masked);
        if (outcome == DISCLOSURE_DONE)
            outcome = settle(self, DISCLOSURE_NOWHERE, DISCLOSURE_NOWHERE, &masked);
    }
    for (unsigned f = 0; f < model->family_count && outcome == DISCLOSURE_DONE; f++)
        outcome = attack(self, f, DISCLOSURE_NOWHERE);
    return outcome;
}

/* The first variable that is still open after an attack with all that is known; DISCLOSURE_NOWHERE: none. */
static disclosure_outcome attack_all(control *self, unsigned *open)
{
    disclosure_outcome outcome = attack(self, DISCLOSURE_NOWHERE, DISCLOSURE_NOWHERE);
    *open = DISCLOSURE_NOWHERE;
    for (unsigned i = 0; i < self->model.variables.count && outcome == DISCLOSURE_DONE; i++)
        if (disclosure_model_is_open(&self->model, disclosure_model_variable(&self->model, i)))
            outcome = disclosure_audit_excuse(&self->scope, i);
    for (unsigned i = self->model.variables.count; i > 0 && outcome == DISCLOSURE_DONE; i--)
        if (disclosure_model_is_open(&self->model, disclosure_model_variable(&self->model, i - 1)))
            *open = i - 1;
    return outcome;
}

static disclosure_outcome run(control *self, disclosure_result *result)
{
    for (;;) {
        unsigned open;
        disclosure_outcome outcome = settle_all(self);
        if (outcome == DISCLOSURE_DONE)
            outcome = attack_all(self, &open);
        if (outcome != DISCLOSURE_DONE || open == DISCLOSURE_NOWHERE)
            return outcome;
        const disclosure_variable *at = disclosure_model_variable(&self->model, open);
        if (!self->model.relaxed[at->family]) {
            self->model.relaxed[at->family] = true;
            self->model.changes++;
            result->relaxed++;
        } else if (disclosure_choice_widen(&self->model, open) == 0) {
            result->release = disclosure_model_release(&self->model, at->release);
            result->cell = disclosure_model_cell(&self->model, at);
            result->values = disclosure_model_values(&self->model, at);
            return DISCLOSURE_REFUSED;
        }
    }
}

disclosure_outcome disclosure_control(region_table *table, const region_table *const *earlier, unsigned earlier_count,
                                      const disclosure_options *options, arena *from, disclosure_result *result)
{
    control self;
    assert(options->threshold >= 2 && options->values >= 2 && options->values <= DISCLOSURE_REACH);
    *result = (disclosure_result){ 0 };
    table->threshold = options->threshold;
    for (unsigned i = 0; i < table->cell_count; i++)
        table->cells[i].repeated = false;
    if (options->strict && !disclosure_strict_apply(table, earlier, earlier_count, options->threshold, from))
        return DISCLOSURE_SHORT;
    result->primary = disclosure_block_rule(table, options->threshold);
    if (!disclosure_model_init(&self.model, table, earlier, earlier_count, options, from)
        || !disclosure_scope_init(&self.scope, &self.model)
        || !disclosure_walk_init(&self.walk, &self.model))
        return DISCLOSURE_SHORT;
    repeat_masks(&self.model);
    disclosure_outcome outcome = run(&self, result);
    disclosure_list_protect(table, options->values);
    for (unsigned i = 0; i < table->cell_count; i++) {
        result->masked += table->cells[i].masked;
        result->repeated += table->cells[i].repeated;
    }
    return outcome;
}
