#include "batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_many.h"
#include "mpack.h"

#define BATCH_DOMAIN "ctai-batch-1"

enum {
    HEADER_FIELDS = 10,
    ENVELOPE_FIELDS = 6, /* of these, the first */
    COVERAGE_FIELDS = 4,
    SHORT_FIELDS = 4, /* of a body that puts no record */
    RECORD_FIELDS = 15,
    TOKEN_FIELDS = 4,
    BEFORE_SALT = 3, /* bytes of a body: that it is an array, and of how many bytes its first field is */
};

static text_view none(void)
{
    return (text_view){NULL, 0};
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* The first batch of a chain has none before it, every other one has. */
static bool previous_sound(const batch_header *header)
{
    return (header->sequence == 1) == all_zero(header->previous, sizeof header->previous);
}

/* What holds of a header beyond the form of each field. */
static bool header_sound(const batch_header *header)
{
    if (header->scheme != TOKEN_SCHEME_BLAKE2B || header->incarnation == 0 || header->sequence == 0)
        return false;
    if (!previous_sound(header))
        return false;
    if (!batch_key_sound(header->keys, header->key_count) || header->coverage_count > BATCH_COVERAGE_MAX
        || header->body_count > BATCH_BODIES_MAX)
        return false;
    for (unsigned i = 0; i < header->coverage_count; i++) {
        const batch_coverage *covered = &header->coverage[i];
        if (covered->action_count > BATCH_ACTIONS_MAX)
            return false;
        for (unsigned j = 0; j < i; j++)
            if (text_equal(covered->contract, header->coverage[j].contract))
                return false;
        for (unsigned a = 0; a < covered->action_count; a++)
            for (unsigned b = 0; b < a; b++)
                if (text_equal(covered->actions[a], covered->actions[b]))
                    return false;
    }
    return true;
}

void batch_write_header(batch_buffer *to, const batch_header *header)
{
    size_t before = to->size;

    if (!header_sound(header)) {
        to->failed = true;
        return;
    }
    mpack_write_array(to, HEADER_FIELDS);
    mpack_write_string(to, text_of(BATCH_DOMAIN), sizeof BATCH_DOMAIN);
    mpack_write_binary(to, header->agent, sizeof header->agent);
    mpack_write_name(to, header->scope, BATCH_SCOPE_MAX);
    mpack_write_uint(to, header->incarnation);
    mpack_write_uint(to, header->sequence);
    mpack_write_binary(to, header->previous, sizeof header->previous);
    mpack_write_uint(to, header->scheme);
    batch_key_write(to, header->keys, header->key_count);
    mpack_write_array(to, header->coverage_count);
    for (unsigned i = 0; i < header->coverage_count; i++) {
        const batch_coverage *covered = &header->coverage[i];
        mpack_write_array(to, COVERAGE_FIELDS);
        mpack_write_name(to, covered->contract, RECORD_NAME_MAX);
        mpack_write_bool(to, covered->complete);
        mpack_write_array(to, covered->action_count);
        for (unsigned a = 0; a < covered->action_count; a++)
            mpack_write_name(to, covered->actions[a], RECORD_NAME_MAX);
        if (covered->last_month == CIVIL_NONE)
            mpack_write_nil(to);
        else
            mpack_write_month(to, covered->last_month);
    }
    mpack_write_array(to, header->body_count);
    for (unsigned i = 0; i < header->body_count; i++)
        mpack_write_binary(to, header->hashes[i], CRYPTO_HASH);
    if (to->size - before > BATCH_HEADER_MAX)
        to->failed = true;
}

static bool read_coverage(mpack_reader *reader, batch_header *header, arena *from)
{
    header->coverage_count = mpack_read_array(reader, BATCH_COVERAGE_MAX);
    header->coverage = arena_take(from, (header->coverage_count + 1) * sizeof *header->coverage);
    if (header->coverage == NULL)
        return false;
    for (unsigned i = 0; i < header->coverage_count; i++) {
        batch_coverage *covered = &header->coverage[i];
        mpack_read_array_of(reader, COVERAGE_FIELDS);
        covered->contract = mpack_read_name(reader, RECORD_NAME_MAX);
        covered->complete = mpack_read_bool(reader);
        covered->action_count = mpack_read_array(reader, BATCH_ACTIONS_MAX);
        for (unsigned a = 0; a < covered->action_count; a++)
            covered->actions[a] = mpack_read_name(reader, RECORD_NAME_MAX);
        covered->last_month = mpack_read_nil(reader) ? CIVIL_NONE : mpack_read_month(reader);
    }
    return !reader->failed;
}

/* Fields 0 to 5: of whom, and its place in the chain. */
static void read_envelope(mpack_reader *reader, batch_header *header)
{
    mpack_read_literal(reader, BATCH_DOMAIN);
    mpack_read_bytes(reader, header->agent, sizeof header->agent);
    header->scope = mpack_read_name(reader, BATCH_SCOPE_MAX);
    header->incarnation = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
    header->sequence = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
    mpack_read_bytes(reader, header->previous, sizeof header->previous);
}

bool batch_read_envelope(batch_header *header, text_view bytes)
{
    mpack_reader reader;

    *header = (batch_header){0};
    if (bytes.size > BATCH_HEADER_MAX)
        return false;
    mpack_reader_init(&reader, bytes);
    bool whole = mpack_read_array(&reader, UINT16_MAX) >= ENVELOPE_FIELDS;
    read_envelope(&reader, header);
    whole = whole && !reader.failed && previous_sound(header);
    if (!whole)
        *header = (batch_header){0};
    return whole;
}

bool batch_read_header(batch_header *header, arena *from, text_view bytes)
{
    mpack_reader reader;

    *header = (batch_header){0};
    if (bytes.size > BATCH_HEADER_MAX)
        return false;
    mpack_reader_init(&reader, bytes);
    mpack_read_array_of(&reader, HEADER_FIELDS);
    read_envelope(&reader, header);
    header->scheme = (unsigned) mpack_read_uint(&reader, 1, UINT8_MAX);
    header->key_count = batch_key_read(&reader, header->keys);
    if (!read_coverage(&reader, header, from))
        return false;
    header->body_count = mpack_read_array(&reader, BATCH_BODIES_MAX);
    header->hashes = arena_take(from, (header->body_count + 1) * sizeof *header->hashes);
    if (header->hashes == NULL)
        return false;
    for (unsigned i = 0; i < header->body_count; i++)
        mpack_read_bytes(&reader, header->hashes[i], CRYPTO_HASH);
    return mpack_read_done(&reader) && header_sound(header);
}

static void write_token(batch_buffer *to, bool has, const uint8_t token[TOKEN_SIZE])
{
    if (has)
        mpack_write_binary(to, token, TOKEN_SIZE);
    else
        mpack_write_nil(to);
}

/* Sex, bpi and under 25: said of a beneficiary alone. */
static void write_person(batch_buffer *to, const record *what)
{
    static const char *const sexes[] = {[RECORD_SEX_NONE] = "", [RECORD_SEX_F] = "F", [RECORD_SEX_H] = "H"};

    if (fact_rule_of(what->type)->kind != FACT_KIND_BENEFICIARY) {
        mpack_write_nil(to);
        mpack_write_nil(to);
        mpack_write_nil(to);
        return;
    }
    mpack_write_string(to, text_of(sexes[what->sex]), 1);
    mpack_write_bool(to, what->bpi);
    mpack_write_bool(to, what->under_25);
}

static void write_record(batch_buffer *to, const record *what)
{
    mpack_write_name(to, what->action, RECORD_NAME_MAX);
    mpack_write_string(to, text_of(fact_rule_of(what->type)->name), RECORD_NAME_MAX);
    if (what->month == CIVIL_NONE)
        mpack_write_nil(to);
    else
        mpack_write_month(to, what->month);
    mpack_write_array(to, what->token_sets);
    for (unsigned i = 0; i < what->token_sets; i++) {
        const record_tokens *tokens = &what->tokens[i];
        mpack_write_array(to, TOKEN_FIELDS);
        mpack_write_uint(to, tokens->epoch);
        write_token(to, tokens->has_e, tokens->e);
        write_token(to, tokens->has_i, tokens->i);
        write_token(to, tokens->has_m, tokens->m);
    }
    write_person(to, what);
    if (what->has_quantity)
        mpack_write_uint(to, (uint64_t) what->quantity);
    else
        mpack_write_nil(to);
    if (what->code.size > 0)
        mpack_write_string(to, what->code, RECORD_CODE_MAX);
    else
        mpack_write_nil(to);
    if (what->has_reference)
        mpack_write_binary(to, what->reference, RECORD_REFERENCE);
    else
        mpack_write_nil(to);
    if (what->text.size > 0)
        mpack_write_string(to, what->text, RECORD_TEXT_MAX);
    else
        mpack_write_nil(to);
}

void batch_write_body(batch_buffer *to, const record *what, const uint8_t salt[CRYPTO_SALT])
{
    bool put = what->operation == RECORD_PUT;

    if (record_check(what) != RECORD_OK) {
        to->failed = true;
        return;
    }
    mpack_write_array(to, put ? RECORD_FIELDS : SHORT_FIELDS);
    mpack_write_binary(to, salt, CRYPTO_SALT);
    mpack_write_uint(to, what->operation);
    mpack_write_binary(to, what->key, RECORD_KEY);
    if (what->operation == RECORD_CLOSE)
        mpack_write_uint(to, what->epoch);
    else
        mpack_write_name(to, what->contract, RECORD_NAME_MAX);
    if (put)
        write_record(to, what);
}

static bool read_token(mpack_reader *reader, uint8_t token[TOKEN_SIZE])
{
    if (mpack_read_nil(reader))
        return false;
    mpack_read_bytes(reader, token, TOKEN_SIZE);
    return true;
}

static void read_tokens(mpack_reader *reader, record *what)
{
    what->token_sets = mpack_read_array(reader, RECORD_TOKEN_SETS);
    for (unsigned i = 0; i < what->token_sets; i++) {
        record_tokens *tokens = &what->tokens[i];
        mpack_read_array_of(reader, TOKEN_FIELDS);
        tokens->epoch = (uint32_t) mpack_read_uint(reader, 1, UINT32_MAX);
        tokens->has_e = read_token(reader, tokens->e);
        tokens->has_i = read_token(reader, tokens->i);
        tokens->has_m = read_token(reader, tokens->m);
    }
}

/* Sex, bpi and under 25: how many of the three are there. */
static unsigned read_person(mpack_reader *reader, record *what)
{
    unsigned there = 0;

    if (!mpack_read_nil(reader)) {
        text_view sex = mpack_read_string(reader, 1);
        what->sex = text_is(sex, "F") ? RECORD_SEX_F : text_is(sex, "H") ? RECORD_SEX_H : RECORD_SEX_NONE;
        if (what->sex == RECORD_SEX_NONE && sex.size > 0)
            mpack_read_fail(reader);
        there++;
    }
    if (!mpack_read_nil(reader)) {
        what->bpi = mpack_read_bool(reader);
        there++;
    }
    if (!mpack_read_nil(reader)) {
        what->under_25 = mpack_read_bool(reader);
        there++;
    }
    return there;
}

/* A string that is nil when it is empty. */
static text_view read_optional(mpack_reader *reader, size_t max)
{
    if (mpack_read_nil(reader))
        return none();
    text_view text = mpack_read_string(reader, max);
    if (text.size == 0)
        mpack_read_fail(reader);
    return text;
}

/* The fields of a record after its contract: a reason up to RECORD_BAD_FIELDS. */
static record_reason read_record(mpack_reader *reader, record *what)
{
    what->action = mpack_read_name(reader, RECORD_NAME_MAX);
    what->type = fact_find(mpack_read_string(reader, RECORD_NAME_MAX));
    what->month = mpack_read_nil(reader) ? CIVIL_NONE : mpack_read_month(reader);
    read_tokens(reader, what);
    unsigned person_fields = read_person(reader, what);
    what->has_quantity = !mpack_read_nil(reader);
    if (what->has_quantity)
        what->quantity = (int64_t) mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    what->code = read_optional(reader, RECORD_CODE_MAX);
    what->has_reference = !mpack_read_nil(reader);
    if (what->has_reference)
        mpack_read_bytes(reader, what->reference, RECORD_REFERENCE);
    what->text = read_optional(reader, RECORD_TEXT_MAX);

    if (!mpack_read_done(reader))
        return RECORD_UNREADABLE;
    if (what->type == FACT_NONE)
        return RECORD_BAD_TYPE;
    bool beneficiary = fact_rule_of(what->type)->kind == FACT_KIND_BENEFICIARY;
    return person_fields == (beneficiary ? 3 : 0) ? RECORD_OK : RECORD_BAD_FIELDS;
}

bool batch_read_body(record *what, text_view bytes, record_reason *reason)
{
    mpack_reader reader;

    *what = (record){.month = CIVIL_NONE, .type = FACT_NONE};
    *reason = RECORD_UNREADABLE;
    if (bytes.size > BATCH_BODY_MAX)
        return false;
    mpack_reader_init(&reader, bytes);
    unsigned fields = mpack_read_array(&reader, RECORD_FIELDS);
    (void) mpack_read_fixed(&reader, CRYPTO_SALT);
    what->operation = (record_operation) mpack_read_uint(&reader, RECORD_WITHDRAW, RECORD_CLOSE);
    if (fields != (what->operation == RECORD_PUT ? RECORD_FIELDS : SHORT_FIELDS))
        return false;
    mpack_read_bytes(&reader, what->key, RECORD_KEY);
    if (what->operation == RECORD_CLOSE)
        what->epoch = (uint32_t) mpack_read_uint(&reader, 1, UINT32_MAX);
    else
        what->contract = mpack_read_name(&reader, RECORD_NAME_MAX);
    if (what->operation == RECORD_PUT)
        *reason = read_record(&reader, what);
    else
        *reason = mpack_read_done(&reader) ? RECORD_OK : RECORD_UNREADABLE;
    if (*reason == RECORD_OK)
        *reason = record_check(what);
    return *reason == RECORD_OK;
}

record_reason batch_check_body(const batch_header *header, const record *what, const record *before)
{
    if (before != NULL && memcmp(before->key, what->key, RECORD_KEY) >= 0)
        return RECORD_DUPLICATE_KEY;
    if (what->operation != RECORD_PUT || what->token_sets == 0)
        return RECORD_OK;
    if (what->token_sets != header->key_count)
        return RECORD_BAD_TOKENS;
    for (unsigned i = 0; i < what->token_sets; i++)
        if (what->tokens[i].epoch != header->keys[i].epoch)
            return RECORD_BAD_TOKENS;
    return RECORD_OK;
}

void batch_hash(uint8_t hash[CRYPTO_HASH], text_view bytes)
{
    crypto_digest(hash, NULL, 0, bytes.at, bytes.size);
}

void batch_sign(uint8_t signature[CRYPTO_SIGNATURE], text_view header_bytes, const crypto_sign_pair *by)
{
    crypto_sign_with(signature, header_bytes.at, header_bytes.size, by);
}

bool batch_verify(const uint8_t signature[CRYPTO_SIGNATURE], text_view header_bytes, const uint8_t agent[CRYPTO_PUBLIC])
{
    return crypto_verify(signature, header_bytes.at, header_bytes.size, agent);
}

void batch_content_hash(uint8_t hash[CRYPTO_SHORT_HASH], const record *what, const uint8_t key[CRYPTO_KEY])
{
    static const uint8_t no_salt[CRYPTO_SALT];
    uint8_t bytes[BATCH_BODY_MAX];
    /* Full from the start: it never grows, so that nothing is allocated. */
    batch_buffer body = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    batch_write_body(&body, what, no_salt);
    assert(!body.failed); /* the caller hands over records that record_check takes */
    crypto_short_hash(hash, key, CRYPTO_KEY, bytes, body.size);
}

void batch_content_hashes(uint8_t (*hashes)[CRYPTO_SHORT_HASH], const text_view *bodies, unsigned count, const uint8_t key[CRYPTO_KEY])
{
    crypto_many(*hashes, CRYPTO_SHORT_HASH, key, bodies, count);
}

void batch_hash_bodies(uint8_t (*hashes)[CRYPTO_HASH], const text_view *bodies, unsigned count)
{
    crypto_many(*hashes, CRYPTO_HASH, NULL, bodies, count);
}

void batch_salt_body(uint8_t *body, const uint8_t salt[CRYPTO_SALT])
{
    memcpy(body + BEFORE_SALT, salt, CRYPTO_SALT);
}
