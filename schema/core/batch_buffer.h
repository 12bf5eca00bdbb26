/*
 * batch_buffer: growing bytes with a sticky failure: write on, test once at the end. What is written
 * for the wire, a file or a statement grows in one.
 */
#ifndef CTAI_BATCH_BUFFER_H
#define CTAI_BATCH_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t size, capacity;
    bool failed; /* memory was short or the limit was passed; data is then useless */
    size_t limit;
} batch_buffer;
void batch_buffer_init(batch_buffer *self, size_t limit_bytes);
void batch_buffer_release(batch_buffer *self);
void batch_buffer_clear(batch_buffer *self);

/* As append, where there may be no room: for append alone. */
void batch_buffer_append_growing(batch_buffer *self, const void *data, size_t size);

/* Where that many bytes more may be written, which then count; NULL: there is no room, append will see to it. */
static inline uint8_t *batch_buffer_take(batch_buffer *self, size_t size)
{
    if (self->failed || size > self->limit - self->size || size > self->capacity - self->size)
        return NULL;
    self->size += size;
    return self->data + self->size - size;
}

/* In the header: records are written field by field, of a byte or a few. */
static inline void batch_buffer_append(batch_buffer *self, const void *data, size_t size)
{
    if (self->failed || size == 0 || size > self->limit - self->size || size > self->capacity - self->size) {
        batch_buffer_append_growing(self, data, size);
        return;
    }
    memcpy(self->data + self->size, data, size);
    self->size += size;
}

#endif
