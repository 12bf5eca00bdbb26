/*
 * database_service: the settings of a connection that stands, for PostgreSQL's own programs: a file in memory alone in
 * the form of libpq's service file, with the one service "ctai". So no password is on a command line, in the
 * environment or on a disk, and the programs speak to the very server that the connection has reached.
 */
#ifndef CTAI_DATABASE_SERVICE_H
#define CTAI_DATABASE_SERVICE_H

#include "database.h"

/* A descriptor, the caller's to close; -1 when memory is short or there is no connection. */
int database_service(const database *connection) __attribute__((warn_unused_result));

#endif
