/* watch: see the header. */
#include "watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "logline.h"
#include "store_agent.h"
#include "store_stable.h"

enum { WATCH_AGENTS_BYTES = 64 * 1024 * 1024 };

struct watch {
    store *store;
    gate *who;
    arena *scratch;
    int stop; /* eventfd */
    bool running, silent;
    store_stable *stable; /* NULL: it is none of our business */
    store_stable_state stable_state;
    pthread_t thread;
    void (*changed)(void *whom), (*away)(void *whom);
    void *whom;
};

static bool fill(admission *table, const store_agent *agents, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const credential_identity *identity = &agents[i].identity;
        admission_entry entry = { .revoked = agents[i].revoked };
        memcpy(entry.curve, identity->curve, CRYPTO_PUBLIC);
        memcpy(entry.sign, identity->sign, CRYPTO_PUBLIC);
        memcpy(entry.name, identity->name, sizeof entry.name);
        if (!admission_add(table, &entry))
            return false;
    }
    return admission_seal(table);
}

/* Reads the table of the admitted and puts it in the gate. */
static database_error refresh(watch *self)
{
    store_agent *agents = NULL;
    unsigned count = 0;
    database_error error = store_agents(self->store, true, self->scratch, &agents, &count);
    if (error == DATABASE_OK) {
        admission *table = admission_new();
        if (table && fill(table, agents, count))
            gate_replace(self->who, &table);
        else
            error = table ? DATABASE_FAULT : DATABASE_NO_MEMORY;
        admission_destroy(&table);
    }
    arena_clear(self->scratch);
    return error;
}

/* Says once that the database is away, and once that it is back. */
static void say(watch *self, database_error error)
{
    if (error != DATABASE_OK && !self->silent)
        logline(LOGLINE_ERROR, "changes of agents and contracts are not heard of: %s",
                store_explain(self->store));
    if (error == DATABASE_OK && self->silent)
        logline(LOGLINE_NOTICE, "changes of agents and contracts are heard of again");
    self->silent = error != DATABASE_OK;
}

static uint64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t) at.tv_sec * 1000 + (uint64_t) at.tv_nsec / 1000000;
}

/* Which batches does a standby have by now? A notice tells all hubs of it, us too. Says once what stands in the way. */
static database_error look_at_stable(watch *self)
{
    store_stable_state state;
    database_error error = store_stable_look(self->stable, self->store, &state);
    if (error != DATABASE_OK)
        return error;
    if (state != self->stable_state && state == STORE_STABLE_ALONE)
        logline(LOGLINE_WARNING, "no standby is connected: agents keep their batches until one is");
    if (state != self->stable_state && state == STORE_STABLE_HIDDEN)
        logline(LOGLINE_ERROR, "stable = standby: the database does not tell our role how far its standbys are: make it a "
                "member of pg_monitor; until then agents keep their batches");
    self->stable_state = state;
    return error;
}

/* How long to sleep: until the next look, or the next reading in any case. */
static int sleep_ms(const watch *self, uint64_t now, uint64_t refreshed_ms)
{
    if (self->silent)
        return WATCH_RETRY_MS;
    if (self->stable && self->stable_state == STORE_STABLE_MOVED)
        return 0; /* its notice has come with the answer */
    uint64_t due = refreshed_ms + WATCH_EVERY_MS;
    int left = due > now ? (int) (due - now) : 0;
    return self->stable && left > WATCH_STABLE_MS ? (int) WATCH_STABLE_MS : left;
}

static void *work(void *argument)
{
    watch *self = argument;
    uint64_t refreshed_ms = now_ms();
    for (;;) {
        struct pollfd wait[] = {
            { .fd = self->stop, .events = POLLIN },
            { .fd = store_socket(self->store), .events = POLLIN }, /* -1 is passed over */
        };
        (void) poll(wait, 2, sleep_ms(self, now_ms(), refreshed_ms));
        if (wait[0].revents)
            return NULL;
        bool changed = false, due = self->silent || now_ms() >= refreshed_ms + WATCH_EVERY_MS;
        database_error error = store_changed(self->store, &changed);
        changed = changed || due;
        if (error == DATABASE_OK && changed)
            error = refresh(self);
        if (error == DATABASE_OK && changed) {
            refreshed_ms = now_ms();
            self->changed(self->whom);
        }
        if (error == DATABASE_OK && self->stable)
            error = look_at_stable(self);
        bool was_silent = self->silent;
        say(self, error);
        if (error == DATABASE_LATER && self->away)
            self->away(self->whom);
        /* A dead connection may stay readable: do not run in circles. */
        if (error != DATABASE_OK && was_silent && poll(wait, 1, WATCH_RETRY_MS) > 0)
            return NULL;
    }
}

watch *watch_new(const store_options *options, gate *who, database_error *error, char *why, size_t why_size)
{
    watch *self = calloc(1, sizeof *self);
    *error = DATABASE_NO_MEMORY;
    snprintf(why, why_size, "la mémoire manque");
    if (!self)
        return NULL;
    self->who = who;
    self->stop = eventfd(0, EFD_CLOEXEC);
    self->scratch = arena_new(WATCH_AGENTS_BYTES);
    self->stable = options->stable_on_standby ? store_stable_new() : NULL;
    if (self->stop >= 0 && self->scratch && (self->stable || !options->stable_on_standby)) {
        store_options own = *options;
        own.claim = false;
        if (own.stable_on_standby)
            own.use = STORE_OWNER; /* the one that may see how far standbys are */
        *error = store_open(&self->store, &own);
        if (*error == DATABASE_OK)
            *error = store_listen(self->store);
        if (*error == DATABASE_OK)
            *error = refresh(self);
        if (*error == DATABASE_OK)
            return self;
        if (self->store)
            snprintf(why, why_size, "%s", store_explain(self->store));
    }
    watch_destroy(&self);
    return NULL;
}

bool watch_start(watch *self, void (*changed)(void *whom), void (*away)(void *whom), void *whom)
{
    self->changed = changed;
    self->away = away;
    self->whom = whom;
    self->running = pthread_create(&self->thread, NULL, work, self) == 0;
    return self->running;
}

void watch_stop(watch *self)
{
    if (!self->running)
        return;
    ssize_t put = write(self->stop, &(uint64_t){1}, sizeof(uint64_t));
    (void) put;
    pthread_join(self->thread, NULL);
    self->running = false;
}

void watch_destroy(watch **self)
{
    if (!self || !*self)
        return;
    watch *gone = *self;
    watch_stop(gone);
    store_destroy(&gone->store);
    store_stable_destroy(&gone->stable);
    arena_destroy(&gone->scratch);
    if (gone->stop >= 0)
        close(gone->stop);
    free(gone);
    *self = NULL;
}
