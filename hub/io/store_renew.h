/* store_renew: a RENEW, inside store_ask's transaction: locks, the judgement of admission_chain, the grant. */
#ifndef CTAI_STORE_RENEW_H
#define CTAI_STORE_RENEW_H

#include "store_ask.h"

database_error store_renew(database *connection, const uint8_t agent[CRYPTO_PUBLIC], const wire_message *renew, arena *from,
                           store_answer *answer) __attribute__((warn_unused_result));

#endif
