/*
 * pile: items in an arena that are added one by one and never move, so that pointers to them stay
 * good and growing copies nothing.
 */
#ifndef CTAI_PILE_H
#define CTAI_PILE_H

#include <assert.h>

#include "arena.h"

enum { PILE_CHUNK = 1024 }; /* items */

typedef struct {
    arena_vector chunks; /* of pointers to PILE_CHUNK items each */
    size_t item_size, count;
} pile;

void pile_init(pile *self, arena *from, size_t item_size);

/* A zeroed new item, its index the count before; NULL when memory is short. */
void *pile_add(pile *self) __attribute__((warn_unused_result));

/* The item of that index, which is below count. */
static inline void *pile_at(const pile *self, size_t index)
{
    assert(index < self->chunks.count * PILE_CHUNK);
    void *const *chunks = self->chunks.items;
    return (char *)chunks[index / PILE_CHUNK] + index % PILE_CHUNK * self->item_size;
}

#endif
