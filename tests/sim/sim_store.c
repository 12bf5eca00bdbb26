/*
 * sim_store: the hub's store over the simulated PostgreSQL: what store_put.c and its kind do in SQL, decision by
 * decision, and all the ways in which a transaction can end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "admission_chain.h"
#include "batch.h"
#include "sim_agent.h"
#include "sim_check.h"
#include "sim_hub.h"
#include "sim_store.h"
#include "store.h"
#include "store_status.h"

struct store {
    store_options options;
    store_meanwhile meanwhile;
};

static uint64_t away_until[SIM_HUBS], faulty_until[SIM_HUBS], slow_until;

void store_sim_reset(void)
{
    memset(away_until, 0, sizeof away_until);
    memset(faulty_until, 0, sizeof faulty_until);
    slow_until = 0;
}

void store_sim_away(unsigned hub, uint64_t for_ms)
{
    away_until[hub] = sim.now_ms + for_ms;
}

void store_sim_faulty(unsigned hub, uint64_t for_ms)
{
    faulty_until[hub] = sim.now_ms + for_ms;
}

void store_sim_slow(uint64_t for_ms)
{
    slow_until = sim.now_ms + for_ms;
}

database_error store_open(store **self, const store_options *options)
{
    *self = calloc(1, sizeof **self);
    if (!*self)
        abort();
    (*self)->options = *options;
    return DATABASE_OK;
}

void store_set_meanwhile(store *self, store_meanwhile meanwhile)
{
    self->meanwhile = meanwhile;
}

void store_destroy(store **self)
{
    free(*self);
    *self = NULL;
}

const char *store_explain(const store *self)
{
    (void)self;
    return "simulated";
}

database_error store_sim_begin(void)
{
    unsigned hub = hub_current();
    hub_writer_waits(1 + sim_below(SIM_BASE, 8));
    if (sim.now_ms < slow_until) {
        sim_count(db_slow);
        hub_writer_waits(sim_below(SIM_BASE, 4000));
    }
    if (sim.now_ms < away_until[hub] || (sim.faults && sim_chance(SIM_BASE, sim.odds.db_away))) {
        sim_count(db_away);
        return DATABASE_LATER;
    }
    return DATABASE_OK;
}

int store_sim_find_agent(const base *now, const uint8_t sign[CRYPTO_PUBLIC])
{
    int identity = agent_identity_by_sign(sign);
    return identity >= 0 && now->agents[identity].there && !now->agents[identity].revoked ? identity : -1;
}

bool store_sim_has_right(const base_agent *agent, unsigned scope)
{
    for (unsigned i = 0; i < sim.contract_count; i++)
        if (sim_scope_of(i) == scope && agent->rights[i])
            return true;
    return false;
}

static int find_action(text_view code)
{
    for (int i = 0; i < SIM_ACTIONS; i++)
        if (text_is(code, sim_actions[i]))
            return i;
    return -1;
}

/* The right of the agent to bring that record, and what becomes of it in our terms. */
static record_reason judge(const base *now, unsigned agent, unsigned scope, const record *what, base_record *to)
{
    int contract = sim_contract_find(what->contract);
    if (contract < 0 || sim_scope_of((unsigned)contract) != scope)
        return RECORD_UNKNOWN_CONTRACT;
    unsigned rights = now->agents[agent].rights[contract];
    memset(to, 0, sizeof *to);
    memcpy(to->key, what->key, RECORD_KEY);
    to->contract = (unsigned)contract;
    if (what->operation == RECORD_ERASE)
        return RECORD_OK;
    if (what->operation != RECORD_PUT)
        return rights ? RECORD_OK : RECORD_NO_RIGHT;
    int action = find_action(what->action);
    if (action < 0)
        return RECORD_UNKNOWN_ACTION;
    if (!(rights >> action & 1))
        return RECORD_NO_RIGHT;
    int month = what->month - sim_month(0);
    const base_contract *terms = &now->contracts[contract];
    if (month < (int)terms->first_month || month > (int)terms->last_month)
        return RECORD_BAD_MONTH;
    to->content = (sim_content){.value = (uint64_t)what->quantity, .action = (uint8_t)action, .month = (uint8_t)month,
                                .type = UINT8_MAX};
    for (unsigned i = 0; i < sizeof sim_types / sizeof *sim_types; i++)
        if (sim_types[i] == what->type)
            to->content.type = (uint8_t)i;
    return RECORD_OK;
}

static void refuse(base_change *change, uint64_t sequence, unsigned index, record_reason reason)
{
    sim_count(db_refusals);
    change->refusals[change->refusal_count++] = (base_refusal){sequence, index, reason};
}

static void sort_bodies(const base *now, unsigned agent, unsigned scope, const store_batch *batch, base_change *change)
{
    change->puts = calloc(batch->body_count + 1, sizeof *change->puts);
    change->withdrawals = calloc(batch->body_count + 1, sizeof *change->withdrawals);
    change->refusals = calloc(batch->body_count + 1, sizeof *change->refusals);
    change->erasures = calloc(batch->body_count + 1, sizeof *change->erasures);
    if (!change->puts || !change->withdrawals || !change->erasures || !change->refusals)
        abort();
    record before;
    bool has_before = false;
    for (unsigned i = 0; i < batch->body_count; i++) {
        record what;
        base_record made;
        record_reason reason = RECORD_OK;
        if (!batch->bodies[i].at)
            continue;
        if (!batch_read_body(&what, batch->bodies[i], &reason) && reason == RECORD_OK)
            reason = RECORD_UNREADABLE;
        if (reason == RECORD_OK) {
            reason = batch_check_body(batch->header, &what, has_before ? &before : NULL);
            before = what;
            has_before = true;
        }
        if (reason == RECORD_OK)
            reason = judge(now, agent, scope, &what, &made);
        if (reason != RECORD_OK) {
            int contract = sim_contract_find(what.contract);
            sim_trace("  refused", reason, contract < 0 ? 0 : (uint64_t)sim_fact_of((unsigned)contract, what.key), (uint64_t)what.quantity);
            refuse(change, batch->header->sequence, i, reason);
            continue;
        }
        made.incarnation = batch->header->incarnation;
        made.sequence = batch->header->sequence;
        if (what.operation == RECORD_PUT)
            change->puts[change->put_count++] = made;
        else if (what.operation == RECORD_ERASE)
            change->erasures[change->erasure_count++] = made;
        else
            change->withdrawals[change->withdrawal_count++] = made;
    }
}

static bool same_key(const base_scope *scope, const batch_header *header)
{
    if (header->key_count == 0 || !scope->has_key)
        return true;
    return memcmp(scope->key_id, header->keys[0].id, TOKEN_KEY_ID) == 0;
}

static void put_aside(const store_batch *batch, base_change *change)
{
    change->refusals = calloc(batch->body_count + 1, sizeof *change->refusals);
    if (!change->refusals)
        abort();
    for (unsigned i = 0; i < batch->body_count; i++)
        if (batch->bodies[i].at)
            refuse(change, batch->header->sequence, i, RECORD_UNREADABLE);
    sim_count(db_quarantined);
    sim.quarantined = true;
}

/*
 * What becomes of a batch, given the place as the transaction sees it (earlier batches of it included); what it
 * would change is left in the change when it is committed.
 */
static hub_stored decide(const base *now, int identity, const store_batch *batch, const base_place *place, base_change *change)
{
    const batch_header *header = batch->header;
    int scope = sim_scope_find(header->scope);
    uint8_t hash[CRYPTO_HASH];
    if (scope < 0 || !store_sim_has_right(&now->agents[identity], (unsigned)scope))
        return HUB_STORED_SCOPE;
    batch_hash(hash, batch->header_bytes);
    check_arrives((unsigned)identity, (unsigned)scope, hash);
    uint64_t incarnation = place->incarnation ? place->incarnation : 1;
    const base_ledger *line = base_find_batch(now, (unsigned)scope, (unsigned)identity, header->sequence);
    wire_position at = {.scope = header->scope, .incarnation = incarnation, .sequence = place->sequence};
    memcpy(at.hash, place->hash, CRYPTO_HASH);
    hub_stored stored = admission_chain_batch(&at, header, hash, line ? line->hash : NULL);
    if (stored == HUB_STORED_FORK)
        *change = (base_change){.kind = BASE_FORK, .agent = (unsigned)identity};
    if (stored != HUB_STORED_COMMITTED)
        return stored;
    if (!same_key(&now->scopes[scope], header))
        return HUB_STORED_KEY;
    *change = (base_change){.kind = BASE_BATCH, .agent = (unsigned)identity, .scope = (unsigned)scope,
                            .incarnation = incarnation, .sequence = header->sequence, .stable = sim.stable_at_commit,
                            .has_key = header->key_count > 0};
    if (change->has_key)
        memcpy(change->key_id, header->keys[0].id, TOKEN_KEY_ID);
    memcpy(change->hash, hash, CRYPTO_HASH);
    for (unsigned i = 0; !batch->quarantine && i < header->coverage_count; i++) {
        int contract = sim_contract_find(header->coverage[i].contract);
        if (header->coverage[i].complete && contract >= 0 && now->agents[identity].rights[contract])
            change->complete |= 1u << contract;
    }
    if (batch->quarantine)
        put_aside(batch, change);
    else
        sort_bodies(now, (unsigned)identity, (unsigned)scope, batch, change);
    return HUB_STORED_COMMITTED;
}

static void count_outcome(hub_stored stored)
{
    switch (stored) {
    case HUB_STORED_AGAIN: sim_count(db_again); break;
    case HUB_STORED_FORK: sim_count(db_fork); break;
    case HUB_STORED_SEQUENCE: sim_count(db_sequence); break;
    case HUB_STORED_INCARNATION: sim_count(db_incarnation); break;
    case HUB_STORED_NO_RIGHT: sim_count(db_no_right); break;
    case HUB_STORED_SCOPE: sim_count(db_scope); break;
    case HUB_STORED_KEY: sim_count(db_key); break;
    case HUB_STORED_COMMITTED:
    case HUB_STORED_LATER: break;
    }
}

/* A transaction of several batches, as it grows. */
typedef struct {
    base_change *changes; /* by batch; of those that are committed */
    base_place *places;   /* as the batch left it; records are not in it */
    uint64_t grown[SIM_SCOPES_MAX];
    uint8_t chain[SIM_SCOPES_MAX][CRYPTO_HASH]; /* of a scope that has grown */
} transaction;

/* The place as an earlier batch of this transaction left it, or as the database has it. */
static base_place place_in(const transaction *self, const base *now, const store_batch *batches, unsigned before, int identity,
                           int scope)
{
    for (unsigned i = before; i-- > 0;)
        if (self->places[i].there && agent_identity_by_sign(batches[i].header->agent) == identity && sim_scope_find(batches[i].header->scope) == scope)
            return self->places[i];
    base_place place = now->agents[identity].places[scope];
    return place;
}

/* Is the agent marked, or has an earlier batch of this transaction marked it? */
static bool is_forked(const transaction *self, const base *now, unsigned before, int identity)
{
    for (unsigned i = 0; i < before; i++)
        if (self->changes[i].kind == BASE_FORK && self->changes[i].agent == (unsigned)identity)
            return true;
    return now->agents[identity].forked;
}

/* Of a batch that came again: what was refused from it on, of this transaction's earlier batches too. */
static void refusals_again(const transaction *self, const base *now, const store_batch *batch, unsigned which, int identity, int scope,
                           arena *scratch, store_outcome *outcome)
{
    const base_place *place = &now->agents[identity].places[scope];
    uint64_t from = batch->header->sequence;
    size_t most = place->refusal_count;
    for (unsigned i = 0; i < which; i++)
        most += self->changes[i].refusal_count;
    outcome->refusals = arena_take(scratch, (most + 1) * sizeof *outcome->refusals);
    assert(outcome->refusals);
    for (unsigned i = 0; i < place->refusal_count; i++)
        if (place->refusals[i].sequence >= from)
            outcome->refusals[outcome->refusal_count++] = (wire_record_refusal){
                place->refusals[i].sequence, place->refusals[i].index, place->refusals[i].reason};
    for (unsigned i = 0; i < which; i++) {
        const base_change *one = &self->changes[i];
        for (unsigned k = 0; one->agent == (unsigned)identity && one->scope == (unsigned)scope && k < one->refusal_count; k++)
            if (one->refusals[k].sequence >= from)
                outcome->refusals[outcome->refusal_count++] = (wire_record_refusal){
                    one->refusals[k].sequence, one->refusals[k].index, one->refusals[k].reason};
    }
}

static void put_one(transaction *self, const base *now, const store_batch *batches, unsigned which, arena *scratch,
                    store_outcome *outcome)
{
    const store_batch *batch = &batches[which];
    int identity = store_sim_find_agent(now, batch->header->agent);
    int scope = sim_scope_find(batch->header->scope);
    if (identity < 0 || scope < 0) {
        outcome->stored = identity < 0 ? HUB_STORED_NO_RIGHT : HUB_STORED_SCOPE;
        return;
    }
    if (is_forked(self, now, which, identity)) {
        sim_count(db_forked_refused);
        outcome->stored = HUB_STORED_FORK;
        return;
    }
    base_place place = place_in(self, now, batches, which, identity, scope);
    base_change *change = &self->changes[which];
    outcome->stored = decide(now, identity, batch, &place, change);
    if (outcome->stored == HUB_STORED_COMMITTED) {
        place.there = true;
        place.incarnation = change->incarnation;
        place.sequence = change->sequence;
        memcpy(place.hash, change->hash, CRYPTO_HASH);
        if (change->stable)
            place.stable = change->sequence;
        if (self->grown[scope]++ == 0)
            memcpy(self->chain[scope], now->scopes[scope].chain, CRYPTO_HASH);
        base_link(&place, (unsigned)scope, now->scopes[scope].position + self->grown[scope], self->chain[scope]);
        outcome->quarantined = batch->quarantine != STORE_QUARANTINE_NONE;
        outcome->refusals = arena_take(scratch, (change->refusal_count + 1) * sizeof *outcome->refusals);
        assert(outcome->refusals);
        for (unsigned i = 0; i < change->refusal_count; i++)
            outcome->refusals[outcome->refusal_count++] = (wire_record_refusal){
                change->refusals[i].sequence, change->refusals[i].index, change->refusals[i].reason};
    }
    if (outcome->stored == HUB_STORED_AGAIN)
        refusals_again(self, now, batch, which, identity, scope, scratch, outcome);
    self->places[which] = place;
    outcome->ledger_position = place.position;
    memcpy(outcome->chain, place.chain, CRYPTO_HASH);
    outcome->position = (wire_position){.scope = batch->header->scope, .incarnation = place.incarnation ? place.incarnation : 1,
                                        .sequence = place.sequence, .stable = place.stable};
    memcpy(outcome->position.hash, place.hash, CRYPTO_HASH);
}

static void commit_all(transaction *self, unsigned count, const store_outcome *outcomes, bool waits)
{
    for (unsigned i = 0; i < count; i++)
        if (outcomes[i].stored == HUB_STORED_COMMITTED || self->changes[i].kind == BASE_FORK) {
            if (self->changes[i].kind == BASE_FORK)
                hub_notify(false);
            base_commit_here(&self->changes[i]);
        }
    if (waits)
        base_wait();
}

/* The look at the ledger after a connection that died during COMMIT. */
static database_error look(const store_batch *batches, unsigned count, const store_outcome *outcomes)
{
    const base *now = base_now();
    if (store_sim_begin() != DATABASE_OK)
        return DATABASE_LATER;
    if (sim.faults && sim_chance(SIM_BASE, 100)) {
        sim_count(db_failover);
        base_fail_over();
    }
    for (unsigned i = 0; i < count; i++) {
        uint8_t hash[CRYPTO_HASH];
        int identity = store_sim_find_agent(now, batches[i].header->agent);
        if (outcomes[i].stored == HUB_STORED_FORK && (identity < 0 || !now->agents[identity].forked))
            return DATABASE_LATER;
        if (outcomes[i].stored != HUB_STORED_COMMITTED)
            continue;
        batch_hash(hash, batches[i].header_bytes);
        const base_ledger *line = identity < 0 ? NULL
            : base_find_batch(now, (unsigned)sim_scope_find(batches[i].header->scope), (unsigned)identity, batches[i].header->sequence);
        if (!line || memcmp(line->hash, hash, CRYPTO_HASH) != 0)
            return DATABASE_LATER;
    }
    base_wait();
    return DATABASE_OK;
}

/* Is there one among them that the tables do not take? */
static bool has_misfit(const store_batch *batches, unsigned count)
{
    uint8_t hash[CRYPTO_HASH];
    for (unsigned i = 0; i < count; i++) {
        batch_hash(hash, batches[i].header_bytes);
        if (!batches[i].quarantine && sim.faults && hash[0] < sim.odds.db_misfit)
            return true;
    }
    return false;
}

/* The end of the transaction. */
static database_error finish(transaction *self, const store_batch *batches, unsigned count, const store_outcome *outcomes)
{
    if (has_misfit(batches, count))
        return DATABASE_DATA;
    if (sim.faults && sim_chance(SIM_BASE, sim.odds.db_fails)) {
        sim_count(db_failed);
        return DATABASE_LATER;
    }
    if (sim.now_ms < faulty_until[hub_current()] || (sim.faults && sim_chance(SIM_BASE, sim.odds.db_fault))) {
        sim_count(db_fault);
        return DATABASE_FAULT;
    }
    if (sim.faults && sim_chance(SIM_BASE, sim.odds.db_full)) {
        sim_count(db_full);
        return DATABASE_FULL;
    }
    if (sim.faults && sim_chance(SIM_BASE, sim.odds.db_warned)) {
        sim_count(db_commit_warned);
        commit_all(self, count, outcomes, false);
        return DATABASE_LATER;
    }
    if (sim.faults && sim_chance(SIM_BASE, sim.odds.db_lost)) {
        if (sim_chance(SIM_BASE, 600)) {
            sim_count(db_commit_lost_done);
            commit_all(self, count, outcomes, sim_chance(SIM_BASE, 500));
        } else {
            sim_count(db_commit_lost_undone);
        }
        return look(batches, count, outcomes);
    }
    commit_all(self, count, outcomes, true);
    return DATABASE_OK;
}

database_error store_put(store *self, const store_batch *batches, unsigned count, arena *scratch, store_outcome *outcomes)
{
    const base *now = base_now();
    transaction under_way = {.changes = calloc(count, sizeof *under_way.changes), .places = calloc(count, sizeof *under_way.places)};
    if (!under_way.changes || !under_way.places)
        abort();
    for (unsigned i = 0; i < count; i++)
        outcomes[i] = (store_outcome){.stored = HUB_STORED_LATER};
    database_error error = store_sim_begin();
    for (unsigned i = 0; error == DATABASE_OK && i < count; i++) {
        put_one(&under_way, now, batches, i, scratch, &outcomes[i]);
        sim_trace("put", (uint64_t)agent_identity_by_sign(batches[i].header->agent), batches[i].header->sequence, outcomes[i].stored);
        count_outcome(outcomes[i].stored);
    }
    if (count > 1)
        sim_count(hub_merged_commit);
    self->meanwhile.work(self->meanwhile.whom);
    if (error == DATABASE_OK)
        error = finish(&under_way, batches, count, outcomes);
    for (unsigned i = 0; i < count; i++)
        base_change_release(&under_way.changes[i]);
    free(under_way.changes);
    free(under_way.places);
    for (unsigned i = 0; error != DATABASE_OK && i < count; i++)
        outcomes[i] = (store_outcome){.stored = HUB_STORED_LATER};
    return error;
}

/* What WELCOME and CONTRACTS say. */

static void say_contracts(const base *now, unsigned agent, arena *from, store_state *state)
{
    state->contracts = arena_take(from, sim.contract_count * sizeof *state->contracts);
    assert(state->contracts);
    for (unsigned i = 0; i < sim.contract_count; i++) {
        if (!now->agents[agent].rights[i])
            continue;
        wire_contract *to = &state->contracts[state->contract_count++];
        *to = (wire_contract){.id = text_of(sim_contract_name(i)), .title = text_of("Contrat"),
                              .scope = text_of(sim_scope_name(sim_scope_of(i))),
                              .first_day = civil_month_first(sim_month(now->contracts[i].first_month)),
                              .last_day = civil_month_first(sim_month(now->contracts[i].last_month)) + 27,
                              .action_count = SIM_ACTIONS};
        to->actions = arena_take(from, SIM_ACTIONS * sizeof *to->actions);
        assert(to->actions);
        for (unsigned k = 0; k < SIM_ACTIONS; k++)
            to->actions[k] = (wire_action){.code = text_of(sim_actions[k]), .title = text_of("Action"),
                                           .allowed = now->agents[agent].rights[i] >> k & 1};
    }
}

static void say_scope(const base *now, unsigned agent, unsigned scope, uint64_t after, arena *from, hub_session_loaded *to)
{
    const base_place *place = &now->agents[agent].places[scope];
    to->position = (wire_position){.scope = text_of(sim_scope_name(scope)), .incarnation = place->incarnation ? place->incarnation : 1,
                                   .sequence = place->sequence, .stable = place->stable};
    memcpy(to->position.hash, place->hash, CRYPTO_HASH);
    to->ledger_position = place->position;
    memcpy(to->chain, place->chain, CRYPTO_HASH);
    wire_record_refusal *refusals = arena_take(from, (place->refusal_count + 1) * sizeof *refusals);
    assert(refusals);
    for (unsigned i = 0; i < place->refusal_count; i++)
        if (place->refusals[i].sequence > after)
            refusals[to->refusal_count++] =
                (wire_record_refusal){place->refusals[i].sequence, place->refusals[i].index, place->refusals[i].reason};
    to->refusals = refusals;
}

database_error store_load_state(store *self, const uint8_t sign[CRYPTO_PUBLIC], const wire_position *hello,
                                unsigned hello_count, arena *from, store_state *state)
{
    const base *now = base_now();
    (void)self;
    *state = (store_state){0};
    database_error error = store_sim_begin();
    if (error != DATABASE_OK)
        return error;
    int agent = store_sim_find_agent(now, sign);
    if (agent < 0)
        return DATABASE_NOT_FOUND;
    base_wait(); /* a commit of its own, after the reading */
    state->forked = now->agents[agent].forked;
    if (state->forked)
        return DATABASE_OK;
    state->scopes = arena_take(from, SIM_SCOPES_MAX * sizeof *state->scopes);
    assert(state->scopes);
    for (unsigned scope = 0; scope < sim.scope_count; scope++) {
        uint64_t after = 0;
        if (!store_sim_has_right(&now->agents[agent], scope))
            continue;
        for (unsigned i = 0; i < hello_count; i++)
            if (sim_scope_find(hello[i].scope) == (int)scope)
                after = hello[i].stable;
        say_scope(now, (unsigned)agent, scope, after, from, &state->scopes[state->scope_count++]);
    }
    say_contracts(now, (unsigned)agent, from, state);
    return DATABASE_OK;
}

database_error store_status_note_contact(store *self, const uint8_t agent[CRYPTO_PUBLIC])
{
    (void)self;
    (void)agent;
    return store_sim_begin();
}

database_error store_status_note_alarm(store *self, const uint8_t agent[CRYPTO_PUBLIC], wire_refusal reason, text_view scope,
                                       uint64_t sequence)
{
    (void)self;
    (void)scope;
    (void)sequence;
    database_error error = store_sim_begin();
    int identity = agent_identity_by_sign(agent);
    sim_count(hub_alarm);
    if (reason == WIRE_REFUSAL_FORK)
        sim_count(hub_fork_alarm);
    if (error == DATABASE_OK && identity >= 0)
        agent_alarm(identity, reason);
    return error;
}
