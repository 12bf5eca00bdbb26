/* disclosure_scope: see disclosure_scope.h. */
#include "disclosure_scope.h"

#include <assert.h>
#include <math.h>

bool disclosure_scope_init(disclosure_scope *self, disclosure_model *model)
{
    size_t columns = 2 * model->variables.count + 1, rows = model->rows.count + 1, terms = 2 * model->terms.count + 1;
    arena *from = model->from;
    *self = (disclosure_scope){
        .model = model,
        .variable = arena_take(from, columns * sizeof *self->variable),
        .sign = arena_take(from, columns * sizeof *self->sign),
        .column_of = arena_take(from, columns * sizeof *self->column_of),
        .near = arena_take(from, columns * sizeof *self->near),
        .is_near = arena_take(from, columns * sizeof *self->is_near),
        .low = arena_take(from, columns * sizeof *self->low),
        .high = arena_take(from, columns * sizeof *self->high),
        .whole = arena_take(from, columns * sizeof *self->whole),
        .cost = arena_take(from, columns * sizeof *self->cost),
        .up = arena_take(from, columns * sizeof *self->up),
        .down = arena_take(from, columns * sizeof *self->down),
        .row_low = arena_take(from, rows * sizeof *self->row_low),
        .row_high = arena_take(from, rows * sizeof *self->row_high),
        .row_sum = arena_take(from, rows * sizeof *self->row_sum),
        .term_row = arena_take(from, terms * sizeof *self->term_row),
        .term_column = arena_take(from, terms * sizeof *self->term_column),
        .term_weight = arena_take(from, terms * sizeof *self->term_weight),
    };
    return self->variable && self->sign && self->column_of && self->near && self->is_near && self->low && self->high && self->whole && self->cost && self->up && self->down
           && self->row_low && self->row_high && self->row_sum && self->term_row && self->term_column && self->term_weight;
}

bool disclosure_extent_has(const disclosure_extent *self, const disclosure_variable *variable)
{
    return (self->family == DISCLOSURE_NOWHERE || self->family == variable->family)
           && (self->department == DISCLOSURE_NOWHERE || self->department == variable->department);
}

bool disclosure_scope_may_mask(const disclosure_model *model, const disclosure_variable *variable)
{
    const region_cell *cell = disclosure_model_cell(model, variable);
    return cell && variable->release + 1 == model->release_count && !cell->masked && cell->has_value
           && (cell->rests == 0 || cell->rests >= (int64_t)model->options->threshold);
}

static void add_column(disclosure_scope *self, unsigned variable, double sign, double low, double high)
{
    unsigned at = self->column_count++;
    self->variable[at] = variable;
    self->sign[at] = sign;
    self->low[at] = low;
    self->high[at] = high;
    self->whole[at] = disclosure_model_variable(self->model, variable)->whole;
    self->cost[at] = 0;
}

/* Between which differences a variable of the extent moves; false: it is none, or known. */
static bool moves(const disclosure_scope *self, const disclosure_extent *extent, unsigned variable, bool mask, double *low, double *high)
{
    const disclosure_variable *at = disclosure_model_variable(self->model, variable);
    double reach = DISCLOSURE_REACH * at->unit;
    if (!disclosure_extent_has(extent, at) || at->far)
        return false;
    if (mask)
        disclosure_model_bounds_masked(self->model, at, low, high);
    else
        disclosure_model_bounds(self->model, at, low, high);
    *low = fmax(*low - at->truth, -reach);
    *high = fmin(*high - at->truth, reach);
    return *low < *high;
}

static void add_columns(disclosure_scope *self, const disclosure_extent *extent, bool to_mask)
{
    for (unsigned i = 0; i < self->model->variables.count; i++) {
        double low, high;
        bool mask = to_mask && disclosure_scope_may_mask(self->model, disclosure_model_variable(self->model, i));
        self->column_of[i] = DISCLOSURE_NOWHERE;
        if ((self->near_count > 0 && !self->is_near[i]) || !moves(self, extent, i, mask, &low, &high))
            continue;
        self->column_of[i] = self->column_count;
        if (mask) {
            add_column(self, i, 1, 0, high);
            add_column(self, i, -1, 0, -low);
        } else
            add_column(self, i, 1, low, high);
    }
}

bool disclosure_scope_near(disclosure_scope *self, const disclosure_extent *extent, unsigned variable, unsigned most, bool to_mask)
{
    const disclosure_model *model = self->model;
    disclosure_scope_far(self);
    self->near[self->near_count++] = variable;
    self->is_near[variable] = true;
    for (unsigned next = 0; next < self->near_count; next++)
        for (unsigned i = model->first[self->near[next]]; i < model->first[self->near[next] + 1]; i++) {
            const disclosure_row *row = (const disclosure_row *)model->rows.items + model->in[i].variable;
            const disclosure_term *terms = (const disclosure_term *)model->terms.items + row->first;
            for (unsigned k = 0; k < row->count; k++) {
                double low, high;
                unsigned at = terms[k].variable;
                bool mask = to_mask && disclosure_scope_may_mask(model, disclosure_model_variable(model, at));
                if (self->is_near[at] || !moves(self, extent, at, mask, &low, &high))
                    continue;
                if (self->near_count == most)
                    return true;
                self->near[self->near_count++] = at;
                self->is_near[at] = true;
            }
        }
    return false;
}

void disclosure_scope_far(disclosure_scope *self)
{
    for (unsigned i = 0; i < self->near_count; i++)
        self->is_near[self->near[i]] = false;
    self->near_count = 0;
}

/* A row of which some variables move; false, and nothing is kept, when it can say nothing. */
static bool add_row(disclosure_scope *self, const disclosure_row *row)
{
    const disclosure_term *terms = (const disclosure_term *)self->model->terms.items + row->first;
    size_t start = self->term_count;
    double least = 0;
    for (unsigned i = 0; i < row->count && self->without_last; i++)
        if (disclosure_model_variable(self->model, terms[i].variable)->release + 1 == self->model->release_count)
            return false;
    for (unsigned i = 0; i < row->count; i++) {
        unsigned first = self->column_of[terms[i].variable];
        for (unsigned at = first; at < self->column_count && self->variable[at] == terms[i].variable; at++) {
            double weight = terms[i].weight * self->sign[at];
            self->term_row[self->term_count] = (int)self->row_count;
            self->term_column[self->term_count] = (int)at;
            self->term_weight[self->term_count++] = weight;
            least += weight > 0 ? weight * self->low[at] : weight * self->high[at];
        }
    }
    if (self->term_count == start || (!row->equal && least >= -row->slack)) {
        self->term_count = start;
        return false;
    }
    self->row_low[self->row_count] = row->equal ? 0 : -row->slack;
    self->row_high[self->row_count++] = row->equal ? 0 : HUGE_VAL;
    return true;
}

disclosure_outcome disclosure_scope_open(disclosure_scope *self, const disclosure_extent *extent, bool to_mask)
{
    assert(!self->program);
    self->column_count = self->row_count = 0;
    self->term_count = 0;
    add_columns(self, extent, to_mask);
    for (unsigned i = 0; i < self->model->rows.count; i++)
        (void)add_row(self, (const disclosure_row *)self->model->rows.items + i);
    lp_problem problem = {
        .row_count = self->row_count, .column_count = self->column_count, .row_low = self->row_low, .row_high = self->row_high,
        .column_low = self->low, .column_high = self->high, .whole = self->whole, .term_count = self->term_count,
        .term_row = self->term_row, .term_column = self->term_column, .term_weight = self->term_weight,
    };
    self->program = lp_new(&problem);
    return self->program ? DISCLOSURE_DONE : DISCLOSURE_SHORT;
}

void disclosure_scope_close(disclosure_scope *self)
{
    lp_destroy(&self->program);
}
