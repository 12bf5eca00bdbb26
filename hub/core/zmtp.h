/*
 * zmtp: where the frames of one direction of a ZMTP 3 connection with CURVE begin and end (RFC 23, RFC 26), from
 * its bytes as they pass. What the frames say is encrypted; their sizes are not.
 *
 * Always true: the greeting is of ZMTP 3 with CURVE; nothing is kept of a frame but what remains of it.
 */
#ifndef CTAI_ZMTP_H
#define CTAI_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ZMTP_GREETING = 64, /* bytes */
    /* A message of a CURVE connection is so many bytes longer as a frame: "\7MESSAGE", nonce, authenticator, flags. */
    ZMTP_CURVE_OVERHEAD = 8 + 8 + 16 + 1,
};

typedef struct {
    unsigned greeted;    /* bytes of the greeting so far */
    unsigned head_count; /* of the head of a frame, so far */
    uint8_t head[9];
    uint64_t left;       /* bytes of the frame's body that are to come */
    uint64_t frames;     /* heads seen */
} zmtp;

typedef enum {
    ZMTP_PASS,  /* `taken` bytes belong to the greeting, a head or a body */
    ZMTP_FRAME, /* likewise, and with them a head is complete: size bytes of body follow */
    ZMTP_BAD,   /* no such connection */
} zmtp_step;

void zmtp_init(zmtp *self);

/* Looks at some bytes (at least one), and takes those up to the next boundary. */
zmtp_step zmtp_take(zmtp *self, const uint8_t *bytes, size_t size, size_t *taken, uint64_t *frame_bytes)
    __attribute__((warn_unused_result));

#endif
