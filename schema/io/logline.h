/*
 * logline: what a program did, for the people who run it: English, one line each on standard error,
 * with the journal's level prefix under systemd. Never a name, number, local id or reference of a
 * person, nor a key or token.
 */
#ifndef CTAI_LOGLINE_H
#define CTAI_LOGLINE_H

typedef enum { LOGLINE_ERROR = 3, LOGLINE_WARNING = 4, LOGLINE_NOTICE = 5, LOGLINE_INFO = 6, LOGLINE_DEBUG = 7 } logline_level;

void logline(logline_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says READY=1, STOPPING=1 or WATCHDOG=1 to systemd, when there is one. */
void logline_notify(const char *state);

#endif
