/*
 * mutate: every small change of a good message: each byte replaced, each cut, bytes added. What a reader
 * takes among them must be written again to the same bytes, or it takes more than the canonical form.
 */
#ifndef CTAI_TEST_MUTATE_H
#define CTAI_TEST_MUTATE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

/* Reads bytes; when it takes them, writes what it has read to again. */
typedef bool mutate_round(text_view bytes, batch_buffer *again, arena *scratch);

static inline void mutate_one(mutate_round *round, const uint8_t *bytes, size_t size, arena *scratch)
{
    /* A block of exactly that size, so that a sanitizer sees each byte read beyond it. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    batch_buffer again;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, size);
    batch_buffer_init(&again, 8 << 20);
    if (round((text_view){(const char *) exact, size}, &again, scratch)) {
        ck_assert(!again.failed);
        ck_assert_uint_eq(again.size, size);
        ck_assert_mem_eq(again.data, exact, size);
    }
    batch_buffer_release(&again);
    arena_clear(scratch);
    free(exact);
}

/* Good bytes must be taken; of each change, only the canonical. */
static inline void mutate_all(mutate_round *round, const uint8_t *bytes, size_t size)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4,
                                     0xc5, 0xc6, 0xca, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd4, 0xd9, 0xda, 0xdb, 0xdc,
                                     0xdd, 0xde, 0xdf, 0xe0, 0xff};
    arena *scratch = arena_new(32 << 20);
    uint8_t *copy = malloc(size + 8);
    batch_buffer again;

    ck_assert(scratch != NULL && copy != NULL);
    batch_buffer_init(&again, 8 << 20);
    ck_assert(round((text_view){(const char *) bytes, size}, &again, scratch));
    batch_buffer_release(&again);
    mutate_one(round, bytes, size, scratch);
    for (size_t i = 0; i < size; i++) {
        mutate_one(round, bytes, i, scratch);
        memcpy(copy, bytes, size);
        for (size_t v = 0; v < sizeof values; v++) {
            copy[i] = values[v];
            mutate_one(round, copy, size, scratch);
        }
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (uint8_t) (bytes[i] ^ 1 << bit);
            mutate_one(round, copy, size, scratch);
        }
        /* One byte more, one byte less, in the middle. */
        memcpy(copy, bytes, i);
        memcpy(copy + i + 1, bytes + i, size - i);
        copy[i] = 0xc0;
        mutate_one(round, copy, size + 1, scratch);
        copy[i] = 0xcc;
        mutate_one(round, copy, size + 1, scratch);
        memcpy(copy + i, bytes + i + 1, size - i - 1);
        mutate_one(round, copy, size - 1, scratch);
    }
    free(copy);
    arena_destroy(&scratch);
}

#endif
