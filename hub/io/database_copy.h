/*
 * database_copy: rows for a table in the binary form of COPY (PostgreSQL 15, "COPY", Binary Format), built one value at
 * a time in the order of the statement's columns. They go out in pieces, so that the server works on the first ones while
 * the next are made. A failure is sticky: write on, database_copy_end tells.
 *
 * Always true: from the first row to database_copy_end the connection is the COPY's; the end comes in any case.
 */
#ifndef CTAI_DATABASE_COPY_H
#define CTAI_DATABASE_COPY_H

#include "batch_buffer.h"
#include "crypto.h"
#include "database.h"
#include "text.h"

typedef struct {
    database *connection;
    const char *sql;
    batch_buffer bytes;   /* not sent yet */
    bool rows, begun, lost; /* there is one; the server is in the COPY; a piece could not be sent */
    bool failed, finished;  /* memory was short; the end was sent */
    database_error error; /* why it never was */
} database_copy;

/* Asks the server for nothing yet. sql: COPY ... FROM STDIN (FORMAT binary); it outlives self. */
void database_copy_init(database_copy *self, database *connection, const char *sql);

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

/* Sends the end, once, and does not wait: what the caller does now, the server does its last work beside. */
void database_copy_finish(database_copy *self);

/* The end, once: all rows are taken, or none and an error. Releases self. Without a row nothing is asked. */
database_error database_copy_end(database_copy *self) __attribute__((warn_unused_result));

#endif
