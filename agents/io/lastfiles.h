/*
 * lastfiles: where the files of a contract's last push were, so that `explain` finds them again: absolute paths, and keyed
 * hashes by which it sees that they have changed since. No content.
 */
#ifndef CTAI_LASTFILES_H
#define CTAI_LASTFILES_H

#include <limits.h>

#include "outbox.h"

typedef struct {
    char persons[PATH_MAX], events[PATH_MAX];
    uint8_t persons_hash[CRYPTO_SHORT_HASH], events_hash[CRYPTO_SHORT_HASH]; /* of the contents */
} lastfiles;

/* The absolute path of a file that was named in a folder; false when it has none (standard input) or is too long. */
bool lastfiles_path(char to[PATH_MAX], const char *folder, const char *name) __attribute__((warn_unused_result));
void lastfiles_hash(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *record_key, text_view content);

/* In a transaction of its own, if there is anything new: those of that contract. */
outbox_error lastfiles_keep(outbox *to, text_view contract, const lastfiles *files) __attribute__((warn_unused_result));
/* In a transaction of its own: the two files of that contract have been moved, if they are those that are kept. */
outbox_error lastfiles_move(outbox *to, text_view contract, const lastfiles *from, const char *persons, const char *events)
    __attribute__((warn_unused_result));
/* ABSENT: none is known. */
outbox_error lastfiles_load(outbox *from, text_view contract, lastfiles *files) __attribute__((warn_unused_result));

#endif
