/*
 * database_copy: rows for a table in the binary form of COPY (PostgreSQL 15, "COPY", Binary Format), built one value at
 * a time in the order of the statement's columns. A failure is sticky: write on, database_copy_in tells.
 */
#ifndef CTAI_DATABASE_COPY_H
#define CTAI_DATABASE_COPY_H

#include "batch.h"
#include "database.h"

typedef struct { batch_buffer bytes; } database_copy;

void database_copy_init(database_copy *self);
void database_copy_release(database_copy *self);

/* Begins a row; as many values follow. */
void database_copy_row(database_copy *self, unsigned columns);

void database_copy_null(database_copy *self);
void database_copy_smallint(database_copy *self, int64_t number);
void database_copy_integer(database_copy *self, int64_t number);
void database_copy_bigint(database_copy *self, int64_t number);
void database_copy_flag(database_copy *self, bool flag);
/* 16 bytes, for a uuid. */
void database_copy_hash(database_copy *self, const uint8_t hash[CRYPTO_SHORT_HASH]);
/* A text, or the name of an enum's value. */
void database_copy_text(database_copy *self, text_view text);

/* Sends the rows, once; sql: COPY ... FROM STDIN (FORMAT binary). All of them, or none and an error. */
database_error database_copy_in(database *connection, const char *sql, database_copy *rows) __attribute__((warn_unused_result));

#endif
