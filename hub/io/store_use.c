/* store_use: see the header. */
#include "store_use.h"

#include <stdio.h>

const char *store_use_role(store_use use)
{
    switch (use) {
    case STORE_OWNER:
        return NULL;
    case STORE_INGEST:
        return "ctai_ingest";
    case STORE_REPORT:
        return "ctai_report";
    }
    return NULL;
}

database_error store_use_set(database *connection, store_use use)
{
    const char *role = store_use_role(use);
    if (!role)
        return DATABASE_OK;
    char sql[96];
    /* Batches find each row by an index. A plan made while a table was empty would stand for long, and read all of it. */
    snprintf(sql, sizeof sql, "SET ROLE %s;%s", role, use == STORE_INGEST ? "SET enable_seqscan TO off" : "");
    database_error error = database_run(connection, sql);
    /* A role that is not there is SQLSTATE 22023, among the errors of data. */
    if (error == DATABASE_CONFIGURATION || error == DATABASE_DATA)
        return database_fail(connection, DATABASE_CONFIGURATION,
                             "la base de données ne nous laisse pas travailler sous le rôle %s ; son administrateur exécute "
                             "deploy/roles.sql", role);
    return error;
}

database_error store_use_let_in(database *connection)
{
    static const char sql[] =
        "SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('ctai_ingest', 'ctai_report') AND rolcanlogin"
        "   AND has_database_privilege(oid, current_database(), 'CONNECT')";
    static const char let_in_sql[] =
        "ALTER ROLE ctai_ingest LOGIN; ALTER ROLE ctai_report LOGIN;"
        "DO $$ BEGIN"
        " EXECUTE format('GRANT CONNECT ON DATABASE %I TO ctai_ingest, ctai_report', current_database());"
        " END $$";
    database_result *result = NULL;
    database_error error = database_query(connection, sql, NULL, 0, &result);
    bool there = error == DATABASE_OK && database_flag(result, 0, 0);
    database_release(&result);
    return error != DATABASE_OK || there ? error : database_run(connection, let_in_sql);
}
