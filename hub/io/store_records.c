/* store_records: see the header. Errors are the database's. */
#include "store_records.h"

#include "database_array.h"
#include "store_base.h"
#include "store_erase.h"

static const char withdraw_sql[] = "SELECT ctai.withdraw_records($1, $2::integer, $3::bigint, $4::uuid[], $5::integer[])";
static const char withdraw_staged_sql[] = "SELECT ctai.unstage_records($1, $2::integer, $4::uuid[], $5::integer[])"
                                          " WHERE $3::bigint IS NOT NULL";

static database_error withdraw(database *connection, const store_version *version, const store_record *records, size_t count,
                               bool staged)
{
    database_array arrays[2];
    char agent[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    size_t withdrawals = 0;
    for (unsigned i = 0; i < 2; i++)
        database_array_init(&arrays[i]);
    for (size_t i = 0; i < count; i++)
        if (records[i].what.operation == RECORD_WITHDRAW && records[i].right->staged == staged) {
            database_array_hash(&arrays[0], records[i].what.key);
            database_array_number(&arrays[1], records[i].right->contract_id);
            withdrawals++;
        }
    const char *keys = database_array_end(&arrays[0]), *contracts = database_array_end(&arrays[1]);
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(position, (int64_t)version->position), DATABASE_TEXT(keys),
                                             DATABASE_TEXT(contracts)};
    database_error error = DATABASE_OK;
    if (withdrawals > 0 && (!keys || !contracts))
        error = store_no_memory(connection);
    else if (withdrawals > 0)
        error = database_repeat(connection, staged ? withdraw_staged_sql : withdraw_sql, parameters, 5, NULL);
    for (unsigned i = 0; i < 2; i++)
        database_array_release(&arrays[i]);
    return error;
}

database_error store_records_write(store_rows *rows, const store_version *version, const store_record *records, size_t count)
{
    database *connection = rows->connection;
    if (count == 0)
        return DATABASE_OK;
    database_error error = store_rows_admit(rows, version, records, count);
    if (error == DATABASE_OK)
        error = store_rows_put(rows, version, records, count);
    if (error == DATABASE_OK && version->replacing)
        error = store_rows_stage(rows, version, records, count);
    if (error == DATABASE_OK)
        error = withdraw(connection, version, records, count, false);
    if (error == DATABASE_OK && version->replacing)
        error = withdraw(connection, version, records, count, true);
    if (error == DATABASE_OK)
        error = store_erase_records(connection, version, records, count);
    return error;
}

database_error store_records_finish(database *connection, const store_version *version, int64_t contract_id)
{
    char agent[DATABASE_NUMBER_TEXT], contract[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(contract, contract_id),
                                             database_number(position, (int64_t)version->position)};
    return database_query(connection, "SELECT ctai.finish_replacement($1, $2::integer, $3::integer, $4::bigint)", parameters, 4,
                          NULL);
}
