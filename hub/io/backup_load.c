/*
 * backup_load: pg_restore turns the dump into SQL, psql runs it, and the words between BEGIN and COMMIT are ours: the
 * old schema goes, the dump comes, and COMMIT is said only when pg_restore has ended well and the database says of itself
 * what the manifest says. Whatever dies before that, psql's input ends without a COMMIT.
 *
 * Owners and rights do not come from the dump: migrate gives them anew when the store is opened next (rights.sql).
 */
#include "backup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "logline.h"
#include "oserror.h"
#include "postgres_tools.h"

enum { PIECE_BYTES = 256 * 1024, WORDS_MAX = 2048, LINE_MAX_BYTES = 240 };

static const char before_sql[] =
    "BEGIN;\n"
    "SET LOCAL client_min_messages TO warning;\n"
    "SET LOCAL lock_timeout TO '30s';\n"
    "DROP SCHEMA IF EXISTS ctai CASCADE;\n";
static const char after_sql[] = "NOTIFY ctai_changed;\nCOMMIT;\n";

static bool put(int to, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(to, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

static bool put_text(int to, const char *text)
{
    return put(to, text, strlen(text));
}

/* Scopes are names of the wire, fingerprints digits: both are checked where they are read, and quoted here. */
static bool put_checks(int to, const backup_manifest *manifest)
{
    char line[512];
    snprintf(line, sizeof line,
             "DO $ctai$ BEGIN\n"
             "IF (SELECT fingerprint FROM ctai.hub_identity) IS DISTINCT FROM '%s' THEN RAISE 'not this hub'; END IF;\n"
             "IF (SELECT count(*) FROM ctai.record) <> %" PRIu64 " THEN RAISE 'other records'; END IF;\n"
             "IF (SELECT count(*) FROM ctai.scope) <> %u THEN RAISE 'other scopes'; END IF;\n",
             manifest->fingerprint, manifest->records, manifest->scope_count);
    bool good = put_text(to, line);
    for (unsigned i = 0; good && i < manifest->scope_count; i++) {
        snprintf(line, sizeof line,
                 "IF NOT EXISTS (SELECT FROM ctai.scope WHERE scope = '%s' AND position = %" PRIu64
                 ") THEN RAISE 'other position'; END IF;\n", manifest->scopes[i].scope, manifest->scopes[i].position);
        good = put_text(to, line);
    }
    return good && put_text(to, "END $ctai$;\n");
}

/* What pg_restore says is psql's to run. */
static bool carry(int from, int to, progress *shown, uint64_t total, int file)
{
    static char piece[PIECE_BYTES]; /* one command a process */
    for (;;) {
        ssize_t got = read(from, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        if (!put(to, piece, (size_t)got))
            return false;
        off_t at = lseek(file, 0, SEEK_CUR); /* shared with pg_restore, which reads it */
        progress_at(shown, at > 0 && (uint64_t)at < total ? (uint64_t)at : total, total);
    }
}

static backup_error refused(char why[BACKUP_WHY_MAX], const char *tool, int code, const char *words)
{
    const char *line = strstr(words, "rror:");
    if (!line)
        line = strstr(words, "ERROR:");
    line = line ? line : words;
    int size = (int)strcspn(line, "\n");
    size = size > LINE_MAX_BYTES ? LINE_MAX_BYTES : size;
    logline(LOGLINE_ERROR, "backup: %s ended with %d: %.*s", tool, code, size, line);
    snprintf(why, BACKUP_WHY_MAX, "PostgreSQL (%s) a refusé la sauvegarde ; rien n’a changé dans la base. Ses mots : %.*s", tool,
             size, line);
    return BACKUP_REFUSED;
}

/* Both programs run. */
static backup_error run(postgres_tools_job *reader, postgres_tools_job *writer, FILE *file, const backup_manifest *manifest,
                        progress *shown, char why[BACKUP_WHY_MAX])
{
    char words[WORDS_MAX];
    bool carried = put_text(writer->in, before_sql) &&
                   carry(reader->out, writer->in, shown, manifest->dump_bytes, fileno(file));
    int code = postgres_tools_end(reader, words, sizeof words);
    bool read_well = code == 0;
    backup_error error = read_well ? BACKUP_OK : refused(why, "pg_restore", code, words);
    if (carried && read_well)
        carried = put_checks(writer->in, manifest) && put_text(writer->in, after_sql);
    code = postgres_tools_end(writer, words, sizeof words);
    /* When psql has given up, pg_restore could not go on either: the first cause is psql's. */
    if (code != 0)
        return refused(why, "psql", code, words);
    if (read_well && !carried) {
        snprintf(why, BACKUP_WHY_MAX, "la sauvegarde n’a pas pu être rendue ; rien n’a changé dans la base");
        error = BACKUP_REFUSED;
    }
    return error;
}

backup_error backup_load(FILE *file, const backup_manifest *manifest, const store_backup_target *target, progress *shown,
                         char why[BACKUP_WHY_MAX])
{
    static const char *const read_arguments[] = {"pg_restore", "--file=-", "--no-owner", "--no-privileges",
                                                 "--no-tablespaces", "--no-security-labels", "--exit-on-error", NULL};
    static const char *const write_arguments[] = {
        "psql", "--dbname=service=ctai", "--no-password", "--no-psqlrc", "--quiet", "--output=/dev/null",
        "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--set=SHOW_CONTEXT=never", "--file=-", NULL};
    char folder[PATH_MAX], words[WORDS_MAX];
    postgres_tools_job reader, writer;
    if (!postgres_tools_find_client(target->server, folder)) {
        snprintf(why, BACKUP_WHY_MAX, "pg_restore et psql de PostgreSQL %d ne sont pas installés (paquet postgresql-client-%d)",
                 target->server, target->server);
        return BACKUP_NO_TOOLS;
    }
    snprintf(why, BACKUP_WHY_MAX, "psql et pg_restore ne démarrent pas");
    if (lseek(fileno(file), 0, SEEK_SET) != 0)
        return BACKUP_SYSTEM;
    if (!postgres_tools_start(&writer, folder, write_arguments, -1, target->service))
        return BACKUP_SYSTEM;
    if (!postgres_tools_start(&reader, folder, read_arguments, fileno(file), target->service)) {
        (void)!postgres_tools_end(&writer, words, sizeof words);
        return BACKUP_SYSTEM;
    }
    return run(&reader, &writer, file, manifest, shown, why);
}
