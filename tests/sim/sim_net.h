/*
 * sim_net: connections between agents and hubs: each is FIFO both ways while it lives; what a dead one had under way
 * to the hub may still arrive, late. Also the agents' agent_link.
 */
#ifndef CTAI_SIM_NET_H
#define CTAI_SIM_NET_H

#include "sim.h"

void net_reset(void);

/* Events. */
void net_handshake(unsigned connection);
void net_message(unsigned message);
void net_agent_loses(unsigned connection);
void net_hub_loses(unsigned connection);

/* Troubles. */
void net_cut(uint64_t chance);                            /* some connection */
void net_block(unsigned agent, unsigned hub, uint64_t for_ms); /* nothing passes for so long */
void net_hold(unsigned agent, uint64_t for_ms);           /* what it has sent arrives so much later */
/* What it has sent does not arrive before it is let go: the batches of a scope. */
void net_keep(unsigned agent);
void net_let_go(unsigned identity, unsigned scope);
void net_heal(void);
/* The ends of a process: the system closes its connections. */
void net_agent_died(unsigned agent);
void net_hub_died(unsigned hub);

/* The hub's end of a connection, for sim_zmq. */
bool net_send_to_agent(unsigned connection, unsigned hub, const void *data, size_t size);
void net_hub_closes(unsigned connection);
bool net_lives_at_hub(unsigned connection, unsigned hub);
unsigned net_agent_of(unsigned connection);

#endif
