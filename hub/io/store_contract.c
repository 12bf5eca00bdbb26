/*
 * store_contract: see the header. Registering holds a lock on the table of contracts that readers and
 * batches pass, so that two of one id at once come one after the other. Errors are the database's.
 */
#include "store_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_contract_write.h"
#include "store_place.h"

enum { SCRATCH_BYTES = 4 * 1024 * 1024 };
enum { ID, SCOPE, TITLE, DEPARTMENT, REGION, FIRST_DAY, LAST_DAY, VERSION, REGISTERED, POSITION, DEFINITION, AMENDMENT, EFFECTIVE };

/* $1: the id; NULL: all, without their files. Each in its last version. */
static const char contracts_sql[] =
    "SELECT c.id, c.scope, v.title, v.department, v.region, to_char(v.first_day, 'YYYY-MM-DD'),"
    "       to_char(v.last_day, 'YYYY-MM-DD'), v.version, " STORE_MOMENT("v.registered_at") ", v.position,"
    "       CASE WHEN $1::text IS NULL THEN '' ELSE v.definition END,"
    "       coalesce(v.amendment, 0), to_char(coalesce(v.effective_day, v.first_day), 'YYYY-MM-DD')"
    "  FROM ctai.contract AS c"
    "  JOIN ctai.contract_version AS v ON v.contract_id = c.contract_id"
    "       AND v.version = (SELECT max(o.version) FROM ctai.contract_version AS o WHERE o.contract_id = c.contract_id)"
    " WHERE $1::text IS NULL OR c.id = $1 ORDER BY c.id COLLATE \"C\"";
static const char actions_sql[] =
    "SELECT c.id, a.code, va.title"
    "  FROM ctai.contract AS c"
    "  JOIN ctai.contract_version_action AS va ON va.contract_id = c.contract_id"
    "       AND va.version = (SELECT max(o.version) FROM ctai.contract_version AS o WHERE o.contract_id = c.contract_id)"
    "  JOIN ctai.contract_action AS a ON (a.contract_id, a.action) = (va.contract_id, va.action)"
    " WHERE $1::text IS NULL OR c.id = $1 ORDER BY c.id COLLATE \"C\", va.rank";

static bool keep(text_view *to, arena *from, const database_result *result, int row, int column)
{
    char *text = store_keep(from, result, row, column);
    *to = text_of(text);
    return text != NULL;
}

static bool take_contract(store_contract *to, arena *from, const database_result *result, int row)
{
    to->first_day = civil_parse_iso(text_of(database_text(result, row, FIRST_DAY)));
    to->last_day = civil_parse_iso(text_of(database_text(result, row, LAST_DAY)));
    to->version = (unsigned)database_integer(result, row, VERSION);
    to->position = (uint64_t)database_integer(result, row, POSITION);
    to->amendment = (unsigned)database_integer(result, row, AMENDMENT);
    to->effective_day = civil_parse_iso(text_of(database_text(result, row, EFFECTIVE)));
    snprintf(to->registered, sizeof to->registered, "%s", database_text(result, row, REGISTERED));
    return keep(&to->id, from, result, row, ID) && keep(&to->scope, from, result, row, SCOPE) &&
           keep(&to->title, from, result, row, TITLE) && keep(&to->department, from, result, row, DEPARTMENT) &&
           keep(&to->region, from, result, row, REGION) && keep(&to->definition, from, result, row, DEFINITION);
}

/* Rows come contract by contract, in the contracts' order. */
static database_error read_actions(database *connection, const database_parameter *id, arena *from, store_contract *contracts,
                                   unsigned count)
{
    database_result *result = NULL;
    database_error error = database_query(connection, actions_sql, id, 1, &result);
    if (error != DATABASE_OK)
        return error;
    int rows = database_rows(result), row = 0;
    wire_action *actions = arena_take(from, sizeof *actions * (size_t)rows + 1);
    bool kept = actions != NULL;
    for (unsigned i = 0; kept && i < count; i++) {
        contracts[i].actions = &actions[row];
        for (; kept && row < rows && text_is(contracts[i].id, database_text(result, row, 0)); row++) {
            kept = keep(&actions[row].code, from, result, row, 1) && keep(&actions[row].title, from, result, row, 2);
            contracts[i].action_count++;
        }
    }
    database_release(&result);
    return kept ? DATABASE_OK : store_no_memory(connection);
}

/* Those of that id (NULL: all), from one snapshot. */
static database_error read_all(store *self, const char *id, arena *from, store_contract **contracts, unsigned *count)
{
    database *connection = NULL;
    database_result *result = NULL;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    const database_parameter parameter = DATABASE_TEXT(id);
    error = database_query(connection, contracts_sql, &parameter, 1, &result);
    if (error == DATABASE_OK) {
        unsigned found = (unsigned)database_rows(result);
        store_contract *items = arena_take(from, sizeof *items * found + 1);
        bool kept = items != NULL;
        for (unsigned i = 0; kept && i < found; i++)
            kept = take_contract(&items[i], from, result, (int)i);
        database_release(&result);
        error = kept ? read_actions(connection, &parameter, from, items, found) : store_no_memory(connection);
        if (error == DATABASE_OK) {
            *contracts = items;
            *count = found;
        }
    }
    database_rollback(connection); /* it has only read */
    return error;
}

database_error store_contracts(store *self, arena *from, store_contract **contracts, unsigned *count)
{
    *contracts = NULL;
    *count = 0;
    return read_all(self, NULL, from, contracts, count);
}

database_error store_contract_find(store *self, const char *id, arena *from, store_contract *one)
{
    *one = (store_contract){0};
    bool readable = text_is_utf8(text_of(id));
    store_contract *found = NULL;
    unsigned count = 0;
    database_error error = readable ? read_all(self, id, from, &found, &count) : DATABASE_OK;
    if (error == DATABASE_OK && count == 0)
        return database_fail(&self->connection, DATABASE_NOT_FOUND, "le contrat « %.64s » n’est pas enregistré", readable ? id : "?");
    if (error == DATABASE_OK)
        *one = found[0];
    return error;
}

/* Each version but the last one of a purged contract, which only says so (store_purge.c). */
static const char versions_sql[] =
    "SELECT c.id, c.scope, v.title, v.department, v.region, to_char(v.first_day, 'YYYY-MM-DD'),"
    "       to_char(v.last_day, 'YYYY-MM-DD'), v.version, " STORE_MOMENT("v.registered_at") ", v.position, v.definition,"
    "       coalesce(v.amendment, 0), to_char(coalesce(v.effective_day, v.first_day), 'YYYY-MM-DD')"
    "  FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
    " WHERE c.id = $1"
    "   AND NOT EXISTS (SELECT FROM ctai.purge AS p WHERE p.contract_id = c.contract_id AND p.position = v.position)"
    " ORDER BY v.version";

database_error store_contract_versions(store *self, const char *id, arena *from, store_contract **versions, unsigned *count)
{
    database *connection = NULL;
    database_result *result = NULL;
    *versions = NULL;
    *count = 0;
    bool readable = text_is_utf8(text_of(id));
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK && readable)
        error = database_query(connection, versions_sql, &DATABASE_TEXT(id), 1, &result);
    if (error != DATABASE_OK)
        return error;
    unsigned found = result ? (unsigned)database_rows(result) : 0;
    store_contract *items = arena_take(from, sizeof *items * found + 1);
    bool kept = items != NULL;
    for (unsigned i = 0; kept && i < found; i++)
        kept = take_contract(&items[i], from, result, (int)i);
    database_release(&result);
    if (!kept)
        return store_no_memory(connection);
    if (found == 0)
        return database_fail(connection, DATABASE_NOT_FOUND, "le contrat « %.64s » n’est pas enregistré", readable ? id : "?");
    *versions = items;
    *count = found;
    return DATABASE_OK;
}

/* Is the id taken? DATABASE_OK with *same: by this very text. */
static database_error look(database *connection, const char *id, const char *definition, bool *same)
{
    static const char sql[] =
        "SELECT v.definition = $2 FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
        " WHERE c.id = $1 AND v.version = 1";
    const database_parameter parameters[] = {DATABASE_TEXT(id), DATABASE_TEXT(definition)};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 2, &result);
    *same = error == DATABASE_OK && database_rows(result) > 0 && database_flag(result, 0, 0);
    if (error == DATABASE_OK && database_rows(result) > 0 && !*same)
        error = database_fail(connection, DATABASE_CONFLICT,
                              "le contrat « %s » est déjà enregistré, avec un autre texte ; "
                              "pour le modifier, enregistrez un avenant : « ctai-hub contract amend FICHIER »",
                              id);
    database_release(&result);
    return error;
}

/* Is the contract's last version the one that the next was made from? Its scope's row is locked until the end. */
static database_error look_again(database *connection, const char *id, const char *scope, unsigned base)
{
    static const char sql[] =
        "SELECT max(v.version), EXISTS (SELECT FROM ctai.purge AS p WHERE p.contract_id = c.contract_id)"
        "  FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id) WHERE c.id = $1 GROUP BY c.contract_id";
    database_result *result = NULL;
    database_error error = store_place_lock_scope(connection, scope);
    if (error == DATABASE_OK)
        error = database_query(connection, sql, &DATABASE_TEXT(id), 1, &result);
    if (error == DATABASE_OK && database_rows(result) > 0 && database_flag(result, 0, 1))
        error = database_fail(connection, DATABASE_CONFLICT, "le contrat « %s » a été purgé : il ne change plus", id);
    else if (error == DATABASE_OK && (database_rows(result) == 0 || database_integer(result, 0, 0) != base))
        error = database_fail(connection, DATABASE_CONFLICT, "le contrat « %s » vient d’être amendé : recommencez", id);
    database_release(&result);
    return error;
}

/* Inside the transaction. */
static database_error register_all(database *connection, const store_contract_text *texts, unsigned count, unsigned base,
                                   const char *id, const char *scope, arena *scratch, bool *same)
{
    database_error error = DATABASE_OK;
    if (base == 0) {
        const char *definition = arena_text(scratch, texts[0].definition);
        error = definition ? database_run(connection, "LOCK TABLE ctai.contract IN SHARE ROW EXCLUSIVE MODE")
                           : store_no_memory(connection);
        if (error == DATABASE_OK)
            error = look(connection, id, definition, same);
    } else {
        error = look_again(connection, id, scope, base);
    }
    for (unsigned i = 0; error == DATABASE_OK && !*same && i < count; i++)
        error = store_contract_write(connection, texts[i].what, texts[i].definition, base + i + 1, scratch);
    return error == DATABASE_OK && !*same ? database_run(connection, STORE_NOTIFY_SQL) : error;
}

database_error store_contract_register(store *self, const store_contract_text *texts, unsigned count, unsigned base, bool *added)
{
    *added = false;
    database *connection;
    database_error error = store_database(self, &connection);
    if (error != DATABASE_OK)
        return error;
    size_t bytes = SCRATCH_BYTES;
    for (unsigned i = 0; i < count; i++) {
        if (!text_is_utf8(texts[i].definition) || memchr(texts[i].definition.at, '\0', texts[i].definition.size))
            return database_fail(connection, DATABASE_CONFLICT, "le fichier du contrat n’est pas un texte en UTF-8");
        bytes += 2 * texts[i].definition.size + SCRATCH_BYTES;
    }
    char id[RECORD_NAME_MAX + 1], scope[BATCH_SCOPE_MAX + 1];
    (void)text_copy(id, sizeof id, texts[0].what->id);
    (void)text_copy(scope, sizeof scope, texts[0].what->scope);
    arena *scratch = arena_new(bytes);
    error = scratch ? database_begin(connection, false) : store_no_memory(connection);
    if (error == DATABASE_OK) {
        bool same = false;
        error = register_all(connection, texts, count, base, id, scope, scratch, &same);
        error = store_finish(connection, error);
        *added = error == DATABASE_OK && !same;
    }
    arena_destroy(&scratch);
    return error;
}

database_error store_contract_add(store *self, const contract *what, text_view definition, bool *added)
{
    return store_contract_register(self, &(store_contract_text){what, definition}, 1, 0, added);
}
