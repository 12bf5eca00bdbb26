/*
 * ctai-sim: runs seeds: ctai-sim --seeds FROM..TO [--jobs N] [--counters] [--until-broken], ctai-sim --seed N [--trace FILE].
 *
 * Each worker is a process of its own, so that a seed that ends in an assertion is a finding like any other.
 * Exit: 0 all promises kept, 1 some broken, 64 wrong usage.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "logline.h"
#include "sim.h"
#include "sim_disk.h"

enum { JOBS_MAX = 16, FAILURES_SHOWN = 20 };

/* What the workers share. */
typedef struct {
    _Atomic uint64_t next, failures, done;
    uint64_t last;
    bool until_broken;         /* the first failure ends the run */
    uint64_t running[JOBS_MAX];
    uint64_t counters[JOBS_MAX][SIM_COUNTER_COUNT];
    uint64_t hashes[JOBS_MAX]; /* of the seeds' hashes, in no order */
} shared;

static const char *const counter_names[] = {
#define COUNTER_NAME(name) #name,
    SIM_COUNTERS(COUNTER_NAME)
#undef COUNTER_NAME
};

/* Randomness for the product: a stream of the world's. */
static const char *random_name(void)
{
    return "simulated";
}

static uint32_t random_word(void)
{
    return (uint32_t)sim_random(SIM_CRYPTO);
}

static void random_bytes(void *const to, const size_t size)
{
    uint8_t *at = to;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = sim_random(SIM_CRYPTO);
        memcpy(at + i, &word, size - i < 8 ? size - i : 8);
    }
}

static randombytes_implementation randomness = {
    .implementation_name = random_name, .random = random_word, .buf = random_bytes};

/* Signatures: a keyed hash stands in for Ed25519, which would take most of the time; every sixteenth seed has the real one. */
int __real_crypto_sign_detached(unsigned char *signature, unsigned long long *size, const unsigned char *data,
                                unsigned long long data_size, const unsigned char *secret);
int __wrap_crypto_sign_detached(unsigned char *signature, unsigned long long *size, const unsigned char *data,
                                unsigned long long data_size, const unsigned char *secret);
int __real_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *data,
                                       unsigned long long data_size, const unsigned char *public_key);
int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *data,
                                       unsigned long long data_size, const unsigned char *public_key);

int __wrap_crypto_sign_detached(unsigned char *signature, unsigned long long *size, const unsigned char *data,
                                unsigned long long data_size, const unsigned char *secret)
{
    if (sim.strong_crypto)
        return __real_crypto_sign_detached(signature, size, data, data_size, secret);
    /* The public key is the second half of the secret one. */
    return crypto_generichash(signature, crypto_sign_BYTES, data, data_size, secret + crypto_sign_SEEDBYTES, 32);
}

int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *data,
                                       unsigned long long data_size, const unsigned char *public_key)
{
    unsigned char own[crypto_sign_BYTES];
    if (sim.strong_crypto)
        return __real_crypto_sign_verify_detached(signature, data, data_size, public_key);
    crypto_generichash(own, sizeof own, data, data_size, public_key, 32);
    return memcmp(own, signature, sizeof own) == 0 ? 0 : -1;
}

/* What the product logs goes into the trace. */
void logline(logline_level level, const char *format, ...)
{
    char text[512];
    va_list arguments;
    (void)level;
    if (!sim.trace)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sim_trace_text("log:", text);
}

void logline_notify(const char *state)
{
    (void)state;
}

static bool start(void)
{
    sim_disk_start();
    return randombytes_set_implementation(&randomness) == 0 && crypto_start() == 0;
}

static void work(shared *with, unsigned self)
{
    if (!start())
        _exit(70);
    for (;;) {
        uint64_t seed = atomic_fetch_add(&with->next, 1), hash;
        if (seed > with->last || (with->until_broken && with->failures > 0))
            break;
        with->running[self] = seed + 1;
        if (!sim_run(seed, NULL, with->counters[self], &hash)) {
            if (atomic_fetch_add(&with->failures, 1) < FAILURES_SHOWN)
                printf("seed %" PRIu64 ": %s\n", seed, sim_broken_text());
            fflush(stdout);
        }
        with->hashes[self] += hash * (2 * seed + 1);
        atomic_fetch_add(&with->done, 1);
    }
    with->running[self] = 0;
    exit(0);
}

static void print_counters(const shared *with, unsigned jobs)
{
    for (unsigned i = 0; i < SIM_COUNTER_COUNT; i++) {
        uint64_t sum = 0;
        for (unsigned k = 0; k < jobs; k++)
            sum += with->counters[k][i];
        printf("counter %-26s %" PRIu64 "\n", counter_names[i], sum);
    }
}

static int run_seeds(uint64_t first, uint64_t last, unsigned jobs, bool counters, bool until_broken)
{
    shared *with = mmap(NULL, sizeof *with, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[JOBS_MAX];
    if (with == MAP_FAILED)
        return 70;
    with->next = first;
    with->last = last;
    with->until_broken = until_broken;
    fflush(stdout);
    for (unsigned i = 0; i < jobs; i++) {
        children[i] = fork();
        if (children[i] == 0)
            work(with, i);
    }
    for (unsigned left = jobs; left > 0;) {
        int status;
        pid_t ended = wait(&status);
        unsigned which = 0;
        while (which < jobs && children[which] != ended)
            which++;
        if (which == jobs || with->running[which] == 0) {
            left--;
            continue;
        }
        /* It died in the middle of a seed: a finding; another worker takes its place. */
        printf("seed %" PRIu64 ": the program ended (%s %d)\n", with->running[which] - 1,
               WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        fflush(stdout);
        atomic_fetch_add(&with->failures, 1);
        atomic_fetch_add(&with->done, 1);
        with->running[which] = 0;
        children[which] = fork();
        if (children[which] == 0)
            work(with, which);
    }
    uint64_t hash = 0;
    for (unsigned i = 0; i < jobs; i++)
        hash += with->hashes[i];
    if (counters)
        print_counters(with, jobs);
    printf("%" PRIu64 " seeds (%" PRIu64 "..%" PRIu64 "), %" PRIu64 " failed, trace %016" PRIx64 "\n", with->done, first, last,
           with->failures, hash);
    return with->failures > 0;
}

static int run_one(uint64_t seed, const char *trace)
{
    static uint64_t counters[SIM_COUNTER_COUNT];
    uint64_t hash, again;
    FILE *to = strcmp(trace, "-") == 0 ? stderr : fopen(trace, "w");
    if (!to || !start())
        return 70;
    bool good = sim_run(seed, to, counters, &hash);
    printf("seed %" PRIu64 ": %s, trace %016" PRIx64 "\n", seed, good ? "ok" : sim_broken_text(), hash);
    fflush(to);
    (void)sim_run(seed, NULL, counters, &again);
    if (again != hash)
        printf("seed %" PRIu64 ": another trace the second time: %016" PRIx64 "\n", seed, again);
    return !good || again != hash;
}

int main(int count, char **arguments)
{
    uint64_t first = 0, last = 0;
    unsigned jobs = 1;
    bool one = false, many = false, counters = false, until_broken = false;
    const char *trace = "/dev/null";
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
        char *end = NULL;
        if (strcmp(name, "--counters") == 0) {
            counters = true;
            continue;
        }
        if (strcmp(name, "--until-broken") == 0) {
            until_broken = true;
            continue;
        }
        if (strcmp(name, "--seed") == 0) {
            one = true;
            first = strtoull(value, &end, 10);
        } else if (strcmp(name, "--seeds") == 0) {
            many = true;
            first = strtoull(value, &end, 10);
            last = strncmp(end, "..", 2) == 0 ? strtoull(end + 2, &end, 10) : 0;
        } else if (strcmp(name, "--jobs") == 0) {
            jobs = (unsigned)strtoul(value, &end, 10);
        } else if (strcmp(name, "--trace") == 0) {
            trace = value;
        }
        if (i + 1 == count || (end && *end) || (!end && trace != value)) {
            fprintf(stderr, "usage: ctai-sim --seeds FROM..TO [--jobs N] [--counters] [--until-broken] | --seed N [--trace FILE]\n");
            return 64;
        }
        i++;
    }
    if (one == many || jobs < 1 || jobs > JOBS_MAX) {
        fprintf(stderr, "usage: ctai-sim --seeds FROM..TO [--jobs N] [--counters] [--until-broken] | --seed N [--trace FILE]\n");
        return 64;
    }
    return one ? run_one(first, trace) : run_seeds(first, last, jobs, counters, until_broken);
}
