/* postgres_program: see the header. */
#include "postgres_program.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_programs(const char *folder)
{
    static const char *const names[] = {"postgres", "pg_ctl", "initdb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (size < 0 || (size_t)size >= sizeof path || access(path, X_OK) != 0)
            return false;
    }
    return true;
}

/* The major version that the data were made by, from their PG_VERSION; 0 when it cannot be read. */
static int version_of(const char *data)
{
    char path[PATH_MAX], line[16] = "";
    int size = snprintf(path, sizeof path, "%s/PG_VERSION", data);
    FILE *file = size > 0 && (size_t)size < sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    char *read = fgets(line, sizeof line, file);
    fclose(file);
    return read ? (int)strtol(line, NULL, 10) : 0;
}

bool postgres_program_folder(char folder[PATH_MAX], const char *data)
{
    int wanted = data ? version_of(data) : 0, best = 0;
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int version = (int)strtol(found.gl_pathv[i] + sizeof "/usr/lib/postgresql/" - 1, NULL, 10);
            if ((wanted ? version == wanted : version > best) && has_programs(found.gl_pathv[i])) {
                snprintf(folder, PATH_MAX, "%s", found.gl_pathv[i]);
                best = version;
            }
        }
        globfree(&found);
    }
    if (best > 0)
        return true;
    for (const char *at = getenv("PATH"); at && *at; at += *at == ':') {
        size_t size = strcspn(at, ":");
        snprintf(folder, PATH_MAX, "%.*s", (int)size, at);
        if (size > 0 && has_programs(folder))
            return true;
        at += size;
    }
    return false;
}

/* In the child: standard input from a pipe or nowhere, the rest to the log, a plain locale; then the program. */
static void become(const char *folder, const char *home, const char *const *words, const int input[2])
{
    char path[PATH_MAX], log_path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, words[0]);
    snprintf(log_path, sizeof log_path, "%s/postgres.log", home);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int from = input[0] >= 0 ? input[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || from < 0 || dup2(from, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("LC_ALL", "C", 1);
    union { const char *const *in; char *const *out; } argv = {words}; /* execv takes them unchanged */
    execv(path, argv.out);
    _exit(127);
}

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int postgres_program_run(const char *folder, const char *home, const char *const *words, const char *input)
{
    int ends[2] = {-1, -1};
    if (input && pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        become(folder, home, words, ends);
    if (input) {
        close(ends[0]);
        /* Shorter than a pipe holds: this does not wait. */
        if (child > 0 && write(ends[1], input, strlen(input)) < 0)
            kill(child, SIGTERM);
        close(ends[1]);
    }
    return child > 0 ? wait_for(child) : -1;
}
