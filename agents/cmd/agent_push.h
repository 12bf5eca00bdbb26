/*
 * agent_push: one push, from two files to the hub's acknowledgement. It is made at once and then
 * waits; whoever runs the loop (the command itself, or `serve`) asks it now and then whether it is over.
 */
#ifndef CTAI_AGENT_PUSH_H
#define CTAI_AGENT_PUSH_H

#include "agent_call.h"
#include "enqueue.h"

typedef struct agent_push {
    cli_call *call;
    runtime *loop;
    uint64_t deadline_ms;
    outbox_tally before; /* of the loop, when the push began */
    size_t left_out, errors; /* rows */
    enqueue_result queued;
    unsigned long failures; /* of the loop's outbox, when the push began */
    unsigned notes; /* contracts that were to be pushed anew, before this push */
} agent_push;

/* Makes the records and queues them; CLI_DONE when something is to be waited for or not, else an exit code, said. */
int agent_push_make(agent_push *self, cli_call *call, runtime *loop) __attribute__((warn_unused_result));

/* Is there nothing (more) to wait for? */
bool agent_push_over(const agent_push *self, uint64_t now_ms);

/* "Enregistrements : 2 nouveaux, 0 modifié, 0 retiré, 5 inchangés.", with lead as its first words. */
void agent_push_counts(FILE *to, const char *lead, const enqueue_result *queued);

/* Says what became of it; the exit code. */
int agent_push_end(agent_push *self);

#endif
