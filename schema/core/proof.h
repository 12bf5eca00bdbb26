/*
 * proof: the chain of a scope's ledger (PROTOCOL.md, "The ledger's chain"). Every position has one entry, a batch or a
 * version of a contract; its link covers the link before it, so that whoever knows the link of a position knows that
 * nothing before it was dropped, moved or rewritten since.
 *
 * Always true: the link depends on nothing but what is written in the ledger: any verifier gets the same.
 */
#ifndef CTAI_PROOF_H
#define CTAI_PROOF_H

#include "batch.h"

/* What takes a position; the numbers are the chain's. */
typedef enum {
    PROOF_BATCH = 1,    /* its bytes: the batch's header */
    PROOF_CONTRACT = 2, /* its bytes: proof_contract's */
} proof_kind;

enum { PROOF_DEFINITION_MAX = 1024 * 1024 + 1024 }; /* bytes of a contract's file */

/* The link of a position: previous is that of the position before it, zeros for the first; hash that of the entry's bytes. */
void proof_link(uint8_t chain[CRYPTO_HASH], const uint8_t previous[CRYPTO_HASH], text_view scope, uint64_t position,
                proof_kind kind, const uint8_t hash[CRYPTO_HASH]);

/* The hash of the entry's bytes of a version of a contract; definition: its file. False when id is not a name, or version 0. */
bool proof_contract(uint8_t hash[CRYPTO_HASH], text_view id, uint64_t version, text_view definition) __attribute__((warn_unused_result));

#endif
