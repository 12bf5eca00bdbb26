/* backup: see the header. */
#include "backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logline.h"
#include "oserror.h"
#include "postgres_tools.h"

enum { PIECE_BYTES = 256 * 1024, WORDS_MAX = 2048, LINE_MAX_BYTES = 240 };

int backup_exit_code(backup_error error)
{
    static const int codes[] = {
        [BACKUP_OK] = 0,    [BACKUP_NO_TOOLS] = 78, [BACKUP_REFUSED] = 70, [BACKUP_WRITE] = 73,    [BACKUP_READ] = 65,
        [BACKUP_SYSTEM] = 70, [BACKUP_DAMAGED] = 65, [BACKUP_FOREIGN] = 78, [BACKUP_NO_MEMORY] = 70,
    };
    return codes[error];
}

static backup_error fail(char why[BACKUP_WHY_MAX], backup_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static backup_error fail(char why[BACKUP_WHY_MAX], backup_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, BACKUP_WHY_MAX, format, arguments);
    va_end(arguments);
    return error;
}

static backup_error fail_system(char why[BACKUP_WHY_MAX], backup_error error, const char *what)
{
    return fail(why, error, "%s : %s", what, oserror_text(errno));
}

/* The first line that is no warning, as the tool said it: it names tables and roles, never a row (terse, no context). */
static backup_error fail_tool(char why[BACKUP_WHY_MAX], const char *tool, int code, const char *words)
{
    const char *line = strstr(words, "error:");
    if (!line)
        line = strstr(words, "ERROR:");
    if (!line)
        line = words;
    int size = (int)strcspn(line, "\n");
    logline(LOGLINE_ERROR, "backup: %s ended with %d: %.*s", tool, code, size > LINE_MAX_BYTES ? LINE_MAX_BYTES : size, line);
    return fail(why, BACKUP_REFUSED, "PostgreSQL (%s) a échoué : %.*s", tool, size > LINE_MAX_BYTES ? LINE_MAX_BYTES : size,
                size > 0 ? line : "sans un mot");
}

static backup_error find_tools(int server, char folder[PATH_MAX], char why[BACKUP_WHY_MAX])
{
    if (postgres_tools_find_client(server, folder))
        return BACKUP_OK;
    return fail(why, BACKUP_NO_TOOLS,
                "pg_dump, pg_restore et psql de PostgreSQL %d ne sont pas installés (paquet postgresql-client-%d)", server, server);
}

/* The dump, piece by piece, into the stream and the sum. */
static backup_error take_dump(int from, FILE *to, backup_manifest *manifest, progress *shown, char why[BACKUP_WHY_MAX])
{
    static char piece[PIECE_BYTES]; /* one command a process */
    crypto_running sum;
    crypto_running_begin(&sum);
    for (;;) {
        ssize_t got = read(from, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_system(why, BACKUP_SYSTEM, "pg_dump");
        if (got == 0)
            break;
        crypto_running_add(&sum, piece, (size_t)got);
        manifest->dump_bytes += (uint64_t)got;
        errno = 0;
        if (fwrite(piece, 1, (size_t)got, to) != (size_t)got)
            return fail_system(why, BACKUP_WRITE, "la sauvegarde ne peut pas être écrite");
        progress_at(shown, manifest->dump_bytes / (1024 * 1024), 0);
    }
    crypto_running_end(&sum, manifest->dump_digest);
    return BACKUP_OK;
}

backup_error backup_write(const store_backup *what, backup_manifest *manifest, const crypto_sign_pair *by, FILE *to,
                          progress *shown, char why[BACKUP_WHY_MAX])
{
    char folder[PATH_MAX], snapshot[STORE_BACKUP_SNAPSHOT + 16], words[WORDS_MAX];
    backup_error error = find_tools(what->server, folder, why);
    if (error != BACKUP_OK)
        return error;
    snprintf(snapshot, sizeof snapshot, "--snapshot=%s", what->snapshot);
    const char *arguments[] = {"pg_dump", "--dbname=service=ctai", "--no-password", "--format=custom", "--schema=ctai",
                               "--lock-wait-timeout=60s", snapshot, NULL};
    postgres_tools_job job;
    int nothing = memfd_create("ctai-empty", MFD_CLOEXEC);
    bool started = nothing >= 0 && postgres_tools_start(&job, folder, arguments, nothing, what->service);
    int problem = errno;
    if (nothing >= 0)
        close(nothing);
    errno = problem;
    if (!started)
        return fail_system(why, BACKUP_SYSTEM, "pg_dump");
    manifest->dump_bytes = 0;
    error = take_dump(job.out, to, manifest, shown, why);
    int code = postgres_tools_end(&job, words, sizeof words);
    if (error != BACKUP_OK)
        return error;
    if (code != 0 || manifest->dump_bytes == 0)
        return fail_tool(why, "pg_dump", code, words);
    if (!backup_manifest_write(manifest, by, to))
        return fail(why, BACKUP_NO_MEMORY, "la mémoire manque");
    errno = 0;
    return fflush(to) == 0 && !ferror(to) ? BACKUP_OK : fail_system(why, BACKUP_WRITE, "la sauvegarde ne peut pas être écrite");
}

static bool read_at(int file, void *to, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file, (char *)to + done, size - done, at + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got < 0 ? errno : ENODATA;
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

/* The manifest's text, found from the end. */
static backup_error read_text(int file, off_t size, arena *from, text_view *text, char why[BACKUP_WHY_MAX])
{
    static const char no_backup[] = "ce n’est pas une sauvegarde faite par « ctai-hub backup », ou elle est incomplète";
    char tail[BACKUP_MANIFEST_TAIL];
    if (size < (off_t)sizeof tail)
        return fail(why, BACKUP_DAMAGED, "%s", no_backup);
    if (!read_at(file, tail, sizeof tail, size - (off_t)sizeof tail))
        return fail_system(why, BACKUP_READ, "la sauvegarde ne peut pas être lue");
    size_t length = backup_manifest_size((text_view){tail, sizeof tail});
    if (length == 0 || (off_t)length > size)
        return fail(why, BACKUP_DAMAGED, "%s", no_backup);
    char *room = arena_take(from, length);
    if (!room)
        return fail(why, BACKUP_NO_MEMORY, "la mémoire manque");
    if (!read_at(file, room, length, size - (off_t)length))
        return fail_system(why, BACKUP_READ, "la sauvegarde ne peut pas être lue");
    *text = (text_view){room, length};
    return BACKUP_OK;
}

static backup_error verify_dump(int file, const backup_manifest *manifest, progress *shown, char why[BACKUP_WHY_MAX])
{
    static char piece[PIECE_BYTES];
    uint8_t digest[CRYPTO_HASH];
    crypto_running sum;
    crypto_running_begin(&sum);
    for (uint64_t done = 0; done < manifest->dump_bytes;) {
        uint64_t left = manifest->dump_bytes - done;
        size_t size = left < sizeof piece ? (size_t)left : sizeof piece;
        if (!read_at(file, piece, size, (off_t)done))
            return fail_system(why, BACKUP_READ, "la sauvegarde ne peut pas être lue");
        crypto_running_add(&sum, piece, size);
        done += size;
        progress_at(shown, done, manifest->dump_bytes);
    }
    crypto_running_end(&sum, digest);
    return crypto_equal(digest, manifest->dump_digest, CRYPTO_HASH)
               ? BACKUP_OK
               : fail(why, BACKUP_DAMAGED, "la sauvegarde est abîmée : sa somme de contrôle n’est pas la bonne");
}

backup_error backup_verify(FILE *file, arena *from, const char *fingerprint, const uint8_t key[CRYPTO_PUBLIC],
                           backup_manifest *manifest, progress *shown, char why[BACKUP_WHY_MAX])
{
    struct stat is;
    text_view text;
    if (fstat(fileno(file), &is) != 0)
        return fail_system(why, BACKUP_READ, "la sauvegarde ne peut pas être lue");
    if (!S_ISREG(is.st_mode))
        return fail(why, BACKUP_DAMAGED, "il faut un fichier ordinaire : la sauvegarde est lue deux fois");
    backup_error error = read_text(fileno(file), is.st_size, from, &text, why);
    if (error != BACKUP_OK)
        return error;
    backup_manifest_error said = backup_manifest_read(manifest, from, text, key);
    if (said == BACKUP_MANIFEST_NO_MEMORY)
        return fail(why, BACKUP_NO_MEMORY, "la mémoire manque");
    if (said == BACKUP_MANIFEST_UNREADABLE)
        return fail(why, BACKUP_DAMAGED, "la fin de la sauvegarde est illisible : elle est abîmée, ou faite par une autre version");
    if (!crypto_fingerprint_equal(manifest->fingerprint, fingerprint))
        return fail(why, BACKUP_FOREIGN, "cette sauvegarde est celle d’un autre hub (empreinte %s)", manifest->fingerprint);
    if (said != BACKUP_MANIFEST_OK)
        return fail(why, BACKUP_DAMAGED, "la sauvegarde a été modifiée : ce hub ne l’a pas signée ainsi");
    if (manifest->dump_bytes != (uint64_t)is.st_size - text.size)
        return fail(why, BACKUP_DAMAGED, "la sauvegarde est abîmée : elle n’a pas la taille qu’elle dit");
    return verify_dump(fileno(file), manifest, shown, why);
}
