/* hub_operators: is an agent one of an action's operators? Others may push too, after a warning. */
#ifndef CTAI_HUB_OPERATORS_H
#define CTAI_HUB_OPERATORS_H

#include "cli.h"
#include "store_contract.h"

/* A warning on call->err for each of the actions of which the agent is not an operator. */
void hub_operators_warn(cli_call *call, const store_contract *contract, const char *agent,
                        const char *const *actions, unsigned action_count, arena *memory);

#endif
