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

#endif
