/* postgres_tools: see the header. */
#include "postgres_tools.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ENVIRONMENT_MAX = 512, SAID_MAX = 4096, ARGUMENTS_MAX = 32 };

static bool has_all(const char *folder, const char *const programs[3])
{
    for (unsigned at = 0; at < 3; at++) {
        char path[PATH_MAX + 16];
        snprintf(path, sizeof path, "%s/%s", folder, programs[at]);
        if (access(path, X_OK) != 0)
            return false;
    }
    return true;
}

static bool complete(const char *folder)
{
    static const char *const programs[] = {"initdb", "pg_ctl", "postgres"};
    return has_all(folder, programs);
}

static bool complete_client(const char *folder)
{
    static const char *const programs[] = {"pg_dump", "pg_restore", "psql"};
    return has_all(folder, programs);
}

/* The newest of Debian's folders that is complete, from a version on. */
static bool find_newest(char folder[PATH_MAX], long least, bool (*is_complete)(const char *folder))
{
    glob_t found;
    long best = least - 1;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0)
        for (size_t at = 0; at < found.gl_pathc; at++) {
            long version = strtol(found.gl_pathv[at] + strlen("/usr/lib/postgresql/"), NULL, 10);
            if (version > best && is_complete(found.gl_pathv[at])) {
                best = version;
                snprintf(folder, PATH_MAX, "%s", found.gl_pathv[at]);
            }
        }
    globfree(&found);
    return best >= least;
}

/* What pg_config, found by PATH, says to option. */
static bool ask_config(const char *option, char answer[PATH_MAX])
{
    char command[64];
    snprintf(command, sizeof command, "pg_config %s 2>/dev/null", option);
    FILE *pipe = popen(command, "re");
    if (!pipe)
        return false;
    bool got = fgets(answer, PATH_MAX, pipe) != NULL;
    pclose(pipe);
    if (got)
        answer[strcspn(answer, "\n")] = '\0';
    return got && answer[0];
}

bool postgres_tools_find(const char *version, char folder[PATH_MAX])
{
    if (version) {
        snprintf(folder, PATH_MAX, "/usr/lib/postgresql/%.16s/bin", version);
        if (complete(folder))
            return true;
    } else if (find_newest(folder, 0, complete)) {
        return true;
    }
    char said[PATH_MAX]; /* "PostgreSQL 15.4 (Debian ...)" */
    static const char name[] = "PostgreSQL ";
    if (!ask_config("--bindir", folder) || !complete(folder) || !ask_config("--version", said))
        return false;
    size_t length = version ? strlen(version) : 0;
    const char *digits = said + strlen(name);
    return strncmp(said, name, strlen(name)) == 0 &&
           (!version || (strncmp(digits, version, length) == 0 && (digits[length] == '.' || !digits[length])));
}

bool postgres_tools_find_client(int server, char folder[PATH_MAX])
{
    snprintf(folder, PATH_MAX, "/usr/lib/postgresql/%d/bin", server);
    if (complete_client(folder) || find_newest(folder, server, complete_client))
        return true;
    char said[PATH_MAX];
    static const char name[] = "PostgreSQL ";
    return ask_config("--bindir", folder) && complete_client(folder) && ask_config("--version", said) &&
           strncmp(said, name, strlen(name)) == 0 && strtol(said + strlen(name), NULL, 10) >= server;
}

/* Keeps the last bytes of what comes through the pipe. */
static void listen_to(int pipe, char *words, size_t size)
{
    char said[SAID_MAX], part[512];
    size_t kept = 0;
    for (ssize_t got; (got = read(pipe, part, sizeof part)) > 0 || (got < 0 && errno == EINTR);) {
        if (got <= 0)
            continue;
        size_t fresh = (size_t)got;
        if (kept + fresh > sizeof said) {
            size_t dropped = kept + fresh - sizeof said;
            memmove(said, said + dropped, kept - dropped);
            kept -= dropped;
        }
        memcpy(said + kept, part, fresh);
        kept += fresh;
    }
    while (kept > 0 && strchr(" \n\r\t", said[kept - 1]))
        kept--;
    size_t start = kept >= size ? kept - size + 1 : 0;
    memcpy(words, said + start, kept - start);
    words[kept - start] = '\0';
}

/* Our environment with messages in English and without settings that would mislead the programs. */
static void make_environment(char *to[ENVIRONMENT_MAX])
{
    static char english[] = "LC_ALL=C";
    size_t count = 0;
    for (char **at = environ; *at && count < ENVIRONMENT_MAX - 2; at++)
        if (strncmp(*at, "PG", 2) != 0 && strncmp(*at, "LC_", 3) != 0 && strncmp(*at, "LANG", 4) != 0 &&
            strncmp(*at, "NOTIFY_SOCKET=", 14) != 0)
            to[count++] = *at;
    to[count++] = english;
    to[count] = NULL;
}

/* The same with the file of connection settings that the program inherits. */
static void make_client_environment(char *to[ENVIRONMENT_MAX])
{
    static char service[] = "PGSERVICEFILE=/proc/self/fd/3";
    unsigned count = 0;
    make_environment(to);
    while (to[count])
        count++;
    if (count == ENVIRONMENT_MAX - 1)
        count--;
    to[count++] = service;
    to[count] = NULL;
}

/*
 * The arguments with the program's own path in front: a tool of PostgreSQL looks for its companions, and for its data,
 * beside the path that it was called by, and for a bare name in PATH, where Debian has none of these.
 */
static void make_arguments(const char *to[ARGUMENTS_MAX], const char *path, const char *const *arguments)
{
    unsigned count = 1;
    to[0] = path;
    while (arguments[count]) {
        assert(count < ARGUMENTS_MAX - 1);
        to[count] = arguments[count];
        count++;
    }
    to[count] = NULL;
}

/* Signals as at login, and a process group of its own: Ctrl-C is for us, not for the server. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

int postgres_tools_run(const char *folder, const char *where, const char *const *arguments, char *words, size_t words_size)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", folder, arguments[0]);
    words[0] = '\0';
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    posix_spawn_file_actions_adddup2(&files, ends[1], 2);
    /* The server outlives this process: it gets none of its files. The user's own folder may be closed to it. */
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawn_file_actions_addchdir_np(&files, where);
    set_attributes(&attributes);
    char *environment[ENVIRONMENT_MAX];
    make_environment(environment);
    const char *called[ARGUMENTS_MAX];
    make_arguments(called, path, arguments);
    /* POSIX: execve and its kin change no argument; the type says so for history's sake alone. */
    union { const char *const *fixed; char *const *free; } argv = {called};
    pid_t child;
    int error = posix_spawn(&child, path, &files, &attributes, argv.free, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    int status = -1;
    if (error == 0) {
        listen_to(ends[0], words, words_size);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Descriptors 0 to 3 of the program; the others of ours it does not get. */
static int spawn(postgres_tools_job *job, const char *path, const char *const *arguments, const int files_of[4])
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    for (int at = 0; at < 4; at++)
        posix_spawn_file_actions_adddup2(&files, files_of[at], at);
    posix_spawn_file_actions_addclosefrom_np(&files, 4);
    set_attributes(&attributes);
    char *environment[ENVIRONMENT_MAX];
    make_client_environment(environment);
    const char *called[ARGUMENTS_MAX];
    make_arguments(called, path, arguments);
    union { const char *const *fixed; char *const *free; } argv = {called}; /* see postgres_tools_run */
    int error = posix_spawn(&job->child, path, &files, &attributes, argv.free, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void close_file(int *file)
{
    if (*file >= 0)
        close(*file);
    *file = -1;
}

/* Above the descriptors that the program gets, so that none is written over before it is copied. */
static bool raise_file(int *file)
{
    int higher = fcntl(*file, F_DUPFD_CLOEXEC, 8);
    if (higher < 0)
        return false;
    close(*file);
    *file = higher;
    return true;
}

bool postgres_tools_start(postgres_tools_job *job, const char *folder, const char *const *arguments, int input, int service)
{
    char path[PATH_MAX + 32];
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error = 0;
    snprintf(path, sizeof path, "%s/%s", folder, arguments[0]);
    *job = (postgres_tools_job){.in = -1, .out = -1, .said = memfd_create("ctai-said", MFD_CLOEXEC)};
    bool ready = job->said >= 0 && raise_file(&job->said) && pipe2(out, O_CLOEXEC) == 0 && raise_file(&out[1]);
    if (ready && input >= 0)
        ready = (in[0] = fcntl(input, F_DUPFD_CLOEXEC, 8)) >= 0;
    else if (ready)
        ready = pipe2(in, O_CLOEXEC) == 0 && raise_file(&in[0]);
    int settings = ready ? fcntl(service, F_DUPFD_CLOEXEC, 8) : -1;
    if (settings < 0)
        error = errno;
    if (error == 0)
        error = spawn(job, path, arguments, (int[]){in[0], out[1], job->said, settings});
    close_file(&settings);
    close_file(&in[0]);
    close_file(&out[1]);
    job->in = in[1];
    job->out = out[0];
    if (error != 0) {
        close_file(&job->in);
        close_file(&job->out);
        close_file(&job->said);
        errno = error;
    }
    return error == 0;
}

int postgres_tools_end(postgres_tools_job *job, char *words, size_t words_size)
{
    int status = -1;
    close_file(&job->in);
    close_file(&job->out);
    while (waitpid(job->child, &status, 0) < 0 && errno == EINTR)
        ;
    ssize_t got = pread(job->said, words, words_size - 1, 0);
    words[got > 0 ? got : 0] = '\0';
    close_file(&job->said);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
