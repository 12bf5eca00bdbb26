/*
 * input: an operator's file as one whole in memory. Read, not mapped: a file on a network share that
 * shrinks under a map would end the program. What is read is wiped when it is given back.
 */
#ifndef CTAI_INPUT_H
#define CTAI_INPUT_H

#include "cli.h"
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

#endif
