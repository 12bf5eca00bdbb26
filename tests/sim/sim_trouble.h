/* sim_trouble: the world that a seed makes, what goes wrong in it and when, and how it is healed. */
#ifndef CTAI_SIM_TROUBLE_H
#define CTAI_SIM_TROUBLE_H

#include "sim.h"

void trouble_make_world(void);
void trouble_begin(void);
uint64_t trouble_duration_ms(void);
void trouble_heal(void);
bool trouble_changed_terms(void);

/* Events. */
void trouble_push(unsigned agent);
void trouble_standby(void);
void trouble_next(void);

/* Of sim_stage. An agent's rights in a contract; heard: the hubs are told, else they find out. */
void trouble_set_rights(unsigned agent, unsigned contract, unsigned rights, bool heard);
/* The standby has all that is there now, and gets nothing more for so long. */
void trouble_hold_standby(uint64_t for_ms);
/* It is promoted, if it is held still. */
bool trouble_promote_held(void);

#endif
