/* hub_contract_show: a registered contract as JSON: what list and show both say. */
#ifndef CTAI_HUB_CONTRACT_SHOW_H
#define CTAI_HUB_CONTRACT_SHOW_H

#include <jansson.h>

#include "store_contract.h"

json_t *hub_contract_show_head(const store_contract *one);

#endif
