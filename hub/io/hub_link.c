/* hub_link: the socket and the loop; what is said on it is hub_talk's. Errors: errno of the bind. */
#include "hub_link.h"

#include <czmq.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hub_talk.h"
#include "logline.h"
#include "zap.h"

enum {
    TICK_MS = 1000, WATCHDOG_MS = 5000, READ_AT_ONCE = 64, BACKLOG = 512,
    DESCRIPTORS_EACH = 3,     /* of a connection */
    DESCRIPTORS_FEW = 4096,   /* less is told in the log */
};

struct hub_link {
    sluice *network;
    zap *admission;
    zsock_t *socket;
    hub_talk talk;
    int changed; /* eventfd */
};

static uint64_t now_ms(void)
{
    return (uint64_t) zclock_mono();
}

/* Connections use descriptors, also those of strangers: take all that we may have. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (before < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = before;
    if (limit.rlim_cur < DESCRIPTORS_FEW)
        logline(LOGLINE_WARNING, "at most %lu descriptors, so about %lu connections: raise the hard limit "
                "(LimitNOFILE= of the service, ulimit -Hn)", (unsigned long) limit.rlim_cur,
                (unsigned long) limit.rlim_cur / DESCRIPTORS_EACH);
}

/*
 * libzmq 4.3.4 numbers a ROUTER's peers from rand(), and dies when a peer has given itself the number that comes
 * next: the first must not be guessable. (It seeds rand() by the clock when its first socket is made, which is the
 * ZAP handler's.)
 */
static void seed_routing_ids(void)
{
    unsigned seed;
    crypto_random(&seed, sizeof seed);
    srandom(seed);
}

static void set_options(zsock_t *socket, const hub_link_options *options)
{
    zsock_set_zap_domain(socket, ZAP_DOMAIN);
    zsock_set_zap_enforce_domain(socket, 1);
    zsock_set_curve_server(socket, 1);
    zsock_set_curve_secretkey_bin(socket, options->keys->curve.secret_key);
    zsock_set_maxmsgsize(socket, SLUICE_FRAME_BYTES);
    zsock_set_handshake_ivl(socket, HUB_LINK_HANDSHAKE_MS);
    zsock_set_heartbeat_ivl(socket, HUB_LINK_HEARTBEAT_MS);
    zsock_set_heartbeat_timeout(socket, HUB_LINK_HEARTBEAT_TIMEOUT_MS);
    zsock_set_heartbeat_ttl(socket, HUB_LINK_HEARTBEAT_TTL_MS);
    zsock_set_rcvbuf(socket, HUB_LINK_KERNEL_BYTES);
    zsock_set_sndbuf(socket, HUB_LINK_KERNEL_BYTES);
    zsock_set_rcvhwm(socket, HUB_LINK_MESSAGES_WAITING);
    zsock_set_sndhwm(socket, HUB_LINK_MESSAGES_WAITING);
    zsock_set_router_mandatory(socket, 1);
    zsock_set_router_handover(socket, 0);
    zsock_set_backlog(socket, BACKLOG);
    zsock_set_linger(socket, HUB_LINK_LINGER_MS);
}

/* The socket is on loopback, at a port that the system chooses; the sluice is where the world comes to. */
static bool open_network(hub_link *self, const hub_link_options *options)
{
    char inside[ENDPOINT_TEXT];
    size_t size = sizeof inside;
    endpoint bound;
    void *raw = zsock_resolve(self->socket);
    if (zmq_bind(raw, "tcp://127.0.0.1:*") != 0 || zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, inside, &size) != 0)
        return false;
    return endpoint_parse(&bound, text_of(inside)) && sluice_start(self->network, options->listen, bound.port);
}

hub_link *hub_link_new(const hub_link_options *options)
{
    hub_link *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    raise_descriptors();
    zsys_init();
    zsys_handler_set(NULL); /* signals are the caller's */
    errno = ENOMEM;
    self->network = sluice_new();
    self->admission = self->network ? zap_new(options->who, self->network) : NULL;
    seed_routing_ids();
    self->socket = self->admission ? zsock_new(ZMQ_ROUTER) : NULL;
    bool good = self->changed >= 0 && self->socket;
    if (good) {
        set_options(self->socket, options);
        good = open_network(self, options);
    }
    int error = errno;
    if (good && !hub_talk_init(&self->talk, zsock_resolve(self->socket), self->network, options)) {
        good = false;
        error = ENOMEM;
    }
    if (!good)
        hub_link_destroy(&self);
    errno = error;
    return self;
}

void hub_link_destroy(hub_link **self)
{
    if (!self || !*self)
        return;
    hub_talk_release(&(*self)->talk);
    zsock_destroy(&(*self)->socket);
    sluice_finish((*self)->network, HUB_LINK_LINGER_MS); /* the last words of the socket */
    zap_destroy(&(*self)->admission);
    sluice_destroy(&(*self)->network);
    if ((*self)->changed >= 0)
        close((*self)->changed);
    free(*self);
    *self = NULL;
}

const char *hub_link_endpoint(const hub_link *self)
{
    return sluice_endpoint(self->network);
}

void hub_link_changed(hub_link *self)
{
    ssize_t put = write(self->changed, &(uint64_t){1}, sizeof(uint64_t));
    (void) put; /* full: it is awake already */
}

static bool any_failed(const hub_talk *talk)
{
    for (unsigned i = 0; i < talk->writer_count; i++)
        if (writer_failed(talk->writers[i]))
            return true;
    return false;
}

static void take_changes(hub_link *self)
{
    uint64_t count;
    if (read(self->changed, &count, sizeof count) > 0)
        hub_talk_recheck(&self->talk, now_ms());
    else if (self->talk.recheck_ms && now_ms() >= self->talk.recheck_ms)
        hub_talk_recheck(&self->talk, now_ms());
}

bool hub_link_run(hub_link *self, int stop)
{
    hub_talk *talk = &self->talk;
    uint64_t fed_ms = 0;
    for (;;) {
        zmq_pollitem_t items[] = {
            { .socket = talk->router, .events = ZMQ_POLLIN },
            { .fd = job_queue_descriptor(talk->answers), .events = ZMQ_POLLIN },
            { .fd = self->changed, .events = ZMQ_POLLIN },
            { .fd = stop, .events = ZMQ_POLLIN },
        };
        int wait_ms = peer_sweep(talk->peers, now_ms(), TICK_MS);
        if (zmq_poll(items, 4, wait_ms) < 0 && errno != EINTR)
            return false;
        if (now_ms() - fed_ms >= WATCHDOG_MS) {
            logline_notify("WATCHDOG=1");
            fed_ms = now_ms();
        }
        take_changes(self);
        hub_talk_answers(talk, now_ms());
        for (int i = 0; i < READ_AT_ONCE && (items[0].revents & ZMQ_POLLIN); i++)
            if (!hub_talk_receive(talk, now_ms()))
                break;
        if (any_failed(talk))
            return false;
        if (items[3].revents & ZMQ_POLLIN)
            break;
    }
    hub_talk_finish(talk, now_ms());
    return true;
}

bool hub_link_versions(char *text, size_t size)
{
    int zmq[3], czmq[3];
    zmq_version(&zmq[0], &zmq[1], &zmq[2]);
    zsys_version(&czmq[0], &czmq[1], &czmq[2]);
    snprintf(text, size, "libzmq %d.%d.%d, czmq %d.%d.%d, libsodium %s", zmq[0], zmq[1], zmq[2], czmq[0], czmq[1], czmq[2],
             crypto_version());
    return zmq[0] * 10000 + zmq[1] * 100 + zmq[2] >= 40304 && crypto_version_good();
}
