/* wire_form: positions, and room for arrays; see the header. */
#include "wire_form.h"

#include <string.h>

enum { POSITION_FIELDS = 5 };

bool wire_form_position_sound(const wire_position *position)
{
    static const uint8_t zeros[CRYPTO_HASH];
    bool first = memcmp(position->hash, zeros, sizeof zeros) == 0;

    return position->incarnation > 0 && position->stable <= position->sequence && first == (position->sequence == 0);
}

void wire_form_write_position(batch_buffer *to, const wire_position *position)
{
    if (!wire_form_position_sound(position))
        to->failed = true;
    mpack_write_array(to, POSITION_FIELDS);
    mpack_write_name(to, position->scope, BATCH_SCOPE_MAX);
    mpack_write_uint(to, position->incarnation);
    mpack_write_uint(to, position->sequence);
    mpack_write_binary(to, position->hash, CRYPTO_HASH);
    mpack_write_uint(to, position->stable);
}

void wire_form_read_position(mpack_reader *reader, wire_position *position)
{
    mpack_read_array_of(reader, POSITION_FIELDS);
    position->scope = mpack_read_name(reader, BATCH_SCOPE_MAX);
    position->incarnation = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
    position->sequence = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    mpack_read_bytes(reader, position->hash, CRYPTO_HASH);
    position->stable = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    if (!wire_form_position_sound(position))
        mpack_read_fail(reader);
}

void *wire_form_room(mpack_reader *reader, arena *from, unsigned count, size_t item_size)
{
    void *items = reader->failed ? NULL : arena_take(from, ((size_t) count + 1) * item_size);

    if (items == NULL)
        mpack_read_fail(reader);
    return items;
}
