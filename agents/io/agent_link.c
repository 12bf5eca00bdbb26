#include "agent_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "credential.h"
#include "logline.h"
#include "wire.h"

enum {
    OTHERS_MAX = 60,
    CONNECT_TIMEOUT_MS = 8 * 1000,
    HANDSHAKE_TIMEOUT_MS = 8 * 1000,
    /* libzmq's own retry must only be announced (CONNECT_RETRIED), never happen. */
    NEVER_RETRY_MS = 24 * 3600 * 1000,
    HEARTBEAT_MS = 5 * 1000,
    HEARTBEAT_TIMEOUT_MS = 15 * 1000,
};

struct agent_link {
    void *context;
    void *socket, *monitor; /* NULL: not connected */
    const crypto_box_pair *curve;
    uint8_t hub[CRYPTO_PUBLIC];
    unsigned address_count, next_address;
    char addresses[CREDENTIAL_ADDRESSES_MAX][CREDENTIAL_ADDRESS_MAX + 1];
    bool failed; /* the last connect came to nothing at once: LOST is due */
    unsigned long connects; /* names the monitors' endpoints */
    zmq_msg_t message; /* what the last MESSAGE points to */
};

agent_link *agent_link_new(const crypto_box_pair *curve)
{
    agent_link *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->curve = curve;
    self->context = zmq_ctx_new();
    if (self->context == NULL) {
        free(self);
        return NULL;
    }
    zmq_msg_init(&self->message);
    return self;
}

void agent_link_destroy(agent_link **self)
{
    if (*self == NULL)
        return;
    agent_link_disconnect(*self);
    zmq_msg_close(&(*self)->message);
    zmq_ctx_term((*self)->context);
    free(*self);
    *self = NULL;
}

void agent_link_towards(agent_link *self, const text_view *addresses, unsigned count,
                        const uint8_t hub[CRYPTO_PUBLIC])
{
    self->address_count = 0;
    self->next_address = 0;
    memcpy(self->hub, hub, CRYPTO_PUBLIC);
    for (unsigned i = 0; i < count && self->address_count < CREDENTIAL_ADDRESSES_MAX; i++)
        if (text_copy(self->addresses[self->address_count], sizeof self->addresses[0], addresses[i]))
            self->address_count++;
}

void agent_link_disconnect(agent_link *self)
{
    self->failed = false;
    /* Events stop before their reader goes: libzmq waits for ever, under a lock, for a reader that has gone. */
    if (self->socket != NULL)
        zmq_socket_monitor(self->socket, NULL, 0);
    if (self->monitor != NULL)
        zmq_close(self->monitor);
    if (self->socket != NULL)
        zmq_close(self->socket);
    self->monitor = self->socket = NULL;
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_up(agent_link *self, void *socket)
{
    int64_t message_max = WIRE_MESSAGE_MAX + 64; /* CURVE makes a frame 33 bytes longer than its message */
    return set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_IPV6, 1)
        && set_number(socket, ZMQ_RECONNECT_IVL, NEVER_RETRY_MS)
        && set_number(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS)
        && set_number(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_TIMEOUT_MS)
        && set_number(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS)
        && set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        && zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, self->hub, CRYPTO_PUBLIC) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self->curve->public_key, CRYPTO_PUBLIC) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->curve->secret_key, CRYPTO_SECRET) == 0;
}

/* A monitor and the connection; false: it came to nothing. */
static bool start(agent_link *self)
{
    char name[64];
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED
        | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_CLOSED;
    if (self->address_count == 0)
        return false;
    const char *address = self->addresses[self->next_address % self->address_count];
    self->next_address = (self->next_address + 1) % self->address_count;
    (void)snprintf(name, sizeof name, "inproc://monitor-%lu", self->connects++);
    self->socket = zmq_socket(self->context, ZMQ_DEALER);
    if (self->socket == NULL || !set_up(self, self->socket) || zmq_socket_monitor(self->socket, name, events) != 0)
        return false;
    self->monitor = zmq_socket(self->context, ZMQ_PAIR);
    if (self->monitor == NULL || !set_number(self->monitor, ZMQ_LINGER, 0) || zmq_connect(self->monitor, name) != 0)
        return false;
    return zmq_connect(self->socket, address) == 0;
}

void agent_link_connect(agent_link *self)
{
    agent_link_disconnect(self);
    if (start(self))
        return;
    logline(LOGLINE_WARNING, "cannot start a connection to the hub: %s", zmq_strerror(zmq_errno()));
    agent_link_disconnect(self);
    self->failed = true;
}

bool agent_link_send(agent_link *self, text_view message)
{
    return self->socket != NULL && zmq_send(self->socket, message.at, message.size, ZMQ_DONTWAIT) >= 0;
}

/* What libzmq's event means; QUIET: nothing to us. value: the event's (an errno, or a ZAP status). */
static agent_link_event_type meaning(uint16_t event, uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return AGENT_LINK_CONNECTED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: /* 300 and 500 are troubles of the hub's, which pass */
        return value == 400 ? AGENT_LINK_REFUSED_KEY : AGENT_LINK_LOST;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return AGENT_LINK_NO_DETAIL;
    case ZMQ_EVENT_DISCONNECTED:
    case ZMQ_EVENT_CONNECT_RETRIED:
    case ZMQ_EVENT_CLOSED:
        return AGENT_LINK_LOST;
    default:
        return AGENT_LINK_QUIET;
    }
}

/* An event of the monitor is two frames: number and value; then the endpoint. */
static agent_link_event_type read_monitor(agent_link *self)
{
    uint8_t head[6] = {0};
    char endpoint[CREDENTIAL_ADDRESS_MAX + 1];
    uint16_t event;
    uint32_t value;
    while (zmq_recv(self->monitor, head, sizeof head, ZMQ_DONTWAIT) == (int)sizeof head) {
        (void)zmq_recv(self->monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + sizeof event, sizeof value);
        agent_link_event_type type = meaning(event, value);
        if (type != AGENT_LINK_QUIET)
            return type;
    }
    return AGENT_LINK_QUIET;
}

/* One whole message; several frames count as one that says nothing. */
static bool read_message(agent_link *self, text_view *message)
{
    if (zmq_msg_recv(&self->message, self->socket, ZMQ_DONTWAIT) < 0)
        return false;
    *message = (text_view){zmq_msg_data(&self->message), zmq_msg_size(&self->message)};
    while (zmq_msg_more(&self->message)) {
        *message = (text_view){NULL, 0};
        if (zmq_msg_recv(&self->message, self->socket, ZMQ_DONTWAIT) < 0)
            break;
    }
    return true;
}

agent_link_event agent_link_next(agent_link *self)
{
    agent_link_event event = {.type = AGENT_LINK_QUIET};
    if (self->failed) {
        self->failed = false;
        event.type = AGENT_LINK_LOST;
        return event;
    }
    if (self->socket == NULL)
        return event;
    /* Messages first: what came before an ending still counts, and none comes before the handshake is told. */
    if (read_message(self, &event.message)) {
        event.type = AGENT_LINK_MESSAGE;
        return event;
    }
    event.type = read_monitor(self);
    if (event.type == AGENT_LINK_LOST || event.type == AGENT_LINK_REFUSED_KEY || event.type == AGENT_LINK_NO_DETAIL)
        agent_link_disconnect(self);
    return event;
}

void agent_link_wait(agent_link *self, struct pollfd *others, unsigned count, int timeout_ms)
{
    zmq_pollitem_t items[OTHERS_MAX + 2];
    int total = 0;
    assert(count <= OTHERS_MAX);
    for (unsigned i = 0; i < count; i++) {
        short wanted = (short)(((others[i].events & POLLIN) ? ZMQ_POLLIN : 0)
                               | ((others[i].events & POLLOUT) ? ZMQ_POLLOUT : 0));
        items[total++] = (zmq_pollitem_t){.fd = others[i].fd, .events = wanted};
        others[i].revents = 0;
    }
    if (self->socket != NULL) {
        items[total++] = (zmq_pollitem_t){.socket = self->socket, .events = ZMQ_POLLIN};
        items[total++] = (zmq_pollitem_t){.socket = self->monitor, .events = ZMQ_POLLIN};
    }
    if (zmq_poll(items, total, self->failed ? 0 : timeout_ms) <= 0)
        return;
    for (unsigned i = 0; i < count; i++)
        others[i].revents = (short)(((items[i].revents & ZMQ_POLLIN) ? POLLIN : 0)
                                    | ((items[i].revents & ZMQ_POLLOUT) ? POLLOUT : 0)
                                    | ((items[i].revents & ZMQ_POLLERR) ? POLLERR : 0));
}

bool agent_link_versions(char *text, size_t size)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    (void)snprintf(text, size, "libzmq %d.%d.%d, libsodium %s", major, minor, patch, crypto_version());
    return major * 10000 + minor * 100 + patch >= 40304 && crypto_version_good();
}
