/*
 * nth: makes the N-th call of a kind fail, for tests that go through N = 1, 2, 3 ... until a run is clean.
 * The calls are caught by the linker (--wrap), SQLite's by its own hooks (nth_sqlite.c), PostgreSQL's in
 * nth_database.c.
 *
 * Always true: only calls of the thread that armed are counted and fail; outside nth_arm .. nth_disarm
 * nothing fails. What our own code has allocated and not freed is known at any time (nth_live).
 */
#ifndef CTAI_TESTS_NTH_H
#define CTAI_TESTS_NTH_H

#include <stdbool.h>
#include <stddef.h>

#include "batch_buffer.h"

typedef enum {
    NTH_MEMORY,        /* malloc, calloc, realloc, strdup of our code */
    NTH_ARENA,         /* arena_new, arena_take, arena_text, arena_vector_add */
    NTH_FILE,          /* open, read, write, fsync, rename ... of our code */
    NTH_SQLITE,        /* a call of SQLite, before it does anything */
    NTH_SQLITE_MEMORY, /* an allocation inside SQLite */
    NTH_DISK,          /* a file operation inside SQLite */
    NTH_DISK_FOR_GOOD, /* likewise, and all that follow */
    NTH_QUERY_MEMORY,  /* a call of libpq gives NULL */
    NTH_QUERY_CLASH,   /* the server answers 40001 */
    NTH_QUERY_FULL,    /* the server answers 53100 */
    NTH_QUERY_FAULT,   /* the server answers XX000 */
    NTH_QUERY_LOST,    /* the connection is lost before the call */
    NTH_QUERY_LOST_AFTER, /* the server has done it, then the connection is lost */
    NTH_QUERY_LOST_FOR_GOOD, /* lost before the call, and no new one is to be had */
    NTH_KIND_COUNT
} nth_kind;

extern const char *const nth_names[NTH_KIND_COUNT];

void nth_arm(nth_kind kind, unsigned long at);
/* Did it fail? */
bool nth_disarm(void);
/* In between: what the test itself does is not counted. */
void nth_pause(bool on);
/* For the wrappers: shall this call, of that kind, fail? */
bool nth_strikes(nth_kind kind);

/* Blocks that our code has taken and not given back. */
size_t nth_live(void);
/* Results and connections of libpq that are not cleared; bytes that SQLite has. Each 0 where it is not linked. */
extern long (*nth_live_results)(void);
extern long (*nth_live_sqlite)(void);

/* Random numbers and the clock say the same again from here on. */
void nth_rewind(void);

/* One thing to do, whose durable outcome is all or nothing. */
typedef struct {
    const char *name;
    void (*before)(void); /* makes the durable state as it is before; nothing fails */
    int (*run)(void);     /* 0: done. Else the error value. Gives back all that it took. */
    bool (*fits)(nth_kind kind, int error); /* is that value right for such a failure? */
    void (*state)(batch_buffer *to); /* what is durable, as bytes */
    void (*settle)(void); /* NULL, or: what may differ after a failure and does not count (numbers drawn) is set back */
    bool between; /* a failure may leave part of it, which the next run completes */
} nth_case;

/* Runs a case through all N of each kind (a list that ends with NTH_KIND_COUNT); a Check test calls it. */
void nth_drive(const nth_case *what, const nth_kind *kinds);

/* After all tests: how many failures of each kind there were, in all processes. */
void nth_tell(void);

/* Before the tests: what the processes of the tests share. */
void nth_start(void);

#endif
