/* disclosure_choice: see disclosure_choice.h. */
#include "disclosure_choice.h"

#include <assert.h>
#include <math.h>

#include "disclosure_audit.h"
#include "disclosure_block.h"

/* Masking a sum that many read costs more than masking one contract's cell. */
static const double level_costs[] = { [REGION_CONTRACT] = 1, [REGION_DEPARTMENT] = 2.5, [REGION_WHOLE] = 8 };

/* A zero is masked only where a zero of a masked block would be told by it. */
enum { ZERO_COST = 3 };

/* How many cells are lost when this one is masked, weighed. */
static double cost_of(const disclosure_model *model, const disclosure_variable *of)
{
    const region_table *table = model->table;
    const region_cell *cell = &table->cells[of->cell];
    unsigned lost = 0;
    for (unsigned i = 0; i < table->indicator_count; i++) {
        const region_cell *part = region_table_cell(table, cell->territory, i);
        lost += part && !part->masked && disclosure_block_part(&table->indicators[i], &table->indicators[cell->indicator]);
    }
    return lost * level_costs[table->territories[cell->territory].level] * (cell->rests == 0 ? ZERO_COST : 1);
}

static bool is_masking(const disclosure_scope *self, unsigned column)
{
    return disclosure_scope_may_mask(self->model, disclosure_model_variable(self->model, self->variable[column]));
}

/* Of a variable that could be masked, how far the solution moves it. */
static double moved(const disclosure_scope *self, unsigned column)
{
    return fabs(lp_value(self->program, column)) / disclosure_model_variable(self->model, self->variable[column])->unit;
}

static bool moves_any(const disclosure_scope *self)
{
    for (unsigned i = 0; i < self->column_count; i++)
        if (is_masking(self, i) && moved(self, i) > 1e-6)
            return true;
    return false;
}

/* Costs by unit of movement at first; then so that what moves little is worth sparing and what does not move stays. */
static void set_costs(disclosure_scope *self, bool again)
{
    for (unsigned i = 0; i < self->column_count; i++) {
        if (!is_masking(self, i)) {
            lp_cost(self->program, i, 0);
            continue;
        }
        const disclosure_variable *at = disclosure_model_variable(self->model, self->variable[i]);
        double by = again ? (moved(self, i) > 1e-6 ? 1 / (moved(self, i) + 0.1) : 10) : 1;
        lp_cost(self->program, i, self->cost[i] * by / at->unit);
    }
}

/* The cheapest movement of the column into low..high: its cost, HUGE_VAL when there is none; marks the moved columns. */
static double price(disclosure_scope *self, unsigned column, double low, double high, bool *used)
{
    double total = 0;
    lp_bound(self->program, column, low, high);
    set_costs(self, false);
    lp_outcome found = lp_solve(self->program, false);
    for (unsigned turn = 0; turn < 2 && found == LP_OPTIMAL && moves_any(self); turn++) {
        set_costs(self, true);
        found = lp_solve(self->program, false);
    }
    for (unsigned i = 0; i < self->column_count && found == LP_OPTIMAL; i++) {
        used[i] = is_masking(self, i) && moved(self, i) > 1e-6;
        total += used[i] ? self->cost[i] : 0;
    }
    lp_bound(self->program, column, self->low[column], self->high[column]);
    return found == LP_OPTIMAL ? total : HUGE_VAL;
}

static unsigned mask_used(disclosure_scope *self, const bool *used)
{
    unsigned count = 0;
    for (unsigned i = 0; i < self->column_count; i++) {
        const disclosure_variable *at = disclosure_model_variable(self->model, self->variable[i]);
        if (used[i] && at->cell != DISCLOSURE_NOWHERE)
            count += disclosure_model_mask(self->model, &self->model->table->cells[at->cell]);
    }
    return count;
}

typedef enum {
    PROTECTED, /* further cells are masked for it */
    MOVES,     /* it moves already, as far as a linear program can tell */
    HELD,      /* by more than this scope */
    DEAD,      /* so is the program */
} protection;

/* Up by enough, or down by enough, whichever is cheaper; where neither has the room, both as far as they go. */
static protection protect(disclosure_scope *self, unsigned column, unsigned *masked)
{
    double step = (self->model->options->values - 1) * disclosure_model_variable(self->model, self->variable[column])->unit;
    double low = self->low[column], high = self->high[column];
    bool *up = self->up, *down = self->down;
    unsigned before = *masked;
    double price_up = high > 0 ? price(self, column, fmin(step, high), high, up) : HUGE_VAL;
    if (price_up == 0 && high >= step)
        return MOVES;
    double price_down = low < 0 && lp_alive(self->program) ? price(self, column, low, fmax(-step, low), down) : HUGE_VAL;
    if (!lp_alive(self->program))
        return DEAD;
    bool up_is_enough = high >= step && !isinf(price_up), down_is_enough = -low >= step && !isinf(price_down);
    if (up_is_enough && (!down_is_enough || price_up <= price_down))
        *masked += mask_used(self, up);
    else if (down_is_enough)
        *masked += mask_used(self, down);
    else {
        if (!isinf(price_up))
            *masked += mask_used(self, up);
        if (!isinf(price_down))
            *masked += mask_used(self, down);
    }
    return *masked > before ? PROTECTED : isinf(price_up) && isinf(price_down) ? HELD : MOVES;
}

static disclosure_outcome open_costed(disclosure_scope *scope, const disclosure_extent *extent)
{
    disclosure_outcome outcome = disclosure_scope_open(scope, extent, true);
    for (unsigned i = 0; i < scope->column_count && outcome == DISCLOSURE_DONE; i++) {
        const disclosure_variable *at = disclosure_model_variable(scope->model, scope->variable[i]);
        scope->cost[i] = is_masking(scope, i) ? cost_of(scope->model, at) : 0;
        scope->up[i] = scope->down[i] = false;
    }
    return outcome;
}

/* In a department, whose program is small: one for all of its variables, until something is masked. */
static disclosure_outcome protect_together(disclosure_scope *scope, disclosure_walk *walk, const disclosure_extent *extent,
                                           unsigned *masked)
{
    disclosure_outcome outcome = open_costed(scope, extent);
    for (unsigned i = 0; i < scope->model->variables.count && outcome == DISCLOSURE_DONE; i++) {
        if (scope->column_of[i] == DISCLOSURE_NOWHERE || !disclosure_walk_seek(walk, i))
            continue;
        protection how = protect(scope, scope->column_of[i], masked);
        if (how == DEAD)
            outcome = DISCLOSURE_SHORT;
        if (how == PROTECTED) { /* what was masked may now move freely */
            disclosure_scope_close(scope);
            outcome = open_costed(scope, extent);
        }
    }
    disclosure_scope_close(scope);
    return outcome;
}

/* One variable, in larger and larger scopes around it. */
static disclosure_outcome protect_alone(disclosure_scope *scope, const disclosure_extent *extent, unsigned variable, unsigned *masked)
{
    disclosure_outcome outcome = DISCLOSURE_DONE;
    protection how = HELD;
    bool more = true;
    for (unsigned most = DISCLOSURE_NEAR; more && how == HELD && outcome == DISCLOSURE_DONE; most *= DISCLOSURE_WIDER) {
        more = disclosure_scope_near(scope, extent, variable, most, true);
        outcome = open_costed(scope, extent);
        if (outcome == DISCLOSURE_DONE && scope->column_of[variable] != DISCLOSURE_NOWHERE)
            how = protect(scope, scope->column_of[variable], masked);
        if (how == DEAD)
            outcome = DISCLOSURE_SHORT;
        disclosure_scope_close(scope);
    }
    disclosure_scope_far(scope);
    if (outcome == DISCLOSURE_DONE && how == MOVES) /* now with whole numbers: that shows others too */
        outcome = disclosure_audit_variable(scope, extent, variable);
    return outcome;
}

disclosure_outcome disclosure_choice_run(disclosure_scope *scope, disclosure_walk *walk, const disclosure_extent *extent,
                                         unsigned *masked)
{
    disclosure_outcome outcome = DISCLOSURE_DONE;
    if (extent->department != DISCLOSURE_NOWHERE)
        return protect_together(scope, walk, extent, masked);
    for (unsigned i = 0; i < scope->model->variables.count && outcome == DISCLOSURE_DONE; i++)
        if (disclosure_extent_has(extent, disclosure_model_variable(scope->model, i)) && disclosure_walk_seek(walk, i))
            outcome = protect_alone(scope, extent, i, masked);
    return outcome;
}

static unsigned mask_all(disclosure_model *model, const disclosure_extent *extent)
{
    unsigned count = 0;
    for (unsigned i = 0; i < model->variables.count; i++) {
        const disclosure_variable *at = disclosure_model_variable(model, i);
        if (disclosure_extent_has(extent, at) && disclosure_scope_may_mask(model, at))
            count += disclosure_model_mask(model, &model->table->cells[at->cell]);
    }
    return count;
}

unsigned disclosure_choice_widen(disclosure_model *model, unsigned variable)
{
    const disclosure_variable *at = disclosure_model_variable(model, variable);
    disclosure_extent near = { at->family, at->department }, all = { at->family, DISCLOSURE_NOWHERE };
    unsigned count = mask_all(model, &near);
    return count > 0 ? count : mask_all(model, &all);
}
