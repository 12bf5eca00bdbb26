/*
 * store_keys: the epochs of a scope's linkage key in the transaction of a batch, under the lock of the scope's row:
 * registered with the first batch that names them, closed by a RECORD_CLOSE (admission_keys). Each change tells the hubs
 * on the database, and so the agents (the open epochs stand in what they are told of their contracts).
 */
#ifndef CTAI_STORE_KEYS_H
#define CTAI_STORE_KEYS_H

#include "store_base.h"

/* Registers what is new of the keys that a batch names. *admitted false: none of the batch may be taken (HUB_STORED_KEY). */
database_error store_keys_take(database *connection, const char *scope, const batch_header *header, arena *scratch, bool *admitted)
    __attribute__((warn_unused_result));

/* Closes an epoch at a position, after the batch's records were written; or *reason says why it stays open. */
database_error store_keys_close(database *connection, const char *scope, const batch_key *which, uint64_t position, arena *scratch,
                                record_reason *reason) __attribute__((warn_unused_result));

/* Fills in the open epochs of the scopes of these contracts. */
database_error store_keys_fill(database *connection, wire_contract *contracts, unsigned count) __attribute__((warn_unused_result));

#endif
