/*
 * store_reading: what the bodies of a batch say, read and checked as far as they and the header tell it: before the database
 * is asked who may say it, and so while it is still busy with other batches. What is in it is for the store (store_rows.h).
 */
#ifndef CTAI_STORE_READING_H
#define CTAI_STORE_READING_H

#include "batch.h"

typedef struct store_reading store_reading;

/* In the arena; texts point into the bodies. A body whose `at` is NULL is absent. NULL: memory is short. */
store_reading *store_reading_new(const batch_header *header, const text_view *bodies, unsigned body_count, arena *in)
    __attribute__((warn_unused_result));

#endif
