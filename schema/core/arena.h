/*
 * arena: memory that lives and dies together. Core code takes all it needs from an arena that its
 * caller made, so that one place allocates, and one limit bounds it.
 */
#ifndef CTAI_ARENA_H
#define CTAI_ARENA_H

#include <stddef.h>

#include "text.h"

typedef struct arena arena;

/* An arena that hands out at most limit_bytes in all; NULL when memory is short. */
arena *arena_new(size_t limit_bytes);

/* Wipes and frees everything and nulls the pointer; harmless on NULL. */
void arena_destroy(arena **self);

/* size zeroed bytes, aligned for any type; NULL past the limit or when memory is short. */
void *arena_take(arena *self, size_t size) __attribute__((warn_unused_result));

/* A NUL-terminated copy of text, or NULL likewise. */
char *arena_text(arena *self, text_view text) __attribute__((warn_unused_result));

/* Was something asked for, since the start or the last clear, that could not be given? What read in it may have failed by that alone. */
bool arena_short(const arena *self);

/* Bytes handed out so far. */
size_t arena_used(const arena *self);

/* Wipes and gives everything back but keeps the first block; what was taken is gone. */
void arena_clear(arena *self);

/* A vector that grows inside an arena, for a count that is not known beforehand. */
typedef struct {
    arena *from;
    void *items;
    size_t count, capacity, item_size;
} arena_vector;

void arena_vector_init(arena_vector *self, arena *from, size_t item_size);

/* A zeroed new last item, or NULL; pointers to earlier items die when the vector moves. */
void *arena_vector_add(arena_vector *self) __attribute__((warn_unused_result));

#endif
