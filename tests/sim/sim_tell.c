/* sim_tell: see the header. Nothing happens without a trace, and nothing that it does is part of the world. */
#include "sim_tell.h"

#include <stdarg.h>
#include <stdlib.h>

#include "arena.h"
#include "wire.h"

typedef struct {
    char text[2048];
    size_t size;
} sentence;

static void add(sentence *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(sentence *to, const char *format, ...)
{
    va_list arguments;
    if (to->size >= sizeof to->text)
        return;
    va_start(arguments, format);
    int more = vsnprintf(to->text + to->size, sizeof to->text - to->size, format, arguments);
    va_end(arguments);
    to->size += more > 0 ? (size_t)more : 0;
}

static void add_position(sentence *to, const wire_position *at)
{
    add(to, " %.*s:%llu/%llu(%02x%02x) stable %llu", (int)at->scope.size, at->scope.at, (unsigned long long)at->incarnation,
        (unsigned long long)at->sequence, at->hash[0], at->hash[1], (unsigned long long)at->stable);
}

static void add_header(sentence *to, text_view bytes, arena *scratch)
{
    batch_header header;
    uint8_t hash[CRYPTO_HASH];
    if (!batch_read_header(&header, scratch, bytes))
        return;
    batch_hash(hash, bytes);
    add(to, " %.*s:%llu/%llu(%02x%02x) after %02x%02x, %u bodies", (int)header.scope.size, header.scope.at,
        (unsigned long long)header.incarnation, (unsigned long long)header.sequence, hash[0], hash[1], header.previous[0],
        header.previous[1], header.body_count);
}

static void describe(sentence *to, const wire_message *message, arena *scratch)
{
    wire_receipt receipt;
    switch (message->type) {
    case WIRE_HELLO:
        add(to, "HELLO");
        for (unsigned i = 0; i < message->hello.scope_count; i++)
            add_position(to, &message->hello.scopes[i]);
        break;
    case WIRE_BATCH:
        add(to, "BATCH");
        add_header(to, message->batch.header, scratch);
        break;
    case WIRE_WELCOME:
        add(to, "WELCOME");
        for (unsigned i = 0; i < message->welcome.scope_count; i++)
            add_position(to, &message->welcome.scopes[i]);
        break;
    case WIRE_ACK:
        add(to, "ACK");
        if (wire_read_receipt(&receipt, message->ack.receipt))
            add_position(to, &receipt.position);
        add(to, ", %u refusals", message->ack.refusal_count);
        break;
    case WIRE_CONTRACTS:
        add(to, "CONTRACTS %u", message->contracts.contract_count);
        break;
    case WIRE_REFUSED:
        add(to, "REFUSED %d %.*s:%llu", (int)message->refused.reason, (int)message->refused.scope.size,
            message->refused.scope.size ? message->refused.scope.at : "", (unsigned long long)message->refused.sequence);
        break;
    case WIRE_RENEW:
        add(to, "RENEW to %llu own", (unsigned long long)message->renew.incarnation);
        add_position(to, &message->renew.own);
        add(to, " seen");
        add_position(to, &message->renew.seen);
        break;
    case WIRE_GRANTED:
        add(to, "GRANTED");
        add_position(to, &message->granted.position);
        add(to, ", %u hashes", message->granted.hash_count);
        break;
    case WIRE_SURVEY:
        add(to, "SURVEY %.*s", (int)message->survey.scope.size, message->survey.scope.at);
        break;
    case WIRE_DIGESTS:
        add(to, "DIGESTS %.*s:%llu/%llu", (int)message->digests.scope.size, message->digests.scope.at,
            (unsigned long long)message->digests.incarnation, (unsigned long long)message->digests.sequence);
        break;
    case WIRE_LIST:
        add(to, "LIST %.*s bucket %u", (int)message->list.scope.size, message->list.scope.at, message->list.bucket);
        break;
    case WIRE_LISTED:
        add(to, "LISTED bucket %u, %u records", message->listed.bucket, message->listed.record_count);
        break;
    }
}

void sim_tell(const char *direction, unsigned agent, unsigned connection, text_view frame)
{
    wire_message message;
    sentence text = {.size = 0};
    if (!sim.trace)
        return;
    arena *scratch = arena_new((size_t)32 << 20);
    if (!scratch)
        abort();
    add(&text, "agent %u on %u: ", agent, connection);
    if (wire_read(&message, scratch, frame))
        describe(&text, &message, scratch);
    sim_trace_text(direction, text.text);
    arena_destroy(&scratch);
}
