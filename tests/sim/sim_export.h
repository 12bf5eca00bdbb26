/* sim_export: exports without tables: what export_make would have made of an operator's two files. */
#ifndef CTAI_SIM_EXPORT_H
#define CTAI_SIM_EXPORT_H

#include "export.h"
#include "sim.h"

/* One contract's export under way. */
typedef struct {
    unsigned contract;
    const token_key *key;
    unsigned count, retained_count;
    unsigned facts[SIM_FACTS_MAX];
    sim_content contents[SIM_FACTS_MAX];
    uint8_t retained[SIM_FACTS_MAX][RECORD_KEY];
    wire_contract terms;
} sim_export;

void sim_export_result(const sim_export *self, bool complete, export_result *to);

#endif
