/* sim_export: exports without tables: what export_make would have made of an operator's two files. */
#ifndef CTAI_SIM_EXPORT_H
#define CTAI_SIM_EXPORT_H

#include "export.h"
#include "outbox.h"
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
    wire_action actions[SIM_ACTIONS]; /* terms points here */
    unsigned contribution_count;
    export_contribution contributions[SIM_FACTS_MAX];
} sim_export;

/* The local number of a fact's person. */
const char *sim_person(unsigned fact);
/* What then stands: what is exported, and of what stood before that which nothing is said of. False: it cannot be read now. */
bool sim_export_trail(sim_export *self, outbox *box, const uint8_t *record_key, bool complete);

void sim_export_result(const sim_export *self, bool complete, export_result *to);

#endif
