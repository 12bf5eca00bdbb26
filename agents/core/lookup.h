/*
 * lookup: from a hash to the numbers of items, in an arena: open addressing, at most half full. The
 * items themselves and their comparison are the caller's, who walks the candidates:
 *
 *     lookup_walk walk = lookup_start (&names, hash);
 *     for (uint32_t item; (item = lookup_next (&walk)) != LOOKUP_NONE;)
 *         if (it is the one) ...
 */
#ifndef CTAI_LOOKUP_H
#define CTAI_LOOKUP_H

#include "arena.h"

#define LOOKUP_NONE UINT32_MAX

typedef struct {
    arena *from;
    uint64_t *slots; /* upper half: of the hash; lower half: item + 1, or 0 */
    size_t slot_count, count;
} lookup;

typedef struct {
    const lookup *in;
    uint64_t hash;
    size_t slot;
} lookup_walk;

void lookup_init(lookup *self, arena *from);

/* Adds an item (below LOOKUP_NONE - 1); the same hash or item may come again. False when memory is short. */
bool lookup_add(lookup *self, uint64_t hash, uint32_t item) __attribute__((warn_unused_result));

/* Items that may have that hash; LOOKUP_NONE after the last. */
lookup_walk lookup_start(const lookup *self, uint64_t hash);
uint32_t lookup_next(lookup_walk *self);

/* A hash of bytes under a seed that nobody outside can know (so that no file can make it slow). */
uint64_t lookup_hash(uint64_t seed, text_view bytes);

/* Of a number, likewise. */
uint64_t lookup_hash_number(uint64_t seed, uint64_t number);

#endif
