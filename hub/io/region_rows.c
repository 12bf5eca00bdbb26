/* region_rows: see the header. */
#include "region_rows.h"

#include <string.h>

text_view region_rows_text(arena *from, const database_result *result, int row, int column, bool *failed)
{
    char *copy = arena_text(from, text_of(database_text(result, row, column)));
    *failed |= !copy;
    return text_of(copy);
}

/* The next of "a,b,c"; false at the end. */
static bool next_item(text_view *rest, text_view *item)
{
    if (rest->size == 0)
        return false;
    const char *end = memchr(rest->at, ',', rest->size);
    *item = (text_view){rest->at, end ? (size_t)(end - rest->at) : rest->size};
    rest->at += item->size + (end != NULL);
    rest->size -= item->size + (end != NULL);
    return true;
}

static bool read_kind(const char *kind, const char *measure, catalogue_indicator *what)
{
    static const fact_unit measures[] = {FACT_UNIT_COUNT, FACT_UNIT_MINUTES, FACT_UNIT_CENTS, FACT_UNIT_DAYS};
    int at = 0;
    while (at < CATALOGUE_KIND_COUNT && strcmp(kind, catalogue_kind_name((catalogue_kind)at)) != 0)
        at++;
    if (at == CATALOGUE_KIND_COUNT)
        return false;
    what->kind = (catalogue_kind)at;
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        if (strcmp(measure, catalogue_measure_name(measures[i])) == 0)
            what->measure = measures[i];
    return true;
}

bool region_rows_indicator(arena *from, const database_result *result, int row, int first, catalogue_indicator *what)
{
    bool failed = false;
    *what = (catalogue_indicator){
        .code = region_rows_text(from, result, row, first, &failed),
        .label = region_rows_text(from, result, row, first + 1, &failed),
        .unit = region_rows_text(from, result, row, first + 2, &failed),
        .bpi = database_flag(result, row, first + 8),
        .under_25 = database_flag(result, row, first + 9),
        .not_done = database_flag(result, row, first + 11),
    };
    text_view types = region_rows_text(from, result, row, first + 5, &failed), item;
    text_view details = region_rows_text(from, result, row, first + 6, &failed);
    if (failed || !read_kind(database_text(result, row, first + 3), database_text(result, row, first + 4), what))
        return false;
    while (what->type_count < CATALOGUE_TYPES_MAX && next_item(&types, &item)) {
        fact_type type = fact_find(item);
        if (type == FACT_NONE)
            return false;
        what->types[what->type_count++] = type;
    }
    while (what->detail_count < CATALOGUE_DETAILS_MAX && next_item(&details, &item))
        what->details[what->detail_count++] = item;
    const char *sex = database_text(result, row, first + 7);
    what->sex = *sex == 'F' ? RECORD_SEX_F : *sex == 'H' ? RECORD_SEX_H : RECORD_SEX_NONE;
    what->share = what->kind == CATALOGUE_ASSIDUITE ? (unsigned)database_integer(result, row, first + 10) : 0;
    return true;
}

database_parameter region_rows_month(char text[DATABASE_NUMBER_TEXT], civil_month month)
{
    return month == CIVIL_NONE ? DATABASE_NULL : database_number(text, month / 12 * 100 + month % 12 + 1);
}

civil_month region_rows_read_month(const database_result *result, int row, int column)
{
    int64_t number = database_integer(result, row, column);
    return database_null(result, row, column) ? CIVIL_NONE : (civil_month)(number / 100 * 12 + number % 100 - 1);
}
