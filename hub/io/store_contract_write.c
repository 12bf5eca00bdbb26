/* store_contract_write: see the header. Errors are the database's. */
#include "store_contract_write.h"

#include <stdlib.h>

#include "store_chain.h"

/* What is being registered: its numbers in the tables, and its texts as parameters. */
typedef struct {
    database *connection;
    const contract *what;
    uint64_t number; /* of the version */
    char id[RECORD_NAME_MAX + 1], scope[BATCH_SCOPE_MAX + 1];
    const char *definition;
    char contract_id[DATABASE_NUMBER_TEXT], version[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    store_chain link;
    arena *scratch;
} registration;

static database_error text_of_view(registration *self, text_view from, const char **to)
{
    *to = arena_text(self->scratch, from);
    return *to ? DATABASE_OK : store_no_memory(self->connection);
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
    if (error == DATABASE_OK && !proof_contract(hash, text_of(self->id), self->number, text_of(self->definition)))
        error = DATABASE_FAULT; /* contract_read takes no such id */
    if (error == DATABASE_OK)
        error = store_chain_take(self->connection, self->scope, PROOF_CONTRACT, hash, &self->link);
    (void)database_number(self->position, (int64_t)self->link.position);
    return error;
}

/* The first version makes the contract. */
static database_error find_contract(registration *self)
{
    const database_parameter names[] = {DATABASE_TEXT(self->id), DATABASE_TEXT(self->scope)};
    if (self->number == 1)
        return number_of(self, "INSERT INTO ctai.contract (id, scope) VALUES ($1, $2) RETURNING contract_id", names, 2,
                         self->contract_id);
    return number_of(self, "SELECT contract_id FROM ctai.contract WHERE id = $1", names, 1, self->contract_id);
}

/* The moment is taken under the scope's lock: moments go with positions (ctai.position_at). */
static database_error write_contract(registration *self)
{
    static const char version_sql[] =
        "INSERT INTO ctai.contract_version (contract_id, version, position, registered_at, title, department, region, first_day,"
        " last_day, definition, chain, amendment, effective_day)"
        " VALUES ($1::integer, $10::integer, $2::bigint, clock_timestamp(), $3, $4, $5, $6::date, $7::date, $8, $9, $11::integer,"
        " $12::date)";
    const contract *what = self->what;
    const char *title = NULL, *department = NULL, *region = NULL;
    char first[CIVIL_DAY_TEXT], last[CIVIL_DAY_TEXT], effective[CIVIL_DAY_TEXT] = "", amendment[DATABASE_NUMBER_TEXT];
    bool amended = what->amended.number > 0;
    civil_day_text(what->first_day, first);
    civil_day_text(what->last_day, last);
    if (amended)
        civil_day_text(what->amended.day, effective);
    database_error error = find_contract(self);
    if (error == DATABASE_OK)
        error = text_of_view(self, what->title, &title);
    if (error == DATABASE_OK)
        error = text_of_view(self, what->department, &department);
    if (error == DATABASE_OK)
        error = text_of_view(self, what->region, &region);
    const database_parameter parameters[] = {
        DATABASE_TEXT(self->contract_id), DATABASE_TEXT(self->position), DATABASE_TEXT(title), DATABASE_TEXT(department),
        DATABASE_TEXT(region), DATABASE_TEXT(first), DATABASE_TEXT(last), DATABASE_TEXT(self->definition),
        DATABASE_BYTES(self->link.chain, CRYPTO_HASH), DATABASE_TEXT(self->version),
        amended ? database_number(amendment, what->amended.number) : DATABASE_NULL,
        amended ? DATABASE_TEXT(effective) : DATABASE_NULL,
    };
    return error == DATABASE_OK ? database_query(self->connection, version_sql, parameters, 12, NULL) : error;
}

static database_error write_targets(registration *self, const char *action, const contract_target *targets, unsigned count)
{
    static const char sql[] = "INSERT INTO ctai.contract_target (contract_id, version, action, indicator, target)"
                              " VALUES ($1::integer, $5::integer, $2::smallint, $3, $4::bigint)";
    database_error error = DATABASE_OK;
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++) {
        const char *indicator = NULL;
        char value[DATABASE_NUMBER_TEXT];
        error = text_of_view(self, targets[i].indicator, &indicator);
        const database_parameter parameters[] = {DATABASE_TEXT(self->contract_id), DATABASE_TEXT(action), DATABASE_TEXT(indicator),
                                                 database_number(value, targets[i].value), DATABASE_TEXT(self->version)};
        if (error == DATABASE_OK)
            error = database_query(self->connection, sql, parameters, 5, NULL);
    }
    return error;
}

static database_error write_selected(registration *self, const char *action, const text_view *selected, unsigned count)
{
    static const char sql[] = "INSERT INTO ctai.contract_selected (contract_id, version, action, indicator)"
                              " VALUES ($1::integer, $4::integer, $2::smallint, $3)";
    database_error error = DATABASE_OK;
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++) {
        const char *indicator = NULL;
        error = text_of_view(self, selected[i], &indicator);
        const database_parameter parameters[] = {DATABASE_TEXT(self->contract_id), DATABASE_TEXT(action), DATABASE_TEXT(indicator),
                                                 DATABASE_TEXT(self->version)};
        if (error == DATABASE_OK)
            error = database_query(self->connection, sql, parameters, 4, NULL);
    }
    return error;
}

/* An action keeps its number through all versions: a new one takes the next. Its rank is its place in this one, from 1. */
static database_error write_action(registration *self, const contract_action *action, unsigned place)
{
    static const char new_sql[] =
        "INSERT INTO ctai.contract_action (contract_id, action, code)"
        " SELECT $1::integer, coalesce(max(action), 0) + 1, $2 FROM ctai.contract_action WHERE contract_id = $1::integer"
        " ON CONFLICT (contract_id, code) DO NOTHING";
    static const char number_sql[] = "SELECT action FROM ctai.contract_action WHERE contract_id = $1::integer AND code = $2";
    static const char version_sql[] = "INSERT INTO ctai.contract_version_action (contract_id, version, action, rank, title)"
                                      " VALUES ($1::integer, $5::integer, $2::smallint, $4::smallint, $3)";
    char number[DATABASE_NUMBER_TEXT], rank[DATABASE_NUMBER_TEXT];
    const char *code = NULL, *title = NULL;
    database_error error = text_of_view(self, action->code, &code);
    if (error == DATABASE_OK)
        error = text_of_view(self, action->title, &title);
    const database_parameter names[] = {DATABASE_TEXT(self->contract_id), DATABASE_TEXT(code)};
    if (error == DATABASE_OK)
        error = database_query(self->connection, new_sql, names, 2, NULL);
    if (error == DATABASE_OK)
        error = number_of(self, number_sql, names, 2, number);
    const database_parameter parameters[] = {DATABASE_TEXT(self->contract_id), DATABASE_TEXT(number), DATABASE_TEXT(title),
                                             database_number(rank, place), DATABASE_TEXT(self->version)};
    if (error == DATABASE_OK)
        error = database_query(self->connection, version_sql, parameters, 5, NULL);
    if (error == DATABASE_OK)
        error = write_selected(self, number, action->selected, action->selected_count);
    if (error == DATABASE_OK)
        error = write_targets(self, number, action->targets, action->target_count);
    return error;
}

database_error store_contract_write(database *connection, const contract *what, text_view definition, uint64_t version,
                                    arena *scratch)
{
    registration it = {.connection = connection, .what = what, .number = version, .scratch = scratch};
    (void)text_copy(it.id, sizeof it.id, what->id);
    (void)text_copy(it.scope, sizeof it.scope, what->scope);
    (void)database_number(it.version, (int64_t)version);
    database_error error = text_of_view(&it, definition, &it.definition);
    if (error == DATABASE_OK)
        error = take_position(&it);
    if (error == DATABASE_OK)
        error = write_contract(&it);
    for (unsigned i = 0; error == DATABASE_OK && i < what->action_count; i++)
        error = write_action(&it, &what->actions[i], i + 1);
    if (error == DATABASE_OK)
        error = write_targets(&it, "0", what->targets, what->target_count);
    if (error == DATABASE_OK)
        error = store_indicators_write(connection, strtoll(it.contract_id, NULL, 10), (int64_t)version, &what->own);
    return error;
}
