/* store_standing: see the header. Errors are the database's. */
#include "store_standing.h"

#include <libpq-fe.h>
#include <stdio.h>

#include "store_base.h"

database_error store_standing_marked(store *self, store_standing_mark *marks, unsigned capacity, unsigned *count)
{
    static const char sql[] = "SELECT contract_id, coalesce(took_us, -1), dearest_us FROM ctai.marked() LIMIT $1::integer";
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter most = database_number(number, capacity);
    database *connection;
    database_result *result = NULL;
    *count = 0;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_repeat(connection, sql, &most, 1, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result) && *count < capacity; row++)
        marks[(*count)++] = (store_standing_mark){database_integer(result, row, 0), database_integer(result, row, 1),
                                                 database_integer(result, row, 2)};
    database_release(&result);
    return error;
}

database_error store_standing_consolidate(store *self, int64_t contract_id, bool *done)
{
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameter = database_number(number, contract_id);
    database *connection;
    database_result *result = NULL;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_repeat(connection, "SELECT ctai.consolidate($1::integer)", &parameter, 1, &result);
    *done = error == DATABASE_OK && database_flag(result, 0, 0);
    database_release(&result);
    return error;
}

database_error store_standing_limit(store *self, unsigned limit_ms, uint64_t *connection)
{
    char sql[64];
    database *current;
    database_error error = store_database(self, &current);
    if (error != DATABASE_OK || *connection == self->connections)
        return error;
    (void)snprintf(sql, sizeof sql, "SET statement_timeout TO %u", limit_ms);
    error = database_run(current, sql);
    if (error == DATABASE_OK)
        *connection = self->connections;
    return error;
}

database_error store_standing_wrong(database *connection, unsigned budget_ms, char *contract, size_t size, uint64_t *wrong)
{
    static const char sql[] = "SELECT count(*), coalesce(min(contract COLLATE \"C\"), '') FROM ctai.cells_wrong($1::bigint)";
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter budget = database_number(number, (int64_t)budget_ms * 1000);
    database_result *result = NULL;
    *wrong = 0;
    contract[0] = '\0';
    database_error error = database_query(connection, sql, &budget, 1, &result);
    if (error == DATABASE_OK) {
        *wrong = (uint64_t)database_integer(result, 0, 0);
        (void)text_copy(contract, size, text_of(database_text(result, 0, 1)));
    }
    database_release(&result);
    return error;
}

store_standing_cancel *store_standing_cancel_new(const store *self)
{
    return self->connection.connection ? PQgetCancel(self->connection.connection) : NULL;
}

void store_standing_cancel_destroy(store_standing_cancel **self)
{
    if (*self)
        PQfreeCancel(*self);
    *self = NULL;
}

void store_standing_cancel_now(store_standing_cancel *self)
{
    char why[256];
    if (self)
        (void)PQcancel(self, why, sizeof why); /* one that fails leaves a query that ends by itself */
}
