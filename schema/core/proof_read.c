/* proof_read: the reader of proof_file: frames in their order, what they say handed to proof_check. */
#include <string.h>

#include "mpack.h"
#include "proof_file.h"
#include "proof_frame.h"

enum { AGENTS_MAX = 1 << 16 };

struct proof_file {
    proof_file_options options;
    proof_check *check;
    arena *scratch;
    proof_file_state state;
    bool begun, in_scope, in_entries;
    uint8_t hub_sign[CRYPTO_PUBLIC];
    char hub[CRYPTO_FINGERPRINT_TEXT];
    uint64_t seconds, frames, agents;
    uint64_t end_position; /* of the scope */
    uint8_t end_chain[CRYPTO_HASH], seal[CRYPTO_HASH];
};

proof_file *proof_file_new(arena *memory, arena *scratch, const proof_file_options *options)
{
    proof_file *self = arena_take(memory, sizeof *self);

    if (self == NULL)
        return NULL;
    self->options = *options;
    self->scratch = scratch;
    self->check = proof_check_new(memory, scratch, options->tell, options->data);
    return self->check != NULL ? self : NULL;
}

/* Each of the following reads the rest of a frame of its kind. */

static proof_file_state take_head(proof_file *self, mpack_reader *reader)
{
    uint8_t curve[CRYPTO_PUBLIC];

    mpack_read_literal(reader, PROOF_FRAME_DOMAIN);
    mpack_read_bytes(reader, curve, CRYPTO_PUBLIC);
    mpack_read_bytes(reader, self->hub_sign, CRYPTO_PUBLIC);
    self->seconds = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    if (!mpack_read_done(reader) || self->begun)
        return PROOF_FILE_MALFORMED;
    self->begun = true;
    credential_hub_fingerprint(self->hub, curve, self->hub_sign);
    if (self->options.hub != NULL && !crypto_fingerprint_equal(self->hub, self->options.hub))
        return PROOF_FILE_OTHER_HUB;
    return PROOF_FILE_MORE;
}

static proof_file_state take_agent(proof_file *self, mpack_reader *reader, bool former)
{
    credential_identity identity;
    uint64_t agent = former ? mpack_read_uint(reader, 0, AGENTS_MAX) : self->agents;

    credential_read_identity(reader, &identity);
    if (!mpack_read_done(reader) || self->in_scope || (former && agent >= self->agents) || agent == AGENTS_MAX)
        return PROOF_FILE_MALFORMED;
    if (!former && proof_check_agent(self->check, text_of(identity.name)) < 0)
        return PROOF_FILE_NO_MEMORY;
    self->agents += !former;
    return proof_check_key(self->check, (long) agent, identity.sign) ? PROOF_FILE_MORE : PROOF_FILE_NO_MEMORY;
}

/* All agents are known: the receipts find theirs. */
static proof_file_state lay_receipts(proof_file *self)
{
    for (unsigned i = 0; i < self->options.receipt_files; i++) {
        proof_receipts_fit fit = proof_receipts_lay(self->check, &self->options.receipts[i], self->hub_sign);
        if (fit == PROOF_RECEIPTS_NO_MEMORY)
            return PROOF_FILE_NO_MEMORY;
        self->options.tell_receipts(self->options.data, i, fit);
    }
    self->options.receipt_files = 0;
    return PROOF_FILE_MORE;
}

static void end_scope(proof_file *self)
{
    if (self->in_scope)
        proof_check_end(self->check, self->end_position, self->end_chain);
}

static proof_file_state take_scope(proof_file *self, mpack_reader *reader)
{
    text_view scope = mpack_read_name(reader, BATCH_SCOPE_MAX);
    uint64_t position = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    uint8_t chain[CRYPTO_HASH];

    mpack_read_bytes(reader, chain, CRYPTO_HASH);
    if (!mpack_read_done(reader))
        return PROOF_FILE_MALFORMED;
    end_scope(self);
    if (lay_receipts(self) != PROOF_FILE_MORE || !proof_check_scope(self->check, scope))
        return PROOF_FILE_NO_MEMORY;
    self->in_scope = true;
    self->in_entries = false;
    self->end_position = position;
    memcpy(self->end_chain, chain, CRYPTO_HASH);
    return PROOF_FILE_MORE;
}

static proof_file_state take_grant(proof_file *self, mpack_reader *reader)
{
    uint64_t agent = mpack_read_uint(reader, 0, AGENTS_MAX);
    uint64_t incarnation = mpack_read_uint(reader, 2, MPACK_UINT_MAX);
    uint64_t base = mpack_read_uint(reader, 0, MPACK_UINT_MAX);

    if (!mpack_read_done(reader) || !self->in_scope || self->in_entries || agent >= self->agents)
        return PROOF_FILE_MALFORMED;
    return proof_check_grant(self->check, (long) agent, incarnation, base) ? PROOF_FILE_MORE : PROOF_FILE_NO_MEMORY;
}

static proof_file_state take_batch(proof_file *self, mpack_reader *reader)
{
    uint64_t position = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    text_view header = mpack_read_binary(reader, BATCH_HEADER_MAX);
    const uint8_t *signature = mpack_read_fixed(reader, CRYPTO_SIGNATURE);
    const uint8_t *chain = mpack_read_fixed(reader, CRYPTO_HASH);

    if (!mpack_read_done(reader) || !self->in_scope)
        return PROOF_FILE_MALFORMED;
    self->in_entries = true;
    proof_check_batch(self->check, position, header, signature, chain);
    return PROOF_FILE_MORE;
}

static proof_file_state take_contract(proof_file *self, mpack_reader *reader)
{
    uint64_t position = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    text_view id = mpack_read_name(reader, RECORD_NAME_MAX);
    uint64_t version = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    text_view definition = mpack_read_binary(reader, PROOF_DEFINITION_MAX);
    const uint8_t *chain = mpack_read_fixed(reader, CRYPTO_HASH);

    if (!mpack_read_done(reader) || !self->in_scope)
        return PROOF_FILE_MALFORMED;
    self->in_entries = true;
    proof_check_contract(self->check, position, id, version, definition, chain);
    return PROOF_FILE_MORE;
}

static proof_file_state take_end(proof_file *self, mpack_reader *reader)
{
    text_view statement = mpack_read_binary(reader, PROOF_FRAME_STATEMENT_MAX);
    const uint8_t *signature = mpack_read_fixed(reader, CRYPTO_SIGNATURE);
    mpack_reader said;
    uint8_t seal[CRYPTO_HASH];

    if (!mpack_read_done(reader))
        return PROOF_FILE_MALFORMED;
    mpack_reader_init(&said, statement);
    mpack_read_array_of(&said, PROOF_FRAME_STATEMENT_FIELDS);
    mpack_read_literal(&said, PROOF_FRAME_END_DOMAIN);
    uint64_t frames = mpack_read_uint(&said, 0, MPACK_UINT_MAX);
    mpack_read_bytes(&said, seal, CRYPTO_HASH);
    if (!mpack_read_done(&said))
        return PROOF_FILE_MALFORMED;
    end_scope(self);
    if (lay_receipts(self) != PROOF_FILE_MORE)
        return PROOF_FILE_NO_MEMORY;
    proof_check_finish(self->check);
    bool sealed = frames == self->frames && memcmp(seal, self->seal, CRYPTO_HASH) == 0
        && crypto_verify(signature, statement.at, statement.size, self->hub_sign);
    return sealed ? PROOF_FILE_DONE : PROOF_FILE_UNSEALED;
}

static proof_file_state take(proof_file *self, text_view frame)
{
    mpack_reader reader;

    mpack_reader_init(&reader, frame);
    unsigned fields = mpack_read_array(&reader, UINT8_MAX);
    proof_frame kind = (proof_frame) mpack_read_uint(&reader, 0, PROOF_FRAME_KINDS - 1);
    if (reader.failed || fields != proof_frame_fields[kind] || self->begun != (kind != PROOF_FRAME_HEAD))
        return PROOF_FILE_MALFORMED;
    switch (kind) {
    case PROOF_FRAME_HEAD: return take_head(self, &reader);
    case PROOF_FRAME_AGENT: return take_agent(self, &reader, false);
    case PROOF_FRAME_FORMER: return take_agent(self, &reader, true);
    case PROOF_FRAME_SCOPE: return take_scope(self, &reader);
    case PROOF_FRAME_GRANT: return take_grant(self, &reader);
    case PROOF_FRAME_BATCH: return take_batch(self, &reader);
    case PROOF_FRAME_CONTRACT: return take_contract(self, &reader);
    case PROOF_FRAME_END: return take_end(self, &reader);
    case PROOF_FRAME_KINDS: break;
    }
    return PROOF_FILE_MALFORMED;
}

proof_file_state proof_file_take(proof_file *self, text_view frame)
{
    if (self->state != PROOF_FILE_MORE)
        return self->state;
    self->state = frame.size <= PROOF_FILE_FRAME_MAX ? take(self, frame) : PROOF_FILE_MALFORMED;
    if (self->state == PROOF_FILE_MORE) {
        proof_frame_seal(self->seal, frame);
        self->frames++;
    }
    return self->state;
}

const char *proof_file_hub(const proof_file *self)
{
    return self->hub;
}

uint64_t proof_file_seconds(const proof_file *self)
{
    return self->seconds;
}

proof_check_totals proof_file_total(const proof_file *self)
{
    return proof_check_total(self->check);
}
