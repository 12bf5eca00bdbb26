/*
 * subjects: the people of an export in its contract, each within an action: what a rule asks about
 * "the same person in the same action" is kept here.
 */
#ifndef CTAI_SUBJECTS_H
#define CTAI_SUBJECTS_H

#include "persons.h"
#include "wire.h"

#define SUBJECTS_NONE PERSONS_NONE

typedef struct {
    uint8_t key[RECORD_KEY]; /* by subjects_key alone */
    uint32_t person;
    uint8_t action;          /* index in the contract's actions */
    bool keyed;
    bool anchored;           /* has an eligible event on a day of the contract */
    civil_day first;         /* day of the first counted event; CIVIL_NONE: none */
    uint64_t *months;        /* one bit for each of the contract's, by subjects_mark alone; NULL: none */
} subjects_row;

typedef struct {
    arena *from;
    pile all;
    lookup by_pair;
    uint64_t seed;
    const wire_contract *terms;
    const persons *people;
    const uint8_t *record_key; /* CRYPTO_KEY bytes */
    civil_month first, last;   /* of the contract */
} subjects;

void subjects_init(subjects *self, arena *from, uint64_t seed, const wire_contract *terms, const persons *people,
                   const uint8_t *record_key);

/* The number of that person in that action, new or not; SUBJECTS_NONE when memory is short. */
uint32_t subjects_of(subjects *self, uint32_t person, uint8_t action) __attribute__((warn_unused_result));

/* The same, SUBJECTS_NONE when it is not there. */
uint32_t subjects_find(const subjects *self, uint32_t person, uint8_t action);

subjects_row *subjects_at(const subjects *self, uint32_t number);

/* Its keyed hash (recordkey_subject), made when first asked for. */
const uint8_t *subjects_key(const subjects *self, uint32_t number);

/* The person has an event in the action that counts on that day. */
void subjects_count(const subjects *self, uint32_t number, civil_day day);

/* The person has a `beneficiaire` record in that month of the contract. False when memory is short. */
bool subjects_mark(subjects *self, uint32_t number, civil_month month) __attribute__((warn_unused_result));
bool subjects_marked(const subjects *self, uint32_t number, civil_month month);

#endif
