/* A receipt, a list of contracts, and MessagePack item by item: what is read is written again to the same bytes. */
#include "fuzz.h"

#include "mpack.h"
#include "wire.h"

enum { DEPTH_MAX = 8 };

/* Copies one item, and those inside it, from reader to writer. */
static void copy_item(mpack_reader *from, batch_buffer *to, unsigned depth)
{
    int first = from->failed || from->at == from->end ? -1 : *from->at;

    if (first == 0xc0 && mpack_read_nil(from)) {
        mpack_write_nil(to);
    } else if (first == 0xc2 || first == 0xc3) {
        mpack_write_bool(to, mpack_read_bool(from));
    } else if ((first >= 0 && first <= 0x7f) || (first >= 0xcc && first <= 0xcf)) {
        mpack_write_uint(to, mpack_read_uint(from, 0, MPACK_UINT_MAX));
    } else if ((first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb)) {
        mpack_write_string(to, mpack_read_string(from, SIZE_MAX), SIZE_MAX);
    } else if (first >= 0xc4 && first <= 0xc6) {
        text_view bytes = mpack_read_binary(from, SIZE_MAX);
        mpack_write_binary(to, bytes.at, bytes.size);
    } else {
        unsigned count = mpack_read_array(from, UINT16_MAX);
        mpack_write_array(to, count);
        if (depth == DEPTH_MAX)
            mpack_read_fail(from);
        for (unsigned i = 0; i < count && !from->failed; i++)
            copy_item(from, to, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    static batch_buffer buffer;
    arena *scratch = fuzz_arena(&kept, WIRE_SCRATCH_BYTES);
    text_view bytes = {(const char *) data, size};
    wire_receipt receipt;
    wire_contract *contracts;
    unsigned count;
    mpack_reader reader;

    if (wire_read_receipt(&receipt, bytes)) {
        batch_buffer *again = fuzz_buffer(&buffer, WIRE_MESSAGE_MAX);
        wire_write_receipt(again, &receipt);
        fuzz_same(again, bytes);
    }
    if (wire_read_contracts(&contracts, &count, scratch, bytes)) {
        batch_buffer *again = fuzz_buffer(&buffer, WIRE_MESSAGE_MAX);
        wire_write_contracts(again, contracts, count);
        fuzz_same(again, bytes);
    }
    batch_buffer *again = fuzz_buffer(&buffer, WIRE_MESSAGE_MAX);
    mpack_reader_init(&reader, bytes);
    copy_item(&reader, again, 0);
    if (mpack_read_done(&reader))
        fuzz_same(again, bytes);
    return 0;
}
