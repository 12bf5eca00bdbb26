/*
 * admission_keys: which linkage keys a scope takes (PROTOCOL.md, "Linkage keys"), from what the store has read under its
 * locks. Pure: the store makes the answers true in the same transaction.
 *
 * Always true: an epoch of a scope has one key; epochs are registered one after another, without a gap; at most
 * RECORD_TOKEN_SETS of them are open, at least one once there is any; the older of two is closed, never the newer.
 */
#ifndef CTAI_ADMISSION_KEYS_H
#define CTAI_ADMISSION_KEYS_H

#include "batch.h"

typedef struct {
    batch_key key;
    unsigned scheme;
    bool closed;
} admission_key;

/*
 * May a batch name these keys? known: all epochs of its scope, ascending. *fresh: how many of the header's keys, the
 * last ones, are to be registered. False: another key than the scope's, or an epoch whose turn it is not (refuse 7).
 * One that names a closed epoch is taken: its records count, unlinked, until they come again.
 */
bool admission_keys_take(const admission_key *known, size_t count, const batch_header *header, unsigned *fresh)
    __attribute__((warn_unused_result));

/*
 * May this epoch of the scope be closed? *next: the epoch of which every record with tokens of every active agent must
 * have its own before. False: it is not open with that key, or is not the older of two (RECORD_BAD_TOKENS).
 */
bool admission_keys_close(const admission_key *known, size_t count, const batch_key *which, uint32_t *next)
    __attribute__((warn_unused_result));

#endif
