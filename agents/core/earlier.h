/* earlier: a reading of what stands of earlier exports of a contract, wherever it is kept; ascending by event. */
#ifndef CTAI_EARLIER_H
#define CTAI_EARLIER_H

#include "export_terms.h"

enum { EARLIER_ROOM = 128 };

typedef struct {
    const export_contract *of;
    size_t next;                    /* of all */
    size_t at, count;               /* of those in room */
    export_contribution room[EARLIER_ROOM];
    bool failed;                    /* they cannot be read */
} earlier;

void earlier_start(earlier *self, const export_contract *of);
/* The next, good until the next call; NULL after the last, or when it has failed. */
const export_contribution *earlier_next(earlier *self);

#endif
