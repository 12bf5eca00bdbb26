/*
 * contract: what a contract (CTAI) says, read from its file and checked: who does what, for whom,
 * with what money, and what is counted. The syntax is described at the head of
 * deploy/contracts/63-thiers-2023.yaml.
 *
 * Always true of a contract that was read without error: ids and codes are names of the wire,
 * unique, within the bounds below; days are in order; the department is one of the region; each
 * selected indicator exists. An amount that the contract does not give stays unknown, never 0.
 */
#ifndef CTAI_CONTRACT_H
#define CTAI_CONTRACT_H

#include "catalogue.h"
#include "territory.h"
#include "wire.h"

enum {
    CONTRACT_ACTIONS_MAX = WIRE_ACTIONS_MAX,
    CONTRACT_PARTIES_MAX = 64,
    CONTRACT_TARGETS_MAX = 2, /* 1.1.total and 1.2.acteurs alone have targets (DOMAIN) */
    CONTRACT_AMENDMENTS_MAX = 1000,
    CONTRACT_RETENTION_MAX = 240, /* months */
    CONTRACT_NAME_MAX = 200,  /* bytes of a party's, line's or partner's name */
};

typedef struct {
    bool known;
    int64_t cents;  /* when known */
    text_view note; /* why it is not, or empty */
} contract_amount;

typedef struct { text_view label; contract_amount amount; } contract_line;

typedef struct { text_view code, label; contract_amount amount; } contract_activity;

typedef struct {
    text_view source;
    contract_amount amount;
    text_view programme, action, sub_action; /* of the State's budget; may be empty */
    unsigned activity_count;
    contract_activity *activities;
} contract_money;

typedef enum { CONTRACT_COORDINATOR, CONTRACT_SIGNATORY, CONTRACT_OPERATOR, CONTRACT_PARTNER } contract_role;

typedef struct {
    text_view code, name;
    contract_role role;
    text_view agent; /* its agent's name; empty: it has none */
} contract_party;

/* Who runs an action, or takes part in it. */
typedef struct {
    text_view name;   /* for people; of a provider not yet chosen: what it is for */
    text_view agent;  /* the agent that may push for it: its own, or that of the party that declares it; empty: none */
    bool undetermined; /* not yet chosen */
} contract_actor;

typedef struct { text_view indicator; int64_t value; } contract_target;

typedef struct {
    text_view code, title;
    unsigned operator_count, partner_count;
    contract_actor *operators, *partners;
    unsigned target_count;
    contract_target targets[CONTRACT_TARGETS_MAX];
    bool has_cost;
    contract_amount cost;      /* stated in all; when not stated, the sum of the lines */
    civil_month cost_until;    /* CIVIL_NONE: the contract's end */
    unsigned line_count;
    contract_line *lines;
    unsigned selected_count;
    text_view *selected;       /* codes, in the report's order */
    text_view refugies_info;   /* address of its page (article 6); may be empty */
} contract_action;

/* What the registered text of an amended contract says of its last amendment (amendment.h). */
typedef struct {
    unsigned number;    /* from 1; 0: the contract is as it was first registered */
    civil_day day;      /* from which it applies */
    text_view subject;  /* may be empty */
    text_view text;     /* its file, as it was registered */
} contract_amended;

typedef struct {
    text_view id, title, department, region, scope;
    civil_day first_day, last_day; /* both included */
    int64_t retention_months;      /* after the last day; 0: not stated */
    unsigned party_count;
    contract_party *parties;
    unsigned reader_count;
    text_view *readers;            /* the steering body: they read, they do not push */
    unsigned money_count;
    contract_money *money;
    unsigned action_count;
    contract_action *actions;      /* in the contract's order */
    catalogue own;                 /* its own indicators */
    unsigned target_count;
    contract_target targets[CONTRACT_TARGETS_MAX]; /* of the contract as a whole, if it states them */
    contract_amended amended;
} contract;

/*
 * Reads and checks a contract's file: every fault is an error on the sink, every doubt a warning.
 * True when there is no error. Texts and arrays are in the arena; nothing is kept of bytes.
 */
bool contract_read(contract *self, arena *from, const catalogue *national, const territory *places, const char *file,
                   text_view bytes, diag_sink *sink) __attribute__((warn_unused_result));

/* The same of a tree that has been loaded, whose nodes may be of two files (amendment.c). */
bool contract_read_tree(contract *self, const catalogue *national, const territory *places, yamldoc *doc)
    __attribute__((warn_unused_result));

/* The action of that code, or NULL. */
const contract_action *contract_action_find(const contract *self, text_view code);

/* Is the agent of that name an operator, or a partner, of the action? */
bool contract_is_operator(const contract_action *action, text_view agent);
bool contract_is_partner(const contract_action *action, text_view agent);

#endif
