/*
 * home: the folder that holds a program's configuration, keys and state. Mode 0700, secrets 0600; a
 * looser mode is refused. One process owns it at a time (a lock that dies with the process).
 */
#ifndef CTAI_HOME_H
#define CTAI_HOME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
    char path[PATH_MAX]; /* absolute */
    int folder;          /* descriptor of the folder */
    int lock;            /* descriptor of the lock, or -1 when we do not hold it */
} home;

typedef enum {
    HOME_OK = 0,
    HOME_MISSING,  /* no such folder: init first */
    HOME_LOOSE,    /* its or a secret's mode gives others a right */
    HOME_FOREIGN,  /* belongs to another user */
    HOME_LOCKED,   /* another process owns it */
    HOME_SYSTEM,   /* errno tells */
} home_error;

/* Makes the folder (and missing parents) with mode 0700; fine when it is there, empty and ours (it then gets mode 0700). */
home_error home_make(const char *path) __attribute__((warn_unused_result));
/* Whose is it? For a program that root has called: it takes this identity before it opens the home. */
home_error home_owner(const char *path, uid_t *user, gid_t *group) __attribute__((warn_unused_result));
/*
 * Called by root: becomes the home's owner for good, supplementary groups included; for anyone else,
 * and for a home of root's, does nothing. Files that the user named must be open by then. Memory stays shut (vault_shut).
 */
home_error home_become_owner(const char *path) __attribute__((warn_unused_result));

/* Opens and checks it: a folder of ours (of the effective user's) that nobody else may enter. */
home_error home_open(home *self, const char *path) __attribute__((warn_unused_result));
/* Takes the lock without waiting: HOME_OK or HOME_LOCKED. */
home_error home_take(home *self) __attribute__((warn_unused_result));
/* Has some process taken it? A look of a moment; nothing is changed. */
bool home_taken(const home *self);
void home_close(home *self);

/* path of a file in the home; false when it is too long. */
bool home_path(const home *self, const char *name, char path[PATH_MAX]) __attribute__((warn_unused_result));

/* Reads a whole secret of exactly size bytes (else HOME_SYSTEM, EBADMSG); checks its mode and owner. */
home_error home_read_secret(const home *self, const char *name, void *to, size_t size) __attribute__((warn_unused_result));
/* Writes one, mode 0600, whole or not at all, flushed to disk with its folder. */
home_error home_write_secret(const home *self, const char *name, const void *data, size_t size) __attribute__((warn_unused_result));

/* In French, with what to do, for a home or a file of it. */
void home_explain(home_error error, const char *path, char *text, size_t size);

#endif
