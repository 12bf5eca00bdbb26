/*
 * store_backup: the database's side of a backup and of a restoration: one snapshot that the dump and the positions share,
 * what makes stable what a backup holds, and what is to be known of a database before it is replaced.
 */
#ifndef CTAI_STORE_BACKUP_H
#define CTAI_STORE_BACKUP_H

#include "backup_manifest.h"
#include "store.h"

enum { STORE_BACKUP_SNAPSHOT = 64 };

typedef struct {
    char snapshot[STORE_BACKUP_SNAPSHOT]; /* pg_dump's --snapshot */
    int server;                           /* major version of the server: 15 */
    int service;                          /* connection settings for its programs (database_service); -1 after the end */
} store_backup;

/*
 * Opens a transaction whose snapshot others may share, and reads from it what a manifest says of the database (all but
 * the configuration and the dump's size and sum). It stays open until store_backup_end; no other call of the store meanwhile.
 */
database_error store_backup_begin(store *of, arena *from, store_backup *self, backup_manifest *found)
    __attribute__((warn_unused_result));
void store_backup_end(store *of, store_backup *self);

/* The backup is in its place: what it holds is stable. *moved: of how many agents' places in a scope. */
database_error store_backup_stable(store *of, const backup_manifest *held, uint64_t *moved) __attribute__((warn_unused_result));

/* The database that a backup shall replace. */
typedef struct {
    bool empty;          /* no contract, agent or batch */
    unsigned users;      /* other connections of hubs and their commands */
    unsigned scope_count;
    backup_manifest_scope *scopes;
    int server, service; /* as above; service is the caller's to close */
} store_backup_target;

database_error store_backup_look(store *of, arena *from, store_backup_target *target) __attribute__((warn_unused_result));

#endif
