/* sluice_flow: what passes through the sluice, and when: counting, waiting, faults. The sluice's lock is held. */
#ifndef CTAI_SLUICE_FLOW_H
#define CTAI_SLUICE_FLOW_H

#include <pthread.h>
#include <sys/queue.h>

#include "sluice.h"
#include "zmtp.h"

enum {
    SLUICE_FLOW_BUFFER = 32 * 1024,
    SLUICE_FLOW_SMALL_MAX = 128, /* small frames at once; then so many for each tick: */
    SLUICE_FLOW_SMALL_EACH = 4,
};

/* One direction: bytes[sent..allowed) may go on, bytes[allowed..filled) wait. */
typedef struct {
    uint8_t *bytes; /* NULL while there are none */
    unsigned sent, allowed, filled;
    bool ended; /* no more will come */
} sluice_flow;

/* A connection. */
typedef struct passage {
    uint32_t number;
    int outer, inner;      /* towards the agent; towards the ROUTER, -1 until it has said something */
    uint32_t outer_events, inner_events;
    uint64_t began_ms, gone_ms; /* gone_ms: 0 while it lives */
    sluice_flow in, out;
    zmtp up, down;
    bool shaken;           /* the ROUTER has answered the handshake to its end */
    bool asks;             /* a frame's head has passed, its body may not yet: */
    bool queued, own_full; /*   for want of room for all, of its own */
    uint64_t frame;        /* size of the frame that asks or is under way */
    uint64_t mark_ms, mark_left; /* its progress: what was left of it at that moment */
    TAILQ_ENTRY(passage) queue;
    uint64_t inside;       /* bytes counted, until the hub is done with them */
    uint64_t unseen;       /* of them, those that the hub has not received */
    uint64_t whole;        /* of these, those of whole frames */
    uint64_t whole_ms;     /* since when there are, or since the hub last received one */
    unsigned small;        /* small frames that may pass now */
    uint64_t sends, passed; /* bytes that the hub has sent; that have left */
} passage;

struct sluice {
    pthread_mutex_t lock;
    pthread_t thread;
    bool runs, stop;
    bool freed;           /* room was made, and somebody may wait for it */
    int epoll, wake, listener;
    uint32_t listener_events;
    unsigned port;        /* of the ROUTER, on 127.0.0.1 */
    char bound[ENDPOINT_TEXT];
    unsigned count, strangers, own_waiting;
    uint32_t next_slot;
    uint16_t generations[SLUICE_CONNECTIONS];
    passage *slots[SLUICE_CONNECTIONS];
    TAILQ_HEAD(, passage) waiting;
    uint64_t inside, inside_max, cut;
};

uint64_t sluice_flow_now_ms(void);

/* Lets pass what can. False: the connection has ended. */
bool sluice_flow_pump(sluice *self, passage *one, uint64_t now_ms) __attribute__((warn_unused_result));
/* Events to wait for at one of its descriptors. */
uint32_t sluice_flow_wants(const passage *one, bool inner);

bool sluice_flow_has_room(const sluice *self, uint64_t bytes);
void sluice_flow_received(passage *one, size_t bytes, uint64_t now_ms);
void sluice_flow_done(sluice *self, passage *one, size_t bytes);
bool sluice_flow_sends(passage *one, size_t bytes) __attribute__((warn_unused_result));

/* Why it has to be cut, or NULL. */
const char *sluice_flow_fault(const sluice *self, passage *one, uint64_t now_ms);
/* A tick has passed: may small frames pass that could not? */
bool sluice_flow_refill(passage *one);
/* It ends: it waits for nothing any more, and keeps no bytes. */
void sluice_flow_end(sluice *self, passage *one);
/* What the hub has not received of it by now never comes. */
void sluice_flow_forget_unseen(sluice *self, passage *one);

#endif
