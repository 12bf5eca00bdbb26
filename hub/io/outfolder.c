/* outfolder: see the header. */
#include "outfolder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failure(void)
{
    return errno ? errno : EIO;
}

static bool is_plain(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) < OUTFOLDER_NAME_MAX;
}

static int write_file(int folder, const outfolder_file *what)
{
    int file = openat(folder, what->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0)
        return failure();
    const char *at = what->data;
    size_t left = what->size;
    int error = 0;
    while (left > 0 && error == 0) {
        ssize_t written = write(file, at, left);
        if (written > 0)
            at += written, left -= (size_t)written;
        else if (written == 0 || errno != EINTR)
            error = failure();
    }
    if (error == 0 && fsync(file) != 0)
        error = failure();
    if (close(file) != 0 && error == 0)
        error = failure();
    return error;
}

static void remove_files(int folder, const outfolder_file *files, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)unlinkat(folder, files[i].name, 0);
}

/* Is there nothing else in it? */
static int check_ours(const char *path, const outfolder_file *files, unsigned count)
{
    DIR *folder = opendir(path);
    int error = folder ? 0 : failure();
    for (struct dirent *entry; folder && error == 0 && (entry = readdir(folder));) {
        bool ours = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        for (unsigned i = 0; i < count && !ours; i++)
            ours = strcmp(entry->d_name, files[i].name) == 0;
        error = ours ? 0 : ENOTEMPTY;
    }
    if (folder)
        closedir(folder);
    return error;
}

/* made takes the place of path; what was there is then under made's name, and goes. */
static int put_in_place(const char *made, const char *path, const outfolder_file *files, unsigned count)
{
    if (rename(made, path) == 0) /* nothing was there, or an empty folder */
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return failure();
    int error = check_ours(path, files, count);
    if (error == 0 && renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
        error = failure();
    if (error != 0)
        return error;
    int old = open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (old >= 0) {
        remove_files(old, files, count);
        close(old);
    }
    (void)rmdir(made);
    return 0;
}

static void flush_parent(const char *path)
{
    char parent[PATH_MAX];
    if (snprintf(parent, sizeof parent, "%s/..", path) >= (int)sizeof parent)
        return;
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    (void)fsync(folder);
    close(folder);
}

int outfolder_write(const char *path, const outfolder_file *files, unsigned count)
{
    char target[PATH_MAX], made[PATH_MAX];
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    for (unsigned i = 0; i < count; i++)
        if (!is_plain(files[i].name) || files[i].size > OUTFOLDER_BYTES_MAX)
            return EINVAL;
    if (snprintf(target, sizeof target, "%.*s", (int)size, path) >= (int)sizeof target ||
        snprintf(made, sizeof made, "%.*s.XXXXXX", (int)size, path) >= (int)sizeof made)
        return ENAMETOOLONG;
    if (!mkdtemp(made))
        return failure();
    mode_t mask = umask(0);
    umask(mask);
    int folder = open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int error = folder >= 0 && fchmod(folder, 0777 & ~mask) == 0 ? 0 : failure();
    for (unsigned i = 0; i < count && error == 0; i++)
        error = write_file(folder, &files[i]);
    if (error == 0 && fsync(folder) != 0)
        error = failure();
    if (error == 0)
        error = put_in_place(made, target, files, count);
    if (error == 0)
        flush_parent(target);
    else if (folder >= 0)
        remove_files(folder, files, count);
    if (error != 0)
        (void)rmdir(made);
    if (folder >= 0)
        close(folder);
    return error;
}
