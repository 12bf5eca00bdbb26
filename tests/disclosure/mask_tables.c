/*
 * mask_tables: reads releases as plain text on standard input, masks the last one as the product does, and writes what it
 * masked. One word each, in this order:
 *   options THRESHOLD VALUES STRICT(0|1)    releases COUNT
 *   then for each release: release FROM TO ("-" "-": whole contracts) INDICATORS TERRITORIES CELLS
 *     INDICATORS times: CODE KIND BASIS(0..3) DISTINCT(0|1) MEASURE(0..4) SEX(-|H|F) BPI UNDER_25 N TYPE... M DETAIL...
 *     TERRITORIES times: LEVEL(0..2) DEPARTMENT CONTRACT SCOPE PARENT
 *     CELLS times: TERRITORY INDICATOR HAS_VALUE AMOUNT RESTS OF_RECORDS MASKED PRIMARY REPEATED SHOWN
 * It writes: OUTCOME(done|refused|short) MASKED PRIMARY REPEATED VALUES SECONDS BYTES RELAXED, and for each cell of the last release
 * MASKED PRIMARY REPEATED HAS_VALUE AMOUNT RESTS OF_RECORDS SHOWN.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "disclosure.h"

static arena *memory;

static void *take(size_t size)
{
    void *at = arena_take(memory, size + 1);
    if (!at)
        exit(2);
    return at;
}

static text_view word(void)
{
    char text[256];
    if (scanf("%255s", text) != 1)
        exit(3);
    char *copy = take(strlen(text));
    memcpy(copy, text, strlen(text));
    return text_is(text_of(text), "-") ? (text_view){ "", 0 } : (text_view){ copy, strlen(text) };
}

static int64_t number(void)
{
    int64_t value;
    if (scanf("%" SCNd64, &value) != 1)
        exit(4);
    return value;
}

static void expect(const char *name)
{
    if (!text_is(word(), name))
        exit(5);
}

static catalogue_kind kind_of(text_view name)
{
    for (int i = 0; i < CATALOGUE_KIND_COUNT; i++)
        if (text_is(name, catalogue_kind_name((catalogue_kind)i)))
            return (catalogue_kind)i;
    exit(6);
}

static region_indicator read_indicator(void)
{
    region_indicator self = { 0 };
    self.what.code = word();
    self.what.kind = kind_of(word());
    self.basis = (region_basis)number();
    self.is_distinct = number() != 0;
    self.what.measure = (fact_unit)number();
    text_view sex = word();
    self.what.sex = text_is(sex, "H") ? RECORD_SEX_H : text_is(sex, "F") ? RECORD_SEX_F : RECORD_SEX_NONE;
    self.what.bpi = number() != 0;
    self.what.under_25 = number() != 0;
    self.what.type_count = (unsigned)number();
    for (unsigned i = 0; i < self.what.type_count; i++)
        self.what.types[i] = fact_find(word());
    self.what.detail_count = (unsigned)number();
    for (unsigned i = 0; i < self.what.detail_count; i++)
        self.what.details[i] = word();
    return self;
}

static region_table *read_release(void)
{
    region_table *self = take(sizeof *self);
    expect("release");
    text_view from = word(), to = word();
    self->from = from.size ? civil_month_parse(from) : CIVIL_NONE;
    self->to = to.size ? civil_month_parse(to) : CIVIL_NONE;
    self->indicator_count = (unsigned)number();
    self->territory_count = (unsigned)number();
    self->cell_count = (unsigned)number();
    self->indicators = take(self->indicator_count * sizeof *self->indicators);
    self->territories = take(self->territory_count * sizeof *self->territories);
    self->cells = take(self->cell_count * sizeof *self->cells);
    for (unsigned i = 0; i < self->indicator_count; i++)
        self->indicators[i] = read_indicator();
    for (unsigned i = 0; i < self->territory_count; i++) {
        region_territory *at = &self->territories[i];
        at->level = (region_level)number();
        at->department = word();
        at->contract = word();
        at->scope = word();
        at->parent = (unsigned)number();
    }
    for (unsigned i = 0; i < self->cell_count; i++) {
        region_cell *at = &self->cells[i];
        at->territory = (unsigned)number();
        at->indicator = (unsigned)number();
        at->has_value = number() != 0;
        at->amount = number();
        at->rests = number();
        at->of_records = number();
        at->masked = number() != 0;
        at->primary = number() != 0;
        at->repeated = number() != 0;
        at->shown = word();
    }
    return self;
}

int main(void)
{
    static const char *const outcomes[] = { "done", "refused", "short" };
    disclosure_result result;
    disclosure_options options;
    memory = arena_new((size_t)2 << 30);
    if (!memory)
        return 2;
    expect("options");
    options.threshold = (unsigned)number();
    options.values = (unsigned)number();
    options.strict = number() != 0;
    expect("releases");
    unsigned count = (unsigned)number();
    region_table **releases = take((count + 1) * sizeof *releases);
    const region_table **earlier = take((count + 1) * sizeof *earlier);
    for (unsigned i = 0; i < count; i++)
        earlier[i] = releases[i] = read_release();
    region_table *last = releases[count - 1];
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    disclosure_outcome outcome = disclosure_control(last, earlier, count - 1, &options, memory, &result);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("%s %u %u %u %u %.3f %zu %u\n", outcomes[outcome], result.masked, result.primary, result.repeated, result.values,
           seconds, arena_used(memory), result.relaxed);
    if (outcome == DISCLOSURE_REFUSED && result.cell)
        fprintf(stderr, "refused: %.*s, territory %u, of a release from %d\n",
                (int)result.release->indicators[result.cell->indicator].what.code.size,
                result.release->indicators[result.cell->indicator].what.code.at, result.cell->territory, result.release->from);
    for (unsigned i = 0; i < last->cell_count; i++) {
        const region_cell *at = &last->cells[i];
        printf("%d %d %d %d %" PRId64 " %" PRId64 " %" PRId64 " %.*s\n", at->masked, at->primary, at->repeated, at->has_value,
               at->amount, at->rests, at->of_records, at->shown.size ? (int)at->shown.size : 1, at->shown.size ? at->shown.at : "-");
    }
    arena_destroy(&memory);
    return 0;
}
