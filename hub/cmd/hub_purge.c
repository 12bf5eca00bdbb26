/*
 * hub_purge: `ctai-hub purge`: the contracts whose time is over (`conservation` in their files), what would go with them,
 * and before all the cells of the open contracts that would change. It does so only when it is told to.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "hub_base.h"
#include "hub_commands.h"
#include "hub_definition.h"
#include "store_contract.h"
#include "store_purge.h"
#include "terminal.h"

enum { MEMORY_BYTES = 256 * 1024 * 1024, DEFINITION_BYTES = 32 * 1024 * 1024, DAY_SECONDS = 24 * 60 * 60 };

const cli_option hub_purge_options[] = {
    {.name = "contract", .kind = CLI_VALUE, .value = "CONTRAT", .help = "seulement celui-ci"},
    {.name = "yes", .kind = CLI_FLAG, .help = "efface, sans poser de question"},
    {.name = NULL},
};

typedef enum { STATE_OPEN, STATE_WITHOUT, STATE_DUE, STATE_PURGED } contract_state;

typedef struct {
    store_contract what;
    contract_state state;
    int64_t months;        /* 0: not stated */
    civil_day until;       /* the last day on which its data are kept; CIVIL_NONE: not stated */
    char purged[32];
} row;

typedef struct {
    cli_call *call;
    hub_base *base;
    arena *memory;
    unsigned count, due_count;
    row *rows;
    const char **due;
    store_purged found;
    bool done;
} purge;

static const char *state_name(contract_state state)
{
    static const char *const names[] = {[STATE_OPEN] = "garde", [STATE_WITHOUT] = "sans_duree", [STATE_DUE] = "a_purger",
                                        [STATE_PURGED] = "purge"};
    return names[state];
}

/* What the contract's file says of its data's time. A file that this program cannot read says nothing. */
static int read_retention(purge *self, row *to)
{
    store_contract whole;
    contract said;
    diag_sink silent = {0};
    char id[RECORD_NAME_MAX + 1];
    (void)text_copy(id, sizeof id, to->what.id);
    arena *scratch = arena_new(DEFINITION_BYTES);
    if (!scratch)
        return hub_base_no_memory(self->call);
    database_error error = store_contract_find(self->base->store, id, scratch, &whole);
    to->until = CIVIL_NONE;
    if (error == DATABASE_OK && hub_definition_read(&said, scratch, id, whole.definition, &silent) && said.retention_months > 0) {
        to->months = said.retention_months;
        to->until = civil_add_months(to->what.last_day, (int)said.retention_months);
    }
    arena_destroy(&scratch);
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self->base, self->call, error);
}

static bool is_chosen(const purge *self, const row *one)
{
    const char *only = cli_value(self->call, "contract");
    return !only || text_is(one->what.id, only);
}

/* One contract: its time, and whether it is over. */
static int judge(purge *self, row *one, const store_purge_contract *purged, unsigned purged_count, civil_day today)
{
    int code = read_retention(self, one);
    if (code != CLI_DONE)
        return code;
    one->state = one->until == CIVIL_NONE ? STATE_WITHOUT : one->until < today ? STATE_DUE : STATE_OPEN;
    for (unsigned i = 0; i < purged_count; i++)
        if (text_equal(purged[i].id, one->what.id)) {
            one->state = STATE_PURGED;
            snprintf(one->purged, sizeof one->purged, "%s", purged[i].purged);
        }
    if (one->state != STATE_DUE || !is_chosen(self, one))
        return CLI_DONE;
    self->due[self->due_count] = arena_text(self->memory, one->what.id);
    return self->due[self->due_count++] ? CLI_DONE : hub_base_no_memory(self->call);
}

static int gather(purge *self)
{
    store_contract *contracts = NULL;
    store_purge_contract *purged = NULL;
    unsigned purged_count = 0;
    civil_day today = (civil_day)(time(NULL) / DAY_SECONDS);
    database_error error = store_contracts(self->base->store, self->memory, &contracts, &self->count);
    if (error == DATABASE_OK)
        error = store_purge_list(self->base->store, self->memory, &purged, &purged_count);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    self->rows = arena_take(self->memory, self->count * sizeof *self->rows + 1);
    self->due = arena_take(self->memory, self->count * sizeof *self->due + 1);
    if (!self->rows || !self->due)
        return hub_base_no_memory(self->call);
    int code = CLI_DONE;
    bool known = !cli_given(self->call, "contract");
    for (unsigned i = 0; code == CLI_DONE && i < self->count; i++) {
        self->rows[i].what = contracts[i];
        known = known || is_chosen(self, &self->rows[i]);
        code = judge(self, &self->rows[i], purged, purged_count, today);
    }
    if (code == CLI_DONE && !known)
        code = cli_fail(self->call, CLI_BAD_INPUT, "le contrat « %s » est inconnu ; « ctai-hub contract list » les donne tous",
                        cli_value(self->call, "contract"));
    return code;
}

static json_t *view(text_view text)
{
    return text.at ? json_stringn(text.at, text.size) : json_null();
}

static json_t *day_json(civil_day day)
{
    char text[CIVIL_DAY_TEXT];
    if (day == CIVIL_NONE)
        return json_null();
    civil_day_text(day, text);
    return json_string(text);
}

static const store_purge_contract *found_of(const purge *self, text_view id)
{
    for (unsigned i = 0; i < self->found.contract_count; i++)
        if (text_equal(self->found.contracts[i].id, id))
            return &self->found.contracts[i];
    return NULL;
}

static int tell_json(const purge *self)
{
    json_t *contracts = json_array(), *cells = json_array();
    for (unsigned i = 0; i < self->count; i++) {
        const row *one = &self->rows[i];
        const store_purge_contract *gone = found_of(self, one->what.id);
        contract_state state = gone && self->done ? STATE_PURGED : one->state;
        json_t *item = json_pack("{s:o, s:o, s:I, s:o, s:s}", "contrat", view(one->what.id), "dernier_jour",
                                 day_json(one->what.last_day), "conservation", (json_int_t)one->months, "garde_jusqu_au",
                                 day_json(one->until), "etat", state_name(state));
        if (item && gone) {
            json_object_set_new(item, "enregistrements", json_integer((json_int_t)gone->records));
            json_object_set_new(item, "histoire", json_integer((json_int_t)gone->history));
            json_object_set_new(item, "personnes", json_integer((json_int_t)gone->persons));
            json_object_set_new(item, "position", json_integer((json_int_t)gone->evaluated));
        }
        json_array_append_new(contracts, item);
    }
    for (unsigned i = 0; i < self->found.change_count; i++) {
        const store_purge_change *one = &self->found.changes[i];
        json_array_append_new(cells, json_pack("{s:o, s:o, s:o, s:o, s:o}", "contrat", view(one->contract), "action",
                                               view(one->action), "indicateur", view(one->indicator), "avant", view(one->before),
                                               "apres", view(one->after)));
    }
    return hub_base_json(self->call, json_pack("{s:b, s:o, s:o}", "fait", self->done, "cellules", cells, "contrats", contracts));
}

static void tell_changes(const purge *self, FILE *to)
{
    if (self->found.change_count == 0) {
        fputs("Aucune cellule des contrats ouverts ne change.\n\n", to);
        return;
    }
    fprintf(to, "%u cellule%s des contrats ouverts %s : des personnes y sont reconnues par les données à effacer.\n",
            self->found.change_count, hub_base_plural(self->found.change_count),
            self->done ? "ont changé" : self->found.change_count > 1 ? "changeraient" : "changerait");
    for (unsigned i = 0; i < self->found.change_count; i++) {
        const store_purge_change *one = &self->found.changes[i];
        fprintf(to, "  %s %s %s (%s) : %s → %s\n", one->contract.at, one->action.at, one->indicator.at, one->label.at,
                one->before.size ? one->before.at : "—", one->after.size ? one->after.at : "—");
    }
    fputs("Rendez d’abord les évaluations de ces contrats, si vous voulez les garder telles quelles.\n\n", to);
}

static void tell_contract(const purge *self, const row *one, FILE *to)
{
    char until[CIVIL_DAY_TEXT] = "";
    const store_purge_contract *gone = found_of(self, one->what.id);
    if (one->until != CIVIL_NONE)
        civil_day_text(one->until, until);
    fprintf(to, "%.*s : ", (int)one->what.id.size, one->what.id.at);
    if (gone)
        fprintf(to, "%s (à garder jusqu’au %s) : %" PRIu64 " enregistrement%s, %" PRIu64 " version%s d’avant, %" PRIu64
                " personne%s. L’évaluation reste, telle qu’à la position %" PRIu64 ".\n",
                self->done ? "purgé" : "à purger", until, gone->records, hub_base_plural(gone->records), gone->history, hub_base_plural(gone->history), gone->persons, hub_base_plural(gone->persons), gone->evaluated);
    else if (one->state == STATE_PURGED)
        fprintf(to, "déjà purgé, le %.10s\n", one->purged);
    else if (one->state == STATE_WITHOUT)
        fputs("son fichier ne dit pas de durée (« conservation ») : jamais purgé\n", to);
    else
        fprintf(to, "gardé jusqu’au %s compris\n", until);
}

static int tell(const purge *self)
{
    FILE *to = self->call->out;
    if (self->call->json)
        return tell_json(self);
    if (self->due_count)
        tell_changes(self, to);
    for (unsigned i = 0; i < self->count; i++)
        if (is_chosen(self, &self->rows[i]))
            tell_contract(self, &self->rows[i], to);
    if (self->due_count == 0)
        fputs("Rien n’est à purger.\n", to);
    return CLI_DONE;
}

/* Asks at a terminal; false: no. */
static bool ask(void)
{
    char answer[16];
    return terminal_ask("Effacer pour de bon ? Écrivez « oui » : ", answer, sizeof answer) && strcmp(answer, "oui") == 0;
}

static int purge_now(purge *self)
{
    database_error error = store_purge(self->base->store, self->due, self->due_count, true, self->memory, &self->found);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    self->done = true;
    int code = tell(self);
    if (code == CLI_DONE && !self->call->json)
        fputs("C’est fait. Les sauvegardes d’avant contiennent encore ces données : effacez-les à leur tour.\n", self->call->out);
    return code;
}

/* What would go; then, if it is wanted, it goes. */
static int show(purge *self)
{
    database_error error = store_purge(self->base->store, self->due, self->due_count, false, self->memory, &self->found);
    int code = error == DATABASE_OK ? tell(self) : hub_base_fail(self->base, self->call, error);
    if (code != CLI_DONE || self->due_count == 0 || self->call->json)
        return code;
    fflush(self->call->out);
    if (terminal_there() && self->call->terminal) {
        if (ask())
            return purge_now(self);
        cli_say(self->call, "rien n’a été effacé");
        return CLI_DONE;
    }
    cli_say(self->call, "rien n’a été effacé : pour le faire, ajoutez --yes");
    return CLI_DONE;
}

static int run(cli_call *call, hub_base *base, arena *memory)
{
    purge self = {.call = call, .base = base, .memory = memory};
    int code = gather(&self);
    if (code != CLI_DONE)
        return code;
    if (cli_given(call, "yes") && cli_given(call, "contract") && self.due_count == 0) {
        (void)tell(&self);
        return cli_fail(call, CLI_BAD_INPUT, "rien n’a été effacé : la durée de ce contrat n’est pas passée, ou il est déjà purgé");
    }
    return cli_given(call, "yes") && self.due_count ? purge_now(&self) : show(&self);
}

int hub_purge_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, run);
}
