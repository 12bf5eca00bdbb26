/*
 * terminal: the person at the terminal that a command was called from, whatever its standard files are:
 * what is secret is shown to them and asked of them alone.
 */
#ifndef CTAI_TERMINAL_H
#define CTAI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Is there a terminal to show to and to ask at? */
bool terminal_there(void);

/* Writes text to the terminal; false (errno) when there is none or it is gone. */
bool terminal_show(const char *text) __attribute__((warn_unused_result));

/*
 * Shows question, and reads a line of at most size - 1 bytes without echo, its end taken off. False (errno): no
 * terminal, the line is too long (EMSGSIZE), or the end of input (ENODATA); to is then wiped. A signal that would end
 * the program (Ctrl-C) does so once the terminal echoes again.
 */
bool terminal_ask_secret(const char *question, char *to, size_t size) __attribute__((warn_unused_result));

/* The same with echo, for an answer that is no secret. */
bool terminal_ask(const char *question, char *to, size_t size) __attribute__((warn_unused_result));

#endif
