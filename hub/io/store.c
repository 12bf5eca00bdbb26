/* store: opening, the state of an agent, and word of changes; see store.h. The batches are in store_put.c. */
#include "store.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "store_base.h"
#include "store_chain.h"
#include "store_refusals.h"

static const char listen_sql[] = "LISTEN ctai_changed";

/* Whose database is it, before anything in it is touched? One of nobody, perhaps without a schema, is for claim alone. */
static database_error check_identity(store *self)
{
    static const char sql[] = "SELECT fingerprint = $1 FROM ctai.hub_identity";
    database *connection = &self->connection;
    database_result *result = NULL;
    database_error error = database_query(connection, "SELECT to_regclass('ctai.hub_identity') IS NOT NULL", NULL, 0, &result);
    bool there = error == DATABASE_OK && database_flag(result, 0, 0), known = false, ours = false;
    database_release(&result);
    if (there) {
        error = database_query(connection, sql, &DATABASE_TEXT(self->options.hub), 1, &result);
        known = error == DATABASE_OK && database_rows(result) > 0;
        ours = known && database_flag(result, 0, 0);
        database_release(&result);
    }
    if (error != DATABASE_OK || ours || (!known && self->options.claim))
        return error;
    return database_fail(connection, DATABASE_CONFIGURATION,
                         known ? "cette base de données est celle d’un autre hub (une autre empreinte y est enregistrée)"
                               : "cette base de données n’est celle d’aucun hub ; « ctai-hub init » la prépare");
}

/* One of nobody becomes ours, unless another hub was faster. */
static database_error claim(store *self)
{
    database_error error = database_query(&self->connection,
                                          "INSERT INTO ctai.hub_identity (fingerprint) VALUES ($1) ON CONFLICT (only_one) DO NOTHING",
                                          &DATABASE_TEXT(self->options.hub), 1, NULL);
    return error == DATABASE_OK ? check_identity(self) : error;
}

/* As the owner, or as the use has it. */
static database_error connect(store *self, store_use use)
{
    database_close(&self->connection);
    self->connections++;
    database_error error = database_open(&self->connection, use != STORE_OWNER && self->login ? self->login : self->conninfo);
    if (error == DATABASE_OK)
        error = store_use_set(&self->connection, use);
    if (error != DATABASE_OK)
        database_close(&self->connection);
    return error;
}

/* After a lost connection. The address may lead to another server by now: one that is not ours is not kept. */
static database_error connect_again(store *self)
{
    database_error error = connect(self, self->options.use);
    if (error == DATABASE_OK)
        error = check_identity(self);
    if (error == DATABASE_OK && self->listening)
        error = database_run(&self->connection, listen_sql);
    if (error != DATABASE_OK)
        database_close(&self->connection);
    return error;
}

/* Everything that only the owner may do. */
static database_error prepare(store *self)
{
    database_error error = connect(self, STORE_OWNER);
    if (error == DATABASE_OK)
        error = check_identity(self);
    if (error == DATABASE_OK)
        error = migrate_run(&self->connection);
    if (error == DATABASE_OK)
        error = store_chain_complete(&self->connection);
    if (error == DATABASE_OK && self->options.claim)
        error = claim(self);
    if (error == DATABASE_OK)
        error = store_indicators_load(&self->connection);
    if (error == DATABASE_OK && self->options.own_cluster)
        error = store_use_let_in(&self->connection);
    return error;
}

/* By a login of its own. It may not be let in before the owner has prepared the database. */
static database_error enter(store *self)
{
    bool current = false;
    database_error error = connect(self, self->options.use);
    if (error == DATABASE_OK)
        error = check_identity(self);
    if (error == DATABASE_OK)
        error = migrate_is_current(&self->connection, &current);
    if (error == DATABASE_OK && current)
        error = store_indicators_load(&self->connection);
    if (error == DATABASE_OK ? current : error != DATABASE_CONFIGURATION)
        return error;
    error = prepare(self);
    return error == DATABASE_OK ? connect(self, self->options.use) : error;
}

/* The conninfo of the use's own login; *login NULL: it has none. */
static database_error find_login(const store_options *options, char **login)
{
    *login = NULL;
    if (options->use == STORE_OWNER || (!options->login && !options->own_cluster))
        return DATABASE_OK;
    if (options->login)
        *login = strdup(options->login);
    else if (asprintf(login, "%s user=%s", options->conninfo, store_use_role(options->use)) < 0) /* the last word counts */
        *login = NULL;
    return *login ? DATABASE_OK : DATABASE_NO_MEMORY;
}

database_error store_open(store **self, const store_options *options)
{
    store *fresh = *self = calloc(1, sizeof *fresh);
    if (!fresh)
        return DATABASE_NO_MEMORY;
    fresh->options = *options;
    fresh->options.conninfo = fresh->conninfo = strdup(options->conninfo);
    if (!fresh->conninfo || find_login(options, &fresh->login) != DATABASE_OK)
        return store_no_memory(&fresh->connection);
    fresh->options.login = fresh->login;
    database_error error;
    if (fresh->login) {
        error = enter(fresh);
    } else {
        error = prepare(fresh);
        if (error == DATABASE_OK)
            error = store_use_set(&fresh->connection, options->use);
    }
    if (error != DATABASE_OK)
        database_close(&fresh->connection); /* the next call begins anew */
    return error;
}

void store_set_meanwhile(store *self, store_meanwhile meanwhile)
{
    self->meanwhile = meanwhile;
}

void store_destroy(store **self)
{
    if (!*self)
        return;
    database_close(&(*self)->connection);
    if ((*self)->conninfo)
        crypto_wipe((*self)->conninfo, strlen((*self)->conninfo)); /* it may hold a password */
    if ((*self)->login)
        crypto_wipe((*self)->login, strlen((*self)->login));
    free((*self)->conninfo);
    free((*self)->login);
    free(*self);
    *self = NULL;
}

const char *store_explain(const store *self)
{
    return self->connection.explanation;
}

database_error store_database(store *self, database **connection)
{
    *connection = &self->connection;
    if (database_alive(&self->connection)) {
        database_rollback(&self->connection); /* nothing is open, unless a call ended badly */
        return DATABASE_OK;
    }
    return connect_again(self);
}

database_error store_listen(store *self)
{
    self->listening = true;
    return database_alive(&self->connection) ? database_run(&self->connection, listen_sql) : connect_again(self);
}

int store_socket(const store *self)
{
    return self->connection.connection ? PQsocket(self->connection.connection) : -1;
}

database_error store_changed(store *self, bool *changed)
{
    *changed = false;
    PGconn *connection = self->connection.connection;
    if (!connection || PQconsumeInput(connection) == 0 || !database_alive(&self->connection)) {
        *changed = true;
        return connect_again(self);
    }
    for (PGnotify *one; (one = PQnotifies(connection)) != NULL; PQfreemem(one))
        *changed = true;
    return DATABASE_OK;
}

database_error store_find_agent(database *connection, const uint8_t sign[CRYPTO_PUBLIC], int64_t *agent, bool *forked)
{
    database_result *result = NULL;
    database_error error = database_repeat(connection,
                                           "SELECT agent, forked_at IS NOT NULL FROM ctai.agent WHERE sign = $1 AND status = 'active'",
                                           &DATABASE_BYTES(sign, CRYPTO_PUBLIC), 1, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        error = database_fail(connection, DATABASE_NOT_FOUND, "agent inconnu ou révoqué");
    if (error == DATABASE_OK) {
        *agent = database_integer(result, 0, 0);
        *forked = database_flag(result, 0, 1);
    }
    database_release(&result);
    return error;
}

static uint64_t stable_of(text_view scope, const wire_position *hello, unsigned hello_count)
{
    for (unsigned i = 0; i < hello_count; i++)
        if (text_equal(hello[i].scope, scope))
            return hello[i].stable;
    return 0;
}

static database_error load_scopes(database *connection, int64_t agent, const wire_position *hello, unsigned hello_count,
                                  arena *from, store_state *state)
{
    static const char sql[] =
        "SELECT s.scope, coalesce(l.position, 0), coalesce(p.incarnation, 1), coalesce(p.sequence, 0), coalesce(p.stable, 0), p.hash,"
        "       l.chain"
        " FROM ctai.scope AS s LEFT JOIN ctai.agent_scope AS p ON p.scope = s.scope AND p.agent = $1::integer"
        " LEFT JOIN ctai.ledger AS l ON (l.scope, l.agent, l.sequence) = (p.scope, p.agent, p.sequence)"
        " WHERE s.scope IN (SELECT c.scope FROM ctai.agent_right AS r JOIN ctai.contract AS c USING (contract_id)"
        "                   WHERE r.agent = $1::integer)"
        " ORDER BY s.scope";
    char number[DATABASE_NUMBER_TEXT];
    database_parameter parameter = database_number(number, agent);
    database_result *result = NULL;
    database_error error = database_repeat(connection, sql, &parameter, 1, &result);
    if (error != DATABASE_OK)
        return error;
    state->scope_count = (unsigned)database_rows(result);
    if (state->scope_count > WIRE_SCOPES_MAX)
        state->scope_count = WIRE_SCOPES_MAX;
    state->scopes = arena_take(from, sizeof *state->scopes * state->scope_count + 1);
    if (!state->scopes)
        error = store_no_memory(connection);
    for (unsigned i = 0; error == DATABASE_OK && i < state->scope_count; i++) {
        hub_session_loaded *one = &state->scopes[i];
        const char *scope = store_keep(from, result, (int)i, 0);
        one->position = (wire_position){.scope = text_of(scope),
                                        .incarnation = (uint64_t)database_integer(result, (int)i, 2),
                                        .sequence = (uint64_t)database_integer(result, (int)i, 3),
                                        .stable = (uint64_t)database_integer(result, (int)i, 4)};
        one->ledger_position = (uint64_t)database_integer(result, (int)i, 1);
        if (!database_null(result, (int)i, 5))
            (void)database_bytes(result, (int)i, 5, one->position.hash, CRYPTO_HASH);
        (void)database_bytes(result, (int)i, 6, one->chain, CRYPTO_HASH);
        if (!scope)
            error = store_no_memory(connection);
        wire_record_refusal *refusals = NULL;
        if (error == DATABASE_OK && hello)
            error = store_refusals_after(connection, agent, scope, stable_of(one->position.scope, hello, hello_count), from,
                                         &refusals, &one->refusal_count);
        one->refusals = refusals;
    }
    database_release(&result);
    return error;
}

/*
 * Where commits wait for a standby, a read sees some that have not reached it: those whose wait was cancelled, or whose
 * server died in it and came back. A commit of our own after the reading, which waits for the same standby, makes what
 * was read as safe as it. Without a standby nothing is written, and nothing waited for.
 */
static database_error make_sure(database *connection, int64_t agent)
{
    static const char sql[] = "SELECT FROM ctai.agent WHERE agent = $1::integer"
                              " AND current_setting('synchronous_standby_names') <> '' FOR SHARE";
    char number[DATABASE_NUMBER_TEXT];
    database_parameter parameter = database_number(number, agent);
    database_error error = database_begin(connection, false);
    if (error == DATABASE_OK)
        error = database_query(connection, sql, &parameter, 1, NULL);
    if (error == DATABASE_OK)
        return database_commit(connection);
    database_rollback(connection);
    return error;
}

database_error store_load_state(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_position *hello,
                                unsigned hello_count, arena *from, store_state *state)
{
    *state = (store_state){0};
    database *connection;
    int64_t number = 0;
    char text[DATABASE_NUMBER_TEXT];
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, true);
    if (error != DATABASE_OK)
        return error;
    error = store_find_agent(connection, agent, &number, &state->forked);
    if (error == DATABASE_OK && !state->forked)
        error = load_scopes(connection, number, hello, hello_count, from, state);
    if (error == DATABASE_OK && !state->forked) {
        database_parameter parameter = database_number(text, number);
        error = store_wire_contracts(connection, store_agent_contracts_sql, &parameter, 1, from, &state->contracts,
                                     &state->contract_count);
    }
    database_rollback(connection); /* it has only read */
    return error == DATABASE_OK ? make_sure(connection, number) : error;
}
