/* outbox_base: what the files of the outbox share: the connection, prepared statements, errors. */
#ifndef CTAI_OUTBOX_BASE_H
#define CTAI_OUTBOX_BASE_H

#include <sqlite3.h>

#include "outbox.h"

/* One prepared statement for each text that is used often. */
typedef enum {
    OUTBOX_SQL_SCOPE_LOAD,
    OUTBOX_SQL_SCOPE_SAVE,
    OUTBOX_SQL_BATCH_ADD,
    OUTBOX_SQL_BATCH_LOAD,
    OUTBOX_SQL_BATCH_HEADER,
    OUTBOX_SQL_BATCH_RECORDS,
    OUTBOX_SQL_BATCH_FORGET,
    OUTBOX_SQL_RECEIPT_SAVE,
    OUTBOX_SQL_REFUSAL_ADD,
    OUTBOX_SQL_REFUSAL_FORGET,
    OUTBOX_SQL_GENERATION,
    OUTBOX_SQL_GENERATION_SAVE,
    OUTBOX_SQL_PAGE_ADD,
    OUTBOX_SQL_PAGE_OF,
    OUTBOX_SQL_PAGE_SET,
    OUTBOX_SQL_PAGES_FORGET,
    OUTBOX_SQL_VALUE_SET,
    OUTBOX_SQL_VALUE_GET,
    OUTBOX_SQL_COUNT
} outbox_sql;

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *prepared[OUTBOX_SQL_COUNT];
    bool in_transaction;
    outbox_error failed; /* the first failed write of the transaction */
    bool damage_told;
};

/* The statement, ready for binding; NULL with *error: it cannot be prepared, or the transaction has failed. */
sqlite3_stmt *outbox_statement(outbox *self, outbox_sql which, outbox_error *error);

/* Runs a statement that gives no row and resets it; a failure sticks to the transaction. */
outbox_error outbox_run(outbox *self, sqlite3_stmt *statement);

/* What an SQLite result means; DAMAGED is logged, once. SQLITE_OK, ROW and DONE: OUTBOX_OK. */
outbox_error outbox_result(outbox *self, int result);

/* Makes an error stick to the transaction, and returns it. */
outbox_error outbox_fails(outbox *self, outbox_error error);

void outbox_bind_text(sqlite3_stmt *statement, int index, text_view text);
void outbox_bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t size);

/* A column's bytes, alive until the statement moves on. */
text_view outbox_column(sqlite3_stmt *statement, int index);

/* The sequence as held in the database, or 0 when the cell holds no such number. */
uint64_t outbox_column_number(sqlite3_stmt *statement, int index);

/* In outbox_held.c: puts a key with a content of zeros among what is held in the contract. */
outbox_error outbox_held_spoil(outbox *self, text_view contract, const uint8_t key[RECORD_KEY]);

#endif
