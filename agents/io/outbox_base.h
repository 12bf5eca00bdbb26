/* outbox_base: what the files of the outbox share: the connection, prepared statements, errors. */
#ifndef CTAI_OUTBOX_BASE_H
#define CTAI_OUTBOX_BASE_H

#include <sqlite3.h>

#include "outbox.h"

enum { OUTBOX_ENTRY_BYTES = RECORD_KEY + CRYPTO_SHORT_HASH + 2 * 8 };
_Static_assert(sizeof(difference_entry) == OUTBOX_ENTRY_BYTES, "entries are packed in pages as they are in memory");

#define OUTBOX_SCOPE_COLUMNS                                                                                      \
    "name, incarnation, queued, queued_hash, acknowledged, stable, ledger_position, records_queued,"                \
    " records_acknowledged, base_sequence, base_hash, resync"

/* One prepared statement for each text that is used often. */
typedef enum {
    OUTBOX_SQL_SCOPE_LOAD,
    OUTBOX_SQL_SCOPE_SAVE,
    OUTBOX_SQL_BATCH_ADD,
    OUTBOX_SQL_BATCH_LOAD,
    OUTBOX_SQL_BATCH_HEADER,
    OUTBOX_SQL_BATCH_RECORDS,
    OUTBOX_SQL_BATCH_FORGET,
    OUTBOX_SQL_BATCH_ASIDE,
    OUTBOX_SQL_BATCH_NEXT_ASIDE,
    OUTBOX_SQL_BATCH_RESIGN,
    OUTBOX_SQL_BATCH_NEXT,
    OUTBOX_SQL_BATCH_REPACK,
    OUTBOX_SQL_RENEWAL_LOAD,
    OUTBOX_SQL_RENEWAL_SAVE,
    OUTBOX_SQL_ADOPT,
    OUTBOX_SQL_RESYNC,
    OUTBOX_SQL_BATCH_REWRITE,
    OUTBOX_SQL_RECEIPT_SAVE,
    OUTBOX_SQL_RETRACT,
    OUTBOX_SQL_REFUSAL_ADD,
    OUTBOX_SQL_REFUSAL_FORGET,
    OUTBOX_SQL_REFUSALS_ANY,
    OUTBOX_SQL_REFUSALS_AFTER,
    OUTBOX_SQL_REFUSALS_CAP,
    OUTBOX_SQL_GENERATION,
    OUTBOX_SQL_GENERATION_SAVE,
    OUTBOX_SQL_GENERATIONS_OF,
    OUTBOX_SQL_PAGE_ADD,
    OUTBOX_SQL_PAGE_OF,
    OUTBOX_SQL_PAGE_AFTER,
    OUTBOX_SQL_PAGE_SET,
    OUTBOX_SQL_PAGE_FORGET,
    OUTBOX_SQL_PAGES_FORGET,
    OUTBOX_SQL_VALUE_SET,
    OUTBOX_SQL_VALUE_GET,
    OUTBOX_SQL_VALUE_ROW,
    OUTBOX_SQL_VALUE_ROOM,
    OUTBOX_SQL_VALUE_FORGET,
    OUTBOX_SQL_COUNT
} outbox_sql;

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *prepared[OUTBOX_SQL_COUNT];
    bool in_transaction;
    outbox_error failed; /* the first failed write of the transaction */
    bool damage_told;
};

/* In outbox_form.c: makes the tables, or brings those of an earlier version to this one. */
outbox_error outbox_form(outbox *self);

/* Runs statements that give no rows. */
outbox_error outbox_execute(outbox *self, const char *sql);
/* The number that a query of one row and column gives. */
outbox_error outbox_pragma(outbox *self, const char *sql, sqlite3_int64 *number);

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

/* Takes a value away; none there: nothing is done. */
outbox_error outbox_unset(outbox *self, const char *name, text_view of);

/* In outbox_batch.c: splits packed bodies; their count, or -1 when they are not what outbox_pack made. Erased: at is NULL. */
int outbox_unpack(text_view packed, text_view bodies[BATCH_BODIES_MAX]);
/* Appends the place of a body that was erased. */
void outbox_pack_erased(batch_buffer *packed);

/* In outbox_note.c: writes the note of a contract, and of all contracts of the scope that the hub has told. */
outbox_error outbox_note_write(outbox *self, text_view scope, text_view contract, outbox_note_kind kind,
                               uint64_t seconds);
outbox_error outbox_note_write_told(outbox *self, text_view scope, outbox_note_kind kind, uint64_t seconds);
outbox_error outbox_note_forget(outbox *self, text_view scope);

/* In outbox_held.c. The present generation of a contract's pages; 0: there is none. */
outbox_error outbox_held_generation(outbox *self, text_view contract, sqlite3_int64 *generation);
outbox_error outbox_held_save_generation(outbox *self, text_view scope, text_view contract, sqlite3_int64 generation);
/* The contracts of which the scope has or had something: NUL-terminated, each RECORD_NAME_MAX + 1 bytes; freed by the caller. */
outbox_error outbox_held_contracts(outbox *self, text_view scope, char (**names)[RECORD_NAME_MAX + 1], size_t *count);
/* The first page whose key comes after that one (NULL: of all): its own copy, freed by the caller. ABSENT: there is none. */
outbox_error outbox_held_page_after(outbox *self, text_view contract, sqlite3_int64 generation,
                                    const uint8_t *after, difference_entry **entries, size_t *count);
/* The page in which the key is, or would be. Likewise. */
outbox_error outbox_held_page_of(outbox *self, text_view contract, sqlite3_int64 generation,
                                 const uint8_t key[RECORD_KEY], difference_entry **entries, size_t *count);
outbox_error outbox_held_add_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                  const difference_entry *entries, size_t count);
/* Writes entries in the place of the page that begins with the first of them. */
outbox_error outbox_held_set_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                  const difference_entry *entries, size_t count);
outbox_error outbox_held_forget_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                     const uint8_t first_key[RECORD_KEY]);

/* Puts a key with a content of zeros, whose batch is not known, among what is held in the contract. */
outbox_error outbox_held_spoil(outbox *self, text_view contract, const uint8_t key[RECORD_KEY]);

#endif
