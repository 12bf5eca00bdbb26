/*
 * store_put: the one transaction through which batches reach the database (DESIGN.md, "Exactly once"): locks, the
 * judgement of admission_chain, the outcome. What a batch writes is store_commit's.
 */
#include <string.h>

#include "admission_chain.h"
#include "store_chain.h"
#include "store_commit.h"
#include "store_refusals.h"
#include "store_keys.h"

/* The header's hash of the batch of that sequence in the ledger. */
static database_error find_in_ledger(database *connection, const store_place *here, uint64_t sequence,
                                     uint8_t hash[CRYPTO_HASH], bool *found)
{
    char agent[DATABASE_NUMBER_TEXT], number[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(here->scope), database_number(agent, here->agent),
                                             database_number(number, (int64_t)sequence)};
    database_result *result = NULL;
    database_error error = database_repeat(connection,
                                          "SELECT header_hash FROM ctai.ledger WHERE scope = $1 AND agent = $2::integer"
                                          " AND sequence = $3::bigint", parameters, 3, &result);
    *found = error == DATABASE_OK && database_rows(result) > 0
        && database_bytes(result, 0, 0, hash, CRYPTO_HASH) == CRYPTO_HASH;
    database_release(&result);
    return error;
}

/* Does the batch go on from the agent's place? */
static database_error judge(database *connection, const store_place *here, const store_batch *batch, hub_stored *verdict)
{
    const wire_position place = store_place_position(here, batch->header->scope);
    uint8_t hash[CRYPTO_HASH], committed[CRYPTO_HASH];
    bool found = false;
    database_error error = DATABASE_OK;
    batch_hash(hash, batch->header_bytes);
    if (batch->header->sequence <= here->sequence)
        error = find_in_ledger(connection, here, batch->header->sequence, committed, &found);
    *verdict = admission_chain_batch(&place, batch->header, hash, found ? committed : NULL);
    return error;
}

/* An agent in a scope: what the transaction has locked and read of it once, for all of its batches. */
typedef struct seat {
    struct seat *next;
    const batch_header *header; /* of one of them: whose, and of which scope */
    store_place here;
    bool moved;                 /* its batches have come further than its row says */
} seat;

/* A scope to whose ledger the transaction adds. */
typedef struct link {
    struct link *next;
    const char *scope;
    store_scope of;
} link;

typedef struct {
    store *self;
    arena *scratch;
    store_rows rows;
    seat *seats;
    link *links;
} sitting;

/* NULL: an error. */
static link *find_link(sitting *in, const char *scope, database_error *error)
{
    link *at = in->links;
    *error = DATABASE_OK;
    while (at && strcmp(at->scope, scope) != 0)
        at = at->next;
    if (at)
        return at;
    at = arena_take(in->scratch, sizeof *at);
    if (!at) {
        *error = store_no_memory(in->rows.connection);
        return NULL;
    }
    *at = (link){.next = in->links, .scope = scope};
    *error = store_chain_open(in->rows.connection, scope, &at->of.last);
    if (*error != DATABASE_OK)
        return NULL;
    return in->links = at;
}

static database_error save_seat(sitting *in, seat *at)
{
    bool moved = at->moved;
    at->moved = false;
    return moved ? store_place_save(in->rows.connection, &at->here) : DATABASE_OK;
}

/* All that waits in memory, before the COMMIT. */
static database_error save_all(sitting *in)
{
    database_error error = store_rows_write(&in->rows);
    for (seat *at = in->seats; error == DATABASE_OK && at; at = at->next)
        error = save_seat(in, at);
    for (const link *at = in->links; error == DATABASE_OK && at; at = at->next)
        error = store_chain_save(in->rows.connection, at->scope, &at->of.last);
    return error;
}

/* What an agent may do, or who it is, has changed: it is read anew for its next batch. */
static database_error leave(sitting *in, seat *at)
{
    seat **place = &in->seats;
    while (*place != at)
        place = &(*place)->next;
    *place = at->next;
    return save_seat(in, at);
}

/* Of the batches of a transaction mostly the first brings keys, if any does: what it says is not asked again. */
static database_error take_keys(sitting *in, link *at, const batch_header *header, bool *admitted)
{
    const batch_header *before = at->of.keys;
    *admitted = before && before->scheme == header->scheme && before->key_count == header->key_count
        && memcmp(before->keys, header->keys, sizeof *header->keys * header->key_count) == 0;
    if (*admitted)
        return DATABASE_OK;
    database_error error = store_keys_take(in->rows.connection, at->scope, header, in->scratch, admitted);
    at->of.keys = error == DATABASE_OK && *admitted ? header : NULL;
    return error;
}

/* The batch of an agent that has a right in the scope. */
static database_error put_here(sitting *in, seat *at, const store_batch *batch, store_outcome *outcome)
{
    database *connection = in->rows.connection;
    store_place *here = &at->here;
    bool admitted = true;
    database_error error = judge(connection, here, batch, &outcome->stored);
    if (error != DATABASE_OK)
        return error;
    if (outcome->stored == HUB_STORED_AGAIN) {
        store_chain last;
        error = store_chain_of(connection, here->scope, here->agent, here->sequence, &last);
        outcome->ledger_position = last.position;
        memcpy(outcome->chain, last.chain, CRYPTO_HASH);
        /* The receipt goes up to the last batch; what was refused from this one on may never have arrived. */
        if (error == DATABASE_OK)
            error = store_refusals_after(connection, here->agent, here->scope, batch->header->sequence - 1, in->scratch,
                                         &outcome->refusals, &outcome->refusal_count);
        return error;
    }
    if (outcome->stored == HUB_STORED_FORK) {
        error = leave(in, at);
        return error == DATABASE_OK ? store_place_mark_fork(connection, here->agent) : error;
    }
    if (outcome->stored != HUB_STORED_COMMITTED)
        return DATABASE_OK;
    link *of = find_link(in, here->scope, &error);
    if (error == DATABASE_OK && !batch->quarantine)
        error = take_keys(in, of, batch->header, &admitted);
    if (error != DATABASE_OK)
        return error;
    if (!admitted) {
        outcome->stored = HUB_STORED_KEY;
        return DATABASE_OK;
    }
    error = store_commit_batch(in->self, &in->rows, here, &of->of, batch, in->scratch, outcome);
    at->moved = true;
    return error == DATABASE_OK && here->replacing ? leave(in, at) : error;
}

/* Where the batch's agent sits; NULL: it has no right there, as outcome says, or an error. */
static database_error sit(sitting *in, const store_batch *batch, seat **found, store_outcome *outcome)
{
    const batch_header *header = batch->header;
    seat *at = in->seats;
    store_place_speaker who;
    while (at && (memcmp(at->header->agent, header->agent, CRYPTO_PUBLIC) != 0 || !text_equal(at->header->scope, header->scope)))
        at = at->next;
    *found = at;
    if (at)
        return DATABASE_OK;
    at = arena_take(in->scratch, sizeof *at);
    if (!at)
        return store_no_memory(in->rows.connection);
    *at = (seat){.header = header, .next = in->seats};
    database_error error = store_place_lock_agent(in->rows.connection, header->agent, &who, &at->here.agent);
    outcome->stored = who == STORE_PLACE_FORKED ? HUB_STORED_FORK : HUB_STORED_NO_RIGHT;
    if (error != DATABASE_OK || who != STORE_PLACE_KNOWN)
        return error;
    outcome->stored = HUB_STORED_SCOPE;
    if (!text_copy(at->here.scope, sizeof at->here.scope, header->scope))
        return DATABASE_OK;
    error = store_place_read_rights(in->rows.connection, in->scratch, &at->here);
    if (error != DATABASE_OK || !store_place_has_right(&at->here))
        return error;
    error = store_place_lock(in->rows.connection, &at->here);
    if (error == DATABASE_OK)
        *found = in->seats = at;
    return error;
}

static database_error put_one(sitting *in, const store_batch *batch, store_outcome *outcome)
{
    seat *at;
    database_error error = sit(in, batch, &at, outcome);
    if (error == DATABASE_OK && at) {
        error = put_here(in, at, batch, outcome);
        outcome->position = store_place_position(&at->here, batch->header->scope);
    }
    return error;
}

/* Is what the transaction wrote of a batch, or of its agent, there? */
static database_error look_for(database *connection, const store_batch *batch, hub_stored stored, bool *there)
{
    store_place here = {0};
    store_place_speaker who;
    uint8_t hash[CRYPTO_HASH], committed[CRYPTO_HASH];
    if (stored != HUB_STORED_COMMITTED && stored != HUB_STORED_FORK)
        return DATABASE_OK;
    database_error error = store_place_lock_agent(connection, batch->header->agent, &who, &here.agent);
    *there = error == DATABASE_OK && (stored == HUB_STORED_FORK ? who == STORE_PLACE_FORKED : who != STORE_PLACE_NOBODY);
    if (!*there || stored == HUB_STORED_FORK)
        return error;
    batch_hash(hash, batch->header_bytes);
    (void)text_copy(here.scope, sizeof here.scope, batch->header->scope);
    error = find_in_ledger(connection, &here, batch->header->sequence, committed, there);
    *there = *there && crypto_equal(committed, hash, CRYPTO_HASH);
    return error;
}

/*
 * The connection died during COMMIT: only the ledger knows. A new connection waits for the scopes'
 * rows, which the old one may still hold, then looks; all batches of the transaction are there, or none.
 * Its own COMMIT has to be clean too: then what it saw is as safe as what it would have written.
 */
static database_error look_after_commit(store *self, const store_batch *batches, unsigned count, const store_outcome *outcomes)
{
    database *connection;
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return DATABASE_LATER;
    bool all = true;
    error = store_place_lock_scopes(connection, batches, count);
    for (unsigned i = 0; error == DATABASE_OK && all && i < count; i++)
        error = look_for(connection, &batches[i], outcomes[i].stored, &all);
    if (error == DATABASE_OK)
        error = database_commit(connection);
    else
        database_rollback(connection);
    if (error == DATABASE_OK && !all)
        return database_fail(connection, DATABASE_LATER, "la connexion à la base de données a été perdue : rien n’a été enregistré");
    return error == DATABASE_OK ? DATABASE_OK : DATABASE_LATER;
}

database_error store_put(store *self, const store_batch *batches, unsigned count, arena *scratch, store_outcome *outcomes)
{
    database *connection;
    for (unsigned i = 0; i < count; i++)
        outcomes[i] = (store_outcome){.stored = HUB_STORED_LATER};
    database_error error = store_database(self, &connection);
    if (error == DATABASE_OK)
        error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    sitting in = {.self = self, .scratch = scratch};
    store_rows_init(&in.rows, connection, &self->meanwhile, scratch);
    error = store_place_lock_scopes(connection, batches, count);
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++)
        error = put_one(&in, &batches[i], &outcomes[i]);
    if (error == DATABASE_OK)
        error = save_all(&in);
    if (error == DATABASE_OK) {
        error = database_commit(connection);
        if (error == DATABASE_LATER && !database_alive(connection))
            error = look_after_commit(self, batches, count, outcomes);
    } else {
        database_rollback(connection);
    }
    for (unsigned i = 0; error != DATABASE_OK && i < count; i++)
        outcomes[i] = (store_outcome){.stored = HUB_STORED_LATER};
    return error;
}
