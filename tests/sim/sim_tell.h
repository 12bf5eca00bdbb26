/* sim_tell: messages in words, for people who read a trace. */
#ifndef CTAI_SIM_TELL_H
#define CTAI_SIM_TELL_H

#include "sim.h"

void sim_tell(const char *direction, unsigned agent, unsigned connection, text_view frame);

#endif
