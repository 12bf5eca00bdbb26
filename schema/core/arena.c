/* arena: blocks in a chain, each twice the one before up to a bound; see arena.h. */
#include "arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, ALIGNMENT = _Alignof(max_align_t) };

typedef struct block {
    struct block *before;
    size_t size, used; /* bytes of data */
    max_align_t data[];
} block;

struct arena {
    block *last;
    size_t limit, taken;
    bool is_short;
};

arena *arena_new(size_t limit_bytes)
{
    arena *self = calloc(1, sizeof *self);
    if (self)
        self->limit = limit_bytes;
    return self;
}

static void free_blocks(block *from, const block *until)
{
    while (from != until) {
        block *before = from->before;
        crypto_wipe(from->data, from->used); /* it may have held people's names */
        free(from);
        from = before;
    }
}

void arena_destroy(arena **self)
{
    if (!*self)
        return;
    free_blocks((*self)->last, NULL);
    free(*self);
    *self = NULL;
}

static block *add_block(arena *self, size_t size)
{
    size_t wanted = self->last ? self->last->size * 2 : BLOCK_MIN;
    if (wanted > BLOCK_MAX)
        wanted = BLOCK_MAX;
    if (wanted < size)
        wanted = size;
    block *fresh = malloc(sizeof *fresh + wanted);
    if (!fresh)
        return NULL;
    *fresh = (block){.before = self->last, .size = wanted};
    self->last = fresh;
    return fresh;
}

static void *take(arena *self, size_t size)
{
    if (size > self->limit - self->taken)
        return NULL;
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size)
        return NULL;
    if (rounded > self->limit - self->taken)
        rounded = size;
    block *from = self->last;
    if (!from || rounded > from->size - from->used)
        from = add_block(self, rounded);
    if (!from)
        return NULL;
    void *at = (char *)from->data + from->used;
    from->used += (rounded + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (from->used > from->size)
        from->used = from->size;
    self->taken += rounded;
    return memset(at, 0, size);
}

void *arena_take(arena *self, size_t size)
{
    void *at = take(self, size);
    self->is_short = self->is_short || !at;
    return at;
}

bool arena_short(const arena *self)
{
    return self->is_short;
}

char *arena_text(arena *self, text_view text)
{
    char *copy = arena_take(self, text.size + 1);
    if (copy && text.size > 0)
        memcpy(copy, text.at, text.size);
    return copy;
}

size_t arena_used(const arena *self)
{
    return self->taken;
}

void arena_clear(arena *self)
{
    block *first = self->last;
    while (first && first->before)
        first = first->before;
    free_blocks(self->last, first);
    self->last = first;
    if (first) {
        crypto_wipe(first->data, first->used);
        first->used = 0;
    }
    self->taken = 0;
    self->is_short = false;
}

void arena_vector_init(arena_vector *self, arena *from, size_t item_size)
{
    assert(item_size > 0);
    *self = (arena_vector){.from = from, .item_size = item_size};
}

void *arena_vector_add(arena_vector *self)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 16;
        if (capacity > SIZE_MAX / self->item_size)
            return NULL;
        void *items = arena_take(self->from, capacity * self->item_size);
        if (!items)
            return NULL;
        if (self->count > 0)
            memcpy(items, self->items, self->count * self->item_size);
        self->items = items;
        self->capacity = capacity;
    }
    return (char *)self->items + self->item_size * self->count++;
}
