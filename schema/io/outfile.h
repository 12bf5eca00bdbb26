/*
 * outfile: a file that is written whole or not at all: made beside its target under another name,
 * flushed to disk, then renamed.
 */
#ifndef CTAI_OUTFILE_H
#define CTAI_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

typedef struct outfile outfile;

/* Starts path (mode 0600 when secret, else 0666 less the umask); NULL with errno when it cannot be. */
outfile *outfile_open(const char *path, bool secret);
FILE *outfile_stream(outfile *self);
/* Puts it in place; false with errno, and nothing is left behind. Either way it is gone and *self NULL. */
bool outfile_commit(outfile **self) __attribute__((warn_unused_result));
/* Gives up: nothing is left behind. Harmless on NULL. */
void outfile_abandon(outfile **self);

#endif
