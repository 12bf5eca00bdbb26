/*
 * store_place: an agent's place in a scope, and what it may do there, as the transaction of a batch
 * reads and locks them.
 *
 * Locks are taken in one order everywhere: the scopes' rows by name, then an agent's row, then its row
 * in the scope. The scope's row carries the ledger's position, so that the commits of a scope come one
 * after another and positions have no gap.
 */
#ifndef CTAI_STORE_PLACE_H
#define CTAI_STORE_PLACE_H

#include "store_records.h"

typedef struct {
    int64_t agent;
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t incarnation, sequence, stable;
    uint8_t hash[CRYPTO_HASH];
    bool replacing;          /* some contract of the scope is staged (store_records.h) */
    unsigned right_count;
    store_right_row *rights; /* each action of each contract of the scope */
} store_place;

/* Locks the scopes of the batches that the hub knows. */
database_error store_place_lock_scopes(database *connection, const store_batch *batches, unsigned count) __attribute__((warn_unused_result));

/* The same of one. */
database_error store_place_lock_scope(database *connection, const char *scope) __attribute__((warn_unused_result));

/* Who speaks? */
typedef enum {
    STORE_PLACE_KNOWN,
    STORE_PLACE_NOBODY, /* the key is nobody's, or its agent was revoked */
    STORE_PLACE_FORKED, /* two machines have it */
} store_place_speaker;

/* The agent's number, unless it is nobody's. What changes an agent (revocation, new keys) waits for us, or is seen. */
database_error store_place_lock_agent(database *connection, const uint8_t sign[CRYPTO_PUBLIC], store_place_speaker *who,
                                      int64_t *agent) __attribute__((warn_unused_result));

/* Two machines have the agent's key: it is written down, and all hubs are told. */
database_error store_place_mark_fork(database *connection, int64_t agent) __attribute__((warn_unused_result));

/* Fills in rights, of agent in scope. */
database_error store_place_read_rights(database *connection, arena *scratch, store_place *here) __attribute__((warn_unused_result));

/* Locks and fills in the rest, which is made when the agent is new in the scope. */
database_error store_place_lock(database *connection, store_place *here) __attribute__((warn_unused_result));

/* Writes how far the agent's batches of the scope have come. */
database_error store_place_save(database *connection, const store_place *here) __attribute__((warn_unused_result));

/* As the protocol says it; scope outlives it. */
wire_position store_place_position(const store_place *here, text_view scope);

/* The position of a scope's ledger. */
database_error store_place_ledger(database *connection, const char *scope, uint64_t *position) __attribute__((warn_unused_result));

bool store_place_has_right(const store_place *here);

/* Where a record belongs, or why it may not go there. A withdrawal belongs to its contract alone, and so does an
 * erasure, which needs no right in it: what an agent said once, it may have erased. */
record_reason store_place_find_right(const store_place *here, const record *what, const store_right_row **right);

#endif
