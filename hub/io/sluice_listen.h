/* sluice_listen: the sluice's sockets: listening, the agents' connections, those to the ROUTER. Errors: errno. */
#ifndef CTAI_SLUICE_LISTEN_H
#define CTAI_SLUICE_LISTEN_H

#include <netdb.h>

#include "endpoint.h"

/* Listens there; bound is what the address has become. -1: EADDRINUSE, EADDRNOTAVAIL, EACCES, ENODEV, EAFNOSUPPORT... */
int sluice_listen_open(const endpoint *listen, char bound[ENDPOINT_TEXT]);

/* The next connection, or -1. */
int sluice_listen_accept(int listener);

/* Connects to the ROUTER at 127.0.0.1 and that port, from the address of that number. -1 on failure. */
int sluice_listen_call(uint32_t number, unsigned port);

/* Who is at the other end: "192.0.2.7", or "?". */
void sluice_listen_peer(int connection, char text[NI_MAXHOST]);

#endif
