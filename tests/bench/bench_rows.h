/*
 * bench_rows: invented records for measurements, the same for the same number: a mix of the types that offices send,
 * of 2,000 persons for each 100,000 records, over a contract's months and actions. A later version of a record differs from
 * the one before.
 */
#ifndef CTAI_BENCH_ROWS_H
#define CTAI_BENCH_ROWS_H

#include "record.h"
#include "wire.h"

/* What the records are made for; all outlives them. */
typedef struct {
    const wire_contract *contract;
    const token_key *key;      /* of the scope: tokens are made under it */
    const uint8_t *record_key; /* CRYPTO_KEY bytes: keys and references are hashed under it */
} bench_rows;

/* The key of a record: all of one agent's spread evenly, as keyed hashes do. */
void bench_rows_key(const bench_rows *self, uint64_t number, uint8_t key[RECORD_KEY]);
/* The record of that number in its version (from 0), its key included; texts are the contract's or constant. */
void bench_rows_record(const bench_rows *self, uint64_t number, unsigned version, record *what);
/* A record that adds one to the contract's sollicitations of its first action. */
void bench_rows_one(const bench_rows *self, uint64_t number, record *what);

#endif
