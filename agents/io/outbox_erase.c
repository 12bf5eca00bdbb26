/*
 * outbox_erase: records that must be nowhere any more (`ctai-agent forget`): their bodies in the batches that wait or
 * are kept, and their places among what the hub holds. What is overwritten or freed in the file is zeroed
 * (secure_delete), in the same transaction.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "departed.h"
#include "outbox_base.h"

outbox_error outbox_places(outbox *self, outbox_place **places, size_t *count)
{
    static const char sql[] = "SELECT scope, contract FROM generation WHERE scope <> '' ORDER BY scope, contract";
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    *places = NULL;
    *count = 0;
    int result = sqlite3_prepare_v2(self->db, sql, -1, &row, NULL);
    outbox_error error = outbox_result(self, result);
    while (error == OUTBOX_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        if (*count == room) {
            void *more = realloc(*places, (room = 2 * room + 8) * sizeof **places);
            error = more == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
            if (more == NULL)
                break;
            *places = more;
        }
        outbox_place *place = &(*places)[*count];
        if (!text_copy(place->scope, sizeof place->scope, outbox_column(row, 0))
            || !text_copy(place->contract, sizeof place->contract, outbox_column(row, 1)))
            error = outbox_result(self, SQLITE_CORRUPT);
        ++*count;
    }
    if (error == OUTBOX_OK)
        error = outbox_result(self, result);
    sqlite3_finalize(row);
    if (error != OUTBOX_OK) {
        free(*places);
        *places = NULL;
    }
    return error;
}

/* Packs a batch's bodies anew without those of the keys; how many went, or -1 when they are not what we packed. */
static int repack(text_view packed, const uint8_t (*keys)[RECORD_KEY], size_t count, batch_buffer *to)
{
    text_view bodies[BATCH_BODIES_MAX];
    int body_count = outbox_unpack(packed, bodies), gone = 0;
    for (int i = 0; i < body_count; i++) {
        record what;
        record_reason reason;
        /* An erasure stays: it is what tells the hub. */
        if (bodies[i].at != NULL && batch_read_body(&what, bodies[i], &reason)
            && (what.operation == RECORD_PUT || what.operation == RECORD_WITHDRAW) && departed_has(keys, count, what.key)) {
            outbox_pack_erased(to);
            gone++;
        } else if (bodies[i].at == NULL) {
            outbox_pack_erased(to);
        } else {
            outbox_pack(to, bodies[i]);
        }
    }
    return body_count < 0 ? -1 : gone;
}

static outbox_error save_bodies(outbox *self, text_view scope, sqlite3_int64 sequence, const batch_buffer *bodies)
{
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_BATCH_REPACK, &error);
    if (save == NULL)
        return error;
    outbox_bind_text(save, 1, scope);
    sqlite3_bind_int64(save, 2, sequence);
    outbox_bind_blob(save, 3, bodies->data, bodies->size);
    return outbox_run(self, save);
}

/* Works on the first batch after a sequence, which moves on to its own. ABSENT: there is none. */
static outbox_error erase_next(outbox *self, text_view scope, const uint8_t (*keys)[RECORD_KEY], size_t count,
                               sqlite3_int64 *sequence, batch_buffer *bodies, uint64_t *erased)
{
    outbox_error error;
    int gone = 0;
    sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_BATCH_NEXT, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, scope);
    sqlite3_bind_int64(row, 2, *sequence);
    int result = sqlite3_step(row);
    batch_buffer_clear(bodies);
    if (result == SQLITE_ROW) {
        *sequence = sqlite3_column_int64(row, 0);
        gone = repack(outbox_column(row, 1), keys, count, bodies);
        error = gone < 0 ? outbox_result(self, SQLITE_CORRUPT) : bodies->failed ? OUTBOX_NO_MEMORY : OUTBOX_OK;
    } else {
        error = outbox_result(self, result);
        error = error == OUTBOX_OK ? OUTBOX_ABSENT : error;
    }
    sqlite3_reset(row);
    if (error == OUTBOX_OK && gone > 0)
        error = save_bodies(self, scope, *sequence, bodies);
    *erased += error == OUTBOX_OK ? (uint64_t)gone : 0;
    return error;
}

outbox_error outbox_erase_bodies(outbox *self, text_view scope, const uint8_t (*keys)[RECORD_KEY], size_t count,
                                 uint64_t *erased)
{
    assert(self->in_transaction);
    batch_buffer bodies;
    sqlite3_int64 sequence = 0;
    outbox_error error = OUTBOX_OK;
    batch_buffer_init(&bodies, OUTBOX_VALUE_MAX);
    while (error == OUTBOX_OK)
        error = erase_next(self, scope, keys, count, &sequence, &bodies, erased);
    batch_buffer_release(&bodies);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : outbox_fails(self, error);
}

outbox_error outbox_erase_held(outbox *self, const outbox_place *of, const uint8_t (*keys)[RECORD_KEY], size_t count,
                               uint64_t *dropped)
{
    assert(self->in_transaction);
    outbox_held *held = NULL;
    outbox_keep *keep = NULL;
    const difference_entry *entry;
    outbox_error error = outbox_keep_open(self, text_of(of->scope), text_of(of->contract), &keep);
    if (error == OUTBOX_OK)
        error = outbox_held_open(self, text_of(of->contract), &held);
    while (error == OUTBOX_OK && (error = outbox_held_next(held, &entry)) == OUTBOX_OK)
        if (departed_has(keys, count, entry->key))
            ++*dropped;
        else
            outbox_keep_add(keep, entry);
    outbox_held_close(&held);
    if (error != OUTBOX_OK && error != OUTBOX_ABSENT)
        (void)outbox_fails(self, error);
    outbox_error kept = keep != NULL ? outbox_keep_finish(&keep) : OUTBOX_OK;
    for (size_t i = 0; kept == OUTBOX_OK && i < count; i++)
        kept = outbox_forget_refusal(self, text_of(of->contract), keys[i]);
    return error == OUTBOX_ABSENT ? kept : error;
}

outbox_error outbox_refused(outbox *self, text_view contract, record_reason reason,
                            void (*tell)(void *data, const uint8_t key[RECORD_KEY]), void *data)
{
    static const char sql[] = "SELECT key FROM refusal WHERE contract = ?1 AND reason = ?2 AND length(key) = 16";
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(self->db, sql, -1, &row, NULL);
    if (result == SQLITE_OK) {
        outbox_bind_text(row, 1, contract);
        sqlite3_bind_int(row, 2, reason);
        while ((result = sqlite3_step(row)) == SQLITE_ROW)
            tell(data, (const uint8_t *)outbox_column(row, 0).at);
    }
    sqlite3_finalize(row);
    return outbox_result(self, result);
}
