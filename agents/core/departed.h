/*
 * departed: of the people of a table who were erased, what their records in a contract are called: the keys that an
 * agent must take out of its queue and have erased at the hub. Ascending sets of keys, each once.
 */
#ifndef CTAI_DEPARTED_H
#define CTAI_DEPARTED_H

#include "events.h"
#include "export_terms.h"

typedef uint8_t departed_key[RECORD_KEY];

/* Sorts keys and drops what comes twice; the new count. */
size_t departed_sort(departed_key *keys, size_t count);

/* Is the key in an ascending set? */
bool departed_has(const uint8_t (*keys)[RECORD_KEY], size_t count, const uint8_t key[RECORD_KEY]);

/* The months of a contract, of its first 50 years at most: a subject may have a `beneficiaire` record in each. */
size_t departed_months(const wire_contract *terms);
/* Writes the keys of these records from month number first on, at most room: how many. */
size_t departed_beneficiary(departed_key *to, size_t room, size_t first, const uint8_t *record_key,
                            const wire_contract *terms, const uint8_t subject[RECORD_KEY]);

/* Fills in erased_subjects and erased of a result, contract being its index in rows. False when memory is short or the rows cannot be read. */
bool departed_find(export_result *result, arena *from, const wire_contract *terms, events *rows, unsigned contract,
                   const persons *people, const uint8_t *record_key) __attribute__((warn_unused_result));

#endif
