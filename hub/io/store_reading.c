/* store_reading: see the header. */
#include "store_reading.h"

#include "store_rows.h"

store_reading *store_reading_new(const batch_header *header, const text_view *bodies, unsigned body_count, arena *in)
{
    store_reading *self = arena_take(in, sizeof *self);
    store_record *records = arena_take(in, sizeof *records * body_count + 1);
    record_reason *reasons = arena_take(in, sizeof *reasons * body_count + 1);
    if (!self || !records || !reasons)
        return NULL;
    *self = (store_reading){.records = records, .reasons = reasons};
    const record *before = NULL; /* the last that could be read */
    for (unsigned i = 0; i < body_count; i++) {
        store_record *next = &records[self->count];
        record_reason reason = RECORD_OK;
        if (!bodies[i].at)
            continue;
        next->right = NULL;
        next->index = i;
        if (!batch_read_body(&next->what, bodies[i], &reason) && reason == RECORD_OK)
            reason = RECORD_UNREADABLE;
        if (reason == RECORD_OK) {
            reason = batch_check_body(header, &next->what, before);
            before = &next->what;
        }
        reasons[self->count++] = reason;
    }
    return self;
}
