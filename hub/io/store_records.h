/*
 * store_records: the records of one batch into the database, set by set: one statement for what stands,
 * one for what is withdrawn. What they replace goes to history with the position that replaced it.
 *
 * After an agent was given new keys, its records of a contract are staged, beside those that it had left, until it
 * has sent its whole table of the contract (003_delivery.sql): then store_records_finish puts them in their place.
 */
#ifndef CTAI_STORE_RECORDS_H
#define CTAI_STORE_RECORDS_H

#include "store_base.h"

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
 * withdrawal; a RECORD_CLOSE, which is of no contract, has no right (store_keys.h), and is passed over here.
 */
typedef struct {
    record what;
    const store_right_row *right;
    unsigned index;
} store_record;

typedef struct {
    const char *scope;
    int64_t agent;
    uint64_t incarnation, sequence, position;
    const uint8_t *pepper; /* CRYPTO_KEY bytes */
    bool replacing;        /* some contract is staged */
} store_version;

/* Keys are distinct. Runs inside the caller's transaction. */
database_error store_records_write(database *connection, const store_version *version, const store_record *records,
                                   size_t count) __attribute__((warn_unused_result));

/* The agent has sent its whole table of a staged contract: what is staged stands, what it had left goes to history. */
database_error store_records_finish(database *connection, const store_version *version, int64_t contract_id)
    __attribute__((warn_unused_result));

#endif
