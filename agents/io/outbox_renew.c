/*
 * outbox_renew: a new incarnation of a scope: the request that is written down before it is sent, and what the grant
 * changes: batches that the hub has not are signed anew after the granted position. A batch that is at the hub keeps
 * its number and stays until it is stable, for a hub that loses it: then it is signed anew in its turn.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_base.h"
#include "outbox_proof.h"

/* A batch that has got another place: what brought a record under the old one brings it under the new one. */
typedef struct {
    uint64_t incarnation, sequence; /* as it was signed before */
} moved;

/* One grant being taken. */
typedef struct {
    outbox *box;
    const crypto_sign_pair *sign;
    const outbox_grant *grant;
    outbox_scope scope; /* as it was before */
    uint64_t common;    /* the last of our batches that is at the hub */
    moved *moved;       /* in the order of their old numbers: the first stands after the granted position now */
    size_t moved_count, moved_room;
    uint64_t records;   /* of the moved batches */
    uint64_t queued;
    uint8_t queued_hash[CRYPTO_HASH];
    arena *memory;
    batch_buffer header;
} renewal;

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *)buffer->data, buffer->size};
}

/* Makes sure that the scope has a row. */
static outbox_error ensure_scope(outbox *self, text_view scope, uint64_t incarnation)
{
    static const uint8_t none[CRYPTO_HASH];
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_SCOPE_SAVE, &error);
    if (save == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(save, 1, scope);
    sqlite3_bind_int64(save, 2, (sqlite3_int64)incarnation);
    sqlite3_bind_int64(save, 3, 0);
    outbox_bind_blob(save, 4, none, sizeof none);
    sqlite3_bind_int64(save, 5, 0);
    return outbox_run(self, save);
}

outbox_error outbox_begin_scope(outbox *self, text_view scope, uint64_t incarnation)
{
    assert(self->in_transaction && incarnation > 0);
    outbox_scope before;
    outbox_error error = outbox_scope_load(self, scope, &before);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    return before.queued > 0 ? OUTBOX_OK : ensure_scope(self, scope, incarnation);
}

/* The request that is written down, and what it asked for; false: none. */
static bool load_request(outbox *self, text_view scope, wire_position *seen, uint64_t *wanted,
                         uint8_t request[WIRE_REQUEST], outbox_error *error)
{
    sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_RENEWAL_LOAD, error);
    if (row == NULL)
        return false;
    outbox_bind_text(row, 1, scope);
    int result = sqlite3_step(row);
    *error = outbox_result(self, result);
    bool found = false;
    if (result == SQLITE_ROW) {
        text_view bytes = outbox_column(row, 0), hash = outbox_column(row, 3);
        found = bytes.size == WIRE_REQUEST && hash.size == CRYPTO_HASH;
        if (found) {
            memcpy(request, bytes.at, WIRE_REQUEST);
            memcpy(seen->hash, hash.at, CRYPTO_HASH);
            seen->incarnation = outbox_column_number(row, 1);
            seen->sequence = outbox_column_number(row, 2);
            *wanted = outbox_column_number(row, 4);
        }
    }
    sqlite3_reset(row);
    return found;
}

static outbox_error save_request(outbox *self, const wire_position *seen, uint64_t wanted,
                                 const uint8_t request[WIRE_REQUEST])
{
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_RENEWAL_SAVE, &error);
    if (save == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(save, 1, seen->scope);
    outbox_bind_blob(save, 2, request, WIRE_REQUEST);
    sqlite3_bind_int64(save, 3, (sqlite3_int64)seen->incarnation);
    sqlite3_bind_int64(save, 4, (sqlite3_int64)seen->sequence);
    outbox_bind_blob(save, 5, seen->hash, CRYPTO_HASH);
    sqlite3_bind_int64(save, 6, (sqlite3_int64)wanted);
    return outbox_run(self, save);
}

outbox_error outbox_request(outbox *self, const wire_position *seen, bool anew, uint64_t *wanted,
                            uint8_t request[WIRE_REQUEST])
{
    assert(self->in_transaction && *wanted > 0);
    wire_position before = {.scope = seen->scope};
    uint64_t asked = 0;
    outbox_scope scope;
    outbox_error error = outbox_scope_load(self, seen->scope, &scope);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    if (load_request(self, seen->scope, &before, &asked, request, &error) && !anew
        && before.sequence == seen->sequence && memcmp(before.hash, seen->hash, CRYPTO_HASH) == 0
        && (before.incarnation == seen->incarnation || asked == seen->incarnation)) {
        *wanted = asked;
        return OUTBOX_OK;
    }
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    crypto_random(request, WIRE_REQUEST);
    error = scope.queued == 0 ? ensure_scope(self, seen->scope, scope.incarnation) : OUTBOX_OK;
    return error == OUTBOX_OK ? save_request(self, seen, *wanted, request) : error;
}

/*
 * The last of our batches that the hub has. Ahead of our receipts: as far as its hashes are ours. Behind them: what it
 * has of ours, unless its position is another batch than ours of that number: then nothing is sure. A batch that is
 * gone (ABSENT) says nothing; a failure is one, and never a batch that differs.
 */
static outbox_error find_common(const renewal *self, uint64_t *common)
{
    const outbox_grant *grant = self->grant;
    uint8_t own[CRYPTO_HASH];
    outbox_error error;
    *common = self->scope.acknowledged;
    if (grant->at.sequence < *common) {
        error = outbox_header_hash(self->box, self->scope.scope, grant->at.sequence, own);
        *common = error == OUTBOX_OK && memcmp(own, grant->at.hash, CRYPTO_HASH) != 0 ? 0 : grant->at.sequence;
        return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
    }
    for (unsigned i = 0; i < grant->hash_count && *common < grant->at.sequence && *common < self->scope.queued; i++) {
        error = outbox_header_hash(self->box, self->scope.scope, *common + 1, own);
        if (error == OUTBOX_ABSENT || (error == OUTBOX_OK && memcmp(own, grant->hashes[i], CRYPTO_HASH) != 0))
            break;
        if (error != OUTBOX_OK)
            return error;
        ++*common;
    }
    return OUTBOX_OK;
}

static outbox_error run_on_scope(const renewal *self, outbox_sql which, uint64_t number)
{
    outbox_error error;
    sqlite3_stmt *run = outbox_statement(self->box, which, &error);
    if (run == NULL)
        return outbox_fails(self->box, error);
    outbox_bind_text(run, 1, text_of(self->scope.scope));
    sqlite3_bind_int64(run, 2, (sqlite3_int64)number);
    return outbox_run(self->box, run);
}

static bool note_moved(renewal *self, uint64_t incarnation, uint64_t sequence)
{
    if (self->moved_count == self->moved_room) {
        size_t room = 2 * self->moved_room + 64;
        moved *more = realloc(self->moved, room * sizeof *more);
        if (more == NULL)
            return false;
        self->moved = more;
        self->moved_room = room;
    }
    self->moved[self->moved_count++] = (moved){incarnation, sequence};
    return true;
}

/* Signs a header anew as the next batch; the new one is in self->header. */
static outbox_error sign_anew(renewal *self, text_view old, uint64_t sequence, uint8_t signature[CRYPTO_SIGNATURE])
{
    batch_header header;
    arena_clear(self->memory);
    if (!batch_read_header(&header, self->memory, old))
        return arena_short(self->memory) ? OUTBOX_NO_MEMORY : outbox_result(self->box, SQLITE_CORRUPT);
    if (!note_moved(self, header.incarnation, sequence))
        return OUTBOX_NO_MEMORY;
    header.incarnation = self->grant->at.incarnation;
    header.sequence = ++self->queued;
    memcpy(header.previous, self->queued_hash, CRYPTO_HASH);
    memcpy(header.agent, self->sign->public_key, CRYPTO_PUBLIC);
    batch_buffer_clear(&self->header);
    batch_write_header(&self->header, &header);
    if (self->header.failed)
        return OUTBOX_NO_MEMORY;
    batch_hash(self->queued_hash, bytes_of(&self->header));
    batch_sign(signature, bytes_of(&self->header), self->sign);
    return OUTBOX_OK;
}

/* Moves the first of the batches that were put aside. ABSENT: there is none. */
static outbox_error move_next(renewal *self)
{
    outbox_error error;
    uint8_t signature[CRYPTO_SIGNATURE];
    sqlite3_stmt *row = outbox_statement(self->box, OUTBOX_SQL_BATCH_NEXT_ASIDE, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, text_of(self->scope.scope));
    int result = sqlite3_step(row);
    uint64_t sequence = 0;
    if (result == SQLITE_ROW) {
        sequence = outbox_column_number(row, 0);
        self->records += outbox_column_number(row, 2);
        error = sign_anew(self, outbox_column(row, 1), sequence, signature);
    } else {
        error = outbox_result(self->box, result);
        error = error == OUTBOX_OK ? OUTBOX_ABSENT : error;
    }
    sqlite3_reset(row);
    sqlite3_stmt *move = error == OUTBOX_OK ? outbox_statement(self->box, OUTBOX_SQL_BATCH_RESIGN, &error) : NULL;
    if (move == NULL)
        return error;
    outbox_bind_text(move, 1, text_of(self->scope.scope));
    sqlite3_bind_int64(move, 2, (sqlite3_int64)sequence);
    sqlite3_bind_int64(move, 3, (sqlite3_int64)self->queued);
    outbox_bind_blob(move, 4, self->header.data, self->header.size);
    outbox_bind_blob(move, 5, signature, CRYPTO_SIGNATURE);
    return outbox_run(self->box, move);
}

/* Where a batch stands now; NULL: it has not moved. */
static const moved *find_moved(const renewal *self, uint64_t incarnation, uint64_t sequence)
{
    size_t low = 0, high = self->moved_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->moved[middle].sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    const moved *found = &self->moved[low];
    return low < self->moved_count && found->sequence == sequence && found->incarnation == incarnation ? found : NULL;
}

/* Gives the entries of a contract the new numbers of the batches that bring them. */
static outbox_error restamp(renewal *self, text_view contract)
{
    sqlite3_int64 generation;
    difference_entry *entries = NULL;
    size_t count;
    uint8_t first[RECORD_KEY];
    const uint8_t *after = NULL;
    outbox_error error = outbox_held_generation(self->box, contract, &generation);
    while (error == OUTBOX_OK) {
        error = outbox_held_page_after(self->box, contract, generation, after, &entries, &count);
        bool changed = false;
        for (size_t i = 0; error == OUTBOX_OK && i < count; i++) {
            const moved *found = find_moved(self, entries[i].incarnation, entries[i].sequence);
            if (found == NULL)
                continue;
            entries[i].incarnation = self->grant->at.incarnation;
            entries[i].sequence = self->grant->at.sequence + 1 + (uint64_t)(found - self->moved);
            changed = true;
        }
        if (changed)
            error = outbox_held_set_page(self->box, contract, generation, entries, count);
        if (error == OUTBOX_OK) {
            memcpy(first, entries[0].key, RECORD_KEY);
            after = first;
        }
        free(entries);
    }
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

static outbox_error save(const renewal *self)
{
    const wire_position *at = &self->grant->at;
    uint64_t stable = at->stable < at->sequence ? at->stable : at->sequence;
    outbox_error error = ensure_scope(self->box, text_of(self->scope.scope), at->incarnation);
    sqlite3_stmt *adopt = error == OUTBOX_OK ? outbox_statement(self->box, OUTBOX_SQL_ADOPT, &error) : NULL;
    if (adopt == NULL)
        return error;
    outbox_bind_text(adopt, 1, text_of(self->scope.scope));
    sqlite3_bind_int64(adopt, 2, (sqlite3_int64)at->incarnation);
    sqlite3_bind_int64(adopt, 3, (sqlite3_int64)self->queued);
    outbox_bind_blob(adopt, 4, self->queued_hash, CRYPTO_HASH);
    sqlite3_bind_int64(adopt, 5, (sqlite3_int64)at->sequence);
    sqlite3_bind_int64(adopt, 6, (sqlite3_int64)stable);
    outbox_bind_blob(adopt, 7, at->hash, CRYPTO_HASH);
    sqlite3_bind_int64(adopt, 8, (sqlite3_int64)self->common);
    sqlite3_bind_int64(adopt, 9, (sqlite3_int64)self->records);
    error = outbox_run(self->box, adopt);
    return error == OUTBOX_OK ? run_on_scope(self, OUTBOX_SQL_BATCH_FORGET, stable) : error;
}

static outbox_note_kind what_happened(const renewal *self)
{
    const outbox_scope *before = &self->scope;
    if (before->queued == 0)
        return OUTBOX_NOTE_NEW;
    bool on_chain = self->grant->at.sequence == before->base_sequence
        && memcmp(self->grant->at.hash, before->base_hash, CRYPTO_HASH) == 0;
    if (self->grant->at.sequence < before->acknowledged || (on_chain && before->acknowledged > 0))
        return OUTBOX_NOTE_HUB_LOST;
    return OUTBOX_NOTE_RESTORED;
}

/* The contracts: their entries get the new numbers, what covers them is told again, and people are told. */
static outbox_error work_contracts(renewal *self, uint64_t seconds)
{
    char(*names)[RECORD_NAME_MAX + 1];
    size_t count;
    text_view scope = text_of(self->scope.scope);
    outbox_error error = outbox_held_contracts(self->box, scope, &names, &count);
    for (size_t i = 0; i < count && error == OUTBOX_OK; i++) {
        error = self->moved_count > 0 ? restamp(self, text_of(names[i])) : OUTBOX_OK;
        if (error == OUTBOX_OK)
            error = outbox_unset(self->box, OUTBOX_COVERAGE, text_of(names[i]));
        if (error == OUTBOX_OK)
            error = outbox_note_write(self->box, scope, text_of(names[i]), what_happened(self), seconds);
    }
    free(names);
    return error == OUTBOX_OK ? outbox_note_write_told(self->box, scope, what_happened(self), seconds) : error;
}

/*
 * Receipts: the hub says that it is behind what some of them say: lost. Those of before stay only where our own header
 * shows that the granted position lies on the chain that they are of.
 */
static outbox_error leave_receipts(const renewal *self)
{
    const wire_position *at = &self->grant->at;
    uint8_t own[CRYPTO_HASH];
    outbox_error known = outbox_header_hash(self->box, self->scope.scope, at->sequence, own), error = OUTBOX_OK;
    if (known != OUTBOX_OK && known != OUTBOX_ABSENT)
        return outbox_fails(self->box, known);
    if (at->sequence < self->scope.acknowledged)
        error = outbox_proof_leave(self->box, self->scope.scope, self->common, PROOF_RECEIPT_LOST);
    bool same = known == OUTBOX_OK && memcmp(own, at->hash, CRYPTO_HASH) == 0;
    if (error == OUTBOX_OK && !same)
        error = outbox_proof_leave(self->box, self->scope.scope, 0, PROOF_RECEIPT_SUPERSEDED);
    return error;
}

static outbox_error adopt(renewal *self, uint64_t seconds)
{
    outbox_error error = find_common(self, &self->common);
    if (error == OUTBOX_OK)
        error = leave_receipts(self);
    self->queued = self->grant->at.sequence;
    memcpy(self->queued_hash, self->grant->at.hash, CRYPTO_HASH);
    if (error == OUTBOX_OK)
        error = run_on_scope(self, OUTBOX_SQL_BATCH_ASIDE, self->common);
    while (error == OUTBOX_OK)
        error = move_next(self);
    if (error == OUTBOX_ABSENT)
        error = run_on_scope(self, OUTBOX_SQL_REFUSALS_AFTER, self->common);
    if (error == OUTBOX_OK)
        error = work_contracts(self, seconds);
    return error == OUTBOX_OK ? save(self) : error;
}

outbox_error outbox_adopt(outbox *self, const crypto_sign_pair *sign, const outbox_grant *grant, uint64_t seconds,
                          outbox_scope *to)
{
    assert(self->in_transaction);
    wire_position seen;
    uint64_t wanted;
    uint8_t request[WIRE_REQUEST];
    outbox_error error;
    if (!load_request(self, grant->at.scope, &seen, &wanted, request, &error))
        return error == OUTBOX_OK ? OUTBOX_ABSENT : outbox_fails(self, error);
    if (memcmp(request, grant->request, WIRE_REQUEST) != 0 || wanted != grant->at.incarnation)
        return OUTBOX_ABSENT;
    renewal work = {.box = self, .sign = sign, .grant = grant, .memory = arena_new(WIRE_SCRATCH_BYTES)};
    batch_buffer_init(&work.header, BATCH_HEADER_MAX);
    error = work.memory == NULL ? OUTBOX_NO_MEMORY : outbox_scope_load(self, grant->at.scope, &work.scope);
    if (error == OUTBOX_OK)
        error = adopt(&work, seconds);
    if (error == OUTBOX_OK)
        error = outbox_scope_load(self, grant->at.scope, to);
    free(work.moved);
    batch_buffer_release(&work.header);
    arena_destroy(&work.memory);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}
