#include "region_table.h"

region_cell *region_table_cell(const region_table *self, unsigned territory, unsigned indicator)
{
    unsigned low = 0, high = self->cell_count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const region_cell *at = &self->cells[middle];
        if (at->territory < territory || (at->territory == territory && at->indicator < indicator))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == self->cell_count || self->cells[low].territory != territory || self->cells[low].indicator != indicator)
        return NULL;
    return &self->cells[low];
}
