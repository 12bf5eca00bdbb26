/* sim_base: see the header. */
#include "sim_base.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proof.h"
#include "sim_check.h"
#include "sim_stage.h"

static base primary, standby;
static base_change *changes;
static size_t change_count, change_capacity, replicated;

/* Room for one more item. */
static void *grown(void *items, unsigned count, unsigned *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 16;
    items = realloc(items, *capacity * size);
    if (!items)
        abort();
    return items;
}

static void release(base *what)
{
    for (unsigned i = 0; i < SIM_AGENTS_MAX; i++)
        for (unsigned k = 0; k < SIM_SCOPES_MAX; k++) {
            free(what->agents[i].places[k].records);
            free(what->agents[i].places[k].refusals);
            free(what->agents[i].places[k].grants);
        }
    for (unsigned k = 0; k < SIM_SCOPES_MAX; k++)
        free(what->scopes[k].ledger);
    memset(what, 0, sizeof *what);
}

void base_change_release(base_change *what)
{
    free(what->puts);
    free(what->withdrawals);
    free(what->erasures);
    free(what->refusals);
    *what = (base_change){0};
}

void base_reset(void)
{
    release(&primary);
    release(&standby);
    for (size_t i = 0; i < change_count; i++)
        base_change_release(&changes[i]);
    change_count = replicated = 0;
}

const base *base_now(void)
{
    return &primary;
}

const base *base_standby(void)
{
    return &standby;
}

/* Where the key is among the records, or would be. */
static unsigned place_of(const base_place *place, const uint8_t key[RECORD_KEY], bool *found)
{
    unsigned low = 0, high = place->record_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (memcmp(place->records[middle].key, key, RECORD_KEY) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < place->record_count && memcmp(place->records[low].key, key, RECORD_KEY) == 0;
    return low;
}

const base_record *base_find(const base_place *place, const uint8_t key[RECORD_KEY])
{
    bool found;
    unsigned at = place_of(place, key, &found);
    return found ? &place->records[at] : NULL;
}

const base_ledger *base_find_batch(const base *in, unsigned scope, unsigned agent, uint64_t sequence)
{
    const base_scope *of = &in->scopes[scope];
    for (unsigned i = of->ledger_count; i-- > 0;)
        if (of->ledger[i].agent == agent && of->ledger[i].sequence == sequence)
            return &of->ledger[i];
    return NULL;
}

/* Something stood of that record's fact and does not any more; or there is nothing of it left. */
static void note_history(base_place *place, const base_record *what, bool there)
{
    int fact = sim_fact_of(what->contract, what->key);
    uint8_t *byte = fact < 0 ? NULL : &place->history[what->contract][fact / 8];
    if (byte)
        *byte = (uint8_t)((*byte & ~(1u << fact % 8)) | (unsigned)there << fact % 8);
}

static void put_record(base_place *place, const base_record *what, bool counts)
{
    bool found;
    unsigned at = place_of(place, what->key, &found);
    if (found) {
        base_record *old = &place->records[at];
        if (old->incarnation > what->incarnation
            || (old->incarnation == what->incarnation && old->sequence >= what->sequence))
            return;
        *old = *what;
        note_history(place, what, true);
        if (counts)
            sim_count(db_replaced);
        return;
    }
    place->records = grown(place->records, place->record_count, &place->record_capacity, sizeof *place->records);
    memmove(place->records + at + 1, place->records + at, (place->record_count - at) * sizeof *place->records);
    place->records[at] = *what;
    place->record_count++;
}

static void withdraw_record(base_place *place, const base_record *what, bool counts)
{
    bool found;
    unsigned at = place_of(place, what->key, &found);
    if (!found || place->records[at].contract != what->contract)
        return;
    place->record_count--;
    memmove(place->records + at, place->records + at + 1, (place->record_count - at) * sizeof *place->records);
    note_history(place, what, true);
    if (counts)
        sim_count(db_withdrawn);
}

static void erase_record(base_place *place, const base_record *what, bool counts)
{
    withdraw_record(place, what, false);
    note_history(place, what, false);
    if (counts)
        sim_count(db_erased);
}

/* The whole table of a contract has come from an agent with new keys: what it had sent under the old ones goes. */
static void finish_replacement(base *to, int before, unsigned scope, unsigned contract)
{
    for (; before >= 0; before = to->agents[before].before) {
        base_place *old = &to->agents[before].places[scope];
        unsigned kept = 0;
        for (unsigned i = 0; i < old->record_count; i++)
            if (old->records[i].contract != contract)
                old->records[kept++] = old->records[i];
        old->record_count = kept;
    }
}

static void add_grant(base_place *place, uint64_t incarnation, const uint8_t request[WIRE_REQUEST])
{
    base_grant made = {incarnation, place->sequence, {0}};
    memcpy(made.request, request, WIRE_REQUEST);
    place->grants = grown(place->grants, place->grant_count, &place->grant_capacity, sizeof *place->grants);
    place->grants[place->grant_count++] = made;
    place->there = true;
    place->incarnation = incarnation;
}

/* The new keys take the agent's place over, in each scope where it has sent something under the next incarnation. */
static void apply_replacement(base *to, const base_change *what)
{
    static const uint8_t none[WIRE_REQUEST] = {0};
    base_agent *old = &to->agents[what->agent], *new = &to->agents[what->by];
    old->there = false;
    new->there = true;
    new->before = (int)what->agent;
    memcpy(new->rights, old->rights, sizeof new->rights);
    for (unsigned scope = 0; scope < SIM_SCOPES_MAX; scope++) {
        const base_place *from = &old->places[scope];
        base_place *place = &new->places[scope];
        for (unsigned i = 0; i < to->scopes[scope].ledger_count; i++)
            if (to->scopes[scope].ledger[i].agent == what->agent)
                to->scopes[scope].ledger[i].agent = what->by;
        place->there = from->there;
        place->incarnation = from->incarnation;
        place->sequence = from->sequence;
        place->stable = from->stable;
        place->position = from->position;
        memcpy(place->hash, from->hash, CRYPTO_HASH);
        memcpy(place->chain, from->chain, CRYPTO_HASH);
        for (unsigned i = 0; i < from->grant_count; i++) {
            place->grants = grown(place->grants, place->grant_count, &place->grant_capacity, sizeof *place->grants);
            place->grants[place->grant_count++] = from->grants[i];
        }
        if (from->sequence > 0)
            add_grant(place, (from->incarnation ? from->incarnation : 1) + 1, none);
    }
}

void base_link(base_place *place, unsigned scope, uint64_t position, uint8_t chain[CRYPTO_HASH])
{
    proof_link(chain, chain, text_of(sim_scope_name(scope)), position, PROOF_BATCH, place->hash);
    place->position = position;
    memcpy(place->chain, chain, CRYPTO_HASH);
}

static void apply_batch(base *to, const base_change *what, bool counts)
{
    base_scope *scope = &to->scopes[what->scope];
    base_place *place = &to->agents[what->agent].places[what->scope];
    uint64_t position = ++scope->position;
    base_ledger line = {what->agent, position, what->incarnation, what->sequence, {0}};
    memcpy(line.hash, what->hash, CRYPTO_HASH);
    scope->ledger = grown(scope->ledger, scope->ledger_count, &scope->ledger_capacity, sizeof *scope->ledger);
    scope->ledger[scope->ledger_count++] = line;
    if (what->has_key && !scope->has_key) {
        scope->has_key = true;
        memcpy(scope->key_id, what->key_id, TOKEN_KEY_ID);
    }
    place->there = true;
    place->incarnation = what->incarnation;
    place->sequence = what->sequence;
    memcpy(place->hash, what->hash, CRYPTO_HASH);
    base_link(place, what->scope, position, scope->chain);
    if (what->stable)
        place->stable = what->sequence;
    for (unsigned i = 0; i < what->put_count; i++) {
        base_record one = what->puts[i];
        one.position = position;
        put_record(place, &one, counts);
    }
    for (unsigned i = 0; i < what->withdrawal_count; i++)
        withdraw_record(place, &what->withdrawals[i], counts);
    for (unsigned i = 0; i < what->erasure_count; i++)
        erase_record(place, &what->erasures[i], counts);
    for (unsigned i = 0; i < SIM_CONTRACTS_MAX; i++)
        if (what->complete >> i & 1)
            finish_replacement(to, to->agents[what->agent].before, what->scope, i);
    for (unsigned i = 0; i < what->refusal_count; i++) {
        place->refusals = grown(place->refusals, place->refusal_count, &place->refusal_capacity, sizeof *place->refusals);
        place->refusals[place->refusal_count++] = what->refusals[i];
    }
}

static void apply(base *to, const base_change *what, bool counts)
{
    base_agent *agent = &to->agents[what->agent];
    switch (what->kind) {
    case BASE_NOTHING:
        break;
    case BASE_BATCH:
        apply_batch(to, what, counts);
        break;
    case BASE_STABLE:
        if (agent->places[what->scope].stable < what->stable_up_to)
            agent->places[what->scope].stable = what->stable_up_to;
        break;
    case BASE_TERMS:
        to->contracts[what->contract] = (base_contract){what->first_month, what->last_month};
        break;
    case BASE_RIGHT:
        agent->rights[what->contract] = what->rights;
        break;
    case BASE_ADMIT:
        agent->there = true;
        agent->before = -1;
        break;
    case BASE_REVOKE:
        agent->revoked = true;
        break;
    case BASE_GRANT:
        add_grant(&agent->places[what->scope], what->incarnation, what->request);
        break;
    case BASE_FORK:
        agent->forked = true;
        break;
    case BASE_REPLACE:
        apply_replacement(to, what);
        break;
    }
}

void base_commit_here(base_change *what)
{
    if (change_count == change_capacity) {
        change_capacity = change_capacity ? 2 * change_capacity : 256;
        changes = realloc(changes, change_capacity * sizeof *changes);
        if (!changes)
            abort();
    }
    changes[change_count++] = *what;
    *what = (base_change){0};
    apply(&primary, &changes[change_count - 1], true);
    sim_trace("commit", changes[change_count - 1].kind, changes[change_count - 1].agent, changes[change_count - 1].sequence);
    check_committed(&changes[change_count - 1]);
}

void base_commit(base_change *what)
{
    base_commit_here(what);
    base_wait();
}

void base_wait(void)
{
    if (sim.stable_at_commit)
        base_replicate(UINT64_MAX);
}

void base_replicate(uint64_t most)
{
    for (; most > 0 && replicated < change_count; most--)
        apply(&standby, &changes[replicated++], false);
}

uint64_t base_lag(void)
{
    return change_count - replicated;
}

/* Does the work of a copy by doing all again. */
void base_fail_over(void)
{
    sim_trace("failover", replicated, change_count, 0);
    while (change_count > replicated) {
        sim_count(db_failover_tail_lost);
        base_change_release(&changes[--change_count]);
    }
    release(&primary);
    for (size_t i = 0; i < change_count; i++)
        apply(&primary, &changes[i], false);
    check_failed_over();
    stage_failed_over();
}
