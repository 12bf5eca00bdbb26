/*
 * hub_approval: what `agent approve` and `agent replace` share: the request that comes in, the approval that
 * goes out.
 */
#ifndef CTAI_HUB_APPROVAL_H
#define CTAI_HUB_APPROVAL_H

#include "credential.h"
#include "hub_base.h"

typedef struct {
    cli_call *call;
    hub_base *base;
    arena *memory;
    credential_identity identity; /* who asks */
    unsigned address_count;
    char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT];
    char file[CREDENTIAL_NAME_MAX + 16]; /* NOM.approbation */
} hub_approval;

/* Reads the operand `demande` into identity. All give an exit code, with what was wrong said. */
int hub_approval_read(hub_approval *self);

/* Where agents reach this hub. */
int hub_approval_find_addresses(hub_approval *self);

/* Writes the approval, with all the contracts that the database gives the agent, to -o or the current folder. */
int hub_approval_give(hub_approval *self);

/* Where it was written. */
const char *hub_approval_path(const hub_approval *self);

#endif
