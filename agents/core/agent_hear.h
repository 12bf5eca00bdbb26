/*
 * agent_hear: what the hub says, and what of it is believed: positions that lie on our own chain, receipts that its
 * key has signed for batches of ours. Inside agent_session alone.
 */
#ifndef CTAI_AGENT_HEAR_H
#define CTAI_AGENT_HEAR_H

#include "agent_step.h"

/* A frame has come. */
void agent_hear(agent_step *step);

#endif
