/*
 * agent_export: what `check`, `preview` and `push` have in common: from the options of the call to
 * the records of its two files.
 */
#ifndef CTAI_AGENT_EXPORT_H
#define CTAI_AGENT_EXPORT_H

#include "agent_call.h"
#include "enqueue.h"
#include "input.h"
#include "progress.h"
#include "spill.h"

typedef struct {
    arena *memory; /* of everything but the files */
    input persons;
    cli_file events_file;
    input_stream events;
    spill *spilled; /* what of the export is too much for memory */
    unsigned known_count, contract_count; /* that we serve; of these, those of the call */
    wire_contract *known;
    export_contract *contracts;
    trail_reading *earlier; /* of each contract */
    export made;
    diag_sink sink;
    FILE *diagnostics;
    FILE *whole; /* diagnostics of the files as a whole, in whole_text */
    char *whole_text;
    size_t whole_size;
    progress bar;
} agent_export;

/* How tokens are to be had. */
typedef enum {
    AGENT_EXPORT_TOKENS_IF_ANY, /* without a linkage key, records have no tokens */
    AGENT_EXPORT_TOKENS, /* without one: 78, with what to do */
} agent_export_tokens;

/*
 * Reads the files of --persons and --events for the contract of --contract, or for all that the agent
 * serves. Diagnostics go to diagnostics; those that make a file unusable also to call->err, unless both
 * are the same terminal. CLI_DONE with self filled, or an exit code, said. Either way release ends it.
 */
int agent_export_make(agent_export *self, cli_call *call, agent_export_tokens tokens, bool partial,
                      FILE *diagnostics) __attribute__((warn_unused_result));
void agent_export_release(agent_export *self);

/* The lines about what was left out and why, and rows in error, on to. */
void agent_export_tell(const agent_export *self, FILE *to);

/* 0 when all that was read of the records since they were made could be read; else an exit code, said. */
int agent_export_whole(const agent_export *self, cli_call *call);

/* 65 when some row is in error, else 0. */
int agent_export_code(const agent_export *self);

#endif
