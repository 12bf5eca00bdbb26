/*
 * input: an operator's file, as one whole in memory or read in pieces. Read, not mapped: a file on a network share that
 * shrinks under a map would end the program. What is read is wiped when it is given back.
 */
#ifndef CTAI_INPUT_H
#define CTAI_INPUT_H

#include "cli.h"
#include "crypto.h"
#include "csv.h"
#include "text.h"

#define INPUT_SIZE_MAX ((size_t)2 << 30) /* bytes */

typedef struct {
    void *data; /* NULL when empty */
    size_t size;
} input;

/*
 * Makes an input that can only be read once (a pipe, standard input, a terminal) one that can be read
 * again and handed to another process: its content moves into memory. Errors are left in file->error.
 */
void input_settle(cli_file *file);

/* Reads all of it from its beginning; false with errno in file->error (EFBIG: over INPUT_SIZE_MAX). */
bool input_read(cli_file *file, input *to) __attribute__((warn_unused_result));
void input_release(input *self);
text_view input_view(const input *self);

/*
 * A file that is read in pieces, from its start to its end, several times. The hash of its content is known when it has been
 * read once; a reading that finds another content fails.
 */
typedef struct {
    cli_file *file;
    uint64_t size;               /* when it was opened: what is added later is not read */
    const uint8_t *key;          /* of the hash */
    uint8_t hash[CRYPTO_SHORT_HASH];
    bool hashed, changed;        /* changed: another content was found */
    uint8_t mark_key[CRYPTO_KEY]; /* this stream's alone */
    uint8_t mark[CRYPTO_MARK];   /* of the first reading */
    uint64_t at;                 /* what the present reading has come to */
    crypto_marking marking;
    crypto_running running;      /* of the first reading */
    csv_source source;           /* what reads it, alive as long as it */
} input_stream;

/* key: CRYPTO_KEY bytes that outlive it. False with errno in file->error (EFBIG: over INPUT_SIZE_MAX); later errors are left there too. */
bool input_stream_open(input_stream *self, cli_file *file, const uint8_t *key) __attribute__((warn_unused_result));

#endif
