/* checkup: see the header. Errors are the database's. */
#include "checkup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "embedded.h"
#include "store_standing.h"

static const char server_sql[] =
    "SELECT current_setting('server_version'), current_setting('server_version_num')::integer,"
    "       extract(epoch FROM clock_timestamp()),"
    "       current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean"
    "           AND current_setting('synchronous_commit') <> 'off',"
    "       current_setting('server_encoding') = 'UTF8', current_setting('data_checksums')::boolean, pg_is_in_recovery(),"
    "       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
    "       inet_server_addr() IS NULL OR inet_server_addr() << inet '127.0.0.0/8' OR host(inet_server_addr()) = '::1',"
    "       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),"
    "       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')::integer,"
    "       pg_database_size(current_database()), to_regclass('ctai.migration') IS NOT NULL";
static const char hub_sql[] =
    "SELECT coalesce((SELECT fingerprint FROM ctai.hub_identity), ''), (SELECT count(DISTINCT agent) FROM ctai.alarm),"
    "       (SELECT count(*) FROM ctai.agent WHERE forked_at IS NOT NULL AND revoked_at IS NULL),"
    "       (SELECT count(*) FROM ctai.contract), (SELECT count(*) FROM ctai.agent WHERE revoked_at IS NULL),"
    "       (SELECT count(*) FROM unnest(ARRAY['ctai_ingest', 'ctai_consolidation', 'ctai_report', 'ctai_web']) AS r (role)"
    "         WHERE CASE WHEN to_regrole(role) IS NULL THEN false ELSE pg_has_role(to_regrole(role)::oid, 'MEMBER') END),"
    "       coalesce((SELECT extract(epoch FROM now() - min(l.received_at)) FROM ctai.ledger AS l JOIN ctai.agent_scope AS p"
    "                 USING (agent, scope) WHERE l.incarnation = p.incarnation AND l.sequence > p.stable), 0)";
static const char migrations_sql[] = "SELECT name, checksum FROM ctai.migration";

static database_error read_server(database *connection, checkup *found)
{
    database_result *row = NULL;
    database_error error = database_query(connection, server_sql, NULL, 0, &row);
    if (error != DATABASE_OK)
        return error;
    snprintf(found->server, sizeof found->server, "%s", database_text(row, 0, 0));
    found->server_number = (int) database_integer(row, 0, 1);
    found->clock = strtod(database_text(row, 0, 2), NULL);
    found->durable = database_flag(row, 0, 3);
    found->utf8 = database_flag(row, 0, 4);
    found->checksums = database_flag(row, 0, 5);
    found->recovery = database_flag(row, 0, 6);
    found->superuser = database_flag(row, 0, 7);
    found->local = database_flag(row, 0, 8);
    found->encrypted = database_flag(row, 0, 9);
    found->connections = (int) database_integer(row, 0, 10);
    found->connections_max = (int) database_integer(row, 0, 11);
    found->bytes = strtod(database_text(row, 0, 12), NULL);
    found->prepared = database_flag(row, 0, 13);
    database_release(&row);
    return DATABASE_OK;
}

/* Is a file of the program there, as it is here? */
static void look_for(const database_result *known, const embedded_file *file, checkup *found)
{
    uint8_t ours[CRYPTO_HASH], theirs[CRYPTO_HASH];
    batch_hash(ours, (text_view) {(const char *) file->data, file->size});
    for (int row = 0; row < database_rows(known); row++)
        if (strcmp(database_text(known, row, 0), file->name) == 0) {
            if (database_bytes(known, row, 1, theirs, sizeof theirs) != CRYPTO_HASH || memcmp(ours, theirs, CRYPTO_HASH) != 0)
                found->schema_other = true;
            return;
        }
    found->schema_older = true;
}

static database_error read_schema(database *connection, checkup *found)
{
    database_result *known = NULL;
    database_error error = database_query(connection, migrations_sql, NULL, 0, &known);
    if (error != DATABASE_OK)
        return error;
    for (const embedded_file *file = embedded_files; file->name; file++)
        if (isdigit((unsigned char) file->name[0]) && strstr(file->name, ".sql"))
            look_for(known, file, found);
    for (int row = 0; row < database_rows(known); row++)
        if (isdigit((unsigned char) database_text(known, row, 0)[0]) && !embedded_find(database_text(known, row, 0)))
            found->schema_newer = true;
    database_release(&known);
    return DATABASE_OK;
}

database_error checkup_read(database *connection, checkup *found)
{
    *found = (checkup) {0};
    database_error error = read_server(connection, found);
    if (error != DATABASE_OK || !found->prepared)
        return error;
    error = read_schema(connection, found);
    if (error != DATABASE_OK || found->schema_older || found->schema_newer || found->schema_other)
        return error;
    database_result *row = NULL;
    error = database_query(connection, hub_sql, NULL, 0, &row);
    if (error != DATABASE_OK)
        return error;
    snprintf(found->hub, sizeof found->hub, "%s", database_text(row, 0, 0));
    found->alarms = (int) database_integer(row, 0, 1);
    found->forked = (int) database_integer(row, 0, 2);
    found->contracts = (int) database_integer(row, 0, 3);
    found->agents = (int) database_integer(row, 0, 4);
    found->roles = (int) database_integer(row, 0, 5);
    found->unstable_s = strtod(database_text(row, 0, 6), NULL);
    database_release(&row);
    if (found->roles < CHECKUP_ROLES) /* they may not be ours to compare */
        return DATABASE_OK;
    return store_standing_wrong(connection, CHECKUP_CELLS_MS, found->cells_contract, sizeof found->cells_contract,
                                &found->cells_wrong);
}
