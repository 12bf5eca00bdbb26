/*
 * disclosure_block: which indicators are parts of which, from their definitions: the rule by which cells are masked, before
 * any thought of what could be computed from the others.
 */
#ifndef CTAI_DISCLOSURE_BLOCK_H
#define CTAI_DISCLOSURE_BLOCK_H

#include "region_table.h"

/*
 * Is whom part counts always among whom whole counts: the same kind, of its types and details, with filters (sex, BPI,
 * under 25) as narrow or narrower? An indicator is part of itself; distinct persons of a scope are no part of the sum
 * over contracts, nor the other way round.
 */
bool disclosure_block_part(const region_indicator *part, const region_indicator *whole);

/* Does the threshold's rule ask for this cell to be masked? */
bool disclosure_block_small(const region_table *table, const region_cell *cell, unsigned threshold);

/* Masks what belongs to a masked cell, zeros too: all parts of it in its territory; true when that masked another. */
bool disclosure_block_close(region_table *table, region_cell *cell);

/*
 * The rule alone: clears all masks, then masks by threshold and blocks, as primary. A repeated cell that comes masked rests
 * on few in truth, and stays so. The count of masked cells.
 */
unsigned disclosure_block_rule(region_table *table, unsigned threshold);

#endif
