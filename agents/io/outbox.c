#include "outbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logline.h"
#include "outbox_base.h"

enum { FREE_PAGES_MAX = 4096 /* of 4,096 bytes each */ };

static const char *const SQL[OUTBOX_SQL_COUNT] = {
    [OUTBOX_SQL_SCOPE_LOAD] =
        "SELECT " OUTBOX_SCOPE_COLUMNS " FROM scope WHERE name = ?1",
    [OUTBOX_SQL_SCOPE_SAVE] =
        "INSERT INTO scope (name, incarnation, queued, queued_hash, records_queued) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (name) DO UPDATE SET incarnation = ?2, queued = ?3, queued_hash = ?4,"
        " records_queued = records_queued + ?5",
    [OUTBOX_SQL_BATCH_ADD] =
        "INSERT INTO batch (scope, sequence, records, header, signature, bodies) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [OUTBOX_SQL_BATCH_LOAD] = "SELECT header, signature, bodies FROM batch WHERE scope = ?1 AND sequence = ?2",
    [OUTBOX_SQL_BATCH_HEADER] = "SELECT header FROM batch WHERE scope = ?1 AND sequence = ?2",
    [OUTBOX_SQL_BATCH_REWRITE] =
        "UPDATE batch SET header = ?3, signature = ?4, bodies = coalesce(?5, bodies) WHERE scope = ?1 AND sequence = ?2",
    [OUTBOX_SQL_BATCH_RECORDS] =
        "SELECT coalesce(sum(records), 0) FROM batch WHERE scope = ?1 AND sequence > ?2 AND sequence <= ?3",
    [OUTBOX_SQL_BATCH_ASIDE] = "UPDATE batch SET sequence = -sequence WHERE scope = ?1 AND sequence > ?2",
    [OUTBOX_SQL_BATCH_NEXT_ASIDE] = "SELECT -sequence, header, records FROM batch WHERE scope = ?1 AND sequence < 0"
                                    " ORDER BY sequence DESC LIMIT 1",
    [OUTBOX_SQL_BATCH_RESIGN] =
        "UPDATE batch SET sequence = ?3, header = ?4, signature = ?5 WHERE scope = ?1 AND sequence = -?2",
    [OUTBOX_SQL_BATCH_NEXT] =
        "SELECT sequence, bodies FROM batch WHERE scope = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1",
    [OUTBOX_SQL_BATCH_REPACK] = "UPDATE batch SET bodies = ?3 WHERE scope = ?1 AND sequence = ?2",
    [OUTBOX_SQL_RENEWAL_LOAD] =
        "SELECT request, seen_incarnation, seen_sequence, seen_hash, wanted, known FROM scope WHERE name = ?1",
    [OUTBOX_SQL_RENEWAL_SAVE] = "UPDATE scope SET request = ?2, seen_incarnation = ?3, seen_sequence = ?4,"
                                " seen_hash = ?5, wanted = ?6 WHERE name = ?1",
    [OUTBOX_SQL_ADOPT] =
        "UPDATE scope SET incarnation = ?2, queued = ?3, queued_hash = ?4, acknowledged = ?5, stable = ?6,"
        " base_sequence = ?5, base_hash = ?7, known = min(coalesce(known, ?8), ?8), resync = max(resync, 1),"
        " request = NULL, records_acknowledged = records_queued - ?9 WHERE name = ?1",
    [OUTBOX_SQL_RESYNC] = "UPDATE scope SET resync = ?2 WHERE name = ?1",
    [OUTBOX_SQL_REFUSALS_AFTER] = "DELETE FROM refusal WHERE scope = ?1 AND sequence > ?2",
    [OUTBOX_SQL_REFUSALS_CAP] =
        "DELETE FROM refusal WHERE scope = ?1 AND sequence < (SELECT sequence FROM refusal WHERE scope = ?1"
        " ORDER BY sequence DESC, position DESC LIMIT 1 OFFSET ?2)",
    [OUTBOX_SQL_BATCH_FORGET] = "DELETE FROM batch WHERE scope = ?1 AND sequence <= ?2",
    [OUTBOX_SQL_RECEIPT_SAVE] = "UPDATE scope SET acknowledged = ?2, stable = ?3, ledger_position = ?4, receipt = "
                                "?5, receipt_signature = ?6,"
                                " records_acknowledged = records_acknowledged + ?7 WHERE name = ?1",
    [OUTBOX_SQL_RETRACT] = "UPDATE scope SET acknowledged = ?2, stable = min(stable, ?2),"
                           " records_acknowledged = max(0, records_acknowledged - ?3) WHERE name = ?1",
    [OUTBOX_SQL_REFUSAL_ADD] = "INSERT OR REPLACE INTO refusal (scope, sequence, position, contract, key, reason) "
                               "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [OUTBOX_SQL_REFUSAL_FORGET] = "DELETE FROM refusal WHERE contract = ?1 AND key = ?2",
    [OUTBOX_SQL_REFUSALS_ANY] = "SELECT 1 FROM refusal WHERE contract = ?1 LIMIT 1",
    [OUTBOX_SQL_GENERATION] = "SELECT number FROM generation WHERE contract = ?1",
    [OUTBOX_SQL_GENERATION_SAVE] = "INSERT OR REPLACE INTO generation (contract, number, scope) VALUES (?1, ?2, ?3)",
    [OUTBOX_SQL_GENERATIONS_OF] = "SELECT contract FROM generation WHERE scope = ?1 ORDER BY contract",
    [OUTBOX_SQL_PAGE_ADD] = "INSERT INTO held (contract, generation, first_key, entries) VALUES (?1, ?2, ?3, ?4)",
    [OUTBOX_SQL_PAGE_OF] =
        "SELECT first_key, entries FROM held WHERE contract = ?1 AND generation = ?2 AND first_key <= ?3"
        " ORDER BY first_key DESC LIMIT 1",
    [OUTBOX_SQL_PAGE_AFTER] =
        "SELECT first_key, entries FROM held WHERE contract = ?1 AND generation = ?2 AND first_key > ?3"
        " ORDER BY first_key LIMIT 1",
    [OUTBOX_SQL_PAGE_FORGET] = "DELETE FROM held WHERE contract = ?1 AND generation = ?2 AND first_key = ?3",
    [OUTBOX_SQL_PAGE_SET] =
        "UPDATE held SET entries = ?4 WHERE contract = ?1 AND generation = ?2 AND first_key = ?3",
    [OUTBOX_SQL_PAGES_FORGET] = "DELETE FROM held WHERE contract = ?1 AND generation <> ?2",
    [OUTBOX_SQL_VALUE_SET] = "INSERT OR REPLACE INTO value (name, of, value) VALUES (?1, ?2, ?3)",
    [OUTBOX_SQL_VALUE_FORGET] = "DELETE FROM value WHERE name = ?1 AND of = ?2",
    [OUTBOX_SQL_VALUE_ROW] = "SELECT rowid FROM value WHERE name = ?1 AND of = ?2",
    [OUTBOX_SQL_VALUE_ROOM] = "INSERT OR REPLACE INTO value (name, of, value) VALUES (?1, ?2, zeroblob(?3))",
    [OUTBOX_SQL_VALUE_GET] = "SELECT value FROM value WHERE name = ?1 AND of = ?2",
};

outbox_error outbox_result(outbox *self, int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OUTBOX_OK;
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_ABORT: /* a reader whose transaction such a failure has rolled back */
        return OUTBOX_CANNOT_WRITE;
    case SQLITE_IOERR:
        return result == SQLITE_IOERR_NOMEM ? OUTBOX_NO_MEMORY : OUTBOX_CANNOT_WRITE;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return OUTBOX_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return OUTBOX_IN_USE;
    case SQLITE_CANTOPEN:
        return OUTBOX_CANNOT_OPEN;
    default: /* CORRUPT, NOTADB, CONSTRAINT, a missing table: not what we wrote */
        if (!self->damage_told)
            logline(LOGLINE_ERROR, "outbox is damaged: %s", sqlite3_errstr(result));
        self->damage_told = true;
        return OUTBOX_DAMAGED;
    }
}

outbox_error outbox_fails(outbox *self, outbox_error error)
{
    if (self->in_transaction && self->failed == OUTBOX_OK)
        self->failed = error;
    return error;
}

/*
 * Has the transaction failed? After a full disk or a failed write SQLite has rolled back by itself, and
 * commits each further statement alone: none may run.
 */
static bool has_failed(outbox *self)
{
    if (self->in_transaction && self->failed == OUTBOX_OK && sqlite3_get_autocommit(self->db))
        self->failed = OUTBOX_CANNOT_WRITE;
    return self->in_transaction && self->failed != OUTBOX_OK;
}

sqlite3_stmt *outbox_statement(outbox *self, outbox_sql which, outbox_error *error)
{
    sqlite3_stmt **statement = &self->prepared[which];
    int result = SQLITE_OK;
    if (has_failed(self)) {
        *error = self->failed;
        return NULL;
    }
    if (*statement == NULL)
        result = sqlite3_prepare_v3(self->db, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    *error = outbox_result(self, result);
    if (*error != OUTBOX_OK)
        return NULL;
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    return *statement;
}

outbox_error outbox_run(outbox *self, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* what was bound dies with the caller */
    outbox_error error = outbox_result(self, result);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

/* A bind that fails for want of memory leaves NULL there, which a NOT NULL refuses. */
void outbox_bind_text(sqlite3_stmt *statement, int index, text_view text)
{
    (void)sqlite3_bind_text64(statement, index, text.size == 0 ? "" : text.at, text.size, SQLITE_STATIC,
                              SQLITE_UTF8);
}

void outbox_bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t size)
{
    (void)sqlite3_bind_blob64(statement, index, size == 0 ? "" : data, size, SQLITE_STATIC);
}

text_view outbox_column(sqlite3_stmt *statement, int index)
{
    const char *at = sqlite3_column_blob(statement, index);
    int size = sqlite3_column_bytes(statement, index);
    return at == NULL || size <= 0 ? (text_view){NULL, 0} : (text_view){at, (size_t)size};
}

uint64_t outbox_column_number(sqlite3_stmt *statement, int index)
{
    sqlite3_int64 number = sqlite3_column_int64(statement, index);
    return number > 0 ? (uint64_t)number : 0;
}

/* SQLite would make the file readable by others under a usual umask. */
static outbox_error make_file(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat about;
    outbox_error error = OUTBOX_OK;
    if (file < 0)
        return errno == ENOSPC || errno == EDQUOT || errno == EROFS ? OUTBOX_CANNOT_WRITE : OUTBOX_CANNOT_OPEN;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        error = OUTBOX_CANNOT_OPEN;
    else if ((about.st_mode & 077) != 0)
        error = OUTBOX_LOOSE;
    close(file); /* before SQLite opens it: closing a second descriptor would drop its locks */
    return error;
}

outbox_error outbox_open(outbox **self, const char *path, const char *vfs)
{
    *self = NULL;
    outbox_error error = vfs == NULL ? make_file(path) : OUTBOX_OK;
    if (error != OUTBOX_OK)
        return error;
    outbox *made = calloc(1, sizeof *made);
    if (made == NULL)
        return OUTBOX_NO_MEMORY;
    int result = sqlite3_open_v2(path, &made->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                 vfs);
    error = made->db == NULL ? OUTBOX_NO_MEMORY : outbox_result(made, result);
    if (error != OUTBOX_OK) { /* such a connection may be closed, and nothing else */
        (void)sqlite3_close(made->db);
        made->db = NULL;
    }
    if (error == OUTBOX_OK)
        error = outbox_form(made);
    if (error != OUTBOX_OK)
        outbox_close(&made);
    *self = made;
    return error;
}

void outbox_shrink(outbox *self)
{
    sqlite3_int64 free_pages = 0;
    if (self->in_transaction)
        return;
    if (outbox_pragma(self, "PRAGMA freelist_count", &free_pages) == OUTBOX_OK && free_pages > FREE_PAGES_MAX)
        (void)outbox_execute(self, "PRAGMA incremental_vacuum");
}

void outbox_close(outbox **self)
{
    outbox *closing = *self;
    if (closing == NULL)
        return;
    if (closing->in_transaction)
        outbox_rollback(closing);
    for (int i = 0; i < OUTBOX_SQL_COUNT; i++)
        sqlite3_finalize(closing->prepared[i]);
    if (closing->db != NULL)
        outbox_shrink(closing);
    int result = sqlite3_close(closing->db);
    assert(result == SQLITE_OK); /* a reader or writer is still open */
    free(closing);
    *self = NULL;
}

outbox_error outbox_begin(outbox *self)
{
    assert(!self->in_transaction);
    outbox_error error = outbox_execute(self, "BEGIN IMMEDIATE");
    self->in_transaction = error == OUTBOX_OK;
    self->failed = OUTBOX_OK;
    return error;
}

void outbox_spoil(outbox *self, outbox_error error)
{
    assert(self->in_transaction && error != OUTBOX_OK);
    (void)outbox_fails(self, error);
}

outbox_error outbox_commit(outbox *self)
{
    assert(self->in_transaction);
    outbox_error error = has_failed(self) ? self->failed : outbox_execute(self, "COMMIT");
    if (error != OUTBOX_OK) {
        outbox_rollback(self);
        return error;
    }
    self->in_transaction = false;
    return OUTBOX_OK;
}

void outbox_rollback(outbox *self)
{
    assert(self->in_transaction);
    for (int i = 0; i < OUTBOX_SQL_COUNT; i++)
        if (self->prepared[i] != NULL)
            sqlite3_reset(self->prepared[i]);
    /* SQLite has rolled back by itself after a full disk or a failed write. */
    if (!sqlite3_get_autocommit(self->db))
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    self->in_transaction = false;
}

const char *outbox_error_text(outbox_error error)
{
    switch (error) {
    case OUTBOX_OK:
        return "tout va bien";
    case OUTBOX_ABSENT:
        return "il n’y en a pas";
    case OUTBOX_CANNOT_WRITE:
        return "le disque est plein, protégé ou défaillant ; rien n’a été changé : libérez de la place et "
               "recommencez";
    case OUTBOX_CANNOT_OPEN:
        return "le fichier etat.sqlite ne s’ouvre pas ; vérifiez le dossier et ses droits";
    case OUTBOX_LOOSE:
        return "le fichier etat.sqlite est ouvert à d’autres ; refermez-le : chmod 600 etat.sqlite";
    case OUTBOX_IN_USE:
        return "un autre programme tient le fichier etat.sqlite ; fermez-le et recommencez";
    case OUTBOX_DAMAGED:
        return "le fichier etat.sqlite est abîmé ; ne le supprimez pas et remettez la dernière sauvegarde du "
               "dossier";
    case OUTBOX_NEWER:
        return "le fichier etat.sqlite vient d’une version plus récente de ctai-agent ; mettez le programme à jour";
    case OUTBOX_NO_MEMORY:
        return "la mémoire manque ; fermez d’autres programmes et recommencez";
    }
    return "erreur inconnue";
}

const char *outbox_version(void)
{
    return sqlite3_libversion();
}
