/*
 * A batch's header and a body, of the same bytes (one begins with a string, the other does not): written again to
 * the same bytes; of a record also that equal records have equal contents.
 */
#include "fuzz.h"

#include "wire.h"

static void read_header(text_view bytes, arena *scratch, batch_buffer *again)
{
    batch_header header;

    if (!batch_read_header(&header, scratch, bytes))
        return;
    batch_write_header(again, &header);
    fuzz_same(again, bytes);
    assert(header.sequence > 0 && header.incarnation > 0 && header.body_count <= BATCH_BODIES_MAX);
}

static void read_body(text_view bytes, batch_buffer *again)
{
    static const uint8_t key[CRYPTO_KEY];
    uint8_t content[CRYPTO_SHORT_HASH], other[CRYPTO_SHORT_HASH];
    batch_header header = {.key_count = 1, .keys = {{.epoch = 1}}};
    record what, twin;
    record_reason reason;

    bool taken = batch_read_body(&what, bytes, &reason);
    assert(taken == (reason == RECORD_OK) && reason >= RECORD_OK && reason < RECORD_REASON_COUNT);
    if (!taken)
        return;
    /* The salt is not a part of the record: it stands after the array's and the binary's first bytes. */
    batch_write_body(again, &what, (const uint8_t *) bytes.at + 3);
    fuzz_same(again, bytes);
    assert(batch_check_body(&header, &what, &what) == RECORD_DUPLICATE_KEY);
    assert(batch_check_body(&header, &what, NULL) != RECORD_DUPLICATE_KEY);
    assert(batch_read_body(&twin, fuzz_written(again), &reason));
    batch_content_hash(content, &what, key);
    batch_content_hash(other, &twin, key);
    assert(memcmp(content, other, sizeof content) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    static batch_buffer buffer;
    text_view bytes = {(const char *) data, size};

    read_header(bytes, fuzz_arena(&kept, WIRE_SCRATCH_BYTES), fuzz_buffer(&buffer, WIRE_MESSAGE_MAX));
    read_body(bytes, fuzz_buffer(&buffer, WIRE_MESSAGE_MAX));
    return 0;
}
