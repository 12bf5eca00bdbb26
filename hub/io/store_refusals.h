/*
 * store_refusals: what was refused of an agent's records, read back for whoever may not have heard of it.
 */
#ifndef CTAI_STORE_REFUSALS_H
#define CTAI_STORE_REFUSALS_H

#include "store_base.h"

/* Those of batches after `after`, in their order, at most WIRE_REFUSALS_MAX; the array is the arena's. */
database_error store_refusals_after(database *connection, int64_t agent, const char *scope, uint64_t after, arena *from,
                                    wire_record_refusal **refusals, unsigned *count) __attribute__((warn_unused_result));

#endif
