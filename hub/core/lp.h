/*
 * lp: linear programs with whole-number columns, solved by GLPK, of which this is the only user. Pure but for GLPK's own
 * memory, which is bounded (LP_MEMORY_MB) and given back by lp_destroy; nothing is printed, and what GLPK would abort on
 * comes back as LP_FAILED. Deterministic: work is bounded by counts of steps, never by time. Not for several threads.
 */
#ifndef CTAI_LP_H
#define CTAI_LP_H

#include <stdbool.h>
#include <stddef.h>

enum { LP_MEMORY_MB = 1024 };

typedef struct lp lp;

typedef enum {
    LP_OPTIMAL,
    LP_IMPOSSIBLE, /* nothing satisfies the rows */
    LP_FAILED,     /* memory, too many steps, or GLPK gave up: nothing is known; the lp can only be destroyed if !lp_alive */
} lp_outcome;

/* rows: low <= sum of weight * column <= high; columns: low <= value <= high, both finite; an infinite side of a row: HUGE_VAL. */
typedef struct {
    unsigned row_count, column_count;
    const double *row_low, *row_high, *column_low, *column_high;
    const bool *whole; /* columns that count; NULL: none */
    size_t term_count; /* each row and column at most once together */
    const int *term_row, *term_column; /* from 0 */
    const double *term_weight;
} lp_problem;

/* Copies the problem; NULL when memory is short or GLPK fails. At most one lp lives at a time. */
lp *lp_new(const lp_problem *problem) __attribute__((warn_unused_result));
void lp_destroy(lp **self);
bool lp_alive(const lp *self);

/* From now on; costs are 0 at first. */
void lp_bound(lp *self, unsigned column, double low, double high);
void lp_cost(lp *self, unsigned column, double cost);

/*
 * Minimises the sum of cost * column, warm from the last solution. whole: a solution in whole numbers, not always the
 * best one.
 */
lp_outcome lp_solve(lp *self, bool whole) __attribute__((warn_unused_result));

/* Of the last LP_OPTIMAL. A whole column that is whole within 1e-6 comes as the whole number. */
double lp_value(const lp *self, unsigned column);

#endif
