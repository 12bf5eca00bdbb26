/* store_status: see the header. Errors are the database's. */
#include "store_status.h"

#include <stdio.h>
#include <string.h>

#define MOMENT(column) "coalesce(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"

static const char server_sql[] =
    "SELECT current_setting('server_version'), current_database(), pg_database_size(current_database())";
static const char scopes_sql[] =
    "SELECT s.scope, s.position,"
    "       (SELECT count(*) FROM ctai.contract AS c WHERE c.scope = s.scope),"
    "       " MOMENT("(SELECT l.received_at FROM ctai.ledger AS l WHERE l.scope = s.scope"
                     "  ORDER BY l.position DESC LIMIT 1)") ","
    "       (SELECT coalesce(sum(p.sequence - p.stable), 0) FROM ctai.agent_scope AS p WHERE p.scope = s.scope)"
    "  FROM ctai.scope AS s ORDER BY s.scope";
static const char contacts_sql[] =
    "SELECT a.name, " MOMENT("c.contacted_at") " FROM ctai.agent_contact AS c JOIN ctai.agent AS a USING "
                                               "(agent)"
    " ORDER BY a.name";
static const char refusals_sql[] =
    "SELECT a.name, r.scope, r.reason, count(*), max(r.sequence)"
    "  FROM ctai.refusal AS r JOIN ctai.agent AS a USING (agent)"
    " GROUP BY a.name, r.scope, r.reason ORDER BY a.name, r.scope, r.reason";
static const char alarms_sql[] =
    "SELECT a.name, m.scope, m.reason, m.sequence, m.times, " MOMENT("m.first_at") ", " MOMENT("m.last_at")
    "  FROM ctai.alarm AS m JOIN ctai.agent AS a USING (agent) ORDER BY m.last_at DESC, a.name, m.scope, "
    "m.reason";
/* Not a write for every HELLO of an agent that tries again and again, nor one that the agent waits for the disk for. */
static const char contact_sql[] =
    "INSERT INTO ctai.agent_contact AS c (agent, contacted_at)"
    " SELECT agent, now() FROM ctai.agent, set_config('synchronous_commit', 'off', true) WHERE sign = $1"
    " ON CONFLICT (agent) DO UPDATE SET contacted_at = excluded.contacted_at"
    " WHERE c.contacted_at < excluded.contacted_at - interval '5 seconds'";
static const char alarm_sql[] =
    "INSERT INTO ctai.alarm AS m (agent, reason, scope, sequence)"
    " SELECT agent, $2::smallint, $3, $4::bigint FROM ctai.agent WHERE sign = $1"
    " ON CONFLICT (agent, reason, scope) DO UPDATE"
    " SET sequence = excluded.sequence, times = m.times + 1, last_at = excluded.last_at";

/* Runs a query and makes room for its rows. */
static database_error rows(database *connection, const char *sql, arena *from, size_t row_size,
                           unsigned *count, void **items,
                           database_result **result)
{
    database_error error = database_query(connection, sql, NULL, 0, result);
    if (error != DATABASE_OK)
        return error;
    *count = (unsigned) database_rows(*result);
    *items = arena_take(from, *count * row_size + 1);
    if (*items)
        return DATABASE_OK;
    database_release(result);
    return database_fail(connection, DATABASE_NO_MEMORY, "la mémoire manque");
}

static void copy(char *to, size_t size, const database_result *result, int row, int column)
{
    snprintf(to, size, "%s", database_text(result, row, column));
}
#define COPY(field, row, column) copy(field, sizeof field, result, row, column)

static database_error read_server(database *connection, store_status *status)
{
    database_result *result = NULL;
    database_error error = database_query(connection, server_sql, NULL, 0, &result);
    if (error != DATABASE_OK)
        return error;
    COPY(status->server, 0, 0);
    COPY(status->database, 0, 1);
    status->database_bytes = (uint64_t) database_integer(result, 0, 2);
    database_release(&result);
    return DATABASE_OK;
}

static database_error read_scopes(database *connection, arena *from, store_status *status)
{
    database_result *result = NULL;
    void *items = NULL;
    database_error error = rows(connection, scopes_sql, from, sizeof *status->scopes, &status->scope_count,
                                &items, &result);
    if (error != DATABASE_OK)
        return error;
    status->scopes = items;
    for (unsigned i = 0; i < status->scope_count; i++) {
        store_status_scope *one = &status->scopes[i];
        *one = (store_status_scope) {0};
        COPY(one->scope, (int) i, 0);
        one->position = (uint64_t) database_integer(result, (int) i, 1);
        one->contracts = (unsigned) database_integer(result, (int) i, 2);
        COPY(one->last_received, (int) i, 3);
        one->unstable = (uint64_t) database_integer(result, (int) i, 4);
    }
    database_release(&result);
    return DATABASE_OK;
}

static database_error read_contacts(database *connection, arena *from, store_status *status)
{
    database_result *result = NULL;
    void *items = NULL;
    database_error error =
        rows(connection, contacts_sql, from, sizeof *status->contacts, &status->contact_count, &items, &result);
    if (error != DATABASE_OK)
        return error;
    status->contacts = items;
    for (unsigned i = 0; i < status->contact_count; i++) {
        COPY(status->contacts[i].agent, (int) i, 0);
        COPY(status->contacts[i].contacted, (int) i, 1);
    }
    database_release(&result);
    return DATABASE_OK;
}

static database_error read_refusals(database *connection, arena *from, store_status *status)
{
    database_result *result = NULL;
    void *items = NULL;
    database_error error =
        rows(connection, refusals_sql, from, sizeof *status->refusals, &status->refusal_count, &items, &result);
    if (error != DATABASE_OK)
        return error;
    status->refusals = items;
    for (unsigned i = 0; i < status->refusal_count; i++) {
        store_status_refusal *one = &status->refusals[i];
        COPY(one->agent, (int) i, 0);
        COPY(one->scope, (int) i, 1);
        one->reason = (record_reason) database_integer(result, (int) i, 2);
        one->count = (uint64_t) database_integer(result, (int) i, 3);
        one->last_sequence = (uint64_t) database_integer(result, (int) i, 4);
    }
    database_release(&result);
    return DATABASE_OK;
}

static database_error read_alarms(database *connection, arena *from, store_status *status)
{
    database_result *result = NULL;
    void *items = NULL;
    database_error error = rows(connection, alarms_sql, from, sizeof *status->alarms, &status->alarm_count,
                                &items, &result);
    if (error != DATABASE_OK)
        return error;
    status->alarms = items;
    for (unsigned i = 0; i < status->alarm_count; i++) {
        store_status_alarm *one = &status->alarms[i];
        COPY(one->agent, (int) i, 0);
        COPY(one->scope, (int) i, 1);
        one->reason = (wire_refusal) database_integer(result, (int) i, 2);
        one->sequence = (uint64_t) database_integer(result, (int) i, 3);
        one->times = (uint64_t) database_integer(result, (int) i, 4);
        COPY(one->first, (int) i, 5);
        COPY(one->last, (int) i, 6);
    }
    database_release(&result);
    return DATABASE_OK;
}

database_error store_status_read(store *self, arena *from, store_status *status)
{
    database *connection = NULL;
    *status = (store_status) {0};
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    error = read_server(connection, status);
    if (error == DATABASE_OK)
        error = read_scopes(connection, from, status);
    if (error == DATABASE_OK)
        error = store_status_read_keys(connection, from, status);
    if (error == DATABASE_OK)
        error = read_contacts(connection, from, status);
    if (error == DATABASE_OK)
        error = read_refusals(connection, from, status);
    if (error == DATABASE_OK)
        error = read_alarms(connection, from, status);
    database_rollback(connection);
    return error;
}

database_error store_status_note_contact(store *self, const uint8_t agent[CRYPTO_PUBLIC])
{
    database *connection = NULL;
    database_error error = store_database(self, &connection);
    if (error != DATABASE_OK)
        return error;
    database_parameter parameter = DATABASE_BYTES(agent, CRYPTO_PUBLIC);
    return database_repeat(connection, contact_sql, &parameter, 1, NULL);
}

database_error store_status_note_alarm(store *self, const uint8_t agent[CRYPTO_PUBLIC], wire_refusal reason,
                                       text_view scope,
                                       uint64_t sequence)
{
    database *connection = NULL;
    database_error error = store_database(self, &connection);
    if (error != DATABASE_OK)
        return error;
    char reason_text[DATABASE_NUMBER_TEXT], sequence_text[DATABASE_NUMBER_TEXT], scope_text[BATCH_SCOPE_MAX + 1] = "";
    text_copy(scope_text, sizeof scope_text, scope);
    database_parameter parameters[] = {
        DATABASE_BYTES(agent, CRYPTO_PUBLIC),
        database_number(reason_text, reason),
        DATABASE_TEXT(scope_text),
        database_number(sequence_text, (int64_t) sequence),
    };
    return database_query(connection, alarm_sql, parameters, 4, NULL);
}
