/*
 * store_audit: the whole ledger as it stands in the tables, from one snapshot, in the order in which it is verified and
 * exported: agents with all keys that they ever had, then scope by scope the incarnations granted, the entries by
 * position, the end, the agents' places. In bounded memory, however long the ledger is. It judges nothing: what is
 * missing in a row is handed over as zeros.
 */
#ifndef CTAI_STORE_AUDIT_H
#define CTAI_STORE_AUDIT_H

#include "credential.h"
#include "proof.h"
#include "store.h"

typedef enum {
    STORE_AUDIT_AGENT,    /* agent, identity: with the present keys */
    STORE_AUDIT_FORMER,   /* agent, identity: keys that it had before */
    STORE_AUDIT_SCOPE,    /* scope, position, chain: at which it ends */
    STORE_AUDIT_GRANT,    /* agent, incarnation, sequence: after which it begins */
    STORE_AUDIT_BATCH,    /* position, chain, header, signature; agent, incarnation, sequence, hash: as the row says */
    STORE_AUDIT_CONTRACT, /* position, chain, id, version, definition */
    STORE_AUDIT_END,      /* position, chain: of the scope */
    STORE_AUDIT_PLACE,    /* agent, sequence, hash: how far its batches have come */
} store_audit_type;

typedef struct {
    store_audit_type type;
    long agent; /* a number from 0, in the order of AGENT; -1: the row names none that is there */
    credential_identity identity;
    const char *scope;
    uint64_t position, incarnation, sequence, version;
    uint8_t chain[CRYPTO_HASH], hash[CRYPTO_HASH], signature[CRYPTO_SIGNATURE];
    text_view header, id, definition;
} store_audit_item;

/*
 * Hands over item by item; it lives during the call. take gives false to stop (*stopped is then true). total: of all
 * positions, known before the first item, for a progress bar.
 */
typedef struct {
    bool (*take)(void *data, const store_audit_item *item);
    void *data;
} store_audit_taker;
database_error store_audit(store *self, const store_audit_taker *to, uint64_t *total, bool *stopped) __attribute__((warn_unused_result));

#endif
