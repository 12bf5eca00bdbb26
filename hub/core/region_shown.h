/*
 * region_shown: amounts as the CSV writes them: the same texts as ctai.as_hours, ctai.as_measure and ctai.as_mean_months
 * (evaluate.sql) make. Pure.
 */
#ifndef CTAI_REGION_SHOWN_H
#define CTAI_REGION_SHOWN_H

#include "catalogue.h"

enum { REGION_SHOWN_MAX = 32 };
#define REGION_SHOWN_MEAN_MAX (INT64_MAX / 1300000) /* of the days of a mean and their count: past any contract's */

/*
 * A count, hours of minutes, euros of cents, or the mean of days over of_records (from 1) in months. amount from 0; a mean's both up to
 * REGION_SHOWN_MEAN_MAX. */
void region_shown_number(const catalogue_indicator *what, int64_t amount, int64_t of_records, char text[REGION_SHOWN_MAX]);

/* The details of what that are in one of the lists ("a;b"), in its order, joined by ";"; at NULL when memory is short. */
text_view region_shown_union(const catalogue_indicator *what, const text_view *lists, unsigned count, arena *from);

#endif
