/* reach: can a port of a machine be reached over TCP from here? Each way in which it cannot is told apart. */
#ifndef CTAI_REACH_H
#define CTAI_REACH_H

#include <stdbool.h>

typedef enum {
    REACH_OPEN,        /* something listens there */
    REACH_NO_NAME,     /* the name leads to no address (DNS) */
    REACH_NO_RESOLVER, /* nobody answers questions about names for now */
    REACH_REFUSED,     /* the machine answers: nothing listens there, or a firewall refuses */
    REACH_SILENT,      /* no answer in time: most often a firewall */
    REACH_NO_WAY,      /* no route to it */
    REACH_SYSTEM,      /* errno tells */
} reach_outcome;

enum { REACH_ADDRESS = 64 };

/* Tries each of the host's addresses, timeout_ms each. address: the numeric one that was tried last, or "". */
reach_outcome reach_try(const char *host, unsigned port, int timeout_ms, char address[REACH_ADDRESS]);

#endif
