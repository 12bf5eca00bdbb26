/*
 * consolidator: keeps the standing cells of the evaluation up to date, off the commit path: two threads, each with a
 * connection of its own, take the contracts that writers have marked (schema/sql/consolidate.sql) and consolidate them one by
 * one. The quick lane has those that take less than CONSOLIDATOR_QUICK_US, or than a small part of the dearest one (what all
 * take depends on what else the machine does); the slow one has the others and those of which nothing is known, so that a small contract never waits behind a huge one. One that has grown huge since shows by its time:
 * after CONSOLIDATOR_LIMIT_MS the quick lane leaves it to the other.
 *
 * A lane begins at once when it is woken; but while batches come it works at most a part of the time, CONSOLIDATOR_QUICK_SHARE
 * or _SLOW_SHARE in a hundred. What it has not used of it it keeps, up to so many milliseconds: what comes now and then is
 * never held back, and under load a contract is consolidated as seldom as it is dear, with all that has come meanwhile. Once
 * no batch has come for CONSOLIDATOR_QUIET_MS, nothing is held back any more.
 *
 * Always true: marks go only together with the cells that were evaluated for them (one transaction), so nothing that stops
 * this or its database loses any: who comes next catches up. Readers do not depend on it: what is marked they evaluate
 * themselves. Several hubs on a database share the work.
 *
 * Errors: a database that does not answer is tried again after CONSOLIDATOR_RETRY_MS_MIN, twice that, up to _MAX, and logged once;
 * a contract that cannot be consolidated is logged, and left alone for CONSOLIDATOR_ASIDE_MS. The hub goes on in any case.
 */
#ifndef CTAI_CONSOLIDATOR_H
#define CTAI_CONSOLIDATOR_H

#include "store.h"

enum {
    CONSOLIDATOR_QUICK_US = 50 * 1000,
    CONSOLIDATOR_QUICK_PART = 10,  /* of the dearest: a tenth */
    CONSOLIDATOR_QUICK_SHARE = 25,
    CONSOLIDATOR_QUICK_KEPT_MS = 200,
    CONSOLIDATOR_LIMIT_MS = 300,
    CONSOLIDATOR_QUIET_MS = 250,
    CONSOLIDATOR_SLOW_SHARE = 10,
    CONSOLIDATOR_SLOW_KEPT_MS = 100,
    CONSOLIDATOR_POLL_MS = 1000,  /* marks of others, who do not wake us: another hub's, a command's */
    CONSOLIDATOR_RETRY_MS_MIN = 500,
    CONSOLIDATOR_RETRY_MS_MAX = 30 * 1000,
    CONSOLIDATOR_ASIDE_MS = 60 * 1000,
};

typedef struct consolidator consolidator;

/* Begins. The connections are made by the threads. NULL: memory or threads are short. */
consolidator *consolidator_new(const store_options *options);

/* Ends what is just being evaluated, and the threads; marks stay. */
void consolidator_destroy(consolidator **self);

/* Something was committed: looks for marks now. Any thread; never waits. self is a consolidator (store_options.committed). */
void consolidator_wake(void *self);

#endif
