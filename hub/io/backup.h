/*
 * backup: the file of a backup: PostgreSQL's dump of the hub's schema and what backup_manifest says of it; written by
 * pg_dump, read back by pg_restore into ONE transaction of psql. The bytes of the database pass through; none is logged.
 */
#ifndef CTAI_BACKUP_H
#define CTAI_BACKUP_H

#include "backup_manifest.h"
#include "progress.h"
#include "store_backup.h"

typedef enum {
    BACKUP_OK = 0,
    BACKUP_NO_TOOLS, /* pg_dump, pg_restore, psql are not installed, or are too old */
    BACKUP_REFUSED,  /* one of them has failed */
    BACKUP_WRITE,    /* the file cannot be written; errno */
    BACKUP_READ,     /* the file cannot be read; errno */
    BACKUP_SYSTEM,   /* a call to the system failed; errno */
    BACKUP_DAMAGED,  /* no backup, cut off, or changed */
    BACKUP_FOREIGN,  /* of another hub */
    BACKUP_NO_MEMORY,
} backup_error;

enum { BACKUP_WHY_MAX = 1024 };

/* 0, 78, 70, 73, 65, 70, 65, 78, 70. */
int backup_exit_code(backup_error error);

/* Writes the dump of that snapshot to the stream, then the manifest, completed. On failure why says so in French. */
backup_error backup_write(const store_backup *what, backup_manifest *manifest, const crypto_sign_pair *by, FILE *to,
                          progress *shown, char why[BACKUP_WHY_MAX]) __attribute__((warn_unused_result));

/*
 * Reads the manifest of a file and verifies it, and the dump's sum, to the last byte. BACKUP_FOREIGN: it is whole, as
 * far as can be seen, but of the hub that manifest->fingerprint names.
 */
backup_error backup_verify(FILE *file, arena *from, const char *fingerprint, const uint8_t key[CRYPTO_PUBLIC],
                           backup_manifest *manifest, progress *shown, char why[BACKUP_WHY_MAX])
    __attribute__((warn_unused_result));

/* Puts a verified backup in the place of what the database holds: all of it, or nothing has changed. */
backup_error backup_load(FILE *file, const backup_manifest *manifest, const store_backup_target *target, progress *shown,
                         char why[BACKUP_WHY_MAX]) __attribute__((warn_unused_result));

#endif
