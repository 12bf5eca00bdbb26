/* disclosure_block: see disclosure_block.h. */
#include "disclosure_block.h"

bool disclosure_block_part(const region_indicator *part, const region_indicator *whole)
{
    return part == whole || (part->is_distinct == whole->is_distinct && catalogue_covers(&whole->what, &part->what));
}

bool disclosure_block_small(const region_table *table, const region_cell *cell, unsigned threshold)
{
    return table->indicators[cell->indicator].basis != REGION_RESTS_ON_NOBODY && cell->rests >= 1
           && cell->rests < (int64_t)threshold;
}

bool disclosure_block_close(region_table *table, region_cell *cell)
{
    bool more = false;
    const region_indicator *whole = &table->indicators[cell->indicator];
    if (!cell->masked)
        return false;
    for (unsigned i = 0; i < table->indicator_count; i++) {
        region_cell *part = region_table_cell(table, cell->territory, i);
        if (!part || part->masked || table->indicators[i].basis == REGION_RESTS_ON_NOBODY
            || !disclosure_block_part(&table->indicators[i], whole))
            continue;
        part->masked = true;
        part->primary = cell->primary;
        more = true;
    }
    return more;
}

unsigned disclosure_block_rule(region_table *table, unsigned threshold)
{
    unsigned count = 0;
    for (unsigned i = 0; i < table->cell_count; i++) {
        region_cell *cell = &table->cells[i];
        bool few_in_truth = cell->repeated && cell->masked;
        cell->masked = cell->primary = few_in_truth || disclosure_block_small(table, cell, threshold);
    }
    /* Being part of is transitive, so once is enough. */
    for (unsigned i = 0; i < table->cell_count; i++)
        (void)disclosure_block_close(table, &table->cells[i]);
    for (unsigned i = 0; i < table->cell_count; i++)
        count += table->cells[i].masked;
    return count;
}
