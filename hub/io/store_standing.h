/*
 * store_standing: the standing cells of the evaluation (schema/sql/consolidate.sql): which contracts have marks, and the
 * consolidation of one. Any number of connections may do so at once, of one hub or of several.
 */
#ifndef CTAI_STORE_STANDING_H
#define CTAI_STORE_STANDING_H

#include "store.h"

typedef struct {
    int64_t contract_id;
    int64_t took_us;    /* about how long its consolidations took of late; -1: there was none */
    int64_t dearest_us; /* the same of the dearest contract, of all; 0: of none */
} store_standing_mark;

/* The contracts that are marked, the longest ago first; at most capacity of them. */
database_error store_standing_marked(store *self, store_standing_mark *marks, unsigned capacity, unsigned *count)
    __attribute__((warn_unused_result));

/* Brings a contract's standing cells up to date, in a transaction of its own. *done false: another connection is at it. */
database_error store_standing_consolidate(store *self, int64_t contract_id, bool *done) __attribute__((warn_unused_result));

/*
 * Statements of the present connection, and of that alone, end after so long (DATABASE_LATER); 0: never. *connection: 0, or what an
 * earlier call left there: the connection of which it was said already.
 */
database_error store_standing_limit(store *self, unsigned limit_ms, uint64_t *connection) __attribute__((warn_unused_result));

/*
 * How many standing cells are not what the records give, and of which contract the first is: none, unless something is broken.
 * Of the cheapest contracts, as many as together take about budget_ms.
 */
database_error store_standing_wrong(database *connection, unsigned budget_ms, char *contract, size_t size, uint64_t *wrong)
    __attribute__((warn_unused_result));

/*
 * What another thread needs to end what a connection is just doing. NULL when there is no connection, or memory is short; it
 * is of no use for a later connection, and does no harm to it.
 */
typedef struct pg_cancel store_standing_cancel;
store_standing_cancel *store_standing_cancel_new(const store *self);
void store_standing_cancel_destroy(store_standing_cancel **self);
void store_standing_cancel_now(store_standing_cancel *self);

#endif
