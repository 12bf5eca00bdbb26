/* store_status_keys: of each scope, the epochs of its linkage key and the records that have not followed; see store_status.h. */
#include <stdio.h>
#include <string.h>

#include "store_base.h"
#include "store_status.h"

static const char keys_sql[] =
    "SELECT scope, epoch, uuid_send(key_id), " STORE_MOMENT("registered_at") ", " STORE_MOMENT("closed_at") ","
    "       coalesce(closed_position, 0) FROM ctai.scope_key ORDER BY scope, epoch";
static const char lags_sql[] =
    "SELECT k.scope, lag.unlinked, a.name, c.id, a.status = 'revoked', lag.records"
    "  FROM (SELECT scope, min(epoch) FILTER (WHERE closed_position IS NULL) AS linkage, max(epoch) AS newest"
    "          FROM ctai.scope_key GROUP BY scope) AS k"
    " CROSS JOIN LATERAL ("
    "   SELECT true AS unlinked, w.* FROM ctai.records_without(k.scope, k.linkage) AS w"
    "   UNION ALL"
    "   SELECT false, w.* FROM ctai.records_without(k.scope, k.newest) AS w WHERE k.newest <> k.linkage) AS lag"
    "  JOIN ctai.agent AS a USING (agent) JOIN ctai.contract AS c USING (contract_id)"
    " ORDER BY k.scope, lag.unlinked, a.name, c.id";

static store_status_scope *find(store_status *status, const char *scope)
{
    for (unsigned i = 0; i < status->scope_count; i++)
        if (strcmp(status->scopes[i].scope, scope) == 0)
            return &status->scopes[i];
    return NULL;
}

static database_error read_keys(database *connection, arena *from, store_status *status)
{
    database_result *result = NULL;
    database_error error = database_query(connection, keys_sql, NULL, 0, &result);
    if (error != DATABASE_OK)
        return error;
    int rows = database_rows(result);
    store_status_key *items = arena_take(from, sizeof *items * (size_t)rows + 1);
    for (int row = 0; items && row < rows; row++) {
        store_status_scope *of = find(status, database_text(result, row, 0));
        store_status_key *one = &items[row];
        uint8_t id[TOKEN_KEY_ID] = {0};
        if (!of)
            continue;
        *one = (store_status_key){.epoch = (uint64_t)database_integer(result, row, 1),
                                  .closed_position = (uint64_t)database_integer(result, row, 5)};
        (void)database_bytes(result, row, 2, id, sizeof id);
        crypto_fingerprint(one->name, id, sizeof id);
        snprintf(one->since, sizeof one->since, "%s", database_text(result, row, 3));
        snprintf(one->closed, sizeof one->closed, "%s", database_text(result, row, 4));
        if (of->key_count++ == 0)
            of->keys = one;
    }
    database_release(&result);
    return items ? DATABASE_OK : store_no_memory(connection);
}

static database_error read_lags(database *connection, arena *from, store_status *status)
{
    database_result *result = NULL;
    database_error error = database_query(connection, lags_sql, NULL, 0, &result);
    if (error != DATABASE_OK)
        return error;
    int rows = database_rows(result);
    store_status_lag *items = arena_take(from, sizeof *items * (size_t)rows + 1);
    for (int row = 0; items && row < rows; row++) {
        store_status_scope *of = find(status, database_text(result, row, 0));
        store_status_lag *one = &items[row];
        if (!of)
            continue;
        *one = (store_status_lag){.revoked = database_flag(result, row, 4), .records = (uint64_t)database_integer(result, row, 5)};
        snprintf(one->agent, sizeof one->agent, "%s", database_text(result, row, 2));
        snprintf(one->contract, sizeof one->contract, "%s", database_text(result, row, 3));
        bool unlinked = database_flag(result, row, 1);
        unsigned *count = unlinked ? &of->unlinked_count : &of->behind_count;
        if ((*count)++ == 0)
            *(unlinked ? &of->unlinked : &of->behind) = one;
    }
    database_release(&result);
    return items ? DATABASE_OK : store_no_memory(connection);
}

database_error store_status_read_keys(database *connection, arena *from, store_status *status)
{
    database_error error = read_keys(connection, from, status);
    return error == DATABASE_OK ? read_lags(connection, from, status) : error;
}
