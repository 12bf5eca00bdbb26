/*
 * events: the table `evenements`, checked row by row against the vocabulary (fact), the contracts'
 * actions and the persons. Of a row only codes, numbers and keyed hashes are kept.
 *
 * Always true after events_read: each number (id_evenement) that is there more than once in the
 * rows of a contract has all its rows, as events_next gives them, in error; the person of an event that is not in error is not
 * in error either.
 */
#ifndef CTAI_EVENTS_H
#define CTAI_EVENTS_H

#include "persons.h"
#include "record.h"
#include "repeats.h"
#include "spool.h"
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
    uint8_t origin;                      /* making's */
    bool has_quantity, in_error;
} events_row;

/* A row in error whose contract is not known: its number may be that of a row of any of them. */
typedef struct {
    text_view id;
} events_orphan;

/* A number that may come twice. */
typedef struct {
    uint8_t key[RECORD_KEY];
    uint32_t line;                       /* of the first row that has it */
    bool in_error;                       /* that row is */
} events_repeat;

typedef struct {
    unsigned contract_count;             /* at most EVENTS_CONTRACTS_MAX */
    const wire_contract *const *contracts;
    const uint8_t *record_key;           /* CRYPTO_KEY bytes */
    persons *people;
    uint64_t seed;
    diag_sink *sink;
    spool_store *store;                  /* for the rows, when they are many; NULL: memory alone */
    const csv_source *source;            /* the file, when it is read in pieces; NULL: it is in memory */
    void (*progress)(void *data, uint64_t done_bytes);
    void *progress_data;
} events_setting;

typedef struct events {
    arena *from;
    uint64_t seed;
    const table *table;                  /* for later diagnostics */
    spool rows;                          /* of events_row, in the order of the file: those of a known contract with a number */
    char *room;                          /* of their reader */
    pile orphans;                        /* of events_orphan */
    repeats *again;                      /* NULL: any number may come twice */
    pile repeated;                       /* of events_repeat: the numbers that may come twice */
    lookup by_number;                    /* of repeated, by the row's number */
    lookup by_key;                       /* of repeated, by the record's key: those that did come twice */
    struct events_waiting *waiting;      /* rows whose keys are still to be made */
    bool any_repeated;                   /* some number did */
    size_t row_count, error_count;       /* rows */
    size_t other_contract_count;         /* rows left out */
    bool unsure;                         /* some row could not be identified */
} events;

/*
 * Reads the whole table: of a large file that is read in pieces, it first looks through all numbers. bytes: the file, or its size
 * alone. TABLE_OK, TABLE_UNUSABLE (said), TABLE_UNREADABLE, TABLE_NO_MEMORY (or the store failed: rows.lost).
 */
table_state events_read(events *self, arena *from, const char *file, text_view bytes, const events_setting *setting)
    __attribute__((warn_unused_result));

/* Where a diagnostic about a row read before points. */
diag events_where(const events *self, diag_severity severity, const events_row *what, events_column which, const char *remedy);

/* A reading of the rows, in the order of the file. */
typedef struct {
    events *of;
    spool_reader from;
} events_walk;
void events_start(events_walk *self, events *of);
/* The next row, as all rows together make it; false after the last, or when rows has failed. */
bool events_next(events_walk *self, events_row *to);

/* The name of the table's column of that number from 0; NULL after the last. */
const char *events_column_name(unsigned number);

#endif
