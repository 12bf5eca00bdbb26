/* pile: see pile.h. */
#include "pile.h"

#include <assert.h>

void pile_init(pile *self, arena *from, size_t item_size)
{
    assert(item_size > 0);
    *self = (pile){.item_size = item_size};
    arena_vector_init(&self->chunks, from, sizeof(void *));
}

void *pile_add(pile *self)
{
    if (self->count == self->chunks.count * PILE_CHUNK) {
        void *items = arena_take(self->chunks.from, PILE_CHUNK * self->item_size);
        void **chunk = items ? arena_vector_add(&self->chunks) : NULL;
        if (!chunk)
            return NULL;
        *chunk = items;
    }
    return pile_at(self, self->count++);
}

void *pile_at(const pile *self, size_t index)
{
    assert(index < self->chunks.count * PILE_CHUNK);
    void *const *chunks = self->chunks.items;
    return (char *)chunks[index / PILE_CHUNK] + index % PILE_CHUNK * self->item_size;
}
