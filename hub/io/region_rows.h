/* region_rows: what the readers of regional reports (region.c) and of their ledger (release.c) share: rows as C has them. */
#ifndef CTAI_REGION_ROWS_H
#define CTAI_REGION_ROWS_H

#include "arena.h"
#include "catalogue.h"
#include "database.h"

/* A text of a row, in the arena; *failed is set when memory is short. */
text_view region_rows_text(arena *from, const database_result *result, int row, int column, bool *failed);

/* The columns of an indicator, and how they are read from column first on; false: memory is short, or it is none. */
#define REGION_ROWS_INDICATOR \
    "code, label, unit, kind, measure, array_to_string(types, ','), array_to_string(details, ','), sex, bpi, under_25, share, not_done"
enum { REGION_ROWS_INDICATOR_COLUMNS = 12 };
bool region_rows_indicator(arena *from, const database_result *result, int row, int first, catalogue_indicator *what)
    __attribute__((warn_unused_result));

/* Months are year x 100 + month in the database; CIVIL_NONE is NULL there. */
database_parameter region_rows_month(char text[DATABASE_NUMBER_TEXT], civil_month month);
civil_month region_rows_read_month(const database_result *result, int row, int column);

#endif
