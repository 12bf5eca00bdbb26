/* recordkey: see recordkey.h. A part is its size (4 bytes, little-endian) and its bytes; one over RECORDKEY_PART_MAX stands
 * as its digest. */
#include "recordkey.h"

#include <assert.h>
#include <string.h>

_Static_assert((int)RECORD_KEY == (int)CRYPTO_SHORT_HASH && (int)RECORD_REFERENCE == (int)CRYPTO_SHORT_HASH, "all are of one size");

/* What is hashed; its size. */
static size_t write_message(char to[RECORDKEY_MESSAGE], const uint8_t *secret, const text_view *parts, size_t count)
{
    size_t size = 0;
    assert(count <= RECORDKEY_PARTS);
    for (size_t i = 0; i < count; i++) {
        text_view part = parts[i];
        uint8_t digest[CRYPTO_HASH];
        const uint8_t bytes[4] = {(uint8_t)part.size, (uint8_t)(part.size >> 8), (uint8_t)(part.size >> 16), (uint8_t)(part.size >> 24)};
        memcpy(to + size, bytes, sizeof bytes);
        size += sizeof bytes;
        if (part.size > RECORDKEY_PART_MAX) {
            crypto_digest(digest, secret, CRYPTO_KEY, part.at, part.size);
            part = (text_view){(const char *)digest, sizeof digest};
        }
        if (part.size > 0)
            memcpy(to + size, part.at, part.size);
        size += part.size;
    }
    return size;
}

static void hash_parts(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *secret, const text_view *parts, size_t count)
{
    char message[RECORDKEY_MESSAGE];
    size_t size = write_message(message, secret, parts, count);
    crypto_short_hash(to, secret, CRYPTO_KEY, message, size);
}

/* What is hashed of those that are made one by one and together. */
#define EVENT_PARTS(contract, id) ((text_view[]){text_of("event"), (contract), (id)})
#define BENEFICIARY_PARTS(subject, month) \
    ((text_view[]){text_of("beneficiary"), {(const char *)(subject), RECORD_KEY}, text_of(month)})
#define REFERENCE_PARTS(contract, action, type, name) \
    ((text_view[]){text_of("reference"), (contract), (action), text_of(fact_rule_of(type)->name), (name)})

void recordkey_event(uint8_t key[RECORD_KEY], const uint8_t *secret, text_view contract, text_view id_evenement)
{
    hash_parts(key, secret, EVENT_PARTS(contract, id_evenement), 3);
}

void recordkey_subject(uint8_t key[RECORD_KEY], const uint8_t *secret, text_view contract, text_view action,
                       text_view id_local)
{
    hash_parts(key, secret, (text_view[]){text_of("subject"), contract, action, id_local}, 4);
}

void recordkey_beneficiary(uint8_t key[RECORD_KEY], const uint8_t *secret, const uint8_t subject[RECORD_KEY],
                           civil_month month)
{
    char text[CIVIL_MONTH_TEXT];
    civil_month_text(month, text);
    hash_parts(key, secret, BENEFICIARY_PARTS(subject, text), 3);
}

void recordkey_person(uint8_t key[CRYPTO_SHORT_HASH], const uint8_t *secret, const char *kind, text_view what)
{
    hash_parts(key, secret, (text_view[]){text_of("person"), text_of(kind), what}, 3);
}

/* The second half of a narrative's key follows from the first. */
static const uint8_t of_everybody[CRYPTO_KEY] = "ctai-narrative-1";
enum { HALF = RECORD_KEY / 2 };

static void hash_half(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t key[RECORD_KEY])
{
    hash_parts(to, of_everybody, (text_view[]){text_of("mark"), {(const char *)key, HALF}}, 2);
}

void recordkey_narrative(uint8_t key[RECORD_KEY], text_view contract, text_view action, text_view indicator)
{
    uint8_t mark[CRYPTO_SHORT_HASH];
    hash_parts(key, of_everybody, (text_view[]){text_of("narrative"), contract, action, indicator}, 4);
    hash_half(mark, key);
    memcpy(key + HALF, mark, RECORD_KEY - HALF);
}

bool recordkey_is_narrative(const uint8_t key[RECORD_KEY])
{
    uint8_t mark[CRYPTO_SHORT_HASH];
    hash_half(mark, key);
    return memcmp(key + HALF, mark, RECORD_KEY - HALF) == 0;
}

void recordkey_reference(uint8_t reference[RECORD_REFERENCE], const uint8_t *secret, text_view contract,
                         text_view action, fact_type type, text_view name)
{
    hash_parts(reference, secret, REFERENCE_PARTS(contract, action, type, name), 5);
}

void recordkey_queue_init(recordkey_queue *self, const uint8_t *secret)
{
    self->secret = secret;
    self->count = 0;
    self->used = 0;
    crypto_many_begin(&self->start, CRYPTO_SHORT_HASH, secret);
}

static void queue(recordkey_queue *self, uint8_t *to, const text_view *parts, size_t count)
{
    assert(self->count < RECORDKEY_QUEUE);
    char *message = self->bytes + self->used;
    size_t size = write_message(message, self->secret, parts, count);
    self->used += size;
    self->messages[self->count] = (text_view){message, size};
    self->to[self->count++] = to;
}

void recordkey_queue_event(recordkey_queue *self, uint8_t *key, text_view contract, text_view id_evenement)
{
    queue(self, key, EVENT_PARTS(contract, id_evenement), 3);
}

void recordkey_queue_beneficiary(recordkey_queue *self, uint8_t *key, const uint8_t subject[RECORD_KEY], civil_month month)
{
    char text[CIVIL_MONTH_TEXT];
    civil_month_text(month, text);
    queue(self, key, BENEFICIARY_PARTS(subject, text), 3);
}

void recordkey_queue_reference(recordkey_queue *self, uint8_t *reference, text_view contract, text_view action, fact_type type,
                               text_view name)
{
    queue(self, reference, REFERENCE_PARTS(contract, action, type, name), 5);
}

void recordkey_queue_make(recordkey_queue *self)
{
    uint8_t made[RECORDKEY_QUEUE][CRYPTO_SHORT_HASH];
    crypto_many_of(&self->start, *made, self->messages, self->count);
    for (unsigned i = 0; i < self->count; i++)
        memcpy(self->to[i], made[i], CRYPTO_SHORT_HASH);
    self->count = 0;
    self->used = 0;
}
