/*
 * discrepancy: see the header. What the records say is ctai.discrepancies' to find; who has to report, and which action has
 * an address, is in the contract's file, which the database keeps as a text.
 */
#include "discrepancy.h"

#include <string.h>

#include "database_array.h"
#include "definition.h"

enum { KIND, MATTER, ACTION, OPERATOR, MONTH, KEYS, SAYS_F, SAYS_H, NUMBERS, UNLINKED, DUE };
enum { KEY_DIGITS = 32 };

typedef struct {
    database *connection;
    const discrepancy_query *query;
    arena *from;
    discrepancy_table *table;
    contract said; /* what the version of the contract's file says that stood at the position */
} reading;

/* Months are year x 100 + month in the database. */
static int64_t month_number(civil_month month)
{
    return month / 12 * 100 + month % 12 + 1;
}

static database_parameter month_asked(char text[DATABASE_NUMBER_TEXT], civil_month month)
{
    return month == CIVIL_NONE ? DATABASE_NULL : database_number(text, month_number(month));
}

static civil_month month_of_number(int64_t number)
{
    return (civil_month)(number / 100 * 12 + number % 100 - 1);
}

static database_error no_memory(reading *self)
{
    return database_fail(self->connection, DATABASE_NO_MEMORY, "la mémoire manque");
}

static text_view keep(reading *self, const database_result *result, int row, int column, bool *failed)
{
    char *copy = arena_text(self->from, text_of(database_text(result, row, column)));
    *failed |= !copy;
    return text_of(copy);
}

/* The transaction sees that contract alone (ctai.seen); where its ledger is, and which month it is. */
static database_error read_position(reading *self)
{
    static const char sql[] = "SELECT s.position, p.purged_at IS NOT NULL, to_char(p.purged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'),"
                              "       ctai.contract_month_at(c.id, nullif($2::bigint, 0))"
                              "  FROM ctai.contract AS c JOIN ctai.scope AS s USING (scope) LEFT JOIN ctai.purge AS p USING (contract_id)"
                              " WHERE c.id = $1";
    const char *id = self->query->contract;
    char position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(id), database_number(position, (int64_t)self->query->position)};
    database_result *result = NULL;
    database_error error =
        database_query(self->connection, "SELECT set_config('ctai.contract', $1, true)", &DATABASE_TEXT(id), 1, NULL);
    if (error == DATABASE_OK)
        error = database_query(self->connection, sql, parameters, 2, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(self->connection, DATABASE_NOT_FOUND,
                              "le contrat « %.64s » est inconnu ; « ctai-hub contract list » les donne tous", id);
    else if (error == DATABASE_OK && database_flag(result, 0, 1))
        error = database_fail(self->connection, DATABASE_CONFLICT,
                              "le contrat « %.64s » a été purgé le %s : ses enregistrements n’existent plus, il n’y a plus rien à régler",
                              id, database_text(result, 0, 2));
    if (error == DATABASE_OK) {
        self->table->position = self->query->position ? self->query->position : (uint64_t)database_integer(result, 0, 0);
        self->table->at = self->query->at != CIVIL_NONE ? self->query->at : month_of_number(database_integer(result, 0, 3));
    }
    database_release(&result);
    return error;
}

/* The version of the contract that stood then and applies at the end of the period. */
static database_error read_contract(reading *self)
{
    static const char sql[] =
        "SELECT c.id, v.title, v.first_day::text, v.last_day::text, v.definition"
        "  FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
        " WHERE c.id = $1 AND v.version = ctai.version_as_of(c.contract_id, $2::bigint, $3::integer)";
    char position[DATABASE_NUMBER_TEXT], to[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(self->query->contract), database_number(position, (int64_t)self->table->position),
                                             month_asked(to, self->query->to)};
    database_result *result = NULL;
    database_error error = database_query(self->connection, sql, parameters, 3, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(self->connection, DATABASE_NOT_FOUND,
                              "à la position %s du registre, le contrat « %.64s » n’existait pas encore", position, self->query->contract);
    if (error == DATABASE_OK) {
        bool failed = false;
        diag_sink silent = {0}; /* its doubts were told when it was registered */
        discrepancy_table *table = self->table;
        table->contract = keep(self, result, 0, 0, &failed);
        table->title = keep(self, result, 0, 1, &failed);
        civil_month first = civil_month_of(civil_parse_iso(text_of(database_text(result, 0, 2))));
        civil_month last = civil_month_of(civil_parse_iso(text_of(database_text(result, 0, 3))));
        table->from = self->query->from == CIVIL_NONE || self->query->from < first ? first : self->query->from;
        table->to = self->query->to == CIVIL_NONE || self->query->to > last ? last : self->query->to;
        if (failed)
            error = no_memory(self);
        else if (!definition_read(&self->said, self->from, self->query->contract, text_of(database_text(result, 0, 4)), &silent))
            error = arena_short(self->from)
                        ? no_memory(self)
                        : database_fail(self->connection, DATABASE_FAULT,
                                        "le texte enregistré du contrat « %.64s » ne peut plus être lu", self->query->contract);
    }
    database_release(&result);
    return error;
}

/* An agent that declares for two operators of an action has one duty there. */
static bool is_first(const contract_action *action, unsigned actor)
{
    for (unsigned i = 0; i < actor; i++)
        if (!action->operators[i].undetermined && text_equal(action->operators[i].agent, action->operators[actor].agent))
            return false;
    return true;
}

static void add_duties(const contract *said, database_array *actions, database_array *agents)
{
    for (unsigned i = 0; i < said->action_count; i++)
        for (unsigned k = 0; k < said->actions[i].operator_count; k++) {
            const contract_actor *actor = &said->actions[i].operators[k];
            if (actor->undetermined || actor->agent.size == 0 || !is_first(&said->actions[i], k))
                continue;
            database_array_text(actions, said->actions[i].code);
            database_array_text(agents, actor->agent);
        }
}

/* "{k,k}" of hexadecimal digits. */
static bool take_keys(reading *self, const char *list, discrepancy_row *row)
{
    size_t size = strlen(list), count = size > 2 ? (size - 1) / (KEY_DIGITS + 1) : 0;
    char *digits = arena_text(self->from, text_of(list));
    row->keys = arena_take(self->from, sizeof *row->keys * (count + 1));
    if (!digits || !row->keys)
        return false;
    for (size_t i = 0; i < count; i++)
        row->keys[i] = (text_view){digits + 1 + i * (KEY_DIGITS + 1), KEY_DIGITS};
    row->key_count = (unsigned)count;
    return true;
}

static discrepancy_kind kind_of(const char *name)
{
    unsigned kind = 0;
    while (kind + 1 < DISCREPANCY_KIND_COUNT && strcmp(name, discrepancy_kind_name((discrepancy_kind)kind)) != 0)
        kind++;
    return (discrepancy_kind)kind;
}

static bool take_row(reading *self, const database_result *result, int row)
{
    bool failed = false;
    discrepancy_row *to = &self->table->rows[self->table->count++];
    *to = (discrepancy_row){
        .kind = kind_of(database_text(result, row, KIND)),
        .matter = (unsigned)database_integer(result, row, MATTER),
        .action = keep(self, result, row, ACTION, &failed),
        .operator_name = keep(self, result, row, OPERATOR, &failed),
        .month = database_null(result, row, MONTH) ? CIVIL_NONE : month_of_number(database_integer(result, row, MONTH)),
        .says_f = database_flag(result, row, SAYS_F),
        .says_h = database_flag(result, row, SAYS_H),
        .numbers = (unsigned)database_integer(result, row, NUMBERS),
        .unlinked = database_flag(result, row, UNLINKED),
        .due = database_null(result, row, DUE) ? CIVIL_NONE : month_of_number(database_integer(result, row, DUE)),
    };
    return !failed && take_keys(self, database_text(result, row, KEYS), to);
}

/* What the file alone says comes last. */
static void add_addresses(reading *self)
{
    discrepancy_table *table = self->table;
    unsigned matter = table->count > 0 ? table->rows[table->count - 1].matter : 0;
    for (unsigned i = 0; i < self->said.action_count; i++)
        if (self->said.actions[i].refugies_info.size == 0)
            table->rows[table->count++] = (discrepancy_row){
                .kind = DISCREPANCY_ADDRESS, .matter = ++matter, .action = self->said.actions[i].code, .month = CIVIL_NONE, .due = CIVIL_NONE};
}

static database_error fill(reading *self, const database_result *result)
{
    int rows = database_rows(result);
    bool good = true;
    self->table->rows = arena_take(self->from, sizeof *self->table->rows * ((size_t)rows + self->said.action_count + 1));
    for (int row = 0; self->table->rows && good && row < rows; row++)
        good = take_row(self, result, row);
    if (!self->table->rows || !good)
        return no_memory(self);
    add_addresses(self);
    return discrepancy_table_word(self->table, self->from) ? DATABASE_OK : no_memory(self);
}

static database_error read_rows(reading *self)
{
    static const char sql[] = "SELECT * FROM ctai.discrepancies($1, $2::integer, $3::integer, $4::integer, $5::bigint, $6::text[], $7::text[])";
    char from[DATABASE_NUMBER_TEXT], to[DATABASE_NUMBER_TEXT], at[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    database_array actions, agents;
    database_array_init(&actions);
    database_array_init(&agents);
    add_duties(&self->said, &actions, &agents);
    const char *action_list = database_array_end(&actions), *agent_list = database_array_end(&agents);
    const database_parameter parameters[] = {
        DATABASE_TEXT(self->query->contract), month_asked(from, self->query->from), month_asked(to, self->query->to), database_number(at, month_number(self->table->at)),
        database_number(position, (int64_t)self->table->position), DATABASE_TEXT(action_list), DATABASE_TEXT(agent_list),
    };
    database_result *result = NULL;
    database_error error = action_list && agent_list ? database_query(self->connection, sql, parameters, 7, &result) : no_memory(self);
    if (error == DATABASE_OK)
        error = fill(self, result);
    database_release(&result);
    database_array_release(&actions);
    database_array_release(&agents);
    return error;
}

database_error discrepancy_read(store *self, const discrepancy_query *query, arena *from, discrepancy_table *table)
{
    reading it = {.query = query, .from = from, .table = table};
    *table = (discrepancy_table){0};
    database_error error = store_database(self, &it.connection);
    if (error == DATABASE_OK && !text_is_utf8(text_of(query->contract)))
        error = database_fail(it.connection, DATABASE_NOT_FOUND,
                              "ce contrat est inconnu ; « ctai-hub contract list » les donne tous");
    if (error == DATABASE_OK)
        error = database_begin(it.connection, true);
    if (error != DATABASE_OK)
        return error;
    error = read_position(&it);
    if (error == DATABASE_OK)
        error = read_contract(&it);
    if (error == DATABASE_OK)
        error = read_rows(&it);
    database_rollback(it.connection); /* it has only read */
    return error;
}
