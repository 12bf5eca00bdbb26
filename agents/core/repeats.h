/*
 * repeats: which of very many things may come more than once, in a byte or a little more for each: two Bloom filters (B. Bloom,
 * "Space/time trade-offs in hash coding with allowable errors", 1970), of what was seen and of what was seen again.
 *
 * Always true: what was added twice is said to be repeated; of what was added once, few are.
 */
#ifndef CTAI_REPEATS_H
#define CTAI_REPEATS_H

#include "arena.h"

#include <stdint.h>

typedef struct {
    uint64_t *seen, *again;
    uint64_t seen_mask, again_mask; /* bits, less one */
} repeats;

/* For about that many things. False when memory is short. */
bool repeats_init(repeats *self, arena *from, size_t expected) __attribute__((warn_unused_result));

/* Adds a thing by a hash of it, whose bits are all as good as another's. */
void repeats_add(repeats *self, uint64_t hash);

/* May the thing have been added more than once? */
bool repeats_has(const repeats *self, uint64_t hash);

#endif
