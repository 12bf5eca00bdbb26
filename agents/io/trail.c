/* trail: see trail.h. */
#include "trail.h"

#include <stdlib.h>
#include <string.h>

enum { READ_FACTS = 128 };

static const char ACTIONS[] = "actions"; /* codes, each followed by a line's end */

static outbox_error read_value(outbox *from, const char *name, text_view of, batch_buffer *value)
{
    outbox_error error = outbox_get(from, name, of, value);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *)buffer->data, buffer->size};
}

void trail_pack(uint8_t bytes[TRAIL_FACT], const export_contribution *one)
{
    uint32_t day = (uint32_t)one->day;
    memcpy(bytes, one->event, RECORD_KEY);
    memcpy(bytes + RECORD_KEY, one->subject, RECORD_KEY);
    for (int i = 0; i < 4; i++)
        bytes[2 * RECORD_KEY + i] = (uint8_t)(day >> (8 * i));
    bytes[2 * RECORD_KEY + 4] = one->flags;
}

static void unpack(export_contribution *one, const uint8_t bytes[TRAIL_FACT])
{
    uint32_t day = 0;
    memcpy(one->event, bytes, RECORD_KEY);
    memcpy(one->subject, bytes + RECORD_KEY, RECORD_KEY);
    for (int i = 0; i < 4; i++)
        day |= (uint32_t)bytes[2 * RECORD_KEY + i] << (8 * i);
    one->day = (civil_day)day;
    one->flags = bytes[2 * RECORD_KEY + 4];
}

/* An array of items of that many bytes each, freed by the caller; NULL: none. */
static outbox_error read_items(outbox *from, const char *name, text_view of, size_t item_bytes, uint8_t **items, size_t *count)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, OUTBOX_VALUE_MAX);
    outbox_error error = read_value(from, name, of, &bytes);
    if (error == OUTBOX_OK && bytes.size % item_bytes != 0)
        error = OUTBOX_DAMAGED;
    *count = error == OUTBOX_OK ? bytes.size / item_bytes : 0;
    *items = *count > 0 ? malloc(bytes.size) : NULL;
    if (*items != NULL)
        memcpy(*items, bytes.data, bytes.size);
    else if (*count > 0)
        error = OUTBOX_NO_MEMORY;
    *count = *items != NULL ? *count : 0;
    batch_buffer_release(&bytes);
    return error;
}

outbox_error trail_facts(outbox *from, const char *name, text_view contract, export_contribution **facts, size_t *count)
{
    uint8_t *bytes;
    *facts = NULL;
    outbox_error error = read_items(from, name, contract, TRAIL_FACT, &bytes, count);
    if (error == OUTBOX_OK && *count > 0) {
        *facts = calloc(*count, sizeof **facts);
        error = *facts == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
    }
    for (size_t i = 0; *facts != NULL && i < *count; i++)
        unpack(&(*facts)[i], bytes + i * TRAIL_FACT);
    free(bytes);
    return error;
}

outbox_error trail_set_facts(outbox *to, const char *name, text_view contract, const export_contribution *facts, size_t count)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, OUTBOX_VALUE_MAX);
    for (size_t i = 0; i < count; i++) {
        uint8_t packed[TRAIL_FACT];
        trail_pack(packed, &facts[i]);
        batch_buffer_append(&bytes, packed, sizeof packed);
    }
    if (bytes.failed)
        outbox_spoil(to, OUTBOX_NO_MEMORY);
    outbox_error error = bytes.failed ? OUTBOX_NO_MEMORY : outbox_set(to, name, contract, bytes_of(&bytes));
    batch_buffer_release(&bytes);
    return error;
}

outbox_error trail_people(outbox *from, const char *name, text_view of, erasure_person **people, size_t *count)
{
    uint8_t *bytes;
    outbox_error error = read_items(from, name, of, sizeof **people, &bytes, count);
    *people = (erasure_person *)bytes;
    return error;
}

outbox_error trail_set_people(outbox *to, const char *name, text_view of, const erasure_person *people, size_t count)
{
    return outbox_set(to, name, of, (text_view){(const char *)people, count * sizeof *people});
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(erasure_person));
}

outbox_error trail_add_people(outbox *to, const char *name, text_view of, const erasure_person *people, size_t count)
{
    erasure_person *kept;
    size_t before, all = 0;
    outbox_error error = trail_people(to, name, of, &kept, &before);
    erasure_person *both = error == OUTBOX_OK ? realloc(kept, (before + count + 1) * sizeof *both) : NULL;
    if (both == NULL) {
        error = error == OUTBOX_OK ? OUTBOX_NO_MEMORY : error;
        outbox_spoil(to, error);
        free(kept);
        return error;
    }
    if (count > 0)
        memcpy(both + before, people, count * sizeof *both);
    qsort(both, before + count, sizeof *both, by_bytes);
    for (size_t i = 0; i < before + count; i++)
        if (all == 0 || by_bytes(&both[all - 1], &both[i]) != 0)
            both[all++] = both[i];
    if (all > before)
        error = trail_set_people(to, name, of, both, all);
    free(both);
    return error;
}

static int by_fact(const void *a, const void *b)
{
    const export_contribution *first = a, *second = b;
    int order = memcmp(first->event, second->event, RECORD_KEY);
    if (order == 0)
        order = memcmp(first->subject, second->subject, RECORD_KEY);
    return order != 0 ? order : (first->day > second->day) - (first->day < second->day);
}

outbox_error trail_read_open(trail_reading *self, outbox *from, const char *name, text_view contract)
{
    size_t size;
    *self = (trail_reading){.from = from, .name = name, .contract = contract};
    self->error = outbox_blob_open(from, name, contract, &self->blob, &size);
    self->error = self->error == OUTBOX_ABSENT ? OUTBOX_OK : self->error;
    if (self->error == OUTBOX_OK && size % TRAIL_FACT != 0)
        self->error = OUTBOX_DAMAGED;
    self->count = self->error == OUTBOX_OK ? size / TRAIL_FACT : 0;
    return self->error;
}

size_t trail_read(void *data, size_t first, size_t room, export_contribution *to)
{
    trail_reading *self = data;
    uint8_t bytes[READ_FACTS * TRAIL_FACT];
    bool expired = self->blob == NULL;
    size_t count = 0;
    for (int attempt = 0; attempt < 2 && self->error == OUTBOX_OK; attempt++) {
        count = first < self->count ? self->count - first : 0;
        count = count > room ? room : count;
        count = count > READ_FACTS ? READ_FACTS : count;
        if (count > 0 && !expired)
            self->error = outbox_blob_read(self->blob, first * TRAIL_FACT, bytes, count * TRAIL_FACT, &expired);
        if (count == 0 || !expired)
            break;
        trail_read_close(self);
        self->error = trail_read_open(self, self->from, self->name, self->contract);
        expired = false;
    }
    for (size_t i = 0; i < count && self->error == OUTBOX_OK; i++)
        unpack(&to[i], bytes + i * TRAIL_FACT);
    if (self->error != OUTBOX_OK || first + count >= self->count)
        trail_read_close(self); /* nothing may be left open longer than it is needed */
    return self->error == OUTBOX_OK ? count : SIZE_MAX;
}

void trail_read_close(trail_reading *self)
{
    outbox_blob_close(&self->blob);
}

/* What stands of the same person in the same month, so that its records have the same keys, stays; other facts of people go to those of before. */
typedef struct {
    spool_reader from;
    const uint8_t *now; /* as it is kept; NULL: no more */
} standing_facts;

static bool still_stands(standing_facts *all, const export_contribution *fact)
{
    export_contribution now;
    while (all->now != NULL && memcmp(all->now, fact->event, RECORD_KEY) < 0)
        all->now = spool_next(&all->from);
    if (all->now == NULL || memcmp(all->now, fact->event, RECORD_KEY) != 0)
        return false;
    unpack(&now, all->now);
    return memcmp(now.subject, fact->subject, RECORD_KEY) == 0 && civil_month_of(now.day) == civil_month_of(fact->day);
}

static bool add_fact(export_contribution **all, size_t *count, size_t *room, const export_contribution *one)
{
    if (*count == *room) {
        size_t wider = *room == 0 ? READ_FACTS : 2 * *room;
        export_contribution *more = realloc(*all, wider * sizeof *more);
        if (more == NULL)
            return false;
        *all = more;
        *room = wider;
    }
    (*all)[(*count)++] = *one;
    return true;
}

/* The facts of people that stood and do not any more; *gone is freed by the caller. */
static outbox_error find_gone(outbox *to, text_view contract, spool *facts, export_contribution **gone, size_t *count)
{
    static const uint8_t nobody[RECORD_KEY];
    export_contribution stood[READ_FACTS];
    trail_reading reading;
    size_t room = 0, got = 0;
    char *block = spool_room(facts);
    standing_facts now;
    outbox_error error = trail_read_open(&reading, to, TRAIL_CONTRIBUTIONS, contract);
    if (error == OUTBOX_OK && block == NULL)
        error = OUTBOX_NO_MEMORY;
    if (error == OUTBOX_OK) {
        spool_read(&now.from, facts, 0, facts->count, block);
        now.now = spool_next(&now.from);
    }
    for (size_t first = 0; error == OUTBOX_OK && first < reading.count; first += got) {
        got = trail_read(&reading, first, READ_FACTS, stood);
        for (size_t i = 0; i < got && got != SIZE_MAX && error == OUTBOX_OK; i++)
            if (memcmp(stood[i].subject, nobody, RECORD_KEY) != 0 && !still_stands(&now, &stood[i])
                && !add_fact(gone, count, &room, &stood[i]))
                error = OUTBOX_NO_MEMORY;
        if (got == SIZE_MAX)
            error = reading.error;
    }
    trail_read_close(&reading);
    return error == OUTBOX_OK && spool_failed(facts) ? (facts->lost ? OUTBOX_CANNOT_WRITE : OUTBOX_NO_MEMORY) : error;
}

/* Facts of people that stood and do not any more go to those of before. */
static outbox_error follow_facts(outbox *to, const export_result *made, spool *facts)
{
    export_contribution *gone = NULL, *former = NULL;
    size_t former_count = 0, all = 0, added = 0;
    text_view contract = made->terms->id;
    outbox_error error = find_gone(to, contract, facts, &gone, &added);
    if (error == OUTBOX_OK && added > 0)
        error = trail_facts(to, TRAIL_FORMER, contract, &former, &former_count);
    if (error == OUTBOX_OK && added > 0) {
        export_contribution *both = realloc(former, (former_count + added) * sizeof *both);
        error = both == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
        former = both == NULL ? former : both;
    }
    if (error == OUTBOX_OK && added > 0) {
        memcpy(former + former_count, gone, added * sizeof *former);
        qsort(former, former_count + added, sizeof *former, by_fact);
        for (size_t i = 0; i < former_count + added; i++)
            if (all == 0 || by_fact(&former[all - 1], &former[i]) != 0)
                former[all++] = former[i];
        error = trail_set_facts(to, TRAIL_FORMER, contract, former, all);
    }
    free(gone);
    free(former);
    return error;
}

/* The facts take the place of those that stood. */
static outbox_error replace_facts(outbox *to, text_view contract, spool *facts)
{
    uint8_t bytes[READ_FACTS * TRAIL_FACT];
    outbox_blob *blob;
    spool_reader from;
    size_t at = 0, used = 0;
    char *block = spool_room(facts);
    if (block == NULL)
        return OUTBOX_NO_MEMORY;
    outbox_error error = outbox_blob_make(to, TRAIL_CONTRIBUTIONS, contract, (size_t)facts->count * TRAIL_FACT, &blob);
    spool_read(&from, facts, 0, facts->count, block);
    for (const void *fact = spool_next(&from); error == OUTBOX_OK && (fact != NULL || used > 0);) {
        for (; fact != NULL && used < sizeof bytes; used += TRAIL_FACT, fact = spool_next(&from))
            memcpy(bytes + used, fact, TRAIL_FACT);
        error = outbox_blob_write(blob, at, bytes, used);
        at += used;
        used = 0;
    }
    outbox_blob_close(&blob);
    return error == OUTBOX_OK && spool_failed(facts) ? (facts->lost ? OUTBOX_CANNOT_WRITE : OUTBOX_NO_MEMORY) : error;
}

static bool has_line(const batch_buffer *lines, text_view code)
{
    for (size_t at = 0; at < lines->size;) {
        const char *start = (const char *)lines->data + at, *end = memchr(start, '\n', lines->size - at);
        size_t size = end == NULL ? lines->size - at : (size_t)(end - start);
        if (text_equal((text_view){start, size}, code))
            return true;
        at += size + 1;
    }
    return false;
}

static outbox_error follow_actions(outbox *to, const export_result *made)
{
    batch_buffer lines;
    batch_buffer_init(&lines, OUTBOX_VALUE_MAX);
    outbox_error error = read_value(to, ACTIONS, made->terms->id, &lines);
    size_t before = lines.size;
    for (unsigned i = 0; error == OUTBOX_OK && i < made->terms->action_count; i++) {
        text_view code = made->terms->actions[i].code;
        if (!made->terms->actions[i].allowed || has_line(&lines, code))
            continue;
        batch_buffer_append(&lines, code.at, code.size);
        batch_buffer_append(&lines, "\n", 1);
    }
    if (error == OUTBOX_OK && lines.failed)
        error = OUTBOX_NO_MEMORY;
    if (error == OUTBOX_OK && lines.size > before)
        error = outbox_set(to, ACTIONS, made->terms->id, bytes_of(&lines));
    batch_buffer_release(&lines);
    return error;
}

outbox_error trail_follow(outbox *to, const export_result *made, spool *facts, bool differ)
{
    outbox_error error = follow_facts(to, made, facts);
    if (error == OUTBOX_OK && differ)
        error = replace_facts(to, made->terms->id, facts);
    if (error == OUTBOX_OK)
        error = trail_add_people(to, TRAIL_PEOPLE, made->terms->id, made->people.people, made->people.count);
    if (error == OUTBOX_OK)
        error = follow_actions(to, made);
    if (error != OUTBOX_OK)
        outbox_spoil(to, error);
    return error;
}

outbox_error trail_actions(outbox *from, text_view contract, void (*tell)(void *data, text_view code), void *data)
{
    batch_buffer lines;
    batch_buffer_init(&lines, OUTBOX_VALUE_MAX);
    outbox_error error = read_value(from, ACTIONS, contract, &lines);
    for (size_t at = 0; error == OUTBOX_OK && at < lines.size;) {
        const char *start = (const char *)lines.data + at, *end = memchr(start, '\n', lines.size - at);
        size_t size = end == NULL ? lines.size - at : (size_t)(end - start);
        tell(data, (text_view){start, size});
        at += size + 1;
    }
    batch_buffer_release(&lines);
    return error;
}
