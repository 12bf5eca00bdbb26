/*
 * store_chain: the positions of a scope's ledger, each with its link of the chain (proof.h). Inside a transaction.
 *
 * Always true: a position is taken together with its link, under the lock of the scope's row; whoever takes one
 * writes the entry with that link in the same transaction.
 */
#ifndef CTAI_STORE_CHAIN_H
#define CTAI_STORE_CHAIN_H

#include "proof.h"
#include "store_base.h"

typedef struct {
    uint64_t position;
    uint8_t chain[CRYPTO_HASH];
} store_chain;

/* Takes the scope's next position for an entry whose bytes have that hash. */
database_error store_chain_take(database *connection, const char *scope, proof_kind kind, const uint8_t hash[CRYPTO_HASH],
                                store_chain *taken) __attribute__((warn_unused_result));

/*
 * The same in steps, for many entries of one transaction: the scope's last link, all that were owed made; the next one, for an
 * entry whose bytes have that hash; and what stands in the scope's row from then on, before the transaction ends.
 */
database_error store_chain_open(database *connection, const char *scope, store_chain *last) __attribute__((warn_unused_result));
void store_chain_next(const char *scope, proof_kind kind, const uint8_t hash[CRYPTO_HASH], store_chain *last);
database_error store_chain_save(database *connection, const char *scope, const store_chain *last) __attribute__((warn_unused_result));

/* The position of the batch of that sequence of an agent, and the link there; zeros for sequence 0. */
database_error store_chain_of(database *connection, const char *scope, int64_t agent, uint64_t sequence, store_chain *at)
    __attribute__((warn_unused_result));

/* Once after a migration: gives the entries of all scopes that have none their links. In transactions of its own. */
database_error store_chain_complete(database *connection) __attribute__((warn_unused_result));

/* The bytes of that many, of a column; false when it holds others. */
bool store_chain_read(const database_result *result, int row, int column, uint8_t *to, size_t size);

#endif
