/* proof_frame: the frames of an exported ledger, as writer and reader of proof_file share them. */
#ifndef CTAI_PROOF_FRAME_H
#define CTAI_PROOF_FRAME_H

#include "batch.h"

#define PROOF_FRAME_DOMAIN "ctai-registre-1"
#define PROOF_FRAME_END_DOMAIN "ctai-registre-fin-1"

/* The first field of a frame. */
typedef enum {
    PROOF_FRAME_HEAD,
    PROOF_FRAME_AGENT,
    PROOF_FRAME_FORMER,
    PROOF_FRAME_SCOPE,
    PROOF_FRAME_GRANT,
    PROOF_FRAME_BATCH,
    PROOF_FRAME_CONTRACT,
    PROOF_FRAME_END,
    PROOF_FRAME_KINDS,
} proof_frame;

enum { PROOF_FRAME_DOMAIN_MAX = 32, PROOF_FRAME_STATEMENT_FIELDS = 3, PROOF_FRAME_STATEMENT_MAX = 128 };

/* Fields of each kind, the first included. */
static const unsigned proof_frame_fields[PROOF_FRAME_KINDS] = {
    [PROOF_FRAME_HEAD] = 5,  [PROOF_FRAME_AGENT] = 2, [PROOF_FRAME_FORMER] = 3,   [PROOF_FRAME_SCOPE] = 4,
    [PROOF_FRAME_GRANT] = 4, [PROOF_FRAME_BATCH] = 5, [PROOF_FRAME_CONTRACT] = 6, [PROOF_FRAME_END] = 3,
};

/* seal becomes hash32(seal + hash32(frame)); zeros at first. */
void proof_frame_seal(uint8_t seal[CRYPTO_HASH], text_view frame);

#endif
