/* spool: see spool.h. */
#include "spool.h"

#include <assert.h>
#include <string.h>

typedef struct {
    char *memory; /* NULL: it is in the store */
    uint64_t number;
} spool_block;

void spool_init(spool *self, arena *from, spool_store *store, size_t item_size)
{
    assert(item_size > 0 && item_size <= SPOOL_BLOCK);
    *self = (spool){.from = from, .store = store, .item_size = item_size, .per_block = SPOOL_BLOCK / item_size};
    arena_vector_init(&self->blocks, from, sizeof(spool_block));
}

/* The block being filled is full: it goes where it stays. */
static void settle(spool *self)
{
    spool_block *full = arena_vector_add(&self->blocks);
    self->no_memory = full == NULL;
    if (!full)
        return;
    if (!self->store || self->blocks.count <= SPOOL_MEMORY_BLOCKS) {
        full->memory = self->last;
        self->last = NULL;
    } else {
        self->lost = !self->store->put(self->store, self->last, &full->number);
    }
}

bool spool_add(spool *self, const void *item)
{
    size_t at = (size_t)(self->count % self->per_block);
    if (at == 0 && self->count > 0 && !spool_failed(self))
        settle(self);
    if (!self->last && !spool_failed(self)) {
        self->last = arena_take(self->from, SPOOL_BLOCK);
        self->no_memory = self->last == NULL;
    }
    if (spool_failed(self))
        return false;
    memcpy(self->last + at * self->item_size, item, self->item_size);
    self->count++;
    return true;
}

char *spool_room(spool *self)
{
    char *room = arena_take(self->from, SPOOL_BLOCK);
    self->no_memory |= room == NULL;
    return room;
}

void spool_read(spool_reader *self, spool *of, uint64_t first, uint64_t end, char *room)
{
    assert(first <= end && end <= of->count);
    *self = (spool_reader){.of = of, .next = first, .end = end, .room = room};
}

/* Brings the block of the next item. */
static void bring(spool_reader *self)
{
    spool *of = self->of;
    size_t index = (size_t)(self->next / of->per_block);
    if (index == of->blocks.count) {
        self->block = of->last;
        return;
    }
    const spool_block *block = (const spool_block *)of->blocks.items + index;
    self->block = block->memory;
    if (block->memory)
        return;
    of->lost |= !of->store->get(of->store, block->number, self->room);
    self->block = of->lost ? NULL : self->room;
}

const void *spool_next(spool_reader *self)
{
    spool *of = self->of;
    if (self->next == self->end || spool_failed(of))
        return NULL;
    size_t at = (size_t)(self->next % of->per_block);
    if (at == 0 || !self->block)
        bring(self);
    if (!self->block)
        return NULL;
    self->next++;
    return self->block + at * of->item_size;
}
