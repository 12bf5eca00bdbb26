/* outbox_form: the tables of the outbox, and how a file of an earlier version becomes one of this. */
#include <string.h>

#include "outbox_base.h"

enum {
    APPLICATION_ID = 0x43544149, /* "CTAI" */
    FORM_VERSION = 3,
};

/*
 * Batches and pages are blobs of up to a megabyte and of 32,000 bytes: rows of their own for each
 * record, with an index over random keys, cost forty times as much (tried).
 */
static const char FIRST_FORM[] =
    "CREATE TABLE scope ("
    "  name TEXT PRIMARY KEY, incarnation INTEGER NOT NULL, queued INTEGER NOT NULL, queued_hash BLOB NOT NULL,"
    "  acknowledged INTEGER NOT NULL DEFAULT 0, stable INTEGER NOT NULL DEFAULT 0,"
    "  ledger_position INTEGER NOT NULL DEFAULT 0, receipt BLOB, receipt_signature BLOB,"
    "  records_queued INTEGER NOT NULL DEFAULT 0, records_acknowledged INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE batch ("
    "  scope TEXT NOT NULL, sequence INTEGER NOT NULL, records INTEGER NOT NULL,"
    "  header BLOB NOT NULL, signature BLOB NOT NULL, bodies BLOB NOT NULL, PRIMARY KEY (scope, sequence)) STRICT;"
    "CREATE TABLE refusal ("
    "  scope TEXT NOT NULL, sequence INTEGER NOT NULL, position INTEGER NOT NULL,"
    "  contract TEXT NOT NULL, key BLOB NOT NULL, reason INTEGER NOT NULL,"
    "  PRIMARY KEY (scope, sequence, position)) STRICT;"
    "CREATE INDEX refusal_key ON refusal (contract, key);"
    "CREATE TABLE generation (contract TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;"
    "CREATE TABLE held ("
    "  contract TEXT NOT NULL, generation INTEGER NOT NULL, first_key BLOB NOT NULL, entries BLOB NOT NULL,"
    "  PRIMARY KEY (contract, generation, first_key)) STRICT;"
    "CREATE TABLE value ("
    "  name TEXT NOT NULL, of TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, of)) STRICT;";

/*
 * The second form: where the present incarnation was granted, the renewal that is asked for, whether the hub is still
 * to be compared with; and by which batch the hub got each record that it holds. `known`: the hub's records of the
 * first incarnation up to that sequence, whose batch we have not written down, are as we said them last (NULL: all).
 */
static const char SECOND_FORM[] =
    "ALTER TABLE scope ADD COLUMN base_sequence INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scope ADD COLUMN base_hash BLOB NOT NULL"
    "  DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';"
    "ALTER TABLE scope ADD COLUMN known INTEGER;"
    "ALTER TABLE scope ADD COLUMN resync INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scope ADD COLUMN request BLOB;"
    "ALTER TABLE scope ADD COLUMN seen_incarnation INTEGER;"
    "ALTER TABLE scope ADD COLUMN seen_sequence INTEGER;"
    "ALTER TABLE scope ADD COLUMN seen_hash BLOB;"
    "ALTER TABLE scope ADD COLUMN wanted INTEGER;"
    "ALTER TABLE generation ADD COLUMN scope TEXT NOT NULL DEFAULT '';"
    "UPDATE held SET entries = widened(entries);";

/* The third form: receipts, kept as evidence; one that is held for a sequence. */
static const char THIRD_FORM[] =
    "CREATE TABLE proof ("
    "  number INTEGER PRIMARY KEY, scope TEXT NOT NULL, sequence INTEGER NOT NULL, position INTEGER NOT NULL,"
    "  chain BLOB NOT NULL, receipt BLOB NOT NULL, signature BLOB NOT NULL, state INTEGER NOT NULL,"
    "  seconds INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX proof_held ON proof (scope, sequence) WHERE state = 0;"
    "CREATE INDEX proof_scope ON proof (scope, state);";

enum { FIRST_ENTRY = RECORD_KEY + CRYPTO_SHORT_HASH }; /* bytes of an entry in the first form */

outbox_error outbox_execute(outbox *self, const char *sql)
{
    return outbox_result(self, sqlite3_exec(self->db, sql, NULL, NULL, NULL));
}

outbox_error outbox_pragma(outbox *self, const char *sql, sqlite3_int64 *number)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    outbox_error error = outbox_result(self, result);
    sqlite3_finalize(statement);
    return error;
}

/*
 * A rollback journal rather than a write-ahead log: what is deleted is overwritten at once and not
 * kept in a log, and a push of many new batches is written once. EXTRA also flushes the folder.
 */
static const char SETTINGS[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA auto_vacuum = INCREMENTAL;" /* heard by a new file alone */
                               "PRAGMA journal_mode = DELETE;"
                               "PRAGMA synchronous = EXTRA;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA cache_size = -6144;";

/* SQL function: a page of the first form with room for each entry's batch, which is not known. */
static void widened(sqlite3_context *context, int count, sqlite3_value **values)
{
    const uint8_t *page = sqlite3_value_blob(values[0]);
    size_t size = (size_t)sqlite3_value_bytes(values[0]), entries = size / FIRST_ENTRY;
    (void)count;
    if (size % FIRST_ENTRY != 0) {
        sqlite3_result_error_code(context, SQLITE_CORRUPT);
        return;
    }
    uint8_t *wide = sqlite3_malloc64(entries * OUTBOX_ENTRY_BYTES + 1);
    if (wide == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    memset(wide, 0, entries * OUTBOX_ENTRY_BYTES);
    for (size_t i = 0; i < entries; i++)
        memcpy(wide + i * OUTBOX_ENTRY_BYTES, page + i * FIRST_ENTRY, FIRST_ENTRY);
    sqlite3_result_blob64(context, wide, entries * OUTBOX_ENTRY_BYTES, sqlite3_free);
}

/* Which scope a contract is of: the hub has told, or there is but one. Else it is known at the next export. */
static outbox_error place_contracts(outbox *self)
{
    outbox_error error = outbox_execute(
        self, "UPDATE generation SET scope = (SELECT name FROM scope) WHERE (SELECT count(*) FROM scope) = 1");
    wire_contract *contracts;
    unsigned count;
    arena *memory = error == OUTBOX_OK ? arena_new(8 * WIRE_MESSAGE_MAX) : NULL;
    if (memory == NULL)
        return error == OUTBOX_OK ? OUTBOX_NO_MEMORY : error;
    error = outbox_contracts(self, memory, &contracts, &count);
    for (unsigned i = 0; i < count && error == OUTBOX_OK; i++) {
        sqlite3_stmt *place = NULL;
        error = outbox_result(self, sqlite3_prepare_v2(self->db, "UPDATE generation SET scope = ?2 WHERE contract = ?1",
                                                       -1, &place, NULL));
        if (error == OUTBOX_OK) {
            outbox_bind_text(place, 1, contracts[i].id);
            outbox_bind_text(place, 2, contracts[i].scope);
            error = outbox_result(self, sqlite3_step(place));
        }
        sqlite3_finalize(place);
    }
    arena_destroy(&memory);
    return error;
}

/* From that form (0: nothing is there) to the present one, wholly or not at all. */
static outbox_error make_form(outbox *self, sqlite3_int64 from)
{
    char stamp[128];
    (void)sqlite3_snprintf((int)sizeof stamp, stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                           APPLICATION_ID, FORM_VERSION);
    outbox_error error = outbox_result(
        self, sqlite3_create_function(self->db, "widened", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, widened, NULL,
                                      NULL));
    if (error == OUTBOX_OK)
        error = outbox_execute(self, "BEGIN EXCLUSIVE");
    if (error == OUTBOX_OK && from < 1)
        error = outbox_execute(self, FIRST_FORM);
    if (error == OUTBOX_OK && from < 2)
        error = outbox_execute(self, SECOND_FORM);
    if (error == OUTBOX_OK && from < 2)
        error = place_contracts(self);
    if (error == OUTBOX_OK)
        error = outbox_execute(self, THIRD_FORM);
    if (error == OUTBOX_OK)
        error = outbox_execute(self, stamp);
    if (error == OUTBOX_OK)
        error = outbox_execute(self, "COMMIT");
    if (self->prepared[OUTBOX_SQL_VALUE_GET] != NULL)
        sqlite3_reset(self->prepared[OUTBOX_SQL_VALUE_GET]);
    if (error != OUTBOX_OK && !sqlite3_get_autocommit(self->db))
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    return error;
}

outbox_error outbox_form(outbox *self)
{
    (void)sqlite3_extended_result_codes(self->db, 1);
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    outbox_error error = outbox_execute(self, SETTINGS);
    sqlite3_int64 id = 0, version = 0, tables = 0;
    if (error == OUTBOX_OK)
        error = outbox_execute(self, "BEGIN EXCLUSIVE; COMMIT;"); /* the lock now, not at the first write */
    if (error == OUTBOX_OK)
        error = outbox_pragma(self, "PRAGMA application_id", &id);
    if (error == OUTBOX_OK)
        error = outbox_pragma(self, "PRAGMA user_version", &version);
    if (error == OUTBOX_OK)
        error = outbox_pragma(self, "SELECT count(*) FROM sqlite_schema", &tables);
    if (error != OUTBOX_OK)
        return error;
    if (tables == 0 && id == 0 && version == 0)
        return make_form(self, 0);
    if (id != APPLICATION_ID || version < 1)
        return outbox_result(self, SQLITE_NOTADB);
    if (version < FORM_VERSION)
        return make_form(self, version);
    return version > FORM_VERSION ? OUTBOX_NEWER : OUTBOX_OK;
}
