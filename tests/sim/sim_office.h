/* sim_office: an operator and its table of facts: what changes in it, and people who ask for erasure. */
#ifndef CTAI_SIM_OFFICE_H
#define CTAI_SIM_OFFICE_H

#include "agent_home.h"
#include "outbox.h"
#include "sim.h"

void office_reset(void);
/* One that was never used. */
uint64_t office_value(void);

/* Facts are added, changed and taken away, but for those of people who were forgotten (a bit each); marks those that did. */
void office_edit(unsigned identity, unsigned contract, sim_content *table, sim_content *before, uint32_t forgotten, bool *touched);

/*
 * Now and then a person asks for erasure: the office takes the facts out of its table for good, and says so to its
 * agent. Not OUTBOX_OK: nothing is sure.
 */
outbox_error office_forgets(unsigned agent, outbox *box, const agent_home *keys, sim_content *const *table,
                            sim_content *const *before, uint32_t *forgotten);

#endif
