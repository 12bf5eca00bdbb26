/*
 * narrate: the texts that an operator sends by an explicit command, one per contract, action and indicator: from a text
 * to a batch in the outbox, in one transaction with what the hub then holds.
 *
 * Always true: a text that the hub holds already adds no batch; a new one replaces it under the same key.
 */
#ifndef CTAI_NARRATE_H
#define CTAI_NARRATE_H

#include "agent_home.h"
#include "outbox.h"

/* The cell that a text belongs to; the action is one of the contract's. */
typedef struct {
    const wire_contract *terms;
    text_view action, indicator; /* the indicator: 1 to RECORD_NAME_MAX bytes */
} narrate_cell;

typedef struct {
    uint8_t key[RECORD_KEY];
    bool queued;   /* a batch was added */
    bool was_held; /* the hub held a text of the cell, or was being sent one, as far as is known here */
} narrate_result;

/* Queues the text (1 to RECORD_TEXT_MAX bytes), unless the hub has just that. */
outbox_error narrate_put(outbox *box, const agent_home *agent, const narrate_cell *of, text_view text, narrate_result *done)
    __attribute__((warn_unused_result));

/* Queues the withdrawal of the cell's text, also when none is known here: a machine that was restored may not know. */
outbox_error narrate_withdraw(outbox *box, const agent_home *agent, const narrate_cell *of, narrate_result *done)
    __attribute__((warn_unused_result));

/*
 * Was what was queued refused? *reason is RECORD_OK or why. A first text that was refused is then forgotten, as though it
 * had never been: nothing of it is left to send or to tell.
 */
outbox_error narrate_refused(outbox *box, const narrate_cell *of, const narrate_result *done, record_reason *reason)
    __attribute__((warn_unused_result));

#endif
