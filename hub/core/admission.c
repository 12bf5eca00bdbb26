/* admission: a sorted array. Errors: memory, a key that two agents claim. */
#include "admission.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct admission {
    admission_entry *items;
    size_t count, capacity;
    bool sealed;
};

admission *admission_new(void)
{
    return calloc(1, sizeof(admission));
}

void admission_destroy(admission **self)
{
    if (!self || !*self)
        return;
    free((*self)->items);
    free(*self);
    *self = NULL;
}

bool admission_add(admission *self, const admission_entry *entry)
{
    assert(!self->sealed);
    if (self->count == ADMISSION_MAX)
        return false;
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 16;
        admission_entry *items = realloc(self->items, capacity * sizeof *items);
        if (!items)
            return false;
        self->items = items;
        self->capacity = capacity;
    }
    self->items[self->count++] = *entry;
    return true;
}

static int by_sign(const void *a, const void *b)
{
    return memcmp(((const admission_entry *) a)->sign, ((const admission_entry *) b)->sign, CRYPTO_PUBLIC);
}

static int by_curve(const void *a, const void *b)
{
    return memcmp(((const admission_entry *) a)->curve, ((const admission_entry *) b)->curve, CRYPTO_PUBLIC);
}

static bool distinct(const admission *self, int (*compare)(const void *, const void *))
{
    for (size_t i = 1; i < self->count; i++)
        if (compare(&self->items[i - 1], &self->items[i]) == 0)
            return false;
    return true;
}

bool admission_seal(admission *self)
{
    self->sealed = true;
    if (self->count < 2)
        return true;
    qsort(self->items, self->count, sizeof *self->items, by_sign);
    bool signs_distinct = distinct(self, by_sign);
    qsort(self->items, self->count, sizeof *self->items, by_curve);
    return signs_distinct && distinct(self, by_curve);
}

size_t admission_count(const admission *self)
{
    return self->count;
}

bool admission_find(const admission *self, const uint8_t curve[CRYPTO_PUBLIC], admission_entry *entry)
{
    assert(self->sealed);
    admission_entry wanted = {0};
    memcpy(wanted.curve, curve, CRYPTO_PUBLIC);
    const admission_entry *found = self->count
        ? bsearch(&wanted, self->items, self->count, sizeof *self->items, by_curve) : NULL;
    if (!found)
        return false;
    *entry = *found;
    return true;
}

bool admission_allows(const admission *self, const uint8_t curve[CRYPTO_PUBLIC])
{
    admission_entry entry;
    return admission_find(self, curve, &entry) && !entry.revoked;
}
