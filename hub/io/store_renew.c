/* store_renew: see the header. Errors are the database's. */
#include "store_renew.h"

#include <string.h>

#include "admission_chain.h"
#include "store_base.h"
#include "store_place.h"

/* What is known of the agent's incarnations in the scope. */
static database_error read_past(database *connection, const store_place *here, const wire_message *renew,
                                admission_chain_past *past)
{
    static const char sql[] =
        "SELECT coalesce((SELECT base FROM ctai.incarnation AS i"
        "                  WHERE (scope, agent, incarnation) = ($1, $2::integer, $3::bigint)), 0),"
        "       EXISTS (SELECT FROM ctai.incarnation"
        "                WHERE (scope, agent, incarnation) = ($1, $2::integer, $3::bigint) AND request = $4),"
        "       (SELECT base FROM ctai.incarnation WHERE (scope, agent) = ($1, $2::integer) AND incarnation > $5::bigint"
        "         ORDER BY incarnation LIMIT 1)";
    char agent[DATABASE_NUMBER_TEXT], present[DATABASE_NUMBER_TEXT], own[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(here->scope),
        database_number(agent, here->agent),
        database_number(present, (int64_t)here->incarnation),
        DATABASE_BYTES(renew->renew.request, WIRE_REQUEST),
        database_number(own, (int64_t)renew->renew.own.incarnation),
    };
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 5, &result);
    if (error == DATABASE_OK)
        *past = (admission_chain_past){
            .place = store_place_position(here, renew->renew.own.scope),
            .base = (uint64_t)database_integer(result, 0, 0),
            .is_same = database_flag(result, 0, 1),
            .superseded = !database_null(result, 0, 2),
            .left = (uint64_t)database_integer(result, 0, 2),
        };
    database_release(&result);
    return error;
}

static database_error grant(database *connection, store_place *here, const wire_message *renew)
{
    char agent[DATABASE_NUMBER_TEXT], incarnation[DATABASE_NUMBER_TEXT], base[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(here->scope),
        database_number(agent, here->agent),
        database_number(incarnation, (int64_t)renew->renew.incarnation),
        database_number(base, (int64_t)here->sequence),
        DATABASE_BYTES(renew->renew.request, WIRE_REQUEST),
    };
    database_error error = database_query(connection,
                                          "INSERT INTO ctai.incarnation (scope, agent, incarnation, base, request)"
                                          " VALUES ($1, $2::integer, $3::bigint, $4::bigint, $5)", parameters, 5, NULL);
    if (error == DATABASE_OK)
        error = database_query(connection,
                               "UPDATE ctai.agent_scope SET incarnation = $3::bigint WHERE scope = $1 AND agent = $2::integer",
                               parameters, 3, NULL);
    here->incarnation = renew->renew.incarnation;
    return error;
}

/* The hashes of the headers of the sequences that both sides may have; up to a gap, if there is one. */
static database_error read_hashes(database *connection, const store_place *here, const wire_message *renew, arena *from,
                                  wire_message *granted)
{
    const wire_position place = store_place_position(here, renew->renew.own.scope);
    uint64_t first;
    unsigned count;
    admission_chain_shared(&place, &renew->renew.own, &first, &count);
    if (count == 0)
        return DATABASE_OK;
    uint8_t (*hashes)[CRYPTO_HASH] = arena_take(from, count * sizeof *hashes);
    if (!hashes)
        return store_no_memory(connection);
    char agent[DATABASE_NUMBER_TEXT], start[DATABASE_NUMBER_TEXT], limit[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(here->scope), database_number(agent, here->agent),
                                             database_number(start, (int64_t)first), database_number(limit, count)};
    database_result *result = NULL;
    database_error error = database_query(connection,
                                          "SELECT sequence, header_hash FROM ctai.ledger WHERE scope = $1 AND agent = $2::integer"
                                          " AND sequence >= $3::bigint ORDER BY sequence LIMIT $4::bigint", parameters, 4, &result);
    unsigned got = 0, rows = error == DATABASE_OK ? (unsigned)database_rows(result) : 0;
    while (got < rows && (uint64_t)database_integer(result, (int)got, 0) == first + got
           && database_bytes(result, (int)got, 1, hashes[got], CRYPTO_HASH) == CRYPTO_HASH)
        got++;
    database_release(&result);
    granted->granted.hashes = (const uint8_t (*)[CRYPTO_HASH])hashes;
    granted->granted.hash_count = got;
    return error;
}

static database_error say_granted(database *connection, const store_place *here, const wire_message *renew, arena *from,
                                  store_answer *answer)
{
    wire_message *granted = &answer->message;
    answer->stored = HUB_STORED_COMMITTED;
    granted->type = WIRE_GRANTED;
    memcpy(granted->granted.request, renew->renew.request, WIRE_REQUEST);
    granted->granted.position = store_place_position(here, renew->renew.own.scope);
    database_error error = read_hashes(connection, here, renew, from, granted);
    return error == DATABASE_OK ? store_place_ledger(connection, here->scope, &answer->ledger_position) : error;
}

static database_error decide(database *connection, store_place *here, const wire_message *renew, arena *from,
                             store_answer *answer)
{
    admission_chain_past past;
    database_error error = read_past(connection, here, renew, &past);
    if (error != DATABASE_OK)
        return error;
    switch (admission_chain_renewal(&past, renew)) {
    case ADMISSION_CHAIN_STALE:
        answer->stored = HUB_STORED_SEQUENCE;
        return DATABASE_OK;
    case ADMISSION_CHAIN_FORK:
        answer->stored = HUB_STORED_FORK;
        return store_place_mark_fork(connection, here->agent);
    case ADMISSION_CHAIN_GRANT:
        error = grant(connection, here, renew);
        break;
    case ADMISSION_CHAIN_AGAIN:
        break;
    }
    return error == DATABASE_OK ? say_granted(connection, here, renew, from, answer) : error;
}

database_error store_renew(database *connection, const uint8_t agent[CRYPTO_PUBLIC], const wire_message *renew, arena *from,
                           store_answer *answer)
{
    store_place here = {0};
    store_place_speaker who;
    answer->stored = HUB_STORED_SCOPE;
    if (!text_copy(here.scope, sizeof here.scope, renew->renew.own.scope))
        return DATABASE_OK;
    database_error error = store_place_lock_scope(connection, here.scope);
    if (error == DATABASE_OK)
        error = store_place_lock_agent(connection, agent, &who, &here.agent);
    if (error != DATABASE_OK)
        return error;
    if (who != STORE_PLACE_KNOWN) {
        answer->stored = who == STORE_PLACE_FORKED ? HUB_STORED_FORK : HUB_STORED_NO_RIGHT;
        return DATABASE_OK;
    }
    error = store_place_read_rights(connection, from, &here);
    if (error != DATABASE_OK || !store_place_has_right(&here))
        return error;
    error = store_place_lock(connection, &here);
    return error == DATABASE_OK ? decide(connection, &here, renew, from, answer) : error;
}
