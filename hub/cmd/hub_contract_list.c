/*
 * hub_contract_list: `ctai-hub contract list`: a line for each contract: its state, and how complete and how late its
 * operators' exports are. The details of one are `contract show`'s; --json has all.
 */
#include "hub_commands.h"
#include "hub_contract_show.h"
#include "hub_definition.h"
#include "hub_timeliness.h"

enum { MEMORY_BYTES = 1024 * 1024 * 1024, ID_COLUMN_MIN = 8 };

typedef struct {
    cli_call *call;
    arena *memory;
    store_contract *contracts;
    store_timeliness said;
    timeliness *timeliness;   /* one for each contract */
    unsigned count;
} listing;

/* The contracts' texts are read with one reading of the catalogue. False: memory is short. */
static bool read_timeliness(listing *self)
{
    catalogue national;
    territory places;
    diag_sink silent = { 0 }; /* their doubts were told when they were registered */
    self->timeliness = arena_take(self->memory, (self->count + 1) * sizeof *self->timeliness);
    if (!self->timeliness || !hub_definition_carried(&national, &places, self->memory, &silent))
        return false;
    for (unsigned i = 0; i < self->count; i++) {
        const store_timeliness_contract *one = &self->said.contracts[i];
        contract said;
        /* Of a text that an older program wrote and this one refuses, the dates at least are known. */
        if (!contract_read(&said, self->memory, &national, &places, "", one->definition, &silent))
            said = (contract){ .first_day = self->contracts[i].first_day, .last_day = self->contracts[i].last_day };
        if (arena_short(self->memory)
            || !timeliness_of(&self->timeliness[i], self->memory, &said, &one->known, self->said.today))
            return false;
    }
    return true;
}

static json_t *list_json(const listing *self)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < self->count; i++) {
        json_t *one = hub_contract_show_head(&self->contracts[i]);
        hub_timeliness_json(one, &self->timeliness[i]);
        json_array_append_new(all, one);
    }
    return json_pack("{s:o}", "contrats", all);
}

/* Pads by what people see, not by bytes. */
static void put_column(FILE *to, const char *text, unsigned width)
{
    size_t shown = text_width(text_of(text));
    fprintf(to, "%s%*s", text, shown < width ? (int)(width - shown) + 2 : 2, "");
}

static void print_line(FILE *to, const store_contract *one, const timeliness *what, unsigned id_width)
{
    char id[RECORD_NAME_MAX + 1], first[CIVIL_DAY_TEXT], last[CIVIL_DAY_TEXT], amendment[16] = "—", on_time[32] = "—",
        late[HUB_TIMELINESS_LATE_TEXT], received[CIVIL_DAY_TEXT] = "—";
    (void)text_copy(id, sizeof id, one->id);
    civil_day_text(one->first_day, first);
    civil_day_text(one->last_day, last);
    if (one->amendment > 0)
        snprintf(amendment, sizeof amendment, "n° %u", one->amendment);
    if (what->due != CIVIL_NONE)
        snprintf(on_time, sizeof on_time, "%u sur %u", what->on_time, what->expected);
    if (what->received.size >= CIVIL_DAY_TEXT - 1)
        snprintf(received, sizeof received, "%.10s", what->received.at);
    hub_timeliness_late(what, what->late, late);
    put_column(to, id, id_width);
    put_column(to, timeliness_state_name(what->state), 8);
    put_column(to, first, 10);
    put_column(to, last, 10);
    put_column(to, amendment, 7);
    put_column(to, on_time, 10);
    put_column(to, late, 7);
    fprintf(to, "%s\n", received);
}

static void print_list(const listing *self, FILE *to)
{
    unsigned width = ID_COLUMN_MIN;
    for (unsigned i = 0; i < self->count; i++)
        if (self->contracts[i].id.size > width)
            width = (unsigned)self->contracts[i].id.size;
    put_column(to, "Contrat", width);
    put_column(to, "État", 8);
    put_column(to, "Du", 10);
    put_column(to, "Au", 10);
    put_column(to, "Avenant", 7);
    put_column(to, "À jour", 10);
    put_column(to, "Retard", 7);
    fputs("Dernier envoi\n", to);
    for (unsigned i = 0; i < self->count; i++)
        print_line(to, &self->contracts[i], &self->timeliness[i], width);
}

static int list(cli_call *call, hub_base *base, arena *memory)
{
    listing it = { .call = call, .memory = memory };
    database_error error = store_contracts(base->store, memory, &it.contracts, &it.count);
    if (error == DATABASE_OK)
        error = store_timeliness_read(base->store, NULL, NULL, call->json, memory, &it.said);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    /* One that was registered between the two readings comes with the next call. */
    unsigned both = 0;
    for (unsigned i = 0, k = 0; i < it.count && k < it.said.contract_count; k++)
        if (text_equal(it.contracts[i].id, it.said.contracts[k].id)) {
            it.contracts[both] = it.contracts[i++];
            it.said.contracts[both++] = it.said.contracts[k];
        }
    it.count = both;
    if (!read_timeliness(&it))
        return hub_base_no_memory(call);
    if (call->json)
        return hub_base_json(call, list_json(&it));
    if (it.count == 0)
        fputs("Aucun contrat n’est enregistré : « ctai-hub contract add » en enregistre un.\n", cli_output(call));
    else
        print_list(&it, cli_output(call));
    return CLI_DONE;
}

int hub_contract_list_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, list);
}
