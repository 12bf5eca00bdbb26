/*
 * disclosure_list: lists of details (the themes of sessions) are no numbers, but the list of a department is the union of its
 * contracts', and may tell what a masked one holds.
 */
#ifndef CTAI_DISCLOSURE_LIST_H
#define CTAI_DISCLOSURE_LIST_H

#include "disclosure.h"

/*
 * Masks the lists of departments and of the region with which a masked list would have fewer than values possible ones.
 * A release is taken by itself here: not with the ones before it.
 */
void disclosure_list_protect(region_table *table, unsigned values);

#endif
