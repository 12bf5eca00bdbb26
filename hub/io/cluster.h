/*
 * cluster: a PostgreSQL of the hub's own, in the folder "postgres" of its home: UTF-8, locale C, on a
 * unix socket alone. Several processes may use it; the last to close it stops it.
 *
 * Always true: whoever uses it holds a shared lock on "postgres.use", which dies with the process;
 * starting and stopping happen under an exclusive lock on "postgres.lock". So a server that a crash
 * left behind is taken over by the next user, and stopped at that one's end. It runs under the
 * identity that the process has, which PostgreSQL requires not to be root.
 */
#ifndef CTAI_CLUSTER_H
#define CTAI_CLUSTER_H

#include <stddef.h>

typedef struct cluster cluster;

typedef enum {
    CLUSTER_OK = 0,
    CLUSTER_NO_BINARIES, /* PostgreSQL, or the version that the data need, is not installed */
    CLUSTER_ROOT,        /* the process is still root */
    CLUSTER_MISSING,     /* the home has no cluster */
    CLUSTER_EXISTS,      /* cluster_create: it has one */
    CLUSTER_REFUSED,     /* initdb or the server said no; the explanation holds its last words */
    CLUSTER_FULL,        /* no room on the disk */
    CLUSTER_SYSTEM,      /* a call to the system failed */
    CLUSTER_LATER,       /* it runs, but has not recovered from a crash yet */
} cluster_error;

enum { CLUSTER_EXPLANATION_MAX = 1024 };

/* The exit code of a command that ends so: 0, 78, 78, 78, 73, 70, 73, 70, 69. */
int cluster_exit_code(cluster_error error);

/* Makes the cluster of a home (an absolute path), whole or not at all. On failure why says so in French. */
cluster_error cluster_create(const char *home, char *why, size_t why_size) __attribute__((warn_unused_result));

/* Uses it, starting it when it does not run. *self is NULL on failure, and why says so in French. */
cluster_error cluster_open(cluster **self, const char *home, char *why, size_t why_size) __attribute__((warn_unused_result));

/* Stops using it, and stops it when nobody else does. Nulls the pointer; harmless on NULL. Connections are closed before. */
void cluster_close(cluster **self);

/* What database_open takes. */
const char *cluster_conninfo(const cluster *self);

#endif
