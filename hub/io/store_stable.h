/*
 * store_stable: which committed batches are safe on a standby, so that their agents may forget them (`stable =
 * standby` in hub.conf). What is committed is noted with the position that the write-ahead log had after it; once a
 * standby has written the log to its disk up to there, it is stable, and all hubs are told.
 *
 * Always true: a note is compared with the server alone on whose connection it was made: positions of another
 * server's log mean nothing. Any number of hubs may do this on one database; one at a time moves the marks.
 */
#ifndef CTAI_STORE_STABLE_H
#define CTAI_STORE_STABLE_H

#include "store.h"

typedef enum {
    STORE_STABLE_ALL,      /* nothing waits */
    STORE_STABLE_WAITING,  /* for a standby that is connected */
    STORE_STABLE_MOVED,    /* something has become stable */
    STORE_STABLE_ALONE,    /* something waits, and no standby is connected */
    STORE_STABLE_HIDDEN,   /* something waits, and our role may not see how far the standbys are (pg_monitor) */
} store_stable_state;

typedef struct store_stable store_stable;

store_stable *store_stable_new(void);
void store_stable_destroy(store_stable **self);

/* One look, about once a second. */
database_error store_stable_look(store_stable *self, store *of, store_stable_state *state) __attribute__((warn_unused_result));

/*
 * What is up to a position of each scope's ledger is safe (in a backup that is in its place): scopes and positions are
 * arrays of PostgreSQL, as text, of equal length. *moved: of how many agents' places.
 */
database_error store_stable_reach(store *of, const char *scopes, const char *positions, uint64_t *moved)
    __attribute__((warn_unused_result));

#endif
