/* sim_disk: see the header. Two files a disk: the database and its journal. */
#include "sim_disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 2, SECTOR = 512, PAGE = 4096, PAGES_MAX = 8192 };

typedef struct {
    uint8_t *data;
    size_t size, capacity;
} bytes;

/* A change that is not flushed: a write, or (data NULL) a new size. */
typedef struct change {
    struct change *next;
    size_t at, size;
    uint8_t *data;
} change;

typedef struct {
    bool there, there_durably;
    bytes now, durable;
    change *first, **last;
    uint8_t stale[PAGES_MAX / 8]; /* pages whose flush has failed: they count as clean, and are not on the platter */
} file;

typedef struct {
    file files[FILES];
    unsigned fuse;
    bool dead;
    bool lied; /* a flush has failed: what the process reads may not be on the platter */
} disk;

struct sim_image {
    bool there[FILES];
    bytes data[FILES];
};

typedef struct {
    sqlite3_file base;
    unsigned disk, file;
} handle;

static disk disks[SIM_AGENTS_MAX];

static void resize(bytes *what, size_t size)
{
    if (size > what->capacity) {
        size_t capacity = what->capacity ? what->capacity : 16384;
        while (capacity < size)
            capacity *= 2;
        what->data = realloc(what->data, capacity);
        if (!what->data)
            abort();
        what->capacity = capacity;
    }
    if (size > what->size)
        memset(what->data + what->size, 0, size - what->size);
    what->size = size;
}

static void put(bytes *what, size_t at, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (at + size > what->size)
        resize(what, at + size);
    memcpy(what->data + at, data, size);
}

static void copy(bytes *to, const bytes *from)
{
    to->size = 0;
    resize(to, from->size);
    if (from->size)
        memcpy(to->data, from->data, from->size);
}

static void release(bytes *what)
{
    free(what->data);
    *what = (bytes){0};
}

static void forget_changes(file *of)
{
    while (of->first) {
        change *next = of->first->next;
        free(of->first->data);
        free(of->first);
        of->first = next;
    }
    of->last = &of->first;
}

static void note(file *of, size_t at, const void *data, size_t size)
{
    change *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    made->at = at;
    made->size = size;
    if (data) {
        made->data = malloc(size + 1);
        if (!made->data)
            abort();
        memcpy(made->data, data, size);
    }
    if (!of->last)
        of->last = &of->first;
    *of->last = made;
    of->last = &made->next;
}

static void apply(bytes *to, const change *what, size_t size)
{
    if (what->data)
        put(to, what->at, what->data, size);
    else
        resize(to, what->size);
}

/* A page that is written to again is dirty again as a whole. */
static void freshen(file *of, size_t at, size_t size)
{
    for (size_t page = at / PAGE; page <= (at + size - 1) / PAGE && page < PAGES_MAX; page++) {
        if (!(of->stale[page / 8] >> page % 8 & 1))
            continue;
        of->stale[page / 8] &= (uint8_t)~(1u << page % 8);
        size_t end = (page + 1) * PAGE < of->now.size ? (page + 1) * PAGE : of->now.size;
        if (end > page * PAGE)
            note(of, page * PAGE, of->now.data + page * PAGE, end - page * PAGE);
    }
}

/* As Linux does it: some of the pages are not on the platter, and count as clean. */
static void fail_to_flush(file *of)
{
    for (const change *each = of->first; each; each = each->next) {
        if (sim_chance(SIM_DISK, 500))
            apply(&of->durable, each, each->size);
        else if (each->data)
            for (size_t page = each->at / PAGE; page <= (each->at + each->size - 1) / PAGE && page < PAGES_MAX; page++)
                of->stale[page / 8] |= (uint8_t)(1u << page % 8);
    }
    forget_changes(of);
}

static void flush(file *of)
{
    for (const change *each = of->first; each; each = each->next)
        apply(&of->durable, each, each->size);
    forget_changes(of);
    of->there_durably = of->there;
}

/* What the platter has after a power loss: some of the changes, in any choice, one of them perhaps in part. */
static void lose_power(file *of)
{
    bool ordered = sim_chance(SIM_DISK, 300), stop = false;
    for (const change *each = of->first; each; each = each->next) {
        bool kept = ordered ? !stop && sim_chance(SIM_DISK, 800) : sim_chance(SIM_DISK, 500);
        stop = stop || !kept;
        if (kept) {
            apply(&of->durable, each, each->size);
        } else if (each->data && sim_chance(SIM_DISK, 300)) {
            size_t part = sim_below(SIM_DISK, each->size / SECTOR + 1) * SECTOR;
            apply(&of->durable, each, part);
            sim_count(disk_torn);
        } else {
            sim_count(disk_lost_write);
        }
    }
    forget_changes(of);
    if (of->there != of->there_durably)
        of->there_durably = sim_chance(SIM_DISK, 500);
    of->there = of->there_durably;
    if (!of->there)
        of->durable.size = 0;
    copy(&of->now, &of->durable);
}

static bool faulty(const disk *of, unsigned odds)
{
    return sim.faults && !of->dead && sim_chance(SIM_DISK, odds);
}

/* One change is about to be made. False: the process is dead, or dies of it (then *part of it may still be done). */
static bool alive(disk *of, bool *part)
{
    *part = false;
    if (of->dead)
        return false;
    if (of->fuse == 0 || --of->fuse > 0)
        return true;
    of->dead = true;
    sim_count(kill_inside_write);
    *part = sim_chance(SIM_DISK, 500);
    return false;
}

static file *file_of(sqlite3_file *which)
{
    const handle *self = (const handle *)which;
    return &disks[self->disk].files[self->file];
}

static disk *disk_of(sqlite3_file *which)
{
    return &disks[((const handle *)which)->disk];
}

static int do_close(sqlite3_file *which)
{
    (void)which;
    return SQLITE_OK;
}

static int do_read(sqlite3_file *which, void *to, int size, sqlite3_int64 at)
{
    const file *from = file_of(which);
    disk *on = disk_of(which);
    if (on->dead)
        return SQLITE_IOERR_READ;
    if (faulty(on, sim.odds.disk_io)) {
        sim_count(disk_io_error);
        return SQLITE_IOERR_READ;
    }
    size_t there = (size_t)at < from->now.size ? from->now.size - (size_t)at : 0;
    if (there > (size_t)size)
        there = (size_t)size;
    if (there)
        memcpy(to, from->now.data + at, there);
    memset((char *)to + there, 0, (size_t)size - there);
    return there == (size_t)size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int do_write(sqlite3_file *which, const void *data, int size, sqlite3_int64 at)
{
    file *to = file_of(which);
    disk *on = disk_of(which);
    bool part;
    if (!alive(on, &part)) {
        size_t some = part ? sim_below(SIM_DISK, (uint64_t)size / SECTOR + 1) * SECTOR : 0;
        if (some) {
            put(&to->now, (size_t)at, data, some);
            note(to, (size_t)at, data, some);
        }
        return SQLITE_IOERR_WRITE;
    }
    bool grows = (size_t)at + (size_t)size > to->now.size;
    if (grows && faulty(on, sim.odds.disk_full)) {
        sim_count(disk_full);
        return SQLITE_FULL;
    }
    if (faulty(on, sim.odds.disk_io)) {
        sim_count(disk_io_error);
        return SQLITE_IOERR_WRITE;
    }
    put(&to->now, (size_t)at, data, (size_t)size);
    freshen(to, (size_t)at, (size_t)size);
    note(to, (size_t)at, data, (size_t)size);
    return SQLITE_OK;
}

static int do_truncate(sqlite3_file *which, sqlite3_int64 size)
{
    file *of = file_of(which);
    bool part;
    bool lives = alive(disk_of(which), &part);
    if (lives || part) {
        resize(&of->now, (size_t)size);
        note(of, 0, NULL, (size_t)size);
    }
    return lives ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int do_sync(sqlite3_file *which, int flags)
{
    file *of = file_of(which);
    bool part;
    (void)flags;
    bool lives = alive(disk_of(which), &part);
    if (lives && faulty(disk_of(which), sim.odds.disk_fsync)) {
        sim_count(disk_fsync_error);
        disk_of(which)->lied = true;
        fail_to_flush(of);
        return SQLITE_IOERR_FSYNC;
    }
    if (lives || part)
        flush(of);
    return lives ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int do_size(sqlite3_file *which, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)file_of(which)->now.size;
    return disk_of(which)->dead ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int do_lock(sqlite3_file *which, int level)
{
    (void)which;
    (void)level;
    return SQLITE_OK;
}

static int do_check_lock(sqlite3_file *which, int *held)
{
    (void)which;
    *held = 0;
    return SQLITE_OK;
}

static int do_control(sqlite3_file *which, int operation, void *argument)
{
    (void)which;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int do_sector(sqlite3_file *which)
{
    (void)which;
    return SECTOR;
}

static int do_character(sqlite3_file *which)
{
    (void)which;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, .xClose = do_close, .xRead = do_read, .xWrite = do_write, .xTruncate = do_truncate, .xSync = do_sync,
    .xFileSize = do_size, .xLock = do_lock, .xUnlock = do_lock, .xCheckReservedLock = do_check_lock,
    .xFileControl = do_control, .xSectorSize = do_sector, .xDeviceCharacteristics = do_character,
};

/* "sim/17/etat.sqlite" or its journal. */
static bool find(const char *path, unsigned *of_disk, unsigned *of_file)
{
    char *end;
    if (!path || strncmp(path, "sim/", 4) != 0)
        return false;
    *of_disk = (unsigned)strtoul(path + 4, &end, 10);
    *of_file = strstr(end, "-journal") != NULL;
    return *of_disk < SIM_AGENTS_MAX && strncmp(end, "/etat.sqlite", 12) == 0 && !strstr(end, "-wal");
}

static int do_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *made, int flags, int *given)
{
    handle *self = (handle *)made;
    (void)vfs;
    made->pMethods = NULL;
    if (!find(path, &self->disk, &self->file) || disks[self->disk].dead)
        return SQLITE_CANTOPEN;
    file *of = &disks[self->disk].files[self->file];
    if (!of->there && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (!of->there && faulty(&disks[self->disk], sim.odds.disk_full)) {
        sim_count(disk_full);
        return SQLITE_FULL;
    }
    of->there = true;
    made->pMethods = &methods;
    if (given)
        *given = flags;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *path, int durably)
{
    unsigned of_disk, of_file;
    bool part;
    (void)vfs;
    if (!find(path, &of_disk, &of_file))
        return SQLITE_IOERR_DELETE;
    file *of = &disks[of_disk].files[of_file];
    bool lives = alive(&disks[of_disk], &part);
    if (lives || part) {
        of->there = false;
        of->now.size = 0;
        if (durably) {
            of->there_durably = false;
            of->durable.size = 0;
            forget_changes(of);
        } else {
            note(of, 0, NULL, 0);
        }
    }
    return lives ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int do_access(sqlite3_vfs *vfs, const char *path, int flags, int *result)
{
    unsigned of_disk, of_file;
    (void)vfs;
    (void)flags;
    *result = find(path, &of_disk, &of_file) && disks[of_disk].files[of_file].there;
    return SQLITE_OK;
}

static int do_full_path(sqlite3_vfs *vfs, const char *path, int size, char *to)
{
    (void)vfs;
    sqlite3_snprintf(size, to, "%s", path);
    return SQLITE_OK;
}

static int do_random(sqlite3_vfs *vfs, int size, char *to)
{
    (void)vfs;
    for (int i = 0; i < size; i++)
        to[i] = (char)sim_random(SIM_DISK);
    return size;
}

static int do_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int do_now(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = 2460000.0;
    return SQLITE_OK;
}

static int do_last_error(sqlite3_vfs *vfs, int size, char *to)
{
    (void)vfs;
    if (size > 0)
        to[0] = '\0';
    return 0;
}

void sim_disk_start(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1, .szOsFile = sizeof(handle), .mxPathname = 64, .zName = SIM_DISK_VFS, .xOpen = do_open,
        .xDelete = do_delete, .xAccess = do_access, .xFullPathname = do_full_path, .xRandomness = do_random,
        .xSleep = do_sleep, .xCurrentTime = do_now, .xGetLastError = do_last_error,
    };
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int result = sqlite3_vfs_register(&vfs, 1);
    assert(result == SQLITE_OK);
}

void sim_disk_reset(void)
{
    for (unsigned i = 0; i < SIM_AGENTS_MAX; i++) {
        for (unsigned k = 0; k < FILES; k++) {
            forget_changes(&disks[i].files[k]);
            release(&disks[i].files[k].now);
            release(&disks[i].files[k].durable);
        }
        disks[i] = (disk){0};
    }
    sqlite3_randomness(0, NULL); /* seeded anew, by do_random */
}

void sim_disk_path(unsigned of, char path[32])
{
    sqlite3_snprintf(32, path, "sim/%u/etat.sqlite", of);
}

void sim_disk_fuse(unsigned of, unsigned writes)
{
    disks[of].fuse = writes;
}

void sim_disk_stop(unsigned of)
{
    disks[of].dead = true;
}

bool sim_disk_dead(unsigned of)
{
    return disks[of].dead;
}

bool sim_disk_lied(unsigned of)
{
    return disks[of].lied;
}

void sim_disk_died(unsigned of, bool power)
{
    disks[of].dead = false;
    disks[of].fuse = 0;
    if (power)
        for (unsigned k = 0; k < FILES; k++) {
            lose_power(&disks[of].files[k]);
            memset(disks[of].files[k].stale, 0, sizeof disks[of].files[k].stale);
        }
}

void sim_disk_clear(unsigned of)
{
    for (unsigned k = 0; k < FILES; k++) {
        file *one = &disks[of].files[k];
        forget_changes(one);
        one->there = one->there_durably = false;
        one->now.size = one->durable.size = 0;
    }
}

sim_image *sim_disk_copy(unsigned of)
{
    sim_image *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    for (unsigned k = 0; k < FILES; k++) {
        made->there[k] = disks[of].files[k].there;
        copy(&made->data[k], &disks[of].files[k].now);
    }
    return made;
}

void sim_disk_put(unsigned of, const sim_image *image)
{
    for (unsigned k = 0; k < FILES; k++) {
        file *to = &disks[of].files[k];
        forget_changes(to);
        to->there = to->there_durably = image->there[k];
        copy(&to->now, &image->data[k]);
        copy(&to->durable, &image->data[k]);
    }
}

void sim_image_destroy(sim_image **self)
{
    if (!*self)
        return;
    for (unsigned k = 0; k < FILES; k++)
        release(&(*self)->data[k]);
    free(*self);
    *self = NULL;
}
