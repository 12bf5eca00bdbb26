/* pile: see pile.h. */
#include "pile.h"

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
