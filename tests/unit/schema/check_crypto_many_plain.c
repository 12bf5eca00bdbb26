/* The same where the processor has no wider vectors: made of the source itself, for this one has them. */
#define CRYPTO_MANY_PLAIN
#include "../../../schema/core/crypto_many.c"

#include "check_crypto_many.c"
