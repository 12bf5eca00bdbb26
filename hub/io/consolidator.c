/* consolidator: see the header. */
#include "consolidator.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "logline.h"
#include "store_standing.h"

enum {
    MARKS_MAX = 256, /* looked at together; those behind them have their turn later */
    ASIDE_MAX = 16,
    GROWN_MAX = 16,
    CANCEL_EVERY_MS = 50,
};

typedef enum { LANE_QUICK, LANE_SLOW, LANE_COUNT } lane_name;

typedef struct {
    consolidator *owner;
    lane_name name;
    pthread_t thread;
    bool started;
    store *store;             /* this thread's */
    bool opened;
    uint64_t limited;         /* store_standing_limit */
    uint64_t retry_ms;        /* the next back-off; 0: the database answers */
    int64_t credit_us;        /* that it may still work; below 0: it has to wait */
    uint64_t counted_us;      /* up to when credit_us is counted */
    struct { int64_t contract_id; uint64_t until_us; } aside[ASIDE_MAX];
    /* Under the owner's lock. */
    unsigned long calls;      /* how often it was woken */
    bool ended;
    store_standing_cancel *cancel; /* of what its connection is just doing */
} lane;

struct consolidator {
    store_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;   /* calls, stopping, ended; on the monotonic clock */
    bool stopping;
    uint64_t woken_us;        /* the last time that somebody said that something was committed */
    int64_t grown[GROWN_MAX]; /* contracts that the quick lane has left to the slow one, until that has done them; 0: none */
    unsigned grown_next;
    lane lanes[LANE_COUNT];
};

/* owed_us: more than that a lane never owes; limit_ms: of a statement; 0: none. */
static const struct { int64_t share, kept_us, owed_us; unsigned limit_ms; } rules[LANE_COUNT] = {
    [LANE_QUICK] = {CONSOLIDATOR_QUICK_SHARE, CONSOLIDATOR_QUICK_KEPT_MS * 1000, CONSOLIDATOR_QUICK_US, CONSOLIDATOR_LIMIT_MS},
    [LANE_SLOW] = {CONSOLIDATOR_SLOW_SHARE, CONSOLIDATOR_SLOW_KEPT_MS * 1000, INT64_MAX, 0},
};

static uint64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
}

/* Under the lock: waits for a change, at most so long. */
static void wait_us(consolidator *self, uint64_t time_us)
{
    uint64_t until = now_us() + time_us;
    struct timespec at = {(time_t)(until / 1000000), (long)(until % 1000000) * 1000};
    (void)pthread_cond_timedwait(&self->changed, &self->lock, &at);
}

/* Sleeps so long, or until the end; with calls, also until it is called again. False: it is to end. */
static bool rest(lane *self, uint64_t time_us, const unsigned long *calls)
{
    consolidator *owner = self->owner;
    uint64_t until = now_us() + time_us;
    pthread_mutex_lock(&owner->lock);
    for (uint64_t now = now_us(); now < until && !owner->stopping && !(calls && *calls != self->calls); now = now_us())
        wait_us(owner, until - now);
    bool goes_on = !owner->stopping;
    pthread_mutex_unlock(&owner->lock);
    return goes_on;
}

/* Adds what the time since then allows. */
static void count_credit(lane *self)
{
    uint64_t now = now_us();
    self->credit_us += (int64_t)(now - self->counted_us) * rules[self->name].share / 100;
    if (self->credit_us > rules[self->name].kept_us)
        self->credit_us = rules[self->name].kept_us;
    self->counted_us = now;
}

/* While it owes, and batches come. */
static bool rest_owing(lane *self)
{
    consolidator *owner = self->owner;
    bool goes_on = true;
    count_credit(self);
    uint64_t until = now_us() + (self->credit_us < 0 ? (uint64_t)-self->credit_us * 100 / (uint64_t)rules[self->name].share : 0);
    while (goes_on && now_us() < until) {
        pthread_mutex_lock(&owner->lock);
        uint64_t quiet_us = owner->woken_us + CONSOLIDATOR_QUIET_MS * 1000, now = now_us();
        pthread_mutex_unlock(&owner->lock);
        if (now >= quiet_us)
            return true;
        goes_on = rest(self, (quiet_us < until ? quiet_us : until) - now, NULL);
    }
    return goes_on;
}

static void call(lane *self)
{
    pthread_mutex_lock(&self->owner->lock);
    self->calls++;
    pthread_cond_broadcast(&self->owner->changed);
    pthread_mutex_unlock(&self->owner->lock);
}

static unsigned long calls_of(lane *self)
{
    pthread_mutex_lock(&self->owner->lock);
    unsigned long calls = self->calls;
    pthread_mutex_unlock(&self->owner->lock);
    return calls;
}

/* Notes how the database answered. Gives how long to leave it alone. */
static uint64_t note(lane *self, database_error error)
{
    if (error == DATABASE_OK) {
        if (self->retry_ms)
            logline(LOGLINE_NOTICE, "the evaluation is kept up to date again");
        self->retry_ms = 0;
        return 0;
    }
    pthread_mutex_lock(&self->owner->lock);
    bool cancelled = self->owner->stopping;
    pthread_mutex_unlock(&self->owner->lock);
    if (!self->retry_ms && !cancelled)
        logline(LOGLINE_WARNING, "the evaluation cannot be kept up to date, its readers compute it: %s",
                self->store ? store_explain(self->store) : "no memory");
    self->retry_ms = self->retry_ms ? 2 * self->retry_ms : CONSOLIDATOR_RETRY_MS_MIN;
    if (self->retry_ms > CONSOLIDATOR_RETRY_MS_MAX)
        self->retry_ms = CONSOLIDATOR_RETRY_MS_MAX;
    return self->retry_ms * 1000;
}

/* Has it grown too dear for the quick lane? forget: from now on it has not. */
static bool is_grown(consolidator *self, int64_t contract_id, bool forget)
{
    bool is = false;
    pthread_mutex_lock(&self->lock);
    for (unsigned i = 0; i < GROWN_MAX; i++)
        if (self->grown[i] == contract_id) {
            is = true;
            self->grown[i] = forget ? 0 : contract_id;
        }
    pthread_mutex_unlock(&self->lock);
    return is;
}

static void note_grown(consolidator *self, int64_t contract_id)
{
    pthread_mutex_lock(&self->lock);
    self->grown[self->grown_next++ % GROWN_MAX] = contract_id;
    pthread_mutex_unlock(&self->lock);
}

static bool is_aside(const lane *self, int64_t contract_id)
{
    for (unsigned i = 0; i < ASIDE_MAX; i++)
        if (self->aside[i].contract_id == contract_id && self->aside[i].until_us > now_us())
            return true;
    return false;
}

/* In the place of the one that was put aside the longest ago. */
static void put_aside(lane *self, int64_t contract_id)
{
    unsigned oldest = 0;
    for (unsigned i = 1; i < ASIDE_MAX; i++)
        if (self->aside[i].until_us < self->aside[oldest].until_us)
            oldest = i;
    self->aside[oldest].contract_id = contract_id;
    self->aside[oldest].until_us = now_us() + CONSOLIDATOR_ASIDE_MS * 1000;
    logline(LOGLINE_ERROR, "contract number %lld cannot be consolidated, its readers compute it: %s", (long long)contract_id,
            store_explain(self->store));
}

/* From here on the owner can cancel what the lane does. False: it is to end. */
static bool enter(lane *self)
{
    consolidator *owner = self->owner;
    database *connection;
    bool connected = store_database(self->store, &connection) == DATABASE_OK; /* what fails here fails again below */
    pthread_mutex_lock(&owner->lock);
    bool goes_on = !owner->stopping;
    if (goes_on && connected)
        self->cancel = store_standing_cancel_new(self->store);
    pthread_mutex_unlock(&owner->lock);
    return goes_on;
}

static void leave(lane *self)
{
    pthread_mutex_lock(&self->owner->lock);
    store_standing_cancel_destroy(&self->cancel);
    pthread_mutex_unlock(&self->owner->lock);
}

static lane_name lane_of(consolidator *self, const store_standing_mark *mark)
{
    bool dear = mark->took_us < 0 || (mark->took_us >= CONSOLIDATOR_QUICK_US
                                      && mark->took_us >= mark->dearest_us / CONSOLIDATOR_QUICK_PART);
    return dear || is_grown(self, mark->contract_id, false) ? LANE_SLOW : LANE_QUICK;
}

/* Consolidates a contract, and pays for it. A failure that is the contract's is none of the database's. */
static database_error consolidate(lane *self, int64_t contract_id, bool *worked)
{
    count_credit(self);
    database_error error = store_standing_consolidate(self->store, contract_id, worked);
    int64_t took_us = (int64_t)(now_us() - self->counted_us);
    self->credit_us -= took_us;
    if (self->credit_us < -rules[self->name].owed_us)
        self->credit_us = -rules[self->name].owed_us;
    if (*worked && self->name == LANE_SLOW)
        (void)is_grown(self->owner, contract_id, true);
    if (error == DATABASE_LATER && rules[self->name].limit_ms && took_us >= (int64_t)rules[self->name].limit_ms * 1000) {
        note_grown(self->owner, contract_id);
        call(&self->owner->lanes[LANE_SLOW]);
        return DATABASE_OK;
    }
    if (error == DATABASE_LATER || error == DATABASE_CONFIGURATION || error == DATABASE_FULL || error == DATABASE_OK)
        return error;
    put_aside(self, contract_id);
    return DATABASE_OK;
}

/* Consolidates the first of the marked that is this lane's. *worked false: there is none that another hub is not at. */
static database_error consolidate_first(lane *self, const store_standing_mark *marks, unsigned count, bool *worked)
{
    database_error error = DATABASE_OK;
    *worked = false;
    for (unsigned i = 0; error == DATABASE_OK && !*worked && i < count; i++) {
        if (lane_of(self->owner, &marks[i]) != self->name || is_aside(self, marks[i].contract_id))
            continue;
        if (!enter(self))
            return DATABASE_OK;
        error = consolidate(self, marks[i].contract_id, worked);
        leave(self);
    }
    return error;
}

/* The quick lane is the one that is woken; it wakes the other when there is something for it. */
static void pass_on(lane *self, const store_standing_mark *marks, unsigned count)
{
    for (unsigned i = 0; self->name == LANE_QUICK && i < count; i++)
        if (lane_of(self->owner, &marks[i]) == LANE_SLOW) {
            call(&self->owner->lanes[LANE_SLOW]);
            return;
        }
}

/* One look, and the work of one contract. Gives how long there is nothing to do, unless it is called. */
static uint64_t turn(lane *self)
{
    store_standing_mark marks[MARKS_MAX];
    unsigned count = 0;
    bool worked = false;
    database_error error = DATABASE_OK;
    if (!self->opened) {
        store_destroy(&self->store);
        error = store_open(&self->store, &self->owner->options);
        self->opened = error == DATABASE_OK;
        self->limited = 0;
    }
    if (error == DATABASE_OK)
        error = store_standing_limit(self->store, rules[self->name].limit_ms, &self->limited);
    if (error == DATABASE_OK)
        error = store_standing_marked(self->store, marks, MARKS_MAX, &count);
    if (error == DATABASE_OK) {
        pass_on(self, marks, count);
        error = consolidate_first(self, marks, count, &worked);
    }
    uint64_t retry_us = note(self, error);
    return error != DATABASE_OK ? retry_us : worked ? 0 : CONSOLIDATOR_POLL_MS * 1000;
}

static void *work(void *argument)
{
    lane *self = argument;
    self->counted_us = now_us();
    for (bool goes_on = true; goes_on;) {
        unsigned long calls = calls_of(self);
        uint64_t idle_us = turn(self);
        goes_on = rest(self, idle_us, self->retry_ms ? NULL : &calls);
        if (goes_on && !self->retry_ms)
            goes_on = rest_owing(self);
    }
    store_destroy(&self->store);
    pthread_mutex_lock(&self->owner->lock);
    self->ended = true;
    pthread_cond_broadcast(&self->owner->changed);
    pthread_mutex_unlock(&self->owner->lock);
    return NULL;
}

static bool start(consolidator *self)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane *one = &self->lanes[i];
        one->owner = self;
        one->name = (lane_name)i;
        one->started = pthread_create(&one->thread, NULL, work, one) == 0;
        if (!one->started)
            return false;
    }
    return true;
}

consolidator *consolidator_new(const store_options *options)
{
    consolidator *self = calloc(1, sizeof *self);
    pthread_condattr_t monotonic;
    if (!self)
        return NULL;
    self->options = *options;
    self->options.claim = false;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!start(self))
        consolidator_destroy(&self);
    return self;
}

/* A query that had not begun when it was cancelled is cancelled again. */
static void stop(consolidator *self, lane *one)
{
    while (one->started && !one->ended) {
        store_standing_cancel_now(one->cancel);
        wait_us(self, CANCEL_EVERY_MS * 1000);
    }
}

void consolidator_destroy(consolidator **self)
{
    if (!self || !*self)
        return;
    consolidator *gone = *self;
    pthread_mutex_lock(&gone->lock);
    gone->stopping = true;
    pthread_cond_broadcast(&gone->changed);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        stop(gone, &gone->lanes[i]);
    pthread_mutex_unlock(&gone->lock);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        if (gone->lanes[i].started)
            pthread_join(gone->lanes[i].thread, NULL);
    pthread_cond_destroy(&gone->changed);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
    *self = NULL;
}

void consolidator_wake(void *self)
{
    consolidator *woken = self;
    pthread_mutex_lock(&woken->lock);
    woken->woken_us = now_us();
    pthread_mutex_unlock(&woken->lock);
    call(&woken->lanes[LANE_QUICK]);
}
