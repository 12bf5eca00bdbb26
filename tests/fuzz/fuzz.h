/*
 * fuzz: what the fuzzers share: an input as a tape of choices, keys that are the same in each run, buffers and
 * arenas that live as long as the process, so that an execution allocates next to nothing.
 *
 * A target asserts what always holds of the code it feeds; libFuzzer keeps the input that breaks it.
 */
#ifndef CTAI_FUZZ_H
#define CTAI_FUZZ_H

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "arena.h"
#include "batch_buffer.h"
#include "crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input read from its start; past its end all is zero. */
typedef struct {
    const uint8_t *at, *end;
} fuzz_tape;

static inline fuzz_tape fuzz_tape_of(const uint8_t *data, size_t size)
{
    return (fuzz_tape){data, data + size};
}

static inline bool fuzz_more(const fuzz_tape *self)
{
    return self->at < self->end;
}

static inline uint8_t fuzz_byte(fuzz_tape *self)
{
    return self->at < self->end ? *self->at++ : 0;
}

static inline unsigned fuzz_below(fuzz_tape *self, unsigned bound)
{
    return fuzz_byte(self) % bound;
}

/* At most size bytes of what is left, in place. */
static inline text_view fuzz_some(fuzz_tape *self, size_t size)
{
    size_t left = (size_t) (self->end - self->at);
    text_view some = {(const char *) self->at, size < left ? size : left};

    self->at += some.size;
    return some;
}

static inline text_view fuzz_rest(fuzz_tape *self)
{
    return fuzz_some(self, SIZE_MAX);
}

static inline text_view fuzz_written(const batch_buffer *buffer)
{
    return (text_view){(const char *) buffer->data, buffer->size};
}

/* An arena that is empty at the start of each execution; its first block, which it keeps, is most often enough. */
static inline arena *fuzz_arena(arena **kept, size_t limit_bytes)
{
    if (*kept == NULL) {
        *kept = arena_new(limit_bytes);
        void *first = *kept != NULL ? arena_take(*kept, limit_bytes / 2) : NULL;
        assert(first != NULL);
        (void) first;
    }
    arena_clear(*kept);
    return *kept;
}

/* An empty buffer likewise. */
static inline batch_buffer *fuzz_buffer(batch_buffer *kept, size_t limit_bytes)
{
    if (kept->limit == 0)
        batch_buffer_init(kept, limit_bytes);
    batch_buffer_clear(kept);
    return kept;
}

/* Were the bytes that were read written again to the same? */
static inline void fuzz_same(const batch_buffer *again, text_view bytes)
{
    assert(!again->failed);
    assert(again->size == bytes.size);
    assert(memcmp(again->data, bytes.at, bytes.size) == 0);
}

static inline void fuzz_pair(crypto_sign_pair *pair, uint8_t seed)
{
    uint8_t bytes[crypto_sign_SEEDBYTES];

    memset(bytes, seed, sizeof bytes);
    (void) crypto_sign_seed_keypair(pair->public_key, pair->secret_key, bytes);
}

static inline void fuzz_start(void)
{
    int started = crypto_start();

    assert(started == 0);
    (void) started;
}

#endif
