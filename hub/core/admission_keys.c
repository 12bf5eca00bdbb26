/* admission_keys: see the header. There are no errors: each question has an answer. */
#include "admission_keys.h"

#include <string.h>

static const admission_key *find(const admission_key *known, size_t count, uint32_t epoch)
{
    for (size_t i = 0; i < count; i++)
        if (known[i].key.epoch == epoch)
            return &known[i];
    return NULL;
}

static bool is_same(const batch_key *one, const batch_key *other)
{
    return one->epoch == other->epoch && memcmp(one->id, other->id, TOKEN_KEY_ID) == 0;
}

static unsigned count_open(const admission_key *known, size_t count)
{
    unsigned open = 0;
    for (size_t i = 0; i < count; i++)
        open += !known[i].closed;
    return open;
}

bool admission_keys_take(const admission_key *known, size_t count, const batch_header *header, unsigned *fresh)
{
    uint64_t highest = count > 0 ? known[count - 1].key.epoch : 0; /* 0: the first ever may be any */
    unsigned open = count_open(known, count);
    *fresh = 0;
    for (unsigned i = 0; i < header->key_count; i++) {
        const batch_key *key = &header->keys[i];
        const admission_key *one = find(known, count, key->epoch);
        if (one && (one->scheme != header->scheme || !is_same(&one->key, key)))
            return false;
        if (one)
            continue;
        if ((highest > 0 && key->epoch != highest + 1) || open == RECORD_TOKEN_SETS)
            return false;
        highest = key->epoch;
        open++;
        ++*fresh;
    }
    return true;
}

bool admission_keys_close(const admission_key *known, size_t count, const batch_key *which, uint32_t *next)
{
    const admission_key *older = NULL, *newer = NULL;
    for (size_t i = 0; i < count; i++)
        if (!known[i].closed)
            *(older ? &newer : &older) = &known[i];
    if (!newer || !is_same(&older->key, which))
        return false;
    *next = newer->key.epoch;
    return true;
}
