/*
 * sim_hub: the hubs: the production hub_talk, peers, sessions, gate and writers of each, over a stand-in for
 * libzmq's socket (sim_zmq), for threads and queues (here), and for PostgreSQL (sim_store).
 */
#ifndef CTAI_SIM_HUB_H
#define CTAI_SIM_HUB_H

#include "sim.h"

void hub_reset(void);
void hub_start(unsigned hub);
/* The process dies; all that it had in memory is gone. */
void hub_kill(unsigned hub);
/* It ends in good order: what the writers have is finished and answered. */
void hub_stop(unsigned hub);
bool hub_is_up(unsigned hub);
uint64_t hub_life(unsigned hub);
/* All hubs on the database hear of a change, soon, or (lost) at their next look. */
void hub_notify(bool lost);

void hub_tick(unsigned hub);
void hub_work(unsigned hub, unsigned writer);
void hub_answers(unsigned hub);
void hub_notice(unsigned hub);
/* A frame has come on a connection. */
void hub_receives(unsigned hub, unsigned connection, const void *data, size_t size);
/* Would the hub let that key in? */
bool hub_admits(unsigned hub, const uint8_t curve[CRYPTO_PUBLIC]);
/* So many bytes of messages more (or less) are inside of the hub. */
void hub_holds(unsigned hub, int64_t bytes);
int64_t hub_held(unsigned hub);

/* Asked by the stand-ins that run inside of a hub. */
unsigned hub_current(void);
/* The database took so long: what the writer does from now on is done later. */
void hub_writer_waits(uint64_t delay_ms);

/* The public keys of the hub's identity, one for all. */
const uint8_t *hub_sign_key(void);
const uint8_t *hub_curve_key(void);

/* A frame leaves a hub on a connection. */
void hub_says(unsigned connection, text_view frame);

/* sim_zmq: the current message of the hub's socket. */
typedef struct {
    unsigned connection;
    const void *data;
    size_t size;
    bool waiting, id_taken;
} hub_inbound;
hub_inbound *hub_inbound_of(void *router);
unsigned hub_of_router(const void *router);

#endif
