/*
 * disclosure_strict: for a site that chose it: a number is repeated until what it rests on has moved by the threshold, so
 * that no two releases of a period differ by a few people. A contract's number is repeated, sums follow; a table stays
 * true to its own sums. What rests on few now is masked all the same.
 */
#ifndef CTAI_DISCLOSURE_STRICT_H
#define CTAI_DISCLOSURE_STRICT_H

#include "disclosure.h"

/*
 * Puts into the table what the last of the releases of its period said, where that has not moved by the threshold; repeated
 * says which cells, and masked which of these rest on few in truth. False: memory is short.
 */
bool disclosure_strict_apply(region_table *table, const region_table *const *earlier, unsigned earlier_count,
                             unsigned threshold, arena *from) __attribute__((warn_unused_result));

#endif
