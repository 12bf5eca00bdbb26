/*
 * hub_talk: what is said on the hub's socket: messages go to the session of their sender, sessions'
 * effects to the socket and the writers, writers' answers back to the sessions. The link's thread
 * alone uses it; the link owns the socket.
 */
#ifndef CTAI_HUB_TALK_H
#define CTAI_HUB_TALK_H

#include "hub_link.h"
#include "parcel.h"
#include "peer.h"
#include "writer.h"

typedef struct {
    void *router;              /* libzmq's socket */
    sluice *network;
    const hub_keys *keys;
    gate *who;
    job_queue *answers;
    unsigned writer_count;
    writer *writers[HUB_CONF_WRITERS_MAX];
    peer_table *peers;
    parcel_pool pool;
    batch_buffer message, receipt, contracts; /* for what is being written */
    uint64_t recheck_ms;        /* when rights are to be looked at again; 0: not */
    hub_effects effects;        /* of the step being carried out */
} hub_talk;

/* False when memory is short or a writer cannot start; release it in any case. */
bool hub_talk_init(hub_talk *self, void *router, sluice *network,
                   const hub_link_options *options) __attribute__((warn_unused_result));
void hub_talk_release(hub_talk *self);

/* Takes one message from the socket, if there is one, and deals with it. */
bool hub_talk_receive(hub_talk *self, uint64_t now_ms);

/* Deals with what the writers have answered. */
void hub_talk_answers(hub_talk *self, uint64_t now_ms);

/* Looks at the rights of all who are connected: cuts the revoked, has the contracts of the others read again. */
void hub_talk_recheck(hub_talk *self, uint64_t now_ms);

/* Ends the writers after what they have in hand, and sends what that gives. */
void hub_talk_finish(hub_talk *self, uint64_t now_ms);

#endif
