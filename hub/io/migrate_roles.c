/* migrate_roles: see the header. */
#include "migrate_roles.h"

#include <stdio.h>

#define ROLES "ARRAY['ctai_ingest', 'ctai_consolidation', 'ctai_report', 'ctai_web']"

/* What the administrator would have to run; NULL: nothing is missing. A superuser is a member of every role. */
static const char missing_sql[] =
    "SELECT concat_ws(' ', string_agg(format('CREATE ROLE %I;', role), ' ') FILTER (WHERE to_regrole(role) IS NULL),"
    "                      format('GRANT %s TO %I;', string_agg(role, ', '), current_user))"
    "  FROM unnest(" ROLES ") AS role"
    " WHERE CASE WHEN to_regrole(role) IS NULL THEN true"
    "            ELSE NOT pg_has_role(to_regrole(role)::oid, 'MEMBER') END"
    " HAVING count(*) > 0";

/* Another hub on the same server may be making them, for another database. */
static const char make_sql[] =
    "DO $$ DECLARE role text; BEGIN"
    " FOREACH role IN ARRAY " ROLES " LOOP"
    "  BEGIN"
    "   IF to_regrole(role) IS NULL THEN EXECUTE format('CREATE ROLE %I NOLOGIN', role); END IF;"
    "  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;"
    "  BEGIN"
    "   IF NOT pg_has_role(role, 'MEMBER') THEN EXECUTE format('GRANT %I TO %I', role, current_user); END IF;"
    "  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;"
    " END LOOP; END $$";

database_error migrate_roles(database *self)
{
    char missing[DATABASE_EXPLANATION_MAX / 2];
    database_result *result = NULL;
    database_error error = database_query(self, missing_sql, NULL, 0, &result);
    bool complete = error == DATABASE_OK && database_rows(result) == 0;
    if (error == DATABASE_OK && !complete)
        snprintf(missing, sizeof missing, "%s", database_text(result, 0, 0));
    database_release(&result);
    if (error != DATABASE_OK || complete)
        return error;
    error = database_run(self, make_sql);
    if (error == DATABASE_CONFIGURATION)
        return database_fail(self, error,
                             "il manque des rôles au serveur PostgreSQL, et le nôtre n’a pas le droit de les faire. Son "
                             "administrateur exécute une fois deploy/roles.sql, ou : %s Puis recommencez", missing);
    return error;
}
