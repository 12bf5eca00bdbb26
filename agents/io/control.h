/*
 * control: how a command reaches the `serve` that owns its home: over a unix socket in the home go
 * the parsed call and its opened files, back come the exit code and, meanwhile, what it prints. The
 * serving side runs the very same command function.
 *
 * Always true: only the home's owner and root are heard; a caller that is slow, silent or gone never
 * holds the serving loop: its input files are regular or in memory, and its output goes into memory,
 * from where the caller's own process copies it.
 */
#ifndef CTAI_CONTROL_H
#define CTAI_CONTROL_H

#include <poll.h>
#include <stdint.h>

#include "cli.h"
#include "home.h"

enum {
    CONTROL_CALLS_MAX = 16, /* at a time; further ones wait in the socket's queue */
    CONTROL_WATCHES_MAX = CONTROL_CALLS_MAX + 1,
    CONTROL_PENDING = -1, /* a run's answer comes later, by control_answer */
};

/* --- the asking side --- */

typedef enum {
    CONTROL_ANSWERED,
    CONTROL_NOBODY, /* no serve has that home */
    CONTROL_BROKEN, /* it went away before it answered */
    CONTROL_OTHER, /* it is of another version, or does not take this command */
    CONTROL_SYSTEM, /* errno tells */
} control_outcome;

/*
 * Hands the call over and waits for its end; *code is the exit code. deposit: a descriptor into which
 * the command may put a file for the user's folder. Input files must have been settled (input_settle).
 */
control_outcome control_ask(const home *folder, const cli_call *call, int deposit, int *code)
    __attribute__((warn_unused_result));

/* --- the serving side --- */

typedef struct control control;

/* A call that was handed over. Its texts and files live until it is answered. */
typedef struct {
    cli_call call;
    FILE *deposit;
} control_call;

/* Opens the socket in a home that we have taken; NULL with errno. Calls are of that program's commands. */
control *control_open(const home *folder, const cli_program *program);
/* Callers that wait are cut off. Removes the socket. */
void control_close(control **self);

/* What to poll; how many (at most CONTROL_WATCHES_MAX). */
unsigned control_watch(control *self, struct pollfd *to);

/*
 * After the poll: takes what has come and runs the calls that are whole. run returns an exit code, or
 * CONTROL_PENDING and keeps the call. A call whose caller has gone is told by gone, and is then no more.
 */
typedef struct {
    int (*run)(void *data, control_call *call);
    void (*gone)(void *data, control_call *call);
    void *data;
} control_handler;
void control_work(control *self, const struct pollfd *polled, unsigned count, uint64_t now_ms,
                  const control_handler *handler);

/* Ends a pending call. */
void control_answer(control *self, control_call *call, int code);

#endif
