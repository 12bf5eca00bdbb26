/*
 * report: reads the evaluation of a contract out of the database (ctai.evaluate) into the table
 * that evaluation_table writes for people, spreadsheets and programs.
 */
#ifndef CTAI_REPORT_H
#define CTAI_REPORT_H

#include "evaluation_table.h"
#include "store.h"

typedef struct {
    const char *contract;
    civil_month from, to;  /* CIVIL_NONE: the contract's first, last */
    const char *as_of;     /* a position ("12") or a moment (ISO 8601; without a zone: UTC); NULL: now */
    bool selected;         /* the contract's selected indicators alone */
} report_query;

/*
 * All from one snapshot. Texts are in the arena. DATABASE_NOT_FOUND: no such contract (then), or no such position;
 * DATABASE_CONFLICT: as_of cannot be read; or the contract is purged, and what is asked is not its kept evaluation (of its
 * whole period, as of a position not before that one's). The store's explanation says which.
 */
database_error report_read(store *self, const report_query *query, arena *from, evaluation_table *table) __attribute__((warn_unused_result));

#endif
