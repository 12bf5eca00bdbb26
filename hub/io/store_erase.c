/* store_erase: see the header. */
#include "store_erase.h"

#include "database_array.h"
#include "store_base.h"

static const char erase_sql[] = "SELECT ctai.erase_records($1, $2::integer, $3::bigint, $4::uuid[], $5::integer[])";

static const char quarantine_sql[] = "SELECT ctai.erase_quarantined($1, $2::integer, $3::uuid[])";

database_error store_erase_records(database *connection, const store_version *version, const store_record *records,
                                   size_t count)
{
    database_array arrays[2];
    char agent[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    size_t erasures = 0;
    for (size_t i = 0; i < 2; i++)
        database_array_init(&arrays[i]);
    for (size_t i = 0; i < count; i++)
        if (records[i].what.operation == RECORD_ERASE) {
            database_array_hash(&arrays[0], records[i].what.key);
            database_array_number(&arrays[1], records[i].right->contract_id);
            erasures++;
        }
    const char *keys = database_array_end(&arrays[0]), *contracts = database_array_end(&arrays[1]);
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(position, (int64_t)version->position), DATABASE_TEXT(keys),
                                             DATABASE_TEXT(contracts)};
    database_error error = DATABASE_OK;
    if (erasures > 0 && (!keys || !contracts))
        error = store_no_memory(connection);
    else if (erasures > 0)
        error = database_query(connection, erase_sql, parameters, 5, NULL);
    if (error == DATABASE_OK && erasures > 0)
        error = database_query(connection, quarantine_sql,
                               (const database_parameter[]){parameters[0], parameters[1], parameters[3]}, 3, NULL);
    for (size_t i = 0; i < 2; i++)
        database_array_release(&arrays[i]);
    return error;
}
