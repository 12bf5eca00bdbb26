#include "agent_home.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logline.h"
#include "vault.h"

/* The files of a home. The name comes last: it says that the identity is whole. */
static const char NAME_FILE[] = "nom";
static const char APPROVAL_FILE[] = "approbation";
static const char LINKAGE_PREFIX[] = "cle-liaison.";
enum { LINKAGE_NAME = sizeof LINKAGE_PREFIX + BATCH_SCOPE_MAX + 16 };

typedef struct {
    const char *file;
    size_t offset, size; /* in agent_home_secrets */
} secret_file;

static const secret_file SECRETS[] = {
    {"cle-transport", offsetof(agent_home_secrets, curve), sizeof(crypto_box_pair)},
    {"cle-signature", offsetof(agent_home_secrets, sign), sizeof(crypto_sign_pair)},
    {"cle-boite", offsetof(agent_home_secrets, box), sizeof(crypto_box_pair)},
    {"cle-enregistrements", offsetof(agent_home_secrets, record_key), CRYPTO_KEY},
};
enum { SECRET_COUNT = sizeof SECRETS / sizeof SECRETS[0] };

static agent_home_error said(agent_home_result *result, agent_home_error error, const char *path)
{
    result->system_error = errno;
    result->error = error;
    result->home_reason = HOME_OK;
    (void)snprintf(result->path, sizeof result->path, "%s", path);
    return error;
}

static agent_home_error said_home(agent_home_result *result, home_error reason, const home *folder,
                                  const char *file)
{
    char path[PATH_MAX];
    if (file == NULL || !home_path(folder, file, path))
        (void)snprintf(path, sizeof path, "%s", folder->path);
    said(result, AGENT_HOME_HOME, path);
    result->home_reason = reason;
    return AGENT_HOME_HOME;
}

void agent_home_close(agent_home *self)
{
    if (self->secrets == NULL)
        return;
    vault_destroy(&self->secrets, sizeof *self->secrets);
    home_close(&self->folder);
    memset(self->name, 0, sizeof self->name);
}

/* Opens the folder and makes room for the secrets. */
static agent_home_error begin(agent_home *self, const char *path, bool take, agent_home_result *result)
{
    memset(self, 0, sizeof *self);
    home_error error = home_open(&self->folder, path);
    if (error != HOME_OK) {
        said(result, AGENT_HOME_HOME, path);
        result->home_reason = error;
        return AGENT_HOME_HOME;
    }
    if (take && (error = home_take(&self->folder)) != HOME_OK) {
        said_home(result, error, &self->folder, NULL);
        home_close(&self->folder);
        return AGENT_HOME_HOME;
    }
    self->secrets = vault_new(sizeof *self->secrets);
    if (self->secrets == NULL) {
        home_close(&self->folder);
        return said(result, AGENT_HOME_MEMORY, path);
    }
    return AGENT_HOME_OK;
}

/*
 * Reads a file of the home whose size is not known beforehand, up to capacity bytes. Like a secret
 * it must be ours and closed to others. Its size, or -1 with *error (HOME_MISSING: no such file).
 */
static ssize_t read_file(const home *folder, const char *name, char *to, size_t capacity, home_error *error)
{
    int file = openat(folder->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat about;
    *error = HOME_SYSTEM;
    if (file < 0) {
        *error = errno == ENOENT ? HOME_MISSING : HOME_SYSTEM;
        return -1;
    }
    size_t size = 0;
    ssize_t got = -1;
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        if (about.st_uid != geteuid())
            *error = HOME_FOREIGN;
        else if ((about.st_mode & 077) != 0)
            *error = HOME_LOOSE;
        else
            while ((got = read(file, to + size, capacity - size)) > 0)
                size += (size_t)got;
    }
    int why = errno;
    close(file);
    errno = why;
    return got == 0 ? (ssize_t)size : -1;
}

/* Does the folder hold only what an init that was cut off can leave? */
static bool only_remains(const char *path)
{
    DIR *list = opendir(path);
    if (list == NULL)
        return false;
    bool only = true;
    for (struct dirent *entry; only && (entry = readdir(list)) != NULL;) {
        const char *name = entry->d_name + (entry->d_name[0] == '.');
        only = entry->d_name[0] == '.' && (name[0] == '\0' || strcmp(name, ".") == 0);
        only = only || strcmp(name, "lock") == 0;
        for (size_t i = 0; i < SECRET_COUNT && !only; i++)
            only = strncmp(name, SECRETS[i].file, strlen(SECRETS[i].file)) == 0;
        only = only || strcmp(name, "nom.part") == 0;
    }
    closedir(list);
    return only;
}

agent_home_error agent_home_create(agent_home *self, const char *path, const char *name, agent_home_result *result)
{
    assert(credential_name_valid(text_of(name)));
    home_error error = home_make(path);
    if (error == HOME_SYSTEM && errno == ENOTEMPTY) {
        char there[PATH_MAX];
        int size = snprintf(there, sizeof there, "%s/%s", path, NAME_FILE);
        struct stat about;
        if (size > 0 && (size_t)size < sizeof there && lstat(there, &about) == 0)
            return said(result, AGENT_HOME_EXISTS, path);
        error = only_remains(path) ? HOME_OK : HOME_SYSTEM;
        errno = ENOTEMPTY;
    }
    if (error != HOME_OK) {
        said(result, AGENT_HOME_HOME, path);
        result->home_reason = error;
        return AGENT_HOME_HOME;
    }
    agent_home_error begun = begin(self, path, true, result);
    if (begun != AGENT_HOME_OK)
        return begun;
    if (faccessat(self->folder.folder, NAME_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        said(result, AGENT_HOME_EXISTS, path);
        agent_home_close(self);
        return AGENT_HOME_EXISTS;
    }
    crypto_box_new(&self->secrets->curve);
    crypto_box_new(&self->secrets->box);
    crypto_sign_new(&self->secrets->sign);
    crypto_random(self->secrets->record_key, CRYPTO_KEY);
    const char *file = NULL;
    for (size_t i = 0; i < SECRET_COUNT && error == HOME_OK; i++) {
        file = SECRETS[i].file;
        error = home_write_secret(&self->folder, file, (uint8_t *)self->secrets + SECRETS[i].offset,
                                  SECRETS[i].size);
    }
    if (error == HOME_OK)
        error = home_write_secret(&self->folder, file = NAME_FILE, name, strlen(name));
    if (error != HOME_OK) {
        said_home(result, error, &self->folder, file);
        agent_home_close(self);
        return AGENT_HOME_HOME;
    }
    memcpy(self->name, name, strlen(name) + 1);
    return AGENT_HOME_OK;
}

static void linkage_name(char name[LINKAGE_NAME], const char *scope, uint32_t epoch)
{
    (void)snprintf(name, LINKAGE_NAME, "%s%s.%lu", LINKAGE_PREFIX, scope, (unsigned long)epoch);
}

/* Takes a linkage key out of memory; its copy at the end is wiped. */
static void drop(agent_home_secrets *secrets, unsigned at)
{
    unsigned last = --secrets->linkage_count;
    for (; at < last; at++) {
        memcpy(secrets->linkage_scope[at], secrets->linkage_scope[at + 1], sizeof secrets->linkage_scope[0]);
        secrets->linkage_key[at] = secrets->linkage_key[at + 1];
    }
    crypto_wipe(&secrets->linkage_key[last], sizeof secrets->linkage_key[0]);
}

/* Adds a linkage key at its place. (qsort would leave copies of keys in the heap.) */
static void settle(agent_home_secrets *secrets, const char *scope, const token_key *key)
{
    unsigned at = secrets->linkage_count++;
    for (; at > 0; at--) {
        int order = strcmp(secrets->linkage_scope[at - 1], scope);
        if (order < 0 || (order == 0 && secrets->linkage_key[at - 1].epoch <= key->epoch))
            break;
        memcpy(secrets->linkage_scope[at], secrets->linkage_scope[at - 1], sizeof secrets->linkage_scope[0]);
        secrets->linkage_key[at] = secrets->linkage_key[at - 1];
    }
    (void)text_copy(secrets->linkage_scope[at], sizeof secrets->linkage_scope[0], text_of(scope));
    secrets->linkage_key[at] = *key;
}

/* Where the scope's keys are, and how many. */
static unsigned scope_keys(const agent_home_secrets *secrets, text_view scope, unsigned *first)
{
    unsigned count = 0;
    *first = 0;
    for (unsigned i = 0; i < secrets->linkage_count; i++)
        if (text_is(scope, secrets->linkage_scope[i])) {
            if (count == 0)
                *first = i;
            count++;
        }
    return count;
}

/* Forgets the scope's lowest epoch when it has too many: nobody will link by it again. */
static void keep_latest(agent_home *self, const char *scope)
{
    unsigned first;
    char name[LINKAGE_NAME];
    if (scope_keys(self->secrets, text_of(scope), &first) <= AGENT_HOME_SCOPE_KEYS)
        return;
    linkage_name(name, scope, self->secrets->linkage_key[first].epoch);
    drop(self->secrets, first);
    if (unlinkat(self->folder.folder, name, 0) != 0)
        logline(LOGLINE_WARNING, "a linkage key that is past cannot be removed: %s", strerror(errno));
}

/* "cle-liaison.SCOPE.EPOCH": false when the name is none of ours. */
static bool linkage_name_split(const char *name, char scope[BATCH_SCOPE_MAX + 1], uint32_t *epoch)
{
    size_t prefix = sizeof LINKAGE_PREFIX - 1;
    if (strncmp(name, LINKAGE_PREFIX, prefix) != 0)
        return false;
    const char *start = name + prefix, *dot = strrchr(start, '.');
    if (dot == NULL || dot == start || (size_t)(dot - start) > BATCH_SCOPE_MAX || dot[1] < '1' || dot[1] > '9')
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(dot + 1, &end, 10);
    if (errno != 0 || *end != '\0' || number > UINT32_MAX)
        return false;
    *epoch = (uint32_t)number;
    return text_copy(scope, BATCH_SCOPE_MAX + 1, (text_view){start, (size_t)(dot - start)});
}

static agent_home_error load_linkage(agent_home *self, agent_home_result *result)
{
    int folder = openat(self->folder.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = folder < 0 ? NULL : fdopendir(folder);
    if (list == NULL) {
        int why = errno;
        if (folder >= 0)
            close(folder);
        errno = why;
        return said_home(result, HOME_SYSTEM, &self->folder, NULL);
    }
    agent_home_secrets *secrets = self->secrets;
    agent_home_error outcome = AGENT_HOME_OK;
    for (struct dirent *entry; outcome == AGENT_HOME_OK && (entry = readdir(list)) != NULL;) {
        char scope[BATCH_SCOPE_MAX + 1];
        token_key key;
        if (!linkage_name_split(entry->d_name, scope, &key.epoch))
            continue;
        if (secrets->linkage_count == AGENT_HOME_LINKAGE_MAX) {
            outcome = said(result, AGENT_HOME_FULL, self->folder.path);
            break;
        }
        home_error error = home_read_secret(&self->folder, entry->d_name, key.key, CRYPTO_KEY);
        if (error != HOME_OK)
            outcome = said_home(result, error, &self->folder, entry->d_name);
        else {
            settle(secrets, scope, &key);
            keep_latest(self, scope);
        }
        crypto_wipe(&key, sizeof key);
    }
    closedir(list);
    return outcome;
}

static agent_home_error load(agent_home *self, agent_home_result *result)
{
    home_error error;
    ssize_t size = read_file(&self->folder, NAME_FILE, self->name, sizeof self->name - 1, &error);
    if (size < 0)
        return said_home(result, error, &self->folder, error == HOME_MISSING ? NULL : NAME_FILE);
    char path[PATH_MAX];
    if (!credential_name_valid((text_view){self->name, (size_t)size}))
        return said(result, AGENT_HOME_DAMAGED,
                    home_path(&self->folder, NAME_FILE, path) ? path : self->folder.path);
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        error = home_read_secret(&self->folder, SECRETS[i].file, (uint8_t *)self->secrets + SECRETS[i].offset,
                                 SECRETS[i].size);
        if (error != HOME_OK)
            return said_home(result, error, &self->folder, SECRETS[i].file);
    }
    return load_linkage(self, result);
}

agent_home_error agent_home_open(agent_home *self, const char *path, bool take, agent_home_result *result)
{
    agent_home_error error = begin(self, path, take, result);
    if (error != AGENT_HOME_OK)
        return error;
    error = load(self, result);
    if (error != AGENT_HOME_OK)
        agent_home_close(self);
    return error;
}

void agent_home_identity(const agent_home *self, credential_identity *identity)
{
    memset(identity, 0, sizeof *identity);
    memcpy(identity->name, self->name, sizeof identity->name);
    memcpy(identity->curve, self->secrets->curve.public_key, CRYPTO_PUBLIC);
    memcpy(identity->sign, self->secrets->sign.public_key, CRYPTO_PUBLIC);
    memcpy(identity->box, self->secrets->box.public_key, CRYPTO_PUBLIC);
}

agent_home_error agent_home_approval(const agent_home *self, credential_approval *approval, arena *from,
                                     agent_home_result *result)
{
    char *text = arena_take(from, CREDENTIAL_FILE_MAX);
    if (text == NULL)
        return said(result, AGENT_HOME_MEMORY, self->folder.path);
    home_error error;
    ssize_t size = read_file(&self->folder, APPROVAL_FILE, text, CREDENTIAL_FILE_MAX, &error);
    if (size < 0 && error == HOME_MISSING)
        return said(result, AGENT_HOME_NO_APPROVAL, self->folder.path);
    if (size < 0)
        return said_home(result, error, &self->folder, APPROVAL_FILE);
    switch (credential_read_approval(approval, from, (text_view){text, (size_t)size})) {
    case CREDENTIAL_OK:
        return AGENT_HOME_OK;
    case CREDENTIAL_NO_MEMORY:
        return said(result, AGENT_HOME_MEMORY, self->folder.path);
    default: {
        char path[PATH_MAX];
        return said(result, AGENT_HOME_DAMAGED,
                    home_path(&self->folder, APPROVAL_FILE, path) ? path : self->folder.path);
    }
    }
}

agent_home_error agent_home_keep_approval(agent_home *self, text_view file, agent_home_result *result)
{
    home_error error = home_write_secret(&self->folder, APPROVAL_FILE, file.at, file.size);
    return error == HOME_OK ? AGENT_HOME_OK : said_home(result, error, &self->folder, APPROVAL_FILE);
}

unsigned agent_home_keys(const agent_home *self, text_view scope, const token_key **keys)
{
    unsigned first, count = scope_keys(self->secrets, scope, &first);
    *keys = self->secrets->linkage_key + first;
    return count;
}

agent_home_error agent_home_add_linkage(agent_home *self, const char *scope, const token_key *key, bool replace,
                                        agent_home_result *result)
{
    agent_home_secrets *secrets = self->secrets;
    assert(strlen(scope) <= BATCH_SCOPE_MAX && key->epoch >= 1);
    char name[LINKAGE_NAME];
    unsigned at, first, count = scope_keys(secrets, text_of(scope), &first);
    linkage_name(name, scope, key->epoch);
    for (at = first; at < first + count && secrets->linkage_key[at].epoch != key->epoch; at++)
        continue;
    bool there = at < first + count;
    if (there && crypto_equal(secrets->linkage_key[at].key, key->key, CRYPTO_KEY))
        return AGENT_HOME_OK;
    if (there && !replace)
        return said(result, AGENT_HOME_EXISTS, self->folder.path);
    if (!there && secrets->linkage_count == AGENT_HOME_LINKAGE_MAX)
        return said(result, AGENT_HOME_FULL, self->folder.path);
    home_error error = home_write_secret(&self->folder, name, key->key, CRYPTO_KEY);
    if (error != HOME_OK)
        return said_home(result, error, &self->folder, name);
    if (there)
        drop(secrets, at);
    settle(secrets, scope, key);
    keep_latest(self, scope);
    return AGENT_HOME_OK;
}

void agent_home_explain(const agent_home_result *result, char *text, size_t size)
{
    switch (result->error) {
    case AGENT_HOME_HOME:
        errno = result->system_error;
        home_explain(result->home_reason, result->path, text, size);
        return;
    case AGENT_HOME_EXISTS:
        (void)snprintf(
            text, size,
            "%s contient déjà une identité ; pour en créer une autre, indiquez un autre dossier avec --home",
            result->path);
        return;
    case AGENT_HOME_NO_APPROVAL:
        (void)snprintf(text, size,
                       "la préfecture n’a pas encore été rejointe ; prenez d’abord en compte son fichier "
                       "d’approbation : ctai-agent join FICHIER");
        return;
    case AGENT_HOME_DAMAGED:
        (void)snprintf(text, size,
                       "%s est abîmé ; remettez-le depuis une sauvegarde, ou recommencez l’étape qui l’a produit",
                       result->path);
        return;
    case AGENT_HOME_FULL:
        (void)snprintf(text, size, "%s contient trop de clés de liaison (%d au plus)", result->path,
                       AGENT_HOME_LINKAGE_MAX);
        return;
    case AGENT_HOME_MEMORY:
        (void)snprintf(text, size, "la mémoire manque");
        return;
    case AGENT_HOME_OK:
        break;
    }
    (void)snprintf(text, size, "tout va bien");
}
