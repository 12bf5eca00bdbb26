/*
 * sim_zmq: what hub_talk asks of libzmq, of the system's sockets, of threads and of clocks, given by the simulated
 * world. (The calls of the production code to clocks, threads and sockets are bound to the __wrap functions by the linker.)
 */
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <zmq.h>

#include "sim_agent.h"
#include "sim_hub.h"
#include "sim_net.h"

int __wrap_clock_gettime(clockid_t clock, struct timespec *to);
time_t __wrap_time(time_t *to);
int __wrap_getpeername(int descriptor, struct sockaddr *to, socklen_t *size);
int __wrap_getnameinfo(const struct sockaddr *of, socklen_t size, char *host, socklen_t host_size, char *service,
                       socklen_t service_size, int flags);
int __wrap_shutdown(int descriptor, int how);

static const char ADDRESS[] = "10.0.0.1";

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
    const content *self = of_const(message);
    if (property == ZMQ_MORE)
        return self->more;
    return self->connection < 0 ? -1 : net_descriptor((unsigned)self->connection);
}

const char *zmq_msg_gets(const zmq_msg_t *message, const char *property)
{
    static char user[2 * CRYPTO_PUBLIC + 1];
    const content *self = of_const(message);
    if (self->connection < 0)
        return NULL;
    if (strcmp(property, "Peer-Address") == 0)
        return ADDRESS;
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

/* The system. */

int __wrap_getpeername(int descriptor, struct sockaddr *to, socklen_t *size)
{
    int index = net_connection_of(hub_current(), descriptor);
    if (index < 0)
        return -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = (uint16_t)index};
    address.sin_addr.s_addr = 0x0100000a;
    memcpy(to, &address, sizeof address);
    *size = sizeof address;
    return 0;
}

int __wrap_getnameinfo(const struct sockaddr *of_whom, socklen_t size, char *host, socklen_t host_size, char *service,
                       socklen_t service_size, int flags)
{
    (void)of_whom;
    (void)size;
    (void)service;
    (void)service_size;
    (void)flags;
    if (host_size < sizeof ADDRESS)
        return EAI_OVERFLOW;
    memcpy(host, ADDRESS, sizeof ADDRESS);
    return 0;
}

int __wrap_shutdown(int descriptor, int how)
{
    int index = net_connection_of(hub_current(), descriptor);
    (void)how;
    if (index >= 0)
        net_hub_closes((unsigned)index);
    return index >= 0 ? 0 : -1;
}

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
