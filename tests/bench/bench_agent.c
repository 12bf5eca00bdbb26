/*
 * bench_agent: an agent's own code (outbox, batches, session, link) under load, for tests/bench/run:
 *
 *   bench_agent fill HOME CONTRACT FROM COUNT VERSION    signs and queues that many invented records, durably
 *   bench_agent send HOME                                says "ready", waits for a line, sends all that is queued
 *   bench_agent latency HOME CONTRACT FROM COUNT EVERY_MS [CONNINFO SQL]
 *                                                        one record at a time, and until SQL's number has grown by it
 *
 * The home is one that `ctai-agent init`, `join` and `key accept` have made. Results are lines of numbers on standard
 * output; moments are nanoseconds of the monotonic clock. Any error ends it with 1.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "batcher.h"
#include "bench_rows.h"
#include "runtime.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024, STEP_MS = 1000, STILL_MS = 120 * 1000, PAUSE_NS = 200 * 1000 };

typedef struct {
    agent_home home;
    outbox *box;
    arena *memory;
    credential_approval approval;
    bench_rows rows;
} office;

static _Noreturn void give_up(const char *why)
{
    (void)fprintf(stderr, "bench_agent: %s\n", why);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

static void open_office(office *self, const char *folder)
{
    agent_home_result result;
    char path[PATH_MAX];
    *self = (office){.memory = arena_new(MEMORY_BYTES)};
    if (self->memory == NULL || agent_home_open(&self->home, folder, true, &result) != AGENT_HOME_OK)
        give_up("the home cannot be taken");
    if (!home_path(&self->home.folder, "etat.sqlite", path) || outbox_open(&self->box, path, NULL) != OUTBOX_OK)
        give_up("the outbox cannot be opened");
    if (agent_home_approval(&self->home, &self->approval, self->memory, &result) != AGENT_HOME_OK)
        give_up("no approval");
}

static void close_office(office *self)
{
    outbox_close(&self->box);
    agent_home_close(&self->home);
    arena_destroy(&self->memory);
}

static void choose(office *self, const char *contract)
{
    for (unsigned i = 0; i < self->approval.contract_count; i++)
        if (text_is(self->approval.contracts[i].id, contract))
            self->rows.contract = &self->approval.contracts[i];
    if (self->rows.contract == NULL)
        give_up("no such contract in the approval");
    if (agent_home_keys(&self->home, self->rows.contract->scope, &self->rows.key) == 0)
        give_up("no linkage key of the scope");
    self->rows.record_key = self->home.secrets->record_key;
}

typedef struct {
    uint8_t key[RECORD_KEY];
    uint64_t number;
} keyed;

static int compare(const void *one, const void *other)
{
    return memcmp(((const keyed *)one)->key, ((const keyed *)other)->key, RECORD_KEY);
}

/* Batches of these records, in the order of their keys, as a push makes them. */
static void queue(office *self, const keyed *all, size_t count, unsigned version, bool one)
{
    if (outbox_begin(self->box) != OUTBOX_OK)
        give_up("the outbox cannot be written");
    batcher *batches = batcher_new(self->box, &self->home, self->rows.contract->scope);
    if (batches == NULL)
        give_up("no memory");
    batcher_use_keys(batches, self->rows.key, 1);
    for (size_t i = 0; i < count; i++) {
        record what;
        if (one)
            bench_rows_one(&self->rows, all[i].number, &what);
        else
            bench_rows_record(&self->rows, all[i].number, version, &what);
        batcher_add(batches, &what);
    }
    batcher_end(batches, NULL);
    batcher_destroy(&batches);
    if (outbox_commit(self->box) != OUTBOX_OK)
        give_up("the outbox cannot be written");
}

static void fill(office *self, uint64_t from, uint64_t count, unsigned version)
{
    keyed *all = calloc(count + 1, sizeof *all);
    if (all == NULL)
        give_up("no memory");
    for (uint64_t i = 0; i < count; i++) {
        all[i].number = from + i;
        bench_rows_key(&self->rows, from + i, all[i].key);
    }
    qsort(all, count, sizeof *all, compare);
    uint64_t begun = now_ns();
    queue(self, all, count, version, false);
    (void)printf("%" PRIu64 " %" PRIu64 "\n", begun, now_ns());
    free(all);
}

static runtime *open_loop(office *self)
{
    outbox_error error;
    runtime *loop = runtime_new(&self->home, self->box, &self->approval, &error);
    if (loop == NULL)
        give_up("no loop");
    return loop;
}

/* Until all is acknowledged, in the outbox too; gives up when nothing moves for long, or somebody has to act. */
static void settle(runtime *loop)
{
    uint64_t left = UINT64_MAX, moved_ms = runtime_now_ms();
    for (;;) {
        uint64_t pending = agent_session_pending(runtime_session(loop));
        if (pending == 0)
            return;
        if (pending != left)
            moved_ms = runtime_now_ms();
        left = pending;
        if (runtime_now_ms() - moved_ms > STILL_MS || runtime_session(loop)->state == AGENT_SESSION_STOPPED)
            give_up("the hub does not acknowledge");
        runtime_step(loop, NULL, 0, STEP_MS);
    }
}

/* "begun, first acknowledgement, ended, records, refused, peak memory in KiB, microseconds of processor". */
static void send_all(office *self)
{
    char line[16];
    struct rusage before, after;
    runtime *loop = open_loop(self);
    (void)puts("ready");
    (void)fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        give_up("not told to begin");
    (void)getrusage(RUSAGE_SELF, &before);
    uint64_t begun = now_ns(), first = 0, pending = agent_session_pending(runtime_session(loop));
    runtime_start(loop);
    while (first == 0 && agent_session_pending(runtime_session(loop)) == pending && pending > 0
           && now_ns() - begun < (uint64_t)STILL_MS * 1000000U)
        runtime_step(loop, NULL, 0, STEP_MS);
    first = now_ns();
    settle(loop);
    uint64_t ended = now_ns();
    (void)getrusage(RUSAGE_SELF, &after);
    const outbox_tally *tally = runtime_tally(loop);
    long spent = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000
        + after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %ld %ld\n", begun, first, ended, tally->records,
                 tally->refused, after.ru_maxrss, spent);
    runtime_destroy(&loop);
}

/* The number that the cell's question answers. */
static double ask(PGconn *reader, const char *sql)
{
    PGresult *result = PQexec(reader, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        give_up(PQerrorMessage(reader));
    double value = strtod(PQgetvalue(result, 0, 0), NULL);
    PQclear(result);
    return value;
}

static PGconn *open_reader(const char *conninfo)
{
    PGconn *reader = PQconnectdb(conninfo);
    if (PQstatus(reader) != CONNECTION_OK)
        give_up(PQerrorMessage(reader));
    return reader;
}

/*
 * A line for each record: nanoseconds until it was queued durably, from there to the acknowledgement (written down
 * durably), from the same to the moment at which a reader who asks again and again has the cell with it.
 */
static void time_each(office *self, uint64_t from, uint64_t count, int every_ms, const char *conninfo, const char *sql)
{
    runtime *loop = open_loop(self);
    PGconn *reader = conninfo ? open_reader(conninfo) : NULL;
    runtime_start(loop);
    while (runtime_session(loop)->state != AGENT_SESSION_FLOWING)
        runtime_step(loop, NULL, 0, STEP_MS);
    settle(loop);
    double value = reader ? ask(reader, sql) : 0;
    (void)puts("ready");
    (void)fflush(stdout);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t due_ms = runtime_now_ms() + (uint64_t)every_ms;
        const keyed next = {.number = from + i};
        uint64_t begun = now_ns();
        queue(self, &next, 1, 0, true);
        uint64_t queued = now_ns();
        if (runtime_queued(loop) != OUTBOX_OK)
            give_up("the outbox cannot be read");
        settle(loop);
        uint64_t told = now_ns(), seen = told;
        for (value += 1; reader && ask(reader, sql) < value;) {
            (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
            if (now_ns() - told > (uint64_t)STILL_MS * 1000000U)
                give_up("the cell does not come");
        }
        seen = reader ? now_ns() : told;
        (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", queued - begun, told - queued, seen - queued);
        while (runtime_now_ms() < due_ms)
            runtime_step(loop, NULL, 0, (int)(due_ms - runtime_now_ms()));
    }
    if (reader)
        PQfinish(reader);
    runtime_destroy(&loop);
}

int main(int argc, char **argv)
{
    office self;
    if (argc < 3 || crypto_start() != 0)
        give_up("fill HOME CONTRACT FROM COUNT VERSION | send HOME | latency HOME CONTRACT FROM COUNT EVERY_MS [CONNINFO SQL]");
    open_office(&self, argv[2]);
    uint64_t numbers[3] = {0};
    for (int i = 4; i < argc && i < 7; i++)
        numbers[i - 4] = strtoull(argv[i], NULL, 10);
    if (argc >= 7)
        choose(&self, argv[3]);
    if (strcmp(argv[1], "fill") == 0 && argc == 7)
        fill(&self, numbers[0], numbers[1], (unsigned)numbers[2]);
    else if (strcmp(argv[1], "send") == 0 && argc == 3)
        send_all(&self);
    else if (strcmp(argv[1], "latency") == 0 && (argc == 7 || argc == 9))
        time_each(&self, numbers[0], numbers[1], (int)numbers[2], argc == 9 ? argv[7] : NULL, argc == 9 ? argv[8] : NULL);
    else
        give_up("wrong usage");
    close_office(&self);
    return 0;
}
