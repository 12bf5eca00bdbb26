/*
 * spill: what of an export is too much for memory, for as long as the export lasts: blocks (spool.h) in a file of the home
 * that has no name, each masked with a key that is nowhere but in this process's memory. When the process ends, however it
 * does, the file is gone, and nothing could ever be read in it.
 */
#ifndef CTAI_SPILL_H
#define CTAI_SPILL_H

#include "home.h"
#include "spool.h"

typedef struct spill spill;

/* The file is made when the first block comes. NULL when memory is short. */
spill *spill_new(const home *folder);
void spill_destroy(spill **self);

/* Its blocks' interface, alive as long as it. */
spool_store *spill_store(spill *self);

#endif
