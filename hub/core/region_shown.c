/* region_shown: see the header. */
#include "region_shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Hundredths without trailing zeros: 950 -> "9.5". */
static void write_hundredths(int64_t hundredths, char text[REGION_SHOWN_MAX])
{
    int64_t whole = hundredths / 100, part = hundredths % 100;
    if (part == 0)
        snprintf(text, REGION_SHOWN_MAX, "%" PRId64, whole);
    else if (part % 10 == 0)
        snprintf(text, REGION_SHOWN_MAX, "%" PRId64 ".%d", whole, (int)(part / 10));
    else
        snprintf(text, REGION_SHOWN_MAX, "%" PRId64 ".%02d", whole, (int)part);
}

/* Half up: floor(minutes * 5 / 3 + 1 / 2), in parts so that nothing overflows. */
static int64_t hundredths_of_hours(int64_t minutes)
{
    return minutes / 60 * 100 + (minutes % 60 * 10 + 3) / 6;
}

/* Tenths of a month of 30.4375 days, half up. */
static int64_t tenths_of_months(int64_t days, int64_t count)
{
    return (days * 200000 + count * 304375) / (count * 608750);
}

void region_shown_number(const catalogue_indicator *what, int64_t amount, int64_t of_records, char text[REGION_SHOWN_MAX])
{
    if (what->kind == CATALOGUE_DUREE_MOYENNE) {
        int64_t tenths = tenths_of_months(amount, of_records);
        snprintf(text, REGION_SHOWN_MAX, "%" PRId64 ".%d", tenths / 10, (int)(tenths % 10));
    } else if (what->measure == FACT_UNIT_MINUTES) {
        write_hundredths(hundredths_of_hours(amount), text);
    } else if (what->measure == FACT_UNIT_CENTS) {
        write_hundredths(amount, text);
    } else {
        snprintf(text, REGION_SHOWN_MAX, "%" PRId64, amount);
    }
}

static bool is_in_list(text_view list, text_view wanted)
{
    while (list.size > 0) {
        const char *end = memchr(list.at, ';', list.size);
        text_view one = {list.at, end ? (size_t)(end - list.at) : list.size};
        if (text_equal(one, wanted))
            return true;
        list.at += one.size + (end != NULL);
        list.size -= one.size + (end != NULL);
    }
    return false;
}

text_view region_shown_union(const catalogue_indicator *what, const text_view *lists, unsigned count, arena *from)
{
    size_t capacity = 1, size = 0;
    for (unsigned i = 0; i < what->detail_count; i++)
        capacity += what->details[i].size + 1;
    char *text = arena_take(from, capacity);
    if (!text)
        return (text_view){NULL, 0};
    for (unsigned i = 0; i < what->detail_count; i++) {
        bool found = false;
        for (unsigned k = 0; k < count && !found; k++)
            found = is_in_list(lists[k], what->details[i]);
        if (!found)
            continue;
        if (size > 0)
            text[size++] = ';';
        memcpy(text + size, what->details[i].at, what->details[i].size);
        size += what->details[i].size;
    }
    return (text_view){text, size};
}
