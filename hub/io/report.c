/* report: see the header. The reading is one snapshot: contract, position and cells belong together. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "definition.h"

/* Months are year x 100 + month in the database. */
static int64_t month_number(civil_month month)
{
    return month / 12 * 100 + month % 12 + 1;
}

/* Can it be a moment as ISO 8601 writes it? What it says is the database's to read. */
static bool is_moment(const char *text)
{
    return strlen(text) <= 40 && strspn(text, "0123456789") == 4 && text[4] == '-' &&
           strspn(text, "0123456789-:.+TZ ") == strlen(text);
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 18;
}

/* The transaction sees that contract alone, whatever its statements ask for (ctai.seen). */
static database_error look_at(database *connection, const char *id)
{
    return database_query(connection, "SELECT set_config('ctai.contract', $1, true)", &DATABASE_TEXT(id), 1, NULL);
}

/* The scope's last position, and the one that as_of means. */
static database_error read_position(database *connection, const report_query *query, evaluation_table *table)
{
    static const char sql[] = "SELECT s.position FROM ctai.scope AS s JOIN ctai.contract AS c USING (scope) WHERE c.id = $1";
    database_result *result = NULL;
    database_error error = database_query(connection, sql, &DATABASE_TEXT(query->contract), 1, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(connection, DATABASE_NOT_FOUND,
                              "le contrat « %.64s » est inconnu ; « ctai-hub contract list » les donne tous", query->contract);
    if (error == DATABASE_OK)
        table->position = table->last_position = (uint64_t)database_integer(result, 0, 0);
    database_release(&result);
    if (error != DATABASE_OK || !query->as_of)
        return error;
    if (is_number(query->as_of)) {
        table->position = strtoull(query->as_of, NULL, 10);
        if (table->position <= table->last_position)
            return DATABASE_OK;
        return database_fail(connection, DATABASE_NOT_FOUND, "--as-of %s : le registre n’en est qu’à la position %llu",
                             query->as_of, (unsigned long long)table->last_position);
    }
    static const char moment[] = "SELECT ctai.contract_position_at($1, $2::timestamptz)";
    const database_parameter parameters[] = {DATABASE_TEXT(query->contract), DATABASE_TEXT(query->as_of)};
    /* A fault is the moment's: the database cannot read it. What passes is said as it is. */
    error = is_moment(query->as_of) ? database_query(connection, moment, parameters, 2, &result) : DATABASE_FAULT;
    if (error == DATABASE_FAULT)
        error = database_fail(connection, DATABASE_CONFLICT,
                              "--as-of : ni une position du registre, ni un moment comme 2024-06-30T12:00:00Z");
    if (error == DATABASE_OK)
        table->position = (uint64_t)database_integer(result, 0, 0);
    database_release(&result);
    return error;
}

static text_view keep(arena *from, const database_result *result, int row, int column, bool *short_of_memory)
{
    char *copy = arena_text(from, text_of(database_text(result, row, column)));
    *short_of_memory |= !copy;
    return text_of(copy);
}

/* The version that applies at the end of the period asked for; of a purged contract the last: what is kept is of it. */
static database_error read_contract(database *connection, const report_query *query, bool purged, arena *from,
                                    evaluation_table *table)
{
    static const char sql[] =
        "SELECT c.id, v.title, v.department, v.first_day::text, v.last_day::text, ctai.erased_as_of(c.contract_id, $2::bigint),"
        "       v.definition, v.version, coalesce(v.amendment, 0), v.effective_day::text"
        " FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
        " WHERE c.id = $1 AND v.version = ctai.version_as_of(c.contract_id, $2::bigint, $3::integer)";
    char position[DATABASE_NUMBER_TEXT], month[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(query->contract), database_number(position, (int64_t)table->position),
        purged || query->to == CIVIL_NONE ? DATABASE_NULL : database_number(month, month_number(query->to))};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 3, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(connection, DATABASE_NOT_FOUND, "à la position %s du registre, le contrat « %.64s » n’existait pas encore",
                              position, query->contract);
    if (error == DATABASE_OK) {
        bool failed = false;
        table->contract = keep(from, result, 0, 0, &failed);
        table->title = keep(from, result, 0, 1, &failed);
        table->department = keep(from, result, 0, 2, &failed);
        table->first_day = civil_parse_iso(text_of(database_text(result, 0, 3)));
        table->last_day = civil_parse_iso(text_of(database_text(result, 0, 4)));
        table->erased = (uint64_t)database_integer(result, 0, 5);
        table->definition = keep(from, result, 0, 6, &failed);
        table->version = (unsigned)database_integer(result, 0, 7);
        table->amendment = (unsigned)database_integer(result, 0, 8);
        table->effective_day = table->amendment > 0 ? civil_parse_iso(text_of(database_text(result, 0, 9))) : table->first_day;
        civil_month first = civil_month_of(table->first_day), last = civil_month_of(table->last_day);
        table->from = query->from == CIVIL_NONE || query->from < first ? first : query->from;
        table->to = query->to == CIVIL_NONE || query->to > last ? last : query->to;
        if (failed)
            error = DATABASE_NO_MEMORY;
    }
    database_release(&result);
    return error;
}

static database_error read_moment(database *connection, const report_query *query, evaluation_table *table)
{
    static const char sql[] = "SELECT extract(epoch FROM at)::bigint, (at AT TIME ZONE 'Europe/Paris')::date::text"
                              "  FROM ctai.contract_moment_of($1, $2::bigint) AS at WHERE at IS NOT NULL";
    char position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(query->contract), database_number(position, (int64_t)table->position)};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 2, &result);
    table->moment_day = CIVIL_NONE;
    if (error == DATABASE_OK && database_rows(result) > 0) {
        table->moment_s = database_integer(result, 0, 0);
        table->moment_day = civil_parse_iso(text_of(database_text(result, 0, 1)));
    }
    database_release(&result);
    return error;
}

enum { ACTION, TITLE, INDICATOR, LABEL, UNIT, IS_TEXT, TARGET, VALUE, STATE, SELECTED };

static evaluation_state state_of(const char *name)
{
    if (strcmp(name, "compte") == 0)
        return EVALUATION_COUNTED;
    return strcmp(name, "non_fait") == 0 ? EVALUATION_NOT_DONE : EVALUATION_NOT_COLLECTED;
}

/* Rows come action by action; each change of code begins the next. */
static bool fill(evaluation_table *table, const database_result *result, bool selected, arena *from)
{
    int rows = database_rows(result);
    bool failed = false;
    evaluation_cell *cells = arena_take(from, sizeof *cells * (size_t)(rows + 1));
    table->actions = arena_take(from, sizeof *table->actions * (size_t)(rows + 1));
    if (!cells || !table->actions)
        return false;
    const char *code = NULL;
    for (int row = 0; row < rows; row++) {
        if (!code || strcmp(code, database_text(result, row, ACTION)) != 0) {
            code = database_text(result, row, ACTION);
            table->actions[table->action_count++] = (evaluation_action){
                .code = keep(from, result, row, ACTION, &failed), .title = keep(from, result, row, TITLE, &failed), .cells = cells};
        }
        if (selected && !database_flag(result, row, SELECTED))
            continue;
        *cells++ = (evaluation_cell){
            .code = keep(from, result, row, INDICATOR, &failed),
            .label = keep(from, result, row, LABEL, &failed),
            .unit = keep(from, result, row, UNIT, &failed),
            .target = keep(from, result, row, TARGET, &failed),
            .value = keep(from, result, row, VALUE, &failed),
            .is_text = database_flag(result, row, IS_TEXT),
            .selected = database_flag(result, row, SELECTED),
            .state = state_of(database_text(result, row, STATE)),
        };
        table->actions[table->action_count - 1].cell_count++;
    }
    return !failed;
}

/* Is the contract purged? Then its kept evaluation is all there is of it: of the whole period, as of its own position. */
static database_error read_purge(database *connection, const report_query *query, evaluation_table *table, bool *purged)
{
    static const char sql[] = "SELECT p.evaluated, to_char(p.purged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
                              "  FROM ctai.purge AS p JOIN ctai.contract AS c USING (contract_id) WHERE c.id = $1";
    database_result *result = NULL;
    database_error error = database_query(connection, sql, &DATABASE_TEXT(query->contract), 1, &result);
    *purged = error == DATABASE_OK && database_rows(result) > 0;
    if (*purged) {
        uint64_t kept = (uint64_t)database_integer(result, 0, 0);
        if (table->position < kept)
            error = database_fail(connection, DATABASE_CONFLICT,
                                  "le contrat « %.64s » a été purgé le %s : seule reste son évaluation telle qu’à la position %llu",
                                  query->contract, database_text(result, 0, 1), (unsigned long long)kept);
        table->position = table->last_position = kept;
    }
    database_release(&result);
    return error;
}

/* A kept evaluation is of the whole contract. */
static database_error check_whole(database *connection, const report_query *query, const evaluation_table *table)
{
    if (table->from == civil_month_of(table->first_day) && table->to == civil_month_of(table->last_day))
        return DATABASE_OK;
    return database_fail(connection, DATABASE_CONFLICT,
                         "le contrat « %.64s » a été purgé : seule reste son évaluation de toute sa durée ; demandez-la sans --from "
                         "ni --to", query->contract);
}

static database_error read_kept(database *connection, const report_query *query, arena *from, evaluation_table *table)
{
    static const char sql[] =
        "SELECT k.action, k.title, k.indicator, k.label, k.unit, k.is_text, k.target, k.value, k.state, k.selected"
        "  FROM ctai.purge_cell AS k JOIN ctai.contract AS c USING (contract_id) WHERE c.id = $1 ORDER BY k.place";
    database_result *result = NULL;
    database_error error = check_whole(connection, query, table);
    if (error == DATABASE_OK)
        error = database_query(connection, sql, &DATABASE_TEXT(query->contract), 1, &result);
    if (error == DATABASE_OK && !fill(table, result, query->selected, from))
        error = DATABASE_NO_MEMORY;
    database_release(&result);
    return error;
}

static database_error read_cells(database *connection, const report_query *query, arena *from, evaluation_table *table)
{
    static const char sql[] = "SELECT * FROM ctai.report($1, $2::integer, $3::integer, $4::bigint)";
    char first[DATABASE_NUMBER_TEXT], last[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(query->contract),
        database_number(first, month_number(table->from)),
        database_number(last, month_number(table->to)),
        database_number(position, (int64_t)table->position),
    };
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 4, &result);
    if (error == DATABASE_OK && !fill(table, result, query->selected, from))
        error = DATABASE_NO_MEMORY;
    database_release(&result);
    return error;
}

/* Each action's address on refugies.info, which its contract's file alone says; a text that cannot be read has none. */
static database_error read_addresses(arena *from, evaluation_table *table)
{
    contract said;
    diag_sink silent = {0};
    if (!definition_read(&said, from, "contrat", table->definition, &silent))
        return arena_short(from) ? DATABASE_NO_MEMORY : DATABASE_OK;
    for (unsigned i = 0; i < table->action_count; i++) {
        const contract_action *action = contract_action_find(&said, table->actions[i].code);
        if (action)
            table->actions[i].refugies_info = action->refugies_info;
    }
    return DATABASE_OK;
}

database_error report_read(store *self, const report_query *query, arena *from, evaluation_table *table)
{
    *table = (evaluation_table){0};
    database *connection;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK && !text_is_utf8(text_of(query->contract)))
        error = database_fail(connection, DATABASE_NOT_FOUND,
                              "ce contrat est inconnu ; « ctai-hub contract list » les donne tous");
    if (error != DATABASE_OK)
        return error;
    error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    bool purged = false;
    error = look_at(connection, query->contract);
    if (error == DATABASE_OK)
        error = read_position(connection, query, table);
    if (error == DATABASE_OK)
        error = read_purge(connection, query, table, &purged);
    if (error == DATABASE_OK)
        error = read_contract(connection, query, purged, from, table);
    if (error == DATABASE_OK)
        error = read_moment(connection, query, table);
    if (error == DATABASE_OK)
        error = purged ? read_kept(connection, query, from, table) : read_cells(connection, query, from, table);
    if (error == DATABASE_OK)
        error = read_addresses(from, table);
    database_rollback(connection); /* it has only read */
    return error;
}
