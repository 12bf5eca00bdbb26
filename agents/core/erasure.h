/*
 * erasure: the people who had their records erased (`ctai-agent forget`), as keyed hashes of what tells a person:
 * local number, folded identity, foreigner's number. Of a table of people it finds those who are among them, so that
 * no later export brings them back, under whatever local number.
 *
 * Pure: the list is the caller's, as bytes that the outbox keeps.
 */
#ifndef CTAI_ERASURE_H
#define CTAI_ERASURE_H

#include "persons.h"

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

/* The hashes of a row. */
void erasure_of_row(erasure_person *to, const uint8_t *record_key, const persons_row *row);

/*
 * Do the two tell of the same person? By the same local number; else by the foreigner's numbers, where both are known;
 * else by the same identity.
 */
bool erasure_same(const erasure_person *a, const erasure_person *b);

/*
 * Marks the people of a table who are on the list, and those who are the same as one who is; their households then go
 * without them. *found: the rows marked, in the arena, in the order of the table. False when memory is short.
 */
bool erasure_mark(const erasure_list *self, persons *people, const uint8_t *record_key, erasure_list *found)
    __attribute__((warn_unused_result));

#endif
