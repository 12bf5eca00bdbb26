/* store_erase: see the header. */
#include "store_erase.h"

#include <stdlib.h>
#include <string.h>

#include "database_array.h"
#include "wire.h"

static const char erase_sql[] = "SELECT ctai.erase_records($1, $2::integer, $3::bigint, $4::uuid[], $5::integer[])";

/* Batches in quarantine that hold one of the keys somewhere. There is hardly ever one. */
static const char holding_sql[] =
    "SELECT q.sequence, length(q.message), q.message FROM ctai.quarantine AS q"
    " WHERE q.scope = $1 AND q.agent = $2::integer"
    "  AND EXISTS (SELECT FROM unnest($3::uuid[]) AS k (key) WHERE position(uuid_send(k.key) IN q.message) > 0)";
static const char rewrite_sql[] = "UPDATE ctai.quarantine SET message = $4"
                                  " WHERE scope = $1 AND agent = $2::integer AND sequence = $3::bigint";

static bool holds(text_view body, const store_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (records[i].what.operation == RECORD_ERASE && memmem(body.at, body.size, records[i].what.key, RECORD_KEY))
            return true;
    return false;
}

/* The message without the bodies that hold a key: absent, as an agent would send it. What cannot be read goes whole. */
static bool without(text_view message, const store_record *records, size_t count, batch_buffer *to)
{
    arena *scratch = arena_new(WIRE_SCRATCH_BYTES);
    wire_message read;
    bool good = scratch != NULL;
    if (good && wire_read(&read, scratch, message) && read.type == WIRE_BATCH) {
        text_view *bodies = arena_take(scratch, sizeof *bodies * read.batch.body_count + 1);
        good = bodies != NULL;
        for (unsigned i = 0; good && i < read.batch.body_count; i++) {
            text_view body = read.batch.bodies[i];
            bodies[i] = body.at && holds(body, records, count) ? (text_view){NULL, 0} : body;
        }
        read.batch.bodies = bodies;
        if (good)
            wire_write(to, &read);
    } else if (good) {
        good = !arena_short(scratch);
    }
    arena_destroy(&scratch);
    return good && !to->failed;
}

static database_error rewrite(database *connection, const store_version *version, const database_result *result, int row,
                              const store_record *records, size_t count)
{
    char agent[DATABASE_NUMBER_TEXT];
    batch_buffer kept;
    size_t size = (size_t)database_integer(result, row, 1);
    char *message = malloc(size + 1);
    database_error error = message ? DATABASE_OK : store_no_memory(connection);
    batch_buffer_init(&kept, WIRE_MESSAGE_MAX);
    if (error == DATABASE_OK && database_bytes(result, row, 2, message, size + 1) != (long)size)
        error = database_fail(connection, DATABASE_FAULT, "la base de données est abîmée (quarantine)");
    if (error == DATABASE_OK && !without((text_view){message, size}, records, count, &kept))
        error = store_no_memory(connection);
    if (error == DATABASE_OK) {
        const char *bytes = kept.size > 0 ? (const char *)kept.data : "\xc0"; /* nil: a size of 0 would be text */
        const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                                 DATABASE_TEXT(database_text(result, row, 0)),
                                                 DATABASE_BYTES(bytes, kept.size > 0 ? kept.size : 1)};
        error = database_query(connection, rewrite_sql, parameters, 4, NULL);
    }
    batch_buffer_release(&kept);
    free(message);
    return error;
}

static database_error erase_quarantined(database *connection, const store_version *version, const char *keys,
                                        const store_record *records, size_t count)
{
    char agent[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             DATABASE_TEXT(keys)};
    database_result *result = NULL;
    database_error error = database_query(connection, holding_sql, parameters, 3, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result); row++)
        error = rewrite(connection, version, result, row, records, count);
    database_release(&result);
    return error;
}

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
        error = erase_quarantined(connection, version, keys, records, count);
    for (size_t i = 0; i < 2; i++)
        database_array_release(&arrays[i]);
    return error;
}
