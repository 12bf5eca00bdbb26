/*
 * proof_receipts: the file in which an agent hands its receipts to whoever shall lay them beside others or beside an
 * export of the ledger (PROTOCOL.md, "Receipts of an agent"): an armour RECUS, signed by the agent, each receipt in it
 * signed by the hub.
 */
#ifndef CTAI_PROOF_RECEIPTS_H
#define CTAI_PROOF_RECEIPTS_H

#include "credential.h"
#include "proof_check.h"
#include "wire.h"

enum {
    PROOF_RECEIPTS_MAX = 16 * 1024,              /* in a file */
    PROOF_RECEIPTS_FILE_MAX = 8 * 1024 * 1024,   /* bytes */
};

typedef enum {
    PROOF_RECEIPT_HELD,       /* counts */
    PROOF_RECEIPT_LOST,       /* the hub has said since that it has lost what it says */
    PROOF_RECEIPT_SUPERSEDED, /* of before an incarnation */
    PROOF_RECEIPT_AGAINST,    /* contradicts one that was held: the agent has stopped */
} proof_receipt_state;

typedef struct {
    text_view receipt;        /* as the hub has signed it */
    const uint8_t *signature; /* CRYPTO_SIGNATURE bytes */
    proof_receipt_state state;
    uint64_t seconds;         /* since 1970: when it came to that state */
} proof_receipt;

typedef struct {
    credential_identity agent;
    uint8_t hub_curve[CRYPTO_PUBLIC], hub_sign[CRYPTO_PUBLIC]; /* as the agent knows it */
    uint64_t seconds;         /* since 1970: when it was written */
    unsigned count;
    proof_receipt *items;
} proof_receipts;

/* Appends the file's text. */
void proof_receipts_write(batch_buffer *to, const proof_receipts *what, const crypto_sign_pair *agent_sign);

/* Views and items are in the arena. Checks the agent's signature; of the receipts, none. */
credential_error proof_receipts_read(proof_receipts *what, arena *from, text_view file) __attribute__((warn_unused_result));

/* How an agent's receipts fit to the ledger of a hub. */
typedef enum {
    PROOF_RECEIPTS_FIT,        /* they are held by the check now */
    PROOF_RECEIPTS_OTHER_HUB,  /* the agent has them of another hub */
    PROOF_RECEIPTS_STRANGER,   /* the ledger knows no such agent */
    PROOF_RECEIPTS_FORGED,     /* one of them is not signed by that hub for that agent */
    PROOF_RECEIPTS_NO_MEMORY,
} proof_receipts_fit;

/* Lays them beside the ledger that is about to be verified: after the agents' keys, before the first scope. */
proof_receipts_fit proof_receipts_lay(proof_check *check, const proof_receipts *what, const uint8_t hub_sign[CRYPTO_PUBLIC])
    __attribute__((warn_unused_result));

/* For people, in French: a clause about the agent's receipts; "" when they fit. */
const char *proof_receipts_fit_text(proof_receipts_fit fit);

#endif
