/*
 * watch: a thread with a store of its own that hears of changes (this hub's or another's on the same
 * database) and brings the gate up to date; then it tells whoever asked. Also every WATCH_EVERY_MS,
 * so that a change whose notice was lost is seen too. With stable_on_standby it looks every WATCH_STABLE_MS which
 * batches a standby has by now.
 *
 * Always true: a table that cannot be read leaves the gate as it is (rights are read again in each
 * batch's transaction); the listening begins before the first reading.
 */
#ifndef CTAI_WATCH_H
#define CTAI_WATCH_H

#include "gate.h"
#include "store.h"

enum { WATCH_EVERY_MS = 30 * 1000, WATCH_STABLE_MS = 1000, WATCH_RETRY_MS = 1000 };

typedef struct watch watch;

/*
 * Connects, listens, and fills the gate before it returns. On failure NULL with the database's error, and why
 * says it in French.
 */
watch *watch_new(const store_options *options, gate *who, database_error *error, char *why, size_t why_size);
void watch_destroy(watch **self);
/* Ends the thread: whom is called no more. */
void watch_stop(watch *self);

/*
 * Starts the thread. From it, with whom: changed is called after each change, away (may be NULL) while the database
 * does not answer, about every WATCH_RETRY_MS. False: no thread.
 */
bool watch_start(watch *self, void (*changed)(void *whom), void (*away)(void *whom), void *whom)
    __attribute__((warn_unused_result));

#endif
