/* sluice_flow: see the header. */
#include "sluice_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "sluice_listen.h"

enum {
    RESERVE_BYTES = 8 * 1024 * 1024, /* of SLUICE_ALL_BYTES, for frames up to MODEST_BYTES: a HELLO passes a queue of batches */
    MODEST_BYTES = 4096,
    HANDSHAKE_FRAMES = 2,            /* each way: HELLO and INITIATE, WELCOME and READY (or ERROR) */
    ROUNDS = 16,                     /* of one connection, before others have their turn */
};

uint64_t sluice_flow_now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

/* What is counted of a frame. */
static uint64_t weight(uint64_t frame)
{
    return frame > SLUICE_SMALL_BYTES ? frame : 0;
}

bool sluice_flow_has_room(const sluice *self, uint64_t bytes)
{
    uint64_t most = bytes > MODEST_BYTES ? SLUICE_ALL_BYTES - RESERVE_BYTES : SLUICE_ALL_BYTES;
    return self->inside + bytes <= most;
}

static void leave_queue(sluice *self, passage *one)
{
    if (one->queued)
        TAILQ_REMOVE(&self->waiting, one, queue);
    one->queued = false;
    self->own_waiting -= one->own_full;
    one->own_full = false;
}

/* May the body of the frame that asks pass? If not it waits at its place. */
static bool admit(sluice *self, passage *one, uint64_t now_ms)
{
    uint64_t bytes = weight(one->frame);
    if (!one->shaken)
        return true; /* bounded by its size */
    if (bytes == 0) {
        if (one->small == 0)
            return false;
        one->small--;
        return true;
    }
    if (one->inside > 0 && one->inside + bytes > SLUICE_OWN_BYTES) {
        self->own_waiting += !one->own_full;
        one->own_full = true;
        return false;
    }
    self->own_waiting -= one->own_full;
    one->own_full = false;
    bool in_turn = TAILQ_EMPTY(&self->waiting) || TAILQ_FIRST(&self->waiting) == one || bytes <= MODEST_BYTES;
    if (!in_turn || !sluice_flow_has_room(self, bytes)) {
        if (!one->queued)
            TAILQ_INSERT_TAIL(&self->waiting, one, queue);
        one->queued = true;
        return false;
    }
    leave_queue(self, one);
    one->mark_ms = now_ms;
    one->mark_left = one->frame;
    one->inside += bytes;
    one->unseen += bytes;
    self->inside += bytes;
    if (self->inside > self->inside_max)
        self->inside_max = self->inside;
    return true;
}

/* Is a frame of that size to be had from it at all? */
static bool is_possible(const passage *one)
{
    if (one->shaken)
        return one->frame <= SLUICE_FRAME_BYTES;
    return one->frame <= SLUICE_STRANGER_BYTES && one->up.frames <= HANDSHAKE_FRAMES;
}

/* The body of a frame is complete. */
static void end_frame(passage *one, uint64_t now_ms)
{
    if (!one->shaken || weight(one->frame) == 0)
        return;
    if (one->whole == 0)
        one->whole_ms = now_ms;
    one->whole += one->frame;
}

/* Moves `allowed` as far as the frames may pass. False: this is no such connection. */
static bool allow(sluice *self, passage *one, uint64_t now_ms)
{
    sluice_flow *flow = &one->in;
    while (flow->allowed < flow->filled) {
        if (one->asks && !admit(self, one, now_ms))
            return true;
        one->asks = false;
        size_t taken;
        bool body = one->up.left > 0;
        switch (zmtp_take(&one->up, flow->bytes + flow->allowed, flow->filled - flow->allowed, &taken, &one->frame)) {
        case ZMTP_BAD:
            return false;
        case ZMTP_FRAME:
            if (!is_possible(one))
                return false;
            one->asks = one->frame > 0;
            break;
        case ZMTP_PASS:
            if (body && one->up.left == 0)
                end_frame(one, now_ms);
        }
        flow->allowed += (unsigned)taken;
    }
    return true;
}

/* What comes down is the ROUTER's own: it is followed until the handshake is over. */
static void follow(sluice *self, passage *one)
{
    sluice_flow *flow = &one->out;
    while (flow->allowed < flow->filled && !one->shaken) {
        size_t taken;
        uint64_t unused;
        if (zmtp_take(&one->down, flow->bytes + flow->allowed, flow->filled - flow->allowed, &taken, &unused) == ZMTP_BAD)
            break;
        flow->allowed += (unsigned)taken;
        one->shaken = one->down.frames >= HANDSHAKE_FRAMES;
        self->strangers -= one->shaken;
    }
    flow->allowed = flow->filled;
}

typedef enum { MOVED, BLOCKED, BROKEN } moved;

static moved drain(sluice_flow *flow, int to, uint64_t *passed)
{
    while (flow->sent < flow->allowed) {
        ssize_t put = to < 0 ? 0 : send(to, flow->bytes + flow->sent, flow->allowed - flow->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno == EINTR)
            continue;
        if (to < 0 || (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOTCONN)))
            return BLOCKED;
        if (put < 0)
            return BROKEN;
        flow->sent += (unsigned)put;
        *passed += (uint64_t)put;
    }
    if (flow->sent < flow->filled)
        return BLOCKED;
    free(flow->bytes);
    *flow = (sluice_flow){.ended = flow->ended};
    return MOVED;
}

static moved fill(sluice_flow *flow, int from)
{
    flow->bytes = malloc(SLUICE_FLOW_BUFFER);
    if (!flow->bytes)
        return BROKEN; /* it comes again when there is memory */
    ssize_t got;
    do
        got = recv(from, flow->bytes, SLUICE_FLOW_BUFFER, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        flow->filled = (unsigned)got;
        return MOVED;
    }
    bool nothing = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOTCONN);
    free(flow->bytes);
    flow->bytes = NULL;
    flow->ended = !nothing;
    return got < 0 && !nothing ? BROKEN : BLOCKED;
}

/* From the agent to the ROUTER, which is called once the agent has begun to greet. */
static bool pump_up(sluice *self, passage *one, uint64_t now_ms)
{
    uint64_t unused = 0;
    for (int i = 0;; i++) {
        if (!allow(self, one, now_ms))
            return false;
        if (one->inner < 0 && one->up.greeted > 0 && (one->inner = sluice_listen_call(one->number, self->port)) < 0)
            return false;
        moved out = drain(&one->in, one->inner, &unused);
        if (out != MOVED)
            return out == BLOCKED;
        if (one->in.ended)
            return false;
        if (i == ROUNDS)
            return true; /* nothing is in hand, so that it is called again for what has come */
        moved got = fill(&one->in, one->outer);
        if (got != MOVED)
            return got == BLOCKED && !one->in.ended;
    }
}

static bool pump_down(sluice *self, passage *one)
{
    for (int i = 0;; i++) {
        follow(self, one);
        moved out = drain(&one->out, one->outer, &one->passed);
        if (out != MOVED)
            return out == BLOCKED;
        if (one->out.ended)
            return false;
        if (i == ROUNDS)
            return true;
        moved got = one->inner >= 0 ? fill(&one->out, one->inner) : BLOCKED;
        if (got != MOVED)
            return got == BLOCKED && !one->out.ended;
    }
}

bool sluice_flow_pump(sluice *self, passage *one, uint64_t now_ms)
{
    /* Down first: the end of the handshake decides what may go up; and what the ROUTER said last is still told. */
    if (!pump_down(self, one))
        return false;
    return pump_up(self, one, now_ms);
}

uint32_t sluice_flow_wants(const passage *one, bool inner)
{
    const sluice_flow *from = inner ? &one->out : &one->in, *to = inner ? &one->in : &one->out;
    bool reads = !from->bytes;
    bool writes = to->sent < to->allowed;
    return (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);
}

void sluice_flow_received(passage *one, size_t bytes, uint64_t now_ms)
{
    uint64_t counted = weight(bytes + ZMTP_CURVE_OVERHEAD);
    if (counted == 0)
        return;
    one->unseen -= counted < one->unseen ? counted : one->unseen;
    one->whole -= counted < one->whole ? counted : one->whole;
    one->whole_ms = now_ms;
}

static void free_room(sluice *self, passage *one, uint64_t bytes)
{
    if (bytes > one->inside)
        bytes = one->inside;
    one->inside -= bytes;
    self->inside -= bytes;
}

void sluice_flow_done(sluice *self, passage *one, size_t bytes)
{
    free_room(self, one, weight(bytes + ZMTP_CURVE_OVERHEAD));
}

bool sluice_flow_sends(passage *one, size_t bytes)
{
    if (one->sends < one->passed) /* the handshake's bytes and heartbeats were not told */
        one->sends = one->passed;
    uint64_t before = one->sends - one->passed;
    one->sends += bytes + ZMTP_CURVE_OVERHEAD;
    return before == 0 || before + bytes <= SLUICE_UNREAD_BYTES;
}

/* Does the frame under way come too slowly? Asked anew after each time of grace, so that what came fast once is no credit. */
static bool is_slow(passage *one, uint64_t now_ms)
{
    uint64_t time_ms = now_ms - one->mark_ms;
    if (time_ms < SLUICE_GRACE_MS)
        return false;
    bool slow = one->mark_left - one->up.left < time_ms * SLUICE_RATE / 1000 && one->in.sent == one->in.allowed;
    one->mark_ms = now_ms;
    one->mark_left = one->up.left;
    return slow;
}

const char *sluice_flow_fault(const sluice *self, passage *one, uint64_t now_ms)
{
    if (!one->shaken)
        return now_ms - one->began_ms > SLUICE_HANDSHAKE_MS ? "no handshake" : NULL;
    if (one->whole > 0 && now_ms - one->whole_ms > SLUICE_UNSEEN_MS)
        return "what it sends is no message of one frame";
    bool under_way = one->up.left > 0 && !one->asks && weight(one->frame) > 0;
    return under_way && is_slow(one, now_ms) && !TAILQ_EMPTY(&self->waiting) ? "too slow, and others wait" : NULL;
}

bool sluice_flow_refill(passage *one)
{
    bool waited = one->small == 0;
    one->small += SLUICE_FLOW_SMALL_EACH;
    if (one->small > SLUICE_FLOW_SMALL_MAX)
        one->small = SLUICE_FLOW_SMALL_MAX;
    return waited;
}

void sluice_flow_end(sluice *self, passage *one)
{
    leave_queue(self, one);
    free(one->in.bytes);
    free(one->out.bytes);
    one->in = one->out = (sluice_flow){0};
}

void sluice_flow_forget_unseen(sluice *self, passage *one)
{
    free_room(self, one, one->unseen);
    one->unseen = 0;
}
