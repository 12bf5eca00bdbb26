/*
 * sim_zmq: what hub_talk asks of libzmq, of the system's sockets, of threads and of clocks, given by the simulated
 * world. (The calls of the production code to clocks, threads and sockets are bound to the __wrap functions by the linker.)
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "sim_agent.h"
#include "sim_hub.h"
#include "sim_net.h"
#include "sluice.h"

int __wrap_clock_gettime(clockid_t clock, struct timespec *to);
time_t __wrap_time(time_t *to);

/* A message: what zmq_msg_t holds. */
typedef struct {
    uint8_t *data;
    size_t size;
    int connection; /* -1: of none */
    bool more, owned;
} content;
_Static_assert(sizeof(content) <= sizeof(zmq_msg_t), "it has to fit");

static content *of(zmq_msg_t *message)
{
    return (content *)(void *)message;
}

static const content *of_const(const zmq_msg_t *message)
{
    return (const content *)(const void *)message;
}

int zmq_msg_init(zmq_msg_t *message)
{
    *of(message) = (content){.connection = -1};
    return 0;
}

int zmq_msg_close(zmq_msg_t *message)
{
    free(of(message)->data);
    *of(message) = (content){.connection = -1};
    return 0;
}

void *zmq_msg_data(zmq_msg_t *message)
{
    return of(message)->data;
}

size_t zmq_msg_size(const zmq_msg_t *message)
{
    return of_const(message)->size;
}

int zmq_msg_more(const zmq_msg_t *message)
{
    return of_const(message)->more;
}

int zmq_msg_get(const zmq_msg_t *message, int property)
{
    assert(property == ZMQ_MORE);
    return of_const(message)->more;
}

const char *zmq_msg_gets(const zmq_msg_t *message, const char *property)
{
    static char user[2 * CRYPTO_PUBLIC + 1];
    const content *self = of_const(message);
    if (self->connection < 0)
        return NULL;
    if (strcmp(property, "Peer-Address") == 0) {
        snprintf(user, sizeof user, "%d", self->connection);
        return user;
    }
    crypto_hex(user, agent_curve_key(net_agent_of((unsigned)self->connection)), CRYPTO_PUBLIC);
    return user;
}

int zmq_msg_recv(zmq_msg_t *message, void *router, int flags)
{
    hub_inbound *in = hub_inbound_of(router);
    (void)flags;
    if (!in->waiting)
        return -1;
    zmq_msg_close(message);
    content *to = of(message);
    if (!in->id_taken) {
        uint32_t routing = in->connection + 1;
        *to = (content){.data = calloc(1, 5), .size = 5, .connection = -1, .more = true};
        if (!to->data)
            abort();
        memcpy(to->data + 1, &routing, sizeof routing);
        in->id_taken = true;
        return 5;
    }
    *to = (content){.data = malloc(in->size + 1), .size = in->size, .connection = (int)in->connection};
    if (!to->data)
        abort();
    memcpy(to->data, in->data, in->size);
    in->waiting = in->id_taken = false;
    return (int)in->size;
}

int zmq_send(void *router, const void *data, size_t size, int flags)
{
    static uint32_t routing; /* of the message under way */
    if (flags & ZMQ_SNDMORE) {
        memcpy(&routing, (const uint8_t *)data + 1, sizeof routing);
        return (int)size;
    }
    hub_says(routing - 1, (text_view){data, size});
    return net_send_to_agent(routing - 1, hub_of_router(router), data, size) ? (int)size : -1;
}

/* The sluice: everything passes; a connection's number is the network's, from 1. */

static unsigned connection_of(uint32_t number)
{
    return number - 1;
}

uint32_t sluice_number(sluice *self, const char *address)
{
    (void)self;
    return address ? (uint32_t)strtoul(address, NULL, 10) + 1 : 0;
}

bool sluice_lives(sluice *self, uint32_t number)
{
    return net_lives_at_hub(connection_of(number), hub_of_router(self));
}

void sluice_cut(sluice *self, uint32_t number)
{
    if (sluice_lives(self, number))
        net_hub_closes(connection_of(number));
}

void sluice_received(sluice *self, uint32_t number, size_t bytes)
{
    hub_holds(hub_of_router(self), (int64_t)bytes);
    (void)number;
}

void sluice_done(sluice *self, uint32_t number, size_t bytes)
{
    hub_holds(hub_of_router(self), -(int64_t)bytes);
    (void)number;
}

bool sluice_sends(sluice *self, uint32_t number, size_t bytes)
{
    (void)self;
    (void)number;
    (void)bytes;
    return true;
}

/* The system. */

int __wrap_clock_gettime(clockid_t clock, struct timespec *to)
{
    uint64_t ms = clock == CLOCK_REALTIME ? sim.wall_ms : sim.now_ms;
    *to = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    return 0;
}

time_t __wrap_time(time_t *to)
{
    time_t now = (time_t)(sim.wall_ms / 1000);
    if (to)
        *to = now;
    return now;
}
