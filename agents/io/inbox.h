/*
 * inbox: the folder of the home where an office leaves its exports for `serve`: pairs of files
 * personnes*.csv and evenements*.csv whose names agree but for that word, in the folder itself or in
 * one named after a contract. A pair that is done goes to traite/, one that cannot be used to
 * rejete/, each with a text of what was said about it.
 *
 * Always true: a pair is taken only when neither file has changed for a while; one that could not be
 * moved, or is left for later, is taken again when some time has passed or it changes. Files and texts
 * there are for the owner alone.
 */
#ifndef CTAI_INBOX_H
#define CTAI_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "home.h"

typedef struct inbox inbox;

enum {
    INBOX_SETTLE_MS = 2 * 1000, /* unchanged for that long: the copy is complete */
    INBOX_RETRY_MS = 15 * 1000, /* until a pair that was left is tried again */
    INBOX_LOOK_MS = 10 * 1000, /* between two looks without any notice: some network folders give none */
};

/* A pair that is ready. */
typedef struct {
    char persons[PATH_MAX], events[PATH_MAX]; /* absolute */
    char contract[80]; /* of the folder, or empty */
    char folder[PATH_MAX], suffix[256]; /* the inbox's own: where, and what follows personnes */
} inbox_pair;

/* Opens it, made when it is not there; NULL with errno. */
inbox *inbox_open(const home *folder);
void inbox_close(inbox **self);

/* The descriptor to poll, or -1: look by the clock alone. */
int inbox_descriptor(const inbox *self);
/* Notices have come: when to look next. */
void inbox_noticed(inbox *self, uint64_t now_ms);
/* Milliseconds until inbox_next is worth a call. */
int inbox_patience(const inbox *self, uint64_t now_ms);

/* Looks, when it is time: the next pair that is ready, or false. */
bool inbox_next(inbox *self, uint64_t now_ms, inbox_pair *pair) __attribute__((warn_unused_result));

/* Leaves a pair for later: what it met may pass (a full disk). */
void inbox_leave(inbox *self, const inbox_pair *pair);

/* Moves a pair away, whose paths are then the new ones, and leaves the text beside it; false with errno (the pair is then left for later). */
bool inbox_done(inbox *self, inbox_pair *pair, bool taken, const char *text, size_t size)
    __attribute__((warn_unused_result));

#endif
