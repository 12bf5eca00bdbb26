/*
 * spool: a row of items of one size, as many as there may be: added one by one, read from the first on, as often as one
 * likes. The first blocks stay in memory; the others go to a store, when there is one.
 *
 * Always true: what was read is what was added, or the spool has failed, which sticks: whoever uses what was read asks at
 * the end.
 */
#ifndef CTAI_SPOOL_H
#define CTAI_SPOOL_H

#include <stdint.h>

#include "arena.h"

enum {
    SPOOL_BLOCK = 16 * 1024,     /* bytes */
    SPOOL_MEMORY_BLOCKS = 64,    /* that stay in memory */
};

/* Where blocks go for which memory is too small. What lies there must be readable to nobody else: see spill.h of the io layer. */
typedef struct spool_store {
    /* Keeps a block of SPOOL_BLOCK bytes, and says under which number; false when it cannot. */
    bool (*put)(struct spool_store *self, const void *block, uint64_t *number);
    bool (*get)(struct spool_store *self, uint64_t number, void *block);
} spool_store;

typedef struct {
    arena *from;
    spool_store *store;      /* NULL: all stays in memory */
    size_t item_size, per_block;
    arena_vector blocks;     /* of spool_block: the full ones */
    char *last;              /* being filled */
    uint64_t count;
    bool no_memory, lost;    /* why it has failed: lost: the store did */
} spool;

void spool_init(spool *self, arena *from, spool_store *store, size_t item_size);

/* Adds a copy of an item; false when it has failed. */
bool spool_add(spool *self, const void *item) __attribute__((warn_unused_result));

static inline bool spool_failed(const spool *self)
{
    return self->no_memory || self->lost;
}

/* A reading from item first to before item end; nothing may be added meanwhile. */
typedef struct {
    spool *of;
    uint64_t next, end;
    char *room;              /* SPOOL_BLOCK bytes of the caller's, for blocks of the store */
    const char *block;       /* the one in which next is, or NULL */
} spool_reader;

/* The bytes that a reader needs, or NULL: memory is short (the spool has then failed). */
char *spool_room(spool *self);
void spool_read(spool_reader *self, spool *of, uint64_t first, uint64_t end, char *room);
/* The next item, good until the next call; NULL after the last, or when the spool has failed. */
const void *spool_next(spool_reader *self);

#endif
