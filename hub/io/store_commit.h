/*
 * store_commit: what the next batch of an agent writes: its place in the ledger, its records, what was refused
 * of it, what it covers; or, in quarantine, its number and itself. Inside store_put's transaction, under its locks.
 */
#ifndef CTAI_STORE_COMMIT_H
#define CTAI_STORE_COMMIT_H

#include "store_place.h"

/* The batch is the next one: all of it but for rows that wait, or an error. here, which lives as long as they wait, moves on to it. */
database_error store_commit_batch(store *self, store_rows *rows, store_place *here, const store_batch *batch, arena *scratch,
                                  store_outcome *outcome) __attribute__((warn_unused_result));

#endif
