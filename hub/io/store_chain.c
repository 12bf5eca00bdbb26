/*
 * store_chain: see the header. Errors are the database's; a ledger in which a position is missing is DATABASE_FAULT: no
 * link can be made over a gap, and `ctai-hub audit verify` names it.
 */
#include "store_chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 64 }; /* of headers, at most 128 KiB each and twice that as text */

bool store_chain_read(const database_result *result, int row, int column, uint8_t *to, size_t size)
{
    return database_bytes(result, row, column, to, size) == (long)size;
}

/* Entries without a link, from the first on: of a batch its header's hash, of a contract's version its bytes. */
static const char owed_sql[] =
    "SELECT * FROM ("
    " (SELECT position, 1 AS kind, header_hash AS hash, '' AS id, 0 AS version, '' AS definition FROM ctai.ledger"
    "   WHERE scope = $1 AND position > $2::bigint ORDER BY position LIMIT $3::integer)"
    " UNION ALL"
    " (SELECT v.position, 2, NULL, c.id, v.version, v.definition FROM ctai.contract_version AS v"
    "   JOIN ctai.contract AS c USING (contract_id)"
    "   WHERE c.scope = $1 AND v.position > $2::bigint ORDER BY v.position LIMIT $3::integer)) AS entry"
    " ORDER BY position LIMIT $3::integer";
enum { POSITION, KIND, HASH, ID, VERSION, DEFINITION };

/* One link further; the entry's row gets it. */
static database_error link_entry(database *connection, const char *scope, const database_result *entries, int row,
                                 store_chain *last)
{
    static const char *const sql[] = {
        [PROOF_BATCH] = "UPDATE ctai.ledger SET chain = $3 WHERE scope = $1 AND position = $2::bigint",
        [PROOF_CONTRACT] = "UPDATE ctai.contract_version AS v SET chain = $3 FROM ctai.contract AS c"
                           " WHERE c.contract_id = v.contract_id AND c.scope = $1 AND v.position = $2::bigint",
    };
    proof_kind kind = database_integer(entries, row, KIND) == PROOF_BATCH ? PROOF_BATCH : PROOF_CONTRACT;
    uint64_t position = (uint64_t)database_integer(entries, row, POSITION);
    uint8_t hash[CRYPTO_HASH];
    bool whole = position == last->position + 1
        && (kind == PROOF_BATCH ? store_chain_read(entries, row, HASH, hash, sizeof hash)
                                : proof_contract(hash, text_of(database_text(entries, row, ID)),
                                                 (uint64_t)database_integer(entries, row, VERSION),
                                                 text_of(database_text(entries, row, DEFINITION))));
    if (!whole)
        return database_fail(connection, DATABASE_FAULT,
                             "le registre est abîmé (périmètre %s, position %" PRIu64 ") ; voyez « ctai-hub audit verify »",
                             scope, last->position + 1);
    proof_link(last->chain, last->chain, text_of(scope), position, kind, hash);
    last->position = position;
    char text[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(text, (int64_t)position),
                                             DATABASE_BYTES(last->chain, CRYPTO_HASH)};
    return database_query(connection, sql[kind], parameters, 3, NULL);
}

/* From the last link to the scope's position. Its row is locked. */
static database_error catch_up(database *connection, const char *scope, store_chain *last, uint64_t position)
{
    database_error error = DATABASE_OK;
    while (error == DATABASE_OK && last->position < position) {
        char after[DATABASE_NUMBER_TEXT], limit[DATABASE_NUMBER_TEXT];
        const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(after, (int64_t)last->position),
                                                 database_number(limit, PAGE_ROWS)};
        database_result *entries = NULL;
        error = database_query(connection, owed_sql, parameters, 3, &entries);
        int rows = error == DATABASE_OK ? database_rows(entries) : 0;
        if (error == DATABASE_OK && rows == 0)
            error = database_fail(connection, DATABASE_FAULT,
                                  "le registre est abîmé (périmètre %s, position %" PRIu64 ") ; voyez « ctai-hub audit verify »",
                                  scope, last->position + 1);
        for (int row = 0; error == DATABASE_OK && row < rows && last->position < position; row++)
            error = link_entry(connection, scope, entries, row, last);
        database_release(&entries);
    }
    return error;
}

database_error store_chain_save(database *connection, const char *scope, const store_chain *last)
{
    char position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(position, (int64_t)last->position),
                                             DATABASE_BYTES(last->chain, CRYPTO_HASH)};
    return database_repeat(connection,
                          "UPDATE ctai.scope SET position = $2::bigint, chained = $2::bigint, chain = $3 WHERE scope = $1",
                          parameters, 3, NULL);
}

/* The scope's row is locked. */
database_error store_chain_open(database *connection, const char *scope, store_chain *last)
{
    database_result *result = NULL;
    database_error error = database_repeat(connection,
                                          "SELECT position, chained, chain FROM ctai.scope WHERE scope = $1 FOR UPDATE",
                                          &DATABASE_TEXT(scope), 1, &result);
    uint64_t position = 0;
    if (error == DATABASE_OK && (database_rows(result) != 1 || !store_chain_read(result, 0, 2, last->chain, CRYPTO_HASH)))
        error = database_fail(connection, DATABASE_FAULT, "la base de données est abîmée (périmètre %s)", scope);
    if (error == DATABASE_OK) {
        position = (uint64_t)database_integer(result, 0, 0);
        last->position = (uint64_t)database_integer(result, 0, 1);
    }
    database_release(&result);
    return error == DATABASE_OK ? catch_up(connection, scope, last, position) : error;
}

void store_chain_next(const char *scope, proof_kind kind, const uint8_t hash[CRYPTO_HASH], store_chain *last)
{
    proof_link(last->chain, last->chain, text_of(scope), ++last->position, kind, hash);
}

database_error store_chain_take(database *connection, const char *scope, proof_kind kind, const uint8_t hash[CRYPTO_HASH],
                                store_chain *taken)
{
    database_error error = store_chain_open(connection, scope, taken);
    if (error != DATABASE_OK)
        return error;
    store_chain_next(scope, kind, hash, taken);
    return store_chain_save(connection, scope, taken);
}

database_error store_chain_of(database *connection, const char *scope, int64_t agent, uint64_t sequence, store_chain *at)
{
    char number[DATABASE_NUMBER_TEXT], text[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(number, agent),
                                             database_number(text, (int64_t)sequence)};
    database_result *result = NULL;
    *at = (store_chain){0};
    if (sequence == 0)
        return DATABASE_OK;
    database_error error = database_repeat(connection,
                                          "SELECT position, chain FROM ctai.ledger WHERE scope = $1 AND agent = $2::integer"
                                          " AND sequence = $3::bigint", parameters, 3, &result);
    if (error == DATABASE_OK && database_rows(result) > 0) {
        at->position = (uint64_t)database_integer(result, 0, 0);
        /* A link that is owed still (another hub's program is older) is zeros: the agent holds it for nothing. */
        if (!store_chain_read(result, 0, 1, at->chain, CRYPTO_HASH))
            memset(at->chain, 0, CRYPTO_HASH);
    }
    database_release(&result);
    return error;
}

static database_error complete_scope(database *connection, const char *scope)
{
    store_chain last;
    database_error error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    error = store_chain_open(connection, scope, &last);
    if (error == DATABASE_OK)
        error = store_chain_save(connection, scope, &last);
    return store_finish(connection, error);
}

database_error store_chain_complete(database *connection)
{
    database_result *scopes = NULL;
    database_error error = database_query(connection, "SELECT scope FROM ctai.scope WHERE chained < position ORDER BY scope", NULL,
                                          0, &scopes);
    for (int i = 0; error == DATABASE_OK && i < database_rows(scopes); i++)
        error = complete_scope(connection, database_text(scopes, i, 0));
    database_release(&scopes);
    return error;
}
