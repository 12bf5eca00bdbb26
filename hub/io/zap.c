/* zap: see the header. Errors: a request that is not understood is answered with 500. */
#include "zap.h"

#include <czmq.h>

#include "logline.h"

struct zap {
    zactor_t *thread;
    zsock_t *handler; /* the thread's, once it runs */
    gate *who;
    sluice *network;
    int64_t said_ms;     /* when a refusal was last logged */
    unsigned long unsaid; /* refusals since then */
};

enum { ZAP_SAY_EVERY_MS = 1000 };

enum { ZAP_FRAMES = 7 }; /* version, request id, domain, address, identity, mechanism, credentials */

static bool frame_is(zframe_t *frame, const char *text)
{
    return zframe_size(frame) == strlen(text) && memcmp(zframe_data(frame), text, strlen(text)) == 0;
}

/* The sluice's number; 0: somebody of this machine who has gone round it. */
static uint32_t connection_of(zap *self, zframe_t *frame)
{
    char text[64];
    size_t size = zframe_size(frame);
    if (size >= sizeof text)
        return 0;
    memcpy(text, zframe_data(frame), size);
    text[size] = '\0';
    return sluice_number(self->network, text);
}

/* Is the request for a key of the gate? Writes the User-Id. */
static bool admitted(zap *self, zframe_t *const frame[ZAP_FRAMES], char user[2 * CRYPTO_PUBLIC + 1])
{
    admission_entry entry;
    if (!frame_is(frame[2], ZAP_DOMAIN) || !frame_is(frame[5], "CURVE")
        || zframe_size(frame[6]) != CRYPTO_PUBLIC
        || !connection_of(self, frame[3]) || !gate_find(self->who, zframe_data(frame[6]), &entry))
        return false;
    crypto_hex(user, entry.curve, CRYPTO_PUBLIC);
    return true;
}

static void answer(zsock_t *handler, zframe_t *id, const char *status, const char *reason, const char *user)
{
    zmsg_t *reply = zmsg_new();
    zmsg_addstr(reply, "1.0");
    zmsg_addmem(reply, id ? zframe_data(id) : NULL, id ? zframe_size(id) : 0);
    zmsg_addstr(reply, status);
    zmsg_addstr(reply, reason);
    zmsg_addstr(reply, user);
    zmsg_addmem(reply, NULL, 0);
    if (zmsg_send(&reply, handler) != 0)
        zmsg_destroy(&reply);
}

/* Strangers may knock as often as they like; the log has a line a second for them. */
static void say_refused(zap *self, zframe_t *address)
{
    int64_t now = zclock_mono();
    if (self->said_ms && now - self->said_ms < ZAP_SAY_EVERY_MS) {
        self->unsaid++;
        return;
    }
    char text[NI_MAXHOST];
    sluice_address(self->network, connection_of(self, address), text);
    logline(LOGLINE_WARNING, "refused a connection from %s: its key is not admitted (%lu more before it)", text, self->unsaid);
    self->said_ms = now;
    self->unsaid = 0;
}

static void handle(zap *self)
{
    zmsg_t *request = zmsg_recv(self->handler);
    if (!request)
        return;
    zframe_t *frame[ZAP_FRAMES] = {0};
    size_t count = 0;
    for (zframe_t *at = zmsg_first(request); at && count < ZAP_FRAMES; at = zmsg_next(request))
        frame[count++] = at;
    char user[2 * CRYPTO_PUBLIC + 1] = "";
    if (count < ZAP_FRAMES || !frame_is(frame[0], "1.0"))
        answer(self->handler, count > 1 ? frame[1] : NULL, "500", "not a ZAP 1.0 request", "");
    else if (zmsg_size(request) == ZAP_FRAMES && admitted(self, frame, user))
        answer(self->handler, frame[1], "200", "OK", user);
    else {
        say_refused(self, frame[3]);
        answer(self->handler, frame[1], "400", "not admitted", "");
    }
    zmsg_destroy(&request);
}

static void run(zsock_t *pipe, void *argument)
{
    zap *self = argument;
    zpoller_t *poller = zpoller_new(pipe, self->handler, NULL);
    zsock_signal(pipe, poller ? 0 : 1);
    if (poller)
        zpoller_set_nonstop(poller, true); /* signals are the main thread's */
    while (poller) {
        void *ready = zpoller_wait(poller, -1);
        if (ready == self->handler)
            handle(self);
        else if (ready == pipe || zpoller_terminated(poller))
            break;
    }
    zpoller_destroy(&poller);
}

zap *zap_new(gate *who, sluice *network)
{
    zap *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->who = who;
    self->network = network;
    self->handler = zsock_new(ZMQ_REP);
    if (self->handler)
        zsock_set_linger(self->handler, 0);
    if (!self->handler || zsock_bind(self->handler, "inproc://zeromq.zap.01") < 0
        || !(self->thread = zactor_new(run, self)))
        zap_destroy(&self);
    return self;
}

void zap_destroy(zap **self)
{
    if (!self || !*self)
        return;
    zactor_destroy(&(*self)->thread);
    zsock_destroy(&(*self)->handler);
    free(*self);
    *self = NULL;
}
