/*
 * hand_over: root gives a new home to the user who shall run the hub: `ctai-hub` if there is one, else
 * `postgres`. Where folders above the home are closed to that user, it gets the right to pass through
 * them (search, nothing else), by a POSIX ACL for it alone.
 */
#ifndef CTAI_HAND_OVER_H
#define CTAI_HAND_OVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { HAND_OVER_TEXT_MAX = 8192 };

typedef struct {
    bool made, given;  /* this call made the folder; gave it to its owner */
    uid_t user;
    gid_t group;
    char note[HAND_OVER_TEXT_MAX]; /* for people, in French; empty: nothing to say */
} hand_over;

/*
 * Makes the home if it is not there, gives it to its user if it is root's, and lets the user reach it. 0, or the
 * exit code (73, 78), with note saying why; then the home is as it was before.
 */
int hand_over_home(hand_over *self, const char *path) __attribute__((warn_unused_result));

/* The command that needed it has failed: the home is as it was before, if it is empty. */
void hand_over_undo(const hand_over *self, const char *path);

/*
 * Lets the user pass through every folder above path. 0, or 78 with note; note says otherwise to which folders a
 * right was added.
 */
int hand_over_way(const char *path, uid_t user, gid_t group, char note[HAND_OVER_TEXT_MAX])
    __attribute__((warn_unused_result));

#endif
