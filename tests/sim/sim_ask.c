/* sim_ask: what agents ask of the simulated PostgreSQL beside their batches: as store_ask.c, store_renew.c and store_held.c do it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "admission_chain.h"
#include "sim_hub.h"
#include "sim_stage.h"
#include "sim_store.h"
#include "store_ask.h"

static wire_position position_of(const base_place *place, text_view scope)
{
    wire_position made = {.scope = scope, .incarnation = place->incarnation ? place->incarnation : 1,
                          .sequence = place->sequence, .stable = place->stable};
    memcpy(made.hash, place->hash, CRYPTO_HASH);
    return made;
}

static admission_chain_past past_of(const base_place *place, const wire_message *renew)
{
    admission_chain_past past = {.place = position_of(place, renew->renew.own.scope)};
    const base_grant *first = NULL;
    for (unsigned i = 0; i < place->grant_count; i++) {
        const base_grant *one = &place->grants[i];
        if (one->incarnation == past.place.incarnation) {
            past.base = one->base;
            past.is_same = memcmp(one->request, renew->renew.request, WIRE_REQUEST) == 0;
        }
        if (one->incarnation > renew->renew.own.incarnation && (!first || one->incarnation < first->incarnation))
            first = one;
    }
    past.superseded = first != NULL;
    past.left = first ? first->base : 0;
    return past;
}

static void say_granted(const base *now, unsigned identity, unsigned scope, const wire_message *renew, arena *from,
                        store_answer *answer)
{
    wire_message *granted = &answer->message;
    uint64_t first;
    unsigned count, got = 0;
    granted->type = WIRE_GRANTED;
    memcpy(granted->granted.request, renew->renew.request, WIRE_REQUEST);
    granted->granted.position = position_of(&now->agents[identity].places[scope], renew->renew.own.scope);
    admission_chain_shared(&granted->granted.position, &renew->renew.own, &first, &count);
    uint8_t(*hashes)[CRYPTO_HASH] = arena_take(from, (count + 1) * sizeof *hashes);
    assert(hashes);
    for (; got < count; got++) {
        const base_ledger *line = base_find_batch(now, scope, identity, first + got);
        if (!line)
            break;
        memcpy(hashes[got], line->hash, CRYPTO_HASH);
    }
    granted->granted.hashes = (const uint8_t(*)[CRYPTO_HASH])hashes;
    granted->granted.hash_count = got;
    answer->stored = HUB_STORED_COMMITTED;
}

/* What is to be committed is left in the change. */
static void renew_scope(const base *now, unsigned identity, unsigned scope, const wire_message *renew, store_answer *answer,
                        base_change *change)
{
    const base_place *place = &now->agents[identity].places[scope];
    admission_chain_past past = past_of(place, renew);
    answer->stored = HUB_STORED_COMMITTED;
    switch (admission_chain_renewal(&past, renew)) {
    case ADMISSION_CHAIN_STALE:
        sim_count(db_renewal_stale);
        answer->stored = HUB_STORED_SEQUENCE;
        break;
    case ADMISSION_CHAIN_FORK:
        sim_count(db_renewal_fork);
        *change = (base_change){.kind = BASE_FORK, .agent = identity};
        answer->stored = HUB_STORED_FORK;
        break;
    case ADMISSION_CHAIN_GRANT:
        sim_count(db_granted);
        stage_granted(identity, scope);
        *change = (base_change){.kind = BASE_GRANT, .agent = identity, .scope = scope, .incarnation = renew->renew.incarnation};
        memcpy(change->request, renew->renew.request, WIRE_REQUEST);
        break;
    case ADMISSION_CHAIN_AGAIN:
        sim_count(db_granted_again);
        break;
    }
}

static wire_held held_of(const base_record *what)
{
    wire_held made = {.contract = text_of(sim_contract_name(what->contract)), .incarnation = what->incarnation,
                      .sequence = what->sequence};
    memcpy(made.key, what->key, RECORD_KEY);
    return made;
}

static void survey(const base_place *place, text_view scope, arena *from, wire_message *answer)
{
    uint8_t *digests = arena_take(from, WIRE_BUCKETS * WIRE_DIGEST);
    assert(digests);
    for (unsigned i = 0; i < place->record_count; i++) {
        wire_held held = held_of(&place->records[i]);
        wire_digest_toggle(digests + held.key[0] * (size_t)WIRE_DIGEST, &held);
    }
    *answer = (wire_message){.type = WIRE_DIGESTS};
    answer->digests.scope = scope;
    answer->digests.incarnation = place->incarnation ? place->incarnation : 1;
    answer->digests.sequence = place->sequence;
    answer->digests.digests = digests;
    sim_count(db_surveyed);
}

static void list(const base_place *place, const wire_message *question, arena *from, wire_message *answer)
{
    unsigned limit = sim.seed % 3 ? WIRE_LISTED_MAX : 3; /* short lists, so that they come in several */
    *answer = (wire_message){.type = WIRE_LISTED};
    answer->listed.scope = question->list.scope;
    answer->listed.incarnation = place->incarnation ? place->incarnation : 1;
    answer->listed.sequence = place->sequence;
    answer->listed.bucket = question->list.bucket;
    answer->listed.after = question->list.after;
    answer->listed.records = arena_take(from, (place->record_count + 1) * sizeof *answer->listed.records);
    assert(answer->listed.records);
    for (unsigned i = 0; i < place->record_count; i++) {
        const base_record *one = &place->records[i];
        if (one->key[0] != question->list.bucket
            || (question->list.after && memcmp(one->key, question->list.after, RECORD_KEY) <= 0))
            continue;
        if (answer->listed.record_count == limit) {
            answer->listed.more = true;
            break;
        }
        answer->listed.records[answer->listed.record_count++] = held_of(one);
    }
    sim_count(db_listed);
}

static text_view scope_asked_for(const wire_message *question)
{
    return question->type == WIRE_RENEW ? question->renew.own.scope
        : question->type == WIRE_SURVEY ? question->survey.scope : question->list.scope;
}

database_error store_ask(store *self, const uint8_t sign[CRYPTO_PUBLIC], const wire_message *question, arena *from,
                         store_answer *answer)
{
    const base *now = base_now();
    base_change change = {.kind = BASE_NOTHING};
    int scope = sim_scope_find(scope_asked_for(question));
    (void)self;
    *answer = (store_answer){.stored = HUB_STORED_LATER};
    database_error error = store_sim_begin();
    if (error != DATABASE_OK)
        return error;
    int identity = store_sim_find_agent(now, sign);
    if (identity < 0 || scope < 0 || now->agents[identity].forked || !store_sim_has_right(&now->agents[identity], (unsigned)scope)) {
        answer->stored = identity < 0 ? HUB_STORED_NO_RIGHT : now->agents[identity].forked ? HUB_STORED_FORK : HUB_STORED_SCOPE;
        return DATABASE_OK;
    }
    const base_place *place = &now->agents[identity].places[scope];
    answer->stored = HUB_STORED_COMMITTED;
    if (question->type == WIRE_SURVEY)
        survey(place, question->survey.scope, from, &answer->message);
    else if (question->type == WIRE_LIST)
        list(place, question, from, &answer->message);
    else
        renew_scope(now, (unsigned)identity, (unsigned)scope, question, answer, &change);
    /* Its COMMIT may be lost like any other: done or not, the answer is then "later". */
    bool lost = change.kind != BASE_NOTHING && sim.faults && sim_chance(SIM_BASE, sim.odds.db_lost);
    if (lost && sim_chance(SIM_BASE, 500))
        change.kind = BASE_NOTHING;
    if (change.kind == BASE_GRANT && sim.faults && sim_chance(SIM_STAGE, sim.odds.grant_lost)) {
        sim_count(grant_lost);
        lost = true;
    }
    if (change.kind == BASE_FORK)
        hub_notify(false);
    if (change.kind != BASE_NOTHING)
        base_commit_here(&change);
    if (!lost)
        base_wait();
    if (lost) {
        *answer = (store_answer){.stored = HUB_STORED_LATER};
        return DATABASE_LATER;
    }
    if (question->type == WIRE_RENEW && answer->stored == HUB_STORED_COMMITTED)
        say_granted(now, (unsigned)identity, (unsigned)scope, question, from, answer);
    answer->ledger_position = now->scopes[scope].position;
    return DATABASE_OK;
}
