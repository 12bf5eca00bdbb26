#include "linkage.h"

#include <assert.h>
#include <string.h>

static bool is_key_of(const batch_key *open, const token_key *key)
{
    uint8_t id[TOKEN_KEY_ID];
    token_key_id(id, key);
    return crypto_equal(id, open->id, sizeof id);
}

linkage_state linkage_state_of(const token_key *key, const linkage_told *told)
{
    for (unsigned i = 0; i < told->count; i++)
        if (told->open[i].epoch == key->epoch)
            return is_key_of(&told->open[i], key) ? LINKAGE_OPEN : LINKAGE_OTHER;
    return told->count > 0 && key->epoch < told->open[0].epoch ? LINKAGE_CLOSED : LINKAGE_UNKNOWN;
}

static const token_key *find(const token_key *held, unsigned held_count, uint32_t epoch)
{
    for (unsigned i = 0; i < held_count; i++)
        if (held[i].epoch == epoch)
            return &held[i];
    return NULL;
}

static void blocked(linkage_choice *choice, linkage_trouble trouble, uint32_t epoch)
{
    *choice = (linkage_choice){.trouble = trouble, .epoch = epoch};
}

static void troubled(linkage_choice *choice, linkage_trouble trouble, uint32_t epoch)
{
    choice->trouble = trouble;
    choice->epoch = epoch;
}

/* The hub links by the epochs that it told of: the first is needed, the second used where it is ours. */
static void choose_told(linkage_choice *choice, const token_key *held, unsigned held_count, const linkage_told *told)
{
    uint32_t first = told->open[0].epoch;
    const token_key *key = find(held, held_count, first);
    if (key == NULL) {
        blocked(choice, LINKAGE_LACKS_FIRST, first);
        return;
    }
    if (!is_key_of(&told->open[0], key)) {
        blocked(choice, LINKAGE_OTHER_FIRST, first);
        return;
    }
    *choice = (linkage_choice){.keys = key, .key_count = 1, .trouble = LINKAGE_FINE};
    const token_key *next = key + 1 < held + held_count ? key + 1 : NULL;
    if (told->count == 1) {
        /* The hub registers the epoch after the highest that it knows, and no other. */
        choice->key_count += next != NULL && next->epoch - 1 == first;
        return;
    }
    uint32_t second = told->open[1].epoch;
    if (next == NULL || next->epoch != second)
        troubled(choice, LINKAGE_LACKS_NEXT, second);
    else if (!is_key_of(&told->open[1], next))
        troubled(choice, LINKAGE_OTHER_NEXT, second);
    else
        choice->key_count = 2;
}

void linkage_choose(linkage_choice *choice, const token_key *held, unsigned held_count, const linkage_told *told)
{
    assert(told->count <= RECORD_TOKEN_SETS);
    if (held_count == 0) {
        blocked(choice, LINKAGE_NO_KEY, told->count > 0 ? told->open[0].epoch : 0);
    } else if (told->count > 0) {
        choose_told(choice, held, held_count, told);
    } else {
        /* Nobody has sent anything yet: the latest two, if they follow each other. */
        const token_key *last = held + held_count - 1;
        bool two = held_count > 1 && last[-1].epoch == last->epoch - 1;
        *choice = (linkage_choice){.keys = last - two, .key_count = 1 + two, .trouble = LINKAGE_FINE};
    }
}

bool linkage_blocks(linkage_trouble trouble)
{
    return trouble == LINKAGE_NO_KEY || trouble == LINKAGE_OTHER_FIRST || trouble == LINKAGE_LACKS_FIRST;
}

void linkage_read(linkage_told *told, text_view scope, const wire_contract *contracts, unsigned count)
{
    told->count = 0;
    for (unsigned i = 0; i < count; i++) {
        const wire_contract *one = &contracts[i];
        if (!text_equal(one->scope, scope) || one->key_count == 0)
            continue;
        if (told->count > 0 && one->keys[0].epoch < told->open[0].epoch)
            continue;
        if (told->count > 0 && one->keys[0].epoch == told->open[0].epoch && one->key_count <= told->count)
            continue;
        told->count = one->key_count;
        memcpy(told->open, one->keys, sizeof told->open);
    }
}

const char *linkage_state_name(linkage_state state)
{
    switch (state) {
    case LINKAGE_UNKNOWN: return "inconnue";
    case LINKAGE_OPEN: return "ouverte";
    case LINKAGE_CLOSED: return "close";
    case LINKAGE_OTHER: return "autre";
    }
    return "inconnue";
}
