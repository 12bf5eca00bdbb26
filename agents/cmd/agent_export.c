#include "agent_export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent_linkage.h"
#include "forget.h"

enum {
    BYTES_BASE = 256 * 1024 * 1024, /* memory that the smallest export may take */
    BYTES_PER_BYTE = 48, /* and each byte of its files */
};

static int read_file(cli_call *call, const char *option, input *to)
{
    cli_file file = *cli_input(call, option);
    return input_read(&file, to) ? CLI_DONE : cli_bad_file(call, &file);
}

/* The contracts that the call is about, among those that we serve. */
static int choose(agent_export *self, cli_call *call)
{
    const char *wanted = cli_value(call, "contract");
    outbox_error error = outbox_contracts(agent_call_of(call)->box, self->memory, &self->known, &self->known_count);
    wire_contract *known = self->known;
    unsigned count = self->known_count;
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    if (count == 0)
        return cli_fail(call, CLI_CONFIGURATION,
                        "aucun contrat connu ; prenez d’abord en compte l’approbation de la préfecture : "
                        "ctai-agent join FICHIER");
    self->contracts = arena_take(self->memory, count * sizeof *self->contracts);
    self->earlier = arena_take(self->memory, count * sizeof *self->earlier);
    if (self->contracts == NULL || self->earlier == NULL)
        return agent_call_no_memory(call);
    text_view ids[WIRE_CONTRACTS_MAX];
    for (unsigned i = 0; i < count; i++) {
        ids[i] = known[i].id;
        if (wanted == NULL || text_is(known[i].id, wanted))
            self->contracts[self->contract_count++].terms = &known[i];
    }
    if (self->contract_count > 0)
        return CLI_DONE;
    char list[1024];
    agent_call_join(list, sizeof list, ids, count);
    return cli_fail(call, CLI_NOT_ALLOWED, "le contrat « %s » n’est pas des vôtres ; les vôtres : %s", wanted,
                    list);
}

/* Which linkage keys the contract's records have their tokens under; what people must know of them is said, once for a scope. */
static int load_keys(agent_export *self, cli_call *call, agent_export_tokens tokens, unsigned i)
{
    char text[AGENT_LINKAGE_TEXT];
    agent_linkage keys;
    bool said = false;
    export_contract *contract = &self->contracts[i];
    agent_linkage_find(&keys, agent_call_of(call)->agent, contract->terms->scope, self->known, self->known_count);
    contract->token_key_count = keys.choice.key_count;
    contract->token_keys = keys.choice.keys;
    if (linkage_blocks(keys.choice.trouble) && tokens == AGENT_EXPORT_TOKENS)
        return agent_linkage_refuse(call, &keys);
    for (unsigned k = 0; k < i; k++)
        said = said || text_equal(self->contracts[k].terms->scope, contract->terms->scope);
    if (!said && agent_linkage_sentence(&keys, text))
        cli_say(call, "attention : %s", text);
    return CLI_DONE;
}

static int load(agent_export *self, cli_call *call, agent_export_tokens tokens)
{
    agent_call *own = agent_call_of(call);
    for (unsigned i = 0; i < self->contract_count; i++) {
        export_contract *contract = &self->contracts[i];
        int code = load_keys(self, call, tokens, i);
        if (code != CLI_DONE)
            return code;
        outbox_error error = enqueue_earlier(own->box, contract, &self->earlier[i]);
        if (error != OUTBOX_OK)
            return agent_call_outbox_failed(call, error);
    }
    return CLI_DONE;
}

static void advance(void *data, uint64_t done, uint64_t total)
{
    progress_at(data, done, total);
}

/* The files' names as the user wrote them, standard input by a name. */
static const char *name_of(const cli_call *call, const char *option)
{
    const char *name = cli_value(call, option);
    return strcmp(name, "-") == 0 ? "entrée standard" : name;
}

static int make(agent_export *self, cli_call *call, bool partial)
{
    erasure_list erasures;
    outbox_error listed = forget_list(agent_call_of(call)->box, self->memory, &erasures);
    if (listed != OUTBOX_OK)
        return agent_call_outbox_failed(call, listed);
    export_input from = {
        .persons = {name_of(call, "persons"), input_view(&self->persons)},
        .events = {name_of(call, "events"), {NULL, (size_t)self->events.size}},
        .events_source = &self->events.source,
        .store = spill_store(self->spilled),
        .contract_count = self->contract_count,
        .contracts = self->contracts,
        .partial = partial,
        .record_key = agent_call_of(call)->agent->secrets->record_key,
        .erasures = erasures,
        .progress = advance,
        .progress_data = &self->bar,
    };
    progress_start(&self->bar, call->err, call->terminal, "Lecture");
    export_error error = export_make(&self->made, &from, &self->sink, self->memory);
    progress_end(&self->bar);
    for (unsigned i = 0; i < self->contract_count; i++)
        if (error != EXPORT_OK && self->earlier[i].error != OUTBOX_OK)
            return agent_call_outbox_failed(call, self->earlier[i].error);
    if (error == EXPORT_NO_MEMORY)
        return agent_call_no_memory(call);
    if (error == EXPORT_NO_STORE)
        return agent_call_outbox_failed(call, OUTBOX_CANNOT_WRITE);
    if (error == EXPORT_UNREADABLE && self->events.changed)
        return cli_fail(call, CLI_BAD_INPUT, "%s : le fichier a changé pendant la lecture ; rien n’a été envoyé : recommencez",
                        from.events.name);
    if (error == EXPORT_UNREADABLE)
        return cli_bad_file(call, &self->events_file);
    if (error == EXPORT_UNUSABLE && self->diagnostics != call->err && !call->together && self->whole != NULL
        && fflush(self->whole) == 0)
        (void)fwrite(self->whole_text, 1, self->whole_size, call->err);
    if (error == EXPORT_UNUSABLE)
        return cli_fail(call, CLI_BAD_INPUT,
                        "ces fichiers ne peuvent pas être lus (voir ci-dessus) ; rien n’a été envoyé");
    return CLI_DONE;
}

static void emit(diag_sink *sink, const diag *what)
{
    agent_export *self = sink->data;
    diag_print(self->diagnostics, what);
    if (self->whole != NULL && what->severity == DIAG_ERROR && what->line <= 1)
        diag_print(self->whole, what);
}

int agent_export_make(agent_export *self, cli_call *call, agent_export_tokens tokens, bool partial,
                      FILE *diagnostics)
{
    memset(self, 0, sizeof *self);
    self->sink = (diag_sink){.emit = emit, .data = self};
    self->diagnostics = diagnostics;
    self->whole = open_memstream(&self->whole_text, &self->whole_size);
    int code = read_file(call, "persons", &self->persons);
    self->events_file = *cli_input(call, "events");
    if (code == CLI_DONE && !input_stream_open(&self->events, &self->events_file, agent_call_of(call)->agent->secrets->record_key))
        code = cli_bad_file(call, &self->events_file);
    if (code != CLI_DONE)
        return code;
    self->memory = arena_new(BYTES_BASE + BYTES_PER_BYTE * (self->persons.size + (size_t)self->events.size));
    self->spilled = spill_new(&agent_call_of(call)->agent->folder);
    if (self->memory == NULL || self->spilled == NULL)
        return agent_call_no_memory(call);
    if ((code = choose(self, call)) == CLI_DONE && (code = load(self, call, tokens)) == CLI_DONE)
        code = make(self, call, partial);
    return code;
}

void agent_export_release(agent_export *self)
{
    for (unsigned i = 0; self->earlier != NULL && i < self->contract_count; i++)
        trail_read_close(&self->earlier[i]);
    if (self->whole != NULL)
        (void)fclose(self->whole);
    free(self->whole_text);
    arena_destroy(&self->memory);
    spill_destroy(&self->spilled);
    input_release(&self->persons);
    memset(self, 0, sizeof *self);
}

void agent_export_tell(const agent_export *self, FILE *to)
{
    const export_counts *counts = &self->made.counts;
    if (counts->left_out > 0) {
        agent_call_count(to, counts->left_out, "ligne écartée (elle ne compte pas ici) :",
                         "lignes écartées (elles ne comptent pas ici) :");
        (void)fputc('\n', to);
        for (unsigned reason = 0; reason < EXPORT_REASON_COUNT; reason++)
            if (counts->left_out_by[reason] > 0)
                (void)fprintf(to, "  %zu : %s\n", counts->left_out_by[reason], export_reason_text(reason));
    }
    if (counts->errors > 0) {
        agent_call_count(to, counts->errors,
                         "ligne en erreur : elle n’est pas comptée ; corrigez-la puis recommencez.\n",
                         "lignes en erreur : elles ne sont pas comptées ; corrigez-les puis recommencez.\n");
    }
    if (self->made.unsure)
        (void)fprintf(to, "Une partie des fichiers est illisible : rien n’est retiré cette fois.\n");
}

int agent_export_whole(const agent_export *self, cli_call *call)
{
    for (unsigned i = 0; i < self->made.result_count; i++) {
        export_error error = export_failure(&self->made.results[i]);
        if (error == EXPORT_NO_MEMORY)
            return agent_call_no_memory(call);
        if (error != EXPORT_OK)
            return agent_call_outbox_failed(call, OUTBOX_CANNOT_WRITE);
    }
    return CLI_DONE;
}

int agent_export_code(const agent_export *self)
{
    return self->made.counts.errors > 0 ? CLI_BAD_INPUT : CLI_DONE;
}
