/* outbox_blob: values that are too large for memory, read and written in pieces where they lie. */
#include <assert.h>
#include <stdlib.h>

#include "outbox_base.h"

struct outbox_blob {
    outbox *of;
    sqlite3_blob *open;
};

/* The row of a value; ABSENT: there is none. */
static outbox_error find_row(outbox *self, const char *name, text_view of, sqlite3_int64 *row)
{
    outbox_error error;
    sqlite3_stmt *find = outbox_statement(self, OUTBOX_SQL_VALUE_ROW, &error);
    if (find == NULL)
        return error;
    outbox_bind_text(find, 1, text_of(name));
    outbox_bind_text(find, 2, of);
    int result = sqlite3_step(find);
    if (result == SQLITE_ROW)
        *row = sqlite3_column_int64(find, 0);
    else if ((error = outbox_result(self, result)) == OUTBOX_OK)
        error = OUTBOX_ABSENT;
    sqlite3_reset(find);
    return error;
}

static outbox_error open_row(outbox *self, sqlite3_int64 row, bool writes, outbox_blob **blob)
{
    outbox_blob *made = calloc(1, sizeof *made);
    if (made == NULL)
        return OUTBOX_NO_MEMORY;
    made->of = self;
    outbox_error error = outbox_result(self, sqlite3_blob_open(self->db, "main", "value", "value", row, writes, &made->open));
    if (error != OUTBOX_OK) {
        sqlite3_blob_close(made->open);
        free(made);
        return error;
    }
    *blob = made;
    return OUTBOX_OK;
}

outbox_error outbox_blob_open(outbox *self, const char *name, text_view of, outbox_blob **blob, size_t *size)
{
    sqlite3_int64 row = 0;
    *blob = NULL;
    *size = 0;
    outbox_error error = find_row(self, name, of, &row);
    if (error == OUTBOX_OK)
        error = open_row(self, row, false, blob);
    if (error == OUTBOX_OK)
        *size = (size_t)sqlite3_blob_bytes((*blob)->open);
    return error;
}

outbox_error outbox_blob_make(outbox *self, const char *name, text_view of, size_t size, outbox_blob **blob)
{
    assert(self->in_transaction);
    outbox_error error;
    *blob = NULL;
    if (size > OUTBOX_VALUE_MAX)
        return outbox_fails(self, OUTBOX_NO_MEMORY);
    sqlite3_stmt *make = outbox_statement(self, OUTBOX_SQL_VALUE_ROOM, &error);
    if (make == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(make, 1, text_of(name));
    outbox_bind_text(make, 2, of);
    sqlite3_bind_int64(make, 3, (sqlite3_int64)size);
    error = outbox_run(self, make);
    if (error == OUTBOX_OK)
        error = open_row(self, sqlite3_last_insert_rowid(self->db), true, blob);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

outbox_error outbox_blob_read(outbox_blob *self, size_t at, void *to, size_t size, bool *expired)
{
    int result = sqlite3_blob_read(self->open, to, (int)size, (int)at);
    *expired = result == SQLITE_ABORT;
    return outbox_result(self->of, result);
}

outbox_error outbox_blob_write(outbox_blob *self, size_t at, const void *from, size_t size)
{
    outbox_error error = outbox_result(self->of, sqlite3_blob_write(self->open, from, (int)size, (int)at));
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self->of, error);
}

void outbox_blob_close(outbox_blob **self)
{
    if (*self == NULL)
        return;
    (void)sqlite3_blob_close((*self)->open);
    free(*self);
    *self = NULL;
}
