/*
 * store_erase: erasures of a batch: the records of their keys go from all tables, and batches of the same agent
 * in quarantine that hold one are emptied. Runs inside the batch's transaction.
 */
#ifndef CTAI_STORE_ERASE_H
#define CTAI_STORE_ERASE_H

#include "store_records.h"

/* Of the records, those whose operation is RECORD_ERASE. */
database_error store_erase_records(database *connection, const store_version *version, const store_record *records,
                                   size_t count) __attribute__((warn_unused_result));

#endif
