/* batch_buffer: see the header. */
#include "batch_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_FIRST = 1024 }; /* bytes */

void batch_buffer_init(batch_buffer *self, size_t limit_bytes)
{
    *self = (batch_buffer){.limit = limit_bytes};
}

void batch_buffer_release(batch_buffer *self)
{
    free(self->data);
    *self = (batch_buffer){.limit = self->limit};
}

void batch_buffer_clear(batch_buffer *self)
{
    self->size = 0;
    self->failed = false;
}

void batch_buffer_append_growing(batch_buffer *self, const void *data, size_t size)
{
    if (self->failed || size > self->limit - self->size) {
        self->failed = true;
        return;
    }
    if (size > self->capacity - self->size) {
        size_t capacity = self->capacity > 0 ? self->capacity : BUFFER_FIRST;
        while (capacity < self->size + size)
            capacity = capacity < self->limit / 2 ? capacity * 2 : self->limit;
        uint8_t *grown = realloc(self->data, capacity);
        if (grown == NULL) {
            self->failed = true;
            return;
        }
        self->data = grown;
        self->capacity = capacity;
    }
    if (size > 0)
        memcpy(self->data + self->size, data, size);
    self->size += size;
}
