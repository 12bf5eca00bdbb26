/*
 * database_array: a parameter that holds many values: PostgreSQL's text form of an array, built one
 * element at a time. A failure is sticky: write on, test database_array_end once.
 */
#ifndef CTAI_DATABASE_ARRAY_H
#define CTAI_DATABASE_ARRAY_H

#include "batch.h"
#include "database.h"

typedef struct { batch_buffer bytes; } database_array;

void database_array_init(database_array *self);
void database_array_release(database_array *self);

void database_array_null(database_array *self);
void database_array_number(database_array *self, int64_t number);
void database_array_flag(database_array *self, bool flag);
/* 16 bytes as a uuid. */
void database_array_hash(database_array *self, const uint8_t hash[CRYPTO_SHORT_HASH]);
/* A name of ours: lower-case letters, digits and "_", at least one. */
void database_array_name(database_array *self, const char *name);
/* Any UTF-8 text without NUL. */
void database_array_text(database_array *self, text_view text);

/* The finished array, NUL-terminated, as long as self lives; NULL when memory was short. Once, at the end. */
const char *database_array_end(database_array *self) __attribute__((warn_unused_result));

/* Many uuids, in the binary form of an array of them (PostgreSQL 15, array_send), which costs the server less to read. */
typedef struct {
    batch_buffer bytes;
    uint32_t count;
} database_hashes;

void database_hashes_init(database_hashes *self);
void database_hashes_release(database_hashes *self);
void database_hashes_add(database_hashes *self, const uint8_t hash[CRYPTO_SHORT_HASH]);
/* The parameter, as long as self lives; its value is NULL when memory was short. */
database_parameter database_hashes_end(database_hashes *self) __attribute__((warn_unused_result));

#endif
