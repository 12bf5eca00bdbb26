/* hub_agent: what the commands on agents share. */
#ifndef CTAI_HUB_AGENT_H
#define CTAI_HUB_AGENT_H

#include "hub_base.h"
#include "store_agent.h"

/* Says that no agent has that name, and which name is near; the exit code. */
int hub_agent_unknown(cli_call *call, hub_base *base, arena *memory, const char *name);

#endif
