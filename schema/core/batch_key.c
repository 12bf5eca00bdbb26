/* batch_key: see the header. */
#include "batch_key.h"

enum { FIELDS = 2 };

bool batch_key_sound(const batch_key *keys, unsigned count)
{
    if (count > RECORD_TOKEN_SETS)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (keys[i].epoch == 0 || (i > 0 && keys[i].epoch <= keys[i - 1].epoch))
            return false;
    return true;
}

void batch_key_write(batch_buffer *to, const batch_key *keys, unsigned count)
{
    if (!batch_key_sound(keys, count)) {
        to->failed = true;
        return;
    }
    mpack_write_array(to, count);
    for (unsigned i = 0; i < count; i++) {
        mpack_write_array(to, FIELDS);
        mpack_write_uint(to, keys[i].epoch);
        mpack_write_binary(to, keys[i].id, TOKEN_KEY_ID);
    }
}

unsigned batch_key_read(mpack_reader *reader, batch_key *keys)
{
    unsigned count = mpack_read_array(reader, RECORD_TOKEN_SETS);
    for (unsigned i = 0; i < count; i++) {
        mpack_read_array_of(reader, FIELDS);
        keys[i].epoch = (uint32_t) mpack_read_uint(reader, 1, UINT32_MAX);
        mpack_read_bytes(reader, keys[i].id, TOKEN_KEY_ID);
    }
    if (!batch_key_sound(keys, count))
        mpack_read_fail(reader);
    return count;
}
