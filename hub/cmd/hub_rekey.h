/*
 * hub_rekey: whom a revocation sends to work: an operator that is cut off still knows the linkage keys of its scopes, and
 * their coordinators have to renew them. The hub cannot: it never has a linkage key.
 */
#ifndef CTAI_HUB_REKEY_H
#define CTAI_HUB_REKEY_H

#include <jansson.h>

#include "hub_base.h"
#include "store_agent.h"

/* A scope whose key is to be renewed; coordinators: agents' names, from the contracts of which the agent had an action. */
typedef struct {
    text_view scope;
    unsigned coordinator_count;
    text_view *coordinators; /* none: its contracts name none that has an agent, other than this one */
} hub_rekey_scope;

/* The scopes of an agent, in the arena. A contract that cannot be read names no coordinator. */
database_error hub_rekey_find(hub_base *base, const store_agent *agent, arena *memory, hub_rekey_scope **scopes, unsigned *count)
    __attribute__((warn_unused_result));

json_t *hub_rekey_json(const hub_rekey_scope *scopes, unsigned count);

/* Who has to do what, in French. */
void hub_rekey_tell(cli_call *call, const char *agent, const hub_rekey_scope *scopes, unsigned count);

#endif
