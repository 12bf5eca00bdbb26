/*
 * disclosure_choice: which further cells to mask so that a number may have other values: the cheapest way, by a linear
 * program, to move it together with published cells that could be masked.
 */
#ifndef CTAI_DISCLOSURE_CHOICE_H
#define CTAI_DISCLOSURE_CHOICE_H

#include "disclosure_walk.h"

/*
 * Masks what lets each open variable of the extent move inside it; *masked grows by the cells. Where a linear program finds
 * that it moves already, the auditor is asked for it, but in a department. Not REFUSED: nothing may help.
 */
disclosure_outcome disclosure_choice_run(disclosure_scope *scope, disclosure_walk *walk, const disclosure_extent *extent, unsigned *masked)
    __attribute__((warn_unused_result));

/* The last resort: all cells of the variable's family that may be masked, in its department, then everywhere. */
unsigned disclosure_choice_widen(disclosure_model *model, unsigned variable);

#endif
