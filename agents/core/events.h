/*
 * events: the table `evenements`, checked row by row against the vocabulary (fact), the contracts'
 * actions and the persons. Of a row only codes, numbers and keyed hashes are kept.
 *
 * Always true after events_read: each number (id_evenement) that is there more than once in the
 * rows of a contract has all its rows in error; the person of an event that is not in error is not
 * in error either.
 */
#ifndef CTAI_EVENTS_H
#define CTAI_EVENTS_H

#include "persons.h"
#include "record.h"
#include "wire.h"

enum { EVENTS_CONTRACTS_MAX = WIRE_CONTRACTS_MAX };

typedef enum {
    EVENTS_ID,
    EVENTS_CONTRACT,
    EVENTS_DATE,
    EVENTS_ACTION,
    EVENTS_TYPE,
    EVENTS_PERSON,
    EVENTS_QUANTITY,
    EVENTS_DETAIL,
    EVENTS_REFERENCE,
    EVENTS_COLUMN_COUNT
} events_column;

typedef struct {
    uint8_t key[RECORD_KEY];             /* of its record */
    uint8_t reference[RECORD_REFERENCE]; /* where the type's leaves */
    int64_t quantity;                    /* minutes, cents, count; of a sortie counting's: days */
    civil_day day;                       /* as written */
    uint32_t line;
    uint32_t person;                     /* PERSONS_NONE: a type without one */
    uint32_t subject;                    /* counting's: the person in the action; SUBJECTS_NONE without a persons_row */
    civil_day counted;                   /* counting's: the day on which it counts, or CIVIL_NONE */
    uint16_t contract;                   /* index in the setting's contracts */
    int8_t type;                         /* fact_type */
    uint8_t action;                      /* index in the contract's actions */
    int8_t code;                         /* index in the rule's codes, -1: none */
    bool has_quantity, in_error;
} events_row;

/* A row in error whose contract is not known: its number may be that of a row of any of them. */
typedef struct {
    text_view id;
} events_orphan;

typedef struct {
    unsigned contract_count;             /* at most EVENTS_CONTRACTS_MAX */
    const wire_contract *const *contracts;
    const uint8_t *record_key;           /* CRYPTO_KEY bytes */
    persons *people;
    uint64_t seed;
    diag_sink *sink;
    void (*progress)(void *data, uint64_t done_bytes);
    void *progress_data;
} events_setting;

typedef struct events {
    arena *from;
    uint64_t seed;
    const table *table;                  /* for later diagnostics */
    pile rows;                           /* of events_row, in the order of the file: those of a known contract with a number */
    pile orphans;                        /* of events_orphan */
    lookup by_key;                       /* the first event of each key */
    size_t row_count, error_count;       /* rows */
    size_t other_contract_count;         /* rows left out */
    bool unsure;                         /* some row could not be identified */
} events;

/* Reads the whole table. TABLE_OK, TABLE_UNUSABLE (said) or TABLE_NO_MEMORY. */
table_state events_read(events *self, arena *from, const char *file, text_view bytes, const events_setting *setting)
    __attribute__((warn_unused_result));

/* Where a diagnostic about a row read before points. */
diag events_where(const events *self, diag_severity severity, const events_row *what, events_column which, const char *remedy);

events_row *events_at(const events *self, uint32_t number);

/* The number of the first event of that key, LOOKUP_NONE when there is none. */
uint32_t events_find(const events *self, const uint8_t key[RECORD_KEY]);

/* The name of the table's column of that number from 0; NULL after the last. */
const char *events_column_name(unsigned number);

#endif
