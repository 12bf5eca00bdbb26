/*
 * hub_conf: the hub's configuration file, hub.conf: `name = value` a line, # begins a comment line.
 * Names are those of the options of `init`. Pure: text in, text out.
 */
#ifndef CTAI_HUB_CONF_H
#define CTAI_HUB_CONF_H

#include "diag.h"
#include "endpoint.h"

enum {
    HUB_CONF_DATABASE_MAX = 2048, /* bytes with the NUL */
    HUB_CONF_WEB_MAX = 256,
    HUB_CONF_ADDRESSES_MAX = 8,
    HUB_CONF_WRITERS_MAX = 16,
    HUB_CONF_THRESHOLD_MIN = 3, /* with 2, a cell of one person alone would be masked, and its neighbour of two tell of both */
    HUB_CONF_THRESHOLD_MAX = 1000,
    HUB_CONF_PUBLISHER_MAX = 256,
    HUB_CONF_HOMEPAGE_MAX = 512,
};
#define HUB_CONF_LISTEN_DEFAULT "tcp://*:5670"

typedef struct {
    char database[HUB_CONF_DATABASE_MAX]; /* CONNINFO of libpq; empty: the private cluster */
    char database_ingest[HUB_CONF_DATABASE_MAX]; /* the same for what takes batches; empty: as database, then SET ROLE */
    char database_report[HUB_CONF_DATABASE_MAX]; /* likewise for what reads evaluations */
    endpoint listen;
    char web[HUB_CONF_WEB_MAX];           /* ADDRESS:PORT; empty: none */
    unsigned address_count;               /* where agents reach the hub, when it is not where it listens */
    endpoint addresses[HUB_CONF_ADDRESSES_MAX];
    unsigned writers;                     /* connections that commit, 1..HUB_CONF_WRITERS_MAX */
    bool stable_at_commit;                /* a committed batch may be forgotten by its agent */
    bool stable_on_standby;               /* it may be once a standby has it; never both */
    unsigned threshold;                   /* regional reports mask what rests on fewer persons, households or facts */
    bool strict;                          /* they repeat a published count until it has moved by the threshold */
    char publisher[HUB_CONF_PUBLISHER_MAX]; /* who publishes open data; empty: not said */
    char homepage[HUB_CONF_HOMEPAGE_MAX];   /* of those data, an address of the Web; empty: not said */
} hub_conf;

/* What holds when the file says nothing. */
void hub_conf_init(hub_conf *self);

/* Reads a file's text; diagnostics name file. False when one was an error. */
bool hub_conf_read(hub_conf *self, const char *file, text_view text, diag_sink *sink)
    __attribute__((warn_unused_result));

/* Writes the whole file, commented in French. Values hold no line end (hub_conf_read and init see to it). */
void hub_conf_write(const hub_conf *self, FILE *to);

/* Takes the value of one name as the file has it ("listen", "web"...); false, with the reason in French. */
bool hub_conf_set(hub_conf *self, const char *name, text_view value, const char **reason)
    __attribute__((warn_unused_result));

/* One more address to tell agents, unless it is there already; false when there are too many. */
bool hub_conf_announce(hub_conf *self, const endpoint *address) __attribute__((warn_unused_result));

#endif
