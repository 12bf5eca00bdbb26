/*
 * writer: a thread with a store of its own that runs the jobs of its agents and answers them. The
 * link gives all jobs of an agent to the same writer, so that each session is answered in the order
 * in which it asked.
 *
 * Always true: every job comes back, once, on the answers' queue. While the database is away, jobs are
 * answered LATER at once and the next try waits for a back-off (the agents keep their batches and
 * come again). What waits in the queue is committed together where it can be.
 *
 * Errors: a fault of the program or of the stored data makes the batches be tried one by one, so that
 * one of them cannot hold up the others; one that the tables do not take (DATABASE_DATA), tried alone, is put
 * in quarantine. After WRITER_FAULTS_MAX faults in a row, or WRITER_ASIDE_MAX batches of several agents that were put
 * aside with no good one between them (it is not the batches, then), the writer counts as failed and the hub has to stop.
 */
#ifndef CTAI_WRITER_H
#define CTAI_WRITER_H

#include "job.h"

enum {
    WRITER_MERGE_BATCHES = 32,            /* in one commit */
    WRITER_MERGE_BYTES = 2 * 1024 * 1024, /* likewise, unless one batch alone has more */
    WRITER_RETRY_MS_MIN = 100,
    WRITER_RETRY_MS_MAX = 5000,
    WRITER_FAULTS_MAX = 8,
    WRITER_ASIDE_MAX = 8,
};

typedef struct writer writer;

/* Starts the thread. answers outlives it. NULL: memory, descriptors or threads are short. */
writer *writer_new(const store_options *options, job_queue *answers);
/* Finishes what it was given, answers it, ends the thread. */
void writer_destroy(writer **self);

/* Hands a job over until it comes back. */
void writer_give(writer *self, job *what);

/* Has the store failed for good? */
bool writer_failed(const writer *self);

#endif
