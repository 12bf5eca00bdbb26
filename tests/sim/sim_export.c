/* sim_export: see the header. export_key and export_record and the like stand in for those of agents/core/export.c. */
#include "sim_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enqueue.h"
#include "recordkey.h"

struct making {
    sim_export own;
};

static const sim_export *made_from(const export_result *self)
{
    return (const sim_export *)(const void *)self->making;
}

const char *sim_person(unsigned fact)
{
    static char names[SIM_PERSONS][4];
    char *name = names[fact % SIM_PERSONS];
    snprintf(name, sizeof names[0], "p%u", fact % SIM_PERSONS);
    return name;
}

static bool is_retained(const sim_export *self, const uint8_t key[RECORD_KEY])
{
    for (unsigned i = 0; i < self->retained_count; i++)
        if (memcmp(self->retained[i], key, RECORD_KEY) == 0)
            return true;
    return false;
}

bool sim_export_trail(sim_export *self, outbox *box, const uint8_t *record_key, bool complete)
{
    export_contribution *earlier;
    size_t count, next = 0;
    for (unsigned i = 0; i < SIM_ACTIONS; i++)
        self->actions[i] = (wire_action){.code = text_of(sim_actions[i]), .title = text_of("Action"), .allowed = true};
    self->terms.actions = self->actions;
    self->terms.action_count = SIM_ACTIONS;
    if (trail_facts(box, TRAIL_CONTRIBUTIONS, self->terms.id, &earlier, &count) != OUTBOX_OK)
        return false;
    for (unsigned i = 0; i < self->count || next < count;) {
        const uint8_t *key = i < self->count ? sim_key(self->contract, self->facts[i]) : NULL;
        int order = key == NULL ? 1 : next == count ? -1 : memcmp(key, earlier[next].event, RECORD_KEY);
        export_contribution *to = &self->contributions[self->contribution_count];
        if (order <= 0) {
            *to = (export_contribution){.day = civil_from(2024, 1, 1)};
            memcpy(to->event, key, RECORD_KEY);
            recordkey_subject(to->subject, record_key, self->terms.id, text_of(sim_actions[0]),
                              text_of(sim_person(self->facts[i])));
            self->contribution_count++;
            i++;
        } else if (!complete || is_retained(self, earlier[next].event)) {
            *to = earlier[next];
            self->contribution_count++;
        }
        next += order >= 0;
    }
    free(earlier);
    return true;
}

void sim_export_result(const sim_export *self, bool complete, export_result *to)
{
    static const export_contract asked; /* nothing stood: what does, sim_export_trail has merged */
    *to = (export_result){.terms = &self->terms, .asked = &asked, .record_count = self->count, .token_keys = self->key, .token_key_count = 1};
    memcpy(&to->making, &(const void *){self}, sizeof to->making);
    to->coverage = (batch_coverage){.contract = self->terms.id, .complete = complete, .last_month = CIVIL_NONE,
                                    .action_count = SIM_ACTIONS};
    for (unsigned i = 0; i < SIM_ACTIONS; i++)
        to->coverage.actions[i] = text_of(sim_actions[i]);
    for (unsigned i = 0; i < self->count; i++)
        if (sim_month(self->contents[i].month) > to->coverage.last_month)
            to->coverage.last_month = sim_month(self->contents[i].month);
}

export_error export_failure(const export_result *self)
{
    (void)self;
    return EXPORT_OK;
}

bool export_retained(const export_result *self, size_t index, uint8_t key[RECORD_KEY])
{
    const sim_export *from = made_from(self);
    if (index >= from->retained_count)
        return false;
    memcpy(key, from->retained[index], RECORD_KEY);
    return true;
}

bool export_contribution_at(const export_result *self, size_t index, export_contribution *to)
{
    const sim_export *from = made_from(self);
    if (index >= from->contribution_count)
        return false;
    *to = from->contributions[index];
    return true;
}

bool export_contribution_of(const export_result *self, size_t index, export_contribution *to)
{
    const sim_export *from = made_from(self);
    *to = from->contributions[index]; /* asked of a first export alone: each record is a fact, and no other is there */
    return true;
}

const uint8_t *export_key(const export_result *self, size_t index)
{
    const sim_export *from = made_from(self);
    return sim_key(from->contract, from->facts[index]);
}

void export_record(const export_result *self, size_t index, record *to)
{
    const sim_export *from = made_from(self);
    const sim_content *what = &from->contents[index];
    *to = (record){.operation = RECORD_PUT, .contract = from->terms.id, .action = text_of(sim_actions[what->action]),
                   .type = sim_types[what->type], .month = sim_month(what->month), .has_quantity = true,
                   .quantity = (int64_t)what->value};
    memcpy(to->key, sim_key(from->contract, from->facts[index]), RECORD_KEY);
    if (to->type == FACT_COUT)
        to->code = text_of("p104");
    if (to->type == FACT_PRESENCE) {
        to->token_sets = 1;
        to->tokens[0].epoch = from->key->epoch;
        to->tokens[0].has_i = true;
        memcpy(to->tokens[0].i, to->key, TOKEN_SIZE);
    }
}
