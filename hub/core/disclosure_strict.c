/* disclosure_strict: see disclosure_strict.h. */
#include "disclosure_strict.h"

#include <stdlib.h>
#include <string.h>

#include "region_shown.h"

/* The same cell of the release before, or NULL. */
static const region_cell *before(const region_table *then, const region_table *now, const region_cell *cell)
{
    const region_territory *where = &now->territories[cell->territory];
    unsigned territory = 0, indicator = 0;
    while (territory < then->territory_count
           && !(then->territories[territory].level == where->level
                && text_equal(then->territories[territory].department, where->department)
                && text_equal(then->territories[territory].contract, where->contract)))
        territory++;
    while (indicator < then->indicator_count
           && !text_equal(then->indicators[indicator].what.code, now->indicators[cell->indicator].what.code))
        indicator++;
    return territory < then->territory_count && indicator < then->indicator_count
               ? region_table_cell(then, territory, indicator) : NULL;
}

static bool is_few(int64_t rests, unsigned threshold)
{
    return rests >= 1 && rests < (int64_t)threshold;
}

/* Repeats what was said then; the number that it has in truth is kept as few or not. */
static void repeat(region_cell *cell, const region_cell *then, unsigned threshold)
{
    if (cell->amount == then->amount && cell->rests == then->rests && cell->has_value == then->has_value)
        return;
    cell->masked = is_few(cell->rests, threshold);
    cell->has_value = then->has_value;
    cell->amount = then->amount;
    cell->rests = then->rests;
    cell->of_records = then->of_records;
    cell->shown = then->shown;
    cell->repeated = true;
}

static bool has_moved(const region_cell *cell, const region_cell *then, unsigned threshold)
{
    return llabs((long long)cell->rests - (long long)then->rests) >= (long long)threshold;
}

static bool show(const region_table *table, region_cell *cell, arena *from)
{
    char text[REGION_SHOWN_MAX];
    region_shown_number(&table->indicators[cell->indicator].what, cell->amount, cell->of_records, text);
    char *kept = arena_text(from, text_of(text));
    if (kept)
        cell->shown = text_of(kept);
    return kept != NULL;
}

static bool is_under(const region_table *table, unsigned down, unsigned up)
{
    return table->territories[down].level == REGION_CONTRACT
           && (table->territories[down].parent == up || table->territories[up].level == REGION_WHOLE);
}

/* A list over contracts, as they are said now. */
static bool unite(region_table *table, region_cell *sum, arena *from)
{
    text_view *lists = arena_take(from, (table->territory_count + 1) * sizeof *lists);
    unsigned count = 0;
    for (unsigned t = 0; lists && t < table->territory_count; t++) {
        const region_cell *part = is_under(table, t, sum->territory) ? region_table_cell(table, t, sum->indicator) : NULL;
        if (part && part->has_value)
            lists[count++] = part->shown;
    }
    text_view all = { NULL, 0 };
    if (lists)
        all = region_shown_union(&table->indicators[sum->indicator].what, lists, count, from);
    if (!all.at)
        return false;
    sum->repeated = !text_equal(all, sum->shown);
    sum->shown = all;
    sum->has_value = all.size > 0;
    return true;
}

/* A sum follows what its contracts say; truth: the table's cells as they were. */
static bool follow(region_table *table, const region_cell *truth, region_cell *sum, unsigned threshold, arena *from)
{
    int64_t amount = 0, rests = 0, of_records = 0;
    for (unsigned t = 0; t < table->territory_count; t++) {
        const region_cell *part = is_under(table, t, sum->territory) ? region_table_cell(table, t, sum->indicator) : NULL;
        if (!part)
            continue;
        const region_cell *was = &truth[part - table->cells];
        amount += part->amount - was->amount;
        rests += part->rests - was->rests;
        of_records += part->of_records - was->of_records;
    }
    if (amount == 0 && rests == 0 && of_records == 0)
        return true;
    catalogue_kind kind = table->indicators[sum->indicator].what.kind;
    sum->masked = is_few(sum->rests, threshold);
    sum->amount += amount;
    sum->rests += rests;
    sum->of_records += of_records;
    if (kind == CATALOGUE_LISTE)
        return unite(table, sum, from);
    sum->repeated = true;
    if (kind == CATALOGUE_DUREE_MOYENNE) {
        sum->has_value = sum->of_records > 0;
        if (!sum->has_value)
            sum->shown = (text_view){ "", 0 };
    }
    return !sum->has_value || show(table, sum, from);
}

bool disclosure_strict_apply(region_table *table, const region_table *const *earlier, unsigned earlier_count,
                             unsigned threshold, arena *from)
{
    const region_table *last = NULL;
    for (unsigned i = 0; i < earlier_count; i++)
        if (earlier[i]->from == table->from && earlier[i]->to == table->to)
            last = earlier[i];
    for (unsigned i = 0; i < table->cell_count; i++)
        table->cells[i].repeated = table->cells[i].masked = false;
    if (!last)
        return true;
    region_cell *truth = arena_take(from, (table->cell_count + 1) * sizeof *truth);
    if (!truth)
        return false;
    memcpy(truth, table->cells, table->cell_count * sizeof *truth);
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < table->cell_count; i++) {
            region_cell *cell = &table->cells[i];
            const region_indicator *of = &table->indicators[cell->indicator];
            bool alone = of->is_distinct || table->territories[cell->territory].level == REGION_CONTRACT;
            if (of->basis == REGION_RESTS_ON_NOBODY)
                continue;
            const region_cell *then = pass == 0 && alone ? before(last, table, cell) : NULL;
            if (then && !has_moved(cell, then, threshold))
                repeat(cell, then, threshold);
            if (pass == 1 && !alone && !follow(table, truth, cell, threshold, from))
                return false;
        }
    return true;
}
