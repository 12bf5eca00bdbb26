/*
 * batch_key: the linkage keys of a scope as batches and contracts name them: epochs ascending, each with its key's id.
 * Shared by batch and wire, whose form it is part of.
 */
#ifndef CTAI_BATCH_KEY_H
#define CTAI_BATCH_KEY_H

#include "mpack.h"
#include "record.h"

typedef struct {
    uint32_t epoch; /* from 1 */
    uint8_t id[TOKEN_KEY_ID];
} batch_key;

/* Are the epochs right and in ascending order, and no more than a record has token sets? */
bool batch_key_sound(const batch_key *keys, unsigned count) __attribute__((warn_unused_result));

/* An array of [epoch, key id]; keys has room for RECORD_TOKEN_SETS. What is not sound makes either fail. */
void batch_key_write(batch_buffer *to, const batch_key *keys, unsigned count);
unsigned batch_key_read(mpack_reader *reader, batch_key *keys);

#endif
