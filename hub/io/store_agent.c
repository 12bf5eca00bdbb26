/*
 * store_agent: see the header. A change of agents holds a lock on their table that readers and batches
 * pass, so that two approvals at once cannot both find a name or a key free.
 */
#include "store_agent.h"

#include <stdio.h>
#include <string.h>

#include "store_base.h"
#include "store_replace.h"

/* $1: the name; NULL: all. */
static const char agents_sql[] =
    "SELECT a.agent, a.name, a.curve, a.sign, a.box, a.status = 'revoked', " STORE_MOMENT("a.admitted_at") ", "
            STORE_MOMENT("a.revoked_at") ", " STORE_MOMENT("a.forked_at") ", " STORE_MOMENT("a.replaced_at")
    "  FROM ctai.agent AS a WHERE $1::text IS NULL OR a.name = $1 ORDER BY a.name COLLATE \"C\"";
static const char rights_sql[] =
    "SELECT a.agent, c.id, act.code"
    "  FROM ctai.agent AS a JOIN ctai.agent_right AS r USING (agent) JOIN ctai.contract AS c USING (contract_id)"
    "  JOIN ctai.contract_action AS act USING (contract_id, action)"
    "  LEFT JOIN ctai.contract_version_action AS va ON (va.contract_id, va.action) = (r.contract_id, r.action)"
    "       AND va.version = (SELECT max(v.version) FROM ctai.contract_version AS v WHERE v.contract_id = r.contract_id)"
    " WHERE $1::text IS NULL OR a.name = $1"
    " ORDER BY a.name COLLATE \"C\", c.id COLLATE \"C\", va.rank NULLS LAST, r.action";
/* The scopes of its contracts, and those where it has sent something. */
static const char scopes_sql[] =
    "SELECT a.agent, s.scope, coalesce(p.incarnation, 1), coalesce(p.sequence, 0), coalesce(p.stable, 0),"
    "       (SELECT count(*) FROM ctai.record AS r WHERE r.scope = s.scope AND r.agent = a.agent),"
    "       " STORE_MOMENT("(SELECT l.received_at FROM ctai.ledger AS l WHERE l.scope = s.scope AND l.agent = a.agent"
                           "  ORDER BY l.sequence DESC LIMIT 1)") ","
    "       (SELECT count(*) FROM ctai.record_staged AS r WHERE r.scope = s.scope AND r.agent = a.agent),"
    "       (SELECT count(*) FROM ctai.replacement AS r WHERE r.scope = s.scope AND r.agent = a.agent),"
    "       (SELECT count(*) FROM ctai.quarantine AS q WHERE q.scope = s.scope AND q.agent = a.agent)"
    "  FROM ctai.agent AS a"
    "  JOIN LATERAL (SELECT c.scope FROM ctai.agent_right AS r JOIN ctai.contract AS c USING (contract_id) WHERE r.agent = a.agent"
    "                UNION SELECT o.scope FROM ctai.agent_scope AS o WHERE o.agent = a.agent) AS s ON true"
    "  LEFT JOIN ctai.agent_scope AS p ON (p.scope, p.agent) = (s.scope, a.agent)"
    " WHERE $1::text IS NULL OR a.name = $1"
    " ORDER BY a.name COLLATE \"C\", s.scope COLLATE \"C\"";

static void copy(char *to, size_t size, const database_result *result, int row, int column)
{
    snprintf(to, size, "%s", database_text(result, row, column));
}
#define COPY(field, row, column) copy(field, sizeof field, result, row, column)

static database_error take_identity(database *connection, credential_identity *to, const database_result *result, int row)
{
    COPY(to->name, row, 1);
    if (database_bytes(result, row, 2, to->curve, CRYPTO_PUBLIC) == CRYPTO_PUBLIC &&
        database_bytes(result, row, 3, to->sign, CRYPTO_PUBLIC) == CRYPTO_PUBLIC &&
        database_bytes(result, row, 4, to->box, CRYPTO_PUBLIC) == CRYPTO_PUBLIC)
        return DATABASE_OK;
    return database_fail(connection, DATABASE_FAULT, "les clés d’un agent sont illisibles dans la base de données");
}

/* numbers, beside the agents, is what the tables call them. */
static database_error read_agents(database *connection, const database_parameter *name, arena *from, store_agent **agents,
                                  int64_t **numbers, unsigned *count)
{
    database_result *result = NULL;
    database_error error = database_query(connection, agents_sql, name, 1, &result);
    if (error != DATABASE_OK)
        return error;
    *count = (unsigned)database_rows(result);
    *agents = arena_take(from, sizeof **agents * *count + 1);
    *numbers = arena_take(from, sizeof **numbers * *count + 1);
    if (!*agents || !*numbers)
        error = store_no_memory(connection);
    for (unsigned i = 0; error == DATABASE_OK && i < *count; i++) {
        store_agent *one = &(*agents)[i];
        (*numbers)[i] = database_integer(result, (int)i, 0);
        error = take_identity(connection, &one->identity, result, (int)i);
        one->revoked = database_flag(result, (int)i, 5);
        COPY(one->admitted, (int)i, 6);
        COPY(one->revoked_at, (int)i, 7);
        COPY(one->forked_at, (int)i, 8);
        COPY(one->replaced_at, (int)i, 9);
    }
    database_release(&result);
    return error;
}

/* Rows come agent by agent, in the agents' order. */
static database_error read_rights(database *connection, const database_parameter *name, arena *from, store_agent *agents,
                                  const int64_t *numbers, unsigned count)
{
    database_result *result = NULL;
    database_error error = database_query(connection, rights_sql, name, 1, &result);
    if (error != DATABASE_OK)
        return error;
    int rows = database_rows(result), row = 0;
    store_right *rights = arena_take(from, sizeof *rights * (size_t)rows + 1);
    if (!rights)
        error = store_no_memory(connection);
    for (unsigned i = 0; rights && i < count; i++) {
        agents[i].rights = &rights[row];
        for (; row < rows && database_integer(result, row, 0) == numbers[i]; row++) {
            COPY(rights[row].contract, row, 1);
            COPY(rights[row].action, row, 2);
            agents[i].right_count++;
        }
    }
    database_release(&result);
    return error;
}

static database_error read_scopes(database *connection, const database_parameter *name, arena *from, store_agent *agents,
                                  const int64_t *numbers, unsigned count)
{
    database_result *result = NULL;
    database_error error = database_query(connection, scopes_sql, name, 1, &result);
    if (error != DATABASE_OK)
        return error;
    int rows = database_rows(result), row = 0;
    store_agent_scope *scopes = arena_take(from, sizeof *scopes * (size_t)rows + 1);
    if (!scopes)
        error = store_no_memory(connection);
    for (unsigned i = 0; scopes && i < count; i++) {
        agents[i].scopes = &scopes[row];
        for (; row < rows && database_integer(result, row, 0) == numbers[i]; row++) {
            store_agent_scope *one = &scopes[row];
            COPY(one->scope, row, 1);
            one->incarnation = (uint64_t)database_integer(result, row, 2);
            one->sequence = (uint64_t)database_integer(result, row, 3);
            one->stable = (uint64_t)database_integer(result, row, 4);
            one->records = (uint64_t)database_integer(result, row, 5);
            COPY(one->last_received, row, 6);
            one->staged = (uint64_t)database_integer(result, row, 7);
            one->awaited = (unsigned)database_integer(result, row, 8);
            one->quarantined = (unsigned)database_integer(result, row, 9);
            agents[i].scope_count++;
        }
    }
    database_release(&result);
    return error;
}

/* Those of that name (NULL: all), from one snapshot. */
static database_error read_all(store *self, const char *name, bool brief, arena *from, store_agent **agents, unsigned *count)
{
    database *connection = NULL;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    const database_parameter parameter = DATABASE_TEXT(name);
    int64_t *numbers = NULL;
    error = read_agents(connection, &parameter, from, agents, &numbers, count);
    if (error == DATABASE_OK && !brief)
        error = read_rights(connection, &parameter, from, *agents, numbers, *count);
    if (error == DATABASE_OK && !brief)
        error = read_scopes(connection, &parameter, from, *agents, numbers, *count);
    database_rollback(connection); /* it has only read */
    return error;
}

database_error store_agents(store *self, bool brief, arena *from, store_agent **agents, unsigned *count)
{
    *agents = NULL;
    *count = 0;
    return read_all(self, NULL, brief, from, agents, count);
}

static database_error unknown(store *self, const char *name)
{
    return database_fail(&self->connection, DATABASE_NOT_FOUND, "aucun agent ne s’appelle « %.64s »",
                         text_is_utf8(text_of(name)) ? name : "?");
}

database_error store_agent_find(store *self, const char *name, arena *from, store_agent *agent)
{
    *agent = (store_agent){0};
    if (!credential_name_valid(text_of(name)))
        return unknown(self, name);
    store_agent *found = NULL;
    unsigned count = 0;
    database_error error = read_all(self, name, false, from, &found, &count);
    if (error == DATABASE_OK && count == 0)
        return unknown(self, name);
    if (error == DATABASE_OK)
        *agent = found[0];
    return error;
}

/* The number of the agent with that name and those keys, admitting it when nothing of it is known. */
static database_error admit(database *connection, const credential_identity *identity, int64_t *number)
{
    static const char known_sql[] =
        "SELECT agent, name, name = $1 AND curve = $2 AND sign = $3 AND box = $4, status = 'revoked'"
        "  FROM ctai.agent WHERE name = $1 OR curve = $2 OR sign = $3 OR box = $4 ORDER BY name <> $1";
    static const char new_sql[] = "INSERT INTO ctai.agent (name, curve, sign, box) VALUES ($1, $2, $3, $4) RETURNING agent";
    const database_parameter parameters[] = {
        DATABASE_TEXT(identity->name),
        DATABASE_BYTES(identity->curve, CRYPTO_PUBLIC),
        DATABASE_BYTES(identity->sign, CRYPTO_PUBLIC),
        DATABASE_BYTES(identity->box, CRYPTO_PUBLIC),
    };
    database_result *result = NULL;
    database_error error = database_query(connection, known_sql, parameters, 4, &result);
    bool known = error == DATABASE_OK && database_rows(result) > 0;
    if (error == DATABASE_OK && !known) {
        database_release(&result);
        error = store_replace_check_former(connection, identity);
        if (error == DATABASE_OK)
            error = database_query(connection, new_sql, parameters, 4, &result);
    }
    if (known && strcmp(database_text(result, 0, 1), identity->name) != 0)
        error = database_fail(connection, DATABASE_CONFLICT,
                              "une clé de l’agent « %s » est déjà celle de l’agent « %s » : chaque agent fait ses propres clés",
                              identity->name, database_text(result, 0, 1));
    else if (known && !database_flag(result, 0, 2))
        error = database_fail(connection, DATABASE_CONFLICT, "l’agent « %s » est déjà admis avec d’autres clés", identity->name);
    else if (known && database_flag(result, 0, 3))
        error = database_fail(connection, DATABASE_CONFLICT, "l’agent « %s » a été révoqué", identity->name);
    if (error == DATABASE_OK)
        *number = database_integer(result, 0, 0);
    database_release(&result);
    return error;
}

/* The contract's number and last version. */
static database_error find_contract(database *connection, const char *contract, int64_t *number, int64_t *version)
{
    static const char sql[] = "SELECT c.contract_id, max(v.version),"
                              "       EXISTS (SELECT FROM ctai.purge AS p WHERE p.contract_id = c.contract_id)"
                              "  FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)"
                              " WHERE c.id = $1 GROUP BY c.contract_id";
    if (!text_is_utf8(text_of(contract)))
        return database_fail(connection, DATABASE_NOT_FOUND, "le contrat n’est pas enregistré");
    const database_parameter parameter = DATABASE_TEXT(contract);
    database_result *result = NULL;
    database_error error = database_query(connection, sql, &parameter, 1, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(connection, DATABASE_NOT_FOUND, "le contrat « %.64s » n’est pas enregistré", contract);
    if (error == DATABASE_OK && database_flag(result, 0, 2))
        error = database_fail(connection, DATABASE_NOT_FOUND, "le contrat « %.64s » a été purgé : il ne reçoit plus rien", contract);
    if (error == DATABASE_OK) {
        *number = database_integer(result, 0, 0);
        *version = database_integer(result, 0, 1);
    }
    database_release(&result);
    return error;
}

static database_error grant(database *connection, int64_t agent, int64_t contract_id, int64_t version, const char *contract,
                            const char *action)
{
    /* DO UPDATE that changes nothing: a row comes back for a right that stands, none for an action that is not there. */
    static const char sql[] =
        "INSERT INTO ctai.agent_right AS r (agent, contract_id, action)"
        " SELECT $1::integer, a.contract_id, a.action"
        "   FROM ctai.contract_action AS a JOIN ctai.contract_version_action AS va USING (contract_id, action)"
        "  WHERE a.contract_id = $2::integer AND va.version = $3::integer AND a.code = $4"
        " ON CONFLICT (agent, contract_id, action) DO UPDATE SET granted_at = r.granted_at";
    if (!text_is_utf8(text_of(action)))
        return database_fail(connection, DATABASE_NOT_FOUND, "le contrat %.64s n’a pas cette action", contract);
    char agent_text[DATABASE_NUMBER_TEXT], contract_text[DATABASE_NUMBER_TEXT], version_text[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        database_number(agent_text, agent),
        database_number(contract_text, contract_id),
        database_number(version_text, version),
        DATABASE_TEXT(action),
    };
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 4, &result);
    if (error == DATABASE_OK && database_affected(result) == 0)
        error = database_fail(connection, DATABASE_NOT_FOUND, "le contrat %.64s n’a pas d’action « %.64s »", contract, action);
    database_release(&result);
    return error;
}

/* One message tells an agent of all its contracts, and one of all its scopes. */
static database_error check_bounds(database *connection, int64_t agent, const char *name)
{
    static const char sql[] = "SELECT count(DISTINCT c.contract_id), count(DISTINCT c.scope)"
                              "  FROM ctai.agent_right AS r JOIN ctai.contract AS c USING (contract_id) WHERE r.agent = $1::integer";
    char text[DATABASE_NUMBER_TEXT];
    const database_parameter parameter = database_number(text, agent);
    database_result *result = NULL;
    database_error error = database_query(connection, sql, &parameter, 1, &result);
    if (error == DATABASE_OK &&
        (database_integer(result, 0, 0) > WIRE_CONTRACTS_MAX || database_integer(result, 0, 1) > WIRE_SCOPES_MAX))
        error = database_fail(connection, DATABASE_CONFLICT,
                              "l’agent « %s » aurait plus de %d contrats ou de %d périmètres de liaison : "
                              "admettez l’opérateur sous un second nom",
                              name, WIRE_CONTRACTS_MAX, WIRE_SCOPES_MAX);
    database_release(&result);
    return error;
}

database_error store_agent_approve(store *self, const credential_identity *identity, const char *contract,
                                   const char *const *actions, unsigned action_count)
{
    database *connection = NULL;
    int64_t agent = 0, contract_id = 0, version = 0;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    error = database_run(connection, "LOCK TABLE ctai.agent IN SHARE ROW EXCLUSIVE MODE");
    if (error == DATABASE_OK)
        error = find_contract(connection, contract, &contract_id, &version);
    if (error == DATABASE_OK)
        error = admit(connection, identity, &agent);
    for (unsigned i = 0; error == DATABASE_OK && i < action_count; i++)
        error = grant(connection, agent, contract_id, version, contract, actions[i]);
    if (error == DATABASE_OK)
        error = check_bounds(connection, agent, identity->name);
    if (error == DATABASE_OK)
        error = database_run(connection, STORE_NOTIFY_SQL);
    return store_finish(connection, error);
}

database_error store_agent_revoke(store *self, const char *name)
{
    static const char sql[] =
        "UPDATE ctai.agent SET status = 'revoked', revoked_at = coalesce(revoked_at, now()) WHERE name = $1";
    if (!credential_name_valid(text_of(name)))
        return unknown(self, name);
    database *connection = NULL;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    const database_parameter parameter = DATABASE_TEXT(name);
    database_result *result = NULL;
    error = database_query(connection, sql, &parameter, 1, &result);
    if (error == DATABASE_OK && database_affected(result) == 0)
        error = unknown(self, name);
    database_release(&result);
    if (error == DATABASE_OK)
        error = database_run(connection, STORE_NOTIFY_SQL);
    return store_finish(connection, error);
}

database_error store_agent_contracts(store *self, const char *name, arena *from, wire_contract **contracts, unsigned *count)
{
    *contracts = NULL;
    *count = 0;
    if (!credential_name_valid(text_of(name)))
        return unknown(self, name);
    database *connection = NULL;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    const database_parameter parameter = DATABASE_TEXT(name);
    database_result *result = NULL;
    error = database_query(connection, "SELECT agent FROM ctai.agent WHERE name = $1", &parameter, 1, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = unknown(self, name);
    if (error == DATABASE_OK) {
        const database_parameter number = DATABASE_TEXT(database_text(result, 0, 0));
        error = store_wire_contracts(connection, store_agent_contracts_sql, &number, 1, from, contracts, count);
    }
    database_release(&result);
    database_rollback(connection); /* it has only read */
    return error;
}
