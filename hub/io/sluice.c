/* sluice: listening, the table of connections, the thread; what passes is sluice_flow's. See the header. */
#include "sluice.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "logline.h"
#include "sluice_flow.h"
#include "sluice_listen.h"

enum {
    TICK_MS = 250,
    EVENTS = 64,
    ACCEPT_AT_ONCE = 64,
    FINISH_STEP_NS = 5 * 1000 * 1000,
    GHOST_MS = 2000,      /* what libzmq still had of a connection that has ended has reached the hub by then */
    SLOT_BITS = 14,
    GENERATIONS = 1 << (24 - SLOT_BITS),
    WAKE = 0, LISTENER = 1, /* in place of a connection's number, which are all greater */
};

sluice *sluice_new(void)
{
    sluice *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->listener = -1;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    TAILQ_INIT(&self->waiting);
    pthread_mutex_init(&self->lock, NULL);
    if (self->epoll < 0 || self->wake < 0)
        sluice_destroy(&self);
    return self;
}

static void rouse(sluice *self)
{
    ssize_t put = write(self->wake, &(uint64_t){1}, sizeof(uint64_t));
    (void)put; /* full: it is awake already */
}

/* The table: a number is a slot and how often it was used, so that it does not come again soon. */

static passage *find(sluice *self, uint32_t number)
{
    uint32_t slot = number & (SLUICE_CONNECTIONS - 1);
    passage *found = slot < SLUICE_CONNECTIONS ? self->slots[slot] : NULL;
    return found && found->number == number ? found : NULL;
}

static passage *add(sluice *self, int outer, uint64_t now_ms)
{
    passage *made = self->count < SLUICE_CONNECTIONS ? calloc(1, sizeof *made) : NULL;
    if (!made)
        return NULL;
    while (self->slots[self->next_slot])
        self->next_slot = (self->next_slot + 1) % SLUICE_CONNECTIONS;
    uint32_t slot = self->next_slot;
    self->next_slot = (slot + 1) % SLUICE_CONNECTIONS;
    self->generations[slot] = (uint16_t)(self->generations[slot] % (GENERATIONS - 2) + 1); /* 1 .. 1022 */
    made->number = (uint32_t)self->generations[slot] << SLOT_BITS | slot;
    made->outer = outer;
    made->inner = -1;
    made->began_ms = now_ms;
    made->small = SLUICE_FLOW_SMALL_MAX;
    zmtp_init(&made->up);
    zmtp_init(&made->down);
    self->slots[slot] = made;
    self->count++;
    return made;
}

static void forget(sluice *self, passage *one)
{
    self->slots[one->number & (SLUICE_CONNECTIONS - 1)] = NULL;
    self->count--;
    free(one);
}

/* Ends a connection; what the hub has of it still counts, under its number. */
static void end(sluice *self, passage *one, uint64_t now_ms)
{
    if (one->gone_ms)
        return;
    sluice_flow_end(self, one);
    close(one->outer);
    if (one->inner >= 0)
        close(one->inner);
    one->outer = one->inner = -1;
    self->strangers -= !one->shaken;
    one->gone_ms = now_ms;
    if (one->inside == 0)
        forget(self, one);
}

static void watch(sluice *self, int file, uint64_t what, uint32_t events, uint32_t *now)
{
    struct epoll_event event = {.events = events, .data.u64 = what};
    if (file >= 0 && *now != (events | EPOLLERR) && epoll_ctl(self->epoll, *now ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, file, &event) == 0)
        *now = events | EPOLLERR; /* never 0 once it is there */
}

static uint64_t key_of(const passage *one, bool inner)
{
    return ((uint64_t)one->number << 1 | inner) + 2;
}

/* Lets pass what can, both ways, and waits for what is missing. */
static void serve(sluice *self, passage *one, uint64_t now_ms)
{
    if (!sluice_flow_pump(self, one, now_ms)) {
        end(self, one, now_ms);
        return;
    }
    watch(self, one->outer, key_of(one, false), sluice_flow_wants(one, false), &one->outer_events);
    watch(self, one->inner, key_of(one, true), sluice_flow_wants(one, true), &one->inner_events);
}

static passage *oldest_stranger(sluice *self)
{
    passage *oldest = NULL;
    for (unsigned i = 0; i < SLUICE_CONNECTIONS; i++) {
        passage *one = self->slots[i];
        if (one && !one->gone_ms && !one->shaken && (!oldest || one->began_ms < oldest->began_ms))
            oldest = one;
    }
    return oldest;
}

static void accept_some(sluice *self, uint64_t now_ms)
{
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        passage *stranger = NULL;
        int outer = self->listener < 0 ? -1 : sluice_listen_accept(self->listener);
        bool short_of = outer < 0 && (errno == EMFILE || errno == ENFILE);
        if (outer < 0 && !short_of)
            return;
        if (short_of || self->strangers >= SLUICE_STRANGERS)
            stranger = oldest_stranger(self);
        if (stranger)
            end(self, stranger, now_ms);
        else if (short_of) {
            watch(self, self->listener, LISTENER, 0, &self->listener_events); /* until the next tick */
            logline(LOGLINE_WARNING, "out of descriptors: raise the limit (LimitNOFILE= of the service)");
            return;
        }
        if (outer < 0)
            continue;
        passage *one = add(self, outer, now_ms);
        if (!one) {
            close(outer);
            continue;
        }
        self->strangers++;
        serve(self, one, now_ms);
    }
}

/* Those who have waited longest first, as long as there is room. */
static void let_in(sluice *self, uint64_t now_ms)
{
    self->freed = false;
    passage *first;
    while ((first = TAILQ_FIRST(&self->waiting)) != NULL && sluice_flow_has_room(self, first->frame))
        serve(self, first, now_ms);
}

static void tick(sluice *self, uint64_t now_ms)
{
    watch(self, self->listener, LISTENER, EPOLLIN, &self->listener_events);
    for (unsigned i = 0; i < SLUICE_CONNECTIONS; i++) {
        passage *one = self->slots[i];
        if (!one)
            continue;
        if (one->gone_ms) {
            if (now_ms - one->gone_ms > GHOST_MS)
                sluice_flow_forget_unseen(self, one);
            if (one->inside == 0)
                forget(self, one);
            continue;
        }
        const char *why = sluice_flow_fault(self, one, now_ms);
        if (why) {
            char address[NI_MAXHOST];
            sluice_listen_peer(one->outer, address);
            self->cut++;
            if (one->shaken) /* strangers may knock as often as they like */
                logline(LOGLINE_WARNING, "a connection from %s is cut: %s", address, why);
            end(self, one, now_ms);
            continue;
        }
        if (sluice_flow_refill(one))
            serve(self, one, now_ms);
    }
}

static void handle(sluice *self, const struct epoll_event *event, uint64_t now_ms)
{
    if (event->data.u64 == WAKE) {
        uint64_t count;
        ssize_t got = read(self->wake, &count, sizeof count);
        (void)got;
        return;
    }
    if (event->data.u64 == LISTENER) {
        accept_some(self, now_ms);
        return;
    }
    uint64_t key = event->data.u64 - 2;
    passage *one = find(self, (uint32_t)(key >> 1));
    if (!one || one->gone_ms)
        return;
    serve(self, one, now_ms);
    one = find(self, (uint32_t)(key >> 1));
    /* Reset while it waits: nobody reads it, so nobody else would see that. */
    if (one && !one->gone_ms && (event->events & (EPOLLHUP | EPOLLERR)) != 0 && (key & 1) == 0)
        end(self, one, now_ms);
}

static void *work(void *argument)
{
    sluice *self = argument;
    uint64_t ticked_ms = 0;
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(self->epoll, events, EVENTS, TICK_MS);
        uint64_t now_ms = sluice_flow_now_ms();
        pthread_mutex_lock(&self->lock);
        for (int i = 0; i < count; i++)
            handle(self, &events[i], now_ms);
        if (self->freed)
            for (unsigned i = 0; i < SLUICE_CONNECTIONS && self->own_waiting > 0; i++)
                if (self->slots[i] && self->slots[i]->own_full && !self->slots[i]->gone_ms)
                    serve(self, self->slots[i], now_ms);
        let_in(self, now_ms);
        if (now_ms - ticked_ms >= TICK_MS) {
            tick(self, now_ms);
            let_in(self, now_ms);
            ticked_ms = now_ms;
        }
        bool stop = self->stop;
        pthread_mutex_unlock(&self->lock);
        if (stop)
            return NULL;
    }
}

bool sluice_start(sluice *self, const endpoint *listen, unsigned port)
{
    self->port = port;
    self->listener = sluice_listen_open(listen, self->bound);
    if (self->listener < 0)
        return false;
    uint32_t events = 0;
    watch(self, self->listener, LISTENER, EPOLLIN, &self->listener_events);
    watch(self, self->wake, WAKE, EPOLLIN, &events);
    if (!self->listener_events || !events)
        return false;
    int error = pthread_create(&self->thread, NULL, work, self);
    self->runs = error == 0;
    errno = error;
    return self->runs;
}

void sluice_destroy(sluice **self)
{
    if (!self || !*self)
        return;
    sluice *gone = *self;
    if (gone->runs) {
        pthread_mutex_lock(&gone->lock);
        gone->stop = true;
        pthread_mutex_unlock(&gone->lock);
        rouse(gone);
        pthread_join(gone->thread, NULL);
    }
    for (unsigned i = 0; i < SLUICE_CONNECTIONS; i++) {
        passage *one = gone->slots[i];
        if (!one)
            continue;
        one->inside = 0;
        if (one->gone_ms)
            forget(gone, one);
        else
            end(gone, one, 1);
    }
    if (gone->listener >= 0)
        close(gone->listener);
    if (gone->epoll >= 0)
        close(gone->epoll);
    if (gone->wake >= 0)
        close(gone->wake);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
    *self = NULL;
}

void sluice_finish(sluice *self, int patience_ms)
{
    if (!self || !self->runs)
        return;
    uint64_t until = sluice_flow_now_ms() + (uint64_t)patience_ms;
    for (bool some = true; some && sluice_flow_now_ms() < until;) {
        pthread_mutex_lock(&self->lock);
        if (self->listener >= 0)
            close(self->listener);
        self->listener = -1;
        some = false;
        for (unsigned i = 0; i < SLUICE_CONNECTIONS && !some; i++)
            some = self->slots[i] && !self->slots[i]->gone_ms && self->slots[i]->inner >= 0;
        pthread_mutex_unlock(&self->lock);
        if (some)
            nanosleep(&(struct timespec){.tv_nsec = FINISH_STEP_NS}, NULL);
    }
}

const char *sluice_endpoint(const sluice *self)
{
    return self->bound;
}

uint32_t sluice_number(sluice *self, const char *address)
{
    unsigned part[4] = {0};
    char end = '\0';
    if (!address || sscanf(address, "%u.%u.%u.%u%c", &part[0], &part[1], &part[2], &part[3], &end) != 4 || part[0] != 127)
        return 0;
    uint32_t number = part[1] << 16 | part[2] << 8 | part[3];
    pthread_mutex_lock(&self->lock);
    bool known = find(self, number) != NULL;
    pthread_mutex_unlock(&self->lock);
    return known ? number : 0;
}

void sluice_address(sluice *self, uint32_t number, char text[NI_MAXHOST])
{
    pthread_mutex_lock(&self->lock);
    passage *one = find(self, number);
    sluice_listen_peer(one ? one->outer : -1, text);
    pthread_mutex_unlock(&self->lock);
}

bool sluice_lives(sluice *self, uint32_t number)
{
    pthread_mutex_lock(&self->lock);
    passage *one = find(self, number);
    bool lives = one && !one->gone_ms;
    pthread_mutex_unlock(&self->lock);
    return lives;
}

void sluice_cut(sluice *self, uint32_t number)
{
    pthread_mutex_lock(&self->lock);
    passage *one = find(self, number);
    if (one) {
        end(self, one, sluice_flow_now_ms());
        self->freed = true;
    }
    pthread_mutex_unlock(&self->lock);
    rouse(self);
}

void sluice_received(sluice *self, uint32_t number, size_t bytes)
{
    pthread_mutex_lock(&self->lock);
    passage *one = find(self, number);
    if (one)
        sluice_flow_received(one, bytes, sluice_flow_now_ms());
    pthread_mutex_unlock(&self->lock);
}

void sluice_done(sluice *self, uint32_t number, size_t bytes)
{
    pthread_mutex_lock(&self->lock);
    passage *one = find(self, number);
    if (one)
        sluice_flow_done(self, one, bytes);
    bool wanted = one && (!TAILQ_EMPTY(&self->waiting) || self->own_waiting > 0);
    self->freed |= wanted;
    pthread_mutex_unlock(&self->lock);
    if (wanted)
        rouse(self);
}

bool sluice_sends(sluice *self, uint32_t number, size_t bytes)
{
    pthread_mutex_lock(&self->lock);
    passage *one = find(self, number);
    bool reads = !one || sluice_flow_sends(one, bytes);
    pthread_mutex_unlock(&self->lock);
    return reads;
}

void sluice_look(sluice *self, sluice_state *state)
{
    pthread_mutex_lock(&self->lock);
    *state = (sluice_state){.inside = self->inside, .inside_max = self->inside_max, .connections = self->count, .cut = self->cut};
    passage *one;
    TAILQ_FOREACH(one, &self->waiting, queue)
        state->waiting++;
    pthread_mutex_unlock(&self->lock);
}
