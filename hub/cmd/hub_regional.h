/*
 * hub_regional: a region's report, made ready to be written in any form: read, masked with all earlier releases in view, and,
 * unless it is a draft, entered into the ledger of releases. What `region` and `publish` share.
 */
#ifndef CTAI_HUB_REGIONAL_H
#define CTAI_HUB_REGIONAL_H

#include "hub_base.h"
#include "region_scheme.h"
#include "release.h"

typedef struct {
    territory places;
    region_query query;
    bool draft;
} hub_regional_request;

typedef struct {
    region_table table;          /* masked */
    uint64_t number;             /* of the release; 0: a draft that is none */
    char released_at[RELEASE_MOMENT_TEXT];
    bool again;                  /* it was released before, just so */
    unsigned masked, by_rule;    /* cells */
    unsigned note_count;
    const text_view *notes;      /* said on call->err too */
    const region_scheme *scheme; /* NULL: the region has none */
    region_section *sections;
    unsigned section_count;
} hub_regional;

/* The operand "region" and the options "from" and "to": 0, or the exit code, said. */
int hub_regional_ask(cli_call *call, bool draft, arena *from, hub_regional_request *request) __attribute__((warn_unused_result));

/*
 * Makes the report: 0, or the exit code, said. When it is not a draft, the release is committed before this returns, so the
 * form is written after it: if that fails, the same call gives the same release again, and nothing is lost.
 */
int hub_regional_make(cli_call *call, hub_base *base, const hub_regional_request *request, arena *from, hub_regional *made)
    __attribute__((warn_unused_result));

/* A line for people that says what kind of report it is. */
enum { HUB_REGIONAL_STANDING_MAX = 192 };
void hub_regional_standing(const hub_regional *self, char text[HUB_REGIONAL_STANDING_MAX]);

#endif
