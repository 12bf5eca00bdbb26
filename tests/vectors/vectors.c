#include "vectors.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned vectors_faults;
batch_buffer *vectors_to;

void vectors_fault(const char *name, const char *what)
{
    fprintf(stderr, "vector %s: %s\n", name, what);
    vectors_faults++;
}

text_view vectors_bytes(const batch_buffer *buffer)
{
    assert(!buffer->failed);
    return (text_view){(const char *) buffer->data, buffer->size};
}

void vectors_put(const char *text)
{
    batch_buffer_append(vectors_to, text, strlen(text));
}

void vectors_string(text_view text)
{
    vectors_put("\"");
    for (size_t i = 0; i < text.size; i++) {
        char escaped[8] = {text.at[i]};
        if (text.at[i] == '"' || text.at[i] == '\\')
            (void) snprintf(escaped, sizeof escaped, "\\%c", text.at[i]);
        else if ((unsigned char) text.at[i] < 0x20)
            (void) snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned) text.at[i]);
        vectors_put(escaped);
    }
    vectors_put("\"");
}

void vectors_hex(const void *data, size_t size)
{
    char *hex = malloc(2 * size + 1);
    assert(hex != NULL);
    crypto_hex(hex, data, size);
    vectors_string(text_of(hex));
    free(hex);
}

void vectors_field(const char *name)
{
    vectors_put(", ");
    vectors_string(text_of(name));
    vectors_put(": ");
}

void vectors_text_field(const char *name, text_view text)
{
    vectors_field(name);
    vectors_string(text);
}

void vectors_hex_field(const char *name, const void *data, size_t size)
{
    vectors_field(name);
    vectors_hex(data, size);
}

void vectors_open(const char *name)
{
    vectors_put("  {\"name\": ");
    vectors_string(text_of(name));
}

void vectors_close(bool last)
{
    vectors_put(last ? "}\n" : "},\n");
}

static uint64_t big_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* One item of bytes that our own writer made, as JSON; returns what follows it. */
static const uint8_t *put_value(const uint8_t *at)
{
    uint8_t first = *at++;
    uint64_t count = 0;
    char number[24];

    if (first <= 0x7f || (first >= 0xcc && first <= 0xcf)) {
        size_t size = first <= 0x7f ? 0 : (size_t) 1 << (first - 0xcc);
        count = size == 0 ? first : big_endian(at, size);
        (void) snprintf(number, sizeof number, "%llu", (unsigned long long) count);
        vectors_put(number);
        return at + size;
    }
    if (first == 0xc0 || first == 0xc2 || first == 0xc3) {
        vectors_put(first == 0xc0 ? "null" : first == 0xc2 ? "false" : "true");
        return at;
    }
    if ((first & 0xf0) == 0x90 || first == 0xdc) {
        count = first == 0xdc ? big_endian(at, 2) : first & 0x0f;
        at += first == 0xdc ? 2 : 0;
        vectors_put("[");
        for (uint64_t i = 0; i < count; i++) {
            vectors_put(i > 0 ? ", " : "");
            at = put_value(at);
        }
        vectors_put("]");
        return at;
    }
    bool binary = first >= 0xc4 && first <= 0xc6;
    size_t size = (first & 0xe0) == 0xa0 ? 0 : (size_t) 1 << (first - (binary ? 0xc4 : 0xd9));
    count = size == 0 ? first & 0x1f : big_endian(at, size);
    at += size;
    if (binary) {
        vectors_put("{\"bin\": ");
        vectors_hex(at, (size_t) count);
        vectors_put("}");
    } else {
        vectors_string((text_view){(const char *) at, (size_t) count});
    }
    return at + count;
}

void vectors_value_field(const char *name, text_view bytes)
{
    vectors_field(name);
    const uint8_t *end = put_value((const uint8_t *) bytes.at);
    assert(end == (const uint8_t *) bytes.at + bytes.size);
    (void) end;
}

static bool round_of(vectors_round *round, text_view bytes, batch_buffer *again)
{
    arena *scratch = arena_new(WIRE_SCRATCH_BYTES);
    assert(scratch != NULL);
    batch_buffer_init(again, WIRE_MESSAGE_MAX);
    bool taken = round(bytes, again, scratch);
    arena_destroy(&scratch);
    return taken;
}

void vectors_good(const char *type, const char *name, text_view bytes, vectors_round *round)
{
    batch_buffer again;

    if (!round_of(round, bytes, &again))
        vectors_fault(name, "is refused");
    else if (again.failed || again.size != bytes.size || memcmp(again.data, bytes.at, bytes.size) != 0)
        vectors_fault(name, "is not written again as it was");
    batch_buffer_release(&again);
    vectors_open(name);
    vectors_text_field("type", text_of(type));
    vectors_put(", \"good\": true");
    vectors_hex_field("hex", bytes.at, bytes.size);
    vectors_value_field("value", bytes);
    vectors_close(false);
}

void vectors_bad(const char *type, const char *name, const char *reason, unsigned number, text_view bytes, vectors_round *round)
{
    char text[24];
    batch_buffer again;

    if (round_of(round, bytes, &again))
        vectors_fault(name, "is taken");
    batch_buffer_release(&again);
    vectors_open(name);
    vectors_text_field("type", text_of(type));
    vectors_put(", \"good\": false");
    vectors_text_field("reason", text_of(reason));
    if (number > 0) {
        (void) snprintf(text, sizeof text, ", \"number\": %u", number);
        vectors_put(text);
    }
    vectors_hex_field("hex", bytes.at, bytes.size);
    vectors_close(false);
}

void vectors_sign_pair(crypto_sign_pair *pair, uint8_t seed)
{
    uint8_t bytes[32];
    memset(bytes, seed, sizeof bytes);
    crypto_sign_seed_keypair(pair->public_key, pair->secret_key, bytes);
}

/* The secret key is the seed's bytes themselves, so that others need no derivation. */
void vectors_box_pair(crypto_box_pair *pair, uint8_t seed)
{
    memset(pair->secret_key, seed, sizeof pair->secret_key);
    crypto_scalarmult_base(pair->public_key, pair->secret_key);
}

static void build(vectors_file *file, const char *name, void (*make)(void))
{
    static const char tail[] = ",\n";

    file->name = name;
    batch_buffer_init(&file->text, VECTORS_FILE_MAX);
    vectors_to = &file->text;
    vectors_put("[\n");
    make();
    assert(!file->text.failed && file->text.size > sizeof tail);
    file->text.size -= sizeof tail - 1;
    vectors_put("\n]\n");
}

unsigned vectors_build(vectors_file files[VECTORS_FILES])
{
    vectors_faults = 0;
    build(&files[0], "fold.json", vectors_fold);
    build(&files[1], "tokens.json", vectors_tokens);
    build(&files[2], "messages.json", vectors_messages);
    build(&files[3], "bodies.json", vectors_bodies);
    build(&files[4], "batches.json", vectors_batches);
    build(&files[5], "receipts.json", vectors_receipts);
    build(&files[6], "credentials.json", vectors_credentials);
    return vectors_faults;
}
