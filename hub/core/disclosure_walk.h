/*
 * disclosure_walk: the auditor's first and cheapest way to possible tables: from the records' own table, one number is moved
 * to a value that it has not been shown to have, and the rows that this breaks are mended one after the other, each by the
 * change of one more number that costs the others least, until none is broken or it has taken too many steps. Nearly all
 * of what is possible is found so, in all of the model at once and without a linear program; of what is not found nothing is known.
 * Whoever asks for more: disclosure_audit. (The search is that of B. Luteberget and G. Sartor, Feasibility Jump, 2023,
 * with weights on the rows that stay broken.)
 */
#ifndef CTAI_DISCLOSURE_WALK_H
#define CTAI_DISCLOSURE_WALK_H

#include "disclosure_scope.h"

typedef struct {
    disclosure_model *model;
    double *low, *high, *change; /* [variable]: differences from the truth, whole numbers */
    unsigned *last;              /* [variable]: the step that changed it last, of this walk */
    unsigned *tried;             /* [variable]: the model's count of masks and eases when it was last looked for in vain */
    unsigned moved_count, *moved;   /* variables that may be off the truth */
    double *sum;                 /* [row]: by how much its sum has changed */
    double *price;               /* [row]: what a unit of breach costs */
    unsigned priced_count, *priced; /* rows whose price is not 1 */
    unsigned broken_count, *broken, *place; /* rows; [row]: its place among them, or DISCLOSURE_NOWHERE */
    unsigned step, changes;
    uint64_t state;
} disclosure_walk;

/* Rows and variables are added no more after it. False: memory is short. */
bool disclosure_walk_init(disclosure_walk *self, disclosure_model *model) __attribute__((warn_unused_result));

/*
 * Looks for values of a variable if it is open, unless it has been looked for since masks changed last, and notes what is
 * found for it and others; true: it is still open.
 */
bool disclosure_walk_seek(disclosure_walk *self, unsigned variable);

/* The same for all of an extent. */
void disclosure_walk_run(disclosure_walk *self, const disclosure_extent *extent);

#endif
