/* store_keys: see the header. Errors are the database's. */
#include "store_keys.h"

#include <string.h>

#include "admission_keys.h"

static database_error read_key(database *connection, const database_result *result, int row, int epoch, int id, batch_key *key)
{
    key->epoch = (uint32_t)database_integer(result, row, epoch);
    if (database_bytes(result, row, id, key->id, TOKEN_KEY_ID) != TOKEN_KEY_ID)
        return database_fail(connection, DATABASE_FAULT, "la base de données est abîmée (scope_key)");
    return DATABASE_OK;
}

/* All epochs of the scope, ascending. */
static database_error load(database *connection, const char *scope, arena *scratch, admission_key **known, unsigned *count)
{
    database_result *result = NULL;
    database_error error = database_repeat(connection,
                                          "SELECT epoch, uuid_send(key_id), scheme, closed_position IS NOT NULL FROM ctai.scope_key"
                                          " WHERE scope = $1 ORDER BY epoch", &DATABASE_TEXT(scope), 1, &result);
    if (error != DATABASE_OK)
        return error;
    *count = (unsigned)database_rows(result);
    *known = arena_take(scratch, sizeof **known * *count + 1);
    if (!*known)
        error = store_no_memory(connection);
    for (unsigned i = 0; error == DATABASE_OK && i < *count; i++) {
        (*known)[i].scheme = (unsigned)database_integer(result, (int)i, 2);
        (*known)[i].closed = database_flag(result, (int)i, 3);
        error = read_key(connection, result, (int)i, 0, 1, &(*known)[i].key);
    }
    database_release(&result);
    return error;
}

static database_error add(database *connection, const char *scope, unsigned scheme, const batch_key *key)
{
    char epoch[DATABASE_NUMBER_TEXT], number[DATABASE_NUMBER_TEXT], id[2 * TOKEN_KEY_ID + 1];
    crypto_hex(id, key->id, TOKEN_KEY_ID);
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(epoch, key->epoch),
                                             database_number(number, scheme), DATABASE_TEXT(id)};
    return database_query(connection,
                          "INSERT INTO ctai.scope_key (scope, epoch, scheme, key_id)"
                          " VALUES ($1, $2::bigint, $3::smallint, $4::uuid)", parameters, 4, NULL);
}

database_error store_keys_take(database *connection, const char *scope, const batch_header *header, arena *scratch, bool *admitted)
{
    admission_key *known = NULL;
    unsigned count = 0, fresh = 0;
    *admitted = true;
    if (header->key_count == 0)
        return DATABASE_OK;
    database_error error = load(connection, scope, scratch, &known, &count);
    if (error == DATABASE_OK)
        *admitted = admission_keys_take(known, count, header, &fresh);
    if (error != DATABASE_OK || !*admitted || fresh == 0)
        return error;
    for (unsigned i = header->key_count - fresh; error == DATABASE_OK && i < header->key_count; i++)
        error = add(connection, scope, header->scheme, &header->keys[i]);
    return error == DATABASE_OK ? database_run(connection, STORE_NOTIFY_SQL) : error;
}

/* Has an active agent a record with tokens that has none of that epoch? */
static database_error is_awaited(database *connection, const char *scope, uint32_t epoch, bool *awaited)
{
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(number, epoch)};
    database_result *result = NULL;
    database_error error = database_query(connection, "SELECT ctai.epoch_awaited($1, $2::bigint)", parameters, 2, &result);
    *awaited = error == DATABASE_OK && database_flag(result, 0, 0);
    database_release(&result);
    return error;
}

database_error store_keys_close(database *connection, const char *scope, const batch_key *which, uint64_t position, arena *scratch,
                                record_reason *reason)
{
    admission_key *known = NULL;
    unsigned count = 0;
    uint32_t next = 0;
    bool awaited = false;
    *reason = RECORD_OK;
    database_error error = load(connection, scope, scratch, &known, &count);
    if (error != DATABASE_OK)
        return error;
    if (!admission_keys_close(known, count, which, &next)) {
        *reason = RECORD_BAD_TOKENS;
        return DATABASE_OK;
    }
    error = is_awaited(connection, scope, next, &awaited);
    if (error != DATABASE_OK)
        return error;
    if (awaited) {
        *reason = RECORD_EPOCH_IN_USE;
        return DATABASE_OK;
    }
    char epoch[DATABASE_NUMBER_TEXT], at[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(epoch, which->epoch),
                                             database_number(at, (int64_t)position)};
    error = database_query(connection,
                           "UPDATE ctai.scope_key SET closed_position = $3::bigint, closed_at = now()"
                           " WHERE scope = $1 AND epoch = $2::bigint", parameters, 3, NULL);
    return error == DATABASE_OK ? database_run(connection, STORE_NOTIFY_SQL) : error;
}

database_error store_keys_fill(database *connection, wire_contract *contracts, unsigned count)
{
    if (count == 0)
        return DATABASE_OK;
    database_result *result = NULL;
    database_error error = database_repeat(connection,
                                           "SELECT scope, epoch, uuid_send(key_id) FROM ctai.scope_key"
                                           " WHERE closed_position IS NULL ORDER BY scope, epoch", NULL, 0, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result); row++) {
        batch_key key;
        error = read_key(connection, result, row, 1, 2, &key);
        for (unsigned i = 0; error == DATABASE_OK && i < count; i++)
            if (text_is(contracts[i].scope, database_text(result, row, 0)) && contracts[i].key_count < RECORD_TOKEN_SETS)
                contracts[i].keys[contracts[i].key_count++] = key;
    }
    database_release(&result);
    return error;
}
