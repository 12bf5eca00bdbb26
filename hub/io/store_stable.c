/* store_stable: see the header. Errors are the database's. */
#include "store_stable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_base.h"

enum { WAL_TEXT = 32 };

struct store_stable {
    bool noted;
    uint64_t connection; /* on which it was noted */
    char wal[WAL_TEXT];  /* pg_lsn: the log's end after all that is noted was committed */
    char *scopes, *positions; /* arrays of PostgreSQL, as text: of each scope where something waited, its ledger's position */
};

/* Of the advisory lock that lets one hub at a time move the marks. */
#define LOCK_SQL "SELECT pg_try_advisory_xact_lock(7147239015533)"
#define WAIT_SQL "SELECT pg_advisory_xact_lock(7147239015533) IS NOT NULL"

static const char waiting_sql[] =
    "SELECT array_agg(s.scope ORDER BY s.scope)::text, array_agg(s.position ORDER BY s.scope)::text FROM ctai.scope AS s"
    " WHERE EXISTS (SELECT FROM ctai.agent_scope AS p WHERE p.scope = s.scope AND p.stable < p.sequence)";
static const char wal_sql[] = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END";
static const char standby_sql[] =
    "SELECT count(*), count(flush_lsn), coalesce(bool_or(flush_lsn >= $1::pg_lsn), false) FROM pg_stat_replication"
    " WHERE application_name IS DISTINCT FROM 'pg_basebackup'"; /* a standby in the making, which may never be one */
/* In the order of a batch's locks. */
static const char lock_scopes_sql[] = "SELECT FROM ctai.scope WHERE scope = ANY ($1::text[]) ORDER BY scope FOR UPDATE";
static const char move_sql[] =
    "UPDATE ctai.agent_scope AS p SET stable = reached.sequence"
    "  FROM unnest($1::text[], $2::bigint[]) AS noted (scope, position), LATERAL ("
    "   SELECT p2.agent, (SELECT max(l.sequence) FROM ctai.ledger AS l"
    "                      WHERE l.scope = p2.scope AND l.agent = p2.agent AND l.sequence > p2.stable"
    "                        AND l.sequence <= p2.sequence AND l.position <= noted.position) AS sequence"
    "     FROM ctai.agent_scope AS p2 WHERE p2.scope = noted.scope AND p2.stable < p2.sequence) AS reached"
    " WHERE p.scope = noted.scope AND p.agent = reached.agent AND reached.sequence IS NOT NULL";

store_stable *store_stable_new(void)
{
    return calloc(1, sizeof(store_stable));
}

static void clear(store_stable *self)
{
    free(self->scopes);
    free(self->positions);
    *self = (store_stable){0};
}

void store_stable_destroy(store_stable **self)
{
    if (!*self)
        return;
    clear(*self);
    free(*self);
    *self = NULL;
}

/* What waits, and then how far the log is: in two statements, so that the second is after the commits that the first has seen. */
static database_error note(store_stable *self, database *connection)
{
    database_result *result = NULL;
    database_error error = database_query(connection, waiting_sql, NULL, 0, &result);
    bool waits = error == DATABASE_OK && !database_null(result, 0, 0);
    if (waits) {
        self->scopes = strdup(database_text(result, 0, 0));
        self->positions = strdup(database_text(result, 0, 1));
        if (!self->scopes || !self->positions)
            error = store_no_memory(connection);
    }
    database_release(&result);
    if (error == DATABASE_OK && waits) {
        error = database_query(connection, wal_sql, NULL, 0, &result);
        if (error == DATABASE_OK && !database_null(result, 0, 0)) {
            snprintf(self->wal, sizeof self->wal, "%s", database_text(result, 0, 0));
            self->noted = true;
        }
        database_release(&result);
    }
    return error;
}

static database_error look_at_standbys(const store_stable *self, database *connection, store_stable_state *state)
{
    database_result *result = NULL;
    database_error error = database_query(connection, standby_sql, &DATABASE_TEXT(self->wal), 1, &result);
    if (error == DATABASE_OK)
        *state = database_integer(result, 0, 0) == 0   ? STORE_STABLE_ALONE
                 : database_integer(result, 0, 1) == 0 ? STORE_STABLE_HIDDEN
                 : database_flag(result, 0, 2)         ? STORE_STABLE_MOVED
                                                       : STORE_STABLE_WAITING;
    database_release(&result);
    return error;
}

/* What is up to those positions is safe. Without wait: unless another hub is just at it. */
static database_error move(database *connection, const char *scopes, const char *positions, bool wait, uint64_t *moved)
{
    const database_parameter parameters[] = {DATABASE_TEXT(scopes), DATABASE_TEXT(positions)};
    database_result *result = NULL;
    database_error error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    error = database_query(connection, wait ? WAIT_SQL : LOCK_SQL, NULL, 0, &result);
    bool ours = error == DATABASE_OK && database_flag(result, 0, 0);
    database_release(&result);
    if (ours)
        error = database_query(connection, lock_scopes_sql, parameters, 1, NULL);
    if (ours && error == DATABASE_OK)
        error = database_query(connection, move_sql, parameters, 2, &result);
    *moved = ours && error == DATABASE_OK ? (uint64_t)database_affected(result) : 0;
    if (*moved > 0)
        error = database_run(connection, STORE_NOTIFY_SQL);
    database_release(&result);
    return store_finish(connection, error);
}

database_error store_stable_reach(store *of, const char *scopes, const char *positions, uint64_t *moved)
{
    database *connection;
    *moved = 0;
    database_error error = store_database(of, &connection);
    return error == DATABASE_OK ? move(connection, scopes, positions, true, moved) : error;
}

database_error store_stable_look(store_stable *self, store *of, store_stable_state *state)
{
    database *connection;
    *state = STORE_STABLE_ALL;
    database_error error = store_database(of, &connection);
    if (self->noted && self->connection != of->connections)
        clear(self);
    if (error == DATABASE_OK && !self->noted) {
        clear(self);
        self->connection = of->connections;
        error = note(self, connection);
    }
    if (error != DATABASE_OK || !self->noted)
        return error;
    error = look_at_standbys(self, connection, state);
    if (error == DATABASE_OK && *state == STORE_STABLE_MOVED) {
        uint64_t moved;
        error = move(connection, self->scopes, self->positions, false, &moved);
        clear(self);
    }
    return error;
}
