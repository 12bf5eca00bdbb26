/* disclosure_list: see disclosure_list.h. A list is a set of the indicator's details, one bit each. */
#include "disclosure_list.h"

#include <string.h>

static unsigned bits_of(const region_table *table, const region_cell *cell)
{
    const catalogue_indicator *what = &table->indicators[cell->indicator].what;
    unsigned bits = 0;
    for (size_t start = 0; cell->has_value && start < cell->shown.size;) {
        const char *at = cell->shown.at + start, *end = memchr(at, ';', cell->shown.size - start);
        text_view item = { at, end ? (size_t)(end - at) : cell->shown.size - start };
        for (unsigned i = 0; i < what->detail_count; i++)
            if (text_equal(what->details[i], item))
                bits |= 1u << i;
        start += item.size + 1;
    }
    return bits;
}

/* Under a published union: what the others publish, and how many are masked. */
typedef struct {
    unsigned published; /* bits */
    unsigned hidden;    /* contracts whose list is masked, with no published department between */
    unsigned least;     /* the fewest possible lists of a masked department there */
} below;

static unsigned lists_between(unsigned low, unsigned high)
{
    return 1u << __builtin_popcount(high & ~low);
}

/* What a masked department has for sure: its contracts publish it. */
static unsigned published_under(const region_table *table, unsigned department, unsigned indicator)
{
    unsigned bits = 0;
    for (unsigned t = 0; t < table->territory_count; t++) {
        const region_cell *part = region_table_cell(table, t, indicator);
        if (table->territories[t].level == REGION_CONTRACT && table->territories[t].parent == department && part && !part->masked)
            bits |= bits_of(table, part);
    }
    return bits;
}

static below look(const region_table *table, const region_cell *of)
{
    below self = { .least = UINT32_MAX };
    unsigned all = bits_of(table, of);
    for (unsigned t = 0; t < table->territory_count; t++) {
        const region_cell *part = region_table_cell(table, t, of->indicator);
        unsigned parent = table->territories[t].parent;
        const region_cell *above = region_table_cell(table, parent, of->indicator);
        if (t == of->territory || !part || (parent != of->territory && !(above && above->masked && table->territories[parent].parent == of->territory)))
            continue;
        if (!part->masked)
            self.published |= bits_of(table, part);
        else if (table->territories[t].level == REGION_CONTRACT)
            self.hidden++;
        else {
            unsigned possible = lists_between(published_under(table, t, of->indicator), all);
            self.least = possible < self.least ? possible : self.least;
        }
    }
    return self;
}

static bool tells(const region_table *table, const region_cell *of, unsigned values)
{
    unsigned all = bits_of(table, of);
    below there = look(table, of);
    if (there.hidden == 0)
        return false;
    unsigned forced = there.hidden == 1 ? all & ~there.published : 0; /* nobody else can have it */
    unsigned possible = lists_between(forced, all) - (forced == 0); /* a masked list is not empty */
    return possible < values || there.least < values;
}

void disclosure_list_protect(region_table *table, unsigned values)
{
    for (unsigned t = 0; t < table->territory_count; t++)
        for (unsigned i = 0; i < table->indicator_count; i++) {
            region_cell *cell = table->indicators[i].what.kind == CATALOGUE_LISTE ? region_table_cell(table, t, i) : NULL;
            if (cell && !cell->masked && cell->has_value && table->territories[t].level != REGION_CONTRACT
                && tells(table, cell, values))
                cell->masked = true;
        }
}
