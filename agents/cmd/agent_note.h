/*
 * agent_note: what happened to what an agent and the hub hold together (a restored machine, a hub that has lost
 * something), told to people until a complete export has made it good.
 */
#ifndef CTAI_AGENT_NOTE_H
#define CTAI_AGENT_NOTE_H

#include <jansson.h>

#include "agent_call.h"

/* One sentence or two for each contract, each on a line of its own, with lead before it. */
outbox_error agent_note_tell(outbox *box, FILE *to, const char *lead) __attribute__((warn_unused_result));

/* The same for programs: an array, owned by the caller; NULL with *error. */
json_t *agent_note_json(outbox *box, outbox_error *error) __attribute__((warn_unused_result));

/* How many contracts have one. */
outbox_error agent_note_count(outbox *box, unsigned *count) __attribute__((warn_unused_result));

#endif
