/*
 * lp: see lp.h. GLPK reports what it cannot do by calling a hook and then abort(): the hook jumps back here, after which
 * its memory is in no known state, so that all of it is freed at once and the lp is dead.
 */
#include "lp.h"

#include <assert.h>
#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 200000,
    BRANCHES_MAX = 400,
    BRANCHED_COLUMNS_MAX = 1000000, /* columns times branches: a branch of a large program takes long */
};

struct lp {
    glp_prob *problem; /* NULL: dead */
    unsigned column_count;
    bool *whole;
    double *values;
    bool is_whole;
    jmp_buf back;
};

static bool is_open;

static void caught(void *info)
{
    lp *self = info;
    longjmp(self->back, 1);
}

static int hush(void *info, const char *text)
{
    return 1;
}

/* After a jump: everything of GLPK's goes. */
static void die(lp *self)
{
    glp_error_hook(NULL, NULL);
    (void)glp_free_env();
    self->problem = NULL;
}

static void bound(glp_prob *problem, bool row, int at, double low, double high)
{
    int type = low == high ? GLP_FX : isinf(low) && isinf(high) ? GLP_FR : isinf(low) ? GLP_UP : isinf(high) ? GLP_LO : GLP_DB;
    if (row)
        glp_set_row_bnds(problem, at, type, low, high);
    else
        glp_set_col_bnds(problem, at, type, low, high);
}

/* GLPK counts from 1, and wants its own arrays so. */
static void load(lp *self, const lp_problem *from, int *rows, int *columns, double *weights)
{
    glp_prob *problem = self->problem = glp_create_prob();
    if (from->row_count > 0)
        glp_add_rows(problem, (int)from->row_count);
    if (from->column_count > 0)
        glp_add_cols(problem, (int)from->column_count);
    for (unsigned i = 0; i < from->row_count; i++)
        bound(problem, true, (int)i + 1, from->row_low[i], from->row_high[i]);
    for (unsigned i = 0; i < from->column_count; i++) {
        glp_set_col_kind(problem, (int)i + 1, from->whole && from->whole[i] ? GLP_IV : GLP_CV);
        bound(problem, false, (int)i + 1, from->column_low[i], from->column_high[i]);
    }
    for (size_t i = 0; i < from->term_count; i++) {
        rows[i + 1] = from->term_row[i] + 1;
        columns[i + 1] = from->term_column[i] + 1;
        weights[i + 1] = from->term_weight[i];
    }
    glp_load_matrix(problem, (int)from->term_count, rows, columns, weights);
    glp_set_obj_dir(problem, GLP_MIN);
    glp_std_basis(problem);
}

static bool fill(lp *self, const lp_problem *from)
{
    int *rows = malloc((from->term_count + 1) * sizeof *rows), *columns = malloc((from->term_count + 1) * sizeof *columns);
    double *weights = malloc((from->term_count + 1) * sizeof *weights);
    volatile bool good = rows && columns && weights;
    if (good) {
        if (setjmp(self->back)) {
            die(self);
            good = false;
        } else {
            glp_term_hook(hush, NULL);
            glp_mem_limit(LP_MEMORY_MB);
            glp_error_hook(caught, self);
            load(self, from, rows, columns, weights);
            glp_error_hook(NULL, NULL);
        }
    }
    free(rows);
    free(columns);
    free(weights);
    return good;
}

lp *lp_new(const lp_problem *problem)
{
    assert(!is_open);
    if (problem->term_count >= INT_MAX || problem->row_count >= INT_MAX || problem->column_count >= INT_MAX)
        return NULL;
    lp *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    is_open = true;
    self->column_count = problem->column_count;
    self->whole = calloc(problem->column_count + 1, sizeof *self->whole);
    self->values = calloc(problem->column_count + 1, sizeof *self->values);
    if (self->whole)
        for (unsigned i = 0; i < problem->column_count; i++)
            self->whole[i] = problem->whole && problem->whole[i];
    if (!self->whole || !self->values || !fill(self, problem))
        lp_destroy(&self);
    return self;
}

void lp_destroy(lp **self)
{
    if (!*self)
        return;
    if ((*self)->problem)
        (void)glp_free_env(); /* the problem too */
    free((*self)->whole);
    free((*self)->values);
    free(*self);
    *self = NULL;
    is_open = false;
}

bool lp_alive(const lp *self)
{
    return self->problem != NULL;
}

void lp_bound(lp *self, unsigned column, double low, double high)
{
    assert(column < self->column_count && low <= high);
    if (self->problem)
        bound(self->problem, false, (int)column + 1, low, high);
}

void lp_cost(lp *self, unsigned column, double cost)
{
    assert(column < self->column_count);
    if (self->problem)
        glp_set_obj_coef(self->problem, (int)column + 1, cost);
}

static lp_outcome relax(lp *self)
{
    glp_smcp how;
    glp_init_smcp(&how);
    how.msg_lev = GLP_MSG_OFF;
    how.it_lim = STEPS_MAX;
    how.meth = GLP_PRIMAL;
    int code = glp_simplex(self->problem, &how);
    if (code == GLP_EBADB || code == GLP_ESING || code == GLP_ECOND || code == GLP_EFAIL) {
        glp_std_basis(self->problem);
        code = glp_simplex(self->problem, &how);
    }
    if (code != 0)
        return LP_FAILED;
    int status = glp_get_status(self->problem);
    return status == GLP_OPT ? LP_OPTIMAL : status == GLP_NOFEAS ? LP_IMPOSSIBLE : LP_FAILED;
}

/* The first whole solution will do. */
static void stop_early(glp_tree *tree, void *info)
{
    const lp *self = info;
    int active, current, total;
    glp_ios_tree_size(tree, &active, &current, &total);
    if (glp_ios_reason(tree) == GLP_IBINGO || total > BRANCHES_MAX
        || (unsigned)total > BRANCHED_COLUMNS_MAX / (self->column_count + 1))
        glp_ios_terminate(tree);
}

static lp_outcome search(lp *self)
{
    glp_iocp how;
    glp_init_iocp(&how);
    how.msg_lev = GLP_MSG_OFF;
    how.br_tech = GLP_BR_FFV;
    how.bt_tech = GLP_BT_DFS;
    how.cb_func = stop_early;
    how.cb_info = self;
    int code = glp_intopt(self->problem, &how);
    if (code != 0 && code != GLP_ESTOP)
        return LP_FAILED;
    int status = glp_mip_status(self->problem);
    return status == GLP_OPT || status == GLP_FEAS ? LP_OPTIMAL
           : status == GLP_NOFEAS && code == 0    ? LP_IMPOSSIBLE : LP_FAILED;
}

/* The solution into values. */
static void take(lp *self, bool searched)
{
    self->is_whole = true;
    for (unsigned i = 0; i < self->column_count; i++) {
        double value = searched ? glp_mip_col_val(self->problem, (int)i + 1) : glp_get_col_prim(self->problem, (int)i + 1);
        double near = round(value);
        if (self->whole[i] && fabs(value - near) > 1e-6)
            self->is_whole = false;
        self->values[i] = self->whole[i] && fabs(value - near) <= 1e-6 ? near : value;
    }
}

lp_outcome lp_solve(lp *self, bool whole)
{
    volatile lp_outcome outcome = LP_FAILED;
    if (!self->problem)
        return LP_FAILED;
    if (setjmp(self->back)) {
        die(self);
        return LP_FAILED;
    }
    glp_error_hook(caught, self);
    outcome = relax(self);
    if (outcome == LP_OPTIMAL) {
        take(self, false);
        if (whole && !self->is_whole) {
            outcome = search(self);
            if (outcome == LP_OPTIMAL)
                take(self, true);
        }
    }
    glp_error_hook(NULL, NULL);
    return outcome;
}

double lp_value(const lp *self, unsigned column)
{
    assert(column < self->column_count);
    return self->values[column];
}
