/* sim_hub: see the header. */
#include "sim_hub.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hub_talk.h"
#include "sim_agent.h"
#include "sim_base.h"
#include "sim_check.h"
#include "sim_net.h"

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*work)(void *), void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);

enum { QUEUES_MAX = 4, TICK_MS = 1000, LOOK_EVERY_MS = 30 * 1000, RESTART_MS = 5000, WRITER_WAIT_MS_MAX = 30 * 1000 };

/* A queue of jobs, each taken no earlier than its time. */
typedef struct {
    job *what;
    uint64_t ready_ms;
} queued;

struct job_queue {
    unsigned hub;
    int writer; /* -1: of the answers */
    queued *items;
    unsigned count, capacity;
    bool closed;
};

typedef struct {
    void *(*work)(void *);
    void *argument;
    uint64_t free_ms; /* until then it is at its last commit */
    bool called;
} thread;

typedef struct {
    bool up;
    uint64_t life, looked_ms;
    hub_talk talk;
    gate *who;
    store_options store;
    hub_link_options options;
    hub_inbound in;
    int64_t held_bytes; /* of messages that it is not done with */
    job_queue *queues[QUEUES_MAX];
    unsigned queue_count;
    thread threads[QUEUES_MAX];
    unsigned thread_count;
} hub;

static hub hubs[SIM_HUBS];
static hub_keys keys;
static hub *current;         /* whose code runs */
static uint64_t writer_wait; /* what the writer's round has taken so far */
static bool dying;           /* threads are not waited for */

unsigned hub_current(void)
{
    assert(current);
    return (unsigned)(current - hubs);
}

unsigned hub_of_router(const void *router)
{
    return (unsigned)((const hub *)router - hubs);
}

hub_inbound *hub_inbound_of(void *router)
{
    return &((hub *)router)->in;
}

void hub_holds(unsigned which, int64_t bytes)
{
    hubs[which].held_bytes += bytes;
    if (hubs[which].held_bytes < 0)
        sim_broken("hub %u is done with more than it was given", which);
}

int64_t hub_held(unsigned which)
{
    return hubs[which].held_bytes;
}

void hub_writer_waits(uint64_t delay_ms)
{
    writer_wait = writer_wait + delay_ms < WRITER_WAIT_MS_MAX ? writer_wait + delay_ms : WRITER_WAIT_MS_MAX;
}

const uint8_t *hub_sign_key(void)
{
    return keys.sign.public_key;
}

const uint8_t *hub_curve_key(void)
{
    return keys.curve.public_key;
}

/* Threads: a writer's runs one round whenever it is called. */

int __wrap_pthread_create(pthread_t *made, const pthread_attr_t *how, void *(*work)(void *), void *argument)
{
    (void)how;
    assert(current && current->thread_count < QUEUES_MAX);
    current->threads[current->thread_count] = (thread){.work = work, .argument = argument};
    *made = (pthread_t)current->thread_count++;
    return 0;
}

int __wrap_pthread_join(pthread_t which, void **result)
{
    (void)result;
    if (!dying) {
        writer_wait = 0;
        current->threads[(size_t)which].work(current->threads[(size_t)which].argument);
    }
    return 0;
}

/* Queues. */

job_queue *job_queue_new(void)
{
    job_queue *self = calloc(1, sizeof *self);
    if (!self)
        abort();
    assert(current->queue_count < QUEUES_MAX);
    self->hub = hub_current();
    self->writer = (int)current->queue_count - 1; /* hub_talk makes the one for the answers first */
    current->queues[current->queue_count++] = self;
    return self;
}

void job_queue_destroy(job_queue **self)
{
    if (!self || !*self)
        return;
    hub *of = &hubs[(*self)->hub];
    for (unsigned i = 0; i < of->queue_count; i++)
        if (of->queues[i] == *self)
            of->queues[i] = NULL;
    for (unsigned i = 0; i < (*self)->count; i++)
        parcel_give(&of->talk.pool, (parcel *)(*self)->items[i].what);
    free((*self)->items);
    free(*self);
    *self = NULL;
}

void job_queue_push(job_queue *self, job *what)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 16;
        self->items = realloc(self->items, self->capacity * sizeof *self->items);
        if (!self->items)
            abort();
    }
    hub *of = &hubs[self->hub];
    what->next = NULL;
    if (self->writer < 0) {
        self->items[self->count++] = (queued){what, sim.now_ms + writer_wait};
        sim_later(writer_wait, SIM_EVENT_HUB_ANSWERS, self->hub, of->life);
        return;
    }
    self->items[self->count++] = (queued){what, sim.now_ms};
    thread *its = &of->threads[self->writer];
    if (its->called)
        return;
    its->called = true;
    uint64_t delay = its->free_ms > sim.now_ms ? its->free_ms - sim.now_ms : sim_below(SIM_BASE, 3);
    sim_later(delay, SIM_EVENT_HUB_WORK, self->hub, of->life << 8 | (unsigned)self->writer);
}

job *job_queue_take(job_queue *self)
{
    job *first = NULL, **last = &first;
    unsigned kept = 0;
    for (unsigned i = 0; i < self->count; i++) {
        if (self->items[i].ready_ms > sim.now_ms && !self->closed && self->writer < 0 && hubs[self->hub].up) {
            self->items[kept++] = self->items[i];
            continue;
        }
        *last = self->items[i].what;
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    self->count = kept;
    return first;
}

job *job_queue_wait(job_queue *self, int timeout_ms)
{
    (void)timeout_ms;
    return job_queue_take(self);
}

int job_queue_descriptor(const job_queue *self)
{
    (void)self;
    return -1;
}

void job_queue_close(job_queue *self)
{
    self->closed = true;
}

/* A round ends when there is nothing more. */
bool job_queue_closed(job_queue *self)
{
    return self->count == 0;
}

/* The life of a hub. */

void hub_reset(void)
{
    for (unsigned i = 0; i < SIM_HUBS; i++) {
        hub_kill(i);
        hubs[i].life = 0;
    }
    memset(&keys, 0, sizeof keys);
    crypto_sign_new(&keys.sign);
    crypto_box_new(&keys.curve);
}

static void read_gate(hub *self)
{
    const base *now = base_now();
    admission *table = admission_new();
    bool good = table != NULL;
    for (unsigned i = 0; good && i < agent_identity_count(); i++) {
        if (!now->agents[i].there)
            continue;
        admission_entry entry = {.revoked = now->agents[i].revoked};
        agent_identity_keys(i, entry.sign, entry.curve);
        snprintf(entry.name, sizeof entry.name, "agent-%u", i);
        good = admission_add(table, &entry);
    }
    good = good && admission_seal(table);
    assert(good);
    gate_replace(self->who, &table);
    self->looked_ms = sim.now_ms;
}

void hub_start(unsigned which)
{
    hub *self = &hubs[which];
    if (self->up)
        return;
    uint64_t life = self->life + 1;
    *self = (hub){.up = true, .life = life};
    current = self;
    self->who = gate_new();
    assert(self->who);
    self->store.stable_at_commit = sim.stable_at_commit;
    self->options = (hub_link_options){
        .keys = &keys, .who = self->who, .writers = 1 + (unsigned)(sim.seed >> 7 & 1), .store = &self->store};
    bool good = hub_talk_init(&self->talk, self, (sluice *)self, &self->options);
    assert(good);
    read_gate(self);
    current = NULL;
    sim_trace("hub starts", which, life, 0);
    sim_later(TICK_MS, SIM_EVENT_HUB_TICK, which, life);
}

static void end(hub *self)
{
    unsigned which = (unsigned)(self - hubs);
    hub_talk_release(&self->talk);
    gate_destroy(&self->who);
    self->up = false;
    current = NULL;
    net_hub_died(which);
}

void hub_kill(unsigned which)
{
    if (!hubs[which].up)
        return;
    sim_trace("hub dies", which, 0, 0);
    current = &hubs[which];
    dying = true;
    end(current);
    dying = false;
}

void hub_stop(unsigned which)
{
    if (!hubs[which].up)
        return;
    sim_trace("hub stops", which, 0, 0);
    current = &hubs[which];
    hub_talk_finish(&current->talk, sim.now_ms);
    end(current);
}

bool hub_is_up(unsigned which)
{
    return hubs[which].up;
}

uint64_t hub_life(unsigned which)
{
    return hubs[which].life;
}

bool hub_admits(unsigned which, const uint8_t curve[CRYPTO_PUBLIC])
{
    admission_entry entry;
    return gate_find(hubs[which].who, curve, &entry);
}

/* What happens to it. */

void hub_notify(bool lost)
{
    if (lost)
        sim_count(notice_lost);
    for (unsigned i = 0; i < SIM_HUBS && !lost; i++)
        if (hubs[i].up)
            sim_later(sim_below(SIM_BASE, 50), SIM_EVENT_HUB_NOTICE, i, hubs[i].life);
}

void hub_notice(unsigned which)
{
    hub *self = current = &hubs[which];
    read_gate(self);
    hub_talk_recheck(&self->talk, sim.now_ms);
    current = NULL;
}

void hub_tick(unsigned which)
{
    hub *self = current = &hubs[which];
    (void)peer_sweep(self->talk.peers, sim.now_ms, TICK_MS);
    if (self->talk.recheck_ms && sim.now_ms >= self->talk.recheck_ms)
        hub_talk_recheck(&self->talk, sim.now_ms);
    for (unsigned i = 0; i < self->talk.writer_count; i++)
        if (writer_failed(self->talk.writers[i])) {
            sim_count(hub_stopped);
            hub_stop(which);
            sim_later(RESTART_MS, SIM_EVENT_HUB_UP, which, self->life);
            return;
        }
    if (sim.now_ms - self->looked_ms >= LOOK_EVERY_MS)
        hub_notice(which);
    current = NULL;
    sim_later(TICK_MS, SIM_EVENT_HUB_TICK, which, self->life);
}

void hub_work(unsigned which, unsigned at)
{
    hub *self = current = &hubs[which];
    thread *its = &self->threads[at];
    its->called = false;
    writer_wait = 0;
    its->work(its->argument);
    its->free_ms = sim.now_ms + writer_wait;
    writer_wait = 0;
    current = NULL;
}

void hub_answers(unsigned which)
{
    current = &hubs[which];
    hub_talk_answers(&current->talk, sim.now_ms);
    current = NULL;
}

void hub_receives(unsigned which, unsigned connection, const void *data, size_t size)
{
    hub *self = current = &hubs[which];
    (void)peer_sweep(self->talk.peers, sim.now_ms, TICK_MS);
    self->in = (hub_inbound){.connection = connection, .data = data, .size = size, .waiting = true};
    while (self->in.waiting && hub_talk_receive(&self->talk, sim.now_ms))
        continue;
    current = NULL;
}

void hub_says(unsigned connection, text_view frame)
{
    wire_message message;
    arena *scratch = arena_new(16 * WIRE_SCRATCH_BYTES);
    if (!scratch)
        abort();
    if (!wire_read(&message, scratch, frame)) {
        sim_broken("a hub says what cannot be read");
    } else if (message.type == WIRE_ACK) {
        if (message.ack.refusal_count > 0)
            sim_count(ack_refusals);
        check_acknowledged(agent_identity(net_agent_of(connection)), message.ack.receipt);
    } else if (message.type == WIRE_REFUSED && message.refused.reason == WIRE_REFUSAL_BUSY) {
        sim_count(busy_answered);
    } else if (message.type == WIRE_CONTRACTS) {
        sim_count(said_contracts);
    } else if (message.type == WIRE_GRANTED) {
        sim_count(said_granted);
    } else if (message.type == WIRE_DIGESTS) {
        sim_count(said_digests);
    } else if (message.type == WIRE_LISTED) {
        sim_count(said_listed);
    }
    arena_destroy(&scratch);
}
