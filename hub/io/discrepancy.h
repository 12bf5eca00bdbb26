/* discrepancy: reads what the parties of a contract must settle (ctai.discrepancies) into the table that discrepancy_table writes. */
#ifndef CTAI_DISCREPANCY_H
#define CTAI_DISCREPANCY_H

#include "discrepancy_table.h"
#include "store.h"

typedef struct {
    const char *contract;
    civil_month from, to; /* of the records; CIVIL_NONE: the contract's first, last */
    civil_month at;       /* as if it were that month; CIVIL_NONE: now, or with a position the month in which the ledger reached it */
    uint64_t position;    /* of the scope's ledger; 0: now */
} discrepancy_query;

/*
 * All from one snapshot; texts are in the arena. DATABASE_NOT_FOUND: no such contract (then); DATABASE_CONFLICT: its records
 * are purged. The store's explanation says which.
 */
database_error discrepancy_read(store *self, const discrepancy_query *query, arena *from, discrepancy_table *table)
    __attribute__((warn_unused_result));

#endif
