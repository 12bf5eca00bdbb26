/*
 * outbox_proof: the receipts of the hub that the outbox keeps, as evidence: the newest of each scope, and of the older
 * ones a part. Which still count is written down with them (proof_receipts.h).
 */
#include "outbox_proof.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "outbox_base.h"

enum {
    HELD_MAX = 512,   /* of a scope: then of the older ones every second goes */
    NEWEST = 128,     /* which stay */
    OTHERS_MAX = 128, /* that count no more, of a scope: the newest */
};

static const char keep_sql[] =
    "INSERT INTO proof (scope, sequence, position, chain, receipt, signature, state, seconds)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (scope, sequence) WHERE state = 0 DO UPDATE SET"
    " position = excluded.position, chain = excluded.chain, receipt = excluded.receipt, signature = excluded.signature,"
    " seconds = excluded.seconds";
static const char count_sql[] = "SELECT count(*) FROM proof WHERE scope = ?1 AND state = 0";
static const char thin_sql[] =
    "DELETE FROM proof WHERE number IN (SELECT number FROM (SELECT number, row_number() OVER (ORDER BY sequence DESC) AS place"
    " FROM proof WHERE scope = ?1 AND state = 0) WHERE place > ?2 AND place % 2 = 0)";
static const char cap_sql[] =
    "DELETE FROM proof WHERE number IN (SELECT number FROM proof WHERE scope = ?1 AND state <> 0"
    " ORDER BY number DESC LIMIT -1 OFFSET ?2)";

/* Prepares; NULL: *error says why. */
static sqlite3_stmt *prepare(outbox *self, const char *sql, const char *scope, outbox_error *error)
{
    sqlite3_stmt *statement = NULL;
    *error = self->failed;
    if (*error == OUTBOX_OK)
        *error = outbox_result(self, sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL));
    if (*error == OUTBOX_OK)
        outbox_bind_text(statement, 1, text_of(scope));
    return statement;
}

/* Runs a statement without rows, with one number beside the scope. */
static outbox_error run(outbox *self, const char *sql, const char *scope, uint64_t number, int64_t seconds)
{
    outbox_error error;
    sqlite3_stmt *statement = prepare(self, sql, scope, &error);
    if (statement == NULL)
        return outbox_fails(self, error);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)number);
    if (sqlite3_bind_parameter_count(statement) > 2)
        sqlite3_bind_int64(statement, 3, seconds);
    error = outbox_result(self, sqlite3_step(statement));
    sqlite3_finalize(statement);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

static outbox_error thin(outbox *self, const char *scope)
{
    outbox_error error;
    sqlite3_stmt *statement = prepare(self, count_sql, scope, &error);
    if (statement == NULL)
        return outbox_fails(self, error);
    error = outbox_result(self, sqlite3_step(statement));
    int held = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    if (held > HELD_MAX)
        error = run(self, thin_sql, scope, NEWEST, 0);
    return error;
}

outbox_error outbox_proof_keep(outbox *self, const char *scope, const outbox_proof *what)
{
    assert(self->in_transaction);
    outbox_error error;
    sqlite3_stmt *keep = prepare(self, keep_sql, scope, &error);
    if (keep == NULL)
        return outbox_fails(self, error);
    sqlite3_bind_int64(keep, 2, (sqlite3_int64)what->sequence);
    sqlite3_bind_int64(keep, 3, (sqlite3_int64)what->position);
    outbox_bind_blob(keep, 4, what->chain, CRYPTO_HASH);
    outbox_bind_blob(keep, 5, what->receipt.at, what->receipt.size);
    outbox_bind_blob(keep, 6, what->signature, CRYPTO_SIGNATURE);
    sqlite3_bind_int64(keep, 7, what->state);
    sqlite3_bind_int64(keep, 8, (sqlite3_int64)time(NULL));
    error = outbox_result(self, sqlite3_step(keep));
    sqlite3_finalize(keep);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    return what->state == PROOF_RECEIPT_HELD ? thin(self, scope) : run(self, cap_sql, scope, OTHERS_MAX, 0);
}

outbox_error outbox_proof_leave(outbox *self, const char *scope, uint64_t after, proof_receipt_state state)
{
    static const char *const sql[] = {
        [PROOF_RECEIPT_LOST] = "UPDATE proof SET state = 1, seconds = ?3 WHERE scope = ?1 AND state = 0 AND sequence > ?2",
        [PROOF_RECEIPT_SUPERSEDED] = "UPDATE proof SET state = 2, seconds = ?3 WHERE scope = ?1 AND state = 0 AND sequence > ?2",
    };
    assert(self->in_transaction && (state == PROOF_RECEIPT_LOST || state == PROOF_RECEIPT_SUPERSEDED));
    outbox_error error = run(self, sql[state], scope, after, (int64_t)time(NULL));
    return error == OUTBOX_OK ? run(self, cap_sql, scope, OTHERS_MAX, 0) : error;
}

/* The row that the statement stands on; false: its bytes are not what was written. */
static bool read_row(sqlite3_stmt *row, outbox_proof *what)
{
    text_view chain = outbox_column(row, 2), signature = outbox_column(row, 4);
    what->sequence = outbox_column_number(row, 0);
    what->position = outbox_column_number(row, 1);
    what->chain = (const uint8_t *)chain.at;
    what->receipt = outbox_column(row, 3);
    what->signature = (const uint8_t *)signature.at;
    what->state = (proof_receipt_state)sqlite3_column_int(row, 5);
    what->seconds = outbox_column_number(row, 6);
    return chain.size == CRYPTO_HASH && signature.size == CRYPTO_SIGNATURE && what->receipt.size <= WIRE_RECEIPT_MAX
        && what->state <= PROOF_RECEIPT_AGAINST;
}

#define COLUMNS "SELECT sequence, position, chain, receipt, signature, state, seconds FROM proof"

outbox_error outbox_proof_near(outbox *self, const char *scope, uint64_t sequence, bool above, uint64_t *at,
                               uint64_t *position, uint8_t chain[CRYPTO_HASH])
{
    static const char *const sql[] = {
        COLUMNS " WHERE scope = ?1 AND state = 0 AND sequence <= ?2 ORDER BY sequence DESC LIMIT 1",
        COLUMNS " WHERE scope = ?1 AND state = 0 AND sequence > ?2 ORDER BY sequence LIMIT 1",
    };
    outbox_error error;
    outbox_proof found;
    sqlite3_stmt *statement = prepare(self, sql[above], scope, &error);
    if (statement == NULL)
        return error;
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)sequence);
    int result = sqlite3_step(statement);
    error = result == SQLITE_DONE ? OUTBOX_ABSENT : outbox_result(self, result);
    if (error == OUTBOX_OK && !read_row(statement, &found))
        error = outbox_result(self, SQLITE_CORRUPT);
    if (error == OUTBOX_OK) {
        *at = found.sequence;
        *position = found.position;
        memcpy(chain, found.chain, CRYPTO_HASH);
    }
    sqlite3_finalize(statement);
    return error;
}

outbox_error outbox_proofs(outbox *self, bool (*tell)(void *data, const outbox_proof *what), void *data)
{
    sqlite3_stmt *statement = NULL;
    outbox_proof what;
    outbox_error error = outbox_result(
        self, sqlite3_prepare_v2(self->db, COLUMNS " ORDER BY scope, sequence, number", -1, &statement, NULL));
    int result = SQLITE_DONE;
    while (error == OUTBOX_OK && (result = sqlite3_step(statement)) == SQLITE_ROW)
        error = !read_row(statement, &what) ? outbox_result(self, SQLITE_CORRUPT)
            : tell(data, &what)             ? OUTBOX_OK
                                            : OUTBOX_NO_MEMORY;
    if (error == OUTBOX_OK)
        error = outbox_result(self, result);
    sqlite3_finalize(statement);
    return error;
}
