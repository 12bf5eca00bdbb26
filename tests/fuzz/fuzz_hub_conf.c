/* hub.conf: what is read without error is written again to a file that says the same. */
#include "fuzz.h"

#include <stdio.h>

#include "hub_conf.h"

enum { WRITTEN_MAX = 16384 };

static void check_sentence(diag_sink *sink, const diag *what)
{
    assert(what->message != NULL && text_is_utf8(text_of(what->message)) && what->line > 0);
    (void) sink;
}

static bool same_endpoint(const endpoint *a, const endpoint *b)
{
    char first[ENDPOINT_TEXT], second[ENDPOINT_TEXT];

    endpoint_text(a, first);
    endpoint_text(b, second);
    return strcmp(first, second) == 0 && a->any_host == b->any_host && a->port == b->port;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char written[WRITTEN_MAX];
    text_view text = {(const char *) data, size};
    diag_sink sink = {.emit = check_sentence}, silent = {.emit = NULL};
    hub_conf self, again;
    endpoint one;

    if (endpoint_parse(&one, text)) {
        char shown[ENDPOINT_TEXT];
        endpoint back;
        endpoint_text(&one, shown);
        assert(endpoint_parse(&back, text_of(shown)) && same_endpoint(&one, &back));
        (void) endpoint_wants_ipv6(&one);
    }
    hub_conf_init(&self);
    bool taken = hub_conf_read(&self, "hub.conf", text, &sink);
    assert(taken == (sink.count[DIAG_ERROR] == 0));
    if (!taken)
        return 0;
    assert(self.writers >= 1 && self.writers <= HUB_CONF_WRITERS_MAX && self.address_count <= HUB_CONF_ADDRESSES_MAX);
    FILE *to = fmemopen(written, sizeof written, "w");
    assert(to != NULL);
    hub_conf_write(&self, to);
    long length = ftell(to);
    assert(!ferror(to) && length > 0 && length < (long) sizeof written);
    fclose(to);
    hub_conf_init(&again);
    assert(hub_conf_read(&again, "hub.conf", (text_view){written, (size_t) length}, &silent));
    assert(strcmp(self.database, again.database) == 0 && strcmp(self.web, again.web) == 0);
    assert(self.writers == again.writers && self.stable_at_commit == again.stable_at_commit && self.address_count == again.address_count);
    assert(same_endpoint(&self.listen, &again.listen));
    for (unsigned i = 0; i < self.address_count; i++)
        assert(same_endpoint(&self.addresses[i], &again.addresses[i]));
    return 0;
}
