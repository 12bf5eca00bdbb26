/* gate: a pointer under a read-write lock; the table behind it never changes. */
#include "gate.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct gate {
    pthread_rwlock_t lock;
    admission *table; /* NULL: nobody */
};

gate *gate_new(void)
{
    gate *self = calloc(1, sizeof *self);
    if (self && pthread_rwlock_init(&self->lock, NULL) != 0) {
        free(self);
        self = NULL;
    }
    return self;
}

void gate_destroy(gate **self)
{
    if (!self || !*self)
        return;
    admission_destroy(&(*self)->table);
    pthread_rwlock_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

void gate_replace(gate *self, admission **table)
{
    int error = pthread_rwlock_wrlock(&self->lock);
    assert(error == 0);
    admission *before = self->table;
    self->table = *table;
    *table = NULL;
    pthread_rwlock_unlock(&self->lock);
    admission_destroy(&before);
}

bool gate_find(gate *self, const uint8_t curve[CRYPTO_PUBLIC], admission_entry *entry)
{
    int error = pthread_rwlock_rdlock(&self->lock);
    assert(error == 0);
    bool found = self->table && admission_find(self->table, curve, entry) && !entry->revoked;
    pthread_rwlock_unlock(&self->lock);
    return found;
}
