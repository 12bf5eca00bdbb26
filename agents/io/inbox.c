#include "inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "logline.h"
#include "outfile.h"

enum { SEEN_MAX = 256, FOLDERS_MAX = 64 };

static const char PERSONS[] = "personnes";
static const char EVENTS[] = "evenements";
static const char TAKEN[] = "traite";
static const char REJECTED[] = "rejete";

/* What a file looked like at the last look. */
typedef struct {
    char path[PATH_MAX];
    off_t size;
    struct timespec changed;
    uint64_t since_ms; /* when it was first seen like that */
    uint64_t again_ms; /* was left: not before then, unless it changes */
} seen_file;

struct inbox {
    char path[PATH_MAX];
    int notices;
    uint64_t look_ms, now_ms; /* when to look next; the last look */
    unsigned seen_count;
    seen_file *seen;
    bool full_told;
};

static bool join(char to[PATH_MAX], const char *folder, const char *name)
{
    int size = snprintf(to, PATH_MAX, "%s/%s", folder, name);
    return size > 0 && size < PATH_MAX;
}

static void watch(inbox *self, const char *folder)
{
    if (self->notices >= 0)
        (void)inotify_add_watch(self->notices, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
}

inbox *inbox_open(const home *folder)
{
    inbox *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->seen = calloc(SEEN_MAX, sizeof *self->seen);
    self->notices = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (self->seen == NULL || !home_path(folder, "inbox", self->path)
        || (mkdir(self->path, 0700) != 0 && errno != EEXIST)) {
        int why = errno;
        inbox_close(&self);
        errno = why;
        return NULL;
    }
    watch(self, self->path);
    return self;
}

void inbox_close(inbox **self)
{
    if (*self == NULL)
        return;
    if ((*self)->notices >= 0)
        close((*self)->notices);
    free((*self)->seen);
    free(*self);
    *self = NULL;
}

int inbox_descriptor(const inbox *self)
{
    return self->notices;
}

void inbox_noticed(inbox *self, uint64_t now_ms)
{
    char notices[4096];
    while (read(self->notices, notices, sizeof notices) > 0)
        continue;
    if (self->look_ms > now_ms + INBOX_SETTLE_MS / 4)
        self->look_ms = now_ms + INBOX_SETTLE_MS / 4;
}

int inbox_patience(const inbox *self, uint64_t now_ms)
{
    return self->look_ms > now_ms ? (int)(self->look_ms - now_ms) : 0;
}

/* The files that are remembered and gone make room. */
static void forget_gone(inbox *self)
{
    unsigned kept = 0;
    struct stat about;
    for (unsigned i = 0; i < self->seen_count; i++)
        if (lstat(self->seen[i].path, &about) == 0)
            self->seen[kept++] = self->seen[i];
    self->seen_count = kept;
}

static seen_file *find(inbox *self, const char *path)
{
    for (unsigned i = 0; i < self->seen_count; i++)
        if (strcmp(self->seen[i].path, path) == 0)
            return &self->seen[i];
    if (self->seen_count == SEEN_MAX) {
        if (!self->full_told)
            logline(LOGLINE_WARNING, "the inbox holds more files than are watched at a time");
        self->full_told = true;
        return NULL;
    }
    seen_file *fresh = &self->seen[self->seen_count++];
    memset(fresh, 0, sizeof *fresh);
    (void)snprintf(fresh->path, sizeof fresh->path, "%s", path);
    fresh->size = -1;
    return fresh;
}

/* Has the file been there, unchanged, long enough? *soon: it is there, and may be ready at the next look. */
static bool ready(inbox *self, const char *path, uint64_t now_ms, bool *soon)
{
    struct stat about;
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    seen_file *file = find(self, path);
    if (file == NULL)
        return false;
    if (file->size != about.st_size || file->changed.tv_sec != about.st_mtim.tv_sec
        || file->changed.tv_nsec != about.st_mtim.tv_nsec) {
        file->size = about.st_size;
        file->changed = about.st_mtim;
        file->since_ms = now_ms;
        file->again_ms = 0;
    }
    if (now_ms - file->since_ms < INBOX_SETTLE_MS)
        *soon = true;
    return now_ms >= file->again_ms && now_ms - file->since_ms >= INBOX_SETTLE_MS;
}

/* "personnes-2024.csv" gives "-2024.csv"; NULL: not such a name. */
static const char *suffix_of(const char *name)
{
    size_t size = strlen(name), word = sizeof PERSONS - 1;
    if (strncmp(name, PERSONS, word) != 0 || size < word + 4 || strcasecmp(name + size - 4, ".csv") != 0
        || size - word > 200)
        return NULL;
    return name + word;
}

static bool look_at_pair(inbox *self, const char *folder, const char *suffix, uint64_t now_ms, inbox_pair *pair,
                         bool *soon)
{
    char name[300];
    (void)snprintf(name, sizeof name, "%s%s", PERSONS, suffix);
    if (!join(pair->persons, folder, name))
        return false;
    (void)snprintf(name, sizeof name, "%s%s", EVENTS, suffix);
    if (!join(pair->events, folder, name))
        return false;
    bool persons = ready(self, pair->persons, now_ms, soon), events = ready(self, pair->events, now_ms, soon);
    (void)snprintf(pair->folder, sizeof pair->folder, "%s", folder);
    (void)snprintf(pair->suffix, sizeof pair->suffix, "%s", suffix);
    return persons && events;
}

/* One folder; contract is its name, or empty for the inbox itself, whose folders come after its files. */
static bool look_in(inbox *self, const char *folder, const char *contract, uint64_t now_ms, inbox_pair *pair,
                    bool *soon)
{
    DIR *list = opendir(folder);
    bool found = false;
    if (list == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(list)) != NULL;) {
        const char *suffix = suffix_of(entry->d_name);
        if (suffix != NULL)
            found = look_at_pair(self, folder, suffix, now_ms, pair, soon);
    }
    if (found)
        (void)snprintf(pair->contract, sizeof pair->contract, "%s", contract);
    closedir(list);
    return found;
}

static bool look_in_folders(inbox *self, uint64_t now_ms, inbox_pair *pair, bool *soon)
{
    DIR *list = opendir(self->path);
    bool found = false;
    unsigned count = 0;
    if (list == NULL)
        return false;
    for (struct dirent *entry; !found && count < FOLDERS_MAX && (entry = readdir(list)) != NULL;) {
        char folder[PATH_MAX];
        struct stat about;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, TAKEN) == 0 || strcmp(entry->d_name, REJECTED) == 0
            || strlen(entry->d_name) > 64 || !join(folder, self->path, entry->d_name) || lstat(folder, &about) != 0
            || !S_ISDIR(about.st_mode))
            continue;
        count++;
        watch(self, folder);
        found = look_in(self, folder, entry->d_name, now_ms, pair, soon);
    }
    closedir(list);
    return found;
}

bool inbox_next(inbox *self, uint64_t now_ms, inbox_pair *pair)
{
    bool soon = false;
    if (now_ms < self->look_ms)
        return false;
    self->now_ms = now_ms;
    forget_gone(self);
    memset(pair, 0, sizeof *pair);
    if (look_in(self, self->path, "", now_ms, pair, &soon) || look_in_folders(self, now_ms, pair, &soon))
        return true;
    self->look_ms = now_ms + (soon ? INBOX_SETTLE_MS / 4 : INBOX_LOOK_MS);
    return false;
}

/* A name in the folder that is not taken yet: "2024-05-31T101500-personnes.csv", then with a number. */
static bool free_name(char to[PATH_MAX], const char *folder, const char *stamp, const char *word,
                      const char *suffix, unsigned number)
{
    char name[400];
    struct stat about;
    if (number == 0)
        (void)snprintf(name, sizeof name, "%s-%s%s", stamp, word, suffix);
    else
        (void)snprintf(name, sizeof name, "%s.%u-%s%s", stamp, number, word, suffix);
    return join(to, folder, name) && lstat(to, &about) != 0 && errno == ENOENT;
}

static bool write_text(const char *path, const char *text, size_t size)
{
    outfile *file = outfile_open(path, true);
    if (file == NULL)
        return false;
    if (size > 0)
        (void)fwrite(text, 1, size, outfile_stream(file));
    return outfile_commit(&file);
}

static bool move_away(inbox_pair *pair, const char *folder, const char *text, size_t size)
{
    char stamp[32], persons[PATH_MAX], events[PATH_MAX], note[PATH_MAX];
    time_t now = time(NULL);
    struct tm local;
    if ((mkdir(folder, 0700) != 0 && errno != EEXIST) || localtime_r(&now, &local) == NULL)
        return false;
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H%M%S", &local);
    unsigned number = 0;
    while (!free_name(persons, folder, stamp, PERSONS, pair->suffix, number)
           || !free_name(events, folder, stamp, EVENTS, pair->suffix, number)
           || !free_name(note, folder, stamp, "messages", ".txt", number))
        if (++number > 99)
            return false;
    (void)chmod(pair->persons, 0600); /* theirs may have been wider; not ours to change when it fails */
    (void)chmod(pair->events, 0600);
    if (!write_text(note, text, size) || rename(pair->persons, persons) != 0 || rename(pair->events, events) != 0)
        return false;
    memcpy(pair->persons, persons, sizeof pair->persons);
    memcpy(pair->events, events, sizeof pair->events);
    return true;
}

void inbox_leave(inbox *self, const inbox_pair *pair)
{
    seen_file *persons = find(self, pair->persons), *events = find(self, pair->events);
    if (persons != NULL)
        persons->again_ms = self->now_ms + INBOX_RETRY_MS;
    if (events != NULL)
        events->again_ms = self->now_ms + INBOX_RETRY_MS;
    self->look_ms = 0;
}

bool inbox_done(inbox *self, inbox_pair *pair, bool taken, const char *text, size_t size)
{
    char folder[PATH_MAX];
    bool moved = join(folder, self->path, taken ? TAKEN : REJECTED) && move_away(pair, folder, text, size);
    int why = errno;
    if (!moved)
        inbox_leave(self, pair);
    self->look_ms = 0;
    errno = why;
    return moved;
}
