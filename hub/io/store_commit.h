/*
 * store_commit: what the next batch of an agent writes: its place in the ledger, its records, what was refused
 * of it, what it covers; or, in quarantine, its number and itself. Inside store_put's transaction, under its locks.
 */
#ifndef CTAI_STORE_COMMIT_H
#define CTAI_STORE_COMMIT_H

#include "store_chain.h"
#include "store_place.h"

/* What a transaction, which has locked the scope, knows of it. */
typedef struct {
    store_chain last;         /* link of its ledger, which its row may not say yet */
    const batch_header *keys; /* the scope has this header's linkage keys, as it says them; NULL: not known */
} store_scope;

/*
 * The batch is the next one: all of it but for rows that wait, or an error. here and the scope's last link move on to it in
 * memory: store_place_save and store_chain_save write them, once for all batches of the transaction. here lives as long
 * as rows wait.
 */
database_error store_commit_batch(store *self, store_rows *rows, store_place *here, store_scope *of, const store_batch *batch,
                                  arena *scratch, store_outcome *outcome) __attribute__((warn_unused_result));

#endif
