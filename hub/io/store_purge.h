/*
 * store_purge: the end of contracts whose time is over: their evaluation is kept as it is, and all that the hub holds of
 * their people goes, in one transaction at a position of the scope's ledger; the contract's file gets a last version that
 * says so, so the ledger's proof covers it. Agents lose their rights in it: what they still send is refused.
 */
#ifndef CTAI_STORE_PURGE_H
#define CTAI_STORE_PURGE_H

#include "store.h"

typedef struct {
    text_view id;
    uint64_t records, history, persons; /* that stood; before, or staged; beneficiaries */
    uint64_t evaluated, position;       /* as of which the evaluation is kept; at which it was closed */
    char purged[32];                    /* ISO 8601, UTC, seconds */
} store_purge_contract;

/* A cell of another contract of the scope that is another after the purge: people are linked over the whole scope. */
typedef struct { text_view contract, action, indicator, label, before, after; } store_purge_change;

typedef struct {
    unsigned contract_count, change_count;
    store_purge_contract *contracts;
    store_purge_change *changes;
} store_purged;

/*
 * Purges contracts (their ids), or only finds what that would do, when keep is false: then nothing has changed. All is
 * in the arena. DATABASE_NOT_FOUND: one is unknown; DATABASE_CONFLICT: one is purged already. Nothing is done then.
 */
database_error store_purge(store *self, const char *const *ids, unsigned count, bool keep, arena *from, store_purged *done)
    __attribute__((warn_unused_result));

/* The contracts that are purged, by id. */
database_error store_purge_list(store *self, arena *from, store_purge_contract **contracts, unsigned *count)
    __attribute__((warn_unused_result));

#endif
