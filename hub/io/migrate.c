/* migrate: see the header. */
#include "migrate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "embedded.h"
#include "logline.h"
#include "migrate_roles.h"

/* Of the advisory lock: nobody else in the database has a reason to use it. */
#define LOCK "SELECT pg_catalog.pg_advisory_xact_lock(7147239015532)"

static const char bookkeeping[] =
    "CREATE SCHEMA IF NOT EXISTS ctai;"
    "CREATE TABLE IF NOT EXISTS ctai.migration ("
    "    name       text        PRIMARY KEY,"
    "    checksum   bytea       NOT NULL," /* BLAKE2b-256 of the file */
    "    applied_at timestamptz NOT NULL DEFAULT now()"
    ")";

/*
 * All functions of the schema, and before them the policies and triggers, which may use them: the files that are applied
 * again define them anew. Until then a table with policies shows nothing; one that had a trigger is locked.
 */
static const char drop_functions[] =
    "DO $$ DECLARE one record; BEGIN"
    " FOR one IN SELECT policyname, tablename FROM pg_catalog.pg_policies WHERE schemaname = 'ctai' LOOP"
    "  EXECUTE format('DROP POLICY %I ON ctai.%I', one.policyname, one.tablename);"
    " END LOOP;"
    " FOR one IN SELECT tgname, tgrelid::regclass AS of_table FROM pg_catalog.pg_trigger AS t"
    "  JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid WHERE p.pronamespace = 'ctai'::regnamespace LOOP"
    "  EXECUTE format('DROP TRIGGER %I ON %s', one.tgname, one.of_table);"
    " END LOOP;"
    " FOR one IN SELECT oid::regprocedure AS name FROM pg_catalog.pg_proc WHERE pronamespace = 'ctai'::regnamespace LOOP"
    "  EXECUTE format('DROP FUNCTION %s', one.name);"
    " END LOOP; END $$";

/* The rights of all that the other files make: applied after them. */
static const char rights_name[] = "rights.sql";

/*
 * Do the rights stand? They would not where a dump was restored on a server without the roles, or by a person who is
 * none of them: functions that run as their owner would then run as the wrong one.
 */
static const char rights_sql[] =
    "SELECT to_regrole('ctai_consolidation') IS NOT NULL AND to_regrole('ctai_ingest') IS NOT NULL"
    "   AND to_regrole('ctai_report') IS NOT NULL AND to_regrole('ctai_web') IS NOT NULL"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = 'ctai'::regnamespace AND prosecdef"
    "                    AND proowner IS DISTINCT FROM to_regrole('ctai_consolidation')::oid)"
    "   AND EXISTS (SELECT FROM pg_catalog.pg_namespace, LATERAL aclexplode(nspacl) AS a"
    "                WHERE nspname = 'ctai' AND a.grantee = to_regrole('ctai_ingest')::oid)";

static bool is_sql(const embedded_file *file)
{
    size_t length = strlen(file->name);
    return length > 4 && strcmp(file->name + length - 4, ".sql") == 0;
}

static bool is_numbered(const embedded_file *file)
{
    return isdigit((unsigned char)file->name[0]);
}

static void checksum_of(uint8_t checksum[CRYPTO_HASH], const embedded_file *file)
{
    batch_hash(checksum, (text_view){(const char *)file->data, file->size});
}

typedef enum { FILE_NEW, FILE_SAME, FILE_CHANGED } file_state;

/* What the database knows of a file. */
static file_state look(const database_result *known, const embedded_file *file)
{
    uint8_t checksum[CRYPTO_HASH], stored[CRYPTO_HASH];
    checksum_of(checksum, file);
    for (int row = 0; row < database_rows(known); row++) {
        if (strcmp(database_text(known, row, 0), file->name) != 0)
            continue;
        bool same = database_bytes(known, row, 1, stored, sizeof stored) == CRYPTO_HASH && memcmp(stored, checksum, CRYPTO_HASH) == 0;
        return same ? FILE_SAME : FILE_CHANGED;
    }
    return FILE_NEW;
}

bool migrate_carries(text_view name, const uint8_t checksum[CRYPTO_HASH])
{
    uint8_t own[CRYPTO_HASH];
    for (const embedded_file *file = embedded_files; file->name; file++)
        if (is_sql(file) && is_numbered(file) && text_is(name, file->name)) {
            checksum_of(own, file);
            return memcmp(own, checksum, CRYPTO_HASH) == 0;
        }
    return false;
}

/* Is there anything to do? Refuses what this program cannot serve. */
static database_error plan(database *self, const database_result *known, bool *migrations, bool *functions)
{
    *migrations = *functions = false;
    for (const embedded_file *file = embedded_files; file->name; file++) {
        file_state state = is_sql(file) ? look(known, file) : FILE_SAME;
        if (state == FILE_CHANGED && is_numbered(file))
            return database_fail(self, DATABASE_CONFIGURATION,
                                 "la base de données a été préparée par une autre version du programme (%s diffère) ; installez celle-ci",
                                 file->name);
        if (state != FILE_SAME)
            *(is_numbered(file) ? migrations : functions) = true;
    }
    for (int row = 0; row < database_rows(known); row++) {
        const char *name = database_text(known, row, 0);
        if (isdigit((unsigned char)name[0]) && !embedded_find(name))
            return database_fail(self, DATABASE_CONFIGURATION,
                                 "la base de données a été préparée par une version plus récente du programme (%s) ; installez celle-ci",
                                 name);
    }
    /* A migration may change what functions use. */
    *functions |= *migrations;
    return DATABASE_OK;
}

static database_error apply(database *self, const embedded_file *file)
{
    logline(LOGLINE_NOTICE, "migrate: applying %s", file->name);
    database_error error = database_run(self, (const char *)file->data);
    if (error != DATABASE_OK)
        return error;
    uint8_t checksum[CRYPTO_HASH];
    checksum_of(checksum, file);
    const database_parameter parameters[] = {DATABASE_TEXT(file->name), DATABASE_BYTES(checksum, sizeof checksum)};
    return database_query(self,
                          "INSERT INTO ctai.migration AS m (name, checksum) VALUES ($1, $2)"
                          " ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()",
                          parameters, 2, NULL);
}

static const char known_sql[] = "SELECT name, checksum FROM ctai.migration";

static database_error rights_stand(database *self, bool *stand)
{
    database_result *result = NULL;
    database_error error = database_query(self, rights_sql, NULL, 0, &result);
    *stand = error == DATABASE_OK && database_flag(result, 0, 0);
    database_release(&result);
    return error;
}

/* In the transaction, under the lock. */
static database_error bring_up(database *self)
{
    database_error error = database_run(self, bookkeeping);
    database_result *known = NULL;
    bool migrations, functions, stand = false;
    if (error == DATABASE_OK)
        error = database_query(self, known_sql, NULL, 0, &known);
    if (error == DATABASE_OK)
        error = plan(self, known, &migrations, &functions);
    if (error == DATABASE_OK)
        error = rights_stand(self, &stand);
    functions |= !stand;
    if (error == DATABASE_OK && functions)
        error = migrate_roles(self);
    /* Files are sorted by path: numbers first in their order, then the functions. */
    for (const embedded_file *file = embedded_files; error == DATABASE_OK && file->name; file++)
        if (is_sql(file) && is_numbered(file) && look(known, file) == FILE_NEW)
            error = apply(self, file);
    if (error == DATABASE_OK && functions)
        error = database_run(self, drop_functions);
    for (const embedded_file *file = embedded_files; error == DATABASE_OK && functions && file->name; file++)
        if (is_sql(file) && !is_numbered(file) && strcmp(file->name, rights_name) != 0)
            error = apply(self, file);
    if (error == DATABASE_OK && functions)
        error = apply(self, embedded_find(rights_name));
    if (known)
        database_release(&known);
    return error;
}

database_error migrate_is_current(database *self, bool *current)
{
    *current = false;
    database_result *there = NULL, *known = NULL;
    database_error error = database_query(self, "SELECT to_regclass('ctai.migration') IS NOT NULL", NULL, 0, &there);
    bool exists = error == DATABASE_OK && database_flag(there, 0, 0);
    database_release(&there);
    if (!exists)
        return error;
    bool migrations, functions;
    error = database_query(self, known_sql, NULL, 0, &known);
    if (error == DATABASE_OK)
        error = plan(self, known, &migrations, &functions);
    database_release(&known);
    if (error == DATABASE_OK && !migrations && !functions)
        error = rights_stand(self, current);
    return error;
}

database_error migrate_run(database *self)
{
    bool current;
    database_error error = migrate_is_current(self, &current);
    if (error != DATABASE_OK || current)
        return error;
    error = database_begin(self, false);
    if (error == DATABASE_OK)
        error = database_run(self, LOCK);
    if (error == DATABASE_OK)
        error = bring_up(self);
    if (error == DATABASE_OK)
        return database_commit(self);
    database_rollback(self);
    return error;
}
