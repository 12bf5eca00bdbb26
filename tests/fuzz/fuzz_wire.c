/* Any frame: what the codec takes, it writes again to the same bytes; a batch's and an ACK's inside is read as well. */
#include "fuzz.h"

#include "wire.h"

static bool whole(const wire_message *message)
{
    if (message->type == WIRE_HELLO)
        return message->hello.version == WIRE_VERSION;
    return message->type != WIRE_WELCOME || message->welcome.version == WIRE_VERSION;
}

static void inside_batch(const wire_message *message, arena *scratch)
{
    batch_header header;
    record what;
    record_reason reason;

    (void) !batch_read_header(&header, scratch, message->batch.header);
    for (unsigned i = 0; i < message->batch.body_count; i++)
        if (message->batch.bodies[i].at != NULL)
            assert(batch_read_body(&what, message->batch.bodies[i], &reason) == (reason == RECORD_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    static batch_buffer buffer;
    arena *scratch = fuzz_arena(&kept, WIRE_SCRATCH_BYTES);
    text_view bytes = {(const char *) data, size};
    wire_message message;
    wire_receipt receipt;

    if (!wire_read(&message, scratch, bytes) || !whole(&message))
        return 0;
    batch_buffer *again = fuzz_buffer(&buffer, WIRE_MESSAGE_MAX);
    wire_write(again, &message);
    fuzz_same(again, bytes);
    if (message.type == WIRE_BATCH)
        inside_batch(&message, scratch);
    else if (message.type == WIRE_ACK)
        (void) !wire_read_receipt(&receipt, message.ack.receipt);
    assert(arena_used(scratch) <= WIRE_SCRATCH_BYTES);
    return 0;
}
