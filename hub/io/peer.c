/* peer: see the header. Few thousands at most: searched one after the other, by dense arrays of ids. */
#include "peer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "logline.h"

struct peer_table {
    sluice *gate;
    unsigned count;
    uint64_t next_number;
    uint32_t routings[PEER_MAX]; /* of items, in their order */
    peer *items[PEER_MAX];
};

peer_table *peer_table_new(sluice *gate)
{
    peer_table *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->gate = gate;
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

peer *peer_add(peer_table *self, uint32_t routing, uint32_t connection, const admission_entry *who)
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
    added->connection = connection;
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

void peer_leave(peer *self, uint64_t now_ms)
{
    if (self->leaving)
        return;
    self->leaving = true;
    self->cut_ms = now_ms + PEER_CUT_DELAY_MS;
}

static bool is_gone(peer_table *self, const peer *one, uint64_t now_ms)
{
    if (!one->leaving || now_ms < one->cut_ms)
        return !sluice_lives(self->gate, one->connection);
    sluice_cut(self->gate, one->connection);
    return true;
}

int peer_sweep(peer_table *self, uint64_t now_ms, int limit_ms)
{
    int wait_ms = limit_ms;
    for (unsigned i = 0; i < self->count;) {
        peer *one = self->items[i];
        if (is_gone(self, one, now_ms)) {
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
