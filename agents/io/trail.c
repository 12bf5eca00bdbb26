/* trail: see trail.h. */
#include "trail.h"

#include <stdlib.h>
#include <string.h>

enum { FACT_BYTES = 2 * RECORD_KEY + 4 + 1 };

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

void trail_pack(batch_buffer *to, const export_contribution *one)
{
    uint8_t bytes[FACT_BYTES];
    uint32_t day = (uint32_t)one->day;
    memcpy(bytes, one->event, RECORD_KEY);
    memcpy(bytes + RECORD_KEY, one->subject, RECORD_KEY);
    for (int i = 0; i < 4; i++)
        bytes[2 * RECORD_KEY + i] = (uint8_t)(day >> (8 * i));
    bytes[2 * RECORD_KEY + 4] = one->flags;
    batch_buffer_append(to, bytes, sizeof bytes);
}

static void unpack(export_contribution *one, const uint8_t bytes[FACT_BYTES])
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
    outbox_error error = read_items(from, name, contract, FACT_BYTES, &bytes, count);
    if (error == OUTBOX_OK && *count > 0) {
        *facts = calloc(*count, sizeof **facts);
        error = *facts == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
    }
    for (size_t i = 0; *facts != NULL && i < *count; i++)
        unpack(&(*facts)[i], bytes + i * FACT_BYTES);
    free(bytes);
    return error;
}

outbox_error trail_set_facts(outbox *to, const char *name, text_view contract, const export_contribution *facts, size_t count)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, OUTBOX_VALUE_MAX);
    for (size_t i = 0; i < count; i++)
        trail_pack(&bytes, &facts[i]);
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

/* Does the fact still stand of the same person in the same month, so that its records have the same keys? */
static bool still_stands(const export_result *made, const export_contribution *fact)
{
    size_t low = 0, high = made->contribution_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(made->contributions[middle].event, fact->event, RECORD_KEY) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const export_contribution *now = &made->contributions[low];
    return low < made->contribution_count && memcmp(now->event, fact->event, RECORD_KEY) == 0
        && memcmp(now->subject, fact->subject, RECORD_KEY) == 0 && civil_month_of(now->day) == civil_month_of(fact->day);
}

/* Facts of people that stood and do not any more go to those of before. */
static outbox_error follow_facts(outbox *to, const export_result *made)
{
    static const uint8_t nobody[RECORD_KEY];
    export_contribution *stood = NULL, *former = NULL;
    size_t stood_count, former_count = 0, all = 0, added = 0;
    text_view contract = made->terms->id;
    outbox_error error = trail_facts(to, TRAIL_CONTRIBUTIONS, contract, &stood, &stood_count);
    for (size_t i = 0; error == OUTBOX_OK && i < stood_count; i++)
        if (memcmp(stood[i].subject, nobody, RECORD_KEY) != 0 && !still_stands(made, &stood[i]))
            stood[added++] = stood[i];
    if (error == OUTBOX_OK && added > 0)
        error = trail_facts(to, TRAIL_FORMER, contract, &former, &former_count);
    if (error == OUTBOX_OK && added > 0) {
        export_contribution *both = realloc(former, (former_count + added) * sizeof *both);
        error = both == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
        former = both == NULL ? former : both;
    }
    if (error == OUTBOX_OK && added > 0) {
        memcpy(former + former_count, stood, added * sizeof *former);
        qsort(former, former_count + added, sizeof *former, by_fact);
        for (size_t i = 0; i < former_count + added; i++)
            if (all == 0 || by_fact(&former[all - 1], &former[i]) != 0)
                former[all++] = former[i];
        error = trail_set_facts(to, TRAIL_FORMER, contract, former, all);
    }
    free(stood);
    free(former);
    return error;
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

outbox_error trail_follow(outbox *to, const export_result *made)
{
    outbox_error error = follow_facts(to, made);
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
