/*
 * nth_sqlite: SQLite's calls, allocations and file operations that fail. (Binding is not among the calls: what
 * the outbox binds is UTF-8 and stays where it is, so SQLite takes no memory for it.)
 */
#include "nth_sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "nth.h"

/* Calls. */

int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *data, char **why);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *data, char **why);
int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **to, const char **tail);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **to, const char **tail);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags, sqlite3_stmt **to, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags, sqlite3_stmt **to, const char **tail);
int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement);

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
    if (!nth_strikes(NTH_SQLITE))
        return __real_sqlite3_open_v2(path, db, flags, vfs);
    *db = NULL;
    return SQLITE_NOMEM;
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *data, char **why)
{
    /* A rollback ends the transaction, whatever it says. */
    bool strikes = strcmp(sql, "ROLLBACK") != 0 && nth_strikes(NTH_SQLITE);
    return strikes ? SQLITE_IOERR_WRITE : __real_sqlite3_exec(db, sql, row, data, why);
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **to, const char **tail)
{
    if (!nth_strikes(NTH_SQLITE))
        return __real_sqlite3_prepare_v2(db, sql, size, to, tail);
    *to = NULL;
    return SQLITE_NOMEM;
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags, sqlite3_stmt **to, const char **tail)
{
    if (!nth_strikes(NTH_SQLITE))
        return __real_sqlite3_prepare_v3(db, sql, size, flags, to, tail);
    *to = NULL;
    return SQLITE_NOMEM;
}

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
    return nth_strikes(NTH_SQLITE) ? SQLITE_IOERR_READ : __real_sqlite3_step(statement);
}

/* Allocations: each block has its size in front. */

void *__real_malloc(size_t size);
void __real_free(void *block);

enum { HEAD = 16 };
static long live_bytes;

static void *take(int size)
{
    char *block = nth_strikes(NTH_SQLITE_MEMORY) ? NULL : __real_malloc((size_t)size + HEAD);
    if (block == NULL)
        return NULL;
    memcpy(block, &size, sizeof size);
    live_bytes += size;
    return block + HEAD;
}

static int size_of(void *block)
{
    int size;
    memcpy(&size, (char *)block - HEAD, sizeof size);
    return size;
}

static void give(void *block)
{
    live_bytes -= size_of(block);
    __real_free((char *)block - HEAD);
}

static void *change(void *block, int size)
{
    int before = size_of(block);
    void *made = take(size);
    if (made == NULL)
        return NULL;
    memcpy(made, block, (size_t)(before < size ? before : size));
    give(block);
    return made;
}

static int round_up(int size)
{
    return (size + 7) & ~7;
}

static int begin(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void end(void *unused)
{
    (void)unused;
}

static long live(void)
{
    return live_bytes;
}

/* File operations: a VFS before the system's. */

typedef struct {
    sqlite3_file base;
    sqlite3_file *real;
} shim;

static sqlite3_vfs *system_vfs;

static bool strikes(void)
{
    bool once = nth_strikes(NTH_DISK), for_good = nth_strikes(NTH_DISK_FOR_GOOD);
    return once || for_good;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return ((shim *)(void *)file)->real;
}

static int shut(sqlite3_file *file)
{
    return real(file)->pMethods != NULL ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
}

static int read_some(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return strikes() ? SQLITE_IOERR_READ : real(file)->pMethods->xRead(real(file), to, size, at);
}

/* A write that fails has written half. */
static int write_some(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    if (!strikes())
        return real(file)->pMethods->xWrite(real(file), from, size, at);
    (void)real(file)->pMethods->xWrite(real(file), from, size / 2, at);
    return SQLITE_FULL;
}

static int cut(sqlite3_file *file, sqlite3_int64 size)
{
    return strikes() ? SQLITE_IOERR_TRUNCATE : real(file)->pMethods->xTruncate(real(file), size);
}

static int flush(sqlite3_file *file, int flags)
{
    return strikes() ? SQLITE_IOERR_FSYNC : real(file)->pMethods->xSync(real(file), flags);
}

static int measure(sqlite3_file *file, sqlite3_int64 *size)
{
    return strikes() ? SQLITE_IOERR_FSTAT : real(file)->pMethods->xFileSize(real(file), size);
}

static int lock(sqlite3_file *file, int level)
{
    return strikes() ? SQLITE_IOERR_LOCK : real(file)->pMethods->xLock(real(file), level);
}

static int unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int is_reserved(sqlite3_file *file, int *to)
{
    return strikes() ? SQLITE_IOERR_CHECKRESERVEDLOCK : real(file)->pMethods->xCheckReservedLock(real(file), to);
}

static int control(sqlite3_file *file, int what, void *data)
{
    return real(file)->pMethods->xFileControl(real(file), what, data);
}

static int sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int traits(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static const sqlite3_io_methods methods = {1, shut, read_some, write_some, cut, flush, measure, lock, unlock, is_reserved,
                                           control, sector, traits, NULL, NULL, NULL, NULL, NULL, NULL};

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *flags_out)
{
    shim *made = (shim *)(void *)file;
    made->base.pMethods = NULL;
    if (strikes())
        return SQLITE_CANTOPEN;
    made->real = (sqlite3_file *)(void *)(made + 1);
    int result = system_vfs->xOpen(system_vfs, path, made->real, flags, flags_out);
    made->base.pMethods = made->real->pMethods != NULL ? &methods : NULL;
    return result;
}

/* With folder_too the file is gone and its folder cannot be flushed: the worse of the two. */
static int delete_file(sqlite3_vfs *vfs, const char *path, int folder_too)
{
    if (!strikes())
        return system_vfs->xDelete(system_vfs, path, folder_too);
    if (!folder_too)
        return SQLITE_IOERR_DELETE;
    (void)system_vfs->xDelete(system_vfs, path, 0);
    return SQLITE_IOERR_DIR_FSYNC;
}

static int access_file(sqlite3_vfs *vfs, const char *path, int how, int *result)
{
    return strikes() ? SQLITE_IOERR_ACCESS : system_vfs->xAccess(system_vfs, path, how, result);
}

static int whole_path(sqlite3_vfs *vfs, const char *path, int size, char *to)
{
    return strikes() ? SQLITE_CANTOPEN : system_vfs->xFullPathname(system_vfs, path, size, to);
}

void nth_sqlite_start(void)
{
    static sqlite3_mem_methods memory = {take, give, change, size_of, round_up, begin, end, NULL};
    static sqlite3_vfs before;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* or small blocks would not be seen */
    sqlite3_initialize();
    system_vfs = sqlite3_vfs_find(NULL);
    before = *system_vfs;
    before.zName = "nth";
    before.szOsFile += (int)sizeof(shim);
    before.xOpen = open_file;
    before.xDelete = delete_file;
    before.xAccess = access_file;
    before.xFullPathname = whole_path;
    sqlite3_vfs_register(&before, 1);
    nth_live_sqlite = live;
}

void nth_sqlite_dump(const char *path, batch_buffer *to)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *tables = NULL, *rows = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1", -1, &tables, NULL)
            == SQLITE_OK)
        while (sqlite3_step(tables) == SQLITE_ROW) {
            char *sql = sqlite3_mprintf("SELECT * FROM %Q ORDER BY 1, 2, 3", sqlite3_column_text(tables, 0));
            char *few = sqlite3_mprintf("SELECT * FROM %Q ORDER BY 1", sqlite3_column_text(tables, 0));
            if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK
                || sqlite3_prepare_v2(db, few, -1, &rows, NULL) == SQLITE_OK)
                while (sqlite3_step(rows) == SQLITE_ROW)
                    for (int i = 0; i < sqlite3_column_count(rows); i++) {
                        if (strcmp(sqlite3_column_name(rows, i), "seconds") == 0)
                            continue; /* when: another run has another moment */
                        int type = sqlite3_column_type(rows, i);
                        const void *bytes = sqlite3_column_blob(rows, i);
                        int size = sqlite3_column_bytes(rows, i);
                        batch_buffer_append(to, &type, sizeof type);
                        batch_buffer_append(to, &size, sizeof size);
                        batch_buffer_append(to, bytes, (size_t)size);
                    }
            sqlite3_finalize(rows);
            sqlite3_free(sql);
            sqlite3_free(few);
        }
    sqlite3_finalize(tables);
    sqlite3_close(db);
}
