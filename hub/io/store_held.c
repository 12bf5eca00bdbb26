/* store_held: pages of records in the order of their keys, each by its index; see the header. Errors are the database's. */
#include "store_held.h"

#include <string.h>

enum { PAGE = 4096, KEY_TEXT = 2 * RECORD_KEY + 1 };

/* $1 scope, $2 agent, $3 first key, $4 last key, $5 the key before (NULL: none), $6 how many. */
#define RECORDS_OF(table, condition) \
    "(SELECT key, contract_id, incarnation, sequence FROM " table " AS r" \
    "  WHERE r.scope = $1 AND r.agent = $2::integer AND r.key >= $3::uuid AND r.key <= $4::uuid" \
    "    AND ($5::uuid IS NULL OR r.key > $5::uuid)" condition \
    "  ORDER BY r.key LIMIT $6::bigint)"
static const char page_sql[] =
    "SELECT uuid_send(held.key), c.id, held.incarnation, held.sequence FROM ("
    RECORDS_OF("ctai.record", " AND NOT EXISTS (SELECT FROM ctai.replacement AS p"
                              " WHERE (p.scope, p.agent, p.contract_id) = (r.scope, r.agent, r.contract_id))")
    " UNION ALL "
    RECORDS_OF("ctai.record_staged", "")
    ") AS held JOIN ctai.contract AS c USING (contract_id) ORDER BY held.key LIMIT $6::bigint";

typedef struct {
    int64_t agent;
    const char *scope;
    uint8_t first[RECORD_KEY], last[RECORD_KEY], after[RECORD_KEY];
    bool has_after;
} range;

static database_error read_page(database *connection, const range *of, unsigned limit, database_result **result)
{
    char agent[DATABASE_NUMBER_TEXT], count[DATABASE_NUMBER_TEXT], first[KEY_TEXT], last[KEY_TEXT], after[KEY_TEXT];
    crypto_hex(first, of->first, RECORD_KEY);
    crypto_hex(last, of->last, RECORD_KEY);
    crypto_hex(after, of->after, RECORD_KEY);
    const database_parameter parameters[] = {
        DATABASE_TEXT(of->scope),      database_number(agent, of->agent),
        DATABASE_TEXT(first),          DATABASE_TEXT(last),
        of->has_after ? DATABASE_TEXT(after) : DATABASE_NULL, database_number(count, limit),
    };
    return database_query(connection, page_sql, parameters, 6, result);
}

/* The contract's name stays the result's. */
static database_error read_row(database *connection, const database_result *result, int row, wire_held *to)
{
    if (database_bytes(result, row, 0, to->key, RECORD_KEY) != RECORD_KEY)
        return database_fail(connection, DATABASE_FAULT, "la base de données est abîmée (record)");
    to->contract = text_of(database_text(result, row, 1));
    to->incarnation = (uint64_t)database_integer(result, row, 2);
    to->sequence = (uint64_t)database_integer(result, row, 3);
    return DATABASE_OK;
}

database_error store_held_digests(database *connection, int64_t agent, const char *scope, uint8_t *digests)
{
    range all = {.agent = agent, .scope = scope};
    memset(all.last, 0xff, sizeof all.last);
    memset(digests, 0, WIRE_BUCKETS * WIRE_DIGEST);
    for (int rows = PAGE; rows == PAGE;) {
        database_result *result = NULL;
        database_error error = read_page(connection, &all, PAGE, &result);
        if (error != DATABASE_OK)
            return error;
        rows = database_rows(result);
        for (int i = 0; error == DATABASE_OK && i < rows; i++) {
            wire_held held;
            error = read_row(connection, result, i, &held);
            if (error != DATABASE_OK)
                break;
            wire_digest_toggle(digests + held.key[0] * (size_t)WIRE_DIGEST, &held);
            memcpy(all.after, held.key, RECORD_KEY);
            all.has_after = true;
        }
        database_release(&result);
        if (error != DATABASE_OK)
            return error;
    }
    return DATABASE_OK;
}

/* Contracts are few: each name is kept once. */
static bool keep_name(text_view *name, arena_vector *names, arena *from)
{
    const text_view *known = names->items;
    for (size_t i = 0; i < names->count; i++)
        if (text_equal(known[i], *name)) {
            *name = known[i];
            return true;
        }
    text_view *added = arena_vector_add(names);
    char *copy = added ? arena_text(from, *name) : NULL;
    if (!copy)
        return false;
    *name = *added = (text_view){copy, name->size};
    return true;
}

database_error store_held_list(database *connection, int64_t agent, const char *scope, unsigned bucket, const uint8_t *after,
                               arena *from, wire_held **records, unsigned *count, bool *more)
{
    range of = {.agent = agent, .scope = scope, .has_after = after != NULL};
    arena_vector names;
    database_result *result = NULL;
    memset(of.last, 0xff, sizeof of.last);
    of.first[0] = of.last[0] = (uint8_t)bucket;
    if (after)
        memcpy(of.after, after, RECORD_KEY);
    database_error error = read_page(connection, &of, WIRE_LISTED_MAX + 1, &result);
    if (error != DATABASE_OK)
        return error;
    unsigned rows = (unsigned)database_rows(result);
    *more = rows > WIRE_LISTED_MAX;
    *count = *more ? (unsigned)WIRE_LISTED_MAX : rows;
    *records = arena_take(from, sizeof **records * *count + 1);
    if (!*records)
        error = store_no_memory(connection);
    arena_vector_init(&names, from, sizeof(text_view));
    for (unsigned i = 0; error == DATABASE_OK && i < *count; i++) {
        error = read_row(connection, result, (int)i, &(*records)[i]);
        if (error == DATABASE_OK && !keep_name(&(*records)[i].contract, &names, from))
            error = store_no_memory(connection);
    }
    database_release(&result);
    return error;
}
