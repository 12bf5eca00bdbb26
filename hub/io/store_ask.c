/* store_ask: who asks and whether it may; SURVEY and LIST; see the header. RENEW is store_renew's. */
#include "store_ask.h"

#include "store_held.h"
#include "store_renew.h"

/* Where the agent is in the scope, in a snapshot. *allowed is false when it has no contract there. */
static database_error look(database *connection, int64_t agent, const char *scope, bool *allowed, wire_position *place,
                           uint64_t *ledger_position)
{
    static const char sql[] =
        "SELECT s.position, coalesce(p.incarnation, 1), coalesce(p.sequence, 0)"
        "  FROM ctai.scope AS s LEFT JOIN ctai.agent_scope AS p ON (p.scope, p.agent) = (s.scope, $2::integer)"
        " WHERE s.scope = $1 AND EXISTS (SELECT FROM ctai.agent_right AS r JOIN ctai.contract AS c USING (contract_id)"
        "                                 WHERE r.agent = $2::integer AND c.scope = $1)";
    char number[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(number, agent)};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 2, &result);
    *allowed = error == DATABASE_OK && database_rows(result) > 0;
    if (*allowed) {
        *ledger_position = (uint64_t)database_integer(result, 0, 0);
        place->incarnation = (uint64_t)database_integer(result, 0, 1);
        place->sequence = (uint64_t)database_integer(result, 0, 2);
    }
    database_release(&result);
    return error;
}

static database_error survey(database *connection, int64_t agent, const char *scope, const wire_position *place,
                             const wire_message *question, arena *from, wire_message *answer)
{
    uint8_t *digests = arena_take(from, WIRE_BUCKETS * WIRE_DIGEST);
    if (!digests)
        return store_no_memory(connection);
    answer->type = WIRE_DIGESTS;
    answer->digests.scope = question->survey.scope;
    answer->digests.incarnation = place->incarnation;
    answer->digests.sequence = place->sequence;
    answer->digests.digests = digests;
    return store_held_digests(connection, agent, scope, digests);
}

static database_error list(database *connection, int64_t agent, const char *scope, const wire_position *place,
                           const wire_message *question, arena *from, wire_message *answer)
{
    answer->type = WIRE_LISTED;
    answer->listed.scope = question->list.scope;
    answer->listed.incarnation = place->incarnation;
    answer->listed.sequence = place->sequence;
    answer->listed.bucket = question->list.bucket;
    answer->listed.after = question->list.after;
    return store_held_list(connection, agent, scope, question->list.bucket, question->list.after, from, &answer->listed.records,
                           &answer->listed.record_count, &answer->listed.more);
}

/* SURVEY and LIST, inside a snapshot. */
static database_error tell(database *connection, const uint8_t sign[CRYPTO_PUBLIC], const wire_message *question, arena *from,
                           store_answer *answer)
{
    char scope[BATCH_SCOPE_MAX + 1];
    int64_t agent = 0;
    bool forked = false, allowed = false;
    wire_position place = {0};
    database_error error = store_find_agent(connection, sign, &agent, &forked);
    answer->stored = error == DATABASE_NOT_FOUND ? HUB_STORED_NO_RIGHT : forked ? HUB_STORED_FORK : HUB_STORED_SCOPE;
    if (error == DATABASE_NOT_FOUND || forked)
        return DATABASE_OK;
    if (error != DATABASE_OK
        || !text_copy(scope, sizeof scope, question->type == WIRE_SURVEY ? question->survey.scope : question->list.scope))
        return error;
    error = look(connection, agent, scope, &allowed, &place, &answer->ledger_position);
    if (error != DATABASE_OK || !allowed)
        return error;
    answer->stored = HUB_STORED_COMMITTED;
    if (question->type == WIRE_SURVEY)
        return survey(connection, agent, scope, &place, question, from, &answer->message);
    return list(connection, agent, scope, &place, question, from, &answer->message);
}

database_error store_ask(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_message *question, arena *from,
                         store_answer *answer)
{
    database *connection;
    bool renews = question->type == WIRE_RENEW;
    *answer = (store_answer){.stored = HUB_STORED_LATER};
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, !renews);
    if (error != DATABASE_OK)
        return error;
    if (renews)
        error = store_finish(connection, store_renew(connection, agent, question, from, answer));
    else {
        error = tell(connection, agent, question, from, answer);
        database_rollback(connection); /* it has only read */
    }
    if (error != DATABASE_OK)
        answer->stored = HUB_STORED_LATER;
    return error;
}
