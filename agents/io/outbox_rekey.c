/*
 * outbox_rekey: batches that wait under a linkage key that is not the scope's (it was made beside the coordinator's, and
 * the hub could not be asked). The hub would refuse them for ever, and has none of them. Their records with tokens go,
 * as bodies that are absent, and are unknown among what is held; they name no key any more; what follows them is
 * signed anew, for its chain.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_base.h"

typedef struct {
    outbox *box;
    const crypto_sign_pair *sign;
    text_view scope;
    const batch_key *right;
    bool changed; /* some batch before */
    uint8_t hash[CRYPTO_HASH]; /* of the last one signed anew */
    arena *memory;
    batch_buffer header, bodies;
} rekeying;

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *)buffer->data, buffer->size};
}

static bool names_other(const batch_header *header, const batch_key *right)
{
    for (unsigned i = 0; i < header->key_count; i++)
        if (header->keys[i].epoch == right->epoch && memcmp(header->keys[i].id, right->id, TOKEN_KEY_ID) != 0)
            return true;
    return false;
}

/* Packs the bodies anew without those that have tokens. */
static outbox_error drop_tokens(rekeying *self, text_view packed)
{
    text_view bodies[BATCH_BODIES_MAX];
    int count = outbox_unpack(packed, bodies);
    outbox_error error = count < 0 ? outbox_result(self->box, SQLITE_CORRUPT) : OUTBOX_OK;
    batch_buffer_clear(&self->bodies);
    for (int i = 0; i < count && error == OUTBOX_OK; i++) {
        record what;
        record_reason reason;
        bool there = bodies[i].at != NULL;
        if (there && !(batch_read_body(&what, bodies[i], &reason) && what.operation == RECORD_PUT && what.token_sets > 0)) {
            outbox_pack(&self->bodies, bodies[i]);
            continue;
        }
        outbox_pack_erased(&self->bodies);
        if (there)
            error = outbox_held_spoil(self->box, what.contract, what.key);
    }
    return error == OUTBOX_OK && self->bodies.failed ? OUTBOX_NO_MEMORY : error;
}

/* What the batch on that row becomes, in self->header and self->bodies; *other: it names another key. */
static outbox_error sign_anew(rekeying *self, sqlite3_stmt *row, bool *other, uint8_t signature[CRYPTO_SIGNATURE])
{
    batch_header header;
    arena_clear(self->memory);
    if (!batch_read_header(&header, self->memory, outbox_column(row, 0)))
        return arena_short(self->memory) ? OUTBOX_NO_MEMORY : outbox_result(self->box, SQLITE_CORRUPT);
    *other = names_other(&header, self->right);
    if (!*other && !self->changed)
        return OUTBOX_OK;
    outbox_error error = *other ? drop_tokens(self, outbox_column(row, 2)) : OUTBOX_OK;
    if (*other)
        header.key_count = 0;
    if (self->changed)
        memcpy(header.previous, self->hash, CRYPTO_HASH);
    for (unsigned i = 0; i < header.coverage_count; i++)
        header.coverage[i].complete = false; /* it is not, without what has gone */
    self->changed = true;
    batch_buffer_clear(&self->header);
    batch_write_header(&self->header, &header);
    if (self->header.failed)
        return OUTBOX_NO_MEMORY;
    batch_hash(self->hash, bytes_of(&self->header));
    batch_sign(signature, bytes_of(&self->header), self->sign);
    return error;
}

static outbox_error save(rekeying *self, uint64_t sequence, bool bodies, const uint8_t signature[CRYPTO_SIGNATURE])
{
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self->box, OUTBOX_SQL_BATCH_REWRITE, &error);
    if (save == NULL)
        return error;
    outbox_bind_text(save, 1, self->scope);
    sqlite3_bind_int64(save, 2, (sqlite3_int64)sequence);
    outbox_bind_blob(save, 3, self->header.data, self->header.size);
    outbox_bind_blob(save, 4, signature, CRYPTO_SIGNATURE);
    if (bodies) /* else NULL: they stay */
        outbox_bind_blob(save, 5, self->bodies.data, self->bodies.size);
    return outbox_run(self->box, save);
}

static outbox_error work_on(rekeying *self, uint64_t sequence, uint64_t *batches)
{
    outbox_error error;
    bool other = false;
    uint8_t signature[CRYPTO_SIGNATURE];
    sqlite3_stmt *row = outbox_statement(self->box, OUTBOX_SQL_BATCH_LOAD, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, self->scope);
    sqlite3_bind_int64(row, 2, (sqlite3_int64)sequence);
    int result = sqlite3_step(row);
    error = result == SQLITE_ROW ? sign_anew(self, row, &other, signature)
                                 : outbox_result(self->box, result == SQLITE_DONE ? SQLITE_CORRUPT : result);
    sqlite3_reset(row);
    *batches += other;
    return error == OUTBOX_OK && self->changed ? save(self, sequence, other, signature) : error;
}

/* The scope's new last hash; and what was told of its contracts is told again. */
static outbox_error settle(rekeying *self, const outbox_scope *scope)
{
    char(*names)[RECORD_NAME_MAX + 1];
    size_t count;
    outbox_error error = outbox_held_contracts(self->box, self->scope, &names, &count);
    for (size_t i = 0; i < count && error == OUTBOX_OK; i++)
        error = outbox_unset(self->box, OUTBOX_COVERAGE, text_of(names[i]));
    free(names);
    sqlite3_stmt *save = error == OUTBOX_OK ? outbox_statement(self->box, OUTBOX_SQL_SCOPE_SAVE, &error) : NULL;
    if (save == NULL)
        return error;
    outbox_bind_text(save, 1, self->scope);
    sqlite3_bind_int64(save, 2, (sqlite3_int64)scope->incarnation);
    sqlite3_bind_int64(save, 3, (sqlite3_int64)scope->queued);
    outbox_bind_blob(save, 4, self->hash, CRYPTO_HASH);
    sqlite3_bind_int64(save, 5, 0);
    return outbox_run(self->box, save);
}

outbox_error outbox_rekey(outbox *self, const crypto_sign_pair *sign, text_view scope, const batch_key *right,
                          uint64_t *batches)
{
    assert(self->in_transaction);
    outbox_scope about = {0};
    rekeying work = {.box = self, .sign = sign, .scope = scope, .right = right, .memory = arena_new(WIRE_SCRATCH_BYTES)};
    batch_buffer_init(&work.header, BATCH_HEADER_MAX);
    batch_buffer_init(&work.bodies, OUTBOX_VALUE_MAX);
    *batches = 0;
    outbox_error error = work.memory == NULL ? OUTBOX_NO_MEMORY : outbox_scope_load(self, scope, &about);
    for (uint64_t i = about.acknowledged + 1; error == OUTBOX_OK && i <= about.queued; i++)
        error = work_on(&work, i, batches);
    if (error == OUTBOX_OK && work.changed)
        error = settle(&work, &about);
    batch_buffer_release(&work.bodies);
    batch_buffer_release(&work.header);
    arena_destroy(&work.memory);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

outbox_error outbox_misnamed(outbox *self, text_view scope, const batch_key *right, bool *found)
{
    outbox_scope about = {0};
    arena *memory = arena_new(WIRE_SCRATCH_BYTES);
    *found = false;
    outbox_error error = memory == NULL ? OUTBOX_NO_MEMORY : outbox_scope_load(self, scope, &about);
    for (uint64_t i = about.acknowledged + 1; error == OUTBOX_OK && i <= about.queued && !*found; i++) {
        batch_header header;
        sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_BATCH_HEADER, &error);
        if (row == NULL)
            break;
        outbox_bind_text(row, 1, scope);
        sqlite3_bind_int64(row, 2, (sqlite3_int64)i);
        int result = sqlite3_step(row);
        arena_clear(memory);
        if (result != SQLITE_ROW)
            error = outbox_result(self, result == SQLITE_DONE ? SQLITE_CORRUPT : result);
        else if (!batch_read_header(&header, memory, outbox_column(row, 0)))
            error = arena_short(memory) ? OUTBOX_NO_MEMORY : outbox_result(self, SQLITE_CORRUPT);
        else
            *found = names_other(&header, right);
        sqlite3_reset(row);
    }
    arena_destroy(&memory);
    return error;
}
