#include "closing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batcher.h"

enum { STATE_TEXT = 64 };

outbox_error closing_load(outbox *from, text_view scope, closing_state *to)
{
    batch_buffer text;
    outbox_scope about;
    memset(to, 0, sizeof *to);
    batch_buffer_init(&text, STATE_TEXT);
    outbox_error error = outbox_get(from, OUTBOX_CLOSING, scope, &text);
    batch_buffer_append(&text, "", 1);
    if (error == OUTBOX_OK && !text.failed) {
        char *end = NULL;
        uint64_t epoch = strtoull((const char *)text.data, &end, 10), reason = strtoull(end, NULL, 10);
        error = outbox_scope_load(from, scope, &about);
        to->epoch = (uint32_t)epoch;
        to->reason = reason < RECORD_REASON_COUNT ? (record_reason)reason : RECORD_OK;
        to->waits = error == OUTBOX_OK && reason == RECORD_OK && about.acknowledged < about.queued;
    }
    batch_buffer_release(&text);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

outbox_error closing_queue(outbox *to, const agent_home *agent, text_view scope, const batch_key *key)
{
    closing_state before;
    outbox_error error = closing_load(to, scope, &before);
    if (error != OUTBOX_OK || (before.waits && before.epoch == key->epoch))
        return error;
    error = outbox_begin(to);
    if (error != OUTBOX_OK)
        return error;
    record what = {.operation = RECORD_CLOSE, .epoch = key->epoch, .type = FACT_NONE, .month = CIVIL_NONE};
    memcpy(what.key, key->id, sizeof what.key);
    batcher *batches = batcher_new(to, agent, scope);
    if (batches != NULL) {
        batcher_add(batches, &what);
        batcher_end(batches, NULL);
        batcher_destroy(&batches);
    }
    char text[STATE_TEXT];
    int size = snprintf(text, sizeof text, "%" PRIu32 " %d", key->epoch, (int)RECORD_OK);
    (void)outbox_set(to, OUTBOX_CLOSING, scope, (text_view){text, (size_t)size});
    return outbox_commit(to);
}

outbox_error closing_done(outbox *to, text_view scope, uint32_t epoch, wire_contract *contracts, unsigned count)
{
    bool changed = false;
    for (unsigned i = 0; i < count; i++) {
        wire_contract *one = &contracts[i];
        if (!text_equal(one->scope, scope) || one->key_count < 2 || one->keys[0].epoch != epoch)
            continue;
        one->key_count--;
        memmove(&one->keys[0], &one->keys[1], one->key_count * sizeof one->keys[0]);
        changed = true;
    }
    if (!changed)
        return OUTBOX_OK;
    outbox_error error = outbox_begin(to);
    if (error != OUTBOX_OK)
        return error;
    (void)outbox_set_contracts(to, contracts, count);
    return outbox_commit(to);
}
