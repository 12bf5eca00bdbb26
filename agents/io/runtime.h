/*
 * runtime: binds the outbox, the link and the session: turns what the sockets tell into events of
 * the session, and does the effects that it asks for. It decides on nothing: retries, order and
 * acknowledgement are the session's.
 *
 * Always true: what the session has acknowledged is in the outbox, durably, before runtime_step
 * returns, or runtime_failures tells why it is not (the hub then acknowledges it again).
 */
#ifndef CTAI_RUNTIME_H
#define CTAI_RUNTIME_H

#include <poll.h>

#include "agent_home.h"
#include "agent_session.h"
#include "outbox.h"

typedef struct runtime runtime;

/*
 * The hub is that of the approval, the batches those of the outbox; home and outbox must outlive it.
 * NULL with *error when it cannot be.
 */
runtime *runtime_new(const agent_home *agent, outbox *box, const credential_approval *approval, outbox_error *error)
    __attribute__((warn_unused_result));
void runtime_destroy(runtime **self);

/* Further addresses of the same hub, from a newer approval. */
void runtime_towards(runtime *self, const credential_approval *approval);

/* Shall troubles with the hub be told in the log? A command tells them to its user instead. */
void runtime_log(runtime *self, bool on);

/* Lets the session begin, or try again after it has stopped. */
void runtime_start(runtime *self);
/* Tells the session of what was queued in the outbox since. */
outbox_error runtime_queued(runtime *self) __attribute__((warn_unused_result));

/* Waits at most timeout_ms (-1: without end) for the hub, the session's own time, or one of the others (see agent_link_wait). */
void runtime_step(runtime *self, struct pollfd *others, unsigned count, int timeout_ms);

const agent_session *runtime_session(const runtime *self);
/* All that was acknowledged since runtime_new; only grows. */
const outbox_tally *runtime_tally(const runtime *self);
/* Has a handshake with the hub succeeded since runtime_new? */
bool runtime_met(const runtime *self);
/* Times that the hub has told its contracts. */
unsigned long runtime_told(const runtime *self);
/* How often the outbox has failed since runtime_new, and how it did last. */
unsigned long runtime_failures(const runtime *self, outbox_error *last);

/* Milliseconds of a clock that never goes back. */
uint64_t runtime_now_ms(void);

/* What was told last, for status: seconds since 1970 of the last word from the hub (0: never), why it last stopped. */
outbox_error runtime_last_contact(outbox *box, uint64_t *seconds, agent_stop *stop, wire_refusal *refusal)
    __attribute__((warn_unused_result));

/* The exit code for a stop (69, 76, 77; 75 for none), and what it means, in French, with what to do. */
int runtime_stop_code(agent_stop stop);
const char *runtime_stop_text(agent_stop stop);

#endif
