/* repeats: see repeats.h. */
#include "repeats.h"

enum {
    PROBES = 4,
    BITS_PER_THING = 8,
    AGAIN_SHARE = 8,               /* the second filter is that much smaller: it is nearly empty */
    BITS_MIN = 1 << 12,
};
static const uint64_t BITS_MAX = UINT64_C(1) << 27; /* 16 MiB: with more than 16 million things, more are said to be repeated */

bool repeats_init(repeats *self, arena *from, size_t expected)
{
    uint64_t bits = BITS_MIN;
    while (bits < BITS_MAX && bits / BITS_PER_THING < expected)
        bits *= 2;
    *self = (repeats){.seen_mask = bits - 1, .again_mask = bits / AGAIN_SHARE - 1};
    self->seen = arena_take(from, (size_t)(bits / 8));
    self->again = arena_take(from, (size_t)(bits / AGAIN_SHARE / 8));
    return self->seen && self->again;
}

static uint64_t place(uint64_t hash, unsigned probe, uint64_t mask)
{
    return ((hash & UINT32_MAX) + probe * ((hash >> 32) | 1)) & mask;
}

static bool has(const uint64_t *bits, uint64_t mask, uint64_t hash)
{
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t at = place(hash, i, mask);
        if (!(bits[at / 64] >> at % 64 & 1))
            return false;
    }
    return true;
}

static void set(uint64_t *bits, uint64_t mask, uint64_t hash)
{
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t at = place(hash, i, mask);
        bits[at / 64] |= UINT64_C(1) << at % 64;
    }
}

void repeats_add(repeats *self, uint64_t hash)
{
    if (has(self->seen, self->seen_mask, hash))
        set(self->again, self->again_mask, hash);
    else
        set(self->seen, self->seen_mask, hash);
}

bool repeats_has(const repeats *self, uint64_t hash)
{
    return has(self->again, self->again_mask, hash);
}
