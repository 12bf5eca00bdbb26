/* sim_net: see the header. */
#include "sim_net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "sim_agent.h"
#include "sim_check.h"
#include "sim_hub.h"
#include "sim_stage.h"
#include "sim_tell.h"
#include "wire.h"

enum {
    HEARTBEAT_MS = 15 * 1000, HUB_HEARTBEAT_MS = 30 * 1000,
    LATE_MS = 60 * 1000,
};

typedef struct {
    unsigned agent, hub;
    uint64_t life; /* of the hub that it goes to */
    bool connected, agent_open, hub_open;
    bool severed; /* nothing passes any more */
    uint64_t at_hub_ms, at_agent_ms; /* of the last arrival each way */
    uint64_t held_until;             /* nothing reaches the hub before */
} connection;

typedef struct {
    unsigned connection;
    bool to_hub, kept; /* kept: it arrives when it is let go, or never */
    uint8_t *data;
    size_t size;
} message;

typedef struct happening {
    struct happening *next;
    agent_link_event_type type;
    uint8_t *data;
    size_t size;
} happening;

struct agent_link {
    unsigned agent;
    int connection; /* -1: none */
    unsigned addresses, next_address;
    uint8_t curve[CRYPTO_PUBLIC];
    happening *first, **last;
    uint8_t *given; /* the message that was handed out */
};

static connection *connections;
static unsigned connection_count, connection_capacity;
static message *messages;
static unsigned message_count, message_capacity;
static agent_link *links[SIM_AGENTS_MAX];
static uint64_t blocked_until[SIM_AGENTS_MAX][SIM_HUBS];

void net_reset(void)
{
    for (unsigned i = 0; i < message_count; i++)
        free(messages[i].data);
    connection_count = message_count = 0;
    memset(blocked_until, 0, sizeof blocked_until);
    memset(links, 0, sizeof links);
}

static uint64_t latency(void)
{
    uint64_t some = 1 + sim_below(SIM_NET, 20);
    if (sim.faults && sim_chance(SIM_NET, sim.odds.late))
        some += sim_below(SIM_NET, sim_chance(SIM_NET, 250) ? LATE_MS : 3000);
    return some;
}

static bool is_blocked(unsigned agent, unsigned hub)
{
    return blocked_until[agent][hub] > sim.now_ms;
}

static agent_link *link_of(unsigned index)
{
    agent_link *self = links[connections[index].agent];
    return self && self->connection == (int)index ? self : NULL;
}

static void happens(agent_link *self, agent_link_event_type type, uint8_t *data, size_t size)
{
    happening *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    *made = (happening){.type = type, .data = data, .size = size};
    *self->last = made;
    self->last = &made->next;
    agent_wake(self->agent, sim.now_ms);
}

static void forget_happenings(agent_link *self)
{
    while (self->first) {
        happening *next = self->first->next;
        free(self->first->data);
        free(self->first);
        self->first = next;
    }
    self->last = &self->first;
}

/* The agent's end is gone; the hub hears of it later. */
static void close_agent_end(unsigned index, uint64_t after_ms)
{
    connection *self = &connections[index];
    if (!self->agent_open)
        return;
    self->agent_open = false;
    if (self->hub_open)
        sim_later(after_ms, SIM_EVENT_HUB_LOSES, 0, index);
}

static void close_hub_end(unsigned index)
{
    connection *self = &connections[index];
    if (!self->hub_open)
        return;
    self->hub_open = false;
}

/* The hub's end is gone; the agent hears of it after what was sent before. */
void net_hub_closes(unsigned index)
{
    connection *self = &connections[index];
    if (!self->hub_open)
        return;
    close_hub_end(index);
    sim_count(connection_cut_by_hub);
    uint64_t at = sim.now_ms + latency();
    if (at < self->at_agent_ms)
        at = self->at_agent_ms;
    sim_later(at - sim.now_ms, SIM_EVENT_AGENT_LOSES, 0, index);
}

static void sever(unsigned index)
{
    connection *self = &connections[index];
    if (self->severed)
        return;
    self->severed = true;
    sim_trace("sever", index, self->agent, self->hub);
    sim_later(sim_below(SIM_NET, HEARTBEAT_MS), SIM_EVENT_AGENT_LOSES, 0, index);
    sim_later(sim_below(SIM_NET, HUB_HEARTBEAT_MS), SIM_EVENT_HUB_LOSES, 0, index);
}

/* Hands a message to the network. */
static void carry(unsigned index, bool to_hub, const void *data, size_t size, uint64_t extra_ms)
{
    connection *self = &connections[index];
    if (message_count == message_capacity) {
        message_capacity = message_capacity ? 2 * message_capacity : 256;
        messages = realloc(messages, message_capacity * sizeof *messages);
        if (!messages)
            abort();
    }
    message *made = &messages[message_count];
    *made = (message){.connection = index, .to_hub = to_hub, .size = size, .data = malloc(size + 1)};
    if (!made->data)
        abort();
    memcpy(made->data, data, size);
    uint64_t *last = to_hub ? &self->at_hub_ms : &self->at_agent_ms;
    uint64_t at = sim.now_ms + latency() + extra_ms;
    if (blocked_until[self->agent][self->hub] > at)
        at = blocked_until[self->agent][self->hub] + latency();
    if (at < *last)
        at = *last;
    *last = at;
    sim_later(at - sim.now_ms, SIM_EVENT_MESSAGE, 0, message_count++);
}

static bool passes(unsigned index, bool to_hub, const void *data, size_t size)
{
    connection *self = &connections[index];
    if (self->severed)
        return true; /* into the void */
    /* A silence that is longer than the heartbeats ends the connection. */
    if (blocked_until[self->agent][self->hub] > sim.now_ms + HEARTBEAT_MS) {
        if (to_hub && sim_chance(SIM_NET, 500))
            carry(index, to_hub, data, size, 0);
        sever(index);
        return true;
    }
    if (sim.faults && sim_chance(SIM_NET, sim.odds.drop)) {
        /* A ROUTER that cannot pass a message on gives the connection up: what follows is lost too. */
        sim_count(net_dropped);
        if (!to_hub)
            sever(index);
        return true;
    }
    carry(index, to_hub, data, size, 0);
    if (sim.faults && sim_chance(SIM_NET, sim.odds.duplicate)) {
        sim_count(net_duplicated);
        carry(index, to_hub, data, size, 0);
    }
    return true;
}

/* Events. */

static bool same_hub_lives(const connection *self)
{
    return hub_is_up(self->hub) && hub_life(self->hub) == self->life;
}

void net_handshake(unsigned index)
{
    connection *self = &connections[index];
    agent_link *link = link_of(index);
    if (!link || !self->agent_open)
        return;
    if (is_blocked(self->agent, self->hub))
        return; /* no answer: the session's own time ends it */
    agent_link_event_type type = AGENT_LINK_CONNECTED;
    self->life = hub_life(self->hub);
    if (!hub_is_up(self->hub) || (sim.faults && sim_chance(SIM_NET, sim.odds.refuse))) {
        type = AGENT_LINK_LOST;
        sim_count(net_refused);
    } else if (sim.faults && sim_chance(SIM_NET, sim.odds.no_detail)) {
        type = AGENT_LINK_NO_DETAIL;
        sim_count(net_no_detail);
    } else if (!hub_admits(self->hub, link->curve)) {
        type = AGENT_LINK_REFUSED_KEY;
        sim_count(key_refused);
    }
    sim_trace("handshake", index, self->agent, type);
    if (type == AGENT_LINK_CONNECTED) {
        self->connected = self->hub_open = true;
    } else {
        self->agent_open = false;
    }
    happens(link, type, NULL, 0);
}

void net_message(unsigned which)
{
    message *what = &messages[which];
    connection *self = &connections[what->connection];
    uint8_t *data = what->data;
    if (what->kept || !data)
        return; /* it was kept back: that was its time */
    if (what->to_hub && self->held_until > sim.now_ms) {
        sim_later(self->held_until - sim.now_ms, SIM_EVENT_MESSAGE, 0, which);
        return;
    }
    what->data = NULL;
    if (what->to_hub) {
        bool arrives = self->hub_open && same_hub_lives(self);
        if (arrives && !self->agent_open) {
            sim_count(net_late);
            agent_link *now = links[self->agent];
            if (now && now->connection >= 0 && connections[now->connection].hub != self->hub)
                sim_count(net_late_other_hub);
        }
        sim_tell(arrives ? "    >" : "    x", self->agent, what->connection, (text_view){(const char *)data, what->size});
        sim_trace_bytes(arrives ? "to hub" : "lost to hub", what->connection, data, what->size);
        if (arrives)
            hub_receives(self->hub, what->connection, data, what->size);
        free(data);
        return;
    }
    agent_link *link = link_of(what->connection);
    if (link && self->agent_open) {
        sim_tell("    <", self->agent, what->connection, (text_view){(const char *)data, what->size});
        sim_trace_bytes("to agent", what->connection, data, what->size);
        happens(link, AGENT_LINK_MESSAGE, data, what->size);
    } else {
        free(data);
    }
}

void net_agent_loses(unsigned index)
{
    connection *self = &connections[index];
    agent_link *link = link_of(index);
    if (!self->agent_open)
        return;
    self->agent_open = false;
    sim_trace("agent loses", index, self->agent, 0);
    if (link)
        happens(link, AGENT_LINK_LOST, NULL, 0);
}

void net_hub_loses(unsigned index)
{
    connection *self = &connections[index];
    /* What is under way comes first: the end of the line is the last that is read of it. */
    if (self->hub_open && self->at_hub_ms > sim.now_ms) {
        sim_later(self->at_hub_ms - sim.now_ms + 1, SIM_EVENT_HUB_LOSES, 0, index);
        return;
    }
    sim_trace("hub loses", index, self->agent, 0);
    close_hub_end(index);
}

/* Troubles. */

void net_cut(uint64_t chance)
{
    unsigned open = 0;
    for (unsigned i = 0; i < connection_count; i++)
        open += connections[i].connected && connections[i].agent_open && !connections[i].severed;
    if (open == 0)
        return;
    uint64_t which = chance % open;
    for (unsigned i = 0; i < connection_count; i++)
        if (connections[i].connected && connections[i].agent_open && !connections[i].severed && which-- == 0) {
            sim_count(net_cut);
            sever(i);
            return;
        }
}

void net_block(unsigned agent, unsigned hub, uint64_t for_ms)
{
    sim_count(net_partition);
    sim_trace("block", agent, hub, for_ms);
    if (blocked_until[agent][hub] < sim.now_ms + for_ms)
        blocked_until[agent][hub] = sim.now_ms + for_ms;
}

void net_hold(unsigned agent, uint64_t for_ms)
{
    for (unsigned i = 0; i < connection_count; i++)
        if (connections[i].agent == agent && connections[i].hub_open) {
            connections[i].held_until = sim.now_ms + for_ms;
            if (connections[i].at_hub_ms < connections[i].held_until)
                connections[i].at_hub_ms = connections[i].held_until;
        }
}

void net_keep(unsigned agent)
{
    for (unsigned i = 0; i < message_count; i++) {
        connection *on = &connections[messages[i].connection];
        if (!messages[i].to_hub || !messages[i].data || on->agent != agent || !on->hub_open)
            continue;
        messages[i].kept = true;
        on->at_hub_ms = sim.now_ms + LATE_MS;
    }
}

static bool is_batch_of(const message *what, unsigned scope)
{
    wire_message read;
    batch_header header;
    arena *scratch = arena_new(WIRE_SCRATCH_BYTES * 16);
    if (!scratch)
        abort();
    bool is = wire_read(&read, scratch, (text_view){(const char *)what->data, what->size}) && read.type == WIRE_BATCH
        && batch_read_header(&header, scratch, read.batch.header) && sim_scope_find(header.scope) == (int)scope;
    arena_destroy(&scratch);
    return is;
}

void net_let_go(unsigned identity, unsigned scope)
{
    uint64_t delay = 1 + sim_below(SIM_STAGE, 1000);
    for (unsigned i = 0; i < message_count; i++) {
        message *what = &messages[i];
        if (!what->kept || agent_identity(connections[what->connection].agent) != identity || !is_batch_of(what, scope))
            continue;
        sim_count(late_after_grant);
        what->kept = false;
        sim_later(delay, SIM_EVENT_MESSAGE, 0, i);
    }
}

void net_heal(void)
{
    memset(blocked_until, 0, sizeof blocked_until);
}

void net_agent_died(unsigned agent)
{
    for (unsigned i = 0; i < connection_count; i++)
        if (connections[i].agent == agent && connections[i].agent_open)
            close_agent_end(i, sim_below(SIM_NET, 3) ? latency() : sim_below(SIM_NET, HUB_HEARTBEAT_MS));
}

void net_hub_died(unsigned hub)
{
    for (unsigned i = 0; i < connection_count; i++)
        if (connections[i].hub == hub && connections[i].connected && (connections[i].hub_open || connections[i].agent_open)) {
            close_hub_end(i);
            sim_later(sim_below(SIM_NET, 3) ? latency() : sim_below(SIM_NET, HEARTBEAT_MS), SIM_EVENT_AGENT_LOSES, 0, i);
        }
}

/* The hub's end. */

bool net_send_to_agent(unsigned index, unsigned hub, const void *data, size_t size)
{
    connection *self = &connections[index];
    if (index >= connection_count || self->hub != hub || !self->hub_open)
        return false;
    return passes(index, false, data, size);
}

bool net_lives_at_hub(unsigned index, unsigned hub)
{
    return index < connection_count && connections[index].hub == hub && connections[index].hub_open;
}

unsigned net_agent_of(unsigned index)
{
    return connections[index].agent;
}

/* The agent's end: agent_link. */

agent_link *agent_link_new(const crypto_box_pair *curve)
{
    agent_link *self = calloc(1, sizeof *self);
    if (!self)
        abort();
    self->agent = agent_current();
    self->connection = -1;
    self->last = &self->first;
    self->next_address = (unsigned)sim_below(SIM_NET, SIM_HUBS);
    memcpy(self->curve, curve->public_key, CRYPTO_PUBLIC);
    links[self->agent] = self;
    return self;
}

void agent_link_destroy(agent_link **self)
{
    if (!*self)
        return;
    agent_link_disconnect(*self);
    links[(*self)->agent] = NULL;
    free((*self)->given);
    free(*self);
    *self = NULL;
}

void agent_link_towards(agent_link *self, const text_view *addresses, unsigned count, const uint8_t hub[CRYPTO_PUBLIC])
{
    (void)addresses;
    (void)hub;
    self->addresses = count;
}

void agent_link_connect(agent_link *self)
{
    agent_link_disconnect(self);
    if (connection_count == connection_capacity) {
        connection_capacity = connection_capacity ? 2 * connection_capacity : 64;
        connections = realloc(connections, connection_capacity * sizeof *connections);
        if (!connections)
            abort();
    }
    connections[connection_count] =
        (connection){.agent = self->agent, .hub = self->next_address % self->addresses, .agent_open = true};
    self->next_address++;
    self->connection = (int)connection_count++;
    sim_trace("connect", (uint64_t)self->connection, self->agent, connections[self->connection].hub);
    if (!sim_disk_dead(self->agent))
        sim_later(latency() * 3, SIM_EVENT_HANDSHAKE, 0, (uint64_t)self->connection);
}

void agent_link_disconnect(agent_link *self)
{
    if (self->connection >= 0) {
        uint64_t after = latency();
        if (sim.faults && sim_chance(SIM_NET, 50))
            after = sim_below(SIM_NET, LATE_MS);
        close_agent_end((unsigned)self->connection, after);
    }
    self->connection = -1;
    forget_happenings(self);
}

static bool is_renewal(text_view frame)
{
    return frame.size > 1 && (uint8_t)frame.at[1] == WIRE_RENEW;
}

/* The frame reaches the hub when its agent has long gone to another one. */
static void linger(unsigned index, text_view frame)
{
    connection *self = &connections[index];
    sim_count(renew_late);
    if (self->severed)
        return;
    carry(index, true, frame.at, frame.size, 1000 + sim_below(SIM_STAGE, 30 * 1000));
    self->severed = true;
    sim_later(sim_below(SIM_STAGE, 500), SIM_EVENT_AGENT_LOSES, 0, index);
    sim_later(self->at_hub_ms - sim.now_ms + 1, SIM_EVENT_HUB_LOSES, 0, index);
    stage_lingers();
}

bool agent_link_send(agent_link *self, text_view frame)
{
    if (self->connection < 0 || sim_disk_dead(self->agent))
        return sim_disk_dead(self->agent);
    const connection *on = &connections[self->connection];
    if (!on->connected || !on->agent_open)
        return false;
    if (sim.faults && sim_chance(SIM_NET, sim.odds.send_fails)) {
        sim_count(net_send_failed);
        return false;
    }
    check_agent_says(self->agent, frame);
    if (is_renewal(frame) && sim.faults && sim_chance(SIM_STAGE, sim.odds.renew_late)) {
        linger((unsigned)self->connection, frame);
        return true;
    }
    return passes((unsigned)self->connection, true, frame.at, frame.size);
}

agent_link_event agent_link_next(agent_link *self)
{
    happening *next = self->first;
    free(self->given);
    self->given = NULL;
    if (!next)
        return (agent_link_event){.type = AGENT_LINK_QUIET};
    self->first = next->next;
    if (!self->first)
        self->last = &self->first;
    self->given = next->data;
    agent_link_event event = {.type = next->type, .message = {(const char *)next->data, next->size}};
    free(next);
    return event;
}

void agent_link_wait(agent_link *self, struct pollfd *others, unsigned count, int timeout_ms)
{
    (void)self;
    (void)timeout_ms;
    for (unsigned i = 0; i < count; i++)
        others[i].revents = 0;
}
