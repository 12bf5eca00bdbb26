/* disclosure: see disclosure.h. */
#include "disclosure.h"

#include <assert.h>

#include "disclosure_block.h"

disclosure_outcome disclosure_control(region_table *table, const region_table *const *earlier, unsigned earlier_count,
                                      const disclosure_options *options, arena *from, disclosure_result *result)
{
    assert(options->threshold >= 2 && options->values >= 2);
    *result = (disclosure_result){ 0 };
    table->threshold = options->threshold;
    result->primary = result->masked = disclosure_block_rule(table, options->threshold);
    return DISCLOSURE_DONE;
}
