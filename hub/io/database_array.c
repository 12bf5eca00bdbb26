/* database_array: see the header. The form is PostgreSQL 15's, chapter 8.15.6: {1,NULL,"a \"b\""}. */
#include "database_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_BYTES = 64 * 1024 * 1024 }; /* a batch's bodies are 16 MiB at most */

void database_array_init(database_array *self)
{
    batch_buffer_init(&self->bytes, LIMIT_BYTES);
}

void database_array_release(database_array *self)
{
    batch_buffer_release(&self->bytes);
}

static void next(database_array *self)
{
    batch_buffer_append(&self->bytes, self->bytes.size == 0 ? "{" : ",", 1);
}

void database_array_name(database_array *self, const char *name)
{
    next(self);
    batch_buffer_append(&self->bytes, name, strlen(name));
}

void database_array_null(database_array *self)
{
    database_array_name(self, "NULL");
}

void database_array_flag(database_array *self, bool flag)
{
    database_array_name(self, flag ? "t" : "f");
}

void database_array_number(database_array *self, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    database_array_name(self, text);
}

void database_array_hash(database_array *self, const uint8_t hash[CRYPTO_SHORT_HASH])
{
    char text[2 * CRYPTO_SHORT_HASH + 1];
    crypto_hex(text, hash, CRYPTO_SHORT_HASH);
    database_array_name(self, text);
}

void database_array_text(database_array *self, text_view text)
{
    next(self);
    batch_buffer_append(&self->bytes, "\"", 1);
    for (size_t from = 0; from < text.size;) {
        size_t to = from;
        while (to < text.size && text.at[to] != '"' && text.at[to] != '\\')
            to++;
        batch_buffer_append(&self->bytes, text.at + from, to - from);
        if (to < text.size) {
            batch_buffer_append(&self->bytes, "\\", 1);
            batch_buffer_append(&self->bytes, text.at + to++, 1);
        }
        from = to;
    }
    batch_buffer_append(&self->bytes, "\"", 1);
}

const char *database_array_end(database_array *self)
{
    if (self->bytes.size == 0)
        batch_buffer_append(&self->bytes, "{", 1);
    batch_buffer_append(&self->bytes, "}", 2); /* with the NUL */
    return self->bytes.failed ? NULL : (const char *)self->bytes.data;
}

enum {
    UUID_TYPE = 2950,           /* pg_type.dat */
    HASHES_HEAD = 5 * 4,        /* dimensions, NULLs, type; elements, number of the first */
    HASHES_NONE = 3 * 4,        /* an empty array has no dimension */
};

static void put_word(uint8_t *at, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> (24 - 8 * i));
}

void database_hashes_init(database_hashes *self)
{
    static const uint8_t head[HASHES_HEAD];
    *self = (database_hashes){0};
    batch_buffer_init(&self->bytes, LIMIT_BYTES);
    batch_buffer_append(&self->bytes, head, sizeof head);
}

void database_hashes_release(database_hashes *self)
{
    batch_buffer_release(&self->bytes);
}

void database_hashes_add(database_hashes *self, const uint8_t hash[CRYPTO_SHORT_HASH])
{
    uint8_t size[4];
    put_word(size, CRYPTO_SHORT_HASH);
    batch_buffer_append(&self->bytes, size, sizeof size);
    batch_buffer_append(&self->bytes, hash, CRYPTO_SHORT_HASH);
    self->count++;
}

database_parameter database_hashes_end(database_hashes *self)
{
    if (self->bytes.failed)
        return DATABASE_NULL;
    const uint32_t head[] = {self->count > 0, 0, UUID_TYPE, self->count, 1};
    for (unsigned i = 0; i < HASHES_HEAD / 4; i++)
        put_word(self->bytes.data + 4 * i, head[i]);
    return DATABASE_BYTES(self->bytes.data, self->count > 0 ? self->bytes.size : HASHES_NONE);
}
