/* chain: see the header. */
#include "chain.h"

#include <stdlib.h>

/* Two bytes each. */
const char *const chain_scopes[CHAIN_SCOPES + 1] = {"63", "03", "2A", "99"};
crypto_sign_pair chain_agent, chain_hub, chain_other;

static wire_action actions[2] = {{{"axe1", 4}, {"Axe 1", 5}, true}, {{"axe2", 4}, {"Axe 2", 5}, false}};
wire_contract chain_contracts[CHAIN_SCOPES] = {
    {{"c63", 3}, {"Un", 2}, {"63", 2}, 19000, 19365, 2, actions, 2, {{1, {1}}, {2, {2}}}},
    {{"c03", 3}, {"Deux", 4}, {"03", 2}, 19000, 19365, 1, actions, 1, {{1, {1}}}},
    {{"c2A", 3}, {"", 0}, {"2A", 2}, 19000, 19000, 0, actions, 0, {{0}}},
};

static chain_batch made[CHAIN_VARIANTS][CHAIN_SCOPES + 1][CHAIN_MAX + 1];
static const text_view bodies[2] = {{"a body", 6}, {"another", 7}};

static void append_header(batch_buffer *to, const batch_header *header, chain_variant variant)
{
    if (variant == CHAIN_GARBAGE) {
        batch_buffer_append(to, "\x93\x01\x02\x03", 4);
        return;
    }
    batch_write_header(to, header);
    if (variant == CHAIN_HEADER) /* the scheme, the item after the hash of the header before */
        for (size_t i = 0; i + CRYPTO_HASH < to->size; i++)
            if (memcmp(to->data + i, header->previous, CRYPTO_HASH) == 0) {
                to->data[i + CRYPTO_HASH] = 0x7f;
                break;
            }
}

static void make(chain_batch *batch, unsigned scope, uint64_t sequence, chain_variant variant)
{
    uint8_t hashes[2][CRYPTO_HASH], signature[CRYPTO_SIGNATURE];
    text_view told[2] = {bodies[0], bodies[1]};
    batch_buffer header_bytes, frame;
    wire_message message = {.type = WIRE_BATCH};
    batch_header header = {.scope = text_of(chain_scopes[scope]), .incarnation = variant == CHAIN_INCARNATION || variant == CHAIN_GOES_ON ? 2 : 1,
                           .sequence = sequence, .scheme = 1, .body_count = sequence % 3, .hashes = hashes};

    batch_hash(hashes[0], bodies[variant == CHAIN_FORK]);
    batch_hash(hashes[1], bodies[1]);
    told[0] = bodies[variant == CHAIN_FORK];
    if (variant == CHAIN_FORK && header.body_count == 0)
        header.body_count = 1;
    memcpy(header.agent, variant == CHAIN_AGENT ? chain_other.public_key : chain_agent.public_key, CRYPTO_PUBLIC);
    if (sequence > 1)
        memcpy(header.previous, made[variant == CHAIN_GOES_ON ? CHAIN_INCARNATION : CHAIN_GOOD][scope][sequence - 1].hash, CRYPTO_HASH);
    if (variant == CHAIN_PREVIOUS && sequence > 1)
        header.previous[0] ^= 1;

    batch_buffer_init(&header_bytes, BATCH_HEADER_MAX);
    batch_buffer_init(&frame, WIRE_MESSAGE_MAX);
    append_header(&header_bytes, &header, variant);
    batch_hash(batch->hash, fuzz_written(&header_bytes));
    batch_sign(signature, fuzz_written(&header_bytes), variant == CHAIN_SIGNER ? &chain_other : &chain_agent);
    message.batch.header = fuzz_written(&header_bytes);
    message.batch.signature = signature;
    message.batch.body_count = header.body_count;
    message.batch.bodies = told;
    if (variant == CHAIN_BODY)
        told[0] = text_of("neither");
    if (variant == CHAIN_COUNT)
        message.batch.body_count = header.body_count > 0 ? header.body_count - 1 : 1;
    if (variant == CHAIN_ABSENT)
        told[0] = told[1] = (text_view){NULL, 0};
    wire_write(&frame, &message);
    assert(!frame.failed);
    char *bytes = malloc(frame.size);
    assert(bytes != NULL);
    memcpy(bytes, frame.data, frame.size);
    batch->message = (text_view){bytes, frame.size};
    batch_buffer_release(&header_bytes);
    batch_buffer_release(&frame);
}

void chain_start(void)
{
    static bool started;

    if (started)
        return;
    started = true;
    fuzz_start();
    fuzz_pair(&chain_agent, 1);
    fuzz_pair(&chain_hub, 2);
    fuzz_pair(&chain_other, 3);
    for (unsigned scope = 0; scope <= CHAIN_SCOPES; scope++)
        for (uint64_t sequence = 1; sequence <= CHAIN_MAX; sequence++)
            for (int variant = 0; variant < CHAIN_VARIANTS; variant++)
                make(&made[variant][scope][sequence], scope, sequence, (chain_variant) variant);
}

const chain_batch *chain_at(unsigned scope, uint64_t sequence, chain_variant variant)
{
    assert(scope <= CHAIN_SCOPES && sequence >= 1 && sequence <= CHAIN_MAX && variant < CHAIN_VARIANTS);
    return &made[variant][scope][sequence];
}

const uint8_t *chain_hash(unsigned scope, uint64_t sequence)
{
    return made[CHAIN_GOOD][scope][sequence].hash; /* that of 0 was never made: zeros */
}

unsigned chain_scope_of(text_view name)
{
    for (unsigned i = 0; i <= CHAIN_SCOPES; i++)
        if (name.size == 2 && name.at[0] == chain_scopes[i][0] && name.at[1] == chain_scopes[i][1])
            return i;
    return CHAIN_UNKNOWN_SCOPE + 1;
}
