/*
 * batch_buffer: growing bytes with a sticky failure: write on, test once at the end. What is written
 * for the wire, a file or a statement grows in one.
 */
#ifndef CTAI_BATCH_BUFFER_H
#define CTAI_BATCH_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data;
    size_t size, capacity;
    bool failed; /* memory was short or the limit was passed; data is then useless */
    size_t limit;
} batch_buffer;
void batch_buffer_init(batch_buffer *self, size_t limit_bytes);
void batch_buffer_release(batch_buffer *self);
void batch_buffer_clear(batch_buffer *self);

void batch_buffer_append(batch_buffer *self, const void *data, size_t size);

#endif
