/* reach: see the header. */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static reach_outcome meaning(int error)
{
    switch (error) {
    case 0:
        return REACH_OPEN;
    case ECONNREFUSED:
        return REACH_REFUSED;
    case ETIMEDOUT:
        return REACH_SILENT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return REACH_NO_WAY;
    default:
        errno = error;
        return REACH_SYSTEM;
    }
}

static reach_outcome try_one(const struct addrinfo *at, int timeout_ms)
{
    int one = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (one < 0)
        return meaning(errno == EAFNOSUPPORT ? ENETUNREACH : errno);
    int error = connect(one, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        struct pollfd wait = {.fd = one, .events = POLLOUT};
        socklen_t size = sizeof error;
        int ready = poll(&wait, 1, timeout_ms);
        if (ready == 0)
            error = ETIMEDOUT;
        else if (ready < 0 || getsockopt(one, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
    }
    close(one);
    return meaning(error);
}

reach_outcome reach_try(const char *host, unsigned port, int timeout_ms, char address[REACH_ADDRESS])
{
    char number[16];
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    address[0] = '\0';
    snprintf(number, sizeof number, "%u", port);
    int failed = getaddrinfo(host, number, &wanted, &found);
    if (failed == EAI_SYSTEM)
        return REACH_SYSTEM;
    if (failed)
        return failed == EAI_AGAIN ? REACH_NO_RESOLVER : REACH_NO_NAME;
    reach_outcome outcome = REACH_NO_NAME;
    for (struct addrinfo *at = found; at && outcome != REACH_OPEN; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, address, REACH_ADDRESS, NULL, 0, NI_NUMERICHOST) != 0)
            address[0] = '\0';
        outcome = try_one(at, timeout_ms);
    }
    int error = errno;
    freeaddrinfo(found);
    errno = error;
    return outcome;
}
