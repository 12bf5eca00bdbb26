/* nth_files: the file operations of our code that fail. What a library does inside is not concerned. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nth.h"

/* A call that can fail so: by errno, with that result. */
#define FAILING(error, result) \
    do { \
        if (nth_strikes(NTH_FILE)) { \
            errno = error; \
            return result; \
        } \
    } while (0)

#define WRAP(type, name, parameters) \
    type __real_##name parameters; \
    type __wrap_##name parameters; \
    type __wrap_##name parameters

WRAP(int, close, (int file))
{
    /* The descriptor is gone in any case (close(2)). */
    int result = __real_close(file);
    FAILING(EIO, -1);
    return result;
}

WRAP(ssize_t, read, (int file, void *to, size_t size))
{
    FAILING(EIO, -1);
    return __real_read(file, to, size);
}

WRAP(ssize_t, pread, (int file, void *to, size_t size, off_t at))
{
    FAILING(EIO, -1);
    return __real_pread(file, to, size, at);
}

WRAP(ssize_t, write, (int file, const void *from, size_t size))
{
    FAILING(ENOSPC, -1);
    return __real_write(file, from, size);
}

WRAP(int, fsync, (int file))
{
    FAILING(EIO, -1);
    return __real_fsync(file);
}

WRAP(int, fstat, (int file, struct stat *to))
{
    FAILING(EIO, -1);
    return __real_fstat(file, to);
}

WRAP(int, fchmod, (int file, mode_t mode))
{
    FAILING(EROFS, -1);
    return __real_fchmod(file, mode);
}

WRAP(int, mkdir, (const char *path, mode_t mode))
{
    FAILING(ENOSPC, -1);
    return __real_mkdir(path, mode);
}

WRAP(int, rename, (const char *from, const char *to))
{
    FAILING(ENOSPC, -1);
    return __real_rename(from, to);
}

WRAP(int, renameat, (int from_folder, const char *from, int to_folder, const char *to))
{
    FAILING(ENOSPC, -1);
    return __real_renameat(from_folder, from, to_folder, to);
}

WRAP(int, linkat, (int from_folder, const char *from, int to_folder, const char *to, int flags))
{
    FAILING(ENOSPC, -1);
    return __real_linkat(from_folder, from, to_folder, to, flags);
}

WRAP(int, unlink, (const char *path))
{
    FAILING(EIO, -1);
    return __real_unlink(path);
}

WRAP(int, unlinkat, (int folder, const char *path, int flags))
{
    FAILING(EIO, -1);
    return __real_unlinkat(folder, path, flags);
}

WRAP(int, flock, (int file, int what))
{
    FAILING(ENOLCK, -1);
    return __real_flock(file, what);
}

WRAP(FILE *, fdopen, (int file, const char *mode))
{
    FAILING(ENOMEM, NULL);
    return __real_fdopen(file, mode);
}

WRAP(DIR *, fdopendir, (int file))
{
    FAILING(ENOMEM, NULL);
    return __real_fdopendir(file);
}

WRAP(struct dirent *, readdir, (DIR *folder))
{
    FAILING(EIO, NULL);
    return __real_readdir(folder);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __real___open_2(const char *path, int flags);
int __wrap___open_2(const char *path, int flags);

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    FAILING((flags & O_CREAT) != 0 ? ENOSPC : EMFILE, -1);
    return __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    FAILING((flags & O_CREAT) != 0 ? ENOSPC : EMFILE, -1);
    return __real_openat(folder, path, flags, mode);
}

int __wrap___open_2(const char *path, int flags)
{
    FAILING(EMFILE, -1);
    return __real___open_2(path, flags);
}
