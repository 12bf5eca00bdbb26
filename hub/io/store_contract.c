/*
 * store_contract: see the header. Registering holds a lock on the table of contracts that readers and
 * batches pass, so that two of one id at once come one after the other. Errors are the database's.
 */
#include "store_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_chain.h"

enum { SCRATCH_BYTES = 4 * 1024 * 1024 };
enum { ID, SCOPE, TITLE, DEPARTMENT, REGION, FIRST_DAY, LAST_DAY, VERSION, REGISTERED, POSITION, DEFINITION };

/* $1: the id; NULL: all, without their files. Each in its last version. */
static const char contracts_sql[] =
    "SELECT c.id, c.scope, v.title, v.department, v.region, to_char(v.first_day, 'YYYY-MM-DD'),"
    "       to_char(v.last_day, 'YYYY-MM-DD'), v.version, " STORE_MOMENT("v.registered_at") ", v.position,"
    "       CASE WHEN $1::text IS NULL THEN '' ELSE v.definition END"
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

/* What is being registered: its numbers in the tables, and its texts as parameters. */
typedef struct {
    database *connection;
    const contract *what;
    char id[RECORD_NAME_MAX + 1], scope[BATCH_SCOPE_MAX + 1];
    const char *definition;
    char contract_id[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    store_chain link;
    arena *scratch;
} registration;

static database_error text_of_view(registration *self, text_view from, const char **to)
{
    *to = arena_text(self->scratch, from);
    return *to ? DATABASE_OK : store_no_memory(self->connection);
}

/* Is the id taken? DATABASE_OK with *same: by this very text. */
static database_error look(registration *self, bool *same)
{
    static const char sql[] =
        "SELECT v.definition = $2 FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
        " WHERE c.id = $1 AND v.version = 1";
    const database_parameter parameters[] = {DATABASE_TEXT(self->id), DATABASE_TEXT(self->definition)};
    database_result *result = NULL;
    database_error error = database_query(self->connection, sql, parameters, 2, &result);
    *same = error == DATABASE_OK && database_rows(result) > 0 && database_flag(result, 0, 0);
    if (error == DATABASE_OK && database_rows(result) > 0 && !*same)
        error = database_fail(self->connection, DATABASE_CONFLICT,
                              "le contrat « %s » est déjà enregistré, avec un autre texte ; "
                              "pour le modifier, enregistrez un avenant : « ctai-hub contract amend FICHIER »",
                              self->id);
    database_release(&result);
    return error;
}

/* A statement that gives one number back, as text. */
static database_error number_of(registration *self, const char *sql, const database_parameter *parameters, int count,
                                char number[DATABASE_NUMBER_TEXT])
{
    database_result *result = NULL;
    database_error error = database_query(self->connection, sql, parameters, count, &result);
    if (error == DATABASE_OK)
        (void)database_number(number, database_integer(result, 0, 0));
    database_release(&result);
    return error;
}

static database_error take_position(registration *self)
{
    const database_parameter scope = DATABASE_TEXT(self->scope);
    database_error error = database_query(self->connection, "INSERT INTO ctai.scope (scope) VALUES ($1) ON CONFLICT (scope) DO NOTHING",
                                          &scope, 1, NULL);
    uint8_t hash[CRYPTO_HASH];
    if (error == DATABASE_OK && !proof_contract(hash, text_of(self->id), 1, text_of(self->definition)))
        error = DATABASE_FAULT; /* contract_read takes no such id */
    if (error == DATABASE_OK)
        error = store_chain_take(self->connection, self->scope, PROOF_CONTRACT, hash, &self->link);
    (void)database_number(self->position, (int64_t)self->link.position);
    return error;
}

static database_error write_contract(registration *self)
{
    static const char version_sql[] =
        "INSERT INTO ctai.contract_version"
        " (contract_id, version, position, title, department, region, first_day, last_day, definition, chain)"
        " VALUES ($1::integer, 1, $2::bigint, $3, $4, $5, $6::date, $7::date, $8, $9)";
    const contract *what = self->what;
    const database_parameter names[] = {DATABASE_TEXT(self->id), DATABASE_TEXT(self->scope)};
    const char *title = NULL, *department = NULL, *region = NULL;
    char first[CIVIL_DAY_TEXT], last[CIVIL_DAY_TEXT];
    civil_day_text(what->first_day, first);
    civil_day_text(what->last_day, last);
    database_error error = number_of(self, "INSERT INTO ctai.contract (id, scope) VALUES ($1, $2) RETURNING contract_id", names, 2,
                                     self->contract_id);
    if (error == DATABASE_OK)
        error = text_of_view(self, what->title, &title);
    if (error == DATABASE_OK)
        error = text_of_view(self, what->department, &department);
    if (error == DATABASE_OK)
        error = text_of_view(self, what->region, &region);
    const database_parameter parameters[] = {
        DATABASE_TEXT(self->contract_id), DATABASE_TEXT(self->position), DATABASE_TEXT(title), DATABASE_TEXT(department),
        DATABASE_TEXT(region), DATABASE_TEXT(first), DATABASE_TEXT(last), DATABASE_TEXT(self->definition),
        DATABASE_BYTES(self->link.chain, CRYPTO_HASH),
    };
    return error == DATABASE_OK ? database_query(self->connection, version_sql, parameters, 9, NULL) : error;
}

static database_error write_targets(registration *self, const char *action, const contract_target *targets, unsigned count)
{
    static const char sql[] = "INSERT INTO ctai.contract_target (contract_id, version, action, indicator, target)"
                              " VALUES ($1::integer, 1, $2::smallint, $3, $4::bigint)";
    database_error error = DATABASE_OK;
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++) {
        const char *indicator = NULL;
        char value[DATABASE_NUMBER_TEXT];
        error = text_of_view(self, targets[i].indicator, &indicator);
        const database_parameter parameters[] = {DATABASE_TEXT(self->contract_id), DATABASE_TEXT(action), DATABASE_TEXT(indicator),
                                                 database_number(value, targets[i].value)};
        if (error == DATABASE_OK)
            error = database_query(self->connection, sql, parameters, 4, NULL);
    }
    return error;
}

static database_error write_selected(registration *self, const char *action, const text_view *selected, unsigned count)
{
    static const char sql[] = "INSERT INTO ctai.contract_selected (contract_id, version, action, indicator)"
                              " VALUES ($1::integer, 1, $2::smallint, $3)";
    database_error error = DATABASE_OK;
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++) {
        const char *indicator = NULL;
        error = text_of_view(self, selected[i], &indicator);
        const database_parameter parameters[] = {DATABASE_TEXT(self->contract_id), DATABASE_TEXT(action), DATABASE_TEXT(indicator)};
        if (error == DATABASE_OK)
            error = database_query(self->connection, sql, parameters, 3, NULL);
    }
    return error;
}

/* Number and rank of an action are its place in the contract, from 1. */
static database_error write_action(registration *self, const contract_action *action, unsigned place)
{
    static const char action_sql[] =
        "INSERT INTO ctai.contract_action (contract_id, action, code) VALUES ($1::integer, $2::smallint, $3)";
    static const char version_sql[] = "INSERT INTO ctai.contract_version_action (contract_id, version, action, rank, title)"
                                      " VALUES ($1::integer, 1, $2::smallint, $2::smallint, $3)";
    char number[DATABASE_NUMBER_TEXT];
    const char *code = NULL, *title = NULL;
    database_error error = text_of_view(self, action->code, &code);
    if (error == DATABASE_OK)
        error = text_of_view(self, action->title, &title);
    database_parameter parameters[] = {DATABASE_TEXT(self->contract_id), database_number(number, place), DATABASE_TEXT(code)};
    if (error == DATABASE_OK)
        error = database_query(self->connection, action_sql, parameters, 3, NULL);
    parameters[2] = DATABASE_TEXT(title);
    if (error == DATABASE_OK)
        error = database_query(self->connection, version_sql, parameters, 3, NULL);
    if (error == DATABASE_OK)
        error = write_selected(self, number, action->selected, action->selected_count);
    if (error == DATABASE_OK)
        error = write_targets(self, number, action->targets, action->target_count);
    return error;
}

static database_error write_all(registration *self)
{
    database_error error = take_position(self);
    if (error == DATABASE_OK)
        error = write_contract(self);
    for (unsigned i = 0; error == DATABASE_OK && i < self->what->action_count; i++)
        error = write_action(self, &self->what->actions[i], i + 1);
    if (error == DATABASE_OK)
        error = write_targets(self, "0", self->what->targets, self->what->target_count);
    if (error == DATABASE_OK)
        error = store_indicators_write(self->connection, strtoll(self->contract_id, NULL, 10), 1, &self->what->own);
    if (error == DATABASE_OK)
        error = database_run(self->connection, STORE_NOTIFY_SQL);
    return error;
}

database_error store_contract_add(store *self, const contract *what, text_view definition, bool *added)
{
    *added = false;
    registration it = {.what = what};
    database_error error = store_database(self, &it.connection);
    if (error != DATABASE_OK)
        return error;
    if (!text_is_utf8(definition) || memchr(definition.at, '\0', definition.size))
        return database_fail(it.connection, DATABASE_CONFLICT, "le fichier du contrat n’est pas un texte en UTF-8");
    (void)text_copy(it.id, sizeof it.id, what->id);
    (void)text_copy(it.scope, sizeof it.scope, what->scope);
    it.scratch = arena_new(SCRATCH_BYTES + definition.size);
    it.definition = it.scratch ? arena_text(it.scratch, definition) : NULL;
    error = it.definition ? database_begin(it.connection, false) : store_no_memory(it.connection);
    if (error == DATABASE_OK) {
        bool same = false;
        error = database_run(it.connection, "LOCK TABLE ctai.contract IN SHARE ROW EXCLUSIVE MODE");
        if (error == DATABASE_OK)
            error = look(&it, &same);
        if (error == DATABASE_OK && !same)
            error = write_all(&it);
        error = store_finish(it.connection, error);
        *added = error == DATABASE_OK && !same;
    }
    arena_destroy(&it.scratch);
    return error;
}
