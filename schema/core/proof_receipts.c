/* proof_receipts: see the header. */
#include "proof_receipts.h"

#include <string.h>

#include "armour.h"
#include "mpack.h"

#define DOMAIN "ctai-recus-1"

enum { ENVELOPE_FIELDS = 2, FIELDS = 6, RECEIPT_FIELDS = 4, DOMAIN_MAX = 32 };

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *) buffer->data, buffer->size};
}

void proof_receipts_write(batch_buffer *to, const proof_receipts *what, const crypto_sign_pair *agent_sign)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_buffer payload, envelope;

    batch_buffer_init(&payload, PROOF_RECEIPTS_FILE_MAX);
    batch_buffer_init(&envelope, PROOF_RECEIPTS_FILE_MAX);
    mpack_write_array(&payload, FIELDS);
    mpack_write_string(&payload, text_of(DOMAIN), DOMAIN_MAX);
    credential_write_identity(&payload, &what->agent);
    mpack_write_binary(&payload, what->hub_curve, CRYPTO_PUBLIC);
    mpack_write_binary(&payload, what->hub_sign, CRYPTO_PUBLIC);
    mpack_write_uint(&payload, what->seconds);
    mpack_write_array(&payload, what->count);
    for (unsigned i = 0; i < what->count; i++) {
        mpack_write_array(&payload, RECEIPT_FIELDS);
        mpack_write_binary(&payload, what->items[i].receipt.at, what->items[i].receipt.size);
        mpack_write_binary(&payload, what->items[i].signature, CRYPTO_SIGNATURE);
        mpack_write_uint(&payload, what->items[i].state);
        mpack_write_uint(&payload, what->items[i].seconds);
    }
    if (!payload.failed) {
        crypto_sign_with(signature, payload.data, payload.size, agent_sign);
        mpack_write_array(&envelope, ENVELOPE_FIELDS);
        mpack_write_binary(&envelope, payload.data, payload.size);
        mpack_write_binary(&envelope, signature, sizeof signature);
    }
    if (payload.failed || envelope.failed || what->count > PROOF_RECEIPTS_MAX)
        to->failed = true;
    else
        armour_write(to, ARMOUR_RECEIPTS, bytes_of(&envelope));
    batch_buffer_release(&payload);
    batch_buffer_release(&envelope);
}

static credential_error read_payload(proof_receipts *what, arena *from, text_view payload)
{
    mpack_reader reader;

    mpack_reader_init(&reader, payload);
    mpack_read_array_of(&reader, FIELDS);
    mpack_read_literal(&reader, DOMAIN);
    credential_read_identity(&reader, &what->agent);
    mpack_read_bytes(&reader, what->hub_curve, CRYPTO_PUBLIC);
    mpack_read_bytes(&reader, what->hub_sign, CRYPTO_PUBLIC);
    what->seconds = mpack_read_uint(&reader, 0, MPACK_UINT_MAX);
    what->count = mpack_read_array(&reader, PROOF_RECEIPTS_MAX);
    what->items = arena_take(from, (what->count + 1) * sizeof *what->items);
    if (what->items == NULL)
        return CREDENTIAL_NO_MEMORY;
    for (unsigned i = 0; i < what->count; i++) {
        proof_receipt *one = &what->items[i];
        mpack_read_array_of(&reader, RECEIPT_FIELDS);
        one->receipt = mpack_read_binary(&reader, WIRE_RECEIPT_MAX);
        one->signature = mpack_read_fixed(&reader, CRYPTO_SIGNATURE);
        one->state = (proof_receipt_state) mpack_read_uint(&reader, PROOF_RECEIPT_HELD, PROOF_RECEIPT_AGAINST);
        one->seconds = mpack_read_uint(&reader, 0, MPACK_UINT_MAX);
    }
    return mpack_read_done(&reader) ? CREDENTIAL_OK : CREDENTIAL_MALFORMED;
}

credential_error proof_receipts_read(proof_receipts *what, arena *from, text_view file)
{
    credential_envelope found;

    *what = (proof_receipts){.count = 0};
    credential_error error = credential_open(&found, from, ARMOUR_RECEIPTS, PROOF_RECEIPTS_FILE_MAX, file);
    if (error != CREDENTIAL_OK)
        return error;
    error = read_payload(what, from, found.payload);
    if (error == CREDENTIAL_OK && !crypto_verify(found.signature, found.payload.at, found.payload.size, what->agent.sign))
        return CREDENTIAL_BAD_SIGNATURE;
    return error;
}

proof_receipts_fit proof_receipts_lay(proof_check *check, const proof_receipts *what, const uint8_t hub_sign[CRYPTO_PUBLIC])
{
    wire_receipt receipt;
    long agent = proof_check_find(check, what->agent.sign);

    if (memcmp(what->hub_sign, hub_sign, CRYPTO_PUBLIC) != 0)
        return PROOF_RECEIPTS_OTHER_HUB;
    if (agent < 0)
        return PROOF_RECEIPTS_STRANGER;
    for (unsigned i = 0; i < what->count; i++) {
        const proof_receipt *one = &what->items[i];
        if (!crypto_verify(one->signature, one->receipt.at, one->receipt.size, hub_sign)
            || !wire_read_receipt(&receipt, one->receipt)
            || memcmp(receipt.agent, what->agent.sign, CRYPTO_PUBLIC) != 0)
            return PROOF_RECEIPTS_FORGED;
        proof_check_receipt held = {.agent = agent, .scope = receipt.position.scope, .sequence = receipt.position.sequence,
                                    .position = receipt.ledger_position, .lost = one->state == PROOF_RECEIPT_LOST};
        memcpy(held.hash, receipt.position.hash, CRYPTO_HASH);
        memcpy(held.chain, receipt.chain, CRYPTO_HASH);
        if (!proof_check_hold(check, &held))
            return PROOF_RECEIPTS_NO_MEMORY;
    }
    return PROOF_RECEIPTS_FIT;
}

const char *proof_receipts_fit_text(proof_receipts_fit fit)
{
    switch (fit) {
    case PROOF_RECEIPTS_FIT: break;
    case PROOF_RECEIPTS_OTHER_HUB: return "ces reçus viennent d’un autre hub";
    case PROOF_RECEIPTS_STRANGER: return "ces reçus sont d’un agent que ce registre ne connaît pas";
    case PROOF_RECEIPTS_FORGED: return "un de ces reçus n’est pas signé par ce hub pour cet agent";
    case PROOF_RECEIPTS_NO_MEMORY: return "la mémoire manque";
    }
    return "";
}
