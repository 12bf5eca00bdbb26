/* peer: see the header. Few thousands at most: searched one after the other, by dense arrays of ids. */
#include "peer.h"

#include <assert.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "logline.h"

struct peer_table {
    unsigned count;
    uint64_t next_number;
    uint32_t routings[PEER_MAX]; /* of items, in their order */
    peer *items[PEER_MAX];
};

peer_table *peer_table_new(void)
{
    peer_table *self = calloc(1, sizeof *self);
    if (self)
        self->next_number = 1;
    return self;
}

void peer_table_destroy(peer_table **self)
{
    if (!self || !*self)
        return;
    for (unsigned i = 0; i < (*self)->count; i++)
        free((*self)->items[i]);
    free(*self);
    *self = NULL;
}

unsigned peer_count(const peer_table *self)
{
    return self->count;
}

peer *peer_at(const peer_table *self, unsigned index)
{
    assert(index < self->count);
    return self->items[index];
}

peer *peer_by_routing(const peer_table *self, uint32_t routing)
{
    for (unsigned i = 0; i < self->count; i++)
        if (self->routings[i] == routing)
            return self->items[i];
    return NULL;
}

peer *peer_by_number(const peer_table *self, uint64_t number)
{
    for (unsigned i = 0; i < self->count; i++)
        if (self->items[i]->number == number)
            return self->items[i];
    return NULL;
}

peer *peer_add(peer_table *self, uint32_t routing, const admission_entry *who, uint64_t now_ms)
{
    assert(!peer_by_routing(self, routing));
    unsigned of_key = 0;
    for (unsigned i = 0; i < self->count; i++)
        of_key += !self->items[i]->leaving && memcmp(self->items[i]->curve, who->curve, CRYPTO_PUBLIC) == 0;
    if (self->count == PEER_MAX || of_key >= PEER_OF_KEY_MAX)
        return NULL;
    peer *added = calloc(1, sizeof *added);
    if (!added)
        return NULL;
    added->number = self->next_number++;
    added->routing = routing;
    added->heard_ms = now_ms;
    added->socket = -1;
    memcpy(added->curve, who->curve, CRYPTO_PUBLIC);
    memcpy(added->name, who->name, sizeof added->name);
    hub_session_init(&added->session, who->sign);
    self->routings[self->count] = routing;
    self->items[self->count++] = added;
    return added;
}

void peer_greet(peer_table *self, peer *who, uint64_t now_ms)
{
    who->greeted = true;
    for (unsigned i = 0; i < self->count; i++)
        if (self->items[i] != who && memcmp(self->items[i]->curve, who->curve, CRYPTO_PUBLIC) == 0)
            peer_leave(self->items[i], now_ms);
}

/* The remote address of a TCP connection, if it is the one told. */
static bool remote_of(int descriptor, const char *address, struct sockaddr_storage *remote, socklen_t *size)
{
    char host[NI_MAXHOST];
    *size = sizeof *remote;
    memset(remote, 0, sizeof *remote);
    if (descriptor < 0 || !address || getpeername(descriptor, (struct sockaddr *) remote, size) != 0)
        return false;
    if (remote->ss_family != AF_INET && remote->ss_family != AF_INET6)
        return false;
    return getnameinfo((const struct sockaddr *) remote, *size, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0
        && strcmp(host, address) == 0;
}

static bool still_there(const peer *self)
{
    struct sockaddr_storage remote = {0};
    socklen_t size = sizeof remote;
    return self->socket >= 0 && getpeername(self->socket, (struct sockaddr *) &remote, &size) == 0
        && size == self->remote_size && memcmp(&remote, &self->remote, size) == 0;
}

void peer_see(peer *self, int descriptor, const char *address, uint64_t now_ms)
{
    self->heard_ms = now_ms;
    if (self->socket >= 0 && self->socket == descriptor)
        return;
    self->socket = remote_of(descriptor, address, &self->remote, &self->remote_size) ? descriptor : -1;
}

void peer_leave(peer *self, uint64_t now_ms)
{
    if (self->leaving)
        return;
    self->leaving = true;
    self->cut_ms = now_ms + PEER_CUT_DELAY_MS;
}

void peer_shut(int descriptor, const char *address)
{
    struct sockaddr_storage remote;
    socklen_t size;
    if (remote_of(descriptor, address, &remote, &size))
        shutdown(descriptor, SHUT_RDWR);
}

static bool is_gone(peer *self, uint64_t now_ms)
{
    if (self->leaving && now_ms >= self->cut_ms) {
        if (still_there(self))
            shutdown(self->socket, SHUT_RDWR);
        return true;
    }
    return self->socket >= 0 ? !still_there(self) : now_ms - self->heard_ms > PEER_BLIND_MS_MAX;
}

int peer_sweep(peer_table *self, uint64_t now_ms, int limit_ms)
{
    int wait_ms = limit_ms;
    for (unsigned i = 0; i < self->count;) {
        peer *one = self->items[i];
        if (is_gone(one, now_ms)) {
            logline(LOGLINE_INFO, "agent %s: connection %llu ended", one->name,
                    (unsigned long long) one->number);
            free(one);
            self->count--;
            self->items[i] = self->items[self->count];
            self->routings[i] = self->routings[self->count];
            continue;
        }
        if (one->leaving && one->cut_ms - now_ms < (uint64_t) wait_ms)
            wait_ms = (int) (one->cut_ms - now_ms);
        i++;
    }
    return wait_ms;
}
