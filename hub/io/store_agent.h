/*
 * store_agent: the agents that the hub has admitted, and for which actions. Each change tells the
 * hubs on the database (store_changed).
 */
#ifndef CTAI_STORE_AGENT_H
#define CTAI_STORE_AGENT_H

#include "credential.h"
#include "store.h"

typedef struct {
    char contract[RECORD_NAME_MAX + 1], action[RECORD_NAME_MAX + 1];
} store_right;

typedef struct {
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t incarnation, sequence, stable;
    uint64_t records;                  /* of its, in the scope, now */
    uint64_t staged;                   /* that stand once its whole table has come (store_replace.h) */
    unsigned awaited;                  /* contracts of which that is waited for */
    unsigned quarantined;              /* batches */
    char last_received[32];            /* ISO 8601, UTC, seconds; "" when never */
} store_agent_scope;

typedef struct {
    credential_identity identity;
    bool revoked;
    char admitted[32], revoked_at[32]; /* ISO 8601, UTC, seconds; "" */
    char forked_at[32];                /* two machines have its keys */
    char replaced_at[32];              /* it was given new keys */
    unsigned right_count;
    store_right *rights;               /* by contract, then the action's place in it */
    unsigned scope_count;
    store_agent_scope *scopes;
} store_agent;

/* All agents, by name; in the arena. brief: without rights and scopes (for the table of admission). */
database_error store_agents(store *self, bool brief, arena *from, store_agent **agents, unsigned *count)
    __attribute__((warn_unused_result));

/* One, by name. DATABASE_NOT_FOUND. */
database_error store_agent_find(store *self, const char *name, arena *from, store_agent *agent) __attribute__((warn_unused_result));

/*
 * Admits an agent, or gives an admitted one further actions, of one contract. DATABASE_NOT_FOUND: no such contract
 * or action (the explanation names it). DATABASE_CONFLICT: the name stands for other keys, one of the keys for
 * another name, or the agent was revoked.
 */
database_error store_agent_approve(store *self, const credential_identity *identity, const char *contract,
                                   const char *const *actions, unsigned action_count) __attribute__((warn_unused_result));

/* DATABASE_NOT_FOUND. Fine when it is revoked already. What it has sent stays. */
database_error store_agent_revoke(store *self, const char *name) __attribute__((warn_unused_result));

/* The contracts of an agent, as its approval and WELCOME hold them (those of which it has an action); by name. */
database_error store_agent_contracts(store *self, const char *name, arena *from, wire_contract **contracts, unsigned *count)
    __attribute__((warn_unused_result));

#endif
