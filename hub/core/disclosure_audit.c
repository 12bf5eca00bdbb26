/* disclosure_audit: see disclosure_audit.h. First tables that change many numbers a little at once, then one number at a time. */
#include "disclosure_audit.h"

#include <assert.h>
#include <math.h>

enum { FAILURES_MAX = 4 }; /* searches without an end, for one variable */

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

/* The solution is a possible table: what it shows of each variable. */
static void note(disclosure_scope *self)
{
    for (unsigned i = 0; i < self->column_count; i++) {
        disclosure_variable *at = disclosure_model_variable(self->model, self->variable[i]);
        double change = lp_value(self->program, i);
        if (at->whole) {
            assert(fabs(change) <= DISCLOSURE_REACH);
            at->seen |= 1ULL << (DISCLOSURE_REACH + (int)change);
        } else {
            at->least = fmin(at->least, at->truth + change);
            at->most = fmax(at->most, at->truth + change);
        }
    }
}

static bool is_open(const disclosure_scope *self, unsigned column)
{
    return disclosure_model_is_open(self->model, disclosure_model_variable(self->model, self->variable[column]));
}

static unsigned count_open(const disclosure_scope *self)
{
    unsigned count = 0;
    for (unsigned i = 0; i < self->column_count; i++)
        count += is_open(self, i);
    return count;
}

static disclosure_outcome outcome_of(const disclosure_scope *self)
{
    return lp_alive(self->program) ? DISCLOSURE_DONE : DISCLOSURE_SHORT;
}

/* All numbers within a few units of the truth, pushed in directions that are drawn by lot, then the other way. */
static disclosure_outcome push_all(disclosure_scope *self, uint64_t *state)
{
    for (unsigned step = 1; step < self->model->options->values && count_open(self) > 0; step++)
        for (unsigned turn = 0; turn < 4; turn++) {
            for (unsigned i = 0; i < self->column_count; i++) {
                double unit = disclosure_model_variable(self->model, self->variable[i])->unit * step;
                lp_bound(self->program, i, fmax(self->low[i], -unit), fmin(self->high[i], unit));
                if (turn % 2 == 0)
                    self->cost[i] = is_open(self, i) ? dice(state) * step / unit : 0;
                lp_cost(self->program, i, turn % 2 == 0 ? self->cost[i] : -self->cost[i]);
            }
            if (lp_solve(self->program, false) == LP_OPTIMAL && lp_is_whole(self->program))
                note(self);
            else if (!lp_alive(self->program))
                return DISCLOSURE_SHORT;
        }
    return DISCLOSURE_DONE;
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
            if (found == LP_OPTIMAL)
                note(self);
            else if (found == LP_IMPOSSIBLE)
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
            note(self);
    }
    return outcome_of(self);
}

static disclosure_outcome push_one(disclosure_scope *self, unsigned column, uint64_t *state)
{
    if (disclosure_model_variable(self->model, self->variable[column])->whole)
        return push_count(self, column, state);
    return push_measure(self, column);
}

disclosure_outcome disclosure_audit_run(disclosure_scope *scope, const disclosure_extent *extent, bool deep)
{
    uint64_t state = 0x9e3779b97f4a7c15ULL;
    disclosure_outcome outcome = disclosure_scope_open(scope, extent, false);
    if (outcome != DISCLOSURE_DONE)
        return outcome;
    for (unsigned before = count_open(scope), after = 0; before > 0 && outcome == DISCLOSURE_DONE; before = after) {
        outcome = push_all(scope, &state);
        after = count_open(scope);
        if (after + before / 8 >= before) /* it no longer pays */
            break;
    }
    for (unsigned i = 0; i < scope->column_count && outcome == DISCLOSURE_DONE; i++)
        lp_bound(scope->program, i, scope->low[i], scope->high[i]);
    for (unsigned i = 0; i < scope->column_count && deep && outcome == DISCLOSURE_DONE; i++)
        if (is_open(scope, i))
            outcome = push_one(scope, i, &state);
    disclosure_scope_close(scope);
    return outcome;
}

disclosure_outcome disclosure_audit_excuse(disclosure_scope *scope, unsigned variable)
{
    uint64_t state = 0x9e3779b97f4a7c15ULL;
    disclosure_variable *at = disclosure_model_variable(scope->model, variable);
    disclosure_extent all = { at->family, DISCLOSURE_NOWHERE };
    if (at->release + 1 == scope->model->release_count)
        return DISCLOSURE_DONE;
    scope->without_last = true;
    disclosure_outcome outcome = disclosure_scope_open(scope, &all, false);
    scope->without_last = false;
    if (outcome != DISCLOSURE_DONE)
        return outcome;
    uint64_t seen = at->seen;
    double least = at->least, most = at->most;
    if (scope->column_of[variable] != DISCLOSURE_NOWHERE)
        outcome = push_one(scope, scope->column_of[variable], &state);
    at->excused = disclosure_model_is_open(scope->model, at);
    at->seen = seen; /* what is possible without this release need not be so with it */
    at->least = least;
    at->most = most;
    disclosure_scope_close(scope);
    return outcome;
}
