/* parcel: see the header. */
#include "parcel.h"

#include <stdlib.h>

static void destroy(parcel *what)
{
    zmq_msg_close(&what->frame);
    arena_destroy(&what->job.scratch);
    free(what);
}

parcel *parcel_take(parcel_pool *self)
{
    if (self->kept_count)
        return self->kept[--self->kept_count];
    parcel *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    zmq_msg_init(&made->frame);
    made->job.scratch = arena_new(PARCEL_SCRATCH_BYTES);
    if (!made->job.scratch) {
        destroy(made);
        return NULL;
    }
    return made;
}

void parcel_give(parcel_pool *self, parcel *what)
{
    if (self->kept_count == PARCEL_KEPT_MAX) {
        destroy(what);
        return;
    }
    arena *scratch = what->job.scratch;
    arena_clear(scratch);
    zmq_msg_close(&what->frame);
    zmq_msg_init(&what->frame);
    what->job = (job) { .scratch = scratch };
    what->connection = 0;
    self->kept[self->kept_count++] = what;
}

void parcel_pool_release(parcel_pool *self)
{
    while (self->kept_count)
        destroy(self->kept[--self->kept_count]);
}
