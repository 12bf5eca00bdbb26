/*
 * job: what the link's thread asks of a writer's thread, with the answer in the same place; and the
 * queue that carries jobs one way, in order. A queue is bounded by the sessions' credit: every job in
 * it belongs to a session that has been given room for it.
 */
#ifndef CTAI_JOB_H
#define CTAI_JOB_H

#include "store_ask.h"

typedef enum {
    JOB_LOAD,      /* HUB_EFFECT_LOAD: message is the HELLO */
    JOB_STORE,     /* HUB_EFFECT_STORE: header, message, quarantine, frame */
    JOB_ASK,       /* HUB_EFFECT_ASK: message is the RENEW, SURVEY or LIST */
    JOB_CONTRACTS, /* rights, or what is stable, may have changed: like LOAD without a HELLO */
    JOB_ALARM,     /* HUB_EFFECT_ALARM: alarm; there is no answer, but the job comes back all the same */
} job_type;

typedef struct job {
    struct job *next;
    job_type type;
    uint64_t session;              /* the link's number of the session that asks */
    uint8_t agent[CRYPTO_PUBLIC];
    wire_message message;          /* LOAD, STORE, ASK; points into the frame, which the owner keeps, and scratch */
    text_view frame;               /* STORE: the message as it came */
    batch_header header;           /* STORE */
    bool quarantine;               /* STORE */
    uint64_t bytes;                /* STORE: of the message */
    struct { wire_refusal reason; char scope[BATCH_SCOPE_MAX + 1]; uint64_t sequence; } alarm;
    arena *scratch;                /* the request's and the answer's */
    /* The answer. */
    hub_stored stored;             /* LOAD, CONTRACTS: COMMITTED (state is filled in), NO_RIGHT, FORK or LATER */
    store_state state;             /* LOAD, CONTRACTS */
    store_outcome outcome;         /* STORE */
    store_answer answer;           /* ASK; in scratch */
} job;

typedef struct job_queue job_queue;

/* NULL when memory or descriptors are short. */
job_queue *job_queue_new(void);
/* Must be empty. */
void job_queue_destroy(job_queue **self);

/* Adds a job at the end; never fails. */
void job_queue_push(job_queue *self, job *what);

/* All that is there, as a list in order, or NULL; does not wait. */
job *job_queue_take(job_queue *self);

/* Waits until there is a job or the queue is closed: the list, or NULL when it is closed and empty. */
job *job_queue_wait(job_queue *self, int timeout_ms);

/* Readable while jobs are there or the queue is closed. */
int job_queue_descriptor(const job_queue *self);

/* No more will come: wakes who waits. */
void job_queue_close(job_queue *self);
bool job_queue_closed(job_queue *self);

#endif
