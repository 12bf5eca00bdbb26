/*
 * migrate: see the header. Functions are dropped before they are made again: CREATE OR REPLACE cannot change a
 * result's columns, and what a file no longer defines must go.
 */
#include "migrate.h"

#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "embedded.h"

enum { DIGEST_TEXT = 2 * CRYPTO_HASH + 1 };

/* Any number that nobody else is likely to lock: "ctai". */
static const char lock_sql[] = "SELECT pg_advisory_xact_lock(1668571497)";

static const char base_sql[] =
    "CREATE SCHEMA IF NOT EXISTS ctai;"
    "CREATE TABLE IF NOT EXISTS ctai.migration ("
    " name text PRIMARY KEY,"             /* of the file */
    " checksum text NOT NULL,"            /* BLAKE2b-256 of its bytes */
    " applied_at timestamptz NOT NULL DEFAULT now())";

/* All functions of the schema, whatever their arguments. */
static const char drop_functions_sql[] =
    "DO $$ DECLARE routine regprocedure; BEGIN"
    " FOR routine IN SELECT oid FROM pg_proc WHERE pronamespace = 'ctai'::regnamespace AND prokind = 'f'"
    " LOOP EXECUTE format('DROP FUNCTION %s CASCADE', routine); END LOOP; END $$";

static bool is_sql(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".sql") == 0;
}

static bool is_numbered(const char *name)
{
    return strspn(name, "0123456789") == 3 && name[3] == '_';
}

static void digest_of(char text[DIGEST_TEXT], const embedded_file *file)
{
    uint8_t digest[CRYPTO_HASH];
    crypto_digest(digest, NULL, 0, file->data, file->size);
    crypto_hex(text, digest, sizeof digest);
}

/* Of all files of functions together, names included. */
static void functions_digest(char text[DIGEST_TEXT])
{
    uint8_t digest[CRYPTO_HASH] = {0}, chain[2 * CRYPTO_HASH];
    for (const embedded_file *file = embedded_files; file->name; file++) {
        if (!is_sql(file->name) || is_numbered(file->name))
            continue;
        memcpy(chain, digest, sizeof digest);
        crypto_digest(chain + CRYPTO_HASH, NULL, 0, file->data, file->size);
        crypto_digest(digest, NULL, 0, chain, sizeof chain);
    }
    crypto_hex(text, digest, sizeof digest);
}

/* What the database knows of the migration: *known, and whether the checksum is this one. */
static database_error look_up(database *self, const char *name, const char *digest, bool *known, bool *same)
{
    database_result *result = NULL;
    database_error error = database_query(self, "SELECT checksum = $2 FROM ctai.migration WHERE name = $1",
                                          (const database_parameter[]){DATABASE_TEXT(name), DATABASE_TEXT(digest)}, 2, &result);
    *known = error == DATABASE_OK && database_rows(result) > 0;
    *same = *known && database_flag(result, 0, 0);
    database_release(&result);
    return error;
}

static database_error note(database *self, const char *name, const char *digest)
{
    return database_query(self,
                          "INSERT INTO ctai.migration (name, checksum) VALUES ($1, $2)"
                          " ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()",
                          (const database_parameter[]){DATABASE_TEXT(name), DATABASE_TEXT(digest)}, 2, NULL);
}

/* Any numbered migration in the database that this program does not carry? */
static database_error refuse_newer(database *self)
{
    database_result *result = NULL;
    database_error error = database_query(self, "SELECT name FROM ctai.migration WHERE name ~ '^[0-9]{3}_'", NULL, 0, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result); row++)
        if (!embedded_find(database_text(result, row, 0)))
            error = database_fail(self, DATABASE_CONFIGURATION,
                                  "la base de données est d'une version plus récente que ce programme (%s) ; mettez-le à jour",
                                  database_text(result, row, 0));
    database_release(&result);
    return error;
}

static database_error apply_numbered(database *self)
{
    for (const embedded_file *file = embedded_files; file->name; file++) {
        if (!is_sql(file->name) || !is_numbered(file->name))
            continue;
        char digest[DIGEST_TEXT];
        bool known, same;
        digest_of(digest, file);
        database_error error = look_up(self, file->name, digest, &known, &same);
        if (error == DATABASE_OK && known && !same)
            error = database_fail(self, DATABASE_CONFIGURATION,
                                  "la base de données a été faite avec un autre texte de %s que celui de ce programme ;"
                                  " utilisez la version du programme qui l'a faite", file->name);
        if (error == DATABASE_OK && !known)
            error = database_run(self, (const char *)file->data);
        if (error == DATABASE_OK && !known)
            error = note(self, file->name, digest);
        if (error != DATABASE_OK)
            return error;
    }
    return DATABASE_OK;
}

static database_error apply_functions(database *self)
{
    char digest[DIGEST_TEXT];
    bool known, same;
    functions_digest(digest);
    database_error error = look_up(self, "functions", digest, &known, &same);
    if (error != DATABASE_OK || same)
        return error;
    error = database_run(self, drop_functions_sql);
    for (const embedded_file *file = embedded_files; file->name && error == DATABASE_OK; file++)
        if (is_sql(file->name) && !is_numbered(file->name))
            error = database_run(self, (const char *)file->data);
    return error == DATABASE_OK ? note(self, "functions", digest) : error;
}

/* Is there nothing to do? Without this look, each command would wait for the lock and write. */
static bool is_current(database *self)
{
    database_result *result = NULL;
    if (database_query(self, "SELECT to_regclass('ctai.migration') IS NOT NULL", NULL, 0, &result) != DATABASE_OK)
        return false;
    bool current = database_flag(result, 0, 0), known, same;
    database_release(&result);
    char digest[DIGEST_TEXT];
    for (const embedded_file *file = embedded_files; file->name && current; file++) {
        if (!is_sql(file->name) || !is_numbered(file->name))
            continue;
        digest_of(digest, file);
        current = look_up(self, file->name, digest, &known, &same) == DATABASE_OK && same;
    }
    functions_digest(digest);
    current = current && look_up(self, "functions", digest, &known, &same) == DATABASE_OK && same;
    return current && refuse_newer(self) == DATABASE_OK;
}

database_error migrate_run(database *self)
{
    if (is_current(self))
        return DATABASE_OK;
    database_error error = database_begin(self, false);
    if (error == DATABASE_OK)
        error = database_run(self, lock_sql);
    if (error == DATABASE_OK)
        error = database_run(self, base_sql);
    if (error == DATABASE_OK)
        error = refuse_newer(self);
    if (error == DATABASE_OK)
        error = apply_numbered(self);
    if (error == DATABASE_OK)
        error = apply_functions(self);
    if (error == DATABASE_OK)
        return database_commit(self);
    database_rollback(self);
    return error;
}
