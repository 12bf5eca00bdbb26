/*
 * control_form: the form of a call between two processes of the same program and version: a head
 * that carries the descriptors, then the texts. Both sides of control use it.
 */
#ifndef CTAI_CONTROL_FORM_H
#define CTAI_CONTROL_FORM_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "batch.h"
#include "cli.h"
#include "home.h"

enum {
    CONTROL_FORM_HEAD = 12, /* bytes: "CTAI", payload size, count of descriptors */
    CONTROL_FORM_PAYLOAD_MAX = 256 * 1024, /* bytes */
    CONTROL_FORM_FILES_MAX = 4 + CLI_OPTIONS_MAX + CLI_OPERANDS_MAX,
    /* The first descriptors; those of the input files follow. */
    CONTROL_FORM_OUT = 0,
    CONTROL_FORM_ERR = 1,
    CONTROL_FORM_DEPOSIT = 2,
    CONTROL_FORM_DATA = 3,
    CONTROL_FORM_INPUTS = 4,
};

/* The socket's address, however long the home's path; its size. */
socklen_t control_form_address(const home *folder, struct sockaddr_un *address);

/* Writes a call's texts; files gets the descriptors of its inputs, *count of them. */
void control_form_write(batch_buffer *to, const cli_call *call, int *files, unsigned *count);

typedef enum { CONTROL_FORM_GOOD, CONTROL_FORM_OTHER_VERSION, CONTROL_FORM_WRONG } control_form_result;

/*
 * Reads a call's texts, which then point into the payload; files: the descriptors of
 * its inputs, which become call->files and are taken over one by one (-1 in their place). has_data:
 * the command's data goes to a file of its own (-o).
 */
control_form_result control_form_read(cli_call *call, const cli_program *program, text_view payload, int *files,
                                      unsigned count, bool *has_data) __attribute__((warn_unused_result));

#endif
