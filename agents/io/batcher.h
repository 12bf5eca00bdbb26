/*
 * batcher: makes the next batches of a scope out of records and withdrawals in ascending order of
 * their keys, signs them and adds them to the outbox, within the caller's transaction. Full batches
 * go as they fill; the caller ends each contract with batcher_end, which states its coverage.
 *
 * Errors stick to the outbox's transaction, whose commit then fails.
 */
#ifndef CTAI_BATCHER_H
#define CTAI_BATCHER_H

#include "agent_home.h"
#include "outbox.h"

enum { BATCHER_RECORDS = 1000 };

typedef struct batcher batcher;

/* For one scope. NULL, told to the outbox, when it cannot be. */
batcher *batcher_new(outbox *to, const agent_home *agent, text_view scope);
void batcher_destroy(batcher **self);

/* The linkage keys, epochs ascending, under which records that are added from now on have their tokens; without it, none has. */
void batcher_use_keys(batcher *self, const token_key *keys, unsigned count);

/* One record or withdrawal; keys ascend between two calls of batcher_end. */
void batcher_add(batcher *self, const record *what);
/* The same with its body, written with a salt of zeros; it gets its salt here. */
void batcher_add_body(batcher *self, const record *what, batch_buffer *body);
/* The batch that brings what was added last. */
uint64_t batcher_incarnation(const batcher *self);
uint64_t batcher_sequence(const batcher *self);

/* Sends off what is left, with the statement (NULL: none, and then no batch when nothing is left). */
void batcher_end(batcher *self, const batch_coverage *coverage);

/* Batches added so far. */
uint64_t batcher_count(const batcher *self);

#endif
