/*
 * disclosure_scope: a part of the model as a linear program: the variables of a family, of a department or of all, that a
 * reader does not know, while all others keep their true values. Columns are differences from the truth. What is possible
 * in a scope is possible in all of the model, so that a table found here is a whole possible table.
 */
#ifndef CTAI_DISCLOSURE_SCOPE_H
#define CTAI_DISCLOSURE_SCOPE_H

#include "disclosure_model.h"
#include "lp.h"

enum {
    DISCLOSURE_NEAR = 1500, /* variables in the first scope around one */
    DISCLOSURE_WIDER = 4,   /* times as many in the next */
};

/* Which variables move; DISCLOSURE_NOWHERE: all. */
typedef struct {
    unsigned family, department;
} disclosure_extent;

typedef struct {
    disclosure_model *model;
    unsigned column_count, row_count;
    size_t term_count;
    unsigned *variable;   /* [column] */
    double *sign;         /* [column]: the variable moves by sign * value */
    unsigned *column_of;  /* [variable]: the first of its columns, or DISCLOSURE_NOWHERE */
    double *low, *high;   /* [column] */
    bool *whole;
    double *row_low, *row_high, *row_sum; /* [row]; the last for whoever adds up */
    int *term_row, *term_column;
    double *term_weight;
    double *cost;         /* for whoever solves it; [column] */
    bool *up, *down;      /* for disclosure_choice; [column] */
    unsigned near_count, *near; /* if there are any, only these variables */
    bool *is_near;        /* [variable] */
    bool without_last;    /* leave out what the table itself says: for disclosure_audit_excuse */
    lp *program;          /* NULL: closed */
} disclosure_scope;

/* Room for the largest scope; variables are added no more after it. False: memory is short. */
bool disclosure_scope_init(disclosure_scope *self, disclosure_model *model) __attribute__((warn_unused_result));

bool disclosure_extent_has(const disclosure_extent *self, const disclosure_variable *variable);

/*
 * From now on scopes have only the variables that rows tie most closely to this one, of the extent and not known, up to
 * `most`; true: there are more. disclosure_scope_far: all again.
 */
bool disclosure_scope_near(disclosure_scope *self, const disclosure_extent *extent, unsigned variable, unsigned most, bool to_mask);
void disclosure_scope_far(disclosure_scope *self);

/*
 * Makes the program. to_mask: cells of the table that are published but could be masked to protect others have two columns
 * (up, down), the others of the table none. DISCLOSURE_SHORT when the program could not be made.
 */
disclosure_outcome disclosure_scope_open(disclosure_scope *self, const disclosure_extent *extent, bool to_mask)
    __attribute__((warn_unused_result));
void disclosure_scope_close(disclosure_scope *self);

/* Could the cell of this variable be masked to protect another? */
bool disclosure_scope_may_mask(const disclosure_model *model, const disclosure_variable *variable);

#endif
