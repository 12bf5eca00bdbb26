/*
 * vectors: byte-exact examples of the protocol, made from fixed keys: the files of schema/vectors. Building them is a
 * test as well: each good one must be read and written again to the same bytes, each bad one refused.
 */
#ifndef CTAI_VECTORS_H
#define CTAI_VECTORS_H

#include "credential.h"

enum { VECTORS_FILES = 7, VECTORS_FILE_MAX = 1 << 20 };

typedef struct {
    const char *name; /* "messages.json" */
    batch_buffer text;
} vectors_file;

/* Builds all files; the caller releases their texts. Returns the number of faults, each told on stderr. */
unsigned vectors_build(vectors_file files[VECTORS_FILES]);

/* The rest is shared by the files of this folder. */

extern unsigned vectors_faults;
extern batch_buffer *vectors_to; /* the file that is being made */

void vectors_fault(const char *name, const char *what);

/* JSON: an array of objects, one a line; a field is led by a comma unless it is the object's first. */
void vectors_put(const char *text);
void vectors_string(text_view text); /* quoted */
void vectors_hex(const void *data, size_t size);
void vectors_field(const char *name);
void vectors_text_field(const char *name, text_view text);
void vectors_hex_field(const char *name, const void *data, size_t size);
/* The bytes as JSON: binaries as {"bin": hex}. They must be canonical. */
void vectors_value_field(const char *name, text_view bytes);
void vectors_open(const char *name);  /* {"name": ... */
void vectors_close(bool last);

text_view vectors_bytes(const batch_buffer *buffer);

/* Reads bytes as one kind of thing; when it takes them, writes what it has read to again. */
typedef bool vectors_round(text_view bytes, batch_buffer *again, arena *scratch);
void vectors_good(const char *type, const char *name, text_view bytes, vectors_round *round);
/* reason in words; number is a record's reason, or 0. */
void vectors_bad(const char *type, const char *name, const char *reason, unsigned number, text_view bytes, vectors_round *round);

/* Fixed keys, from a seed of 32 equal bytes. */
void vectors_sign_pair(crypto_sign_pair *pair, uint8_t seed);
void vectors_box_pair(crypto_box_pair *pair, uint8_t seed);

void vectors_fold(void);
void vectors_tokens(void);
void vectors_messages(void);
void vectors_bodies(void);
void vectors_batches(void);
void vectors_receipts(void);
void vectors_credentials(void);

#endif
