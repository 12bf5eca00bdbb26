/* store_timeliness: what the operators have said of each contract, for timeliness.h; one snapshot. */
#ifndef CTAI_STORE_TIMELINESS_H
#define CTAI_STORE_TIMELINESS_H

#include "timeliness.h"
#include "store.h"

typedef struct {
    text_view id, definition; /* the text of its last version */
    timeliness_known known;     /* statements by action's place, then agent's name */
} store_timeliness_contract;

typedef struct {
    civil_day today;          /* UTC */
    unsigned contract_count;
    store_timeliness_contract *contracts; /* by id */
} store_timeliness;

/*
 * id: of one, or NULL: all. today: an ISO day, or NULL: the database's. with_months: also of which months there are
 * records, which reads them all. DATABASE_OK with no contract when there is none of that id.
 */
database_error store_timeliness_read(store *self, const char *id, const char *today, bool with_months, arena *from,
                                   store_timeliness *to) __attribute__((warn_unused_result));

#endif
