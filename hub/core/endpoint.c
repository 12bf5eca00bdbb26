/* endpoint: parsing and writing. Errors: text that is not of the form. */
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

static const char scheme[] = "tcp://";

/* address: inside brackets, before the zone that a % begins. */
static bool is_host_byte(char c, bool address)
{
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (address)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':'
            || c == '.';
    return alphanumeric || c == '.' || c == '-' || c == '_';
}

static bool host_valid(text_view host)
{
    if (text_is(host, "*"))
        return true;
    bool bracketed = host.size > 2 && host.at[0] == '[' && host.at[host.size - 1] == ']';
    if (host.size == 0 || host.at[0] == '-')
        return false;
    bool address = bracketed;
    for (size_t i = bracketed; i < host.size - bracketed; i++)
        if (address && host.at[i] == '%')
            address = false;
        else if (!is_host_byte(host.at[i], address))
            return false;
    return true;
}

static bool parse_port(text_view text, unsigned *port)
{
    *port = 0;
    if (text_is(text, "*"))
        return true;
    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *port = 10 * *port + (unsigned) (text.at[i] - '0');
    }
    return *port <= 65535;
}

bool endpoint_parse(endpoint *self, text_view text)
{
    size_t prefix = sizeof scheme - 1;
    if (text.size <= prefix || memcmp(text.at, scheme, prefix) != 0)
        return false;
    size_t colon = text.size;
    while (colon > prefix && text.at[colon - 1] != ':')
        colon--;
    if (colon == prefix)
        return false;
    text_view host = { text.at + prefix, colon - 1 - prefix };
    text_view port = { text.at + colon, text.size - colon };
    *self = (endpoint) {0};
    if (!host_valid(host) || !parse_port(port, &self->port)
        || !text_copy(self->host, sizeof self->host, host))
        return false;
    self->any_host = text_is(host, "*") || text_is(host, "0.0.0.0") || text_is(host, "[::]");
    return true;
}

void endpoint_text(const endpoint *self, char text[ENDPOINT_TEXT])
{
    if (self->port)
        snprintf(text, ENDPOINT_TEXT, "%s%s:%u", scheme, self->host, self->port);
    else
        snprintf(text, ENDPOINT_TEXT, "%s%s:*", scheme, self->host);
}

bool endpoint_wants_ipv6(const endpoint *self)
{
    return self->host[0] == '[' || self->host[0] == '*';
}
