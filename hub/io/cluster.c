/*
 * cluster: see the header. PostgreSQL's own programs do the work (initdb, postgres --single, pg_ctl); what they
 * say goes to "postgres.log" in the home, whose last lines explain a refusal.
 */
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "oserror.h"
#include "postgres_program.h"

struct cluster {
    char home[PATH_MAX];
    char program_folder[PATH_MAX]; /* of initdb, pg_ctl, postgres */
    int use;                       /* descriptor of postgres.use, on which the lock is shared */
    char conninfo[2 * PATH_MAX];
};

enum { SOCKET_NAME_SIZE = sizeof "/.s.PGSQL.5432" };

int cluster_exit_code(cluster_error error)
{
    static const int codes[] = {
        [CLUSTER_OK] = 0,      [CLUSTER_NO_BINARIES] = 78, [CLUSTER_ROOT] = 78, [CLUSTER_MISSING] = 78,
        [CLUSTER_EXISTS] = 73, [CLUSTER_REFUSED] = 70,     [CLUSTER_FULL] = 73, [CLUSTER_SYSTEM] = 70,
    };
    return codes[error];
}

static cluster_error fail(char *why, size_t why_size, cluster_error error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static cluster_error fail(char *why, size_t why_size, cluster_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, why_size, format, arguments);
    va_end(arguments);
    return error;
}

static cluster_error fail_system(char *why, size_t why_size, const char *path)
{
    int error = errno;
    return fail(why, why_size, error == ENOSPC || error == EDQUOT ? CLUSTER_FULL : CLUSTER_SYSTEM, "%s : %s", path,
                oserror_text(error));
}

static bool join(char path[PATH_MAX], const char *home, const char *name)
{
    int size = snprintf(path, PATH_MAX, "%s/%s", home, name);
    if (size > 0 && size < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* Takes an exclusive lock on a file of the home, waiting; its descriptor, or -1. */
static int lock_file(const char *home, const char *name, int operation)
{
    char path[PATH_MAX];
    if (!join(path, home, name))
        return -1;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    while (flock(file, operation) != 0) {
        if (errno != EINTR) {
            close(file);
            return -1;
        }
    }
    return file;
}

static bool write_file(const char *path, const char *text, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (!file)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

/* Explains a program's refusal with the last line that it wrote. */
static cluster_error refused(const char *home, const char *program, char *why, size_t why_size)
{
    char path[PATH_MAX], tail[512] = "";
    if (join(path, home, "postgres.log")) {
        FILE *log = fopen(path, "re");
        if (log) {
            if (fseek(log, -(long)(sizeof tail - 1), SEEK_END) != 0)
                rewind(log);
            tail[fread(tail, 1, sizeof tail - 1, log)] = '\0';
            fclose(log);
        }
    }
    size_t size = strlen(tail);
    while (size > 0 && tail[size - 1] == '\n')
        tail[--size] = '\0';
    const char *last = strrchr(tail, '\n');
    bool is_full = strstr(tail, "No space left") != NULL || strstr(tail, "Disk quota") != NULL;
    return fail(why, why_size, is_full ? CLUSTER_FULL : CLUSTER_REFUSED,
                "PostgreSQL (%s) a refusé : %s ; tout est dans %s/postgres.log", program, last ? last + 1 : tail, home);
}

static const char settings[] =
    "# Of the hub: a cluster for it alone, on a unix socket, whose log holds no statement and no parameter.\n"
    "listen_addresses = ''\n"
    "unix_socket_permissions = 0700\n"
    "logging_collector = off\n"
    "log_min_error_statement = panic\n"
    "log_parameter_max_length_on_error = 0\n"
    "log_error_verbosity = terse\n"
    "max_connections = 50\n"
    "shared_buffers = 128MB\n"
    "jit = off\n"
    "include_if_exists 'ctai-socket.conf'\n";

static bool make_database(const char *folder, const char *home, const char *data)
{
    const char *const initdb[] = {"initdb", "-D", data, "-E", "UTF8", "--locale=C", "--auth-local=peer",
                                  "--auth-host=reject", "-N", NULL};
    if (postgres_program_run(folder, home, initdb, NULL) != 0)
        return false;
    char path[PATH_MAX];
    if (!join(path, data, "postgresql.conf") || !write_file(path, settings, "ae"))
        return false;
    const char *const single[] = {"postgres", "--single", "-D", data, "template1", NULL};
    if (postgres_program_run(folder, home, single, "CREATE DATABASE ctai\n") != 0)
        return false;
    return true;
}

cluster_error cluster_create(const char *home, char *why, size_t why_size)
{
    char data[PATH_MAX], draft[PATH_MAX], folder[PATH_MAX];
    if (geteuid() == 0)
        return fail(why, why_size, CLUSTER_ROOT, "PostgreSQL ne peut pas fonctionner en tant que root");
    if (!join(data, home, "postgres") || !join(draft, home, "postgres.new"))
        return fail_system(why, why_size, home);
    if (access(data, F_OK) == 0)
        return fail(why, why_size, CLUSTER_EXISTS, "%s existe déjà", data);
    if (!postgres_program_folder(folder, NULL))
        return fail(why, why_size, CLUSTER_NO_BINARIES,
                    "PostgreSQL n'est pas installé ; sous Debian : apt-get install postgresql-15");
    if (!make_database(folder, home, draft)) {
        cluster_error error = refused(home, "initdb", why, why_size);
        const char *const remove[] = {"rm", "-rf", draft, NULL};
        (void)postgres_program_run("/bin", home, remove, NULL);
        return error;
    }
    if (rename(draft, data) != 0)
        return fail_system(why, why_size, data);
    return CLUSTER_OK;
}

/*
 * The socket's folder: in the home when its name is short enough for a socket's address, else one
 * under /tmp whose name the home remembers.
 */
static bool socket_folder(const char *home, char folder[PATH_MAX])
{
    struct stat state;
    if (strlen(home) + sizeof "/postgres.run" + SOCKET_NAME_SIZE < sizeof((struct sockaddr_un *)NULL)->sun_path)
        return join(folder, home, "postgres.run") && (mkdir(folder, 0700) == 0 || errno == EEXIST);
    char note[PATH_MAX];
    if (!join(note, home, "postgres.socket"))
        return false;
    FILE *file = fopen(note, "re");
    bool known = file && fgets(folder, PATH_MAX, file) != NULL;
    if (file)
        fclose(file);
    if (known && lstat(folder, &state) == 0 && S_ISDIR(state.st_mode) && state.st_uid == geteuid() &&
        (state.st_mode & 077) == 0)
        return true;
    strncpy(folder, "/tmp/ctai-hub.XXXXXX", PATH_MAX);
    return mkdtemp(folder) != NULL && write_file(note, folder, "we");
}

static bool is_running(const cluster *self, const char *data)
{
    const char *const status[] = {"pg_ctl", "status", "-D", data, NULL};
    return postgres_program_run(self->program_folder, self->home, status, NULL) == 0;
}

/* Quotes for postgresql.conf and for conninfo: each has its own escape for the apostrophe. */
static void quote(char *to, size_t size, const char *text, char escape)
{
    size_t at = 0;
    to[at++] = '\'';
    for (; *text && at + 4 < size; text++) {
        if (*text == '\'')
            to[at++] = escape;
        else if (*text == '\\')
            to[at++] = '\\';
        to[at++] = *text;
    }
    to[at++] = '\'';
    to[at] = '\0';
}

static cluster_error start(cluster *self, const char *data, const char *folder, char *why, size_t why_size)
{
    char path[PATH_MAX], log[PATH_MAX], quoted[PATH_MAX], text[PATH_MAX + 64];
    quote(quoted, sizeof quoted, folder, '\'');
    snprintf(text, sizeof text, "unix_socket_directories = %s\n", quoted);
    if (!join(path, data, "ctai-socket.conf") || !join(log, self->home, "postgres.log") || !write_file(path, text, "we"))
        return fail_system(why, why_size, path);
    const char *const run[] = {"pg_ctl", "start", "-D", data, "-w", "-t", "120", "-s", "-l", log, NULL};
    if (postgres_program_run(self->program_folder, self->home, run, NULL) != 0)
        return refused(self->home, "pg_ctl", why, why_size);
    return CLUSTER_OK;
}

static cluster_error use(cluster *self, char *why, size_t why_size)
{
    char data[PATH_MAX], folder[PATH_MAX], quoted[PATH_MAX];
    if (!join(data, self->home, "postgres") || access(data, F_OK) != 0)
        return fail(why, why_size, CLUSTER_MISSING,
                    "%s n'a pas de base de données ; le dossier est-il le bon ? Sinon : ctai-hub init", self->home);
    if (!postgres_program_folder(self->program_folder, data))
        return fail(why, why_size, CLUSTER_NO_BINARIES,
                    "la version de PostgreSQL de cette base n'est pas installée (voir %s/PG_VERSION)", data);
    if (!socket_folder(self->home, folder))
        return fail_system(why, why_size, self->home);
    self->use = lock_file(self->home, "postgres.use", LOCK_SH);
    if (self->use < 0)
        return fail_system(why, why_size, self->home);
    const struct passwd *user = getpwuid(geteuid());
    quote(quoted, sizeof quoted, folder, '\\');
    snprintf(self->conninfo, sizeof self->conninfo, "host=%s port=5432 dbname=ctai user=%s", quoted,
             user ? user->pw_name : "postgres");
    return is_running(self, data) ? CLUSTER_OK : start(self, data, folder, why, why_size);
}

cluster_error cluster_open(cluster **self, const char *home, char *why, size_t why_size)
{
    *self = NULL;
    if (geteuid() == 0)
        return fail(why, why_size, CLUSTER_ROOT, "PostgreSQL ne peut pas fonctionner en tant que root");
    cluster *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return fail(why, why_size, CLUSTER_SYSTEM, "la mémoire manque");
    fresh->use = -1;
    int lock = -1;
    cluster_error error = CLUSTER_OK;
    int size = snprintf(fresh->home, sizeof fresh->home, "%s", home);
    if (size < 0 || (size_t)size >= sizeof fresh->home || (lock = lock_file(home, "postgres.lock", LOCK_EX)) < 0)
        error = fail_system(why, why_size, home);
    if (error == CLUSTER_OK)
        error = use(fresh, why, why_size);
    if (lock >= 0)
        close(lock);
    if (error == CLUSTER_OK) {
        *self = fresh;
        return CLUSTER_OK;
    }
    if (fresh->use >= 0)
        close(fresh->use);
    free(fresh);
    return error;
}

void cluster_close(cluster **self)
{
    cluster *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    char data[PATH_MAX];
    int lock = lock_file(gone->home, "postgres.lock", LOCK_EX);
    if (lock >= 0 && flock(gone->use, LOCK_EX | LOCK_NB) == 0 && join(data, gone->home, "postgres")) {
        const char *const stop[] = {"pg_ctl", "stop", "-D", data, "-m", "fast", "-w", "-t", "120", "-s", NULL};
        (void)postgres_program_run(gone->program_folder, gone->home, stop, NULL);
    }
    close(gone->use);
    if (lock >= 0)
        close(lock);
    free(gone);
}

const char *cluster_conninfo(const cluster *self)
{
    return self->conninfo;
}
