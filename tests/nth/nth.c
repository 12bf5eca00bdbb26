/* nth: counting and the loop; see the header. */
#include "nth.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"

const char *const nth_names[NTH_KIND_COUNT] = {
    [NTH_MEMORY] = "memory",
    [NTH_ARENA] = "arena",
    [NTH_FILE] = "file",
    [NTH_SQLITE] = "SQLite call",
    [NTH_SQLITE_MEMORY] = "memory of SQLite",
    [NTH_DISK] = "disk of SQLite",
    [NTH_DISK_FOR_GOOD] = "disk of SQLite, for good",
    [NTH_QUERY_MEMORY] = "database: no memory",
    [NTH_QUERY_CLASH] = "database: clash",
    [NTH_QUERY_FULL] = "database: full",
    [NTH_QUERY_FAULT] = "database: fault",
    [NTH_QUERY_LOST] = "database: connection lost",
    [NTH_QUERY_LOST_AFTER] = "database: connection lost after the server's work",
    [NTH_QUERY_LOST_FOR_GOOD] = "database: connection lost for good",
};

enum { CALLS_MAX = 20000, LIVE_SLOTS = 1 << 16 };

static struct {
    bool armed, fired, paused, driving;
    nth_kind kind;
    unsigned long at, seen;
    pthread_t thread;
    const char *doing;
} now;

static unsigned long *totals; /* shared by all processes of the tests */
static uint64_t drawn;        /* state of the random numbers */

long (*nth_live_results)(void);
long (*nth_live_sqlite)(void);

void nth_arm(nth_kind kind, unsigned long at)
{
    now.kind = kind;
    now.at = at;
    now.seen = 0;
    now.fired = false;
    now.armed = true;
}

bool nth_disarm(void)
{
    now.armed = false;
    totals[now.kind] += now.fired;
    return now.fired;
}

void nth_pause(bool on)
{
    now.paused = on;
}

static bool lasts(nth_kind kind)
{
    return kind == NTH_DISK_FOR_GOOD || kind == NTH_QUERY_LOST_FOR_GOOD;
}

bool nth_strikes(nth_kind kind)
{
    if (!now.armed || now.paused || now.kind != kind || !pthread_equal(now.thread, pthread_self()))
        return false;
    now.seen++;
    bool struck = now.seen == now.at || (now.seen > now.at && lasts(kind));
    now.fired |= struck;
    return struck;
}

/* What our code has taken: a table of the pointers. */

static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;
static const void *live[LIVE_SLOTS];
static size_t live_count;

static size_t slot_of(const void *pointer)
{
    return ((uintptr_t)pointer >> 4) * 0x9e3779b97f4a7c15u >> 48;
}

static void *took(void *pointer)
{
    if (pointer == NULL || !pthread_equal(now.thread, pthread_self()))
        return pointer;
    pthread_mutex_lock(&live_lock);
    if (++live_count >= LIVE_SLOTS)
        abort();
    size_t at = slot_of(pointer);
    while (live[at] != NULL)
        at = (at + 1) % LIVE_SLOTS;
    live[at] = pointer;
    pthread_mutex_unlock(&live_lock);
    return pointer;
}

/* Others' memory (of a library that gives it away) is not in the table. */
static void gave(const void *pointer)
{
    if (pointer == NULL)
        return;
    pthread_mutex_lock(&live_lock);
    size_t at = slot_of(pointer);
    while (live[at] != NULL && live[at] != pointer)
        at = (at + 1) % LIVE_SLOTS;
    if (live[at] != NULL) {
        live_count--;
        live[at] = NULL;
        /* Those behind move up, so that none is cut off from its place. */
        for (size_t next = (at + 1) % LIVE_SLOTS; live[next] != NULL; next = (next + 1) % LIVE_SLOTS) {
            size_t home = slot_of(live[next]);
            if ((next - home) % LIVE_SLOTS < (next - at) % LIVE_SLOTS)
                continue;
            live[at] = live[next];
            live[next] = NULL;
            at = next;
        }
    }
    pthread_mutex_unlock(&live_lock);
}

size_t nth_live(void)
{
    return live_count;
}

/* The wrapped calls. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return nth_strikes(NTH_MEMORY) ? NULL : took(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return nth_strikes(NTH_MEMORY) ? NULL : took(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (nth_strikes(NTH_MEMORY))
        return NULL;
    gave(block);
    return took(__real_realloc(block, size));
}

void __wrap_free(void *block)
{
    gave(block);
    __real_free(block);
}

char *__wrap_strdup(const char *text)
{
    return nth_strikes(NTH_MEMORY) ? NULL : took(__real_strdup(text));
}

arena *__real_arena_new(size_t limit_bytes);
void *__real_arena_take(arena *self, size_t size);
char *__real_arena_text(arena *self, text_view text);
void *__real_arena_vector_add(arena_vector *self);
arena *__wrap_arena_new(size_t limit_bytes);
void *__wrap_arena_take(arena *self, size_t size);
char *__wrap_arena_text(arena *self, text_view text);
void *__wrap_arena_vector_add(arena_vector *self);

arena *__wrap_arena_new(size_t limit_bytes)
{
    return nth_strikes(NTH_ARENA) ? NULL : __real_arena_new(limit_bytes);
}

void *__wrap_arena_take(arena *self, size_t size)
{
    return __real_arena_take(self, nth_strikes(NTH_ARENA) ? SIZE_MAX : size); /* as though over its limit */
}

char *__wrap_arena_text(arena *self, text_view text)
{
    if (!nth_strikes(NTH_ARENA))
        return __real_arena_text(self, text);
    return __real_arena_take(self, SIZE_MAX);
}

void *__wrap_arena_vector_add(arena_vector *self)
{
    return nth_strikes(NTH_ARENA) ? NULL : __real_arena_vector_add(self);
}

/* The same random numbers and the same second in each run, so that its outcome is the same to the byte. */

void __wrap_crypto_random(void *to, size_t size);
void __wrap_crypto_random_many(void *to, size_t size);
time_t __wrap_time(time_t *to);

void __wrap_crypto_random(void *to, size_t size)
{
    uint8_t *bytes = to;
    for (size_t i = 0; i < size; i++) {
        drawn = drawn * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(drawn >> 56);
    }
}

void __wrap_crypto_random_many(void *to, size_t size)
{
    __wrap_crypto_random(to, size);
}

time_t __wrap_time(time_t *to)
{
    const time_t fixed = 1700000000;
    if (to != NULL)
        *to = fixed;
    return fixed;
}

/* In a run the clock goes faster, so that a loop's patience of seconds is one of a fraction. */
int __real_clock_gettime(clockid_t which, struct timespec *to);
int __wrap_clock_gettime(clockid_t which, struct timespec *to);

int __wrap_clock_gettime(clockid_t which, struct timespec *to)
{
    enum { FASTER = 25 };
    int result = __real_clock_gettime(which, to);
    if (!now.driving)
        return result;
    long long scaled = (long long)to->tv_nsec * FASTER;
    to->tv_sec = to->tv_sec * FASTER + (time_t)(scaled / 1000000000);
    to->tv_nsec = (long)(scaled % 1000000000);
    return result;
}

void nth_rewind(void)
{
    drawn = 1;
}

/* The loop. */

static void say_where(int number)
{
    char text[256];
    int size = snprintf(text, sizeof text, "signal %d in %s, failure %lu of: %s\n", number, now.doing, now.at,
                        nth_names[now.kind]);
    (void)!write(STDERR_FILENO, text, (size_t)size);
    signal(number, SIG_DFL);
    raise(number);
}

void nth_start(void)
{
    totals = mmap(NULL, NTH_KIND_COUNT * sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED)
        abort();
    signal(SIGABRT, say_where);
    signal(SIGSEGV, say_where);
}

void nth_tell(void)
{
    unsigned long all = 0;
    for (int kind = 0; kind < NTH_KIND_COUNT; kind++) {
        if (totals[kind] > 0)
            printf("%8lu failures of: %s\n", totals[kind], nth_names[kind]);
        all += totals[kind];
    }
    printf("%8lu failures in all, each followed by a run without\n", all);
}

typedef struct {
    const nth_case *what;
    batch_buffer before, after; /* the durable state without and with a clean run */
    unsigned long count, unfelt; /* unfelt: the run succeeded all the same */
} drive;

static bool same(const batch_buffer *one, const batch_buffer *two)
{
    return one->size == two->size && (one->size == 0 || memcmp(one->data, two->data, one->size) == 0);
}

static void look(const drive *self, batch_buffer *to)
{
    batch_buffer_clear(to);
    self->what->state(to);
    ck_assert(!to->failed);
}

static long others(void)
{
    return (nth_live_results != NULL ? nth_live_results() : 0) + (nth_live_sqlite != NULL ? nth_live_sqlite() : 0);
}

static int run(const drive *self, nth_kind kind, unsigned long at, bool *fired)
{
    size_t blocks = nth_live();
    long others_before = others();
    nth_rewind();
    if (at > 0)
        nth_arm(kind, at);
    int error = self->what->run();
    *fired = at > 0 && nth_disarm();
    ck_assert_msg(nth_live() == blocks && others() == others_before, "%s, %s %lu: %zd blocks, %ld others leak",
                  self->what->name, nth_names[kind], at, (ssize_t)(nth_live() - blocks), others() - others_before);
    return error;
}

/* One failure, and a retry without. False: the run was clean. */
static bool fail_once(drive *self, nth_kind kind, unsigned long at)
{
    batch_buffer state;
    bool fired, unused;
    batch_buffer_init(&state, SIZE_MAX);
    self->what->before();
    int error = run(self, kind, at, &fired);
    look(self, &state);
    bool is_before = same(&state, &self->before), is_after = same(&state, &self->after);
    if (error == 0)
        ck_assert_msg(is_after, "%s, %s %lu: says that it is done, and it is not", self->what->name, nth_names[kind], at);
    else
        ck_assert_msg(fired && self->what->fits(kind, error), "%s, %s %lu: error %d", self->what->name, nth_names[kind], at,
                      error);
    ck_assert_msg(is_before || is_after || self->what->between, "%s, %s %lu: the state is neither before nor after",
                  self->what->name, nth_names[kind], at);
    if (fired) {
        self->count++;
        self->unfelt += error == 0;
        if (self->what->settle != NULL)
            self->what->settle();
        error = run(self, kind, 0, &unused);
        look(self, &state);
        ck_assert_msg(error == 0 && same(&state, &self->after), "%s, %s %lu: the run after it: error %d, state %s",
                      self->what->name, nth_names[kind], at, error, same(&state, &self->after) ? "good" : "wrong");
    }
    batch_buffer_release(&state);
    return fired;
}

void nth_drive(const nth_case *what, const nth_kind *kinds)
{
    drive self = {.what = what};
    bool unused;
    now.doing = what->name;
    now.driving = true;
    now.thread = pthread_self();
    batch_buffer_init(&self.before, SIZE_MAX);
    batch_buffer_init(&self.after, SIZE_MAX);
    what->before();
    look(&self, &self.before);
    int error = run(&self, NTH_MEMORY, 0, &unused);
    ck_assert_msg(error == 0, "%s: a clean run: error %d", what->name, error);
    look(&self, &self.after);
    for (; *kinds != NTH_KIND_COUNT; kinds++) {
        unsigned long at = 1;
        self.count = self.unfelt = 0;
        while (at < CALLS_MAX && fail_once(&self, *kinds, at))
            at++;
        ck_assert_uint_lt(at, CALLS_MAX);
        printf("%-28s %-50s %5lu failures, %lu unfelt\n", what->name, nth_names[*kinds], self.count, self.unfelt);
        fflush(stdout);
    }
    batch_buffer_release(&self.before);
    batch_buffer_release(&self.after);
    now.driving = false;
}
