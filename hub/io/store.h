/*
 * store: what the hub keeps, and the one transaction through which batches reach it (DESIGN.md,
 * "Exactly once"). One connection; one thread at a time.
 *
 * Always true: a batch is COMMITTED only after a clean COMMIT; a record's older version never
 * replaces a newer one; what is stored in place of a token is BLAKE2b-128(pepper, token); no
 * transaction is left open between calls. After DATABASE_LATER the store may be used again: the next
 * call connects anew. Nothing here waits or tries again by itself, but for one look at the ledger
 * after a connection that died during COMMIT.
 */
#ifndef CTAI_STORE_H
#define CTAI_STORE_H

#include "database.h"
#include "hub_session.h"
#include "store_reading.h"
#include "store_use.h"

typedef struct {
    const char *conninfo;              /* of libpq, or cluster_conninfo's; copied */
    store_use use;                     /* as whom to work */
    const char *login;                 /* how to connect for that use (libpq; copied); NULL: as conninfo says, then SET ROLE */
    bool own_cluster;                  /* conninfo is a private cluster's, where each use has a login */
    const uint8_t *pepper;             /* CRYPTO_KEY bytes in locked memory; no copy is made: they outlive the store */
    char hub[CRYPTO_FINGERPRINT_TEXT]; /* credential_hub_fingerprint: whose database it is */
    bool claim;                        /* `init`: a database of nobody becomes this hub's */
    bool stable_at_commit;             /* what is committed may be forgotten by the agents */
    bool stable_on_standby;            /* it may be once a standby has it (store_stable.h): the watch's part */
    void (*committed)(void *whom);     /* told by a writer after batches, once they are answered (consolidator_wake); NULL: nobody */
    void *whom;
} store_options;

typedef struct store store;

/*
 * Connects, brings the schema up to date (migrate; as the owner) and loads the catalogue when it changed. Always gives a
 * store (NULL only when memory is short), so that its explanation can be read; destroy it in any case.
 * DATABASE_CONFIGURATION: the database is another hub's, or nobody's and claim is false, or its schema is newer.
 */
database_error store_open(store **self, const store_options *options) __attribute__((warn_unused_result));
void store_destroy(store **self);

/* Why the last call failed: a sentence in French, for people. */
const char *store_explain(const store *self);

/* The connection, for store_agent.c, store_contract.c and report.c; connected anew if it was lost. */
database_error store_database(store *self, database **connection) __attribute__((warn_unused_result));

/* Why none of a batch's bodies can be taken, though its number has to be. */
typedef enum {
    STORE_QUARANTINE_NONE = 0,
    STORE_QUARANTINE_HEADER, /* of its header only what places it in the chain can be read */
    STORE_QUARANTINE_DATA,   /* the tables do not take what it says (DATABASE_DATA) */
} store_quarantine;

/* What its owner has to do while the database ends what store_put has sent: anything but to use the store. work: NULL: nothing. */
typedef struct {
    void (*work)(void *whom);
    void *whom;
} store_meanwhile;
void store_set_meanwhile(store *self, store_meanwhile meanwhile);

/* A batch whose signature has been verified; all of it is the caller's and outlives the call. */
typedef struct {
    const batch_header *header;
    text_view header_bytes;
    const uint8_t *signature;          /* CRYPTO_SIGNATURE bytes */
    unsigned body_count;
    const text_view *bodies;           /* at NULL: absent */
    store_reading *reading;                /* of the bodies, if the caller has read them; used up. NULL: store_put reads them */
    store_quarantine quarantine;
    text_view message;                 /* with quarantine: as it came */
} store_batch;

/* The answer, in the terms of HUB_EVENT_STORED. position.scope points into the batch's header. */
typedef struct {
    hub_stored stored;
    wire_position position;            /* COMMITTED, AGAIN: of the agent in the scope, now */
    uint64_t ledger_position;          /* likewise: of the batch of that sequence */
    uint8_t chain[CRYPTO_HASH];        /* of the scope's ledger at it */
    bool quarantined;                  /* COMMITTED: its number alone; each body that is there is refused */
    unsigned refusal_count;
    wire_record_refusal *refusals;     /* in the arena */
} store_outcome;

/*
 * Commits count batches (of any agents and scopes, an agent's in ascending sequence) in ONE transaction and says of
 * each what became of it: all that can be committed are, or none (then these are HUB_STORED_LATER).
 * Body hashes were compared by the session. Returns DATABASE_OK, or why outcomes are LATER:
 * DATABASE_LATER, DATABASE_FULL (an administrator must act; the agents may try again), DATABASE_DATA (one of the
 * batches: try them one by one, and put the one aside), DATABASE_FAULT (stop).
 */
database_error store_put(store *self, const store_batch *batches, unsigned count, arena *scratch,
                         store_outcome *outcomes) __attribute__((warn_unused_result));

/* What WELCOME and CONTRACTS say to an agent. Arrays and texts are in the arena. */
typedef struct {
    unsigned scope_count;
    hub_session_loaded *scopes;        /* one for each scope of its contracts, by name */
    unsigned contract_count;
    wire_contract *contracts;          /* those of which it may push an action, by id */
    bool forked;                       /* two machines have its key: the rest is empty */
} store_state;

/*
 * The state of the agent with that Ed25519 key. hello: the agent's positions (their count may be 0);
 * refusals are those after its `stable`. NULL: there was no HELLO, and none are read. DATABASE_NOT_FOUND: unknown or revoked.
 */
database_error store_load_state(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_position *hello,
                                unsigned hello_count, arena *from, store_state *state) __attribute__((warn_unused_result));

/* Asks to be told when agents, rights or contracts change (by this or another process on the database). */
database_error store_listen(store *self) __attribute__((warn_unused_result));
/* Descriptor to poll for reading; -1 when there is no connection. It may change after a call that connected anew. */
int store_socket(const store *self);
/* Takes what has come: *changed when something did. After a lost connection: *changed is true, and it listens again. */
database_error store_changed(store *self, bool *changed) __attribute__((warn_unused_result));

#endif
