/*
 * evaluation_layout: how an evaluation's cells are laid out for people, whatever the form: under which heading of the national
 * list each stands, and which is a part ("dont") of which.
 */
#ifndef CTAI_EVALUATION_LAYOUT_H
#define CTAI_EVALUATION_LAYOUT_H

#include "catalogue.h"
#include "evaluation_table.h"

/* "3.1" of "3.1.heures", "2" of "2.cout_total", "L" of "L.assiduite"; empty: it has none that is short enough to show. */
text_view evaluation_heading(text_view code);

/* The heading's title in French: the national list's, or that of what the contract itself counts. */
const char *evaluation_heading_title(text_view heading);

/* Does whole count all that part counts, and more? Means, lists and texts are no sums: they have no parts. */
bool evaluation_layout_is_part(const catalogue_indicator *part, const catalogue_indicator *whole);

/*
 * Sets parent and depth of every cell: a cell is a part of the nearest one before it, under the same heading, that counts the
 * same with fewer conditions (kind, types, details, sex, BPI, age); one whose label alone says "dont" is set in with no parent. own may be NULL: a cell of an unknown indicator stands alone.
 */
void evaluation_layout(evaluation_table *self, const catalogue *national, const catalogue *own);

#endif
