/*
 * region: reads a region's report out of the database into the table that disclosure control masks and the forms write. All
 * is of one snapshot: that of the caller's transaction, to which a second connection may be lent for half of the scopes.
 */
#ifndef CTAI_REGION_H
#define CTAI_REGION_H

#include "database.h"
#include "region_sum.h"
#include "territory.h"

typedef struct {
    const territory_region *of;
    civil_month from, to; /* CIVIL_NONE both: each contract's whole period; else both are given */
} region_query;

/* Where the ledger of a scope stood. */
typedef struct {
    text_view scope;
    uint64_t position;
} region_position;

typedef struct {
    region_table table;          /* territory_count 0: no contract of the region overlaps the period */
    unsigned scope_count;
    region_position *positions;  /* of the scopes that it was counted from, by name */
    unsigned note_count;
    const text_view *notes;      /* what its readers must know, in French, a sentence each */
} region_reading;

/*
 * In a transaction of the caller's (a snapshot). helper, which may be NULL, is another connection of the same rights,
 * outside of a transaction; it is outside of one again afterwards. Texts and arrays are in the arena. DATABASE_CONFLICT: a
 * sum is too large to be one.
 */
database_error region_read(database *connection, database *helper, const territory *places, const region_query *query, arena *from,
                           region_reading *reading) __attribute__((warn_unused_result));

/* Lets a connection that works as STORE_REPORT see a region (ctai.seen, rights.sql), until the transaction's end. */
database_error region_look_at(database *connection, const territory *places, const territory_region *of)
    __attribute__((warn_unused_result));

#endif
