/* database_copy: see the header. Numbers are in network order. */
#include "database_copy.h"

#include <assert.h>
#include <string.h>

enum {
    PIECE_BYTES = 64 * 1024,
    LIMIT_BYTES = 1024 * 1024, /* of a piece and the row that is being written: a text is far smaller (record.h) */
};

static void put(database_copy *self, uint64_t number, unsigned bytes)
{
    uint8_t at[8];
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
    batch_buffer_append(&self->bytes, at, bytes);
}

/* A value of so many bytes: its length goes before it. */
static void put_number(database_copy *self, int64_t number, unsigned bytes)
{
    put(self, bytes, 4);
    put(self, (uint64_t)number, bytes);
}

void database_copy_init(database_copy *self, database *connection, const char *sql)
{
    static const char head[] = "PGCOPY\n\377\r\n"; /* with its NUL; then no flags, no extension */
    *self = (database_copy){.connection = connection, .sql = sql, .error = DATABASE_OK};
    batch_buffer_init(&self->bytes, LIMIT_BYTES);
    batch_buffer_append(&self->bytes, head, sizeof head);
    put(self, 0, 8);
}

/* Sends what is there; after a failure nothing more is sent, nor kept. */
static void flush(database_copy *self)
{
    if (!self->begun && self->error == DATABASE_OK) {
        self->error = database_feed_begin(self->connection, self->sql);
        self->begun = self->error == DATABASE_OK;
    }
    if (self->begun && !self->lost && !self->bytes.failed)
        self->lost = !database_feed(self->connection, self->bytes.data, self->bytes.size);
    self->bytes.size = 0;
}

void database_copy_row(database_copy *self, unsigned columns)
{
    if (self->bytes.size >= PIECE_BYTES)
        flush(self);
    self->rows = true;
    put(self, columns, 2);
}

void database_copy_null(database_copy *self)
{
    put(self, UINT32_MAX, 4);
}

void database_copy_smallint(database_copy *self, int64_t number)
{
    assert(number >= INT16_MIN && number <= INT16_MAX);
    put_number(self, number, 2);
}

void database_copy_integer(database_copy *self, int64_t number)
{
    assert(number >= INT32_MIN && number <= INT32_MAX);
    put_number(self, number, 4);
}

void database_copy_bigint(database_copy *self, int64_t number)
{
    put_number(self, number, 8);
}

void database_copy_flag(database_copy *self, bool flag)
{
    put_number(self, flag, 1);
}

void database_copy_hash(database_copy *self, const uint8_t hash[CRYPTO_SHORT_HASH])
{
    put(self, CRYPTO_SHORT_HASH, 4);
    batch_buffer_append(&self->bytes, hash, CRYPTO_SHORT_HASH);
}

void database_copy_text(database_copy *self, text_view text)
{
    put(self, text.size, 4);
    batch_buffer_append(&self->bytes, text.at, text.size);
}

void database_copy_finish(database_copy *self)
{
    self->failed = self->bytes.failed;
    if (self->rows) {
        put(self, UINT16_MAX, 2);
        self->failed = self->bytes.failed;
        flush(self);
    }
    batch_buffer_release(&self->bytes);
    self->rows = false;
    self->finished = self->begun && database_feed_finish(self->connection, self->failed || self->lost);
}

database_error database_copy_end(database_copy *self)
{
    if (self->rows)
        database_copy_finish(self);
    batch_buffer_release(&self->bytes);
    if (!self->begun)
        return self->error;
    self->begun = false;
    database_error error = database_feed_end(self->connection, self->finished);
    if (error == DATABASE_OK && (self->failed || self->lost))
        error = database_fail(self->connection, DATABASE_LATER, "la base de données n’a pas tout reçu ; réessayez dans un instant");
    return self->failed ? database_fail(self->connection, DATABASE_NO_MEMORY, "mémoire insuffisante") : error;
}
