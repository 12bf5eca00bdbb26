/* database_service: see the header. */
#include "database_service.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What PQconninfo gives of several servers is a list: these are of the one that was reached. */
static const char *value_of(const PGconn *connection, const PQconninfoOption *option)
{
    if (strcmp(option->keyword, "host") == 0)
        return PQhost(connection);
    if (strcmp(option->keyword, "hostaddr") == 0)
        return option->val && option->val[0] ? PQhostaddr(connection) : NULL;
    if (strcmp(option->keyword, "port") == 0)
        return PQport(connection);
    if (strcmp(option->keyword, "password") == 0)
        return PQpass(connection);
    return option->val;
}

static bool is_ours_alone(const char *keyword)
{
    static const char *const names[] = {"service", "target_session_attrs", "client_encoding", "application_name",
                                        "fallback_application_name", "replication"};
    for (unsigned at = 0; at < sizeof names / sizeof *names; at++)
        if (strcmp(keyword, names[at]) == 0)
            return true;
    return false;
}

int database_service(const database *connection)
{
    PGconn *from = connection->connection;
    PQconninfoOption *options = from ? PQconninfo(from) : NULL;
    int file = options ? memfd_create("ctai-service", MFD_CLOEXEC) : -1;
    bool written = file >= 0 && dprintf(file, "[ctai]\n") > 0;
    for (const PQconninfoOption *option = options; written && option->keyword; option++) {
        const char *value = value_of(from, option);
        if (value && value[0] && !is_ours_alone(option->keyword))
            written = dprintf(file, "%s=%s\n", option->keyword, value) > 0;
    }
    PQconninfoFree(options);
    if (!written && file >= 0) {
        close(file);
        file = -1;
    }
    return file;
}
