/* zmtp: see the header. */
#include "zmtp.h"

#include <string.h>

enum { FLAG_LONG = 2, FLAGS_KNOWN = 7, SHORT_HEAD = 2, LONG_HEAD = 9 };

void zmtp_init(zmtp *self)
{
    memset(self, 0, sizeof *self);
}

/* Is that byte right at that place of the greeting: signature, version 3, mechanism CURVE? */
static bool greeting_fits(unsigned at, uint8_t byte)
{
    static const uint8_t mechanism[20] = "CURVE";
    if (at == 0)
        return byte == 0xff;
    if (at == 9)
        return byte == 0x7f;
    if (at == 10)
        return byte >= 3;
    return at < 12 || at >= 32 || byte == mechanism[at - 12];
}

static zmtp_step take_greeting(zmtp *self, const uint8_t *bytes, size_t size, size_t *taken)
{
    for (*taken = 0; *taken < size && self->greeted < ZMTP_GREETING; (*taken)++)
        if (!greeting_fits(self->greeted++, bytes[*taken]))
            return ZMTP_BAD;
    return ZMTP_PASS;
}

static uint64_t body_bytes(const zmtp *self)
{
    uint64_t bytes = 0;
    for (unsigned i = 1; i < self->head_count; i++)
        bytes = bytes << 8 | self->head[i];
    return bytes;
}

static zmtp_step take_head(zmtp *self, const uint8_t *bytes, size_t size, size_t *taken, uint64_t *frame_bytes)
{
    for (*taken = 0; *taken < size;) {
        self->head[self->head_count++] = bytes[(*taken)++];
        if ((self->head[0] & ~FLAGS_KNOWN) != 0)
            return ZMTP_BAD;
        if (self->head_count < ((self->head[0] & FLAG_LONG) != 0 ? LONG_HEAD : SHORT_HEAD))
            continue;
        self->left = *frame_bytes = body_bytes(self);
        self->head_count = 0;
        self->frames++;
        return ZMTP_FRAME;
    }
    return ZMTP_PASS;
}

zmtp_step zmtp_take(zmtp *self, const uint8_t *bytes, size_t size, size_t *taken, uint64_t *frame_bytes)
{
    if (self->greeted < ZMTP_GREETING)
        return take_greeting(self, bytes, size, taken);
    if (self->left == 0)
        return take_head(self, bytes, size, taken, frame_bytes);
    *taken = size < self->left ? size : (size_t)self->left;
    self->left -= *taken;
    return ZMTP_PASS;
}
