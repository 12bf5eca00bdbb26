/* agent_key: what the commands about linkage keys share. */
#ifndef CTAI_AGENT_KEY_H
#define CTAI_AGENT_KEY_H

#include "agent_call.h"

/* Is --scope a scope's name? 0 or an exit code, said. */
int agent_key_scope(cli_call *call);

/* What people compare of a linkage key: digits that do not give it away. */
void agent_key_name(char name[CRYPTO_FINGERPRINT_TEXT], const token_key *key);

#endif
