/*
 * store_use: as whom a store works in the database (schema/sql/rights.sql). The hub's own role owns the tables; what
 * serves agents or reads evaluations gives its rights up first, by SET ROLE, or never has them: the private cluster has
 * a login for each of those roles, and an administrator can give an outside database's (hub.conf).
 */
#ifndef CTAI_STORE_USE_H
#define CTAI_STORE_USE_H

#include "database.h"

typedef enum {
    STORE_OWNER = 0, /* the hub's own role: makes the schema, registers contracts, admits agents */
    STORE_INGEST,    /* takes batches */
    STORE_REPORT,    /* reads evaluations */
} store_use;

/* The role's name; NULL for the owner. */
const char *store_use_role(store_use use);

/* Works as that role from now on. DATABASE_CONFIGURATION: it is not there, or we are no member of it. */
database_error store_use_set(database *connection, store_use use) __attribute__((warn_unused_result));

/* As the private cluster's superuser: lets the roles log in, which there only its own unix user can. */
database_error store_use_let_in(database *connection) __attribute__((warn_unused_result));

#endif
