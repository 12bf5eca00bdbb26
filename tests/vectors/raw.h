/*
 * raw: MessagePack written by hand, item by item, so that what our writers would never write can be said. One
 * buffer; raw_start empties it, raw_done gives its bytes.
 */
#ifndef CTAI_VECTORS_RAW_H
#define CTAI_VECTORS_RAW_H

#include "mpack.h"
#include "vectors.h"

extern batch_buffer raw;

static inline void raw_start(void) { batch_buffer_clear(&raw); }
static inline text_view raw_done(void) { return vectors_bytes(&raw); }

static inline void A(unsigned count) { mpack_write_array(&raw, count); }
static inline void U(uint64_t value) { mpack_write_uint(&raw, value); }
static inline void S(const char *text) { mpack_write_string(&raw, text_of(text), SIZE_MAX); }
static inline void N(void) { mpack_write_nil(&raw); }
static inline void F(bool value) { mpack_write_bool(&raw, value); }
/* Bytes as they stand. */
#define X(literal) batch_buffer_append(&raw, literal, sizeof(literal) - 1)
/* A binary of size bytes of one value. */
static inline void B(uint8_t value, size_t size)
{
    static uint8_t bytes[BATCH_BODY_MAX + 1];
    for (size_t i = 0; i < size; i++)
        bytes[i] = value;
    mpack_write_binary(&raw, bytes, size);
}

#endif
