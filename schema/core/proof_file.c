/* proof_file: writing; see the header. Reading is proof_read.c's. */
#include "proof_file.h"

#include <string.h>

#include "mpack.h"
#include "proof_frame.h"

void proof_frame_seal(uint8_t seal[CRYPTO_HASH], text_view frame)
{
    uint8_t both[2 * CRYPTO_HASH];

    memcpy(both, seal, CRYPTO_HASH);
    batch_hash(both + CRYPTO_HASH, frame);
    crypto_digest(seal, NULL, 0, both, sizeof both);
}

static void begin(batch_buffer *to, proof_frame kind)
{
    static const uint8_t length[PROOF_FILE_LENGTH];

    batch_buffer_append(to, length, sizeof length);
    mpack_write_array(to, proof_frame_fields[kind]);
    mpack_write_uint(to, kind);
}

static void end(proof_file_writer *self, batch_buffer *to)
{
    if (to->failed || to->size - PROOF_FILE_LENGTH > PROOF_FILE_FRAME_MAX) {
        to->failed = true;
        return;
    }
    size_t size = to->size - PROOF_FILE_LENGTH;
    for (unsigned i = 0; i < PROOF_FILE_LENGTH; i++)
        to->data[i] = (uint8_t) (size >> (8 * (PROOF_FILE_LENGTH - 1 - i)));
    proof_frame_seal(self->seal, (text_view){(const char *) to->data + PROOF_FILE_LENGTH, size});
    self->frames++;
}

void proof_file_write_head(proof_file_writer *self, batch_buffer *to, const uint8_t hub_curve[CRYPTO_PUBLIC],
                           const uint8_t hub_sign[CRYPTO_PUBLIC], uint64_t seconds)
{
    *self = (proof_file_writer){.frames = 0};
    begin(to, PROOF_FRAME_HEAD);
    mpack_write_string(to, text_of(PROOF_FRAME_DOMAIN), PROOF_FRAME_DOMAIN_MAX);
    mpack_write_binary(to, hub_curve, CRYPTO_PUBLIC);
    mpack_write_binary(to, hub_sign, CRYPTO_PUBLIC);
    mpack_write_uint(to, seconds);
    end(self, to);
}

void proof_file_write_agent(proof_file_writer *self, batch_buffer *to, const credential_identity *agent)
{
    begin(to, PROOF_FRAME_AGENT);
    credential_write_identity(to, agent);
    end(self, to);
}

void proof_file_write_former(proof_file_writer *self, batch_buffer *to, unsigned agent, const credential_identity *before)
{
    begin(to, PROOF_FRAME_FORMER);
    mpack_write_uint(to, agent);
    credential_write_identity(to, before);
    end(self, to);
}

void proof_file_write_scope(proof_file_writer *self, batch_buffer *to, text_view scope, uint64_t position,
                            const uint8_t chain[CRYPTO_HASH])
{
    begin(to, PROOF_FRAME_SCOPE);
    mpack_write_name(to, scope, BATCH_SCOPE_MAX);
    mpack_write_uint(to, position);
    mpack_write_binary(to, chain, CRYPTO_HASH);
    end(self, to);
}

void proof_file_write_grant(proof_file_writer *self, batch_buffer *to, unsigned agent, uint64_t incarnation, uint64_t base)
{
    begin(to, PROOF_FRAME_GRANT);
    mpack_write_uint(to, agent);
    mpack_write_uint(to, incarnation);
    mpack_write_uint(to, base);
    end(self, to);
}

void proof_file_write_batch(proof_file_writer *self, batch_buffer *to, uint64_t position, text_view header,
                            const uint8_t signature[CRYPTO_SIGNATURE], const uint8_t chain[CRYPTO_HASH])
{
    begin(to, PROOF_FRAME_BATCH);
    mpack_write_uint(to, position);
    mpack_write_binary(to, header.at, header.size);
    mpack_write_binary(to, signature, CRYPTO_SIGNATURE);
    mpack_write_binary(to, chain, CRYPTO_HASH);
    end(self, to);
}

void proof_file_write_contract(proof_file_writer *self, batch_buffer *to, uint64_t position, text_view id, uint64_t version,
                               text_view definition, const uint8_t chain[CRYPTO_HASH])
{
    begin(to, PROOF_FRAME_CONTRACT);
    mpack_write_uint(to, position);
    mpack_write_name(to, id, RECORD_NAME_MAX);
    mpack_write_uint(to, version);
    mpack_write_binary(to, definition.at, definition.size);
    mpack_write_binary(to, chain, CRYPTO_HASH);
    end(self, to);
}

void proof_file_write_end(proof_file_writer *self, batch_buffer *to, const crypto_sign_pair *hub_sign)
{
    uint8_t bytes[PROOF_FRAME_STATEMENT_MAX], signature[CRYPTO_SIGNATURE];
    batch_buffer statement = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    mpack_write_array(&statement, PROOF_FRAME_STATEMENT_FIELDS);
    mpack_write_string(&statement, text_of(PROOF_FRAME_END_DOMAIN), PROOF_FRAME_DOMAIN_MAX);
    mpack_write_uint(&statement, self->frames);
    mpack_write_binary(&statement, self->seal, CRYPTO_HASH);
    crypto_sign_with(signature, statement.data, statement.size, hub_sign);
    begin(to, PROOF_FRAME_END);
    mpack_write_binary(to, statement.data, statement.size);
    mpack_write_binary(to, signature, sizeof signature);
    end(self, to);
}
