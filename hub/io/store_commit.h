/*
 * store_commit: what the next batch of an agent writes: its place in the ledger, its records, what was refused
 * of it, what it covers; or, in quarantine, its number and itself. Inside store_put's transaction, under its locks.
 */
#ifndef CTAI_STORE_COMMIT_H
#define CTAI_STORE_COMMIT_H

#include "store_place.h"

/* The batch is the next one: all of it, or an error. here moves on to it. */
database_error store_commit_batch(store *self, database *connection, store_place *here, const store_batch *batch, arena *scratch,
                                  store_outcome *outcome) __attribute__((warn_unused_result));

#endif
