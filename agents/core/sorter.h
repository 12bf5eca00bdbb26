/*
 * sorter: items in ascending order of the key that each begins with, as many as there may be: a bounded number is sorted in
 * memory, and sorted runs of them go to a spool, from which they are merged. Keys are keyed hashes, so that they spread
 * evenly; that they are not may cost time and nothing else.
 */
#ifndef CTAI_SORTER_H
#define CTAI_SORTER_H

#include "spool.h"

enum {
    SORTER_KEY = 16,         /* bytes, of each item the first */
    SORTER_RUN = 24 * 1024,  /* items */
};

typedef struct sorter_run sorter_run;

typedef struct {
    arena *from;
    size_t item_size;
    arena_vector chunks;     /* of the items that are in memory */
    size_t held;             /* of these */
    struct sorter_place *order, *spare;
    uint32_t *starts;        /* of the buckets of a sort */
    spool runs;
    arena_vector ends;       /* uint64_t: where each run ends in runs */
    uint64_t count;
    bool ended, no_memory;
    /* The reading. */
    sorter_run *all;         /* one for each run, the last for what is held */
    sorter_run **heads;      /* a heap of those that have something left: the least is the first */
    size_t head_count, next_held;
    bool taken;              /* the least has been given out */
} sorter;

void sorter_init(sorter *self, arena *from, spool_store *store, size_t item_size);

/* Adds a copy of an item; false when it has failed. Not after sorter_end. */
bool sorter_add(sorter *self, const void *item) __attribute__((warn_unused_result));

/* All is there. False when it has failed. */
bool sorter_end(sorter *self) __attribute__((warn_unused_result));

/* Begins to read, anew. False when it has failed. */
bool sorter_start(sorter *self);
/* The next item, those of one key in any order, good until the next call; NULL after the last, or when it has failed. */
const void *sorter_next(sorter *self);

/* Asked at the end of a reading. lost: the store failed. */
bool sorter_failed(const sorter *self);
bool sorter_lost(const sorter *self);

#endif
