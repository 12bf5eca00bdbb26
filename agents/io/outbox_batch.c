/* outbox_batch: the batches of the outbox: added, sent again, acknowledged, refused, forgotten. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "outbox_base.h"
#include "outbox_proof.h"

/* A packed body: its length in four bytes, little end first, then its bytes. This length: erased. */
static const uint32_t ERASED = UINT32_MAX;

void outbox_pack(batch_buffer *packed, text_view body)
{
    assert(body.size <= BATCH_BODY_MAX);
    uint8_t length[4] = {(uint8_t)body.size, (uint8_t)(body.size >> 8), (uint8_t)(body.size >> 16),
                         (uint8_t)(body.size >> 24)};
    batch_buffer_append(packed, length, sizeof length);
    batch_buffer_append(packed, body.at, body.size);
}

void outbox_pack_erased(batch_buffer *packed)
{
    uint8_t length[4];
    memset(length, 0xff, sizeof length); /* ERASED */
    batch_buffer_append(packed, length, sizeof length);
}

int outbox_unpack(text_view packed, text_view bodies[BATCH_BODIES_MAX])
{
    int count = 0;
    for (size_t at = 0; at < packed.size; count++) {
        const uint8_t *bytes = (const uint8_t *)packed.at + at;
        if (count == BATCH_BODIES_MAX || packed.size - at < 4)
            return -1;
        uint32_t size = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        at += 4;
        if (size == ERASED) {
            bodies[count] = (text_view){NULL, 0};
            continue;
        }
        if (size > packed.size - at)
            return -1;
        bodies[count] = (text_view){packed.at + at, size};
        at += size;
    }
    return count;
}

static outbox_error read_scope(outbox *self, sqlite3_stmt *row, outbox_scope *to)
{
    text_view hash = outbox_column(row, 3);
    memset(to, 0, sizeof *to);
    if (!text_copy(to->scope, sizeof to->scope, outbox_column(row, 0)) || hash.size != CRYPTO_HASH)
        return outbox_result(self, SQLITE_CORRUPT);
    to->incarnation = outbox_column_number(row, 1);
    to->queued = outbox_column_number(row, 2);
    memcpy(to->queued_hash, hash.at, CRYPTO_HASH);
    to->acknowledged = outbox_column_number(row, 4);
    to->stable = outbox_column_number(row, 5);
    to->ledger_position = outbox_column_number(row, 6);
    to->records_queued = outbox_column_number(row, 7);
    to->records_acknowledged = outbox_column_number(row, 8);
    text_view base = outbox_column(row, 10);
    if (base.size != CRYPTO_HASH)
        return outbox_result(self, SQLITE_CORRUPT);
    to->base_sequence = outbox_column_number(row, 9);
    memcpy(to->base_hash, base.at, CRYPTO_HASH);
    to->resync = outbox_column_number(row, 11) != 0;
    if (to->incarnation == 0 || to->acknowledged > to->queued || to->stable > to->queued
        || to->base_sequence > to->acknowledged)
        return outbox_result(self, SQLITE_CORRUPT);
    return OUTBOX_OK;
}

outbox_error outbox_scope_load(outbox *self, text_view scope, outbox_scope *to)
{
    outbox_error error;
    sqlite3_stmt *statement = outbox_statement(self, OUTBOX_SQL_SCOPE_LOAD, &error);
    if (statement == NULL)
        return error;
    outbox_bind_text(statement, 1, scope);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        error = read_scope(self, statement, to);
    } else {
        error = outbox_result(self, result);
        memset(to, 0, sizeof *to);
        to->incarnation = 1;
        bool fits = text_copy(to->scope, sizeof to->scope, scope);
        assert(fits);
    }
    sqlite3_reset(statement);
    return error;
}

outbox_error outbox_scopes(outbox *self, outbox_scope *to, unsigned capacity, unsigned *count)
{
    static const char sql[] = "SELECT " OUTBOX_SCOPE_COLUMNS " FROM scope ORDER BY name";
    *count = 0;
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
    outbox_error error = outbox_result(self, result);
    while (error == OUTBOX_OK && *count < capacity && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        error = read_scope(self, statement, &to[*count]);
        *count += error == OUTBOX_OK;
    }
    if (error == OUTBOX_OK)
        error = outbox_result(self, result);
    sqlite3_finalize(statement);
    return error;
}

outbox_error outbox_append(outbox *self, text_view scope, uint64_t sequence, text_view header,
                           const uint8_t signature[CRYPTO_SIGNATURE], text_view bodies, unsigned record_count)
{
    assert(self->in_transaction);
    outbox_scope before;
    outbox_error error = outbox_scope_load(self, scope, &before);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    assert(sequence == before.queued + 1);
    uint8_t hash[CRYPTO_HASH];
    batch_hash(hash, header);
    sqlite3_stmt *add = outbox_statement(self, OUTBOX_SQL_BATCH_ADD, &error);
    if (add == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(add, 1, scope);
    sqlite3_bind_int64(add, 2, (sqlite3_int64)sequence);
    sqlite3_bind_int64(add, 3, (sqlite3_int64)record_count);
    outbox_bind_blob(add, 4, header.at, header.size);
    outbox_bind_blob(add, 5, signature, CRYPTO_SIGNATURE);
    outbox_bind_blob(add, 6, bodies.at, bodies.size);
    error = outbox_run(self, add);
    if (error != OUTBOX_OK)
        return error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_SCOPE_SAVE, &error);
    if (save == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(save, 1, scope);
    sqlite3_bind_int64(save, 2, (sqlite3_int64)before.incarnation);
    sqlite3_bind_int64(save, 3, (sqlite3_int64)sequence);
    outbox_bind_blob(save, 4, hash, sizeof hash);
    sqlite3_bind_int64(save, 5, (sqlite3_int64)record_count);
    return outbox_run(self, save);
}

/* Finds a batch; the statement stands on its row and must be reset by the caller. ABSENT: it does not. */
static outbox_error find(outbox *self, outbox_sql which, const char *scope, uint64_t sequence, sqlite3_stmt **row)
{
    outbox_error error;
    *row = outbox_statement(self, which, &error);
    if (*row == NULL)
        return error;
    outbox_bind_text(*row, 1, text_of(scope));
    sqlite3_bind_int64(*row, 2, (sqlite3_int64)sequence);
    int result = sqlite3_step(*row);
    if (result == SQLITE_ROW)
        return OUTBOX_OK;
    sqlite3_reset(*row);
    error = outbox_result(self, result);
    return error == OUTBOX_OK ? OUTBOX_ABSENT : error;
}

outbox_error outbox_message(outbox *self, const char *scope, uint64_t sequence, batch_buffer *message)
{
    sqlite3_stmt *row;
    outbox_error error = find(self, OUTBOX_SQL_BATCH_LOAD, scope, sequence, &row);
    if (error != OUTBOX_OK)
        return error;
    text_view bodies[BATCH_BODIES_MAX];
    text_view signature = outbox_column(row, 1);
    int count = outbox_unpack(outbox_column(row, 2), bodies);
    if (count < 0 || signature.size != CRYPTO_SIGNATURE) {
        sqlite3_reset(row);
        return outbox_result(self, SQLITE_CORRUPT);
    }
    wire_message batch = {.type = WIRE_BATCH};
    batch.batch.header = outbox_column(row, 0);
    batch.batch.signature = (const uint8_t *)signature.at;
    batch.batch.body_count = (unsigned)count;
    batch.batch.bodies = bodies;
    wire_write(message, &batch);
    sqlite3_reset(row);
    return message->failed ? OUTBOX_NO_MEMORY : OUTBOX_OK;
}

/* What the header of that sequence says to be the one before it. */
static outbox_error previous_hash(outbox *self, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    sqlite3_stmt *row;
    batch_header header;
    outbox_error error = find(self, OUTBOX_SQL_BATCH_HEADER, scope, sequence, &row);
    if (error != OUTBOX_OK)
        return error;
    if (batch_read_envelope(&header, outbox_column(row, 0)))
        memcpy(hash, header.previous, CRYPTO_HASH);
    else
        error = outbox_result(self, SQLITE_CORRUPT);
    sqlite3_reset(row);
    return error;
}

outbox_error outbox_header_hash(outbox *self, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    sqlite3_stmt *row;
    outbox_scope about;
    outbox_error error = outbox_scope_load(self, text_of(scope), &about);
    if (error != OUTBOX_OK)
        return error;
    if (sequence < about.base_sequence || sequence > about.queued)
        return OUTBOX_ABSENT;
    if (sequence == about.base_sequence) {
        memcpy(hash, about.base_hash, CRYPTO_HASH);
        return OUTBOX_OK;
    }
    error = find(self, OUTBOX_SQL_BATCH_HEADER, scope, sequence, &row);
    if (error == OUTBOX_ABSENT)
        return previous_hash(self, scope, sequence + 1, hash);
    if (error != OUTBOX_OK)
        return error;
    batch_hash(hash, outbox_column(row, 0));
    sqlite3_reset(row);
    return OUTBOX_OK;
}

static outbox_error keep_refusal(outbox *self, const char *scope, const wire_record_refusal *refusal,
                                 const record *what)
{
    outbox_error error;
    sqlite3_stmt *add = outbox_statement(self, OUTBOX_SQL_REFUSAL_ADD, &error);
    if (add == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(add, 1, text_of(scope));
    sqlite3_bind_int64(add, 2, (sqlite3_int64)refusal->sequence);
    sqlite3_bind_int64(add, 3, refusal->index);
    outbox_bind_text(add, 4, what->contract);
    outbox_bind_blob(add, 5, what->key, what->contract.size == 0 ? 0 : RECORD_KEY);
    sqlite3_bind_int64(add, 6, refusal->reason);
    return outbox_run(self, add);
}

static outbox_error keep_closing(outbox *self, const char *scope, const wire_record_refusal *refusal,
                                 const record *what)
{
    char text[64];
    int size = snprintf(text, sizeof text, "%" PRIu32 " %d", what->epoch, (int)refusal->reason);
    return outbox_set(self, OUTBOX_CLOSING, text_of(scope), (text_view){text, (size_t)size});
}

/*
 * One refusal: kept, and its record spoilt among what is held. Of an erased body the place alone is kept;
 * of a batch that is gone, nothing. *closing: it is of no record.
 */
static outbox_error refuse(outbox *self, const char *scope, const wire_record_refusal *refusal, bool *closing)
{
    sqlite3_stmt *row = NULL;
    outbox_error error = find(self, OUTBOX_SQL_BATCH_LOAD, scope, refusal->sequence, &row);
    if (error == OUTBOX_ABSENT)
        return OUTBOX_OK;
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    text_view bodies[BATCH_BODIES_MAX];
    record what = {0}; /* a withdrawal, as long as we do not know */
    record_reason reason;
    int count = outbox_unpack(outbox_column(row, 2), bodies);
    if (count < 0)
        error = outbox_fails(self, outbox_result(self, SQLITE_CORRUPT));
    else if (refusal->index < (unsigned)count && bodies[refusal->index].at != NULL)
        if (!batch_read_body(&what, bodies[refusal->index], &reason))
            memset(&what, 0, sizeof what);
    *closing = error == OUTBOX_OK && what.operation == RECORD_CLOSE;
    if (error == OUTBOX_OK)
        error = *closing ? keep_closing(self, scope, refusal, &what) : keep_refusal(self, scope, refusal, &what);
    if (error == OUTBOX_OK && what.contract.size > 0 && what.operation != RECORD_ERASE)
        error = outbox_held_spoil(self, what.contract, what.key);
    sqlite3_reset(row);
    return error;
}

/* Records of the batches after one sequence up to another. */
static outbox_error count_records(outbox *self, text_view scope, uint64_t after, uint64_t up_to, uint64_t *records)
{
    outbox_error error;
    sqlite3_stmt *sum = outbox_statement(self, OUTBOX_SQL_BATCH_RECORDS, &error);
    if (sum == NULL)
        return error;
    outbox_bind_text(sum, 1, scope);
    sqlite3_bind_int64(sum, 2, (sqlite3_int64)after);
    sqlite3_bind_int64(sum, 3, (sqlite3_int64)up_to);
    error = outbox_result(self, sqlite3_step(sum));
    *records = error == OUTBOX_OK ? outbox_column_number(sum, 0) : 0;
    sqlite3_reset(sum);
    return error;
}

static outbox_error save_receipt(outbox *self, const outbox_receipt *receipt, uint64_t stable, uint64_t records)
{
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_RECEIPT_SAVE, &error);
    if (save == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(save, 1, text_of(receipt->scope));
    sqlite3_bind_int64(save, 2, (sqlite3_int64)receipt->sequence);
    sqlite3_bind_int64(save, 3, (sqlite3_int64)stable);
    sqlite3_bind_int64(save, 4, (sqlite3_int64)receipt->ledger_position);
    outbox_bind_blob(save, 5, receipt->receipt.at, receipt->receipt.size);
    outbox_bind_blob(save, 6, receipt->signature, receipt->signature == NULL ? 0 : CRYPTO_SIGNATURE);
    sqlite3_bind_int64(save, 7, (sqlite3_int64)records);
    error = outbox_run(self, save);
    if (error != OUTBOX_OK)
        return error;
    sqlite3_stmt *forget = outbox_statement(self, OUTBOX_SQL_BATCH_FORGET, &error);
    if (forget == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(forget, 1, text_of(receipt->scope));
    sqlite3_bind_int64(forget, 2, (sqlite3_int64)stable);
    return outbox_run(self, forget);
}

/* The oldest refusals go when there are too many: an office that never repairs what is refused must not fill its disk. */
static outbox_error cap_refusals(outbox *self, const char *scope)
{
    outbox_error error;
    sqlite3_stmt *cap = outbox_statement(self, OUTBOX_SQL_REFUSALS_CAP, &error);
    if (cap == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(cap, 1, text_of(scope));
    sqlite3_bind_int64(cap, 2, OUTBOX_REFUSALS_MAX - 1);
    return outbox_run(self, cap);
}

outbox_error outbox_acknowledge(outbox *self, const outbox_receipt *receipt, outbox_tally *tally)
{
    assert(self->in_transaction);
    outbox_scope scope;
    outbox_error error = outbox_scope_load(self, text_of(receipt->scope), &scope);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    if (receipt->sequence > scope.queued || receipt->sequence < scope.acknowledged)
        return OUTBOX_OK; /* not of ours, or of the past: says nothing new */
    uint64_t records = 0;
    bool refused = false;
    error = count_records(self, text_of(receipt->scope), scope.acknowledged, receipt->sequence, &records);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    for (unsigned i = 0; i < receipt->refusal_count && error == OUTBOX_OK; i++) {
        const wire_record_refusal *refusal = &receipt->refusals[i];
        if (refusal->sequence <= scope.acknowledged || refusal->sequence > receipt->sequence)
            continue; /* told before */
        bool closing = false;
        error = refuse(self, receipt->scope, refusal, &closing);
        if (closing)
            continue;
        refused = true;
        tally->refused++;
        if (refusal->reason > RECORD_OK && refusal->reason < RECORD_REASON_COUNT)
            tally->reasons[refusal->reason]++;
    }
    if (error == OUTBOX_OK && refused)
        error = cap_refusals(self, receipt->scope);
    /* `stable` never runs ahead of what is acknowledged, nor back. */
    uint64_t stable = receipt->stable > receipt->sequence ? receipt->sequence : receipt->stable;
    if (stable < scope.stable)
        stable = scope.stable;
    if (error == OUTBOX_OK)
        error = save_receipt(self, receipt, stable, records);
    const outbox_proof proof = {.sequence = receipt->sequence, .position = receipt->ledger_position, .chain = receipt->chain,
                                .receipt = receipt->receipt, .signature = receipt->signature};
    if (error == OUTBOX_OK && receipt->chain != NULL)
        error = outbox_proof_keep(self, receipt->scope, &proof);
    tally->records += records;
    return error;
}

outbox_error outbox_retract(outbox *self, const char *scope, uint64_t sequence, outbox_tally *tally)
{
    assert(self->in_transaction);
    outbox_scope before;
    uint64_t records = 0;
    outbox_error error = outbox_scope_load(self, text_of(scope), &before);
    if (error == OUTBOX_OK && before.acknowledged <= sequence)
        return OUTBOX_OK;
    if (error == OUTBOX_OK)
        error = count_records(self, text_of(scope), sequence, before.acknowledged, &records);
    sqlite3_stmt *retract = error == OUTBOX_OK ? outbox_statement(self, OUTBOX_SQL_RETRACT, &error) : NULL;
    if (retract == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(retract, 1, text_of(scope));
    sqlite3_bind_int64(retract, 2, (sqlite3_int64)sequence);
    sqlite3_bind_int64(retract, 3, (sqlite3_int64)records);
    error = outbox_run(self, retract);
    sqlite3_stmt *forget = error == OUTBOX_OK ? outbox_statement(self, OUTBOX_SQL_REFUSALS_AFTER, &error) : NULL;
    if (forget == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(forget, 1, text_of(scope));
    sqlite3_bind_int64(forget, 2, (sqlite3_int64)sequence);
    tally->records -= records < tally->records ? records : tally->records;
    error = outbox_run(self, forget);
    return error == OUTBOX_OK ? outbox_proof_leave(self, scope, sequence, PROOF_RECEIPT_LOST) : error;
}

outbox_error outbox_pending(outbox *self, uint64_t *records)
{
    *records = 0;
    outbox_scope scopes[WIRE_SCOPES_MAX];
    unsigned count;
    outbox_error error = outbox_scopes(self, scopes, WIRE_SCOPES_MAX, &count);
    for (unsigned i = 0; i < count && error == OUTBOX_OK; i++) {
        uint64_t some = 0;
        error = count_records(self, text_of(scopes[i].scope), scopes[i].acknowledged, scopes[i].queued, &some);
        *records += some;
    }
    return error;
}

outbox_error outbox_refusals(outbox *self, void (*tell)(void *data, const outbox_refusal *refusal), void *data)
{
    static const char sql[] =
        "SELECT scope, contract, reason, count(*) FROM refusal GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(statement);
        if (result != SQLITE_ROW)
            break;
        outbox_refusal refusal = {
            .scope = outbox_column(statement, 0),
            .contract = outbox_column(statement, 1),
            .reason = (record_reason)sqlite3_column_int(statement, 2),
            .records = outbox_column_number(statement, 3),
        };
        tell(data, &refusal);
    }
    outbox_error error = outbox_result(self, result);
    sqlite3_finalize(statement);
    return error;
}

outbox_error outbox_has_refusals(outbox *self, text_view contract, bool *has)
{
    outbox_error error;
    *has = false;
    sqlite3_stmt *any = outbox_statement(self, OUTBOX_SQL_REFUSALS_ANY, &error);
    if (any == NULL)
        return error;
    outbox_bind_text(any, 1, contract);
    int result = sqlite3_step(any);
    *has = result == SQLITE_ROW;
    sqlite3_reset(any);
    return outbox_result(self, result);
}

outbox_error outbox_forget_refusal(outbox *self, text_view contract, const uint8_t key[RECORD_KEY])
{
    assert(self->in_transaction);
    outbox_error error;
    sqlite3_stmt *forget = outbox_statement(self, OUTBOX_SQL_REFUSAL_FORGET, &error);
    if (forget == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(forget, 1, contract);
    outbox_bind_blob(forget, 2, key, RECORD_KEY);
    return outbox_run(self, forget);
}
