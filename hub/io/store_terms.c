/*
 * store_terms: contracts as agents are told of them (WELCOME, CONTRACTS, approvals): each in its last
 * version, with all its actions in its order, which of them the agent may push, and the linkage keys of its scope that
 * are open. Errors are the database's.
 */
#include <string.h>

#include "logline.h"
#include "store_base.h"
#include "store_keys.h"

/* Of a contract whose only actions of the agent an amendment has dropped, it is told no more. */
const char store_agent_contracts_sql[] =
    "SELECT c.id, v.title, c.scope, to_char(v.first_day, 'YYYY-MM-DD'), to_char(v.last_day, 'YYYY-MM-DD'), a.code, va.title,"
    "       r.agent IS NOT NULL"
    "  FROM ctai.contract AS c"
    "  JOIN ctai.contract_version AS v ON v.contract_id = c.contract_id"
    "       AND v.version = (SELECT max(o.version) FROM ctai.contract_version AS o WHERE o.contract_id = c.contract_id)"
    "  JOIN ctai.contract_version_action AS va ON (va.contract_id, va.version) = (v.contract_id, v.version)"
    "  JOIN ctai.contract_action AS a ON (a.contract_id, a.action) = (va.contract_id, va.action)"
    "  LEFT JOIN ctai.agent_right AS r ON (r.agent, r.contract_id, r.action) = ($1::integer, va.contract_id, va.action)"
    " WHERE EXISTS (SELECT FROM ctai.agent_right AS granted JOIN ctai.contract_version_action AS kept USING (contract_id, action)"
    "                WHERE granted.agent = $1::integer AND (kept.contract_id, kept.version) = (v.contract_id, v.version))"
    " ORDER BY c.id COLLATE \"C\", va.rank";

enum { ID, TITLE, SCOPE, FIRST_DAY, LAST_DAY, ACTION, ACTION_TITLE, ALLOWED };

/* Does the row begin another contract than the one before it? */
static bool begins(const database_result *result, int row)
{
    return row == 0 || strcmp(database_text(result, row, ID), database_text(result, row - 1, ID)) != 0;
}

static bool keep(text_view *to, arena *from, const database_result *result, int row, int column)
{
    char *copy = store_keep(from, result, row, column);
    *to = text_of(copy);
    return copy != NULL;
}

static bool take_contract(wire_contract *to, arena *from, const database_result *result, int row, wire_action *actions)
{
    *to = (wire_contract){
        .first_day = civil_parse_iso(text_of(database_text(result, row, FIRST_DAY))),
        .last_day = civil_parse_iso(text_of(database_text(result, row, LAST_DAY))),
        .actions = actions,
    };
    return keep(&to->id, from, result, row, ID) && keep(&to->title, from, result, row, TITLE) &&
           keep(&to->scope, from, result, row, SCOPE);
}

static bool take_action(wire_action *to, arena *from, const database_result *result, int row)
{
    to->allowed = database_flag(result, row, ALLOWED);
    return keep(&to->code, from, result, row, ACTION) && keep(&to->title, from, result, row, ACTION_TITLE);
}

/* Rows of one contract are together. What is past the bounds of a message is left out. */
static bool fill(wire_contract *contracts, unsigned capacity, unsigned *count, arena *from, const database_result *result)
{
    int rows = database_rows(result);
    wire_action *actions = arena_take(from, sizeof *actions * (size_t)rows + 1);
    if (!actions)
        return false;
    for (int row = 0; row < rows; row++) {
        if (begins(result, row)) {
            if (*count == capacity) {
                logline(LOGLINE_ERROR, "an agent has more contracts than a message can hold: the last are left out");
                return true;
            }
            if (!take_contract(&contracts[(*count)++], from, result, row, actions))
                return false;
        }
        wire_contract *last = &contracts[*count - 1];
        if (last->action_count == WIRE_ACTIONS_MAX)
            continue;
        if (!take_action(actions++, from, result, row))
            return false;
        last->action_count++;
    }
    return true;
}

database_error store_wire_contracts(database *connection, const char *sql, const database_parameter *parameters, int count,
                                    arena *from, wire_contract **contracts, unsigned *contract_count)
{
    *contracts = NULL;
    *contract_count = 0;
    database_result *result = NULL;
    database_error error = database_repeat(connection, sql, parameters, count, &result);
    if (error != DATABASE_OK)
        return error;
    unsigned found = 0;
    for (int row = 0; row < database_rows(result); row++)
        found += begins(result, row);
    unsigned capacity = found < WIRE_CONTRACTS_MAX ? found : WIRE_CONTRACTS_MAX;
    wire_contract *items = arena_take(from, sizeof *items * capacity + 1);
    bool filled = items && fill(items, capacity, contract_count, from, result);
    database_release(&result);
    if (!filled) {
        *contract_count = 0;
        return store_no_memory(connection);
    }
    *contracts = items;
    return store_keys_fill(connection, items, *contract_count);
}
