/* sluice_listen: see the header. */
#include "sluice_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

enum {
    BACKLOG = 512,
    OUTER_BUFFER = 256 * 1024, /* of the system, each way: it would grow to megabytes for each connection else */
    INNER_BUFFER = 128 * 1024,
    IDLE_S = 30, PROBE_S = 10, PROBES = 3, /* a connection whose agent is gone is noticed within a minute */
};

typedef struct {
    struct sockaddr_storage address;
    socklen_t size;
} place;

static void set(int file, int level, int what, int value)
{
    (void)setsockopt(file, level, what, &value, sizeof value); /* it works without, only worse */
}

static int closing(int file)
{
    int error = errno;
    close(file);
    errno = error;
    return -1;
}

/* The first IPv4 address of a network interface. */
static bool of_interface(const char *name, unsigned port, place *to)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next)
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET && strcmp(one->ifa_name, name) == 0) {
            struct sockaddr_in address;
            memcpy(&address, one->ifa_addr, sizeof address);
            address.sin_port = htons((uint16_t)port);
            memcpy(&to->address, &address, sizeof address);
            to->size = sizeof address;
            found = true;
        }
    freeifaddrs(all);
    return found;
}

static void any_address(int family, unsigned port, place *to)
{
    memset(to, 0, sizeof *to);
    if (family == AF_INET6) {
        const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_any};
        memcpy(&to->address, &six, to->size = sizeof six);
    } else {
        const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        memcpy(&to->address, &four, to->size = sizeof four);
    }
}

static bool resolve(const endpoint *listen, place *to)
{
    char host[ENDPOINT_HOST], service[8];
    bool bracketed = listen->host[0] == '[';
    text_view bare = {listen->host + bracketed, strlen(listen->host) - 2 * (size_t)bracketed};
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_family = bracketed ? AF_INET6 : AF_INET,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (!text_copy(host, sizeof host, bare)) {
        errno = EINVAL;
        return false;
    }
    snprintf(service, sizeof service, "%u", listen->port);
    if (!bracketed && of_interface(host, listen->port, to))
        return true;
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        errno = ENODEV;
        return false;
    }
    memset(to, 0, sizeof *to);
    memcpy(&to->address, found->ai_addr, to->size = found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static int open_at(const place *at)
{
    int file = socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0)
        return -1;
    set(file, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at->address.ss_family == AF_INET6)
        set(file, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    set(file, SOL_SOCKET, SO_RCVBUF, OUTER_BUFFER); /* before listening, or the window would not know */
    set(file, SOL_SOCKET, SO_SNDBUF, OUTER_BUFFER);
    if (bind(file, (const struct sockaddr *)&at->address, at->size) != 0 || listen(file, BACKLOG) != 0)
        return closing(file);
    return file;
}

static bool write_bound(int file, char bound[ENDPOINT_TEXT])
{
    place at = {.size = sizeof at.address};
    char host[NI_MAXHOST], service[NI_MAXSERV];
    if (getsockname(file, (struct sockaddr *)&at.address, &at.size) != 0)
        return false;
    if (getnameinfo((const struct sockaddr *)&at.address, at.size, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        errno = EINVAL;
        return false;
    }
    bool six = at.address.ss_family == AF_INET6;
    snprintf(bound, ENDPOINT_TEXT, "tcp://%s%.200s%s:%.8s", six ? "[" : "", host, six ? "]" : "", service);
    return true;
}

int sluice_listen_open(const endpoint *listen, char bound[ENDPOINT_TEXT])
{
    place at;
    bool all = strcmp(listen->host, "*") == 0;
    if (all)
        any_address(AF_INET6, listen->port, &at);
    else if (!resolve(listen, &at))
        return -1;
    int file = open_at(&at);
    if (file < 0 && all && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        any_address(AF_INET, listen->port, &at); /* a machine without IPv6 */
        file = open_at(&at);
    }
    if (file >= 0 && !write_bound(file, bound))
        return closing(file);
    return file;
}

int sluice_listen_accept(int listener)
{
    int file;
    do
        file = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (file < 0 && (errno == ECONNABORTED || errno == EINTR));
    if (file < 0)
        return -1;
    set(file, IPPROTO_TCP, TCP_NODELAY, 1);
    set(file, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(file, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S);
    set(file, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S);
    set(file, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set(file, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 * (IDLE_S + PROBE_S * PROBES));
    return file;
}

int sluice_listen_call(uint32_t number, unsigned port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(127u << 24 | number)}};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0)
        return -1;
    set(file, IPPROTO_TCP, TCP_NODELAY, 1);
    set(file, SOL_SOCKET, SO_SNDBUF, INNER_BUFFER);
    set(file, SOL_SOCKET, SO_RCVBUF, INNER_BUFFER);
    if (bind(file, (const struct sockaddr *)&from, sizeof from) != 0
        || (connect(file, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS))
        return closing(file);
    return file;
}

void sluice_listen_peer(int connection, char text[NI_MAXHOST])
{
    place at = {.size = sizeof at.address};
    if (connection < 0 || getpeername(connection, (struct sockaddr *)&at.address, &at.size) != 0
        || getnameinfo((const struct sockaddr *)&at.address, at.size, text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(text, NI_MAXHOST, "?");
}
