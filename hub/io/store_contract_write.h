/* store_contract_write: a version of a contract as rows, at the next position of its scope's ledger. Inside a transaction. */
#ifndef CTAI_STORE_CONTRACT_WRITE_H
#define CTAI_STORE_CONTRACT_WRITE_H

#include "contract.h"
#include "store_base.h"

/*
 * Version 1 makes the contract; a later one stands after those that are there: the caller has seen to it, under the lock
 * of the table or of the scope's row. The arena holds what the definition and the texts take, twice.
 */
database_error store_contract_write(database *connection, const contract *what, text_view definition, uint64_t version,
                                    arena *scratch) __attribute__((warn_unused_result));

#endif
