/* store_replace: see the header. Locks in the order of store_place.h: the scopes, then the agents. */
#include "store_replace.h"

#include <string.h>

#include "store_base.h"

static database_error lock(database *connection)
{
    database_error error = database_run(connection, "SELECT FROM ctai.scope ORDER BY scope FOR UPDATE");
    return error == DATABASE_OK ? database_run(connection, "LOCK TABLE ctai.agent IN SHARE ROW EXCLUSIVE MODE") : error;
}

/* The agent of that name; *refused says why the same keys would change nothing. */
static database_error find(database *connection, const credential_identity *identity, int64_t *agent, store_replaced *done,
                           bool *refused)
{
    static const char sql[] = "SELECT agent, curve, sign, box, status = 'revoked', forked_at IS NOT NULL"
                              "  FROM ctai.agent WHERE name = $1 FOR UPDATE";
    credential_identity *before = &done->before;
    database_result *result = NULL;
    database_error error = database_query(connection, sql, &DATABASE_TEXT(identity->name), 1, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(connection, DATABASE_NOT_FOUND, "aucun agent ne s’appelle « %s »", identity->name);
    if (error == DATABASE_OK
        && (database_bytes(result, 0, 1, before->curve, CRYPTO_PUBLIC) != CRYPTO_PUBLIC
            || database_bytes(result, 0, 2, before->sign, CRYPTO_PUBLIC) != CRYPTO_PUBLIC
            || database_bytes(result, 0, 3, before->box, CRYPTO_PUBLIC) != CRYPTO_PUBLIC))
        error = database_fail(connection, DATABASE_FAULT, "les clés d’un agent sont illisibles dans la base de données");
    if (error == DATABASE_OK) {
        *agent = database_integer(result, 0, 0);
        done->was_revoked = database_flag(result, 0, 4);
        *refused = done->was_revoked || database_flag(result, 0, 5);
        memcpy(before->name, identity->name, sizeof before->name);
        done->changed = memcmp(before->curve, identity->curve, CRYPTO_PUBLIC) != 0
            || memcmp(before->sign, identity->sign, CRYPTO_PUBLIC) != 0
            || memcmp(before->box, identity->box, CRYPTO_PUBLIC) != 0;
    }
    database_release(&result);
    return error;
}

database_error store_replace_check_former(database *connection, const credential_identity *identity)
{
    static const char sql[] = "SELECT a.name FROM ctai.agent_former AS f JOIN ctai.agent AS a USING (agent)"
                              " WHERE f.curve = $1 OR f.sign = $2 OR f.box = $3 LIMIT 1";
    const database_parameter parameters[] = {DATABASE_BYTES(identity->curve, CRYPTO_PUBLIC),
                                             DATABASE_BYTES(identity->sign, CRYPTO_PUBLIC),
                                             DATABASE_BYTES(identity->box, CRYPTO_PUBLIC)};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 3, &result);
    if (error == DATABASE_OK && database_rows(result) > 0)
        error = database_fail(connection, DATABASE_CONFLICT,
                              "cette demande porte des clés que l’agent « %s » n’a plus : l’opérateur doit en faire de nouvelles "
                              "(« ctai-agent init » dans un dossier neuf)", database_text(result, 0, 0));
    database_release(&result);
    return error;
}

/* Each of the new keys is new to the hub. */
static database_error check_keys(database *connection, const credential_identity *identity)
{
    static const char sql[] = "SELECT name FROM ctai.agent WHERE curve = $1 OR sign = $2 OR box = $3 LIMIT 1";
    const database_parameter parameters[] = {DATABASE_BYTES(identity->curve, CRYPTO_PUBLIC),
                                             DATABASE_BYTES(identity->sign, CRYPTO_PUBLIC),
                                             DATABASE_BYTES(identity->box, CRYPTO_PUBLIC)};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 3, &result);
    if (error == DATABASE_OK && database_rows(result) > 0)
        error = database_fail(connection, DATABASE_CONFLICT,
                              "une clé de cette demande est déjà celle de l’agent « %s » : l’opérateur doit en faire de nouvelles",
                              database_text(result, 0, 0));
    database_release(&result);
    return error == DATABASE_OK ? store_replace_check_former(connection, identity) : error;
}

static database_error change_keys(database *connection, int64_t agent, const credential_identity *identity)
{
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {database_number(number, agent), DATABASE_BYTES(identity->curve, CRYPTO_PUBLIC),
                                             DATABASE_BYTES(identity->sign, CRYPTO_PUBLIC),
                                             DATABASE_BYTES(identity->box, CRYPTO_PUBLIC)};
    database_error error = database_query(connection,
                                          "INSERT INTO ctai.agent_former (agent, curve, sign, box)"
                                          " SELECT agent, curve, sign, box FROM ctai.agent WHERE agent = $1::integer",
                                          parameters, 1, NULL);
    if (error == DATABASE_OK)
        error = database_query(connection,
                               "UPDATE ctai.agent SET curve = $2, sign = $3, box = $4, status = 'active', revoked_at = NULL,"
                               " forked_at = NULL, replaced_at = now() WHERE agent = $1::integer", parameters, 4, NULL);
    return error;
}

/* In each scope where the agent has sent something: its next incarnation, and what is waited for. */
static database_error begin_anew(database *connection, int64_t agent)
{
    static const char *const steps[] = {
        "INSERT INTO ctai.incarnation (scope, agent, incarnation, base)"
        " SELECT scope, agent, incarnation + 1, sequence FROM ctai.agent_scope WHERE agent = $1::integer AND sequence > 0",
        "UPDATE ctai.agent_scope SET incarnation = incarnation + 1 WHERE agent = $1::integer AND sequence > 0",
        /* Of one replaced before it had sent a whole table: it never stood. */
        "DELETE FROM ctai.record_staged AS s USING ctai.agent_scope AS p"
        " WHERE p.agent = $1::integer AND (s.scope, s.agent) = (p.scope, p.agent)",
        "INSERT INTO ctai.replacement AS old (scope, agent, contract_id, incarnation)"
        " SELECT p.scope, p.agent, r.contract_id, p.incarnation FROM ctai.agent_scope AS p"
        "  JOIN LATERAL (SELECT DISTINCT contract_id FROM ctai.record WHERE scope = p.scope AND agent = p.agent) AS r ON true"
        "  WHERE p.agent = $1::integer"
        " ON CONFLICT (scope, agent, contract_id) DO UPDATE SET incarnation = excluded.incarnation",
    };
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameter = database_number(number, agent);
    database_error error = DATABASE_OK;
    for (size_t i = 0; error == DATABASE_OK && i < sizeof steps / sizeof *steps; i++)
        error = database_query(connection, steps[i], &parameter, 1, NULL);
    return error;
}

static database_error count_waited(database *connection, int64_t agent, unsigned *contracts)
{
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameter = database_number(number, agent);
    database_result *result = NULL;
    database_error error = database_query(connection, "SELECT count(*) FROM ctai.replacement WHERE agent = $1::integer",
                                          &parameter, 1, &result);
    if (error == DATABASE_OK)
        *contracts = (unsigned)database_integer(result, 0, 0);
    database_release(&result);
    return error;
}

database_error store_replace(store *self, const credential_identity *identity, store_replaced *done)
{
    database *connection = NULL;
    int64_t agent = 0;
    bool refused = false;
    *done = (store_replaced){0};
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    error = lock(connection);
    if (error == DATABASE_OK)
        error = find(connection, identity, &agent, done, &refused);
    if (error == DATABASE_OK && !done->changed && refused)
        error = database_fail(connection, DATABASE_CONFLICT,
                              "ces clés sont celles que l’agent « %s » a déjà, et qui ne valent plus : l’opérateur doit en faire de "
                              "nouvelles (« ctai-agent init » dans un dossier neuf)", identity->name);
    if (error == DATABASE_OK && done->changed) {
        error = check_keys(connection, identity);
        if (error == DATABASE_OK)
            error = change_keys(connection, agent, identity);
        if (error == DATABASE_OK)
            error = begin_anew(connection, agent);
        if (error == DATABASE_OK)
            error = database_run(connection, STORE_NOTIFY_SQL);
    }
    if (error == DATABASE_OK)
        error = count_waited(connection, agent, &done->contracts);
    return store_finish(connection, error);
}
