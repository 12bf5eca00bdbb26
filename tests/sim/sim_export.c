/* sim_export: see the header. export_key and export_record stand in for those of agents/core/export.c. */
#include "sim_export.h"

#include <string.h>

struct making {
    sim_export own;
};

static const sim_export *made_from(const export_result *self)
{
    return (const sim_export *)(const void *)self->making;
}

void sim_export_result(const sim_export *self, bool complete, export_result *to)
{
    *to = (export_result){.terms = &self->terms, .record_count = self->count, .retained_count = self->retained_count,
                          .retained = self->retained, .token_keys = self->key, .token_key_count = 1};
    memcpy(&to->making, &(const void *){self}, sizeof to->making);
    to->coverage = (batch_coverage){.contract = self->terms.id, .complete = complete, .last_month = CIVIL_NONE,
                                    .action_count = SIM_ACTIONS};
    for (unsigned i = 0; i < SIM_ACTIONS; i++)
        to->coverage.actions[i] = text_of(sim_actions[i]);
    for (unsigned i = 0; i < self->count; i++)
        if (sim_month(self->contents[i].month) > to->coverage.last_month)
            to->coverage.last_month = sim_month(self->contents[i].month);
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
