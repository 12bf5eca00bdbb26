/*
 * store_records: what the records of a batch change in the tables: puts (store_rows), withdrawals, erasures. What they
 * replace goes to history with the position that replaced it.
 *
 * After an agent was given new keys, its records of a contract are staged, beside those that it had left, until it
 * has sent its whole table of the contract (003_delivery.sql): then store_records_finish puts them in their place.
 */
#ifndef CTAI_STORE_RECORDS_H
#define CTAI_STORE_RECORDS_H

#include "store_rows.h"

/* Records of one batch, by ascending keys. Inside the caller's transaction; they stay as they are until its rows are written. */
database_error store_records_write(store_rows *rows, const store_version *version, const store_record *records, size_t count)
    __attribute__((warn_unused_result));

/* The agent has sent its whole table of a staged contract: what is staged stands, what it had left goes to history.
 * Nothing waits. */
database_error store_records_finish(database *connection, const store_version *version, int64_t contract_id)
    __attribute__((warn_unused_result));

#endif
