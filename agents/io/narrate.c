/* narrate: see narrate.h. */
#include "narrate.h"

#include <string.h>

#include "batcher.h"
#include "recordkey.h"

/* Ends the transaction with what came of it. */
static outbox_error finish(outbox *box, outbox_error error)
{
    if (error == OUTBOX_OK)
        return outbox_commit(box);
    outbox_rollback(box);
    return error;
}

static outbox_error place_of(const narrate_cell *of, outbox_place *place)
{
    return text_copy(place->scope, sizeof place->scope, of->terms->scope)
            && text_copy(place->contract, sizeof place->contract, of->terms->id)
        ? OUTBOX_OK : OUTBOX_DAMAGED;
}

/* Adds the one record as a batch; its place in the chain goes into the entry. */
static outbox_error queue(outbox *box, const agent_home *agent, const record *what, text_view scope, difference_entry *entry)
{
    batcher *batches = batcher_new(box, agent, scope);
    if (batches == NULL)
        return OUTBOX_OK; /* told to the transaction */
    batcher_add(batches, what);
    entry->incarnation = batcher_incarnation(batches);
    entry->sequence = batcher_sequence(batches);
    batcher_end(batches, NULL);
    batcher_destroy(&batches);
    return OUTBOX_OK;
}

outbox_error narrate_put(outbox *box, const agent_home *agent, const narrate_cell *of, text_view text, narrate_result *done)
{
    difference_entry held, entry = {.incarnation = 0};
    record what = {.operation = RECORD_PUT, .contract = of->terms->id, .action = of->action, .type = FACT_NARRATIVE,
                   .month = CIVIL_NONE, .code = of->indicator, .text = text};
    memset(done, 0, sizeof *done);
    recordkey_narrative(done->key, of->terms->id, of->action, of->indicator);
    memcpy(what.key, done->key, RECORD_KEY);
    memcpy(entry.key, done->key, RECORD_KEY);
    batch_content_hash(entry.content, &what, agent->secrets->record_key);
    outbox_error error = outbox_begin(box);
    if (error != OUTBOX_OK)
        return error;
    error = outbox_held_find(box, of->terms->id, done->key, &held);
    done->was_held = error == OUTBOX_OK;
    done->queued = !done->was_held || memcmp(held.content, entry.content, sizeof held.content) != 0;
    error = error == OUTBOX_ABSENT ? OUTBOX_OK : error;
    if (error == OUTBOX_OK && done->queued)
        error = outbox_forget_refusal(box, of->terms->id, done->key);
    if (error == OUTBOX_OK && done->queued)
        error = queue(box, agent, &what, of->terms->scope, &entry);
    if (error == OUTBOX_OK && done->queued)
        error = outbox_held_put(box, of->terms->scope, of->terms->id, &entry);
    return finish(box, error);
}

outbox_error narrate_withdraw(outbox *box, const agent_home *agent, const narrate_cell *of, narrate_result *done)
{
    outbox_place place;
    difference_entry held;
    uint64_t dropped = 0;
    record what = {.operation = RECORD_WITHDRAW, .contract = of->terms->id, .type = FACT_NONE, .month = CIVIL_NONE};
    memset(done, 0, sizeof *done);
    recordkey_narrative(done->key, of->terms->id, of->action, of->indicator);
    memcpy(what.key, done->key, RECORD_KEY);
    done->queued = true;
    outbox_error error = place_of(of, &place);
    if (error == OUTBOX_OK)
        error = outbox_begin(box);
    if (error != OUTBOX_OK)
        return error;
    error = outbox_held_find(box, of->terms->id, done->key, &held);
    done->was_held = error == OUTBOX_OK;
    error = error == OUTBOX_ABSENT ? OUTBOX_OK : error;
    if (error == OUTBOX_OK && done->was_held)
        error = outbox_erase_held(box, &place, (const uint8_t(*)[RECORD_KEY])&done->key, 1, &dropped);
    if (error == OUTBOX_OK)
        error = queue(box, agent, &what, of->terms->scope, &held);
    return finish(box, error);
}

/* A key that is looked for among those refused. */
typedef struct {
    const uint8_t *key;
    bool found;
} sought;

static void look(void *data, const uint8_t key[RECORD_KEY])
{
    sought *self = data;
    self->found |= memcmp(key, self->key, RECORD_KEY) == 0;
}

outbox_error narrate_refused(outbox *box, const narrate_cell *of, const narrate_result *done, record_reason *reason)
{
    outbox_place place;
    uint64_t dropped = 0;
    outbox_error error = place_of(of, &place);
    *reason = RECORD_OK;
    for (int i = 1; error == OUTBOX_OK && *reason == RECORD_OK && i < RECORD_REASON_COUNT; i++) {
        sought one = {.key = done->key};
        error = outbox_refused(box, of->terms->id, (record_reason)i, look, &one);
        *reason = one.found ? (record_reason)i : RECORD_OK;
    }
    if (error != OUTBOX_OK || *reason == RECORD_OK || done->was_held)
        return error;
    error = outbox_begin(box);
    if (error != OUTBOX_OK)
        return error;
    return finish(box, outbox_erase_held(box, &place, (const uint8_t(*)[RECORD_KEY])&done->key, 1, &dropped));
}
