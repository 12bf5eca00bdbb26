/* export: see export.h. */
#include "export.h"

#include <assert.h>
#include <string.h>

#include "departed.h"
#include "erasure_mark.h"
#include "making.h"

/* Adds up the progress of two files. */
typedef struct {
    const export_input *input;
    uint64_t done_before, total;
} meter;

static void tell(void *data, uint64_t done_bytes)
{
    const meter *self = data;
    self->input->progress(self->input->progress_data, self->done_before + done_bytes, self->total);
}

/* A seed that only the holder of the record key can know. */
static uint64_t lookup_seed(const uint8_t *record_key)
{
    static const char domain[] = "lookup";
    uint8_t hash[CRYPTO_SHORT_HASH];
    uint64_t seed;
    crypto_short_hash(hash, record_key, CRYPTO_KEY, domain, sizeof domain - 1);
    memcpy(&seed, hash, sizeof seed);
    return seed;
}

static export_error error_of(table_state state)
{
    switch (state) {
    case TABLE_OK:
        return EXPORT_OK;
    case TABLE_UNUSABLE:
        return EXPORT_UNUSABLE;
    case TABLE_UNREADABLE:
        return EXPORT_UNREADABLE;
    default:
        return EXPORT_NO_MEMORY;
    }
}

/* Reads both tables; the second needs the first. */
static export_error read_tables(const export_input *input, diag_sink *sink, arena *from, persons *people,
                                events *rows, erasure_list *erased)
{
    meter progress = {.input = input, .total = input->persons.bytes.size + input->events.bytes.size};
    uint64_t seed = lookup_seed(input->record_key);
    table_state read = persons_read(people, from, input->persons.name, input->persons.bytes, seed, sink,
                                    input->progress ? tell : NULL, &progress);
    if (read != TABLE_OK)
        return error_of(read);
    if (!erasure_mark(&input->erasures, people, input->record_key, erased))
        return EXPORT_NO_MEMORY;
    progress.done_before = input->persons.bytes.size;
    const wire_contract **terms = arena_take(from, input->contract_count * sizeof *terms);
    if (!terms)
        return EXPORT_NO_MEMORY;
    for (unsigned i = 0; i < input->contract_count; i++)
        terms[i] = input->contracts[i].terms;
    events_setting setting = {.contract_count = input->contract_count,
                              .contracts = terms,
                              .record_key = input->record_key,
                              .people = people,
                              .seed = seed,
                              .sink = sink,
                              .store = input->store,
                              .source = input->events_source,
                              .progress = input->progress ? tell : NULL,
                              .progress_data = &progress};
    return error_of(events_read(rows, from, input->events.name, input->events.bytes, &setting));
}

/* Makes the export of one contract out of the tables. */
static bool make_result(export *self, const export_input *input, unsigned contract, diag_sink *sink, arena *from,
                        const persons *people, events *rows)
{
    counting *by = arena_take(from, sizeof *by);
    subjects *who = arena_take(from, sizeof *who);
    if (!by || !who)
        return false;
    const export_contract *asked = &input->contracts[contract];
    subjects_init(who, from, people->seed, asked->terms, people, input->record_key);
    export_result *result = &self->results[contract];
    if (!departed_find(result, from, asked->terms, rows, contract, people, input->record_key))
        return false;
    *by = (counting){.terms = asked->terms,
                     .contract = contract,
                     .rows = rows,
                     .people = people,
                     .who = who,
                     .from = from,
                     .sink = sink,
                     .counts = &self->counts,
                     .result = result};
    if (!making_run(by, asked, input->partial, self->unsure, input->store, result))
        return false;
    self->counts.ready += result->record_count;
    return true;
}

export_error export_make(export *self, const export_input *input, diag_sink *sink, arena *from)
{
    assert(input->contract_count > 0 && input->contract_count <= WIRE_CONTRACTS_MAX);
    memset(self, 0, sizeof *self);
    persons *people = arena_take(from, sizeof *people);
    events *rows = arena_take(from, sizeof *rows);
    self->results = arena_take(from, input->contract_count * sizeof *self->results);
    if (!people || !rows || !self->results)
        return EXPORT_NO_MEMORY;
    export_error error = read_tables(input, sink, from, people, rows, &self->erased);
    if (error != EXPORT_OK)
        return rows->rows.lost ? EXPORT_NO_STORE : error;
    self->people = people;
    self->store = input->store;
    self->rows = rows;
    self->result_count = input->contract_count;
    self->unsure = rows->unsure;
    self->counts.person_rows = people->row_count;
    self->counts.event_rows = rows->row_count;
    self->counts.errors = people->error_count + rows->error_count;
    self->counts.left_out = self->counts.left_out_by[EXPORT_LEFT_OUT_CONTRACT] = rows->other_contract_count;
    for (unsigned i = 0; i < input->contract_count; i++)
        if (!make_result(self, input, i, sink, from, people, rows))
            return rows->rows.lost ? EXPORT_NO_STORE : making_failure(self->results[i].making);
    if (self->unsure)
        diag_emit(
            sink,
            &(diag){.severity = DIAG_WARNING,
                    .file = input->events.name,
                    .message = "des lignes n’ont pas pu être reconnues : un envoi ne retirera rien cette fois",
                    .remedy = "Corrigez le fichier, puis envoyez-le de nouveau"});
    return EXPORT_OK;
}

const uint8_t *export_key(const export_result *self, size_t index)
{
    return making_key(self->making, index);
}

void export_record(const export_result *self, size_t index, record *to)
{
    making_record(self->making, index, to);
}

bool export_retained(const export_result *self, size_t index, uint8_t key[RECORD_KEY])
{
    return making_retained(self->making, index, key);
}

bool export_contribution_at(const export_result *self, size_t index, export_contribution *to)
{
    return making_contribution(self->making, index, to);
}

bool export_contribution_of(const export_result *self, size_t index, export_contribution *to)
{
    return making_own(self->making, index, to);
}

export_error export_failure(const export_result *self)
{
    return making_failure(self->making);
}
