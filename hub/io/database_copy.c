/* database_copy: see the header. Numbers are in network order. */
#include "database_copy.h"

#include <assert.h>
#include <string.h>

enum { LIMIT_BYTES = 64 * 1024 * 1024 }; /* a batch's bodies are 16 MiB at most */

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

void database_copy_init(database_copy *self)
{
    static const char head[] = "PGCOPY\n\377\r\n"; /* with its NUL; then no flags, no extension */
    batch_buffer_init(&self->bytes, LIMIT_BYTES);
    batch_buffer_append(&self->bytes, head, sizeof head);
    put(self, 0, 8);
}

void database_copy_release(database_copy *self)
{
    batch_buffer_release(&self->bytes);
}

void database_copy_row(database_copy *self, unsigned columns)
{
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

database_error database_copy_in(database *connection, const char *sql, database_copy *rows)
{
    put(rows, UINT16_MAX, 2);
    if (rows->bytes.failed)
        return database_fail(connection, DATABASE_NO_MEMORY, "mémoire insuffisante");
    return database_feed(connection, sql, rows->bytes.data, rows->bytes.size);
}
