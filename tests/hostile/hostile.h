/*
 * hostile: inputs that must be refused, and for what reason; made from good examples, the same in each run. What is
 * expected of each follows from how it was made. The program counts inputs, says which were taken otherwise, and
 * requires at the end that each reason code was met.
 */
#ifndef CTAI_HOSTILE_H
#define CTAI_HOSTILE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_session.h"
#include "credential.h"
#include "diag.h"

/* One input: was it taken as it should be? The rest says which it was, when it was not. */
void hostile_case(bool right, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Kinds of reason codes. */
typedef enum {
    HOSTILE_REFUSAL,    /* wire_refusal */
    HOSTILE_RECORD,     /* record_reason */
    HOSTILE_CREDENTIAL, /* credential_error */
    HOSTILE_STOP,       /* agent_stop */
    HOSTILE_QUANTITY,   /* quantity_error */
    HOSTILE_CSV,        /* csv_fault */
    HOSTILE_LEFT_OUT,   /* eligibility and export_reason */
    HOSTILE_CONTROL,    /* control_form_result */
    HOSTILE_KINDS
} hostile_kind;
void hostile_met(hostile_kind kind, unsigned code);

/* A sink that keeps in mind what is said, and writes it to the file of all that was said. */
typedef struct {
    unsigned long errors;
    char all[1 << 16]; /* "LINE SEVERITY [FIELD] MESSAGE" a line */
    size_t size;
} hostile_said;
extern hostile_said hostile_heard;
diag_sink hostile_sink(void); /* empties hostile_heard */
bool hostile_hears(const char *text);

text_view hostile_bytes(const batch_buffer *buffer);
/* A copy of exactly that size, alive until the next one, so that a sanitizer sees each byte read past its end. */
text_view hostile_exact(const void *data, size_t size);

/* Fixed keys. */
void hostile_pair(crypto_sign_pair *pair, uint8_t seed);

/* Each way of spoiling canonical MessagePack: exactly one change each. what names it ("cut at 17"). */
typedef enum {
    SPOIL_NEVER,  /* no reader may take it */
    SPOIL_MAYBE,  /* another good form, where the grammar has one there (nil for absent, a number for a number) */
} spoil_hope;
typedef void spoil_take(void *data, text_view spoilt, spoil_hope hope, const char *what);
void spoil_all(text_view good, spoil_take *take, void *data);

/* The parts. */
void hostile_messages(void);
void hostile_sessions(void);
void hostile_batches(void);
void hostile_records(void);
void hostile_credentials(void);
void hostile_configuration(void);
void hostile_contracts(void);
void hostile_tables(void);
void hostile_calls(void);

#endif
