/*
 * persons: the table `personnes`, which never leaves the operator: rows checked, what the records
 * need of each person computed once (identity string, foreigner's number, household's smallest
 * string).
 *
 * Always true after persons_read: each id_local that is there more than once has all its rows in
 * error; a row in error is never a member of a household.
 */
#ifndef CTAI_PERSONS_H
#define CTAI_PERSONS_H

#include "arena.h"
#include "diag.h"
#include "eligibility.h"
#include "lookup.h"
#include "pile.h"
#include "record.h"
#include "table.h"

#define PERSONS_NONE LOOKUP_NONE

typedef struct {
    text_view id;              /* id_local */
    text_view identity;        /* fold(nom)|fold(prenom)|date, see token.h */
    text_view family_name, given_name; /* as written */
    uint32_t line;             /* of its row */
    uint32_t household;        /* number of persons.households, or PERSONS_NONE */
    civil_day birth, cir;      /* cir: CIVIL_NONE when it is not there */
    eligibility_statut statut;
    record_sex sex;
    bool european, has_number, in_error;
    bool erased;               /* erasure's: counts for nothing, and in no household */
    char number[TOKEN_NUMBER_DIGITS];
} persons_row;

typedef struct {
    text_view id;              /* id_menage */
    text_view smallest;        /* identity of those members who count; empty: none does */
} persons_household;

typedef struct persons {
    arena *from;
    uint64_t seed;             /* of the lookups */
    pile people;               /* of persons_row, in the order of the rows that have an id_local */
    pile households;           /* of persons_household */
    lookup by_id, by_household, by_number, by_name;
    size_t row_count, error_count; /* rows */
} persons;

/* Reads the whole table. TABLE_OK, TABLE_UNUSABLE (said) or TABLE_NO_MEMORY. progress: see export.h. */
table_state persons_read(persons *self, arena *from, const char *file, text_view bytes, uint64_t seed, diag_sink *sink,
                         void (*progress)(void *data, uint64_t done_bytes), void *progress_data)
    __attribute__((warn_unused_result));

persons_row *persons_at(const persons *self, uint32_t number);

/* The number of the (first) person of that id_local, in error or not; PERSONS_NONE when there is none. */
uint32_t persons_find(const persons *self, text_view id_local);

eligibility persons_eligibility(const persons_row *self, civil_day day);

/* The households' smallest identities anew, when people were marked as erased. */
void persons_settle_households(persons *self);

/* The identity whose token M is the household's: that of the smallest member, or the person's own. */
text_view persons_household_identity(const persons *self, const persons_row *of);

/* The name of the table's column of that number from 0; NULL after the last. */
const char *persons_column_name(unsigned number);

#endif
