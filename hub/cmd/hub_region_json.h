/* hub_region_json: a region's report as JSON. */
#ifndef CTAI_HUB_REGION_JSON_H
#define CTAI_HUB_REGION_JSON_H

#include "hub_regional.h"

/* 0 or 70. What is masked is null. */
int hub_region_json(cli_call *call, const hub_regional *made, FILE *to) __attribute__((warn_unused_result));

#endif
