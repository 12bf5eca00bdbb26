/* agent_narrative: `ctai-agent narrative`: a text for the report, sent after the check for personal data. */
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"
#include "agent_wait.h"
#include "catalogue.h"
#include "embedded.h"
#include "input.h"
#include "namebook.h"
#include "narrate.h"
#include "prose.h"

enum { MEMORY_BYTES = 256 * 1024 * 1024, MEMORY_PER_BYTE = 64 };

const cli_option agent_narrative_options[] = {
    {"contract", 0, CLI_VALUE, true, "CONTRAT", "le contrat"},
    {"action", 0, CLI_VALUE, true, "ACTION", "l’action (la fiche-action) du contrat"},
    {"indicator", 0, CLI_VALUE, true, "CODE", "l’indicateur à renseigner par un texte (1.2.outils, 3.3.outils...)"},
    {"persons", 0, CLI_INPUT, false, "FICHIER", "vérifie aussi le texte contre ce tableau des personnes"},
    {"withdraw", 0, CLI_FLAG, false, NULL, "retire le texte déjà envoyé, sans en mettre d’autre"},
    {"wait", 0, CLI_VALUE, false, "SECONDES", "combien de temps attendre la confirmation du hub (30)"},
    {.name = NULL},
};

typedef struct {
    agent_wait wait; /* first */
    outbox_tally before;    /* of the loop, when the command began */
    unsigned long failures; /* likewise, of its outbox */
    arena *memory;          /* while the text is read and queued */
    char contract[RECORD_NAME_MAX + 1], scope[BATCH_SCOPE_MAX + 1];
    wire_contract terms;    /* their names alone outlive the reading */
    narrate_cell of;
    narrate_result done;
} narrating;

/* The action that the call names, among those of the contract that are ours; 0 or an exit code. */
static int find_action(narrating *self, cli_call *call, const wire_contract *terms)
{
    const char *action = cli_value(call, "action");
    text_view names[WIRE_ACTIONS_MAX];
    char list[1024];
    const wire_action *found = NULL;
    unsigned allowed = 0;
    for (unsigned i = 0; i < terms->action_count; i++) {
        const wire_action *one = &terms->actions[i];
        if (text_is(one->code, action))
            found = one;
        if (one->allowed)
            names[allowed++] = one->code;
    }
    agent_call_join(list, sizeof list, names, allowed);
    if (found == NULL)
        return cli_fail(call, CLI_BAD_INPUT, "le contrat %s n’a pas d’action « %s » ; les vôtres : %s",
                        self->contract, action, allowed == 0 ? "aucune" : list);
    if (!found->allowed)
        return cli_fail(call, CLI_NOT_ALLOWED, "l’action « %s » n’est pas des vôtres ; les vôtres : %s", action,
                        allowed == 0 ? "aucune" : list);
    self->of.action = text_of(action);
    return CLI_DONE;
}

/* The contract and the action that the call names; 0 or an exit code. */
static int find_cell(narrating *self, cli_call *call)
{
    const char *wanted = cli_value(call, "contract");
    text_view names[WIRE_CONTRACTS_MAX];
    char list[1024];
    wire_contract *known;
    unsigned count;
    outbox_error error = outbox_contracts(agent_call_of(call)->box, self->memory, &known, &count);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    for (unsigned i = 0; i < count; i++) {
        names[i] = known[i].id;
        if (!text_is(known[i].id, wanted) || !text_copy(self->contract, sizeof self->contract, known[i].id)
            || !text_copy(self->scope, sizeof self->scope, known[i].scope))
            continue;
        self->terms = (wire_contract){.id = text_of(self->contract), .scope = text_of(self->scope)};
        self->of.terms = &self->terms;
        return find_action(self, call, &known[i]);
    }
    agent_call_join(list, sizeof list, names, count);
    return cli_fail(call, CLI_NOT_ALLOWED, "le contrat « %s » n’est pas des vôtres ; les vôtres : %s", wanted,
                    count == 0 ? "aucun" : list);
}

/* Whether the contract has an indicator of its own of that code, the hub alone knows; those of the national list we know. */
static int check_indicator(narrating *self, cli_call *call)
{
    const embedded_file *list = embedded_find("indicators.yaml");
    const char *code = cli_value(call, "indicator");
    text_view texts[CATALOGUE_INDICATORS_MAX];
    unsigned count = 0;
    char names[512];
    catalogue all;
    diag_sink silent = {.emit = NULL};
    self->of.indicator = text_of(code);
    if (self->of.indicator.size > RECORD_CODE_MAX || self->of.indicator.size > RECORD_NAME_MAX)
        return cli_fail(call, CLI_BAD_INPUT, "--indicator : ce code est trop long");
    if (list == NULL || !catalogue_load(&all, self->memory, list->name, (text_view){(const char *)list->data, list->size}, &silent))
        return arena_short(self->memory) ? agent_call_no_memory(call) : cli_fail(call, CLI_FAULT, "la liste nationale est illisible");
    for (unsigned i = 0; i < all.count && count < CATALOGUE_INDICATORS_MAX; i++)
        if (all.items[i].kind == CATALOGUE_TEXTE)
            texts[count++] = all.items[i].code;
    agent_call_join(names, sizeof names, texts, count);
    const catalogue_indicator *found = catalogue_find(&all, self->of.indicator);
    if (found != NULL && found->kind != CATALOGUE_TEXTE)
        return cli_fail(call, CLI_BAD_INPUT, "l’indicateur « %s » se compte, il ne se renseigne pas par un texte ; ceux qui en "
                        "prennent un : %s", code, names);
    return CLI_DONE;
}

static const char *name_of(const char *file)
{
    return strcmp(file, "-") == 0 ? "entrée standard" : file;
}

/* A diagnostic about a whole file, or about the text; what is wrong with single rows is for `check`. */
static void emit_whole(diag_sink *sink, const diag *what)
{
    if (what->severity == DIAG_ERROR && what->line <= 1)
        diag_print(sink->data, what);
}

/* The people of --persons; 0 or an exit code. */
static int read_persons(narrating *self, cli_call *call, privacy_list *list)
{
    cli_file file = *cli_input(call, "persons");
    input bytes;
    persons people;
    const uint8_t *record_key = agent_call_of(call)->agent->secrets->record_key;
    diag_sink sink = {.emit = emit_whole, .data = call->err};
    uint64_t seed;
    if (!input_read(&file, &bytes))
        return cli_bad_file(call, &file);
    crypto_random(&seed, sizeof seed);
    arena *memory = arena_new(MEMORY_BYTES + MEMORY_PER_BYTE * bytes.size);
    privacy_list found = {0};
    table_state state = memory == NULL ? TABLE_NO_MEMORY
        : persons_read(&people, memory, name_of(file.name), input_view(&bytes), seed, &sink, NULL, NULL);
    int code = CLI_DONE;
    privacy_entry *kept = NULL;
    if (state == TABLE_UNUSABLE)
        code = cli_fail(call, CLI_BAD_INPUT, "ce tableau ne peut pas être lu (voir ci-dessus) ; rien n’a été envoyé");
    else if (state == TABLE_NO_MEMORY || !privacy_gather(&found, memory, &people, record_key)
             || (kept = arena_take(self->memory, (found.count + 1) * sizeof *kept)) == NULL)
        code = agent_call_no_memory(call);
    if (kept != NULL && found.count > 0)
        memcpy(kept, found.entries, found.count * sizeof *kept);
    *list = (privacy_list){kept == NULL ? 0 : found.count, kept};
    arena_destroy(&memory);
    input_release(&bytes);
    return code;
}

/* All people that are known here: of each contract's last push, and of --persons. 0 or an exit code. */
static int load_people(narrating *self, cli_call *call, privacy_list *lists, size_t *count)
{
    outbox *box = agent_call_of(call)->box;
    wire_contract *known;
    unsigned contracts;
    bool any = false;
    outbox_error error = outbox_contracts(box, self->memory, &known, &contracts);
    *count = 0;
    for (unsigned i = 0; error == OUTBOX_OK && i < contracts; i++) {
        error = namebook_load(box, known[i].id, self->memory, &lists[*count]);
        any |= error == OUTBOX_OK && text_equal(known[i].id, self->of.terms->id);
        *count += error == OUTBOX_OK;
        error = error == OUTBOX_ABSENT ? OUTBOX_OK : error;
    }
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    if (cli_given(call, "persons"))
        return read_persons(self, call, &lists[(*count)++]);
    if (!any)
        return cli_fail(call, CLI_CONFIGURATION,
                        "aucun tableau des personnes n’est encore parti d’ici pour ce contrat : le texte ne peut pas être "
                        "vérifié. Faites d’abord un push, ou donnez le tableau avec --persons");
    return CLI_DONE;
}

/* The text of the call, read and checked; 0 or an exit code, said. */
static int read_text(narrating *self, cli_call *call, prose *text)
{
    cli_file file = call->operand_files[0];
    privacy_list lists[WIRE_CONTRACTS_MAX + 1];
    diag_sink sink = diag_sink_to(call->err);
    input bytes;
    size_t count, found = 0;
    int code = load_people(self, call, lists, &count);
    if (code != CLI_DONE)
        return code;
    if (!input_read(&file, &bytes))
        return cli_bad_file(call, &file);
    const char *name = name_of(file.name);
    bool read = prose_read(text, self->memory, name, input_view(&bytes), &sink);
    if (read && !privacy_scan(&found, self->memory, lists, count, agent_call_of(call)->agent->secrets->record_key, name,
                              text->whole, &sink))
        code = agent_call_no_memory(call);
    else if (!read)
        code = sink.count[DIAG_ERROR] > 0 ? cli_fail(call, CLI_BAD_INPUT, "ce texte ne peut pas partir (voir ci-dessus)")
                                          : agent_call_no_memory(call);
    else if (found > 0)
        code = cli_fail(call, CLI_BAD_INPUT, "le texte désigne quelqu’un (voir ci-dessus) : rien n’a été envoyé");
    input_release(&bytes);
    return code;
}

static bool over(const agent_wait *wait, uint64_t now_ms)
{
    const narrating *self = (const narrating *)wait;
    outbox_error ignored;
    return agent_wait_settled(runtime_session(wait->loop)) || now_ms >= wait->deadline_ms
        || runtime_failures(wait->loop, &ignored) != self->failures;
}

/* "nouveau", "modifie", "inchange", "retire". */
static const char *outcome(const narrating *self)
{
    if (cli_given(self->wait.call, "withdraw"))
        return "retire";
    return !self->done.queued ? "inchange" : self->done.was_held ? "modifie" : "nouveau";
}

static void tell(const narrating *self, uint64_t acknowledged, uint64_t waiting, record_reason refused)
{
    cli_call *call = self->wait.call;
    bool withdraws = cli_given(call, "withdraw");
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:b, s:I, s:I}", "texte", outcome(self), "refuse", refused != RECORD_OK,
                                    "acquittes", (json_int_t)acknowledged, "en_attente", (json_int_t)waiting);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    if (refused != RECORD_OK)
        return;
    if (withdraws && !self->done.was_held)
        (void)fputs("Aucun texte de vous n’était connu ici pour cette case ; le retrait part tout de même.\n", call->out);
    else if (withdraws)
        (void)fputs(waiting > 0 ? "Le retrait du texte reste en file d’attente.\n" : "Le texte est retiré.\n", call->out);
    else if (!self->done.queued)
        (void)fputs("Rien de neuf : c’est le texte déjà envoyé.\n", call->out);
    else if (waiting > 0)
        (void)fputs("Le texte reste en file d’attente, sans perte.\n", call->out);
    else
        (void)fputs(self->done.was_held ? "Le texte remplace le précédent au hub, qui garde l’historique.\n"
                                        : "Le texte est au hub.\n", call->out);
}

static int refusal(const narrating *self, record_reason reason)
{
    cli_call *call = self->wait.call;
    if (reason == RECORD_BAD_CODE)
        return cli_fail(call, CLI_BAD_INPUT, "le hub a refusé le texte : « %s » n’est pas un indicateur du contrat qui se renseigne "
                        "par un texte ; demandez son code à la préfecture", cli_value(call, "indicator"));
    return cli_fail(call, reason == RECORD_NO_RIGHT ? CLI_NOT_ALLOWED : CLI_BAD_INPUT, "le hub a refusé le texte : %s",
                    record_reason_text(reason));
}

static int end(agent_wait *wait)
{
    narrating *self = (narrating *)wait;
    outbox *box = agent_call_of(wait->call)->box;
    const outbox_tally *now = runtime_tally(wait->loop);
    uint64_t waiting = 0, refused_count = now->refused - self->before.refused;
    uint64_t acknowledged = now->records - self->before.records - refused_count;
    record_reason reason = RECORD_OK;
    outbox_error failure, error = outbox_pending(box, &waiting);
    unsigned long failures = runtime_failures(wait->loop, &failure);
    if (error == OUTBOX_OK && failures != self->failures)
        error = failure;
    if (error == OUTBOX_OK && self->done.queued)
        error = narrate_refused(box, &self->of, &self->done, &reason);
    tell(self, acknowledged, waiting, reason);
    const agent_session *session = runtime_session(wait->loop);
    bool needs_person = session->stop != AGENT_STOP_NONE && session->stop != AGENT_STOP_UNREACHABLE;
    int code = CLI_DONE;
    if (error != OUTBOX_OK)
        code = agent_call_outbox_failed(wait->call, error);
    else if (reason != RECORD_OK)
        code = refusal(self, reason);
    else if (agent_session_pending(session) > 0 || needs_person)
        code = agent_wait_trouble(wait->call, wait->loop);
    return code;
}

static int queue(narrating *self, cli_call *call)
{
    agent_call *own = agent_call_of(call);
    prose text;
    bool withdraws = cli_given(call, "withdraw");
    int code = find_cell(self, call);
    if (code == CLI_DONE)
        code = check_indicator(self, call);
    if (code == CLI_DONE && !withdraws)
        code = read_text(self, call, &text);
    if (code != CLI_DONE)
        return code;
    outbox_error error = withdraws ? narrate_withdraw(own->box, own->agent, &self->of, &self->done)
                                   : narrate_put(own->box, own->agent, &self->of, text.text, &self->done);
    if (error == OUTBOX_OK)
        error = runtime_queued(self->wait.loop);
    return error == OUTBOX_OK ? CLI_DONE : agent_call_outbox_failed(call, error);
}

static int make(agent_wait *wait)
{
    narrating *self = (narrating *)wait;
    outbox_error ignored;
    wait->over = over;
    wait->end = end;
    self->before = *runtime_tally(wait->loop);
    self->failures = runtime_failures(wait->loop, &ignored);
    self->memory = arena_new(MEMORY_BYTES);
    int code = self->memory == NULL ? agent_call_no_memory(wait->call) : queue(self, wait->call);
    arena_destroy(&self->memory);
    if (code == CLI_DONE)
        runtime_start(wait->loop);
    return code;
}

int agent_narrative_run(cli_call *call)
{
    uint64_t seconds;
    if (cli_given(call, "withdraw") && call->operand_count > 0)
        return cli_fail(call, CLI_USAGE, "--withdraw ne prend pas de texte");
    if (!agent_wait_read(call, &seconds))
        return cli_fail(call, CLI_USAGE, "--wait demande un nombre de secondes, de 0 à %d", AGENT_WAIT_S_MAX);
    return agent_wait_run(call, seconds, sizeof(narrating), make);
}
