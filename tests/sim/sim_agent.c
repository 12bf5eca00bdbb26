/* sim_agent: see the header. */
#include "sim_agent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "enqueue.h"
#include "persons.h"
#include "runtime.h"
#include "sim_check.h"
#include "sim_export.h"
#include "sim_office.h"
#include "sim_hub.h"
#include "sim_net.h"
#include "sim_stage.h"

typedef struct {
    agent_home_secrets secrets;
    bool other_key;
    uint64_t fork_alarms;
} identity;

/* What a push would make the accepted facts be. */
typedef struct {
    unsigned contract, fact;
    sim_content content;
} staged;

typedef struct {
    unsigned identity;
    bool up, restored, cloned, revoked;
    bool damaged;
    bool deceived; /* its disk has failed a flush, and lost power since: no database survives that for certain */
    bool uncertain; /* a push failed and yet is there: until the next whole one it may go again with the power */
    agent_home home;
    outbox *box;
    runtime *loop;
    uint64_t tag, wakes_ms, stalled_until;
    int64_t wall_skew_ms;
    sim_content *table[SIM_CONTRACTS_MAX], *before[SIM_CONTRACTS_MAX]; /* before: what a fact was last, when it was another */
    sim_image *backup;
    /* A push of which it is not known whether it was accepted. */
    bool unknown;
    uint64_t queued_before;
    staged *stage;
    unsigned stage_count, stage_capacity;
    uint32_t forgotten; /* a bit for each person */
} process;

static identity identities[SIM_AGENTS_MAX];
static unsigned identity_count;
static process processes[SIM_AGENTS_MAX];
static unsigned running;

unsigned agent_current(void)
{
    return running;
}

static void take_stage(unsigned index);

static uint64_t queued_in_all(process *self)
{
    outbox_scope scopes[WIRE_SCOPES_MAX];
    unsigned count;
    uint64_t sum = 0;
    if (outbox_scopes(self->box, scopes, WIRE_SCOPES_MAX, &count) != OUTBOX_OK)
        return UINT64_MAX; /* it cannot be read now */
    for (unsigned i = 0; i < count; i++)
        sum += scopes[i].records_queued * 1000 + scopes[i].queued;
    return sum;
}

/* The life of a process. */

static void close_process(process *self)
{
    runtime_destroy(&self->loop);
    outbox_close(&self->box);
    self->up = false;
    self->tag++;
    self->wakes_ms = 0;
}

void agent_reset(void)
{
    for (unsigned i = 0; i < SIM_AGENTS_MAX; i++) {
        process *self = &processes[i];
        running = i;
        close_process(self);
        for (unsigned k = 0; k < SIM_CONTRACTS_MAX; k++) {
            free(self->table[k]);
            free(self->before[k]);
        }
        sim_image_destroy(&self->backup);
        free(self->stage);
        *self = (process){0};
    }
    memset(identities, 0, sizeof identities);
    identity_count = 0;
    office_reset();
}

static unsigned new_process(unsigned of_identity)
{
    unsigned index = sim.agent_count++;
    process *self = &processes[index];
    assert(index < SIM_AGENTS_MAX);
    self->identity = of_identity;
    self->home.secrets = &identities[of_identity].secrets;
    snprintf(self->home.name, sizeof self->home.name, "agent-%u", of_identity);
    for (unsigned k = 0; k < sim.contract_count; k++) {
        self->table[k] = calloc(sim.fact_count, sizeof *self->table[k]);
        self->before[k] = calloc(sim.fact_count, sizeof *self->before[k]);
        if (!self->table[k] || !self->before[k])
            abort();
    }
    return index;
}

unsigned agent_add(void)
{
    identity *who = &identities[identity_count];
    crypto_sign_new(&who->secrets.sign);
    crypto_box_new(&who->secrets.curve);
    crypto_random(who->secrets.record_key, CRYPTO_KEY);
    who->other_key = sim.other_key && sim_chance(SIM_WORLD, 400);
    for (unsigned i = 0; i < sim.scope_count; i++) {
        token_key *key = &who->secrets.linkage_key[who->secrets.linkage_count];
        key->epoch = 1;
        memset(key->key, (int)(i + 1 + 100 * who->other_key), CRYPTO_KEY);
        snprintf(who->secrets.linkage_scope[who->secrets.linkage_count++], BATCH_SCOPE_MAX + 1, "%s", sim_scope_name(i));
    }
    return new_process(identity_count++);
}

/* The outbox is damaged. A disk that has deceived it is replaced by its backup, or by nothing; nothing else may be a reason. */
static void take_damage(unsigned index)
{
    process *self = &processes[index];
    if (!self->deceived) {
        sim_broken("agent %u: its outbox is damaged", index);
        return;
    }
    sim_trace("disk ruined", index, 0, 0);
    if (self->up)
        agent_kill(index, false, 1000 + sim_below(SIM_FAULT, 20000));
    self->backup ? sim_disk_put(index, self->backup) : sim_disk_clear(index);
}

void agent_start(unsigned index)
{
    process *self = &processes[index];
    char path[32];
    if (self->up || sim_disk_dead(index))
        return;
    running = index;
    sim_disk_path(index, path);
    outbox_error error = outbox_open(&self->box, path, SIM_DISK_VFS);
    if (error == OUTBOX_OK) {
        credential_approval approval = {.address_count = SIM_HUBS};
        approval.addresses[0] = approval.addresses[1] = text_of("tcp://hub:1");
        memcpy(approval.hub_sign, hub_sign_key(), CRYPTO_PUBLIC);
        memcpy(approval.hub_curve, hub_curve_key(), CRYPTO_PUBLIC);
        self->loop = runtime_new(&self->home, self->box, &approval, &error);
    }
    sim_trace("agent starts", index, error, 0);
    if (error != OUTBOX_OK) {
        sim_count(open_failed);
        close_process(self);
        if (sim_disk_dead(index))
            sim_disk_died(index, false);
        if (error == OUTBOX_DAMAGED)
            take_damage(index);
        sim_later(2000 + sim_below(SIM_FAULT, 5000), SIM_EVENT_AGENT_UP, index, 0);
        return;
    }
    self->up = true;
    check_started(index);
    if (self->unknown) {
        self->unknown = false;
        if (self->queued_before == UINT64_MAX)
            self->uncertain = true;
        else if (queued_in_all(self) != self->queued_before)
            take_stage(index);
    }
    runtime_start(self->loop);
    agent_wake(index, sim.now_ms);
}

void agent_kill(unsigned index, bool power, uint64_t after_ms)
{
    process *self = &processes[index];
    running = index;
    if (power)
        sim_count(kill_power);
    else
        sim_count(kill_process);
    sim_trace("agent dies", index, power, after_ms);
    net_agent_died(index);
    sim_disk_stop(index); /* what the closing would still write is not written */
    close_process(self);
    self->deceived = self->deceived || (power && sim_disk_lied(index));
    self->restored = self->restored || self->deceived; /* as good as an older disk */
    sim_disk_died(index, power);
    if (after_ms != SIM_NEVER)
        sim_later(after_ms, SIM_EVENT_AGENT_UP, index, 0);
}

void agent_stall(unsigned index, uint64_t for_ms)
{
    processes[index].stalled_until = sim.now_ms + for_ms;
}

void agent_back_up(unsigned index)
{
    if (stage_is_ahead(agent_session_of(index), processes[index].identity))
        return;
    sim_image_destroy(&processes[index].backup);
    processes[index].backup = sim_disk_copy(index);
}

void agent_forget_backups(void)
{
    for (unsigned i = 0; i < sim.agent_count; i++)
        sim_image_destroy(&processes[i].backup);
}

bool agent_restore(unsigned index)
{
    process *self = &processes[index];
    if (!self->backup)
        return false;
    if (sim.staged)
        net_keep(index); /* without a grant between them nobody could tell its batches from another machine's */
    if (self->up && sim_chance(SIM_FAULT, 500)) {
        /* What it has just sent is still under way when the older disk speaks. */
        agent_pushes(index, false);
        sim.staged ? net_keep(index) : net_hold(index, 2000 + sim_below(SIM_FAULT, 20000));
    }
    if (self->up)
        agent_kill(index, false, sim_below(SIM_FAULT, 2) ? 10 : 1000 + sim_below(SIM_FAULT, 20000));
    sim_disk_put(index, self->backup);
    if (self->restored)
        sim_count(second_restore);
    self->restored = true;
    self->unknown = false;
    sim_count(restored);
    sim_trace("agent restored", index, 0, 0);
    return true;
}

unsigned agent_clone(unsigned from)
{
    process *original = &processes[from];
    unsigned index = new_process(original->identity);
    sim_image *image = sim_disk_copy(from);
    sim_disk_put(index, image);
    sim_image_destroy(&image);
    for (unsigned k = 0; k < sim.contract_count; k++)
        memcpy(processes[index].table[k], original->table[k], sim.fact_count * sizeof *original->table[k]);
    original->cloned = processes[index].cloned = true;
    sim_count(cloned);
    sim_trace("agent cloned", from, index, 0);
    return index;
}

unsigned agent_replace(unsigned from)
{
    unsigned index = agent_add();
    for (unsigned k = 0; k < sim.contract_count; k++)
        for (unsigned fact = 0; fact < sim.fact_count; fact++) {
            sim_content *to = &processes[index].table[k][fact];
            *to = processes[from].table[k][fact];
            if (to->value) {
                to->value = office_value(); /* what it says is another's saying now */
                check_said(processes[index].identity, k, fact, to);
            }
        }
    sim_count(replaced);
    sim_trace("agent replaced", from, index, 0);
    return index;
}

/* Time and messages. */

void agent_wake(unsigned index, uint64_t at_ms)
{
    process *self = &processes[index];
    if (at_ms < self->stalled_until)
        at_ms = self->stalled_until;
    if (at_ms < sim.now_ms)
        at_ms = sim.now_ms;
    if (self->wakes_ms > sim.now_ms && self->wakes_ms <= at_ms)
        return;
    self->wakes_ms = at_ms;
    sim_later(at_ms - sim.now_ms, SIM_EVENT_AGENT, index, ++self->tag);
}

/* After the process has done something: has it died of it, and when does it wake next? */
static void after(unsigned index)
{
    process *self = &processes[index];
    outbox_error error;
    if (sim_disk_dead(index)) {
        agent_kill(index, sim_chance(SIM_FAULT, 500), 500 + sim_below(SIM_FAULT, 20000));
        return;
    }
    if (self->damaged || (runtime_failures(self->loop, &error) > 0 && error == OUTBOX_DAMAGED)) {
        self->damaged = false;
        take_damage(index);
        return;
    }
    if (runtime_session(self->loop)->deadline_ms != UINT64_MAX)
        agent_wake(index, runtime_session(self->loop)->deadline_ms);
}

void agent_alarm_clock(unsigned index, uint64_t tag)
{
    process *self = &processes[index];
    if (!self->up || tag != self->tag)
        return;
    running = index;
    self->wakes_ms = 0;
    if (sim.now_ms < self->stalled_until) {
        agent_wake(index, self->stalled_until);
        return;
    }
    runtime_step(self->loop, NULL, 0, 0);
    check_history(index);
    after(index);
}

void agent_try_again(unsigned index)
{
    if (!processes[index].up)
        return;
    running = index;
    runtime_start(processes[index].loop);
    after(index);
}

/* The operator. */

static void stage(process *self, unsigned contract, unsigned fact, const sim_content *content)
{
    if (self->stage_count == self->stage_capacity) {
        self->stage_capacity = self->stage_capacity ? 2 * self->stage_capacity : 64;
        self->stage = realloc(self->stage, self->stage_capacity * sizeof *self->stage);
        if (!self->stage)
            abort();
    }
    self->stage[self->stage_count++] = (staged){contract, fact, *content};
}

/* One contract's export, and what is accepted by it. */
static sim_export *make_export(process *self, unsigned contract, bool complete, bool last)
{
    static bool touched[SIM_FACTS_MAX];
    sim_export *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    made->contract = contract;
    made->key = &self->home.secrets->linkage_key[sim_scope_of(contract)];
    made->terms = (wire_contract){.id = text_of(sim_contract_name(contract)), .title = text_of("Contrat"),
                                  .scope = text_of(sim_scope_name(sim_scope_of(contract)))};
    if (last && !self->cloned) /* two machines have something to say that is each one's own */
        memset(touched, 0, sizeof touched);
    else
        office_edit(self->identity, contract, self->table[contract], self->before[contract], self->forgotten, touched);
    for (unsigned fact = 0; fact < sim.fact_count; fact++) {
        const sim_content *one = &self->table[contract][fact];
        if (complete && !last && sim_chance(SIM_OPERATOR, 10)) { /* a row in error */
            memcpy(made->retained[made->retained_count++], sim_key(contract, fact), RECORD_KEY);
            sim_count(push_retained);
        } else if (one->value && (complete || touched[fact])) {
            made->facts[made->count] = fact;
            made->contents[made->count++] = *one;
            stage(self, contract, fact, one);
        } else if (complete) {
            stage(self, contract, fact, &(sim_content){0});
        }
    }
    return made;
}

static void take_stage(unsigned index)
{
    const process *self = &processes[index];
    for (unsigned i = 0; i < self->stage_count; i++)
        check_accepted(index, self->stage[i].contract, self->stage[i].fact, &self->stage[i].content);
}

static enqueue_error unread(enqueue_result *result)
{
    *result = (enqueue_result){.outbox = OUTBOX_CANNOT_OPEN};
    return ENQUEUE_OUTBOX;
}

/* True when it was accepted. */
static bool push(unsigned index, bool last)
{
    process *self = &processes[index];
    sim_export *exports[SIM_CONTRACTS_MAX];
    export_result results[SIM_CONTRACTS_MAX];
    bool complete = last || sim_chance(SIM_OPERATOR, 800);
    static const persons nobody; /* records alone are simulated: no table is behind them */
    export all = {.results = results, .people = &nobody};
    bool readable = true;
    enqueue_result result;
    self->stage_count = 0;
    if (!complete)
        sim_count(push_partial);
    for (unsigned k = 0; k < sim.contract_count; k++) {
        if (!last && sim.contract_count > 1 && sim_chance(SIM_OPERATOR, 400))
            continue;
        exports[all.result_count] = make_export(self, k, complete, last);
        readable = readable && sim_export_trail(exports[all.result_count], self->box, self->home.secrets->record_key, complete);
        sim_export_result(exports[all.result_count], complete, &results[all.result_count]);
        all.result_count++;
    }
    self->queued_before = queued_in_all(self);
    bool allow = last || sim_chance(SIM_OPERATOR, 200);
    enqueue_error error = readable ? enqueue(self->box, &self->home, &all, allow, &result) : unread(&result);
    if (error == ENQUEUE_TOO_MANY_WITHDRAWALS) {
        sim_count(push_refused_withdrawals);
        if (sim_chance(SIM_OPERATOR, 600))
            error = enqueue(self->box, &self->home, &all, true, &result);
    }
    sim_trace("push", index, error, result.batches);
    sim_trace("  complete, contracts, unchanged", complete, all.result_count, result.unchanged);
    if (error == ENQUEUE_OK) {
        sim_count(push_accepted);
        take_stage(index);
        if (self->stage_count == sim.fact_count * sim.contract_count)
            self->uncertain = false;
    } else if (error == ENQUEUE_OUTBOX && sim_disk_dead(index)) {
        sim_count(push_unknown);
        self->unknown = true;
    } else if (error == ENQUEUE_OUTBOX) {
        sim_count(push_failed);
        uint64_t queued = queued_in_all(self);
        if (queued != self->queued_before || queued == UINT64_MAX) {
            sim_count(push_failed_done);
            self->uncertain = true;
        }
        self->damaged = result.outbox == OUTBOX_DAMAGED;
        if (last && !(self->damaged && self->deceived))
            sim_broken("agent %u: the last push failed (%d)", index, (int)result.outbox);
    }
    for (unsigned i = 0; i < all.result_count; i++)
        free(exports[i]);
    return error == ENQUEUE_OK;
}

bool agent_pushes(unsigned index, bool last)
{
    process *self = &processes[index];
    if (!self->up || (!last && sim.now_ms < self->stalled_until))
        return false;
    running = index;
    outbox_error error = last ? OUTBOX_OK : office_forgets(index, self->box, &self->home, self->table, self->before, &self->forgotten);
    self->uncertain = self->uncertain || error != OUTBOX_OK; /* it may be there all the same */
    self->damaged = self->damaged || error == OUTBOX_DAMAGED;
    bool accepted = push(index, last);
    if (!sim_disk_dead(index)) {
        outbox_error told = runtime_queued(self->loop);
        if (told != OUTBOX_OK)
            sim_trace("not told", index, told, 0);
    }
    after(index);
    return accepted;
}

/* What others ask. */

void agent_alarm(int of, wire_refusal reason)
{
    if (reason == WIRE_REFUSAL_FORK)
        identities[of].fork_alarms++;
}

bool agent_is_up(unsigned index)
{
    return processes[index].up;
}

const agent_session *agent_session_of(unsigned index)
{
    return processes[index].up ? runtime_session(processes[index].loop) : NULL;
}

unsigned agent_identity(unsigned index)
{
    return processes[index].identity;
}

bool agent_is_restored(unsigned index)
{
    return processes[index].restored;
}

bool agent_is_uncertain(unsigned index)
{
    return processes[index].uncertain;
}

bool agent_is_cloned(unsigned index)
{
    return processes[index].cloned;
}

bool agent_is_revoked(unsigned index)
{
    return processes[index].revoked;
}

void agent_set_revoked(unsigned index)
{
    processes[index].revoked = true;
}

uint64_t agent_fork_alarms(unsigned of)
{
    return identities[of].fork_alarms;
}

bool agent_is_idle(unsigned index)
{
    const agent_session *session = agent_session_of(index);
    if (!session)
        return false;
    if (session->state == AGENT_SESSION_STOPPED || (processes[index].revoked && session->stop == AGENT_STOP_NOT_ADMITTED))
        return true;
    if (session->state != AGENT_SESSION_FLOWING || processes[index].revoked)
        return false;
    for (unsigned i = 0; i < session->scope_count; i++) {
        const agent_session_scope *scope = &session->scopes[i];
        if (scope->stop == AGENT_STOP_NONE && (scope->acknowledged < scope->queued || scope->committed < scope->queued))
            return false;
    }
    return true;
}

outbox *agent_outbox(unsigned index)
{
    running = index;
    return processes[index].box;
}

const sim_content *agent_table(unsigned index, unsigned contract)
{
    return processes[index].table[contract];
}

unsigned agent_identity_count(void)
{
    return identity_count;
}

void agent_identity_keys(unsigned of, uint8_t sign[CRYPTO_PUBLIC], uint8_t curve[CRYPTO_PUBLIC])
{
    memcpy(sign, identities[of].secrets.sign.public_key, CRYPTO_PUBLIC);
    memcpy(curve, identities[of].secrets.curve.public_key, CRYPTO_PUBLIC);
}

int agent_identity_by_sign(const uint8_t sign[CRYPTO_PUBLIC])
{
    for (unsigned i = 0; i < identity_count; i++)
        if (memcmp(identities[i].secrets.sign.public_key, sign, CRYPTO_PUBLIC) == 0)
            return (int)i;
    return -1;
}

const uint8_t *agent_curve_key(unsigned index)
{
    return identities[processes[index].identity].secrets.curve.public_key;
}
