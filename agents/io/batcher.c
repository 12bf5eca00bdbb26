#include "batcher.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SALTS_AT_ONCE = 256 }; /* asking the system for each alone costs more than all else about a record */

struct batcher {
    outbox *to;
    const crypto_sign_pair *sign;
    outbox_scope scope; /* as it will be when all that was added is there */
    uint64_t count;
    unsigned key_count;
    batch_key keys[RECORD_TOKEN_SETS];
    bool tokens; /* some record of the batch has one */
    batch_buffer body, packed, header;
    uint8_t salts[SALTS_AT_ONCE][CRYPTO_SALT]; /* the first salt_count are still to be used, each once */
    unsigned salt_count;
    unsigned body_count;
    struct { size_t at, size; } bodies[BATCH_BODIES_MAX]; /* where each lies in packed */
    uint8_t hashes[BATCH_BODIES_MAX][CRYPTO_HASH];
};

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *)buffer->data, buffer->size};
}

batcher *batcher_new(outbox *to, const agent_home *agent, text_view scope)
{
    batcher *self = calloc(1, sizeof *self);
    if (self == NULL) {
        outbox_spoil(to, OUTBOX_NO_MEMORY);
        return NULL;
    }
    outbox_error error = outbox_scope_load(to, scope, &self->scope);
    if (error != OUTBOX_OK) {
        outbox_spoil(to, error);
        free(self);
        return NULL;
    }
    self->to = to;
    self->sign = &agent->secrets->sign;
    batch_buffer_init(&self->body, BATCH_BODY_MAX);
    batch_buffer_init(&self->packed, OUTBOX_BODIES_MAX + 2 * BATCH_BODY_MAX);
    batch_buffer_init(&self->header, BATCH_HEADER_MAX);
    return self;
}

void batcher_destroy(batcher **self)
{
    if (*self == NULL)
        return;
    assert((*self)->body_count == 0); /* what was added must be ended */
    batch_buffer_release(&(*self)->body);
    batch_buffer_release(&(*self)->packed);
    batch_buffer_release(&(*self)->header);
    free(*self);
    *self = NULL;
}

void batcher_use_keys(batcher *self, const token_key *keys, unsigned count)
{
    assert(count <= RECORD_TOKEN_SETS && self->body_count == 0);
    self->key_count = count;
    for (unsigned i = 0; i < count; i++) {
        self->keys[i].epoch = keys[i].epoch;
        token_key_id(self->keys[i].id, &keys[i]);
    }
}

/* The hash of each body: all at once. */
static void hash_bodies(batcher *self)
{
    text_view bodies[BATCH_BODIES_MAX];
    if (self->packed.failed)
        return;
    for (unsigned i = 0; i < self->body_count; i++)
        bodies[i] = (text_view){(const char *)self->packed.data + self->bodies[i].at, self->bodies[i].size};
    batch_hash_bodies(self->hashes, bodies, self->body_count);
}

/* Signs what has come together as the scope's next batch. */
static void flush(batcher *self, const batch_coverage *coverage)
{
    batch_coverage stated = {0};
    batch_header header = {
        .scope = text_of(self->scope.scope),
        .incarnation = self->scope.incarnation,
        .sequence = self->scope.queued + 1,
        .scheme = TOKEN_SCHEME_BLAKE2B,
        .key_count = self->tokens ? self->key_count : 0,
        .coverage_count = coverage == NULL ? 0 : 1,
        .coverage = &stated,
        .body_count = self->body_count,
        .hashes = self->hashes,
    };
    if (coverage != NULL)
        stated = *coverage;
    memcpy(header.agent, self->sign->public_key, CRYPTO_PUBLIC);
    memcpy(header.previous, self->scope.queued_hash, CRYPTO_HASH);
    memcpy(header.keys, self->keys, sizeof header.keys);
    hash_bodies(self);
    batch_buffer_clear(&self->header);
    batch_write_header(&self->header, &header);
    if (self->header.failed || self->packed.failed) {
        outbox_spoil(self->to, OUTBOX_NO_MEMORY);
    } else {
        uint8_t signature[CRYPTO_SIGNATURE];
        batch_sign(signature, bytes_of(&self->header), self->sign);
        outbox_error error = outbox_append(self->to, header.scope, header.sequence, bytes_of(&self->header),
                                           signature, bytes_of(&self->packed), self->body_count);
        outbox_scope after; /* the outbox has made the header's hash */
        if (error == OUTBOX_OK)
            error = outbox_scope_load(self->to, header.scope, &after);
        if (error == OUTBOX_OK) {
            self->scope.queued = header.sequence;
            memcpy(self->scope.queued_hash, after.queued_hash, CRYPTO_HASH);
            self->count++;
        } else {
            outbox_spoil(self->to, error);
        }
    }
    self->body_count = 0;
    self->tokens = false;
    batch_buffer_clear(&self->packed);
}

static const uint8_t *next_salt(batcher *self)
{
    if (self->salt_count == 0) {
        crypto_random_many(self->salts, sizeof self->salts);
        self->salt_count = SALTS_AT_ONCE;
    }
    return self->salts[--self->salt_count];
}

void batcher_add_body(batcher *self, const record *what, batch_buffer *body)
{
    if (self->body_count == BATCHER_RECORDS || self->packed.size > OUTBOX_BODIES_MAX)
        flush(self, NULL);
    if (body->failed) {
        outbox_spoil(self->to, OUTBOX_NO_MEMORY);
        return;
    }
    batch_salt_body(body->data, next_salt(self));
    assert(what->operation != RECORD_PUT || what->token_sets == 0 || what->token_sets == self->key_count);
    self->tokens = self->tokens || (what->operation == RECORD_PUT && what->token_sets > 0);
    outbox_pack(&self->packed, bytes_of(body));
    self->bodies[self->body_count].at = self->packed.size - body->size; /* a packed body ends with its bytes */
    self->bodies[self->body_count++].size = body->size;
}

void batcher_add(batcher *self, const record *what)
{
    static const uint8_t no_salt[CRYPTO_SALT];
    batch_buffer_clear(&self->body);
    batch_write_body(&self->body, what, no_salt);
    batcher_add_body(self, what, &self->body);
}

void batcher_end(batcher *self, const batch_coverage *coverage)
{
    if (self->body_count > 0 || coverage != NULL)
        flush(self, coverage);
}

uint64_t batcher_incarnation(const batcher *self)
{
    return self->scope.incarnation;
}

uint64_t batcher_sequence(const batcher *self)
{
    return self->scope.queued + 1;
}

uint64_t batcher_count(const batcher *self)
{
    return self->count;
}
