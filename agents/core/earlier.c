/* earlier: see the header. */
#include "earlier.h"

void earlier_start(earlier *self, const export_contract *of)
{
    self->of = of;
    self->next = self->at = self->count = 0;
    self->failed = false;
}

const export_contribution *earlier_next(earlier *self)
{
    const export_contract *of = self->of;
    if (self->failed)
        return NULL;
    if (!of->read_earlier)
        return self->next < of->earlier_count ? &of->earlier[self->next++] : NULL;
    if (self->at == self->count) {
        self->at = 0;
        self->count = of->read_earlier(of->earlier_data, self->next, EARLIER_ROOM, self->room);
        self->failed = self->count == SIZE_MAX;
        if (self->failed || self->count == 0)
            return NULL;
    }
    self->next++;
    return &self->room[self->at++];
}
