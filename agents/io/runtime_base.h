/* runtime_base: what the files of the runtime share. Inside runtime alone. */
#ifndef CTAI_RUNTIME_BASE_H
#define CTAI_RUNTIME_BASE_H

#include "agent_link.h"
#include "runtime.h"

struct runtime {
    const agent_home *agent;
    outbox *box;
    agent_link *link;
    agent_session session;
    arena *scratch;
    batch_buffer message;
    outbox_tally tally;
    outbox_error storage; /* the last failure */
    unsigned long failures;
    bool met, heard; /* heard: a message came in this step */
    bool logs;
    bool writing; /* a transaction of the outbox is open */
    bool unkept; /* something that the session believes could not be written, or it may not know all that was */
    outbox_tally before; /* the tally at the transaction's beginning */
    unsigned long told;
    bool forgets; /* batches may have gone from the outbox since it was last shrunk */
    agent_event answer; /* to an effect that asks for one, when answered is true */
    char answer_scope[BATCH_SCOPE_MAX + 1];
    uint8_t answer_hash[CRYPTO_HASH];
    uint8_t differs[WIRE_BUCKETS / 8]; /* COMPARED points here */
    bool answered;
};

/* A failure of the outbox, counted, and logged once. */
void runtime_storage_failed(runtime *self, outbox_error error);
/* Opens the step's transaction at its first write; false when there is none to be had. */
bool runtime_write(runtime *self);
/* Commits it, if there is one; false: nothing of it is written. */
bool runtime_commit(runtime *self);

/* Hands a message to the link; false when it cannot be. */
bool runtime_send(runtime *self, const wire_message *message) __attribute__((warn_unused_result));

/* The event that answers the present effect. */
agent_event *runtime_answer(runtime *self, agent_event_type type, const char *scope);
/* What was asked for cannot be done now: the connection goes, and the session tries again. */
void runtime_answer_lost(runtime *self);

/* In runtime_resume.c: the effects of a renewal or of the comparison with the hub. */
void runtime_resume(runtime *self, const agent_effect *effect);

#endif
