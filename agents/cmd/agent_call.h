/*
 * agent_call: what a command of the agent finds open when it runs: the home, the outbox, a place for
 * a file that belongs in the user's folder; and the words for what can go wrong with them.
 */
#ifndef CTAI_AGENT_CALL_H
#define CTAI_AGENT_CALL_H

#include "agent_home.h"
#include "cli.h"
#include "export.h"
#include "outbox.h"
#include "runtime.h"

struct agent_wait;

/* What a command needs of the `serve` that runs it. */
typedef struct agent_serving {
    runtime *loop;
    /* Keeps a command that waits for the hub, and frees it in the end; the run then returns CONTROL_PENDING. */
    void (*pend)(struct agent_serving *self, struct agent_wait *waiting);
} agent_serving;

typedef struct {
    cli_call call; /* first: a command's cli_call is the first part of one of these */
    agent_home *agent; /* open and taken; NULL for init */
    outbox *box; /* likewise */
    FILE *deposit; /* see agent_call_deposit */
    agent_serving *serving; /* NULL when the command has the home for itself */
} agent_call;

agent_call *agent_call_of(cli_call *call);

/* Say what is wrong and return the exit code. */
int agent_call_home_failed(cli_call *call, const agent_home_result *result);
int agent_call_outbox_failed(cli_call *call, outbox_error error);
int agent_call_no_memory(cli_call *call);

/*
 * Leaves a file of that name for the user's folder. The process that the user called puts it there
 * when the command has succeeded: it alone has the user's rights.
 */
void agent_call_deposit(agent_call *self, const char *name, const batch_buffer *content);

/* Reads a file named on the command line, at most CREDENTIAL_FILE_MAX bytes, into the arena; 0 or an exit code. */
int agent_call_read(cli_call *call, const char *operand, arena *from, text_view *content)
    __attribute__((warn_unused_result));

/* "63", "63 et 84", "63, 84 et 69": names joined for a sentence. */
void agent_call_join(char *to, size_t size, const text_view *names, size_t count);

/* A count with the right ending: "0 ligne", "1 ligne", "2 lignes" ("ligne", "lignes"). */
void agent_call_count(FILE *to, uint64_t count, const char *one, const char *many);

#endif
