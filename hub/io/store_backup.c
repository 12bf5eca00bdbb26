/* store_backup: see the header. Errors are the database's. */
#include "store_backup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "database_array.h"
#include "database_service.h"
#include "store_base.h"
#include "store_stable.h"

/* The dump may take long, and nothing else is said on this connection meanwhile. */
static const char patience_sql[] = "SET LOCAL idle_in_transaction_session_timeout TO 0";
static const char facts_sql[] =
    "SELECT pg_export_snapshot(), current_setting('server_version_num')::integer / 10000, current_setting('server_version'),"
    "       " STORE_MOMENT("now()") ", (SELECT fingerprint FROM ctai.hub_identity),"
    "       (SELECT count(*) FROM ctai.contract), (SELECT count(*) FROM ctai.agent), (SELECT count(*) FROM ctai.record)";
static const char scopes_sql[] = "SELECT scope, position FROM ctai.scope ORDER BY scope COLLATE \"C\"";
static const char files_sql[] = "SELECT name, checksum FROM ctai.migration WHERE name ~ '^[0-9]' ORDER BY name COLLATE \"C\"";
static const char target_sql[] =
    "SELECT current_setting('server_version_num')::integer / 10000,"
    "       NOT EXISTS (SELECT FROM ctai.contract) AND NOT EXISTS (SELECT FROM ctai.agent) AND NOT EXISTS (SELECT FROM ctai.ledger),"
    "       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ctai-hub'"
    "         AND pid <> pg_backend_pid())";

static database_error read_scopes(database *connection, arena *from, backup_manifest_scope **scopes, unsigned *count)
{
    database_result *result = NULL;
    database_error error = database_query(connection, scopes_sql, NULL, 0, &result);
    if (error != DATABASE_OK)
        return error;
    *count = (unsigned)database_rows(result);
    *scopes = arena_take(from, *count * sizeof **scopes + 1);
    for (unsigned i = 0; *scopes && i < *count; i++) {
        snprintf((*scopes)[i].scope, sizeof (*scopes)[i].scope, "%s", database_text(result, (int)i, 0));
        (*scopes)[i].position = (uint64_t)database_integer(result, (int)i, 1);
    }
    database_release(&result);
    return *scopes ? DATABASE_OK : store_no_memory(connection);
}

static database_error read_files(database *connection, arena *from, backup_manifest *found)
{
    database_result *result = NULL;
    database_error error = database_query(connection, files_sql, NULL, 0, &result);
    if (error != DATABASE_OK)
        return error;
    unsigned count = (unsigned)database_rows(result);
    bool good = (found->files = arena_take(from, count * sizeof *found->files + 1)) != NULL;
    for (unsigned i = 0; good && i < count; i++) {
        found->files[i].name = text_of(store_keep(from, result, (int)i, 0));
        good = found->files[i].name.at &&
               database_bytes(result, (int)i, 1, found->files[i].checksum, CRYPTO_HASH) == CRYPTO_HASH;
    }
    found->file_count = count;
    database_release(&result);
    return good ? DATABASE_OK : store_no_memory(connection);
}

static database_error read_facts(database *connection, arena *from, store_backup *self, backup_manifest *found)
{
    database_result *result = NULL;
    database_error error = database_query(connection, facts_sql, NULL, 0, &result);
    if (error != DATABASE_OK)
        return error;
    snprintf(self->snapshot, sizeof self->snapshot, "%s", database_text(result, 0, 0));
    self->server = (int)database_integer(result, 0, 1);
    char *server = store_keep(from, result, 0, 2);
    found->server = text_of(server);
    found->program = text_of(CTAI_VERSION);
    snprintf(found->made, sizeof found->made, "%s", database_text(result, 0, 3));
    snprintf(found->fingerprint, sizeof found->fingerprint, "%s", database_text(result, 0, 4));
    found->contracts = (uint64_t)database_integer(result, 0, 5);
    found->agents = (uint64_t)database_integer(result, 0, 6);
    found->records = (uint64_t)database_integer(result, 0, 7);
    database_release(&result);
    return server ? DATABASE_OK : store_no_memory(connection);
}

database_error store_backup_begin(store *of, arena *from, store_backup *self, backup_manifest *found)
{
    database *connection;
    *self = (store_backup){.service = -1};
    *found = (backup_manifest){0};
    database_error error = store_database(of, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    error = database_run(connection, patience_sql);
    if (error == DATABASE_OK)
        error = read_facts(connection, from, self, found);
    if (error == DATABASE_OK)
        error = read_scopes(connection, from, &found->scopes, &found->scope_count);
    if (error == DATABASE_OK)
        error = read_files(connection, from, found);
    if (error == DATABASE_OK && (self->service = database_service(connection)) < 0)
        error = store_no_memory(connection);
    if (error != DATABASE_OK)
        database_rollback(connection);
    return error;
}

void store_backup_end(store *of, store_backup *self)
{
    if (self->service < 0)
        return;
    close(self->service);
    self->service = -1;
    database_rollback(&of->connection); /* it has only read */
}

database_error store_backup_stable(store *of, const backup_manifest *held, uint64_t *moved)
{
    database_array scopes, positions;
    database_array_init(&scopes);
    database_array_init(&positions);
    for (unsigned i = 0; i < held->scope_count; i++) {
        database_array_text(&scopes, text_of(held->scopes[i].scope));
        database_array_number(&positions, (int64_t)held->scopes[i].position);
    }
    const char *scope_text = database_array_end(&scopes), *position_text = database_array_end(&positions);
    database_error error = scope_text && position_text ? store_stable_reach(of, scope_text, position_text, moved)
                                                       : store_no_memory(&of->connection);
    database_array_release(&scopes);
    database_array_release(&positions);
    return error;
}

database_error store_backup_look(store *of, arena *from, store_backup_target *target)
{
    database *connection;
    database_result *result = NULL;
    *target = (store_backup_target){.service = -1};
    database_error error = store_database(of, &connection);
    if (error == DATABASE_OK)
        error = database_query(connection, target_sql, NULL, 0, &result);
    if (error == DATABASE_OK) {
        target->server = (int)database_integer(result, 0, 0);
        target->empty = database_flag(result, 0, 1);
        target->users = (unsigned)database_integer(result, 0, 2);
    }
    database_release(&result);
    if (error == DATABASE_OK)
        error = read_scopes(connection, from, &target->scopes, &target->scope_count);
    if (error == DATABASE_OK && (target->service = database_service(connection)) < 0)
        error = store_no_memory(connection);
    return error;
}
