/*
 * checkup: what `doctor` wants to know of a database, without changing anything in it: neither is the schema brought up to
 * date, nor the database claimed, as store_open does.
 */
#ifndef CTAI_CHECKUP_H
#define CTAI_CHECKUP_H

#include "credential.h"
#include "database.h"
#include "record.h"

enum {
    CHECKUP_ROLES = 4,
    CHECKUP_CELLS_MS = 2000, /* about how long it may take to compare standing cells with the records */
};

typedef struct {
    char server[64];          /* PostgreSQL's version */
    int server_number;        /* 150008 */
    double clock;             /* seconds since 1970 */
    bool durable;             /* fsync, full_page_writes and synchronous_commit are on */
    bool utf8, checksums, recovery, superuser;
    bool local;               /* over a unix socket or the loopback */
    bool encrypted;           /* TLS */
    int connections, connections_max;
    double bytes;             /* of the database */
    bool prepared;            /* it has a schema of a hub */
    bool schema_older, schema_newer, schema_other; /* than, and another than, the program's */
    char hub[CRYPTO_FINGERPRINT_TEXT]; /* whose it is; "" of nobody */
    int alarms, forked;       /* agents that gave an alarm; that two machines have the keys of */
    int contracts, agents;    /* agents: not revoked */
    int roles;                /* of the four that rights.sql names: those that are there and that we may work as */
    uint64_t cells_wrong;     /* standing cells that are not what the records give */
    char cells_contract[RECORD_NAME_MAX + 1]; /* of the first of them */
    double unstable_s;        /* age of the oldest batch that is committed and not stable, seconds; 0: none */
} checkup;

/* DATABASE_OK, or why it cannot be known: the connection's explanation. */
database_error checkup_read(database *connection, checkup *found) __attribute__((warn_unused_result));

#endif
