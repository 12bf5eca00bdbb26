/* erasure: see erasure.h. */
#include "erasure.h"

#include <string.h>

#include "recordkey.h"

static const uint8_t unknown[CRYPTO_SHORT_HASH];

static bool known(const uint8_t hash[CRYPTO_SHORT_HASH])
{
    return memcmp(hash, unknown, CRYPTO_SHORT_HASH) != 0;
}

static bool equal(const uint8_t a[CRYPTO_SHORT_HASH], const uint8_t b[CRYPTO_SHORT_HASH])
{
    return known(a) && memcmp(a, b, CRYPTO_SHORT_HASH) == 0;
}

void erasure_of_id(erasure_person *to, const uint8_t *record_key, text_view id_local)
{
    memset(to, 0, sizeof *to);
    if (id_local.size > 0)
        recordkey_person(to->id, record_key, "id", id_local);
}

bool erasure_same(const erasure_person *a, const erasure_person *b)
{
    if (equal(a->id, b->id))
        return true;
    if (known(a->number) && known(b->number))
        return equal(a->number, b->number);
    return equal(a->identity, b->identity);
}
