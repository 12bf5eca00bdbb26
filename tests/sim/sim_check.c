/* sim_check: see the header. */
#include "sim_check.h"

#include <stdlib.h>
#include <string.h>

#include "sim_agent.h"
#include "sim_hub.h"
#include "sim_stage.h"
#include "wire.h"

/* Where a value was said. */
typedef struct {
    unsigned identity, contract, fact;
    sim_content content;
} saying;

/* Of an identity in a scope. */
typedef struct {
    uint64_t incarnation, sequence;
    uint8_t hash[CRYPTO_HASH];
    uint64_t life; /* of the process that sent it */
} batch_name;

typedef struct {
    batch_name *items;
    unsigned count, capacity;
} batch_names;

typedef struct {
    uint64_t incarnation, sequence;
} version;

static saying *sayings;
static size_t saying_count, saying_capacity;
static sim_content *accepted[SIM_AGENTS_MAX][SIM_CONTRACTS_MAX];
static batch_names sent[SIM_AGENTS_MAX][SIM_SCOPES_MAX], committed[SIM_AGENTS_MAX][SIM_SCOPES_MAX]; /* by identity; ever */
static bool *erased[SIM_AGENTS_MAX][SIM_CONTRACTS_MAX]; /* by agent, then by fact */
static version *versions[SIM_AGENTS_MAX][SIM_CONTRACTS_MAX];
static uint64_t lives[SIM_AGENTS_MAX]; /* of each process: how often it has started */
static bool tail_lost; /* a standby that lacked something was promoted */
static bool late[SIM_AGENTS_MAX]; /* what it sent in a life, and not again, came to the database in a later one */
static uint64_t granted[SIM_AGENTS_MAX][SIM_SCOPES_MAX]; /* by identity: the incarnation of its last grant */
static uint64_t told_stable[SIM_AGENTS_MAX][SIM_SCOPES_MAX];
static uint64_t brought[SIM_AGENTS_MAX][SIM_SCOPES_MAX][64]; /* by identity: the highest sequence ever of each incarnation */
static uint64_t lowered[SIM_AGENTS_MAX][SIM_SCOPES_MAX]; /* a bit for each incarnation that was left below that: its tail was lost */

void check_reset(void)
{
    saying_count = 0;
    tail_lost = false;
    memset(lives, 0, sizeof lives);
    memset(late, 0, sizeof late);
    memset(granted, 0, sizeof granted);
    memset(brought, 0, sizeof brought);
    memset(lowered, 0, sizeof lowered);
    for (unsigned i = 0; i < SIM_AGENTS_MAX; i++) {
        for (unsigned k = 0; k < SIM_CONTRACTS_MAX; k++) {
            free(accepted[i][k]);
            accepted[i][k] = NULL;
            free(versions[i][k]);
            versions[i][k] = NULL;
            free(erased[i][k]);
            erased[i][k] = NULL;
        }
        for (unsigned k = 0; k < SIM_SCOPES_MAX; k++) {
            free(sent[i][k].items);
            free(committed[i][k].items);
            sent[i][k] = committed[i][k] = (batch_names){0};
            told_stable[i][k] = 0;
        }
    }
}

/* What operators said. */

void check_said(unsigned identity, unsigned contract, unsigned fact, const sim_content *content)
{
    if (content->value >= saying_capacity) {
        saying_capacity = 2 * content->value + 1024;
        sayings = realloc(sayings, saying_capacity * sizeof *sayings);
        if (!sayings)
            abort();
    }
    while (saying_count <= content->value)
        sayings[saying_count++] = (saying){0};
    sayings[content->value] = (saying){identity, contract, fact, *content};
}

static sim_content *accepted_of(unsigned agent, unsigned contract)
{
    if (!accepted[agent][contract]) {
        accepted[agent][contract] = calloc(sim.fact_count, sizeof(sim_content));
        if (!accepted[agent][contract])
            abort();
    }
    return accepted[agent][contract];
}

void check_accepted(unsigned agent, unsigned contract, unsigned fact, const sim_content *content)
{
    accepted_of(agent, contract)[fact] = *content;
}

void check_erased(unsigned agent, unsigned contract, unsigned fact)
{
    if (!erased[agent][contract])
        erased[agent][contract] = calloc(sim.fact_count, sizeof(bool));
    if (!erased[agent][contract])
        abort();
    erased[agent][contract][fact] = true;
}

static bool same_content(const sim_content *a, const sim_content *b)
{
    return a->value == b->value && a->type == b->type && a->action == b->action && a->month == b->month;
}

/* Was exactly this said of this key by this operator? */
static bool was_said(unsigned identity, const base_record *what)
{
    int fact = sim_fact_of(what->contract, what->key);
    if (fact < 0 || what->content.value == 0 || what->content.value >= saying_count)
        return false;
    const saying *one = &sayings[what->content.value];
    return one->identity == identity && one->contract == what->contract && one->fact == (unsigned)fact
        && same_content(&one->content, &what->content);
}

/* Batches. */

static batch_name *find_name(batch_names *in, uint64_t incarnation, uint64_t sequence)
{
    for (unsigned i = in->count; i-- > 0;)
        if (in->items[i].incarnation == incarnation && in->items[i].sequence == sequence)
            return &in->items[i];
    return NULL;
}

static void add_name(batch_names *to, uint64_t incarnation, uint64_t sequence, const uint8_t hash[CRYPTO_HASH], uint64_t life)
{
    if (to->count == to->capacity) {
        to->capacity = to->capacity ? 2 * to->capacity : 32;
        to->items = realloc(to->items, to->capacity * sizeof *to->items);
        if (!to->items)
            abort();
    }
    to->items[to->count] = (batch_name){incarnation, sequence, {0}, life};
    memcpy(to->items[to->count++].hash, hash, CRYPTO_HASH);
}

static void check_sent(unsigned agent, text_view bytes)
{
    batch_header header;
    uint8_t hash[CRYPTO_HASH];
    unsigned identity = agent_identity(agent);
    arena *scratch = arena_new(1 << 20);
    if (!scratch)
        abort();
    batch_hash(hash, bytes);
    if (!batch_read_header(&header, scratch, bytes)) {
        sim_broken("agent %u sent a header that cannot be read", agent);
    } else {
        int scope = sim_scope_find(header.scope);
        batch_names *names = &sent[identity][scope];
        batch_name *before = find_name(names, header.incarnation, header.sequence);
        if (!before) {
            add_name(names, header.incarnation, header.sequence, hash, lives[agent]);
        } else {
            sim_count(agent_resent);
            /* A restored disk may sign a number again that it never knew it had used. */
            if (memcmp(before->hash, hash, CRYPTO_HASH) != 0 && !agent_is_restored(agent) && !agent_is_cloned(agent))
                sim_broken("agent %u sent two batches as incarnation %llu sequence %llu", agent,
                           (unsigned long long)header.incarnation, (unsigned long long)header.sequence);
            if (memcmp(before->hash, hash, CRYPTO_HASH) == 0)
                before->life = lives[agent];
            else
                add_name(names, header.incarnation, header.sequence, hash, lives[agent]);
        }
    }
    arena_destroy(&scratch);
}

void check_agent_says(unsigned index, text_view frame)
{
    wire_message message;
    arena *scratch = arena_new(WIRE_SCRATCH_BYTES * 16);
    if (!scratch)
        abort();
    if (!wire_read(&message, scratch, frame))
        sim_broken("agent %u: what it says cannot be read", index);
    else if (message.type == WIRE_BATCH)
        check_sent(index, message.batch.header);
    else if (message.type == WIRE_RENEW)
        stage_renews(index);
    else if (message.type == WIRE_SURVEY)
        stage_surveys(index);
    else if (message.type == WIRE_LIST)
        sim_count(said_list);
    arena_destroy(&scratch);
}

void check_started(unsigned agent)
{
    lives[agent]++;
}

void check_acknowledged(unsigned identity, text_view bytes)
{
    wire_receipt receipt;
    if (!wire_read_receipt(&receipt, bytes)) {
        sim_broken("a receipt cannot be read");
        return;
    }
    const wire_position *at = &receipt.position;
    int scope = sim_scope_find(at->scope);
    /* The incarnation may be newer than the batch that is the last. */
    bool found = false;
    for (int who = (int)identity; scope >= 0 && who >= 0; who = base_now()->agents[who].before)
        for (unsigned i = 0; i < committed[who][scope].count; i++) {
            const batch_name *one = &committed[who][scope].items[i];
            found = found || (one->sequence == at->sequence && one->incarnation <= at->incarnation
                              && memcmp(one->hash, at->hash, CRYPTO_HASH) == 0);
        }
    if (!found)
        sim_broken("identity %u: sequence %llu was acknowledged and never committed", identity,
                   (unsigned long long)at->sequence);
    else if (told_stable[identity][scope] < at->stable)
        told_stable[identity][scope] = at->stable;
    if (found && at->stable > base_standby()->agents[identity].places[scope].sequence)
        sim_broken("identity %u: sequence %llu was called stable, and is on one disk alone", identity,
                   (unsigned long long)at->stable);
}

static version *versions_of(unsigned identity, unsigned contract)
{
    if (!versions[identity][contract]) {
        versions[identity][contract] = calloc(sim.fact_count, sizeof(version));
        if (!versions[identity][contract])
            abort();
    }
    return versions[identity][contract];
}

static void check_version(unsigned identity, const base_record *put)
{
    int fact = sim_fact_of(put->contract, put->key);
    const base_record *now = base_find(&base_now()->agents[identity].places[sim_scope_of(put->contract)], put->key);
    if (fact < 0)
        return;
    version *last = &versions_of(identity, put->contract)[fact];
    if (!now)
        return;
    if (now->incarnation < last->incarnation || (now->incarnation == last->incarnation && now->sequence < last->sequence))
        sim_broken("identity %u contract %u fact %d: its version went back", identity, put->contract, fact);
    *last = (version){now->incarnation, now->sequence};
}

/* Of an incarnation that a grant has superseded, it is no excuse for anything. */
void check_arrives(unsigned identity, unsigned scope, const uint8_t hash[CRYPTO_HASH])
{
    const batch_names *names = &sent[identity][scope];
    for (unsigned agent = 0; agent < sim.agent_count; agent++)
        for (unsigned i = 0; agent_identity(agent) == identity && i < names->count; i++) {
            const batch_name *one = &names->items[i];
            if (memcmp(one->hash, hash, CRYPTO_HASH) == 0 && one->life < lives[agent] && one->incarnation >= granted[identity][scope])
                late[agent] = true;
        }
}

/* A batch of an incarnation that was superseded is of a life that is over: it must not come to stand. */
static void check_incarnation(const base_change *what)
{
    uint64_t *now = &granted[what->agent][what->scope];
    if (what->kind == BASE_GRANT) {
        unsigned left = *now > 0 ? *now % 64 : 1;
        if (brought[what->agent][what->scope][left] > base_now()->agents[what->agent].places[what->scope].sequence)
            lowered[what->agent][what->scope] |= UINT64_C(1) << left;
        *now = what->incarnation;
    } else if (what->incarnation < *now)
        sim_broken("identity %u: a batch of incarnation %llu was committed, and %llu is granted", what->agent,
                   (unsigned long long)what->incarnation, (unsigned long long)*now);
}

void check_committed(const base_change *what)
{
    if (what->kind == BASE_BATCH || what->kind == BASE_GRANT)
        check_incarnation(what);
    if (what->kind != BASE_BATCH)
        return;
    uint64_t *most = &brought[what->agent][what->scope][what->incarnation % 64];
    *most = what->sequence > *most ? what->sequence : *most;
    const base_scope *scope = &base_now()->scopes[what->scope];
    const base_ledger *before = NULL;
    for (unsigned i = scope->ledger_count - 1; i-- > 0 && !before;)
        if (scope->ledger[i].agent == what->agent)
            before = &scope->ledger[i];
    uint64_t last = before ? before->sequence : 0;
    if (what->sequence != last + 1 || (before && before->incarnation > what->incarnation))
        sim_broken("identity %u: sequence %llu was committed after %llu", what->agent, (unsigned long long)what->sequence,
                   (unsigned long long)last);
    if (scope->ledger[scope->ledger_count - 1].position != scope->ledger_count)
        sim_broken("the ledger of scope %u has a gap", what->scope);
    add_name(&committed[what->agent][what->scope], what->incarnation, what->sequence, what->hash, 0);
    for (unsigned i = 0; i < what->withdrawal_count; i++)
        sim_trace("  withdrawn", what->withdrawals[i].contract,
                  (uint64_t)sim_fact_of(what->withdrawals[i].contract, what->withdrawals[i].key), 0);
    for (unsigned i = 0; i < what->put_count; i++) {
        sim_trace("  put", what->puts[i].contract, (uint64_t)sim_fact_of(what->puts[i].contract, what->puts[i].key),
                  what->puts[i].content.value);
        if (!was_said(what->agent, &what->puts[i]))
            sim_broken("identity %u: a record was committed that nobody said", what->agent);
        check_version(what->agent, &what->puts[i]);
    }
}

void check_failed_over(void)
{
    tail_lost = true;
    for (unsigned i = 0; i < agent_identity_count(); i++)
        for (unsigned k = 0; k < sim.scope_count; k++) {
            const base_place *place = &base_now()->agents[i].places[k];
            granted[i][k] = place->incarnation;
            if (place->sequence < told_stable[i][k])
                sim_broken("identity %u scope %u: stable up to %llu, and only %llu is left", i, k,
                           (unsigned long long)told_stable[i][k], (unsigned long long)place->sequence);
        }
    for (unsigned i = 0; i < agent_identity_count(); i++)
        for (unsigned k = 0; k < sim.contract_count; k++)
            for (unsigned fact = 0; versions[i][k] && fact < sim.fact_count; fact++) {
                const base_record *one = base_find(&base_now()->agents[i].places[sim_scope_of(k)], sim_key(k, fact));
                versions[i][k][fact] = one ? (version){one->incarnation, one->sequence} : (version){0, 0};
            }
}

/* At rest. */

static bool fits_terms(unsigned contract, const sim_content *content)
{
    const base_contract *terms = &base_now()->contracts[contract];
    return content->month >= terms->first_month && content->month <= terms->last_month;
}

static void check_fact(unsigned agent, unsigned contract, unsigned fact, bool last)
{
    unsigned identity = agent_identity(agent);
    const sim_content *wanted = &accepted_of(agent, contract)[fact];
    const base_record *has = base_find(&base_now()->agents[identity].places[sim_scope_of(contract)], sim_key(contract, fact));
    const char *when = last ? "at the end" : "after the drain";
    if (has && !was_said(identity, has))
        sim_broken("agent %u contract %u fact %u %s: unexpected: nobody said what is there", agent, contract, fact, when);
    bool in_history = base_now()->agents[identity].places[sim_scope_of(contract)].history[contract][fact / 8] >> fact % 8 & 1;
    bool was_erased = erased[agent][contract] && erased[agent][contract][fact];
    if (was_erased && in_history && !agent_is_restored(agent))
        sim_broken("agent %u contract %u fact %u %s: it was erased, and is in the history", agent, contract, fact, when);
    if (wanted->value == 0) {
        /*
         * A restored machine may not know what it was asked, nor that batches of its own went without some bodies since;
         * its office asks again, which these do not.
         */
        if (has && !(was_erased && agent_is_restored(agent)))
            sim_broken("agent %u contract %u fact %u %s: unexpected: it was taken away", agent, contract, fact, when);
        return;
    }
    if (!fits_terms(contract, wanted))
        return; /* refused: what was there before stays */
    if (!has)
        sim_broken("agent %u contract %u fact %u %s: lost (%llu)", agent, contract, fact, when,
                   (unsigned long long)wanted->value);
    else if (!same_content(&has->content, wanted))
        sim_broken("agent %u contract %u fact %u %s: not its last version (%llu, not %llu)", agent, contract, fact, when,
                   (unsigned long long)has->content.value, (unsigned long long)wanted->value);
}

/* What was sent under keys that were replaced goes when the whole table has come under the new ones. */
static void check_nothing_before(unsigned identity)
{
    int before = base_now()->agents[identity].before;
    for (unsigned k = 0; before >= 0 && k < sim.scope_count; k++)
        if (base_now()->agents[before].places[k].record_count > 0)
            sim_broken("identity %u: records of identity %d are left", identity, before);
}

/* Nothing at the hub but what the facts of the world are. */
static void check_nothing_else(unsigned identity)
{
    for (unsigned k = 0; k < sim.scope_count; k++) {
        const base_place *place = &base_now()->agents[identity].places[k];
        for (unsigned i = 0; i < place->record_count; i++)
            if (!was_said(identity, &place->records[i]))
                sim_broken("identity %u: a record at the hub that nobody said", identity);
    }
}

/*
 * A copy of a machine, or one that was put back to an older disk, may hold a receipt of what the hub has lost and told
 * another, or told it in its life that never was: it cannot tell that from a lie, and asks for a person.
 */
static bool misled(unsigned agent)
{
    const agent_session *session = agent_session_of(agent);
    return session && agent_session_trouble(session, NULL) == AGENT_STOP_HISTORY
        && tail_lost && (agent_is_cloned(agent) || agent_is_restored(agent));
}

void check_history(unsigned agent)
{
    const agent_session *session = agent_session_of(agent);
    if (session && agent_session_trouble(session, NULL) == AGENT_STOP_HISTORY && !misled(agent))
        sim_broken("agent %u: an honest hub contradicts a receipt that it has signed", agent);
}

static bool was_lowered(unsigned agent, const agent_session *session)
{
    for (unsigned i = 0; i < session->scope_count; i++) {
        const agent_session_scope *one = &session->scopes[i];
        if (lowered[agent_identity(agent)][sim_scope_find(text_of(one->scope))] >> one->incarnation % 64 & 1)
            return true;
    }
    return false;
}

/*
 * What a machine had sent before it was restored came to the database only after the older disk had been greeted, and
 * both have signed a batch of one number: to the hubs that is two machines. So is one that is put back after its tail
 * was lost: its incarnation was left at what was left of it, for all of which the older disk may hold receipts.
 */
static bool forked_with_itself(unsigned agent)
{
    const agent_session *session = agent_session_of(agent);
    return misled(agent)
        || (session && session->state == AGENT_SESSION_STOPPED && agent_session_trouble(session, NULL) == AGENT_STOP_FORK
            && (late[agent] || was_lowered(agent, session)) && agent_is_restored(agent));
}

static void check_stop(unsigned agent)
{
    const agent_session *session = agent_session_of(agent);
    if (!session) {
        sim_broken("agent %u does not come up again", agent);
        return;
    }
    agent_stop why = agent_session_trouble(session, NULL);
    bool stopped = session->state == AGENT_SESSION_STOPPED || why == AGENT_STOP_NOT_ADMITTED;
    if (stopped)
        sim_count(agent_stopped);
    if (agent_is_revoked(agent)) {
        if (!stopped || (why != AGENT_STOP_NOT_ADMITTED && !agent_is_cloned(agent)))
            sim_broken("agent %u was revoked and goes on (%d)", agent, (int)session->state);
    } else if (stopped && !agent_is_cloned(agent) && !forked_with_itself(agent)) {
        sim_broken("agent %u has stopped (%d, refusal %d)%s", agent, (int)why, (int)session->refusal,
                   agent_is_restored(agent) ? ", restored" : "");
    } else if (!stopped && why == AGENT_STOP_NO_RIGHT && !sim.other_key) {
        sim_broken("agent %u: a scope has stopped (refusal %d)", agent, (int)session->refusal);
    }
}

static void check_clone(unsigned agent)
{
    const agent_session *session = agent_session_of(agent);
    for (unsigned i = 0; i < sim.agent_count; i++)
        if (agent_identity(i) == agent_identity(agent) && misled(i))
            return;
    if (!session || session->state != AGENT_SESSION_STOPPED || agent_session_trouble(session, NULL) != AGENT_STOP_FORK)
        sim_broken("agent %u was cloned and goes on (%d)", agent, session ? (int)session->state : -1);
    if (agent_fork_alarms(agent_identity(agent)) == 0 && !base_now()->agents[agent_identity(agent)].forked)
        sim_broken("agent %u was cloned and no alarm says so", agent);
}

/* The outbox as it is written down: a receipt for all that is queued, and the end where the database has it. */
static bool outbox_rests(unsigned agent)
{
    outbox *box = agent_outbox(agent);
    outbox_scope scopes[WIRE_SCOPES_MAX];
    unsigned count;
    uint64_t pending;
    if (!box || outbox_scopes(box, scopes, WIRE_SCOPES_MAX, &count) != OUTBOX_OK || outbox_pending(box, &pending) != OUTBOX_OK
        || pending > 0)
        return false;
    for (unsigned i = 0; i < count; i++) {
        const outbox_scope *one = &scopes[i];
        const base_place *place = &base_now()->agents[agent_identity(agent)].places[sim_scope_find(text_of(one->scope))];
        if (one->queued != one->acknowledged || one->stable > one->acknowledged || one->queued != place->sequence
            || (one->queued > 0 && (one->incarnation != place->incarnation || memcmp(one->queued_hash, place->hash, CRYPTO_HASH) != 0)))
            return false;
    }
    return true;
}

void check_rest(bool last, bool terms_changed)
{
    for (unsigned agent = 0; agent < sim.agent_count && !sim.failed; agent++) {
        check_stop(agent);
        if (agent_is_cloned(agent) && last && !agent_is_revoked(agent) && !sim.other_key)
            check_clone(agent);
        bool certain = !agent_is_cloned(agent) && !forked_with_itself(agent) && !agent_is_revoked(agent) && !sim.other_key
            && (last || (!agent_is_restored(agent) && !agent_is_uncertain(agent) && !terms_changed && !sim.quarantined));
        if (certain && !sim.failed && !outbox_rests(agent))
            sim_broken("agent %u: its outbox is not where the hub is, with all acknowledged", agent);
        if (certain && last)
            check_nothing_before(agent_identity(agent));
        for (unsigned k = 0; certain && k < sim.contract_count; k++)
            for (unsigned fact = 0; fact < sim.fact_count && !sim.failed; fact++)
                check_fact(agent, k, fact, last);
    }
    for (unsigned i = 0; i < SIM_HUBS; i++)
        if (hub_held(i) > 0)
            sim_broken("hub %u keeps room for messages that it is done with", i);
    for (unsigned i = 0; i < agent_identity_count() && !sim.failed; i++)
        check_nothing_else(i);
}
