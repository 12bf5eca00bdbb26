/* store_refusals: see the header. Errors are the database's. */
#include "store_refusals.h"

database_error store_refusals_after(database *connection, int64_t agent, const char *scope, uint64_t after, arena *from,
                                    wire_record_refusal **refusals, unsigned *count)
{
    char number[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT], limit[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(number, agent),
                                             database_number(sequence, (int64_t)after), database_number(limit, WIRE_REFUSALS_MAX)};
    database_result *result = NULL;
    *refusals = NULL;
    *count = 0;
    database_error error = database_repeat(connection,
                                           "SELECT sequence, index, reason FROM ctai.refusal"
                                           " WHERE scope = $1 AND agent = $2::integer AND sequence > $3::bigint"
                                           " ORDER BY sequence, index LIMIT $4::bigint", parameters, 4, &result);
    if (error != DATABASE_OK)
        return error;
    unsigned found = (unsigned)database_rows(result);
    *refusals = arena_take(from, sizeof **refusals * found + 1);
    for (; *refusals && *count < found; ++*count)
        (*refusals)[*count] = (wire_record_refusal){.sequence = (uint64_t)database_integer(result, (int)*count, 0),
                                                    .index = (uint32_t)database_integer(result, (int)*count, 1),
                                                    .reason = (record_reason)database_integer(result, (int)*count, 2)};
    database_release(&result);
    return *refusals ? DATABASE_OK : store_no_memory(connection);
}
