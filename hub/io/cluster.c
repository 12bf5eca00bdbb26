/*
 * cluster: see the header. Files of the home: "postgres" (the data), "postgres.log", "postgres.lock",
 * "postgres.use", "postgres.run" (the folder of the socket) or "postgres.socket" (the path of that
 * folder, when the home's is too long for a socket's name).
 *
 * Locks (flock) die with their process. A server that still runs though nobody holds "postgres.use"
 * was left behind: its next user uses it as if it had started it.
 */
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "database.h"
#include "logline.h"
#include "oserror.h"
#include "postgres_tools.h"

enum {
    LOG_BYTES_MAX = 4 * 1024 * 1024, /* then it is begun anew, the old one kept as .1 */
    WORDS_MAX = 512,
    SOCKET_NAME_BYTES = 22,          /* "/.s.PGSQL.5432.lock" and the NUL, with some room */
    SEGMENT_BYTES = 16 * 1024 * 1024,
    STEP_MS = 100,
    RECOVERY_MS = 300 * 1000,        /* as long as pg_ctl is given to start it */
    RECOVERY_SHARED_MS = 10 * 1000,  /* somebody else uses it, too, and we may be a thread of a daemon */
    STOP_RECOVERY_MS = 60 * 1000,
    START_TRIES = 10,                /* a killed server's processes may outlive it for a moment, and keep its memory */
    START_STEP_MS = 500,
};

struct cluster {
    char home[PATH_MAX];
    char tools[PATH_MAX];
    char socket[PATH_MAX]; /* the folder */
    char conninfo[2 * PATH_MAX];
    int use;               /* descriptor of the shared lock */
};

int cluster_exit_code(cluster_error error)
{
    static const int codes[] = {
        [CLUSTER_OK] = 0,       [CLUSTER_NO_BINARIES] = 78, [CLUSTER_ROOT] = 78, [CLUSTER_MISSING] = 78,
        [CLUSTER_EXISTS] = 73,  [CLUSTER_REFUSED] = 70,     [CLUSTER_FULL] = 73, [CLUSTER_SYSTEM] = 70,
        [CLUSTER_LATER] = 69,
    };
    return codes[error];
}

typedef struct { char *text; size_t size; } reason;

static cluster_error fail(const reason *why, cluster_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static cluster_error fail(const reason *why, cluster_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, why->size, format, arguments);
    va_end(arguments);
    return error;
}

static cluster_error fail_system(const reason *why, const char *path)
{
    int error = errno;
    return fail(why, error == ENOSPC || error == EDQUOT ? CLUSTER_FULL : CLUSTER_SYSTEM, "%s : %s", path, oserror_text(error));
}

static void in_home(const char *home, const char *name, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s", home, name);
    if (size < 0 || size >= PATH_MAX)
        path[0] = '\0'; /* a path that no call finds */
}

/*
 * The same for the command line of pg_ctl, which hands its paths to a shell inside double quotes: what a shell would
 * read there is named from the home, where the tools run.
 */
static void for_shell(const char *home, const char *name, char path[PATH_MAX])
{
    if (strpbrk(home, "\"$`\\\n"))
        snprintf(path, PATH_MAX, "%s", name);
    else
        in_home(home, name, path);
}

/* Is there less room than PostgreSQL needs for the next segment of its log? Its words may have found no room either. */
static bool is_full(const char *home)
{
    struct statvfs room;
    return statvfs(home, &room) == 0 && (uint64_t)room.f_bavail * room.f_frsize < SEGMENT_BYTES;
}

/* What initdb or pg_ctl ended with, told apart where an administrator has to act in another way. */
static cluster_error fail_tool(const reason *why, const char *home, const char *tool, const char *words)
{
    if (strstr(words, "No space left") || strstr(words, "Disk quota") || is_full(home))
        return fail(why, CLUSTER_FULL,
                    "le disque est plein : PostgreSQL n’a pas la place de travailler dans %s ; libérez de la place", home);
    logline(LOGLINE_ERROR, "cluster: %s failed: %s", tool, words);
    return fail(why, CLUSTER_REFUSED, "PostgreSQL (%s) a échoué ; son journal est %s/postgres.log. Ses derniers mots : %s", tool,
                home, words[0] ? words : "aucun");
}

static cluster_error find_tools(const reason *why, const char *home, char tools[PATH_MAX])
{
    if (geteuid() == 0)
        return fail(why, CLUSTER_ROOT,
                    "PostgreSQL refuse de travailler pour root ; donnez le dossier à l’utilisateur ctai-hub ou postgres");
    char path[PATH_MAX + 32], version[16] = "";
    snprintf(path, sizeof path, "%s/postgres/PG_VERSION", home);
    FILE *file = fopen(path, "re");
    if (file) {
        if (!fgets(version, sizeof version, file))
            version[0] = '\0';
        fclose(file);
        version[strcspn(version, "\n")] = '\0';
    }
    if (postgres_tools_find(version[0] ? version : NULL, tools))
        return CLUSTER_OK;
    if (version[0])
        return fail(why, CLUSTER_NO_BINARIES,
                    "la base de données a besoin de PostgreSQL %s, qui n’est pas installé (paquet postgresql-%s)", version, version);
    return fail(why, CLUSTER_NO_BINARIES, "PostgreSQL n’est pas installé (paquet postgresql)");
}

/* Opens and locks a file of the home; the descriptor, or -1 (errno). It waits unless operation has LOCK_NB. */
static int lock_file(const char *home, const char *name, int operation)
{
    char path[PATH_MAX];
    in_home(home, name, path);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return -1;
    while (flock(file, operation) != 0)
        if (errno != EINTR) {
            int error = errno;
            close(file);
            errno = error;
            return -1;
        }
    return file;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* The settings that do not change with the machine; the socket's folder is said at each start. */
static const char settings[] =
    "# Of ctai-hub: rewritten at each start.\n"
    "listen_addresses = ''\n"
    "port = 5432\n"
    "unix_socket_permissions = 0700\n"
    "max_connections = 60\n"
    "jit = off\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n"
    "lc_messages = 'C'\n"
    "logging_collector = off\n"
    "log_destination = 'stderr'\n"
    "log_line_prefix = '%m [%p] '\n"
    "# The log never holds rows or parameters.\n"
    "log_statement = none\n"
    "log_min_duration_statement = -1\n"
    "log_min_error_statement = panic\n"
    "log_error_verbosity = terse\n"
    "log_parameter_max_length = 0\n"
    "log_parameter_max_length_on_error = 0\n"
    "max_wal_size = 1GB\n"
    "wal_level = replica\n"
    "max_wal_senders = 0\n"
    "# A commit of thousands of records finds most of their log on the disk already.\n"
    "wal_writer_delay = 5ms\n"
    "wal_writer_flush_after = 0\n";

static bool write_settings(const char *data, const char *socket)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/ctai.conf", data);
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    fputs(settings, file);
    /* A list, whose one element is in double quotes, in a string: each has characters to double. */
    fputs("unix_socket_directories = '\"", file);
    for (const char *at = socket; *at; at++)
        fputs(*at == '\'' ? "''" : *at == '\\' ? "\\\\" : *at == '"' ? "\"\"" : (char[]){*at, '\0'}, file);
    fputs("\"'\n", file);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

/* Writes a small file; false with errno. */
static bool append_line(const char *path, const char *mode, const char *line)
{
    FILE *file = fopen(path, mode);
    if (!file)
        return false;
    fputs(line, file);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

/* Makes the data in "postgres.new", which takes its name when it is complete. */
static cluster_error make_data(const reason *why, const char *home, const char *tools)
{
    char fresh[PATH_MAX], data[PATH_MAX], conf[PATH_MAX + 32], words[WORDS_MAX];
    in_home(home, "postgres.new", fresh);
    in_home(home, "postgres", data);
    remove_tree(fresh);
    const char *arguments[] = {"initdb",      "--pgdata",    fresh,           "--encoding=UTF8",   "--locale=C",
                               "--username=ctai", "--auth=trust", "--data-checksums", "--no-instructions", NULL};
    int code = postgres_tools_run(tools, home, arguments, words, sizeof words);
    if (code < 0)
        return fail_system(why, "initdb");
    if (code != 0) {
        remove_tree(fresh);
        return fail_tool(why, home, "initdb", words);
    }
    snprintf(conf, sizeof conf, "%s/postgresql.conf", fresh);
    if (!append_line(conf, "ae", "\ninclude = 'ctai.conf'\n") || rename(fresh, data) != 0) {
        cluster_error error = fail_system(why, fresh);
        remove_tree(fresh);
        return error;
    }
    return CLUSTER_OK;
}

cluster_error cluster_create(const char *home, char *why_text, size_t why_size)
{
    const reason why = {why_text, why_size};
    char tools[PATH_MAX], data[PATH_MAX];
    cluster_error error = find_tools(&why, home, tools);
    if (error != CLUSTER_OK)
        return error;
    int lock = lock_file(home, "postgres.lock", LOCK_EX);
    if (lock < 0)
        return fail_system(&why, home);
    in_home(home, "postgres", data);
    error = access(data, F_OK) == 0 ? fail(&why, CLUSTER_EXISTS, "%s : il y a déjà une base de données", data)
                                    : make_data(&why, home, tools);
    close(lock);
    return error;
}

/* A folder that is ours alone? */
static bool is_private(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 07777) == 0700;
}

/* Makes a folder with a short name, and records it. */
static bool make_short_folder(const char *record, char folder[PATH_MAX])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (!runtime || runtime[0] != '/' || strlen(runtime) > 60 || !is_private(runtime))
        runtime = "/tmp";
    snprintf(folder, PATH_MAX, "%s/ctai-XXXXXX", runtime);
    if (!mkdtemp(folder))
        return false;
    char line[PATH_MAX + 1];
    snprintf(line, sizeof line, "%s\n", folder);
    return append_line(record, "we", line);
}

/* Finds or makes the folder of the socket. */
static cluster_error find_socket_folder(const reason *why, cluster *self)
{
    in_home(self->home, "postgres.run", self->socket);
    if (strlen(self->socket) + SOCKET_NAME_BYTES <= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        if ((mkdir(self->socket, 0700) == 0 || errno == EEXIST) && is_private(self->socket))
            return CLUSTER_OK;
        return fail(why, CLUSTER_SYSTEM, "%s : le dossier doit être à nous seuls (mode 0700)", self->socket);
    }
    char record[PATH_MAX], line[PATH_MAX];
    in_home(self->home, "postgres.socket", record);
    FILE *file = fopen(record, "re");
    bool known = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    if (known) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(self->socket, sizeof self->socket, "%s", line);
        if (is_private(self->socket))
            return CLUSTER_OK;
    }
    return make_short_folder(record, self->socket) ? CLUSTER_OK : fail_system(why, self->socket);
}

/* host='...' with quotes and backslashes escaped as libpq wants. */
static void make_conninfo(cluster *self)
{
    size_t at = 0;
    char folder[PATH_MAX];
    for (const char *from = self->socket; *from && at + 2 < sizeof folder; from++) {
        if (*from == '\'' || *from == '\\')
            folder[at++] = '\\';
        folder[at++] = *from;
    }
    folder[at] = '\0';
    snprintf(self->conninfo, sizeof self->conninfo, "host='%s' port=5432 user=ctai dbname=postgres target_session_attrs=any options=''",
             folder);
}

/* Does the server run (pg_ctl's status: by its process, whatever the socket)? */
static bool runs(const cluster *self)
{
    char data[PATH_MAX], words[WORDS_MAX];
    for_shell(self->home, "postgres", data);
    const char *arguments[] = {"pg_ctl", "status", "-D", data, NULL};
    return postgres_tools_run(self->tools, self->home, arguments, words, sizeof words) == 0;
}

static bool answers(const cluster *self)
{
    database probe;
    bool good = database_open(&probe, self->conninfo) == DATABASE_OK;
    database_close(&probe);
    return good;
}

/* Waits while it starts, recovers or stops. */
static void wait_busy(const cluster *self, int patience_ms)
{
    for (int waited_ms = 0; waited_ms < patience_ms && database_is_busy(self->conninfo); waited_ms += STEP_MS)
        (void)usleep(STEP_MS * 1000);
}

/* Asks for its end in a mode of pg_ctl, for so many seconds; is it gone? */
static bool stop_in_mode(const cluster *self, const char *mode, const char *patience_s)
{
    char data[PATH_MAX], words[WORDS_MAX];
    for_shell(self->home, "postgres", data);
    const char *arguments[] = {"pg_ctl", "stop", "-D", data, "-m", mode, "-w", "-t", patience_s, "-s", NULL};
    int code = postgres_tools_run(self->tools, self->home, arguments, words, sizeof words);
    bool gone = code == 0 || !runs(self);
    if (!gone)
        logline(LOGLINE_ERROR, "cluster: pg_ctl stop -m %s ended with %d: %s", mode, code, words);
    return gone;
}

/*
 * Not while it recovers from a crash: PostgreSQL 15, asked to stop fast just then, never ends (tried). Nothing is lost
 * by the immediate mode: its next start recovers.
 */
static void stop(const cluster *self)
{
    wait_busy(self, STOP_RECOVERY_MS);
    bool gone = stop_in_mode(self, "fast", "60") || stop_in_mode(self, "immediate", "30");
    if (!gone)
        logline(LOGLINE_ERROR, "cluster: it cannot be stopped");
}

/* A log that has grown is set aside. */
static void turn_log(const char *log)
{
    struct stat status;
    char old[PATH_MAX + 8];
    snprintf(old, sizeof old, "%s.1", log);
    if (stat(log, &status) == 0 && status.st_size > LOG_BYTES_MAX && rename(log, old) != 0)
        logline(LOGLINE_WARNING, "cluster: cannot set its log aside");
}

static cluster_error try_to_start(const reason *why, const cluster *self)
{
    char data[PATH_MAX], log[PATH_MAX], words[WORDS_MAX];
    in_home(self->home, "postgres", data);
    in_home(self->home, "postgres.log", log);
    if (!write_settings(data, self->socket))
        return fail_system(why, data);
    turn_log(log);
    for_shell(self->home, "postgres", data);
    for_shell(self->home, "postgres.log", log);
    mode_t mask = umask(077);
    const char *arguments[] = {"pg_ctl", "start", "-D", data, "-l", log, "-w", "-t", "300", "-s", NULL};
    int code = postgres_tools_run(self->tools, self->home, arguments, words, sizeof words);
    umask(mask);
    if (code < 0)
        return fail_system(why, "pg_ctl");
    return code == 0 ? CLUSTER_OK : fail_tool(why, self->home, "pg_ctl start", words);
}

static cluster_error start(const reason *why, const cluster *self)
{
    cluster_error error = try_to_start(why, self);
    for (int tries = 1; error == CLUSTER_REFUSED && tries < START_TRIES; tries++) {
        (void)usleep(START_STEP_MS * 1000);
        error = try_to_start(why, self);
    }
    return error;
}

/* Under the lock: uses the server that runs, or starts it. Nobody else uses it when alone is true. */
static cluster_error start_or_take_over(const reason *why, const cluster *self, bool alone)
{
    bool running = runs(self);
    if (running && answers(self))
        return CLUSTER_OK;
    if (running) { /* it may be recovering from the death of one of its processes */
        wait_busy(self, alone ? RECOVERY_MS : RECOVERY_SHARED_MS);
        if (answers(self))
            return CLUSTER_OK;
        running = runs(self);
    }
    if (running && is_full(self->home))
        return fail(why, CLUSTER_FULL,
                    "le disque est plein : la base de données ne répond plus dans %s ; libérez de la place", self->socket);
    if (running && !alone)
        return database_is_busy(self->conninfo)
                   ? fail(why, CLUSTER_LATER, "la base de données se remet d’un arrêt brutal ; réessayez dans un instant")
                   : fail(why, CLUSTER_REFUSED, "la base de données fonctionne, mais ne répond pas dans %s", self->socket);
    if (running) /* its socket is gone, or it is in a state that no one knows */
        stop(self);
    cluster_error error = start(why, self);
    if (error == CLUSTER_OK && !answers(self)) {
        stop(self);
        error = fail(why, CLUSTER_REFUSED, "la base de données a démarré, mais ne répond pas dans %s", self->socket);
    }
    return error;
}

static cluster_error open_locked(const reason *why, cluster *self)
{
    char data[PATH_MAX];
    in_home(self->home, "postgres", data);
    if (access(data, F_OK) != 0)
        return fail(why, CLUSTER_MISSING, "%s : il n’y a pas de base de données ; « ctai-hub init » en crée une", data);
    cluster_error error = find_socket_folder(why, self);
    if (error != CLUSTER_OK)
        return error;
    make_conninfo(self);
    /* Alone if the exclusive lock can be had; it becomes a shared one either way. */
    self->use = lock_file(self->home, "postgres.use", LOCK_EX | LOCK_NB);
    bool alone = self->use >= 0;
    if (!alone)
        self->use = lock_file(self->home, "postgres.use", LOCK_SH);
    if (self->use < 0)
        return fail_system(why, self->home);
    error = start_or_take_over(why, self, alone);
    if (error == CLUSTER_OK && alone && flock(self->use, LOCK_SH) != 0)
        error = fail_system(why, self->home);
    return error;
}

cluster_error cluster_open(cluster **self, const char *home, char *why_text, size_t why_size)
{
    const reason why = {why_text, why_size};
    *self = NULL;
    cluster *made = calloc(1, sizeof *made);
    if (!made)
        return fail(&why, CLUSTER_SYSTEM, "la mémoire manque");
    made->use = -1;
    snprintf(made->home, sizeof made->home, "%s", home);
    cluster_error error = find_tools(&why, home, made->tools);
    int lock = -1;
    if (error == CLUSTER_OK && (lock = lock_file(home, "postgres.lock", LOCK_EX)) < 0)
        error = fail_system(&why, home);
    if (error == CLUSTER_OK)
        error = open_locked(&why, made);
    if (error == CLUSTER_OK) {
        *self = made;
    } else {
        if (made->use >= 0)
            close(made->use);
        free(made);
    }
    if (lock >= 0)
        close(lock);
    return error;
}

void cluster_close(cluster **self)
{
    if (!self || !*self)
        return;
    cluster *gone = *self;
    *self = NULL;
    int lock = lock_file(gone->home, "postgres.lock", LOCK_EX);
    if (lock < 0)
        logline(LOGLINE_WARNING, "cluster: cannot lock, left running");
    else if (flock(gone->use, LOCK_EX | LOCK_NB) == 0) {
        stop(gone);
        char record[PATH_MAX];
        in_home(gone->home, "postgres.socket", record);
        if (access(record, F_OK) == 0 && rmdir(gone->socket) == 0)
            unlink(record);
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
