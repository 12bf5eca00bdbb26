/* store_purge: see the header. Errors are the database's. */
#include "store_purge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "database_array.h"
#include "store_chain.h"
#include "store_place.h"

/* In the order of the locks of a batch. */
static const char contracts_sql[] =
    "SELECT c.contract_id, c.id, c.scope, v.version, v.definition,"
    "       EXISTS (SELECT FROM ctai.purge AS p WHERE p.contract_id = c.contract_id)"
    "  FROM ctai.contract AS c JOIN ctai.contract_version AS v ON v.contract_id = c.contract_id"
    "       AND v.version = (SELECT max(o.version) FROM ctai.contract_version AS o WHERE o.contract_id = c.contract_id)"
    " WHERE c.id = ANY ($1::text[]) ORDER BY c.scope COLLATE \"C\", c.id COLLATE \"C\"";
enum { CONTRACT, ID, SCOPE, VERSION, DEFINITION, GONE };

static const char purge_sql[] = "SELECT * FROM ctai.purge_contracts($1::integer[])";
/* $1: NULL, or the contracts asked for. */
static const char purged_sql[] =
    "SELECT c.id, p.records, p.history, p.persons, p.evaluated, p.position, " STORE_MOMENT("p.purged_at") ", c.contract_id,"
    "       ctai.kept_digest(p.contract_id)"
    "  FROM ctai.purge AS p JOIN ctai.contract AS c USING (contract_id)"
    " WHERE $1::text[] IS NULL OR c.id = ANY ($1::text[]) ORDER BY c.scope COLLATE \"C\", c.id COLLATE \"C\"";
enum { PURGED_ID, RECORDS, HISTORY, PERSONS, EVALUATED, POSITION, PURGED, PURGED_CONTRACT, DIGEST };

typedef struct {
    database *connection;
    arena *from;
    database_result *contracts; /* contracts_sql */
    const char *ids;            /* of them, as an array */
    store_purged *done;
} purge;

static bool keep(text_view *to, arena *from, const database_result *result, int row, int column)
{
    char *text = store_keep(from, result, row, column);
    *to = text_of(text);
    return text != NULL;
}

/* Those asked for, all known and none purged; locked with what else their scopes hold. */
static database_error find(purge *self, unsigned count)
{
    database_error error = database_query(self->connection, contracts_sql, &DATABASE_TEXT(self->ids), 1, &self->contracts);
    if (error == DATABASE_OK && database_rows(self->contracts) != (int)count)
        return database_fail(self->connection, DATABASE_NOT_FOUND,
                             "un contrat à purger est inconnu ; « ctai-hub contract list » les donne tous");
    for (int i = 0; error == DATABASE_OK && i < database_rows(self->contracts); i++)
        if (database_flag(self->contracts, i, GONE))
            error = database_fail(self->connection, DATABASE_CONFLICT, "le contrat « %.64s » a déjà été purgé",
                                  database_text(self->contracts, i, ID));
    return error;
}

static database_error lock(const purge *self)
{
    database_error error = DATABASE_OK;
    for (int i = 0; error == DATABASE_OK && i < database_rows(self->contracts); i++)
        error = store_place_lock_scope(self->connection, database_text(self->contracts, i, SCOPE));
    return error;
}

static database_error remove_records(purge *self)
{
    database_array numbers;
    database_result *result = NULL;
    database_array_init(&numbers);
    for (int i = 0; i < database_rows(self->contracts); i++)
        database_array_number(&numbers, database_integer(self->contracts, i, CONTRACT));
    const char *text = database_array_end(&numbers);
    database_error error = text ? database_query(self->connection, purge_sql, &DATABASE_TEXT(text), 1, &result)
                                : store_no_memory(self->connection);
    database_array_release(&numbers);
    if (error != DATABASE_OK)
        return error;
    unsigned count = (unsigned)database_rows(result);
    store_purge_change *changes = arena_take(self->from, count * sizeof *changes + 1);
    bool kept = changes != NULL;
    for (unsigned i = 0; kept && i < count; i++) {
        text_view *const cells[] = {&changes[i].contract, &changes[i].action, &changes[i].indicator,
                                    &changes[i].label, &changes[i].before, &changes[i].after};
        for (int column = 0; kept && column < 6; column++)
            kept = keep(cells[column], self->from, result, (int)i, column);
    }
    database_release(&result);
    self->done->changes = changes;
    self->done->change_count = count;
    return kept ? DATABASE_OK : store_no_memory(self->connection);
}

static bool take_purged(store_purge_contract *to, arena *from, const database_result *result, int row)
{
    *to = (store_purge_contract){
        .records = (uint64_t)database_integer(result, row, RECORDS),
        .history = (uint64_t)database_integer(result, row, HISTORY),
        .persons = (uint64_t)database_integer(result, row, PERSONS),
        .evaluated = (uint64_t)database_integer(result, row, EVALUATED),
        .position = (uint64_t)database_integer(result, row, POSITION),
    };
    snprintf(to->purged, sizeof to->purged, "%s", database_text(result, row, PURGED));
    return keep(&to->id, from, result, row, PURGED_ID);
}

/* The last version of the file: what it was, and one line more. NULL when memory is short. */
static const char *close_file(const purge *self, int row, const store_purge_contract *what, const char *digest)
{
    char line[320];
    const char *before = database_text(self->contracts, row, DEFINITION);
    int size = snprintf(line, sizeof line,
                        "\n# Contrat purgé le %.10s : %" PRIu64 " enregistrements effacés ; évaluation gardée telle qu’à la position %"
                        PRIu64 " du registre, sha256 %s.\n", what->purged, what->records, what->evaluated, digest);
    size_t length = strlen(before);
    char *text = arena_take(self->from, length + (size_t)size + 1);
    if (text) {
        memcpy(text, before, length);
        memcpy(text + length, line, (size_t)size + 1);
    }
    return text;
}

/* Takes the scope's next position for that version. */
static database_error close_contract(purge *self, int row, store_purge_contract *what, const char *digest)
{
    const char *file = close_file(self, row, what, digest);
    uint8_t hash[CRYPTO_HASH];
    store_chain taken;
    if (!file)
        return store_no_memory(self->connection);
    if (!proof_contract(hash, what->id, (uint64_t)database_integer(self->contracts, row, VERSION) + 1, text_of(file)))
        return database_fail(self->connection, DATABASE_FAULT, "la base de données est abîmée (contrat %.*s)", (int)what->id.size,
                             what->id.at);
    database_error error = store_chain_take(self->connection, database_text(self->contracts, row, SCOPE), PROOF_CONTRACT, hash, &taken);
    if (error != DATABASE_OK)
        return error;
    char position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(database_text(self->contracts, row, CONTRACT)), database_number(position, (int64_t)taken.position),
        DATABASE_BYTES(taken.chain, CRYPTO_HASH), DATABASE_TEXT(file)};
    what->position = taken.position;
    return database_query(self->connection, "SELECT ctai.close_contract($1::integer, $2::bigint, $3, $4)", parameters, 4, NULL);
}

/* What was kept of each; with really, each is closed for good. */
static database_error finish(purge *self, bool really)
{
    database_result *result = NULL;
    database_error error = database_query(self->connection, purged_sql, &DATABASE_TEXT(self->ids), 1, &result);
    unsigned count = error == DATABASE_OK ? (unsigned)database_rows(result) : 0;
    store_purge_contract *contracts = arena_take(self->from, count * sizeof *contracts + 1);
    if (error == DATABASE_OK && (!contracts || count != (unsigned)database_rows(self->contracts)))
        error = store_no_memory(self->connection);
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++) {
        if (!take_purged(&contracts[i], self->from, result, (int)i))
            error = store_no_memory(self->connection);
        else if (really)
            error = close_contract(self, (int)i, &contracts[i], database_text(result, (int)i, DIGEST));
    }
    self->done->contracts = contracts;
    self->done->contract_count = count;
    database_release(&result);
    return error == DATABASE_OK && really ? database_run(self->connection, STORE_NOTIFY_SQL) : error;
}

static database_error run(purge *self, unsigned count, bool really)
{
    database_error error = find(self, count);
    if (error == DATABASE_OK && really)
        error = lock(self);
    if (error == DATABASE_OK)
        error = remove_records(self);
    if (error == DATABASE_OK)
        error = finish(self, really);
    database_release(&self->contracts);
    return error;
}

database_error store_purge(store *self, const char *const *ids, unsigned count, bool keep_it, arena *from, store_purged *done)
{
    purge it = {.from = from, .done = done};
    database_array names;
    *done = (store_purged){0};
    database_error error = store_database(self, &it.connection);
    if (error != DATABASE_OK || count == 0)
        return error;
    database_array_init(&names);
    for (unsigned i = 0; i < count; i++)
        database_array_text(&names, text_of(ids[i]));
    it.ids = database_array_end(&names);
    error = it.ids ? database_begin(it.connection, false) : store_no_memory(it.connection);
    if (error == DATABASE_OK) {
        error = run(&it, count, keep_it);
        if (keep_it)
            error = store_finish(it.connection, error);
        else
            database_rollback(it.connection);
    }
    database_array_release(&names);
    return error;
}

database_error store_purge_list(store *self, arena *from, store_purge_contract **contracts, unsigned *count)
{
    database *connection;
    database_result *result = NULL;
    *count = 0;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_query(connection, purged_sql, &DATABASE_TEXT(NULL), 1, &result);
    if (error != DATABASE_OK)
        return error;
    unsigned rows = (unsigned)database_rows(result);
    bool kept = (*contracts = arena_take(from, rows * sizeof **contracts + 1)) != NULL;
    for (unsigned i = 0; kept && i < rows; i++)
        kept = take_purged(&(*contracts)[i], from, result, (int)i);
    *count = kept ? rows : 0;
    database_release(&result);
    return kept ? DATABASE_OK : store_no_memory(connection);
}
