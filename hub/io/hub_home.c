/* hub_home: see the header. Errors: a sentence in French, and an exit code. */
#include "hub_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oserror.h"
#include "vault.h"

static const char conf_name[] = "hub.conf", curve_name[] = "curve.key", sign_name[] = "sign.key",
    pepper_name[] = "pepper.key", endpoint_name[] = "endpoint", part_name[] = "init.part";
enum { CONF_BYTES_MAX = 64 * 1024 };

static bool explain(const home *self, home_error error, const char *name, char why[HUB_HOME_WHY_MAX])
{
    char path[PATH_MAX];
    int saved = errno;
    if (!home_path(self, name, path))
        path[0] = '\0';
    errno = saved;
    home_explain(error, path, why, HUB_HOME_WHY_MAX);
    return false;
}

/* Reads a small file of the home, which others may not read; -1 with errno. */
static long read_private(const home *self, const char *name, char *to, size_t capacity)
{
    int file = openat(self->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat is;
    if (file < 0)
        return -1;
    long size = -1;
    if (fstat(file, &is) == 0) {
        if (!S_ISREG(is.st_mode) || is.st_size >= (off_t) capacity)
            errno = EFBIG;
        else if (is.st_uid != geteuid() || (is.st_mode & 077))
            errno = EPERM;
        else
            size = read(file, to, capacity);
    }
    int error = errno;
    close(file);
    errno = error;
    return size;
}

static bool read_conf(hub_home *self, diag_sink *sink, char why[HUB_HOME_WHY_MAX])
{
    char path[PATH_MAX];
    char *text = malloc(CONF_BYTES_MAX);
    if (!text || !home_path(&self->home, conf_name, path)) {
        free(text);
        snprintf(why, HUB_HOME_WHY_MAX, "la mémoire manque");
        return false;
    }
    long size = read_private(&self->home, conf_name, text, CONF_BYTES_MAX);
    bool read = size >= 0;
    if (!read && errno == EPERM)
        explain(&self->home, HOME_LOOSE, conf_name, why);
    else if (!read && errno == ENOENT)
        snprintf(why, HUB_HOME_WHY_MAX, "%.*s n’est pas le dossier d’un hub : commencez par « ctai-hub init »",
                 PATH_MAX, self->home.path);
    else if (!read)
        explain(&self->home, HOME_SYSTEM, conf_name, why);
    else if (!hub_conf_read(&self->conf, path, (text_view) { text, (size_t) size }, sink)) {
        read = false;
        snprintf(why, HUB_HOME_WHY_MAX, "la configuration %.*s est à corriger", PATH_MAX, path);
    }
    crypto_wipe(text, CONF_BYTES_MAX); /* it may hold a password */
    free(text);
    return read;
}

static void note_fingerprint(hub_keys *keys)
{
    credential_hub_fingerprint(keys->fingerprint, keys->curve.public_key, keys->sign.public_key);
}

static bool read_keys(hub_home *self, char why[HUB_HOME_WHY_MAX])
{
    hub_keys *keys = self->keys;
    struct { const char *name; void *to; size_t size; } files[] = {
        { curve_name, &keys->curve, sizeof keys->curve },
        { sign_name, &keys->sign, sizeof keys->sign },
        { pepper_name, keys->pepper, sizeof keys->pepper },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        home_error error = home_read_secret(&self->home, files[i].name, files[i].to, files[i].size);
        if (error != HOME_OK)
            return explain(&self->home, error, files[i].name, why);
    }
    note_fingerprint(keys);
    return true;
}

bool hub_home_open(hub_home *self, const char *path, diag_sink *sink, int *code, char why[HUB_HOME_WHY_MAX])
{
    *self = (hub_home) { .home = { .folder = -1, .lock = -1 } };
    *code = 78;
    home_error error = home_open(&self->home, path);
    if (error != HOME_OK) {
        home_explain(error, path, why, HUB_HOME_WHY_MAX);
        return false;
    }
    self->keys = vault_new(sizeof *self->keys);
    if (!self->keys) {
        *code = 70;
        snprintf(why, HUB_HOME_WHY_MAX, "la mémoire manque");
    }
    if (self->keys && read_conf(self, sink, why) && read_keys(self, why))
        return true;
    hub_home_close(self);
    return false;
}

void hub_home_close(hub_home *self)
{
    vault_destroy(&self->keys, sizeof *self->keys);
    crypto_wipe(self->conf.database, sizeof self->conf.database);
    home_close(&self->home);
}

void hub_home_look(const home *self, bool *is_hub, bool *is_used)
{
    struct stat is;
    *is_hub = fstatat(self->folder, conf_name, &is, AT_SYMLINK_NOFOLLOW) == 0;
    *is_used = *is_hub;
    int again = openat(self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again >= 0 ? fdopendir(again) : NULL;
    if (!entries) {
        if (again >= 0)
            close(again);
        *is_used = true;
        return;
    }
    bool begun = fstatat(self->folder, part_name, &is, AT_SYMLINK_NOFOLLOW) == 0;
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lock") != 0
            && strcmp(name, "lost+found") != 0 && !begun)
            *is_used = true;
    }
    closedir(entries);
}

bool hub_home_begin(const home *self)
{
    return home_write_secret(self, part_name, "", 0) == HOME_OK;
}

static int remove_entry(const char *path, const struct stat *is, int type, struct FTW *at)
{
    return remove(path);
}

void hub_home_clear(const home *self)
{
    static const char *const files[] = { conf_name, curve_name, sign_name, pepper_name, endpoint_name };
    static const char *const cluster_names = "postgres";
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlinkat(self->folder, files[i], 0);
    int again = openat(self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again >= 0 ? fdopendir(again) : NULL;
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
        char path[PATH_MAX];
        if (strncmp(entry->d_name, cluster_names, strlen(cluster_names)) == 0 
            && home_path(self, entry->d_name, path))
            nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
    if (entries)
        closedir(entries);
    else if (again >= 0)
        close(again);
    unlinkat(self->folder, part_name, 0);
}

static void make_keys(hub_keys *keys, const bundle *joined)
{
    if (joined) {
        keys->curve = joined->curve;
        keys->sign = joined->sign;
        memcpy(keys->pepper, joined->pepper, sizeof keys->pepper);
    } else {
        crypto_box_new(&keys->curve);
        crypto_sign_new(&keys->sign);
        crypto_random(keys->pepper, sizeof keys->pepper);
    }
    note_fingerprint(keys);
}

bool hub_home_create(hub_home *self, const bundle *joined, char why[HUB_HOME_WHY_MAX])
{
    self->keys = vault_new(sizeof *self->keys);
    if (!self->keys) {
        snprintf(why, HUB_HOME_WHY_MAX, "la mémoire manque");
        return false;
    }
    hub_keys *keys = self->keys;
    make_keys(keys, joined);
    const struct { const char *name; const void *from; size_t size; } files[] = {
        { curve_name, &keys->curve, sizeof keys->curve },
        { sign_name, &keys->sign, sizeof keys->sign },
        { pepper_name, keys->pepper, sizeof keys->pepper },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        home_error error = home_write_secret(&self->home, files[i].name, files[i].from, files[i].size);
        if (error != HOME_OK)
            return explain(&self->home, error, files[i].name, why);
    }
    return true;
}

bool hub_home_complete(hub_home *self, char why[HUB_HOME_WHY_MAX])
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    home_error error = HOME_SYSTEM;
    if (memory) {
        hub_conf_write(&self->conf, memory);
        bool written = !ferror(memory);
        if (fclose(memory) == 0 && written)
            error = home_write_secret(&self->home, conf_name, text, size);
    }
    if (error != HOME_OK)
        explain(&self->home, error, conf_name, why);
    free(text);
    if (error == HOME_OK)
        unlinkat(self->home.folder, part_name, 0);
    return error == HOME_OK;
}

bool hub_home_read_endpoint(const hub_home *self, endpoint *bound)
{
    char text[ENDPOINT_TEXT];
    long size = read_private(&self->home, endpoint_name, text, sizeof text);
    return size > 0 && endpoint_parse(bound, text_trim((text_view) { text, (size_t) size }))
        && bound->port != 0;
}

bool hub_home_write_endpoint(const hub_home *self, const char *text)
{
    return home_write_secret(&self->home, endpoint_name, text, strlen(text)) == HOME_OK;
}

/* The host's name as others know it: with its domain if the resolver has one. */
static void full_name(char name[ENDPOINT_HOST])
{
    char own[HOST_NAME_MAX + 1] = "localhost";
    struct addrinfo wanted = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM }, *found = NULL;
    if (gethostname(own, sizeof own) != 0)
        snprintf(own, sizeof own, "localhost");
    own[HOST_NAME_MAX] = '\0';
    snprintf(name, ENDPOINT_HOST, "%s", own);
    if (!strchr(own, '.') && getaddrinfo(own, NULL, &wanted, &found) == 0 && found->ai_canonname
        && strchr(found->ai_canonname, '.') && strlen(found->ai_canonname) < ENDPOINT_HOST
        && strncmp(found->ai_canonname, "localhost", 9) != 0)
        snprintf(name, ENDPOINT_HOST, "%s", found->ai_canonname);
    if (found)
        freeaddrinfo(found);
}

unsigned hub_home_addresses(const hub_home *self, char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT])
{
    for (unsigned i = 0; i < self->conf.address_count; i++)
        endpoint_text(&self->conf.addresses[i], addresses[i]);
    if (self->conf.address_count)
        return self->conf.address_count;
    endpoint reached = self->conf.listen, bound;
    if (reached.port == 0) {
        if (!hub_home_read_endpoint(self, &bound))
            return 0;
        reached.port = bound.port;
    }
    if (reached.any_host)
        full_name(reached.host);
    endpoint_text(&reached, addresses[0]);
    return 1;
}
