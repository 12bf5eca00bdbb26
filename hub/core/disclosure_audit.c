/* disclosure_audit: see disclosure_audit.h. One number at a time; but each table that is found shows values of many. */
#include "disclosure_audit.h"

#include <assert.h>
#include <math.h>

enum { FAILURES_MAX = 4 }; /* searches without an end, for one variable */

static const double nearly = 1e-4; /* of minutes and days, which have fractions */

bool disclosure_audit_is_open(const disclosure_model *model, const disclosure_extent *extent)
{
    for (unsigned i = 0; i < model->variables.count; i++) {
        const disclosure_variable *at = disclosure_model_variable(model, i);
        if (disclosure_extent_has(extent, at) && disclosure_model_is_open(model, at))
            return true;
    }
    return false;
}

/* The same sequence at each run: nothing here may depend on chance. */
static double dice(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (double)(*state >> 11) / (double)(1ULL << 53) * 2 - 1;
}

/* Is the solution a whole possible table, whatever a linear program's arithmetic lets pass? */
static bool is_possible(disclosure_scope *self)
{
    for (unsigned i = 0; i < self->row_count; i++)
        self->row_sum[i] = 0;
    for (size_t i = 0; i < self->term_count; i++)
        self->row_sum[self->term_row[i]] += self->term_weight[i] * lp_value(self->program, (unsigned)self->term_column[i]);
    for (unsigned i = 0; i < self->row_count; i++)
        if (self->row_sum[i] < self->row_low[i] - nearly || self->row_sum[i] > self->row_high[i] + nearly)
            return false;
    for (unsigned i = 0; i < self->column_count; i++) {
        double value = lp_value(self->program, i);
        if (value < self->low[i] - nearly || value > self->high[i] + nearly || (self->whole[i] && value != round(value)))
            return false;
    }
    return true;
}

/* Notes what a possible table shows of each variable; without the last release, it shows only what was asked of one column. */
static bool note(disclosure_scope *self, unsigned column)
{
    if (!is_possible(self))
        return false;
    for (unsigned i = 0; i < self->column_count; i++)
        if (!self->without_last || i == column)
            disclosure_model_note(disclosure_model_variable(self->model, self->variable[i]), lp_value(self->program, i));
    return true;
}

static bool is_open(const disclosure_scope *self, unsigned column)
{
    return disclosure_model_is_open(self->model, disclosure_model_variable(self->model, self->variable[column]));
}

static disclosure_outcome outcome_of(const disclosure_scope *self)
{
    return lp_alive(self->program) ? DISCLOSURE_DONE : DISCLOSURE_SHORT;
}

/* One whole number: each value in turn, from the truth outwards, until enough are possible. */
static disclosure_outcome push_count(disclosure_scope *self, unsigned column, uint64_t *state)
{
    const disclosure_variable *at = disclosure_model_variable(self->model, self->variable[column]);
    bool ended[2] = { false, false };
    unsigned failures = 0;
    for (int away = 1; away <= DISCLOSURE_REACH && failures < FAILURES_MAX && is_open(self, column); away++)
        for (unsigned down = 0; down < 2 && is_open(self, column); down++) {
            int value = down ? -away : away;
            if (ended[down] || (at->seen >> (DISCLOSURE_REACH + value) & 1))
                continue;
            if (value < self->low[column] || value > self->high[column]) {
                ended[down] = true;
                continue;
            }
            for (unsigned i = 0; i < self->column_count; i++)
                lp_cost(self->program, i, is_open(self, i) ? dice(state) : 0);
            lp_bound(self->program, column, value, value);
            lp_outcome found = lp_solve(self->program, true);
            if (found == LP_OPTIMAL && note(self, column))
                continue;
            if (found == LP_IMPOSSIBLE)
                ended[down] = true;
            else if (!lp_alive(self->program))
                return DISCLOSURE_SHORT;
            else
                failures++;
        }
    lp_bound(self->program, column, self->low[column], self->high[column]);
    return DISCLOSURE_DONE;
}

/* One that has fractions: its extremes. */
static disclosure_outcome push_measure(disclosure_scope *self, unsigned column)
{
    for (unsigned i = 0; i < self->column_count; i++)
        lp_cost(self->program, i, 0);
    for (int sign = -1; sign <= 1 && is_open(self, column); sign += 2) {
        lp_cost(self->program, column, sign);
        if (lp_solve(self->program, true) == LP_OPTIMAL)
            (void)note(self, column);
    }
    return outcome_of(self);
}

static disclosure_outcome push_one(disclosure_scope *self, unsigned column, uint64_t *state)
{
    if (disclosure_model_variable(self->model, self->variable[column])->whole)
        return push_count(self, column, state);
    return push_measure(self, column);
}

disclosure_outcome disclosure_audit_variable(disclosure_scope *scope, const disclosure_extent *extent, unsigned variable)
{
    disclosure_variable *at = disclosure_model_variable(scope->model, variable);
    disclosure_outcome outcome = DISCLOSURE_DONE;
    bool more = extent->family == DISCLOSURE_NOWHERE || scope->without_last || at->asked != scope->model->changes + 1;
    for (unsigned most = DISCLOSURE_NEAR; more && outcome == DISCLOSURE_DONE && disclosure_model_is_open(scope->model, at); most *= DISCLOSURE_WIDER) {
        uint64_t state = 0x9e3779b97f4a7c15ULL;
        more = disclosure_scope_near(scope, extent, variable, most, false);
        outcome = disclosure_scope_open(scope, extent, false);
        if (outcome == DISCLOSURE_DONE && scope->column_of[variable] != DISCLOSURE_NOWHERE)
            outcome = push_one(scope, scope->column_of[variable], &state);
        disclosure_scope_close(scope);
    }
    disclosure_scope_far(scope);
    if (!scope->without_last)
        at->asked = scope->model->changes + 1;
    return outcome;
}

disclosure_outcome disclosure_audit_run(disclosure_scope *scope, const disclosure_extent *extent)
{
    disclosure_outcome outcome = DISCLOSURE_DONE;
    for (unsigned i = 0; i < scope->model->variables.count && outcome == DISCLOSURE_DONE; i++)
        if (disclosure_extent_has(extent, disclosure_model_variable(scope->model, i)))
            outcome = disclosure_audit_variable(scope, extent, i);
    return outcome;
}

disclosure_outcome disclosure_audit_excuse(disclosure_scope *scope, unsigned variable)
{
    disclosure_variable *at = disclosure_model_variable(scope->model, variable);
    disclosure_extent all = { DISCLOSURE_NOWHERE, DISCLOSURE_NOWHERE };
    if (at->release + 1 == scope->model->release_count)
        return DISCLOSURE_DONE;
    uint64_t seen = at->seen;
    double least = at->least, most = at->most;
    scope->without_last = true;
    disclosure_outcome outcome = disclosure_audit_variable(scope, &all, variable);
    scope->without_last = false;
    at->excused = outcome == DISCLOSURE_DONE && disclosure_model_is_open(scope->model, at);
    at->seen = seen; /* what is possible without this release need not be so with it */
    at->least = least;
    at->most = most;
    return outcome;
}
