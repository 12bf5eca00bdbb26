/* store_place: see the header. */
#include "store_place.h"

#include <string.h>

#include "store_base.h"

database_error store_place_lock_scopes(database *connection, const store_batch *batches, unsigned count)
{
    char last[BATCH_SCOPE_MAX + 1] = "";
    for (;;) { /* by name, smallest first */
        char next[BATCH_SCOPE_MAX + 1] = "";
        for (unsigned i = 0; i < count; i++) {
            char scope[BATCH_SCOPE_MAX + 1];
            if (!text_copy(scope, sizeof scope, batches[i].header->scope))
                continue;
            if (strcmp(scope, last) > 0 && (!next[0] || strcmp(scope, next) < 0))
                memcpy(next, scope, sizeof next);
        }
        if (!next[0])
            return DATABASE_OK;
        database_error error = store_place_lock_scope(connection, next);
        if (error != DATABASE_OK)
            return error;
        memcpy(last, next, sizeof last);
    }
}

database_error store_place_lock_scope(database *connection, const char *scope)
{
    return database_repeat(connection, "SELECT FROM ctai.scope WHERE scope = $1 FOR UPDATE", &DATABASE_TEXT(scope), 1, NULL);
}

database_error store_place_lock_agent(database *connection, const uint8_t sign[CRYPTO_PUBLIC], store_place_speaker *who,
                                      int64_t *agent)
{
    database_result *result = NULL;
    database_error error = database_repeat(connection,
                                          "SELECT agent, forked_at IS NOT NULL FROM ctai.agent"
                                          " WHERE sign = $1 AND status = 'active' FOR SHARE",
                                          &DATABASE_BYTES(sign, CRYPTO_PUBLIC), 1, &result);
    *who = STORE_PLACE_NOBODY;
    if (error == DATABASE_OK && database_rows(result) > 0) {
        *who = database_flag(result, 0, 1) ? STORE_PLACE_FORKED : STORE_PLACE_KNOWN;
        *agent = database_integer(result, 0, 0);
    }
    database_release(&result);
    return error;
}

database_error store_place_mark_fork(database *connection, int64_t agent)
{
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameter = database_number(number, agent);
    database_error error = database_query(connection,
                                          "UPDATE ctai.agent SET forked_at = coalesce(forked_at, now()) WHERE agent = $1::integer",
                                          &parameter, 1, NULL);
    return error == DATABASE_OK ? database_run(connection, STORE_NOTIFY_SQL) : error;
}

database_error store_place_read_rights(database *connection, arena *scratch, store_place *here)
{
    static const char sql[] =
        "SELECT c.contract_id, c.id, a.action, a.code, v.first_day::text, v.last_day::text, r.agent IS NOT NULL,"
        "       p.agent IS NOT NULL"
        " FROM ctai.contract AS c"
        " JOIN LATERAL (SELECT * FROM ctai.contract_version AS one WHERE one.contract_id = c.contract_id"
        "               ORDER BY version DESC LIMIT 1) AS v ON true"
        " JOIN ctai.contract_version_action AS va ON (va.contract_id, va.version) = (c.contract_id, v.version)"
        " JOIN ctai.contract_action AS a ON (a.contract_id, a.action) = (c.contract_id, va.action)"
        " LEFT JOIN ctai.agent_right AS r ON (r.agent, r.contract_id, r.action) = ($2::integer, c.contract_id, a.action)"
        " LEFT JOIN ctai.replacement AS p ON (p.scope, p.agent, p.contract_id) = (c.scope, $2::integer, c.contract_id)"
        " WHERE c.scope = $1 ORDER BY c.id, va.rank";
    char agent[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(here->scope), database_number(agent, here->agent)};
    database_result *result = NULL;
    database_error error = database_repeat(connection, sql, parameters, 2, &result);
    if (error != DATABASE_OK)
        return error;
    here->right_count = (unsigned)database_rows(result);
    here->rights = arena_take(scratch, sizeof *here->rights * here->right_count + 1);
    for (unsigned i = 0; here->rights && i < here->right_count; i++) {
        store_right_row *right = &here->rights[i];
        right->contract_id = database_integer(result, (int)i, 0);
        (void)text_copy(right->contract, sizeof right->contract, text_of(database_text(result, (int)i, 1)));
        right->number = database_integer(result, (int)i, 2);
        (void)text_copy(right->action, sizeof right->action, text_of(database_text(result, (int)i, 3)));
        right->first_month = civil_month_of(civil_parse_iso(text_of(database_text(result, (int)i, 4))));
        right->last_month = civil_month_of(civil_parse_iso(text_of(database_text(result, (int)i, 5))));
        right->allowed = database_flag(result, (int)i, 6);
        right->staged = database_flag(result, (int)i, 7);
        here->replacing = here->replacing || right->staged;
    }
    database_release(&result);
    return here->rights ? DATABASE_OK : store_no_memory(connection);
}

database_error store_place_lock(database *connection, store_place *here)
{
    char agent[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(here->scope), database_number(agent, here->agent)};
    database_error error = database_repeat(connection,
                                          "INSERT INTO ctai.agent_scope (scope, agent) VALUES ($1, $2::integer)"
                                          " ON CONFLICT DO NOTHING", parameters, 2, NULL);
    database_result *result = NULL;
    if (error == DATABASE_OK)
        error = database_repeat(connection,
                               "SELECT incarnation, sequence, stable, hash FROM ctai.agent_scope"
                               " WHERE scope = $1 AND agent = $2::integer FOR UPDATE", parameters, 2, &result);
    if (error == DATABASE_OK) {
        here->incarnation = (uint64_t)database_integer(result, 0, 0);
        here->sequence = (uint64_t)database_integer(result, 0, 1);
        here->stable = (uint64_t)database_integer(result, 0, 2);
        if (database_bytes(result, 0, 3, here->hash, sizeof here->hash) != CRYPTO_HASH)
            error = database_fail(connection, DATABASE_FAULT, "la base de données est abîmée (agent_scope)");
    }
    database_release(&result);
    return error;
}

database_error store_place_save(database *connection, const store_place *here)
{
    char agent[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT], stable[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(here->scope), database_number(agent, here->agent), database_number(sequence, (int64_t)here->sequence),
        database_number(stable, (int64_t)here->stable), DATABASE_BYTES(here->hash, CRYPTO_HASH)};
    return database_repeat(connection,
                           "UPDATE ctai.agent_scope SET sequence = $3::bigint, stable = $4::bigint, hash = $5"
                           " WHERE scope = $1 AND agent = $2::integer", parameters, 5, NULL);
}

wire_position store_place_position(const store_place *here, text_view scope)
{
    wire_position made = {.scope = scope, .incarnation = here->incarnation, .sequence = here->sequence, .stable = here->stable};
    memcpy(made.hash, here->hash, CRYPTO_HASH);
    return made;
}

database_error store_place_ledger(database *connection, const char *scope, uint64_t *position)
{
    database_result *result = NULL;
    database_error error = database_query(connection, "SELECT position FROM ctai.scope WHERE scope = $1", &DATABASE_TEXT(scope), 1, &result);
    *position = error == DATABASE_OK ? (uint64_t)database_integer(result, 0, 0) : 0;
    database_release(&result);
    return error;
}

bool store_place_has_right(const store_place *here)
{
    for (unsigned i = 0; i < here->right_count; i++)
        if (here->rights[i].allowed)
            return true;
    return false;
}

record_reason store_place_find_right(const store_place *here, const record *what, const store_right_row **right)
{
    bool contract_known = false, action_known = false;
    for (unsigned i = 0; i < here->right_count; i++) {
        const store_right_row *one = &here->rights[i];
        if (!text_is(what->contract, one->contract))
            continue;
        contract_known = true;
        bool is_action = what->operation == RECORD_PUT && text_is(what->action, one->action);
        action_known |= is_action;
        if (what->operation == RECORD_ERASE) {
            *right = one;
            return RECORD_OK;
        }
        if (!one->allowed || (what->operation == RECORD_PUT && !is_action))
            continue;
        *right = one;
        bool outside = what->month != CIVIL_NONE && (what->month < one->first_month || what->month > one->last_month);
        return what->operation == RECORD_PUT && outside ? RECORD_BAD_MONTH : RECORD_OK;
    }
    if (!contract_known)
        return RECORD_UNKNOWN_CONTRACT;
    return what->operation == RECORD_PUT && !action_known ? RECORD_UNKNOWN_ACTION : RECORD_NO_RIGHT;
}
