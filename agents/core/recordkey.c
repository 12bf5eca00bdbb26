/* recordkey: see recordkey.h. A part is its size (4 bytes, little-endian) and its bytes; one over PART_MAX stands
 * as its digest. */
#include "recordkey.h"

#include <assert.h>
#include <string.h>

enum { PARTS_MAX = 5, PART_MAX = 192 };

static void hash_parts(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *secret, const text_view *parts, size_t count)
{
    uint8_t message[PARTS_MAX * (4 + PART_MAX)];
    size_t size = 0;
    assert(count <= PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        text_view part = parts[i];
        uint8_t digest[CRYPTO_HASH];
        const uint8_t bytes[4] = {(uint8_t)part.size, (uint8_t)(part.size >> 8), (uint8_t)(part.size >> 16), (uint8_t)(part.size >> 24)};
        memcpy(message + size, bytes, sizeof bytes);
        size += sizeof bytes;
        if (part.size > PART_MAX) {
            crypto_digest(digest, secret, CRYPTO_KEY, part.at, part.size);
            part = (text_view){(const char *)digest, sizeof digest};
        }
        if (part.size > 0)
            memcpy(message + size, part.at, part.size);
        size += part.size;
    }
    crypto_short_hash(to, secret, CRYPTO_KEY, message, size);
}

void recordkey_event(uint8_t key[RECORD_KEY], const uint8_t *secret, text_view contract, text_view id_evenement)
{
    hash_parts(key, secret, (text_view[]){text_of("event"), contract, id_evenement}, 3);
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
    text_view who = {(const char *)subject, RECORD_KEY};
    hash_parts(key, secret, (text_view[]){text_of("beneficiary"), who, text_of(text)}, 3);
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
    text_view type_name = text_of(fact_rule_of(type)->name);
    hash_parts(reference, secret, (text_view[]){text_of("reference"), contract, action, type_name, name}, 5);
}
