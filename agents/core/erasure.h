/*
 * erasure: the people who had their records erased (`ctai-agent forget`), as keyed hashes of what tells a person:
 * local number, folded identity, foreigner's number. Who of a table is among them: erasure_mark.h.
 *
 * Pure: the list is the caller's, as bytes that the outbox keeps.
 */
#ifndef CTAI_ERASURE_H
#define CTAI_ERASURE_H

#include <stddef.h>

#include "crypto.h"
#include "text.h"

/* Zeros: not known. One person may have several of these: a row of a table gives one. */
typedef struct {
    uint8_t id[CRYPTO_SHORT_HASH], identity[CRYPTO_SHORT_HASH], number[CRYPTO_SHORT_HASH];
} erasure_person;
_Static_assert(sizeof(erasure_person) == 3 * CRYPTO_SHORT_HASH, "people are kept as they are in memory");

typedef struct {
    size_t count;
    const erasure_person *people;
} erasure_list;

/* The hashes of a local number alone. record_key: CRYPTO_KEY bytes, the agent's own. */
void erasure_of_id(erasure_person *to, const uint8_t *record_key, text_view id_local);

/*
 * Do the two tell of the same person? By the same local number; else by the foreigner's numbers, where both are known;
 * else by the same identity.
 */
bool erasure_same(const erasure_person *a, const erasure_person *b);

#endif
