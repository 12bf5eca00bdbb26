/* writer: see the header. */
#include "writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logline.h"
#include "store_status.h"

/* Batches whose bodies were read before their turn, and the memory of the commit that they are for. Empty between commits: `now`. */
typedef struct {
    arena *memory;
    unsigned count;
    const job *of[WRITER_MERGE_BATCHES];
    store_reading *items[WRITER_MERGE_BATCHES];
} readings;

struct writer {
    pthread_t thread;
    job_queue *queue, *answers;
    store_options options;
    store *store;
    job *pending;            /* taken from the queue */
    readings now, next;      /* of the batches that are being committed; of those that come after them */
    uint64_t retry_ms;       /* the next back-off */
    uint64_t not_before_ms;  /* no try before this moment */
    unsigned faults;         /* in a row */
    unsigned aside;          /* batches put in quarantine since the last good one; the first was this agent's: */
    uint8_t aside_agent[CRYPTO_PUBLIC];
    bool aside_several;      /* and others were of others */
    atomic_bool failed;
};

/* Of what was read, of the refusals of a whole commit, and of what the store needs beside. */
enum { WRITER_SCRATCH_BYTES = 64 * 1024 * 1024 };

static uint64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t) at.tv_sec * 1000 + (uint64_t) at.tv_nsec / 1000000;
}

/* May the database be tried now? */
static bool ready(writer *self)
{
    return now_ms() >= self->not_before_ms;
}

/* Notes how the database answered: keeps the back-off and the count of faults. */
static void note(writer *self, database_error error)
{
    if (error == DATABASE_OK || error == DATABASE_NOT_FOUND) {
        if (self->retry_ms)
            logline(LOGLINE_NOTICE, "the database answers again");
        self->retry_ms = 0;
        self->faults = 0;
        return;
    }
    if (error == DATABASE_DATA)
        return; /* of one of the batches: it is looked for */
    /* A fault is of the batches, or of everything; the database itself answers. */
    if (error == DATABASE_FAULT) {
        logline(LOGLINE_ERROR, "the store failed: %s", self->store ? store_explain(self->store) : "no memory");
        if (++self->faults >= WRITER_FAULTS_MAX)
            atomic_store(&self->failed, true);
        return;
    }
    if (!self->retry_ms)
        logline(LOGLINE_ERROR, "the database cannot be used, agents are asked to come again: %s",
                self->store ? store_explain(self->store) : "no memory");
    self->retry_ms = self->retry_ms ? 2 * self->retry_ms : WRITER_RETRY_MS_MIN;
    if (self->retry_ms > WRITER_RETRY_MS_MAX)
        self->retry_ms = WRITER_RETRY_MS_MAX;
    self->not_before_ms = now_ms() + self->retry_ms;
}

static void load(writer *self, job *what)
{
    static const wire_position nowhere;
    const wire_position *hello = NULL;
    unsigned count = 0;
    if (what->type == JOB_LOAD) {
        count = what->message.hello.scope_count;
        hello = count > 0 ? what->message.hello.scopes : &nowhere;
    }
    what->stored = HUB_STORED_LATER;
    what->state = (store_state) {0};
    if (!ready(self))
        return;
    database_error error = store_load_state(self->store, what->agent, hello, count, what->scratch,
                                            &what->state);
    note(self, error);
    if (error == DATABASE_OK)
        what->stored = what->state.forked ? HUB_STORED_FORK : HUB_STORED_COMMITTED;
    else if (error == DATABASE_NOT_FOUND)
        what->stored = HUB_STORED_NO_RIGHT;
    if (error == DATABASE_OK && what->type == JOB_LOAD)
        note(self, store_status_note_contact(self->store, what->agent));
}

static void ask(writer *self, job *what)
{
    what->answer = (store_answer) { .stored = HUB_STORED_LATER };
    if (ready(self))
        note(self, store_ask(self->store, what->agent, &what->message, what->scratch, &what->answer));
}

static void note_alarm(writer *self, const job *what)
{
    if (ready(self))
        note(self, store_status_note_alarm(self->store, what->agent, what->alarm.reason,
                                           text_of(what->alarm.scope),
                                           what->alarm.sequence));
}

/* The outcome is the job's from now on: its refusals move to the job's own memory. */
static void keep(job *what, const store_outcome *outcome)
{
    what->outcome = *outcome;
    what->outcome.refusals = NULL;
    if (outcome->refusal_count == 0)
        return;
    size_t size = outcome->refusal_count * sizeof *outcome->refusals;
    what->outcome.refusals = arena_take(what->scratch, size);
    if (what->outcome.refusals)
        memcpy(what->outcome.refusals, outcome->refusals, size);
    else
        /* Committed, but it cannot be said how: the agent comes again and is told then. */
        what->outcome = (store_outcome) { .stored = HUB_STORED_LATER };
}

static store_reading *find_reading(readings *of, const job *what)
{
    for (unsigned i = 0; i < of->count; i++)
        if (of->of[i] == what)
            return of->items[i];
    return NULL;
}

static void forget_readings(readings *of)
{
    of->count = 0;
    arena_clear(of->memory);
}

/*
 * While the database ends one transaction: reads what the next one will bring. It is only read: whether these batches are
 * joined, and whether they come to the store at all, is decided when it is their turn.
 */
static void read_ahead(void *whom)
{
    writer *self = whom;
    readings *to = &self->next;
    uint64_t bytes = 0;
    job **end = &self->pending;
    while (*end)
        end = &(*end)->next;
    *end = job_queue_take(self->queue);
    for (const job *at = self->pending; at && at->type == JOB_STORE && to->count < WRITER_MERGE_BATCHES; at = at->next) {
        bytes += at->bytes;
        if (bytes > WRITER_MERGE_BYTES)
            return;
        if (at->quarantine || find_reading(to, at))
            continue;
        to->items[to->count] = store_reading_new(&at->header, at->message.batch.bodies, at->message.batch.body_count, to->memory);
        if (!to->items[to->count])
            return;
        to->of[to->count++] = at;
    }
}

/* Commits a run of batches in one transaction; data: they do not fit the tables, their numbers alone shall be committed. */
static database_error put(writer *self, job *const *run, unsigned count, bool data)
{
    store_batch batches[WRITER_MERGE_BATCHES];
    store_outcome outcomes[WRITER_MERGE_BATCHES];
    const readings ahead = self->next;
    self->next = self->now;
    self->now = ahead;
    for (unsigned i = 0; i < count; i++) {
        const wire_message *message = &run[i]->message;
        batches[i] = (store_batch) {
            .header = &run[i]->header,
            .header_bytes = message->batch.header,
            .signature = message->batch.signature,
            .body_count = message->batch.body_count,
            .bodies = message->batch.bodies,
            .reading = find_reading(&self->now, run[i]),
            .quarantine = run[i]->quarantine ? STORE_QUARANTINE_HEADER : data ? STORE_QUARANTINE_DATA : STORE_QUARANTINE_NONE,
            .message = run[i]->frame,
        };
        outcomes[i] = (store_outcome) { .stored = HUB_STORED_LATER };
        run[i]->outcome = outcomes[i];
    }
    database_error error = DATABASE_LATER;
    if (ready(self)) {
        error = store_put(self->store, batches, count, self->now.memory, outcomes);
        note(self, error);
    }
    for (unsigned i = 0; i < count; i++) {
        if (outcomes[i].stored == HUB_STORED_COMMITTED && !outcomes[i].quarantined)
            self->aside = 0;
        keep(run[i], &outcomes[i]);
    }
    forget_readings(&self->now);
    return error;
}

/* May the batch be committed together with the run? Batches of a scope go up by sequence in it. */
static bool joins(const job *what, job *const *run, unsigned count, uint64_t bytes)
{
    if (count == WRITER_MERGE_BATCHES || bytes + what->bytes > WRITER_MERGE_BYTES)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (memcmp(run[i]->agent, what->agent, CRYPTO_PUBLIC) == 0 && text_equal(run[i]->header.scope,
                what->header.scope)
            && run[i]->header.sequence >= what->header.sequence)
            return false;
    return true;
}

/* A batch that failed, perhaps by another's fault; if it is its own, it goes to quarantine, so that what follows it can come. */
static void put_alone(writer *self, job *what)
{
    database_error error = put(self, &what, 1, false);
    if (error != DATABASE_DATA)
        return; /* noted; the outcome says the rest */
    if (self->aside == 0)
        memcpy(self->aside_agent, what->agent, CRYPTO_PUBLIC);
    self->aside_several = self->aside > 0
        && (self->aside_several || memcmp(self->aside_agent, what->agent, CRYPTO_PUBLIC) != 0);
    if (self->aside >= WRITER_ASIDE_MAX && self->aside_several) {
        logline(LOGLINE_ERROR, "no batch fits the tables any more: it is not the batches");
        atomic_store(&self->failed, true);
        return;
    }
    if (self->aside < WRITER_ASIDE_MAX)
        self->aside++;
    logline(LOGLINE_ERROR, "a batch does not fit the tables: scope %.*s, sequence %llu: it goes to quarantine",
            (int) what->header.scope.size, what->header.scope.at, (unsigned long long) what->header.sequence);
    if (put(self, &what, 1, true) == DATABASE_DATA)
        note(self, DATABASE_FAULT); /* not even that fits: it is not the batch */
}

static job *take_pending(writer *self)
{
    job *first = self->pending;
    self->pending = first->next;
    return first;
}

/* Takes the leading batches that can be committed together, commits and answers them. */
static void store_run(writer *self)
{
    job *run[WRITER_MERGE_BATCHES];
    unsigned count = 0;
    uint64_t bytes = 0;
    while (self->pending && self->pending->type == JOB_STORE && (count == 0 || joins(self->pending, run, count, bytes))) {
        bytes += self->pending->bytes;
        run[count++] = take_pending(self);
    }
    database_error error = put(self, run, count, false);
    if (error == DATABASE_DATA || (error == DATABASE_FAULT && count > 1))
        for (unsigned i = 0; i < count; i++)
            put_alone(self, run[i]);
    for (unsigned i = 0; i < count; i++)
        job_queue_push(self->answers, run[i]);
    if (self->options.committed && !self->retry_ms) /* after the answers: nobody waits for what begins now */
        self->options.committed(self->options.whom);
}

static void *work(void *argument)
{
    writer *self = argument;
    for (;;) {
        self->pending = job_queue_wait(self->queue, -1);
        if (!self->pending && job_queue_closed(self->queue))
            return NULL;
        while (self->pending) {
            if (self->pending->type == JOB_STORE) {
                store_run(self);
                continue;
            }
            job *what = take_pending(self);
            if (what->type == JOB_ALARM)
                note_alarm(self, what);
            else if (what->type == JOB_ASK)
                ask(self, what);
            else
                load(self, what);
            job_queue_push(self->answers, what);
        }
    }
}

writer *writer_new(const store_options *options, job_queue *answers)
{
    writer *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->options = *options;
    self->options.claim = false;
    self->answers = answers;
    self->queue = job_queue_new();
    self->now.memory = arena_new(WRITER_SCRATCH_BYTES);
    self->next.memory = arena_new(WRITER_SCRATCH_BYTES);
    if (self->queue && self->now.memory && self->next.memory) {
        note(self, store_open(&self->store, &self->options));
        if (self->store)
            store_set_meanwhile(self->store, (store_meanwhile){.work = read_ahead, .whom = self});
        if (self->store && pthread_create(&self->thread, NULL, work, self) == 0)
            return self;
    }
    store_destroy(&self->store);
    arena_destroy(&self->now.memory);
    arena_destroy(&self->next.memory);
    job_queue_destroy(&self->queue);
    free(self);
    return NULL;
}

void writer_destroy(writer **self)
{
    if (!self || !*self)
        return;
    writer *gone = *self;
    job_queue_close(gone->queue);
    pthread_join(gone->thread, NULL);
    store_destroy(&gone->store);
    arena_destroy(&gone->now.memory);
    arena_destroy(&gone->next.memory);
    job_queue_destroy(&gone->queue);
    free(gone);
    *self = NULL;
}

void writer_give(writer *self, job *what)
{
    job_queue_push(self->queue, what);
}

bool writer_failed(const writer *self)
{
    return atomic_load(&self->failed);
}
