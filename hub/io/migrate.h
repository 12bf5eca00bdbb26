/*
 * migrate: brings the database's schema to what this program carries (schema/sql): numbered files
 * NNN_name.sql, each applied once, in order, with its checksum kept; then the files without a number
 * (functions, views), all of them again when any of them changed, and last of them rights.sql.
 *
 * Always true: all happens in one transaction under an advisory lock; a database that knows a
 * migration which this program does not, or another text of one, is refused unchanged.
 */
#ifndef CTAI_MIGRATE_H
#define CTAI_MIGRATE_H

#include "crypto.h"
#include "database.h"

/* DATABASE_OK when the schema is as this program needs it; DATABASE_CONFIGURATION when it cannot be. */
database_error migrate_run(database *self) __attribute__((warn_unused_result));

/* Does this program carry the numbered file of that name with that checksum (BLAKE2b-256)? */
bool migrate_carries(text_view name, const uint8_t checksum[CRYPTO_HASH]);

/* Without a lock, and by reading alone, as any of the roles may: is the schema there as this program needs it? Errors as above. */
database_error migrate_is_current(database *self, bool *current) __attribute__((warn_unused_result));

#endif
