/*
 * record: what leaves an operator's machine, and the check of its shape that both sides make.
 * Nothing here can hold a name, a birth date, a nationality, a local number or an exact day.
 */
#ifndef CTAI_RECORD_H
#define CTAI_RECORD_H

#include "civil.h"
#include "crypto.h"
#include "fact.h"
#include "text.h"
#include "token.h"

enum {
    RECORD_KEY = 16,
    RECORD_REFERENCE = 16,
    RECORD_TOKEN_SETS = 2,       /* two while a linkage key is being rotated */
    RECORD_NAME_MAX = 64,        /* bytes of a contract's id or an action's or indicator's code */
    RECORD_CODE_MAX = 64,
    RECORD_TEXT_MAX = 12000,     /* bytes of a narrative */
};
#define RECORD_QUANTITY_MAX INT64_C(1000000000000) /* minutes, cents, counts */

typedef enum {
    RECORD_WITHDRAW = 0, /* the record stands no more; what it was stays in history */
    RECORD_PUT = 1,
    RECORD_ERASE = 2, /* the record goes, from history too */
    RECORD_CLOSE = 3, /* of no record: the linkage key of an epoch of the scope links no more */
} record_operation;
typedef enum { RECORD_SEX_NONE, RECORD_SEX_F, RECORD_SEX_H } record_sex;

typedef struct {
    uint32_t epoch;
    bool has_e, has_i, has_m;
    uint8_t e[TOKEN_SIZE], i[TOKEN_SIZE], m[TOKEN_SIZE];
} record_tokens;

typedef struct {
    record_operation operation;
    uint8_t key[RECORD_KEY]; /* RECORD_CLOSE: the id of the linkage key */
    text_view contract;      /* RECORD_CLOSE: empty */
    uint32_t epoch;          /* RECORD_CLOSE alone: from 1 */
    /* The rest is for RECORD_PUT alone. */
    text_view action;
    fact_type type;
    civil_month month;       /* CIVIL_NONE for a narrative */
    unsigned token_sets;     /* 0..RECORD_TOKEN_SETS */
    record_tokens tokens[RECORD_TOKEN_SETS];
    record_sex sex;          /* beneficiaire alone, likewise bpi and under_25 */
    bool bpi, under_25;
    bool has_quantity;
    int64_t quantity;        /* in fact_rule.record_unit */
    text_view code;          /* empty: none */
    bool has_reference;
    uint8_t reference[RECORD_REFERENCE];
    text_view text;          /* a narrative's */
} record;

/* Why a record is refused; the numbers are the wire's (PROTOCOL.md). */
typedef enum {
    RECORD_OK = 0,
    RECORD_UNREADABLE = 1,       /* the body is not a record */
    RECORD_BAD_TYPE = 2,
    RECORD_BAD_FIELDS = 3,       /* a field that the type must have is absent, or one that it may not have is there */
    RECORD_BAD_CODE = 4,
    RECORD_BAD_QUANTITY = 5,
    RECORD_BAD_MONTH = 6,        /* outside the contract */
    RECORD_BAD_TOKENS = 7,       /* not the token sets that the header announces */
    RECORD_UNKNOWN_CONTRACT = 8, /* not one of the scope's */
    RECORD_UNKNOWN_ACTION = 9,
    RECORD_NO_RIGHT = 10,        /* the agent was not admitted for that action */
    RECORD_DUPLICATE_KEY = 11,   /* keys of a batch must ascend strictly */
    RECORD_EPOCH_IN_USE = 12,    /* an active agent has records that would be linked to nothing without that epoch */
    RECORD_REASON_COUNT
} record_reason;

/* Does the record have exactly the fields of its type, within bounds? RECORD_OK or a reason up to RECORD_BAD_TOKENS. */
record_reason record_check(const record *self) __attribute__((warn_unused_result));

/* For people, in French. */
const char *record_reason_text(record_reason reason);

#endif
