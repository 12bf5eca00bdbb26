/*
 * store_rows: the records that the batches of a transaction put, on their way into the tables. What their keys stood for
 * goes to history at once, batch by batch; the new rows wait, and go out together by one COPY: of each agent in a scope
 * in the order of their keys, which costs the primary key's index the least.
 *
 * Always true: of a key that waits nothing is asked of the tables, and none waits twice: store_rows_admit sees to it.
 * What waits is the caller's, and stays as it is until store_rows_write.
 */
#ifndef CTAI_STORE_ROWS_H
#define CTAI_STORE_ROWS_H

#include "store.h"

/* What the database calls a contract and its action. */
typedef struct {
    char contract[RECORD_NAME_MAX + 1], action[RECORD_NAME_MAX + 1];
    int64_t contract_id, number;        /* number: of the action */
    civil_month first_month, last_month; /* of the contract */
    bool allowed;                       /* the agent may push it */
    bool staged;                        /* the agent has new keys, and has not yet sent its whole table of the contract */
} store_right_row;

/*
 * A record that was checked, where it belongs, and which body of its batch it is. right->number means nothing for a
 * withdrawal; a RECORD_CLOSE, which is of no contract, has no right (store_keys.h).
 */
typedef struct {
    record what;
    const store_right_row *right;
    unsigned index;
} store_record;

/* What store_reading_new gives. */
struct store_reading {
    unsigned count;         /* of the bodies that are there, in their order */
    store_record *records;  /* of each what it says, if its reason is RECORD_OK, and which body it is; without a right */
    record_reason *reasons; /* of each: RECORD_OK, or why it cannot be taken */
};

typedef struct {
    const char *scope;     /* as long as what waits */
    int64_t agent;
    uint64_t incarnation, sequence, position;
    const uint8_t *pepper; /* CRYPTO_KEY bytes */
    bool replacing;        /* some contract is staged */
} store_version;

typedef struct store_rows_source store_rows_source; /* an agent in a scope */

typedef struct {
    database *connection;
    arena *scratch; /* as long as what waits */
    const store_meanwhile *meanwhile;
    store_rows_source *sources;
} store_rows;

void store_rows_init(store_rows *self, database *connection, const store_meanwhile *meanwhile, arena *scratch);

/* Before anything of a batch is asked or written: its records, by ascending keys. What waits of the same agent goes out
 * unless all of them come after it. */
database_error store_rows_admit(store_rows *self, const store_version *version, const store_record *records, size_t count)
    __attribute__((warn_unused_result));

/* The puts among the records of an admitted batch, into the table; of contracts that are staged: beside it, at once. */
database_error store_rows_put(store_rows *self, const store_version *version, const store_record *records, size_t count)
    __attribute__((warn_unused_result));
database_error store_rows_stage(store_rows *self, const store_version *version, const store_record *records, size_t count)
    __attribute__((warn_unused_result));

/* All that waits. */
database_error store_rows_write(store_rows *self) __attribute__((warn_unused_result));

#endif
