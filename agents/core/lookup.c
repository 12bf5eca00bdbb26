/* lookup: see lookup.h. */
#include "lookup.h"

#include <assert.h>
#include <string.h>

enum { SLOTS_MIN = 64 };

void lookup_init(lookup *self, arena *from)
{
    *self = (lookup){.from = from};
}

static size_t slot_of(uint64_t hash, size_t slot_count)
{
    return (size_t)(hash >> 32) & (slot_count - 1);
}

static void put(uint64_t *slots, size_t slot_count, uint64_t entry)
{
    size_t slot = slot_of(entry, slot_count);
    while (slots[slot] != 0)
        slot = (slot + 1) & (slot_count - 1);
    slots[slot] = entry;
}

static bool grow(lookup *self)
{
    size_t slot_count = self->slot_count ? self->slot_count * 2 : SLOTS_MIN;
    if (slot_count > SIZE_MAX / sizeof *self->slots)
        return false;
    uint64_t *slots = arena_take(self->from, slot_count * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < self->slot_count; i++)
        if (self->slots[i] != 0)
            put(slots, slot_count, self->slots[i]);
    self->slots = slots;
    self->slot_count = slot_count;
    return true;
}

bool lookup_add(lookup *self, uint64_t hash, uint32_t item)
{
    assert(item < LOOKUP_NONE - 1);
    if (self->count * 2 >= self->slot_count && !grow(self))
        return false;
    put(self->slots, self->slot_count, (hash & UINT64_C(0xFFFFFFFF00000000)) | (item + 1));
    self->count++;
    return true;
}

lookup_walk lookup_start(const lookup *self, uint64_t hash)
{
    return (lookup_walk){.in = self, .hash = hash, .slot = self->slot_count ? slot_of(hash, self->slot_count) : 0};
}

uint32_t lookup_next(lookup_walk *self)
{
    const lookup *in = self->in;
    while (in->slot_count > 0 && in->slots[self->slot] != 0) {
        uint64_t entry = in->slots[self->slot];
        self->slot = (self->slot + 1) & (in->slot_count - 1);
        if ((entry ^ self->hash) >> 32 == 0)
            return (uint32_t)entry - 1;
    }
    return LOOKUP_NONE;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

uint64_t lookup_hash_number(uint64_t seed, uint64_t number)
{
    return mix(mix(seed, number), seed >> 7);
}

uint64_t lookup_hash(uint64_t seed, text_view bytes)
{
    uint64_t hash = mix(seed, bytes.size);
    while (bytes.size >= sizeof hash) {
        uint64_t word;
        memcpy(&word, bytes.at, sizeof word);
        hash = mix(hash, word);
        bytes.at += sizeof word;
        bytes.size -= sizeof word;
    }
    uint64_t rest = 0;
    if (bytes.size > 0)
        memcpy(&rest, bytes.at, bytes.size);
    return mix(mix(hash, rest), seed >> 7);
}
