/*
 * parcel: a message on its way through the hub: the frame as it came, memory for what is made of it,
 * and the job that carries it to a writer and back. The link's thread alone takes and gives them back.
 */
#ifndef CTAI_PARCEL_H
#define CTAI_PARCEL_H

#include <zmq.h>

#include "job.h"

enum {
    PARCEL_SCRATCH_BYTES = 80 * 1024 * 1024, /* at most: wire_read takes up to 16 times a message, and the answer */
    PARCEL_KEPT_MAX = 64,                    /* of those given back, for the next messages */
};

typedef struct {
    job job;           /* first: a job that comes back is its parcel; job.scratch is the parcel's */
    zmq_msg_t frame;   /* valid always; empty when the job is not of a message */
    uint32_t connection; /* the sluice's number of who sent it; 0: the job is not of a message */
} parcel;

typedef struct {
    parcel *kept[PARCEL_KEPT_MAX];
    unsigned kept_count;
} parcel_pool;

/* NULL when memory is short. */
parcel *parcel_take(parcel_pool *self);
void parcel_give(parcel_pool *self, parcel *what);
/* Frees those that were kept. */
void parcel_pool_release(parcel_pool *self);

#endif
