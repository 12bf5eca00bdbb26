/*
 * outfile: see the header. The new content has no name at all (O_TMPFILE) until it is complete and
 * on disk, so that a killed program leaves nothing behind; where the file system has no such files,
 * it has a hidden name beside the target. A target that is no regular file (a pipe, /dev/stdout)
 * cannot be replaced: it is written to as it stands.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct outfile {
    FILE *stream;
    int folder;                /* of the target; -1: the target is written directly */
    bool nameless;             /* O_TMPFILE: named at commit */
    char name[NAME_MAX + 1];   /* of the target in its folder */
    char hidden[NAME_MAX + 1]; /* of the unfinished file in its folder */
};

static void hide(outfile *self)
{
    static unsigned serial;
    unsigned number = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
    snprintf(self->hidden, sizeof self->hidden, ".%.200s.%ld-%u.part", self->name, (long)getpid(), number);
}

/* Splits the target's path (symbolic links followed) into an open folder and a name. */
static bool split(outfile *self, const char *path)
{
    char real[PATH_MAX];
    if (!realpath(path, real)) {
        if (errno != ENOENT || strlen(path) >= sizeof real)
            return false;
        strncpy(real, path, sizeof real - 1);
        real[sizeof real - 1] = '\0';
    }
    char *slash = strrchr(real, '/');
    const char *name = slash ? slash + 1 : real;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        errno = EISDIR;
        return false;
    }
    if (strlen(name) > NAME_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(self->name, name, strlen(name) + 1);
    const char *folder = ".";
    if (slash) {
        *slash = '\0';
        folder = slash == real ? "/" : real;
    }
    self->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return self->folder >= 0;
}

/* What is there now decides the mode of what replaces it. */
static bool examine(const outfile *self, mode_t *mode, bool *direct)
{
    struct stat is;
    if (fstatat(self->folder, self->name, &is, 0) != 0)
        return errno == ENOENT;
    if (S_ISDIR(is.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (faccessat(self->folder, self->name, W_OK, AT_EACCESS) != 0)
        return false;
    *direct = !S_ISREG(is.st_mode);
    if (S_ISREG(is.st_mode))
        *mode = is.st_mode & 0777;
    return true;
}

static int start(outfile *self, mode_t mode)
{
    int file = openat(self->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    if (file >= 0) {
        self->nameless = true;
        return file;
    }
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
        return -1;
    return openat(self->folder, self->hidden, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode);
}

static void close_folder(outfile *self)
{
    if (self->folder >= 0)
        close(self->folder);
    self->folder = -1;
}

outfile *outfile_open(const char *path, bool secret)
{
    outfile *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->folder = -1;
    int file = -1;
    mode_t mode = 0;
    bool direct = false;
    if (split(self, path) && examine(self, &mode, &direct)) {
        hide(self);
        file = direct ? openat(self->folder, self->name, O_WRONLY | O_CLOEXEC | O_NOCTTY)
                      : start(self, secret ? 0600 : 0666);
        if (direct)
            close_folder(self);
        if (file >= 0 && (direct || secret || mode == 0 || fchmod(file, mode) == 0))
            self->stream = fdopen(file, "w");
    }
    if (!self->stream) {
        int error = errno;
        if (file >= 0)
            close(file);
        if (file >= 0 && self->folder >= 0 && !self->nameless)
            unlinkat(self->folder, self->hidden, 0);
        close_folder(self);
        free(self);
        errno = error;
        return NULL;
    }
    return self;
}

FILE *outfile_stream(outfile *self)
{
    return self->stream;
}

/* Gives the unfinished file its hidden name, by way of /proc: that needs no privilege. */
static bool name_it(outfile *self, int file)
{
    char proc[64];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", file);
    if (linkat(AT_FDCWD, proc, self->folder, self->hidden, AT_SYMLINK_FOLLOW) != 0)
        return false;
    self->nameless = false;
    return true;
}

bool outfile_commit(outfile **self_pointer)
{
    outfile *self = *self_pointer;
    int file = fileno(self->stream);
    bool good = fflush(self->stream) == 0 && !ferror(self->stream);
    int error = errno;
    if (good && self->folder >= 0) {
        good = fsync(file) == 0 && (!self->nameless || name_it(self, file))
            && renameat(self->folder, self->hidden, self->folder, self->name) == 0;
        error = errno;
        if (good) {
            self->nameless = true; /* nothing to unlink any more */
            (void)fsync(self->folder);
        }
    }
    outfile_abandon(self_pointer);
    errno = error;
    return good;
}

void outfile_abandon(outfile **self_pointer)
{
    outfile *self = *self_pointer;
    if (!self)
        return;
    fclose(self->stream);
    if (self->folder >= 0 && !self->nameless)
        unlinkat(self->folder, self->hidden, 0);
    close_folder(self);
    free(self);
    *self_pointer = NULL;
}
