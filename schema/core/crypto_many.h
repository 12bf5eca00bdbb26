/*
 * crypto_many: BLAKE2b (RFC 7693) of many short messages at once: four go through the rounds side by side, one in each lane of
 * the processor's vectors, which takes half of the time of one after another. What comes out is what crypto.h gives of each.
 */
#ifndef CTAI_CRYPTO_MANY_H
#define CTAI_CRYPTO_MANY_H

#include "crypto.h"

/*
 * The hashes, of size bytes each (CRYPTO_SHORT_HASH or CRYPTO_HASH), one behind the other, of count messages. key: CRYPTO_KEY
 * bytes, or NULL: without one. No message is empty.
 */
void crypto_many(uint8_t *to, size_t size, const uint8_t *key, const text_view *messages, size_t count);

/* The same in two steps, for many calls under one key: what all begin with is made once. Under a key it is as secret as that. */
typedef struct {
    uint64_t state[8]; /* after the key's own block */
    size_t size;
    bool keyed;
    uint8_t key[CRYPTO_KEY];
} crypto_many_start;
void crypto_many_begin(crypto_many_start *self, size_t size, const uint8_t *key);
void crypto_many_of(const crypto_many_start *self, uint8_t *to, const text_view *messages, size_t count);

#endif
