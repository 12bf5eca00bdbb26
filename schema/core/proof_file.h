/*
 * proof_file: an exported ledger (PROTOCOL.md, "An exported ledger"): a file of frames, each four bytes of its length
 * (big-endian) and one canonical array. Writers append one frame; the reader takes them one by one, and verifies all
 * that they say with proof_check, so that memory is bounded by one frame and the number of agents and receipts.
 *
 * Always true: the hub's signature in the last frame covers every frame before it; nothing comes after it.
 */
#ifndef CTAI_PROOF_FILE_H
#define CTAI_PROOF_FILE_H

#include "proof_check.h"
#include "proof_receipts.h"

enum {
    PROOF_FILE_LENGTH = 4,                                  /* bytes before each frame */
    PROOF_FILE_FRAME_MAX = PROOF_DEFINITION_MAX + 4 * 1024, /* bytes of a frame; a header is smaller */
};

/* A file that is being written: what its last frame will cover. */
typedef struct {
    uint64_t frames;
    uint8_t seal[CRYPTO_HASH];
} proof_file_writer;

/* Each appends one frame, with its length, to a cleared buffer. Agents are numbered from 0 in their order. */
void proof_file_write_head(proof_file_writer *self, batch_buffer *to, const uint8_t hub_curve[CRYPTO_PUBLIC],
                           const uint8_t hub_sign[CRYPTO_PUBLIC], uint64_t seconds);
void proof_file_write_agent(proof_file_writer *self, batch_buffer *to, const credential_identity *agent);
/* Keys that the agent had before. */
void proof_file_write_former(proof_file_writer *self, batch_buffer *to, unsigned agent, const credential_identity *before);
/* Where it ends; its grants and entries follow. */
void proof_file_write_scope(proof_file_writer *self, batch_buffer *to, text_view scope, uint64_t position,
                            const uint8_t chain[CRYPTO_HASH]);
void proof_file_write_grant(proof_file_writer *self, batch_buffer *to, unsigned agent, uint64_t incarnation, uint64_t base);
void proof_file_write_batch(proof_file_writer *self, batch_buffer *to, uint64_t position, text_view header,
                            const uint8_t signature[CRYPTO_SIGNATURE], const uint8_t chain[CRYPTO_HASH]);
void proof_file_write_contract(proof_file_writer *self, batch_buffer *to, uint64_t position, text_view id, uint64_t version,
                               text_view definition, const uint8_t chain[CRYPTO_HASH]);
void proof_file_write_end(proof_file_writer *self, batch_buffer *to, const crypto_sign_pair *hub_sign);

typedef enum {
    PROOF_FILE_MORE,       /* the next frame, please */
    PROOF_FILE_DONE,       /* that was the last one, and the hub has signed all */
    PROOF_FILE_MALFORMED,  /* no frame of this form, or not in its order */
    PROOF_FILE_OTHER_HUB,  /* not of the hub that was asked for */
    PROOF_FILE_UNSEALED,   /* the last frame's signature is not the hub's, or not over these frames */
    PROOF_FILE_NO_MEMORY,
} proof_file_state;

typedef struct {
    const char *hub;                /* the fingerprint that the hub must have; NULL: any */
    const proof_receipts *receipts; /* of agents, to be laid beside the ledger */
    unsigned receipt_files;
    void (*tell)(void *data, const proof_check_finding *finding);
    /* That file's receipts were laid beside it, or why not (once each, before the first scope). */
    void (*tell_receipts)(void *data, unsigned file, proof_receipts_fit fit);
    void *data;
} proof_file_options;

typedef struct proof_file proof_file;

/* scratch: WIRE_SCRATCH_BYTES at least. NULL when memory is short. */
proof_file *proof_file_new(arena *memory, arena *scratch, const proof_file_options *options) __attribute__((warn_unused_result));
/* After any state but MORE nothing more is taken. */
proof_file_state proof_file_take(proof_file *self, text_view frame) __attribute__((warn_unused_result));

/* Of the hub, after the first frame; "" before. When it was exported: seconds since 1970. */
const char *proof_file_hub(const proof_file *self);
uint64_t proof_file_seconds(const proof_file *self);
proof_check_totals proof_file_total(const proof_file *self);

#endif
