/*
 * wire_resume: the messages by which an agent and a hub whose chains have come apart go on together
 * (PROTOCOL.md, "Incarnations"): RENEW, GRANTED, and the comparison of what is held.
 */
#include <string.h>

#include "wire_form.h"

enum { HELD_FIELDS = 4 };

/* Is the key of that bucket? */
static bool in_bucket(const uint8_t *key, unsigned bucket)
{
    return key[0] == bucket;
}

static void write_after(batch_buffer *to, const uint8_t *after, unsigned bucket)
{
    if (after == NULL) {
        mpack_write_nil(to);
        return;
    }
    if (!in_bucket(after, bucket))
        to->failed = true;
    mpack_write_binary(to, after, RECORD_KEY);
}

static const uint8_t *read_after(mpack_reader *reader, unsigned bucket)
{
    if (mpack_read_nil(reader))
        return NULL;
    const uint8_t *after = mpack_read_fixed(reader, RECORD_KEY);
    if (after != NULL && !in_bucket(after, bucket))
        mpack_read_fail(reader);
    return after;
}

static void write_bucket(batch_buffer *to, unsigned bucket)
{
    if (bucket >= WIRE_BUCKETS)
        to->failed = true;
    mpack_write_uint(to, bucket);
}

void wire_form_write_renew(batch_buffer *to, const wire_message *message)
{
    if (!text_equal(message->renew.own.scope, message->renew.seen.scope) || message->renew.incarnation == 0)
        to->failed = true;
    wire_form_write_position(to, &message->renew.own);
    wire_form_write_position(to, &message->renew.seen);
    mpack_write_uint(to, message->renew.incarnation);
    mpack_write_binary(to, message->renew.request, WIRE_REQUEST);
}

void wire_form_read_renew(mpack_reader *reader, wire_message *message)
{
    wire_form_read_position(reader, &message->renew.own);
    wire_form_read_position(reader, &message->renew.seen);
    message->renew.incarnation = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
    mpack_read_bytes(reader, message->renew.request, WIRE_REQUEST);
    if (!text_equal(message->renew.own.scope, message->renew.seen.scope))
        mpack_read_fail(reader);
}

void wire_form_write_list(batch_buffer *to, const wire_message *message)
{
    mpack_write_name(to, message->list.scope, BATCH_SCOPE_MAX);
    write_bucket(to, message->list.bucket);
    write_after(to, message->list.after, message->list.bucket);
}

void wire_form_read_list(mpack_reader *reader, wire_message *message)
{
    message->list.scope = mpack_read_name(reader, BATCH_SCOPE_MAX);
    message->list.bucket = (unsigned) mpack_read_uint(reader, 0, WIRE_BUCKETS - 1);
    message->list.after = read_after(reader, message->list.bucket);
}

void wire_form_write_granted(batch_buffer *to, const wire_message *message)
{
    if (message->granted.hash_count > WIRE_CHAIN_MAX) {
        to->failed = true;
        return;
    }
    mpack_write_binary(to, message->granted.request, WIRE_REQUEST);
    wire_form_write_position(to, &message->granted.position);
    mpack_write_array(to, message->granted.hash_count);
    for (unsigned i = 0; i < message->granted.hash_count; i++)
        mpack_write_binary(to, message->granted.hashes[i], CRYPTO_HASH);
}

void wire_form_read_granted(mpack_reader *reader, wire_message *message, arena *from)
{
    mpack_read_bytes(reader, message->granted.request, WIRE_REQUEST);
    wire_form_read_position(reader, &message->granted.position);
    message->granted.hash_count = mpack_read_array(reader, WIRE_CHAIN_MAX);
    uint8_t(*hashes)[CRYPTO_HASH] = wire_form_room(reader, from, message->granted.hash_count, sizeof *hashes);
    message->granted.hashes = hashes;
    for (unsigned i = 0; !reader->failed && i < message->granted.hash_count; i++)
        mpack_read_bytes(reader, hashes[i], CRYPTO_HASH);
}

/* Whose records, as of which batch. */
static void write_as_of(batch_buffer *to, text_view scope, uint64_t incarnation, uint64_t sequence)
{
    if (incarnation == 0)
        to->failed = true;
    mpack_write_name(to, scope, BATCH_SCOPE_MAX);
    mpack_write_uint(to, incarnation);
    mpack_write_uint(to, sequence);
}

static text_view read_as_of(mpack_reader *reader, uint64_t *incarnation, uint64_t *sequence)
{
    text_view scope = mpack_read_name(reader, BATCH_SCOPE_MAX);

    *incarnation = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
    *sequence = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
    return scope;
}

void wire_form_write_digests(batch_buffer *to, const wire_message *message)
{
    write_as_of(to, message->digests.scope, message->digests.incarnation, message->digests.sequence);
    mpack_write_binary(to, message->digests.digests, WIRE_BUCKETS * WIRE_DIGEST);
}

void wire_form_read_digests(mpack_reader *reader, wire_message *message)
{
    message->digests.scope = read_as_of(reader, &message->digests.incarnation, &message->digests.sequence);
    message->digests.digests = mpack_read_fixed(reader, WIRE_BUCKETS * WIRE_DIGEST);
}

/* Is it a record that may follow the one before (NULL: the first, after `after`) in its bucket? */
static bool follows(const wire_held *what, const uint8_t *before, unsigned bucket)
{
    return in_bucket(what->key, bucket) && (before == NULL || memcmp(before, what->key, RECORD_KEY) < 0);
}

void wire_form_write_listed(batch_buffer *to, const wire_message *message)
{
    const uint8_t *before = message->listed.after;

    if (message->listed.record_count > WIRE_LISTED_MAX
        || (message->listed.more && message->listed.record_count == 0)) {
        to->failed = true;
        return;
    }
    write_as_of(to, message->listed.scope, message->listed.incarnation, message->listed.sequence);
    write_bucket(to, message->listed.bucket);
    write_after(to, message->listed.after, message->listed.bucket);
    mpack_write_bool(to, message->listed.more);
    mpack_write_array(to, message->listed.record_count);
    for (unsigned i = 0; i < message->listed.record_count; i++) {
        const wire_held *what = &message->listed.records[i];
        if (!follows(what, before, message->listed.bucket) || what->incarnation == 0 || what->sequence == 0)
            to->failed = true;
        before = what->key;
        mpack_write_array(to, HELD_FIELDS);
        mpack_write_binary(to, what->key, RECORD_KEY);
        mpack_write_name(to, what->contract, RECORD_NAME_MAX);
        mpack_write_uint(to, what->incarnation);
        mpack_write_uint(to, what->sequence);
    }
}

void wire_form_read_listed(mpack_reader *reader, wire_message *message, arena *from)
{
    message->listed.scope = read_as_of(reader, &message->listed.incarnation, &message->listed.sequence);
    message->listed.bucket = (unsigned) mpack_read_uint(reader, 0, WIRE_BUCKETS - 1);
    message->listed.after = read_after(reader, message->listed.bucket);
    message->listed.more = mpack_read_bool(reader);
    message->listed.record_count = mpack_read_array(reader, WIRE_LISTED_MAX);
    wire_held *records = wire_form_room(reader, from, message->listed.record_count, sizeof *records);
    message->listed.records = records;
    if (message->listed.more && message->listed.record_count == 0)
        mpack_read_fail(reader);
    const uint8_t *before = message->listed.after;
    for (unsigned i = 0; !reader->failed && i < message->listed.record_count; i++) {
        wire_held *what = &records[i];
        mpack_read_array_of(reader, HELD_FIELDS);
        mpack_read_bytes(reader, what->key, RECORD_KEY);
        what->contract = mpack_read_name(reader, RECORD_NAME_MAX);
        what->incarnation = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
        what->sequence = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
        if (!follows(what, before, message->listed.bucket))
            mpack_read_fail(reader);
        before = what->key;
    }
}

static void put_number(uint8_t to[8], uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t) (number >> (56 - 8 * i));
}

void wire_digest_toggle(uint8_t digest[WIRE_DIGEST], const wire_held *what)
{
    uint8_t said[RECORD_KEY + 1 + RECORD_NAME_MAX + 16], hash[WIRE_DIGEST];
    size_t name = what->contract.size <= RECORD_NAME_MAX ? what->contract.size : RECORD_NAME_MAX;

    memcpy(said, what->key, RECORD_KEY);
    said[RECORD_KEY] = (uint8_t) name;
    memcpy(said + RECORD_KEY + 1, what->contract.at, name);
    put_number(said + RECORD_KEY + 1 + name, what->incarnation);
    put_number(said + RECORD_KEY + 1 + name + 8, what->sequence);
    crypto_short_hash(hash, NULL, 0, said, RECORD_KEY + 1 + name + 16);
    for (unsigned i = 0; i < WIRE_DIGEST; i++)
        digest[i] ^= hash[i];
}
