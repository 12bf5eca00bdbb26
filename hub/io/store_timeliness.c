/* store_timeliness: see the header. Errors are the database's. */
#include "store_timeliness.h"

#include <stdlib.h>
#include <string.h>

#include "store_base.h"

static const char contracts_sql[] =
    "SELECT c.id, v.definition, EXISTS (SELECT FROM ctai.purge AS p WHERE p.contract_id = c.contract_id)"
    "  FROM ctai.contract AS c JOIN ctai.contract_version AS v ON v.contract_id = c.contract_id"
    "       AND v.version = (SELECT max(o.version) FROM ctai.contract_version AS o WHERE o.contract_id = c.contract_id)"
    " WHERE $1::text IS NULL OR c.id = $1 ORDER BY c.id COLLATE \"C\"";
enum { ID, DEFINITION, CLOSED };

/* $2: with the months of which there are records. */
static const char statements_sql[] =
    "WITH recorded AS ("
    "  SELECT contract_id, action, agent, string_agg(month::text, ',' ORDER BY month) AS months"
    "    FROM (SELECT DISTINCT r.contract_id, r.action, r.agent, r.month"
    "            FROM ctai.contract AS c JOIN ctai.record AS r ON (r.scope, r.contract_id) = (c.scope, c.contract_id)"
    "           WHERE $2::boolean AND r.month IS NOT NULL AND ($1::text IS NULL OR c.id = $1)) AS one"
    "   GROUP BY contract_id, action, agent),"
    " covered AS ("
    "  SELECT v.contract_id, v.action, v.agent, v.last_month, v.complete, " STORE_MOMENT("l.received_at") " AS received"
    "    FROM ctai.coverage AS v JOIN ctai.contract AS c USING (contract_id)"
    "    LEFT JOIN ctai.ledger AS l ON (l.scope, l.position) = (v.scope, v.position)"
    "   WHERE v.scope = c.scope AND ($1::text IS NULL OR c.id = $1))"
    " SELECT c.id, a.code, g.name, v.complete IS NOT NULL, coalesce(v.complete, false), coalesce(v.last_month, 0),"
    "        coalesce(v.received, ''), coalesce(r.months, '')"
    "   FROM covered AS v FULL JOIN recorded AS r USING (contract_id, action, agent)"
    "   JOIN ctai.contract AS c USING (contract_id) JOIN ctai.contract_action AS a USING (contract_id, action)"
    "   JOIN ctai.agent AS g USING (agent)"
    "  ORDER BY c.id COLLATE \"C\", a.action, g.name COLLATE \"C\"";
enum { CONTRACT, ACTION, AGENT, COVERS, COMPLETE, LAST_MONTH, RECEIVED, MONTHS };

static const char begins_sql[] =
    "SELECT c.id, a.code, to_char(min(coalesce(v.effective_day, v.first_day)), 'YYYY-MM-DD')"
    "  FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
    "  JOIN ctai.contract_version_action AS va USING (contract_id, version)"
    "  JOIN ctai.contract_action AS a ON (a.contract_id, a.action) = (c.contract_id, va.action)"
    " WHERE $1::text IS NULL OR c.id = $1 GROUP BY c.id, a.action, a.code ORDER BY c.id COLLATE \"C\", a.action";

/* 202311 -> the month; 0: none. */
static civil_month month_of(int64_t number)
{
    return number > 0 ? (civil_month)(number / 100 * 12 + number % 100 - 1) : CIVIL_NONE;
}

static bool keep(text_view *to, arena *from, const database_result *result, int row, int column)
{
    char *text = store_keep(from, result, row, column);
    *to = text_of(text);
    return text != NULL;
}

/* "202311,202312" */
static bool take_months(timeliness_statement *to, arena *from, const char *text)
{
    size_t count = text[0] != '\0';
    for (const char *at = text; *at; at++)
        count += *at == ',';
    to->months = arena_take(from, count * sizeof *to->months + 1);
    if (!to->months)
        return false;
    for (const char *at = text; *at;) {
        char *end = NULL;
        to->months[to->month_count++] = month_of(strtoll(at, &end, 10));
        at = *end == ',' ? end + 1 : end;
    }
    return true;
}

static bool take_statement(timeliness_statement *to, arena *from, const database_result *result, int row)
{
    to->covers = database_flag(result, row, COVERS);
    to->complete = database_flag(result, row, COMPLETE);
    to->last_month = month_of(database_integer(result, row, LAST_MONTH));
    return keep(&to->action, from, result, row, ACTION) && keep(&to->agent, from, result, row, AGENT)
        && keep(&to->received, from, result, row, RECEIVED) && take_months(to, from, database_text(result, row, MONTHS));
}

static bool take_begin(timeliness_begin *to, arena *from, const database_result *result, int row)
{
    to->first = civil_month_of(civil_parse_iso(text_of(database_text(result, row, 2))));
    return keep(&to->action, from, result, row, 1);
}

enum { CONTRACTS, STATEMENTS, BEGINS, RESULTS };

/* All results are in the order of the contracts' ids, which are their first columns. */
static bool fill(store_timeliness *to, arena *from, database_result *const results[RESULTS])
{
    int rows = database_rows(results[STATEMENTS]), begin_rows = database_rows(results[BEGINS]), row = 0, begin = 0;
    timeliness_statement *statements = arena_take(from, (size_t)rows * sizeof *statements + 1);
    timeliness_begin *begins = arena_take(from, (size_t)begin_rows * sizeof *begins + 1);
    to->contracts = arena_take(from, (size_t)database_rows(results[CONTRACTS]) * sizeof *to->contracts + 1);
    bool kept = statements && begins && to->contracts;
    for (int i = 0; kept && i < database_rows(results[CONTRACTS]); i++) {
        store_timeliness_contract *one = &to->contracts[to->contract_count++];
        one->known = (timeliness_known){ .closed = database_flag(results[CONTRACTS], i, CLOSED),
                                       .statements = &statements[row], .begins = &begins[begin] };
        kept = keep(&one->id, from, results[CONTRACTS], i, ID) && keep(&one->definition, from, results[CONTRACTS], i, DEFINITION);
        for (; kept && row < rows && text_is(one->id, database_text(results[STATEMENTS], row, CONTRACT)); row++)
            kept = take_statement(&one->known.statements[one->known.statement_count++], from, results[STATEMENTS], row);
        for (; kept && begin < begin_rows && text_is(one->id, database_text(results[BEGINS], begin, 0)); begin++)
            kept = take_begin(&one->known.begins[one->known.begin_count++], from, results[BEGINS], begin);
    }
    return kept;
}

static database_error read_today(database *connection, const char *today, store_timeliness *to)
{
    database_result *result = NULL;
    database_error error = database_query(connection, "SELECT to_char(coalesce($1::date, (now() AT TIME ZONE 'UTC')::date), 'YYYY-MM-DD')",
                                          &DATABASE_TEXT(today), 1, &result);
    if (error == DATABASE_OK)
        to->today = civil_parse_iso(text_of(database_text(result, 0, 0)));
    database_release(&result);
    return error;
}

database_error store_timeliness_read(store *self, const char *id, const char *today, bool with_months, arena *from,
                                   store_timeliness *to)
{
    database *connection = NULL;
    database_result *results[RESULTS] = { NULL };
    *to = (store_timeliness){ 0 };
    if (id && !text_is_utf8(text_of(id)))
        return DATABASE_OK;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    const database_parameter parameters[] = { DATABASE_TEXT(id), DATABASE_TEXT(with_months ? "t" : "f") };
    error = read_today(connection, today, to);
    if (error == DATABASE_OK)
        error = database_query(connection, contracts_sql, parameters, 1, &results[CONTRACTS]);
    if (error == DATABASE_OK)
        error = database_query(connection, statements_sql, parameters, 2, &results[STATEMENTS]);
    if (error == DATABASE_OK)
        error = database_query(connection, begins_sql, parameters, 1, &results[BEGINS]);
    if (error == DATABASE_OK && !fill(to, from, results))
        error = store_no_memory(connection);
    for (int i = 0; i < RESULTS; i++)
        database_release(&results[i]);
    database_rollback(connection); /* it has only read */
    return error;
}
