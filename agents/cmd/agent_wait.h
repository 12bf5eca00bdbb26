/*
 * agent_wait: a command that queues something and then waits for the hub's answer. It runs by itself,
 * with a loop of its own, or inside of `serve`, whose loop goes on while it waits.
 */
#ifndef CTAI_AGENT_WAIT_H
#define CTAI_AGENT_WAIT_H

#include "agent_call.h"

enum {
    AGENT_WAIT_S = 30, /* when --wait does not say */
    AGENT_WAIT_S_MAX = 24 * 3600,
};

/* The first part of whatever such a command keeps while it waits. */
typedef struct agent_wait {
    cli_call *call;
    runtime *loop;
    uint64_t deadline_ms;
    bool (*over)(const struct agent_wait *self, uint64_t now_ms); /* is there nothing (more) to wait for? */
    int (*end)(struct agent_wait *self); /* says what became of it; the exit code */
} agent_wait;

/* The seconds of --wait (AGENT_WAIT_S without it); false when it is no such number. */
bool agent_wait_read(cli_call *call, uint64_t *seconds);

/*
 * Runs the command: make begins it in size zeroed bytes whose first part is an agent_wait with call and loop set;
 * it queues, wakes the loop, sets over and end, and returns CLI_DONE or an exit code (said). Outside of `serve` the
 * hub first has a moment to tell of contracts. An exit code, or CONTROL_PENDING in `serve`.
 */
int agent_wait_run(cli_call *call, uint64_t seconds, size_t size, int (*make)(agent_wait *self));

/* Is every scope acknowledged (and compared with the hub, where that is to be), or stopped for a reason that needs a person? */
bool agent_wait_settled(const agent_session *session);

/* Says why not all has arrived; the exit code. */
int agent_wait_trouble(cli_call *call, const runtime *loop);

#endif
