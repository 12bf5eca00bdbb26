/*
 * store_status: what the administrator asks after: how far each scope is, when the agents were last
 * heard, what was refused, what was alarming. The writers note, `status` reads.
 */
#ifndef CTAI_STORE_STATUS_H
#define CTAI_STORE_STATUS_H

#include "credential.h"
#include "store.h"

/* An epoch of a scope's linkage key. Times are ISO 8601, UTC, seconds; "" when never. */
typedef struct {
    uint64_t epoch;
    char name[CRYPTO_FINGERPRINT_TEXT]; /* of the key, as its holders see it */
    char since[32], closed[32];
    uint64_t closed_position; /* from which on it is closed; 0: it is open */
} store_status_key;

/* Records of an agent in a contract that have no tokens of an epoch. */
typedef struct {
    char agent[CREDENTIAL_NAME_MAX + 1], contract[RECORD_NAME_MAX + 1];
    bool revoked;
    uint64_t records;
} store_status_lag;

typedef struct {
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t position;
    unsigned contracts;
    uint64_t unstable; /* batches that are committed and not stable */
    char last_received[32];
    unsigned key_count, behind_count, unlinked_count;
    store_status_key *keys;     /* by epoch; all that ever were */
    store_status_lag *behind;   /* while two epochs are open: without the newer */
    store_status_lag *unlinked; /* without the one under which people are linked: counted, each as a person of its own */
} store_status_scope;

typedef struct {
    char agent[CREDENTIAL_NAME_MAX + 1];
    char contacted[32];
} store_status_contact;

typedef struct {
    char agent[CREDENTIAL_NAME_MAX + 1], scope[BATCH_SCOPE_MAX + 1];
    record_reason reason;
    uint64_t count;
    uint64_t last_sequence; /* of a batch that has such a refusal */
} store_status_refusal;

typedef struct {
    char agent[CREDENTIAL_NAME_MAX + 1], scope[BATCH_SCOPE_MAX + 1]; /* scope "": it concerns none */
    wire_refusal reason;
    uint64_t sequence, times;
    char first[32], last[32];
} store_status_alarm;

typedef struct {
    char server[64];        /* PostgreSQL's version */
    char database[128];     /* its name there */
    uint64_t database_bytes;
    unsigned scope_count, contact_count, refusal_count, alarm_count;
    store_status_scope *scopes;
    store_status_contact *contacts;
    store_status_refusal *refusals;
    store_status_alarm *alarms;
} store_status;

/* All of it, in the arena. */
database_error store_status_read(store *self, arena *from,
                                 store_status *status) __attribute__((warn_unused_result));

/* The keys of the status's scopes (store_status_keys.c); part of store_status_read, in its transaction. */
database_error store_status_read_keys(database *connection, arena *from, store_status *status) __attribute__((warn_unused_result));

/* The agent with that Ed25519 key has said HELLO. */
database_error store_status_note_contact(store *self,
                                         const uint8_t agent[CRYPTO_PUBLIC]) __attribute__((warn_unused_result));

/* What it said was alarming; scope may be empty, sequence 0. */
database_error store_status_note_alarm(store *self, const uint8_t agent[CRYPTO_PUBLIC], wire_refusal reason,
                                       text_view scope,
                                       uint64_t sequence) __attribute__((warn_unused_result));

#endif
