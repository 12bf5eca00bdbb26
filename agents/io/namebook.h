/*
 * namebook: what tells the people of the operator's `personnes`, kept from push to push as keyed hashes (privacy.h), so
 * that a text which names one of them can be refused without the table.
 *
 * Always true: it is that of the contract's last push that was queued: a whole table replaces all of it, one of additions
 * renews its own people. An erased person's entries go with the erasure, and come back only with a table that still has
 * the person: who is in the table must not be in a text.
 */
#ifndef CTAI_NAMEBOOK_H
#define CTAI_NAMEBOOK_H

#include "agent_home.h"
#include "export.h"
#include "outbox.h"
#include "privacy.h"

/* Within a transaction: that of each contract of the export. A failure sticks. */
outbox_error namebook_keep(outbox *to, const agent_home *agent, const export *made);

/* That of a contract, in the arena; ABSENT: no table was ever pushed. */
outbox_error namebook_load(outbox *from, text_view contract, arena *memory, privacy_list *list)
    __attribute__((warn_unused_result));

/* Within a transaction: takes a person's entries out of a contract's. */
outbox_error namebook_forget(outbox *box, text_view contract, const erasure_person *who);

#endif
