/* hub_status_keys: what `ctai-hub status` says of the linkage key of a scope. */
#ifndef CTAI_HUB_STATUS_KEYS_H
#define CTAI_HUB_STATUS_KEYS_H

#include <jansson.h>
#include <stdio.h>

#include "store_status.h"

/* Adds "cles", "retards" and "non_rattaches" to the scope's object. */
void hub_status_keys_add(json_t *to, const store_status_scope *scope);

/* The lines under the scope's own. */
void hub_status_keys_tell(const store_status_scope *scope, FILE *to);

#endif
