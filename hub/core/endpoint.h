/*
 * endpoint: the addresses a hub listens on and is reached at, as text: "tcp://HOST:PORT". HOST is
 * an IPv4 address, an IPv6 address in brackets, a host's or interface's name, or `*` (every
 * address); PORT is 1..65535, or 0 or `*` (the system chooses at each start).
 */
#ifndef CTAI_ENDPOINT_H
#define CTAI_ENDPOINT_H

#include "text.h"

enum {
    ENDPOINT_TEXT = 256, /* bytes with the NUL; at most what an approval holds */
    ENDPOINT_HOST = 232, /* of it */
};

typedef struct {
    char host[ENDPOINT_HOST]; /* with the brackets of IPv6 */
    unsigned port;            /* 0: the system chooses */
    bool any_host;            /* `*`, 0.0.0.0 or [::]: tells nobody where to connect */
} endpoint;

/* False when text is not such an address; the endpoint is then undefined. */
bool endpoint_parse(endpoint *self, text_view text) __attribute__((warn_unused_result));

/* "tcp://HOST:PORT"; port 0 is written `*`. */
void endpoint_text(const endpoint *self, char text[ENDPOINT_TEXT]);

/* Does binding to it need IPv6 (in brackets, or every address)? */
bool endpoint_wants_ipv6(const endpoint *self);

#endif
