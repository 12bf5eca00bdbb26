/* disclosure_walk: see disclosure_walk.h. */
#include "disclosure_walk.h"

#include <math.h>

enum {
    STEPS_MAX = 400,    /* of a walk */
    BROKEN_MAX = 200,   /* a walk that has broken so many rows is lost */
    FAILURES_MAX = 8,   /* walks in vain, for one variable */
    REST = 4,           /* steps in which a changed number stays */
};

static const double nearly = 1e-6;

bool disclosure_walk_init(disclosure_walk *self, disclosure_model *model)
{
    size_t variables = model->variables.count + 1, rows = model->rows.count + 1;
    arena *from = model->from;
    *self = (disclosure_walk){
        .model = model,
        .low = arena_take(from, variables * sizeof *self->low),
        .high = arena_take(from, variables * sizeof *self->high),
        .change = arena_take(from, variables * sizeof *self->change),
        .last = arena_take(from, variables * sizeof *self->last),
        .tried = arena_take(from, variables * sizeof *self->tried),
        .moved = arena_take(from, variables * sizeof *self->moved),
        .sum = arena_take(from, rows * sizeof *self->sum),
        .price = arena_take(from, rows * sizeof *self->price),
        .priced = arena_take(from, rows * sizeof *self->priced),
        .broken = arena_take(from, rows * sizeof *self->broken),
        .place = arena_take(from, rows * sizeof *self->place),
    };
    if (!self->low || !self->high || !self->change || !self->last || !self->tried || !self->moved
        || !self->sum || !self->price || !self->priced || !self->broken || !self->place)
        return false;
    for (unsigned i = 0; i < model->rows.count; i++) {
        self->price[i] = 1;
        self->place[i] = DISCLOSURE_NOWHERE;
    }
    self->changes = DISCLOSURE_NOWHERE;
    return true;
}

static const disclosure_row *row_at(const disclosure_walk *self, unsigned row)
{
    return (const disclosure_row *)self->model->rows.items + row;
}

/* What is lacking in a row; positive: it wants more. */
static double need(const disclosure_walk *self, unsigned row, double sum)
{
    const disclosure_row *of = row_at(self, row);
    if (of->equal)
        return fabs(sum) < nearly ? 0 : -sum;
    return of->slack + sum > -nearly ? 0 : -(of->slack + sum);
}

static uint64_t dice(disclosure_walk *self)
{
    self->state ^= self->state << 13;
    self->state ^= self->state >> 7;
    self->state ^= self->state << 17;
    return self->state >> 11;
}

static void set_sum(disclosure_walk *self, unsigned row, double sum)
{
    self->sum[row] = sum;
    bool is_broken = need(self, row, sum) != 0, was_broken = self->place[row] != DISCLOSURE_NOWHERE;
    if (is_broken && !was_broken) {
        self->place[row] = self->broken_count;
        self->broken[self->broken_count++] = row;
    } else if (!is_broken && was_broken) {
        unsigned last = self->broken[--self->broken_count];
        self->broken[self->place[row]] = last;
        self->place[last] = self->place[row];
        self->place[row] = DISCLOSURE_NOWHERE;
    }
}

static void move(disclosure_walk *self, unsigned variable, double by)
{
    if (self->last[variable] == 0)
        self->moved[self->moved_count++] = variable;
    self->last[variable] = self->step;
    self->change[variable] += by;
    for (unsigned i = self->model->first[variable]; i < self->model->first[variable + 1]; i++)
        set_sum(self, self->model->in[i].variable, self->sum[self->model->in[i].variable] + self->model->in[i].weight * by);
}

/* Back to the records' own table. */
static void reset(disclosure_walk *self)
{
    for (unsigned i = 0; i < self->moved_count; i++) {
        unsigned variable = self->moved[i];
        for (unsigned k = self->model->first[variable]; k < self->model->first[variable + 1]; k++) {
            self->sum[self->model->in[k].variable] = 0;
            self->place[self->model->in[k].variable] = DISCLOSURE_NOWHERE;
        }
        self->change[variable] = 0;
        self->last[variable] = 0;
    }
    for (unsigned i = 0; i < self->priced_count; i++)
        self->price[self->priced[i]] = 1;
    self->moved_count = self->priced_count = self->broken_count = 0;
    self->step = 1;
}

/* How much more the broken rows would cost. */
static double cost_of(const disclosure_walk *self, unsigned variable, double by)
{
    double cost = 0;
    for (unsigned i = self->model->first[variable]; i < self->model->first[variable + 1]; i++) {
        unsigned row = self->model->in[i].variable;
        double sum = self->sum[row];
        cost += self->price[row] * (fabs(need(self, row, sum + self->model->in[i].weight * by)) - fabs(need(self, row, sum)));
    }
    return cost;
}

/* Mends a row, or a part of what it lacks, by the number that costs least. */
static void mend(disclosure_walk *self, unsigned row, unsigned held)
{
    const disclosure_row *of = row_at(self, row);
    const disclosure_term *terms = (const disclosure_term *)self->model->terms.items + of->first;
    double lack = need(self, row, self->sum[row]), least = HUGE_VAL, best_by = 0;
    unsigned best = DISCLOSURE_NOWHERE, alike = 0;
    for (unsigned i = 0; i < of->count; i++) {
        unsigned at = terms[i].variable;
        if (at == held || (self->last[at] > 0 && self->last[at] + REST > self->step))
            continue;
        double want = self->change[at] + lack / terms[i].weight;
        double by = fmax(self->low[at], fmin(self->high[at], want)) - self->change[at];
        if (by == 0)
            continue;
        double cost = cost_of(self, at, by);
        alike = cost < least ? 0 : alike;
        if (cost < least || (cost == least && dice(self) % (++alike + 1) == 0)) {
            least = cost;
            best = at;
            best_by = by;
        }
    }
    if (best == DISCLOSURE_NOWHERE || least >= 0) {
        if (self->price[row] == 1)
            self->priced[self->priced_count++] = row;
        self->price[row]++;
    }
    self->step++;
    if (best != DISCLOSURE_NOWHERE)
        move(self, best, best_by);
}

static bool walk(disclosure_walk *self, unsigned variable, double value)
{
    reset(self);
    self->step = 1;
    move(self, variable, value);
    while (self->broken_count > 0 && self->broken_count < BROKEN_MAX && self->step < STEPS_MAX)
        mend(self, self->broken[dice(self) % self->broken_count], variable);
    return self->broken_count == 0;
}

/* Is the table possible that is `times` as far from the truth? */
static bool is_possible(const disclosure_walk *self, double times)
{
    for (unsigned i = 0; i < self->moved_count; i++) {
        unsigned variable = self->moved[i];
        double change = times * self->change[variable];
        if (change < self->low[variable] || change > self->high[variable])
            return false;
        for (unsigned k = self->model->first[variable]; k < self->model->first[variable + 1]; k++)
            if (need(self, self->model->in[k].variable, times * self->sum[self->model->in[k].variable]) != 0)
                return false;
    }
    return true;
}

static void note(disclosure_walk *self, double times)
{
    for (unsigned i = 0; i < self->moved_count; i++)
        disclosure_model_note(disclosure_model_variable(self->model, self->moved[i]), times * self->change[self->moved[i]]);
}

/* The table that was found, and those beyond it and opposite to it. */
static void note_all(disclosure_walk *self)
{
    note(self, 1);
    for (int sign = 1; sign >= -1; sign -= 2)
        for (int times = sign > 0 ? 2 : 1; times < (int)self->model->options->values && is_possible(self, sign * times); times++)
            note(self, sign * times);
}

static void look_for(disclosure_walk *self, unsigned variable)
{
    const disclosure_variable *at = disclosure_model_variable(self->model, variable);
    bool ended[2] = { false, false };
    unsigned failures = 0;
    for (int away = 1; away <= DISCLOSURE_REACH && failures < FAILURES_MAX && disclosure_model_is_open(self->model, at); away++)
        for (unsigned down = 0; down < 2 && disclosure_model_is_open(self->model, at); down++) {
            double value = ceil(away * at->unit) * (down ? -1 : 1);
            if (ended[down] || disclosure_model_has(at, value))
                continue;
            if (value < self->low[variable] || value > self->high[variable])
                ended[down] = true;
            else if (walk(self, variable, value))
                note_all(self);
            else
                failures++;
        }
}

/* What may move, after masks or what is told of them changed. */
static void set_bounds(disclosure_walk *self)
{
    for (unsigned i = 0; i < self->model->variables.count; i++) {
        const disclosure_variable *at = disclosure_model_variable(self->model, i);
        double low, high, reach = DISCLOSURE_REACH * at->unit;
        disclosure_model_bounds(self->model, at, &low, &high);
        self->low[i] = at->far ? 0 : ceil(fmax(low - at->truth, -reach));
        self->high[i] = at->far ? 0 : floor(fmin(high - at->truth, reach));
    }
    self->changes = self->model->changes;
}

bool disclosure_walk_seek(disclosure_walk *self, unsigned variable)
{
    const disclosure_variable *at = disclosure_model_variable(self->model, variable);
    if (self->changes != self->model->changes)
        set_bounds(self);
    if (disclosure_model_is_open(self->model, at) && self->tried[variable] != self->changes + 1) {
        self->state = 0x9e3779b97f4a7c15ULL;
        look_for(self, variable);
        self->tried[variable] = self->changes + 1;
    }
    return disclosure_model_is_open(self->model, at);
}

void disclosure_walk_run(disclosure_walk *self, const disclosure_extent *extent)
{
    for (unsigned i = 0; i < self->model->variables.count; i++)
        if (disclosure_extent_has(extent, disclosure_model_variable(self->model, i)))
            (void)disclosure_walk_seek(self, i);
}
