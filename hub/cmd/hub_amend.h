/* hub_amend: `ctai-hub contract amend`, and the checking of an amendment's file. */
#ifndef CTAI_HUB_AMEND_H
#define CTAI_HUB_AMEND_H

#include "hub_base.h"
#include "store_contract.h"

/*
 * Checks the file of the operand « fichier », an amendment's, with its contract when the hub's home is there and has it;
 * else *alone, and said holds its contract's id and its number only. True when nothing is wrong.
 */
bool hub_amend_check(cli_call *call, arena *memory, text_view bytes, diag_sink *sink, contract *said, bool *alone);

/* Says that there is no such contract, with the nearest that there is: 65. */
int hub_amend_unknown(cli_call *call, hub_base *base, arena *memory, const char *id);

#endif
