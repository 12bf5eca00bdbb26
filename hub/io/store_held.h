/*
 * store_held: what the hub holds of an agent in a scope, as the agent compares it with what it has sent: its records
 * without those that it left before it was given new keys, and with those that are staged since.
 */
#ifndef CTAI_STORE_HELD_H
#define CTAI_STORE_HELD_H

#include "store_base.h"

/* Digests of all, WIRE_BUCKETS of WIRE_DIGEST bytes; inside the caller's snapshot. */
database_error store_held_digests(database *connection, int64_t agent, const char *scope, uint8_t *digests)
    __attribute__((warn_unused_result));

/* Those of a bucket after a key (NULL: from its start), at most WIRE_LISTED_MAX; in the arena. */
database_error store_held_list(database *connection, int64_t agent, const char *scope, unsigned bucket, const uint8_t *after,
                               arena *from, wire_held **records, unsigned *count, bool *more) __attribute__((warn_unused_result));

#endif
