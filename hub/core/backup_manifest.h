/*
 * backup_manifest: what a backup of the hub says of itself, at its end, after the database's dump: whose it is, which
 * schema, how far each scope had come, when, the hub's configuration, and how many bytes of dump with which sum; all of
 * it signed by the hub. Text, a `nom = valeur` a line. Pure.
 *
 * A backup is the dump, then this text; its last line has a fixed length and gives the text's, so that it is found
 * from the end. PostgreSQL's pg_restore reads the dump as it stands, without this program.
 */
#ifndef CTAI_BACKUP_MANIFEST_H
#define CTAI_BACKUP_MANIFEST_H

#include <stdio.h>

#include "arena.h"
#include "batch.h"
#include "crypto.h"

enum {
    BACKUP_MANIFEST_MAX = 1024 * 1024,
    BACKUP_MANIFEST_TAIL = 17, /* bytes of the last line: "fin = 0000012345\n" */
    BACKUP_MANIFEST_ITEMS_MAX = 4096, /* scopes; files of the schema; lines of the configuration */
    BACKUP_MANIFEST_TEXT_MAX = 512,
};

typedef struct { char scope[BATCH_SCOPE_MAX + 1]; uint64_t position; } backup_manifest_scope;
typedef struct { text_view name; uint8_t checksum[CRYPTO_HASH]; } backup_manifest_file;

typedef struct {
    char fingerprint[CRYPTO_FINGERPRINT_TEXT]; /* of the hub */
    char made[32];               /* ISO 8601, UTC, seconds */
    text_view program, server;   /* versions: of ctai-hub, of PostgreSQL */
    unsigned scope_count, file_count, setting_count;
    backup_manifest_scope *scopes;
    backup_manifest_file *files; /* of the schema, numbered */
    text_view *settings;         /* lines of hub.conf, without that of the database */
    uint64_t contracts, agents, records;
    uint64_t dump_bytes;
    uint8_t dump_digest[CRYPTO_HASH];
} backup_manifest;

/*
 * Appends the text, signed, to the stream that took the dump. False when memory is short; what the stream could not
 * take is the caller's to test.
 */
bool backup_manifest_write(const backup_manifest *self, const crypto_sign_pair *by, FILE *to) __attribute__((warn_unused_result));

/* How long the text is, by its last line (BACKUP_MANIFEST_TAIL bytes); 0: this is no backup. */
size_t backup_manifest_size(text_view tail);

typedef enum {
    BACKUP_MANIFEST_OK,
    BACKUP_MANIFEST_UNREADABLE, /* it is no manifest, or of a newer form */
    BACKUP_MANIFEST_FORGED,     /* the hub with that key has not signed it so */
    BACKUP_MANIFEST_NO_MEMORY,
} backup_manifest_error;

/*
 * Reads it; texts are in the arena. With BACKUP_MANIFEST_FORGED the manifest is filled too, so that a caller can say
 * whose it claims to be; nothing else of it is to be believed.
 */
backup_manifest_error backup_manifest_read(backup_manifest *self, arena *from, text_view text,
                                           const uint8_t key[CRYPTO_PUBLIC]) __attribute__((warn_unused_result));

#endif
