/* hand_over: see the header. The one owner of libacl. Errors: an exit code and a sentence in French. */
#include "hand_over.h"

#include <acl/libacl.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "home.h"
#include "oserror.h"

static int fail(char note[HAND_OVER_TEXT_MAX], int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int fail(char note[HAND_OVER_TEXT_MAX], int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(note, HAND_OVER_TEXT_MAX, format, args);
    va_end(args);
    return code;
}

static const char *user_name(uid_t user)
{
    const struct passwd *entry = getpwuid(user);
    return entry ? entry->pw_name : "l’utilisateur du hub";
}

/* Becomes the user in a child process, which answers whether it may pass through the folder. */
static bool may_pass(const char *folder, uid_t user, gid_t group)
{
    pid_t child = fork();
    if (child == 0) {
        const struct passwd *entry = getpwuid(user);
        bool become = (entry ? initgroups(entry->pw_name, group) : setgroups(0, NULL)) == 0
            && setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0;
        _exit(become && access(folder, X_OK) == 0 ? 0 : 1);
    }
    int status = 1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The entry of the tag (and user) in the list, made if it is not there; NULL when that fails. */
static acl_entry_t entry_of(acl_t *list, acl_tag_t tag, const uid_t *user)
{
    acl_entry_t entry;
    for (int got = acl_get_entry(*list, ACL_FIRST_ENTRY, &entry); got == 1;
         got = acl_get_entry(*list, ACL_NEXT_ENTRY, &entry)) {
        acl_tag_t has;
        if (acl_get_tag_type(entry, &has) != 0 || has != tag)
            continue;
        if (!user)
            return entry;
        uid_t *of = acl_get_qualifier(entry);
        bool same = of && *of == *user;
        acl_free(of);
        if (same)
            return entry;
    }
    if (acl_create_entry(list, &entry) != 0 || acl_set_tag_type(entry, tag) != 0
        || (user && acl_set_qualifier(entry, user) != 0))
        return NULL;
    return entry;
}

static bool add_search(acl_entry_t entry)
{
    acl_permset_t rights;
    return entry && acl_get_permset(entry, &rights) == 0 && acl_add_perm(rights, ACL_EXECUTE) == 0
        && acl_set_permset(entry, rights) == 0;
}

/*
 * Adds u:USER:x. A list without a mask gets the one that leaves the group's rights what they are; one with a mask
 * keeps it, but for the search that the new entry needs.
 */
static bool grant_search(const char *folder, uid_t user)
{
    acl_t list = acl_get_file(folder, ACL_TYPE_ACCESS);
    if (!list)
        return false;
    bool had_mask = acl_equiv_mode(list, NULL) == 1;
    bool done = add_search(entry_of(&list, ACL_USER, &user))
        && (had_mask ? add_search(entry_of(&list, ACL_MASK, NULL)) : acl_calc_mask(&list) == 0)
        && acl_valid(list) == 0 && acl_set_file(folder, ACL_TYPE_ACCESS, list) == 0;
    int error = errno;
    acl_free(list);
    errno = error;
    return done;
}

/* Every folder above path, from the root on. */
static int open_way(const char *path, uid_t user, gid_t group, char note[HAND_OVER_TEXT_MAX])
{
    char folder[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t size = (size_t) (slash - path);
        if (size >= sizeof folder)
            return fail(note, 78, "le chemin %s est trop long", path);
        memcpy(folder, path, size);
        folder[size] = '\0';
        if (may_pass(folder, user, group))
            continue;
        if (!grant_search(folder, user) || !may_pass(folder, user, group)) {
            const char *reason = errno == EOPNOTSUPP || errno == ENOSYS
                ? "ce système de fichiers n’a pas de listes de droits (ACL)" : oserror_text(errno);
            return fail(note, 78,
                        "%s ne peut pas traverser le dossier %s, et ce droit n’a pas pu lui être donné (%s) : "
                        "choisissez un dossier sous /var/lib, ou ouvrez celui-ci (chmod o+x %s)",
                        user_name(user), folder, reason, folder);
        }
        size_t used = strlen(note);
        snprintf(note + used, HAND_OVER_TEXT_MAX - used, "%s%s", used ? ", " : "", folder);
    }
    return 0;
}

int hand_over_way(const char *path, uid_t user, gid_t group, char note[HAND_OVER_TEXT_MAX])
{
    char folders[HAND_OVER_TEXT_MAX] = "", parent[PATH_MAX], real[PATH_MAX];
    note[0] = '\0';
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash || path[0] != '/')
        return fail(note, 78, "le chemin %s n’est pas absolu", path);
    slash[1] = '\0';
    /* Both the folders that links stand in, and those that they lead to. */
    int code = 0;
    char within[PATH_MAX + 1];
    if (realpath(parent, real)) {
        snprintf(within, sizeof within, "%s/", real);
        code = open_way(within, user, group, folders);
    }
    if (code == 0)
        code = open_way(path, user, group, folders);
    if (code != 0)
        return fail(note, code, "%s", folders);
    if (folders[0])
        snprintf(note, HAND_OVER_TEXT_MAX, "%s a reçu le droit de traverser (x, par une ACL) : %.*s",
                 user_name(user),
                 HAND_OVER_TEXT_MAX - 128, folders);
    return 0;
}

static bool find_user(uid_t *user, gid_t *group)
{
    const struct passwd *entry = getpwnam("ctai-hub");
    if (!entry)
        entry = getpwnam("postgres");
    if (!entry || entry->pw_uid == 0)
        return false;
    *user = entry->pw_uid;
    *group = entry->pw_gid;
    return true;
}

static int make_home(hand_over *self, const char *path)
{
    char why[PATH_MAX + 512];
    struct stat is;
    self->made = stat(path, &is) != 0;
    if (!self->made && !S_ISDIR(is.st_mode))
        return fail(self->note, 73, "%s n’est pas un dossier", path);
    if (!self->made && is.st_uid != 0) {
        /* Somebody's already: a home (the command will say so), or a folder made for the purpose. */
        self->user = is.st_uid;
        const struct passwd *entry = getpwuid(is.st_uid);
        self->group = entry ? entry->pw_gid : is.st_gid;
        return 0;
    }
    if (!find_user(&self->user, &self->group))
        return fail(self->note, 78,
                    "il n’y a ni utilisateur ctai-hub ni utilisateur postgres, sous l’identité duquel le "
                    "hub travaillerait : créez-en un (adduser --system --group ctai-hub)");
    home_error error = home_make(path);
    if (error != HOME_OK) {
        home_explain(error, path, why, sizeof why);
        return fail(self->note, 73, "%s", why);
    }
    if (chown(path, self->user, self->group) != 0)
        return fail(self->note, 73, "%s : %s", path, oserror_text(errno));
    self->given = true;
    return 0;
}

int hand_over_home(hand_over *self, const char *path)
{
    *self = (hand_over) {0};
    int code = make_home(self, path);
    if (code == 0)
        code = hand_over_way(path, self->user, self->group, self->note);
    if (code != 0)
        hand_over_undo(self, path);
    return code;
}

void hand_over_undo(const hand_over *self, const char *path)
{
    if (!self->made && !self->given)
        return;
    char lock[PATH_MAX];
    if (snprintf(lock, sizeof lock, "%s/lock", path) < (int) sizeof lock)
        unlink(lock);
    if (self->made)
        rmdir(path);
    else if (chown(path, 0, 0) != 0)
        return; /* it is empty, and the user's: nothing is lost */
}
