#include "difference.h"

#include <assert.h>
#include <string.h>

void difference_init(difference *self, bool complete)
{
    memset(self, 0, sizeof *self);
    self->complete = complete;
}

int difference_order(const uint8_t made_key[RECORD_KEY], const difference_entry *held)
{
    assert(made_key != NULL || held != NULL);
    if (held == NULL)
        return -1;
    if (made_key == NULL)
        return 1;
    return memcmp(made_key, held->key, RECORD_KEY);
}

difference_kind difference_take(difference *self, const uint8_t made_content[CRYPTO_SHORT_HASH],
                                const difference_entry *held, bool retained)
{
    assert(made_content != NULL || held != NULL);
    difference_kind kind;
    if (held == NULL)
        kind = DIFFERENCE_NEW;
    else if (made_content == NULL)
        kind = self->complete && !retained ? DIFFERENCE_WITHDRAWN : DIFFERENCE_KEPT;
    else
        kind = memcmp(made_content, held->content, CRYPTO_SHORT_HASH) == 0 ? DIFFERENCE_UNCHANGED
                                                                           : DIFFERENCE_CHANGED;
    self->held += held != NULL;
    self->count[kind]++;
    return kind;
}

bool difference_withdraws_too_much(const difference *self)
{
    unsigned long withdrawn = self->count[DIFFERENCE_WITHDRAWN];
    return withdrawn > DIFFERENCE_GUARD_RECORDS && withdrawn > self->held - withdrawn;
}
