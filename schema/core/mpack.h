/*
 * mpack: canonical MessagePack, the byte form of all that is signed or sent (PROTOCOL.md). Writing
 * goes through msgpack-c, which always takes the shortest form. Reading does not: msgpack-c's own
 * unpacker believes the counts that it reads (six bytes can ask it for gigabytes) and takes long forms.
 * The reader here is pulled by the grammar of what is expected, copies nothing, allocates nothing, and
 * refuses every byte that a canonical writer would not have written.
 *
 * Both sides fail stickily: read or write on, test once at the end. After a failure every read gives
 * zero, false or nothing. Strings are UTF-8; integers are unsigned and below 2^63; no maps, floats, extensions.
 */
#ifndef CTAI_MPACK_H
#define CTAI_MPACK_H

#include "arena.h"
#include "batch_buffer.h"
#include "civil.h"
#include "text.h"

#define MPACK_UINT_MAX ((uint64_t) INT64_MAX)

typedef struct {
    const uint8_t *at, *end;
    bool failed;
} mpack_reader;

void mpack_reader_init(mpack_reader *self, text_view bytes);

/* The number of items that follow, at most max, and never more than the bytes that remain. */
unsigned mpack_read_array(mpack_reader *self, unsigned max);
/* An array of exactly count items. */
void mpack_read_array_of(mpack_reader *self, unsigned count);
uint64_t mpack_read_uint(mpack_reader *self, uint64_t min, uint64_t max);
bool mpack_read_bool(mpack_reader *self);
/* Takes a nil if it is the next item. */
bool mpack_read_nil(mpack_reader *self);
/* At most max bytes of UTF-8, or of anything. at is never NULL unless the reading has failed. */
text_view mpack_read_string(mpack_reader *self, size_t max);
text_view mpack_read_binary(mpack_reader *self, size_t max);
/* A binary of exactly size bytes, in place; NULL after a failure. */
const uint8_t *mpack_read_fixed(mpack_reader *self, size_t size);
/* The same, copied (zeros after a failure). */
void mpack_read_bytes(mpack_reader *self, void *to, size_t size);
/* 1 to max bytes of [A-Za-z0-9._-]. */
text_view mpack_read_name(mpack_reader *self, size_t max);
/* The string, exactly. */
void mpack_read_literal(mpack_reader *self, const char *string);
/* "2023-11-30"; year x 100 + month. CIVIL_NONE after a failure. */
civil_day mpack_read_day(mpack_reader *self);
civil_month mpack_read_month(mpack_reader *self);
void mpack_read_fail(mpack_reader *self);
/* Has all been read, and nothing failed? */
bool mpack_read_done(const mpack_reader *self) __attribute__((warn_unused_result));

/* Writers: what a reader with the same bounds would refuse makes the buffer fail. */
void mpack_write_array(batch_buffer *to, unsigned count);
void mpack_write_uint(batch_buffer *to, uint64_t value);
void mpack_write_bool(batch_buffer *to, bool value);
void mpack_write_nil(batch_buffer *to);
void mpack_write_string(batch_buffer *to, text_view text, size_t max);
void mpack_write_binary(batch_buffer *to, const void *data, size_t size);
void mpack_write_name(batch_buffer *to, text_view name, size_t max);
void mpack_write_day(batch_buffer *to, civil_day day);
void mpack_write_month(batch_buffer *to, civil_month month);

bool mpack_name_valid(text_view name, size_t max);

#endif
