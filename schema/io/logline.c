/*
 * logline: see the header. A line is made in a buffer of its own and goes out in one write, so that
 * the lines of several threads never mix; control characters become spaces, so that a peer's text
 * cannot forge a line.
 */
#include "logline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

static const char *level_name(logline_level level)
{
    switch (level) {
    case LOGLINE_ERROR: return "error";
    case LOGLINE_WARNING: return "warning";
    case LOGLINE_NOTICE: return "notice";
    case LOGLINE_INFO: return "info";
    case LOGLINE_DEBUG: return "debug";
    }
    return "info";
}

/* Is standard error the journal's stream (systemd.exec(5), $JOURNAL_STREAM)? */
static bool to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat is;
    if (!stream || fstat(STDERR_FILENO, &is) != 0)
        return false;
    char own[64];
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)is.st_dev, (unsigned long long)is.st_ino);
    return strcmp(own, stream) == 0;
}

void logline(logline_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    int saved = errno;
    int head = to_journal() ? snprintf(line, sizeof line, "<%d>", (int)level)
                            : snprintf(line, sizeof line, "%s[%ld] %s: ", program_invocation_short_name,
                                       (long)getpid(), level_name(level));
    if (head < 0 || (size_t)head >= sizeof line)
        return;
    va_list args;
    va_start(args, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    if (body < 0)
        return;
    size_t size = strlen(line);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    if (size == sizeof line - 1)
        size--;
    line[size++] = '\n';
    for (size_t at = 0; at < size;) {
        ssize_t written = write(STDERR_FILENO, line + at, size - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        at += (size_t)written;
    }
    errno = saved;
}

void logline_notify(const char *state)
{
    /* Nobody asked for a watchdog: a notify socket that nobody reads would fill up, and block us. */
    if (strcmp(state, "WATCHDOG=1") == 0 && sd_watchdog_enabled(0, NULL) <= 0)
        return;
    /* No return value to act upon: with no systemd there is nobody to tell. */
    (void)sd_notify(0, state);
}
