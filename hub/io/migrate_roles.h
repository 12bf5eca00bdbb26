/*
 * migrate_roles: the roles that schema/sql/rights.sql gives rights to. They belong to the whole PostgreSQL server, not to
 * a database: several hubs' databases on one server share them.
 */
#ifndef CTAI_MIGRATE_ROLES_H
#define CTAI_MIGRATE_ROLES_H

#include "database.h"

/*
 * In a transaction: makes the roles that are missing, and makes whoever we are a member of them (to work as them, and to
 * give them functions). DATABASE_CONFIGURATION: that is not allowed; the explanation says what the administrator of the
 * server has to run (deploy/roles.sql).
 */
database_error migrate_roles(database *self) __attribute__((warn_unused_result));

#endif
