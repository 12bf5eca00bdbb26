/*
 * home: see the header. Everything is opened relative to the folder's descriptor, and no symbolic
 * link is followed inside it, so that nobody can slip another file in between check and use.
 */
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

#include "oserror.h"
#include "vault.h"

static const char lock_name[] = "lock";

static home_error system_error(int error)
{
    errno = error;
    return HOME_SYSTEM;
}

static home_error closing(int file, home_error result)
{
    int error = errno;
    close(file);
    errno = error;
    return result;
}

static bool absolute(const char *path, char to[PATH_MAX])
{
    char here[PATH_MAX];
    int size;
    if (path[0] == '/')
        size = snprintf(to, PATH_MAX, "%s", path);
    else if (getcwd(here, sizeof here))
        size = snprintf(to, PATH_MAX, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
    else
        return false;
    if (size < 0 || size >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

static bool make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

/* Is the open folder empty? Takes the descriptor over. */
static home_error require_empty(int folder)
{
    DIR *entries = fdopendir(folder);
    if (!entries)
        return closing(folder, HOME_SYSTEM);
    home_error result = HOME_OK;
    errno = 0;
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = system_error(ENOTEMPTY);
    int error = errno;
    closedir(entries);
    errno = error;
    return result == HOME_OK && error != 0 ? HOME_SYSTEM : result;
}

home_error home_make(const char *path)
{
    char whole[PATH_MAX];
    if (!absolute(path, whole) || !make_parents(whole))
        return HOME_SYSTEM;
    if (mkdir(whole, 0700) != 0 && errno != EEXIST)
        return HOME_SYSTEM;
    int folder = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat is;
    if (folder < 0)
        return HOME_SYSTEM;
    if (fstat(folder, &is) != 0)
        return closing(folder, HOME_SYSTEM);
    if (is.st_uid != geteuid())
        return closing(folder, HOME_FOREIGN);
    home_error empty = require_empty(fcntl(folder, F_DUPFD_CLOEXEC, 3));
    if (empty == HOME_OK && fchmod(folder, 0700) != 0)
        empty = HOME_SYSTEM;
    return closing(folder, empty);
}

home_error home_owner(const char *path, uid_t *user, gid_t *group)
{
    struct stat is;
    if (stat(path, &is) != 0)
        return errno == ENOENT ? HOME_MISSING : HOME_SYSTEM;
    if (!S_ISDIR(is.st_mode))
        return system_error(ENOTDIR);
    *user = is.st_uid;
    *group = is.st_gid;
    return HOME_OK;
}

home_error home_become_owner(const char *path)
{
    uid_t user;
    gid_t group;
    if (geteuid() != 0)
        return HOME_OK;
    home_error error = home_owner(path, &user, &group);
    if (error != HOME_OK || user == 0)
        return error;
    struct passwd *entry = getpwuid(user);
    if (entry)
        group = entry->pw_gid;
    if ((entry ? initgroups(entry->pw_name, group) : setgroups(0, NULL)) != 0
        || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0)
        return HOME_SYSTEM;
    if (!vault_shut())
        return HOME_SYSTEM;
    /* Root that can come back would be root still. */
    return setuid(0) == 0 ? system_error(EPERM) : HOME_OK;
}

home_error home_open(home *self, const char *path)
{
    *self = (home){ .folder = -1, .lock = -1 };
    if (!absolute(path, self->path))
        return HOME_SYSTEM;
    int folder = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat is;
    if (folder < 0) {
        /* A folder that its mode closes to us is somebody else's: say so, whatever open says. */
        int error = errno;
        if (stat(self->path, &is) == 0 && S_ISDIR(is.st_mode) && is.st_uid != geteuid())
            return HOME_FOREIGN;
        errno = error;
        return errno == ENOENT ? HOME_MISSING : HOME_SYSTEM;
    }
    if (fstat(folder, &is) != 0)
        return closing(folder, HOME_SYSTEM);
    if (is.st_uid != geteuid())
        return closing(folder, HOME_FOREIGN);
    if (is.st_mode & 077)
        return closing(folder, HOME_LOOSE);
    self->folder = folder;
    return HOME_OK;
}

home_error home_take(home *self)
{
    int file = openat(self->folder, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return HOME_SYSTEM;
    while (flock(file, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return closing(file, errno == EWOULDBLOCK ? HOME_LOCKED : HOME_SYSTEM);
    self->lock = file;
    return HOME_OK;
}

bool home_taken(const home *self)
{
    int file = openat(self->folder, lock_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    bool taken = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(file);
    return taken;
}

void home_close(home *self)
{
    if (self->lock >= 0)
        close(self->lock);
    if (self->folder >= 0)
        close(self->folder);
    self->lock = self->folder = -1;
}

bool home_path(const home *self, const char *name, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s", self->path, name);
    return size >= 0 && size < PATH_MAX;
}

/* All of size bytes, and not one more. */
static bool read_exactly(int file, void *to, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(file, (uint8_t *)to + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0) {
            errno = EBADMSG;
            return false;
        }
        at += (size_t)got;
    }
    return true;
}

home_error home_read_secret(const home *self, const char *name, void *to, size_t size)
{
    int file = openat(self->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat is;
    if (file < 0)
        return HOME_SYSTEM;
    if (fstat(file, &is) != 0)
        return closing(file, HOME_SYSTEM);
    if (!S_ISREG(is.st_mode))
        return closing(file, system_error(EINVAL));
    if (is.st_uid != geteuid())
        return closing(file, HOME_FOREIGN);
    if (is.st_mode & 077)
        return closing(file, HOME_LOOSE);
    if ((uint64_t)is.st_size != size)
        return closing(file, system_error(EBADMSG));
    return closing(file, read_exactly(file, to, size) ? HOME_OK : HOME_SYSTEM);
}

static bool write_all(int file, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(file, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

home_error home_write_secret(const home *self, const char *name, const void *data, size_t size)
{
    char hidden[NAME_MAX + 1];
    int length = snprintf(hidden, sizeof hidden, ".%s.part", name);
    if (length < 0 || (size_t)length >= sizeof hidden)
        return system_error(ENAMETOOLONG);
    /* One process owns the home: what is there of that name is what a crash left behind. */
    if (unlinkat(self->folder, hidden, 0) != 0 && errno != ENOENT)
        return HOME_SYSTEM;
    int file = openat(self->folder, hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return HOME_SYSTEM;
    bool good = fchmod(file, 0600) == 0 && write_all(file, data, size) && fsync(file) == 0;
    int error = errno;
    if (close(file) != 0 && good) {
        good = false;
        error = errno;
    }
    if (good && renameat(self->folder, hidden, self->folder, name) == 0 && fsync(self->folder) == 0)
        return HOME_OK;
    if (good)
        error = errno;
    unlinkat(self->folder, hidden, 0);
    return system_error(error);
}

void home_explain(home_error error, const char *path, char *text, size_t size)
{
    const char *reason = oserror_text(errno);
    switch (error) {
    case HOME_OK:
        snprintf(text, size, "%s : rien à signaler", path);
        return;
    case HOME_MISSING:
        snprintf(text, size,
                 "le dossier %s n’existe pas : commencez par la commande « init », ou indiquez un autre "
                 "dossier avec --home", path);
        return;
    case HOME_LOOSE:
        snprintf(text, size, "d’autres utilisateurs ont des droits sur %s, qui contient des secrets : retirez-les "
                 "(chmod go= %s)", path, path);
        return;
    case HOME_FOREIGN:
        snprintf(text, size,
                 "%s appartient à un autre utilisateur : lancez la commande sous son identité, ou indiquez "
                 "un autre dossier avec --home", path);
        return;
    case HOME_LOCKED:
        snprintf(text, size, "un autre processus utilise le dossier %s : attendez qu’il ait fini, ou arrêtez-le",
                 path);
        return;
    case HOME_SYSTEM:
        snprintf(text, size, "%s : %s", path, reason);
        return;
    }
    snprintf(text, size, "%s : erreur du système", path);
}
