/*
 * agent_push: one push, from two files to the hub's acknowledgement. It is made at once and then
 * waits (agent_wait).
 */
#ifndef CTAI_AGENT_PUSH_H
#define CTAI_AGENT_PUSH_H

#include "agent_wait.h"
#include "enqueue.h"

typedef struct agent_push {
    agent_wait wait; /* first */
    outbox_tally before; /* of the loop, when the push began */
    size_t left_out, errors; /* rows */
    enqueue_result queued;
    unsigned long failures; /* of the loop's outbox, when the push began */
    unsigned notes; /* contracts that were to be pushed anew, before this push */
} agent_push;

/* Makes the records and queues them (see agent_wait_run); self is zeroed but for wait. */
int agent_push_make(agent_push *self) __attribute__((warn_unused_result));

/* "Enregistrements : 2 nouveaux, 0 modifié, 0 retiré, 5 inchangés.", with lead as its first words. */
void agent_push_counts(FILE *to, const char *lead, const enqueue_result *queued);

#endif
