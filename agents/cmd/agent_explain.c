/*
 * agent_explain: `ctai-agent explain`: whom a record key concerns, for the operator alone: out of the tables of the last push,
 * or of those of the call, the records are made again and the key is looked up. Nothing leaves, nothing is logged.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_commands.h"
#include "agent_export.h"
#include "catalogue.h"
#include "embedded.h"
#include "explain.h"
#include "lastfiles.h"
#include "recordkey.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

const cli_option agent_explain_options[] = {
    {"persons", 0, CLI_INPUT, false, "FICHIER", "le tableau des personnes, au lieu de celui du dernier push"},
    {"events", 0, CLI_INPUT, false, "FICHIER", "le tableau des événements, de même"},
    {"contract", 0, CLI_VALUE, false, "CONTRAT", "ne cherche que dans ce contrat"},
    {.name = NULL},
};

typedef struct {
    cli_call *call;
    arena *memory;
    unsigned count;
    uint8_t keys[CLI_OPERANDS_MAX][RECORD_KEY];
    bool found[CLI_OPERANDS_MAX];
    FILE *silence; /* where the diagnostics of the tables go */
    json_t *rows;  /* with --json */
    unsigned contract_count;
    wire_contract *contracts;
} explaining;

static bool read_key(uint8_t key[RECORD_KEY], const char *text)
{
    if (strlen(text) != 2 * RECORD_KEY || strspn(text, "0123456789abcdefABCDEF") != 2 * RECORD_KEY)
        return false;
    for (unsigned i = 0; i < 2 * RECORD_KEY; i++) {
        unsigned digit = text[i] <= '9' ? (unsigned)(text[i] - '0') : (unsigned)((text[i] | 0x20) - 'a') + 10;
        key[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : key[i / 2] | digit);
    }
    return true;
}

static json_t *text_json(text_view text)
{
    return text.size == 0 ? json_null() : json_stringn(text.at, text.size);
}

static void add_row(explaining *self, const char *key, const explain_answer *what, const char *month)
{
    json_t *lines = json_array(), *row = json_object();
    for (size_t i = 0; i < what->line_count; i++)
        json_array_append_new(lines, json_integer(what->lines[i]));
    json_object_set_new(row, "cle", json_string(key));
    json_object_set_new(row, "contrat", text_json(what->terms->id));
    json_object_set_new(row, "action", text_json(what->action));
    json_object_set_new(row, "type", what->type == FACT_NONE ? json_null() : json_string(fact_rule_of(what->type)->name));
    json_object_set_new(row, "mois", text_json(text_of(month)));
    json_object_set_new(row, "compte", json_boolean(what->counts));
    json_object_set_new(row, "id_local", what->who == NULL ? json_null() : text_json(what->who->id));
    json_object_set_new(row, "nom", what->who == NULL ? json_null() : text_json(what->who->family_name));
    json_object_set_new(row, "prenom", what->who == NULL ? json_null() : text_json(what->who->given_name));
    json_object_set_new(row, "ligne_personne", what->who == NULL ? json_null() : json_integer(what->who->line));
    json_object_set_new(row, "lignes_evenements", lines);
    json_array_append_new(self->rows, row);
}

static void print_view(FILE *to, const char *before, text_view text)
{
    (void)fprintf(to, "%s%.*s", before, (int)text.size, text.size == 0 ? "" : text.at);
}

static void tell(explaining *self, const char *key, const explain_answer *what)
{
    FILE *out = self->call->out;
    char month[CIVIL_MONTH_TEXT] = "";
    if (what->month != CIVIL_NONE)
        civil_month_text(what->month, month);
    if (self->rows != NULL) {
        add_row(self, key, what, month);
        return;
    }
    (void)fprintf(out, "%s : %s", key, what->type == FACT_NONE ? "ligne en erreur" : fact_rule_of(what->type)->label);
    print_view(out, ", contrat ", what->terms->id);
    if (what->action.size > 0)
        print_view(out, ", action ", what->action);
    (void)fprintf(out, month[0] != '\0' ? ", mois %s\n" : "%s\n", month);
    if (what->who != NULL) {
        print_view(out, "  id_local ", what->who->id);
        print_view(out, " : ", what->who->family_name);
        print_view(out, " ", what->who->given_name);
        (void)fprintf(out, " (ligne %lu du tableau des personnes)\n", (unsigned long)what->who->line);
    }
    if (what->line_count > 0) {
        (void)fprintf(out, what->line_count == 1 ? "  tableau des événements, ligne" : "  tableau des événements, lignes");
        for (size_t i = 0; i < what->line_count; i++)
            (void)fprintf(out, "%s %lu", i == 0 ? "" : ",", (unsigned long)what->lines[i]);
        (void)fputc('\n', out);
    }
    if (!what->counts)
        (void)fputs("  Ces tableaux n’en font plus d’enregistrement : la ligne est écartée, en erreur, ou n’y est plus.\n", out);
}

/* Looks all keys up in the records of two files; 0 or an exit code. */
static int look_in(explaining *self, cli_call *call, const lastfiles *last)
{
    agent_export from;
    const uint8_t *record_key = agent_call_of(self->call)->agent->secrets->record_key;
    int code = agent_export_make(&from, call, AGENT_EXPORT_TOKENS_IF_ANY, false, self->silence);
    if (code == CLI_DONE && last != NULL) {
        lastfiles now;
        lastfiles_hash(now.persons_hash, record_key, input_view(&from.persons));
        memcpy(now.events_hash, from.events.hash, sizeof now.events_hash);
        if (!crypto_equal(now.persons_hash, last->persons_hash, CRYPTO_SHORT_HASH)
            || !crypto_equal(now.events_hash, last->events_hash, CRYPTO_SHORT_HASH))
            cli_say(self->call, "attention : ces fichiers ont changé depuis le dernier push (%s, %s)", last->persons, last->events);
    }
    for (unsigned i = 0; i < self->count && code == CLI_DONE; i++) {
        explain_answer what;
        if (self->found[i])
            continue;
        switch (explain_key(&what, from.memory, &from.made, record_key, self->keys[i])) {
        case EXPLAIN_FOUND:
            self->found[i] = true;
            tell(self, self->call->operands[i], &what);
            break;
        case EXPLAIN_UNKNOWN:
            break;
        case EXPLAIN_NO_MEMORY:
            code = agent_call_no_memory(self->call);
            break;
        }
    }
    agent_export_release(&from);
    return code;
}

static int option_at(const cli_call *call, const char *name)
{
    int at = 0;
    while (strcmp(call->command->options[at].name, name) != 0)
        at++;
    return at;
}

/* Opens a file of the last push; the call then has it as though it had been named. */
static void give_file(cli_call *call, const char *option, const char *path)
{
    int at = option_at(call, option);
    struct stat is;
    cli_file *file = &call->files[at];
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    call->values[at] = file->name = path;
    file->error = 0;
    if (opened >= 0 && (fstat(opened, &is) != 0 || !S_ISREG(is.st_mode))) {
        close(opened);
        opened = -1;
        errno = EINVAL;
    }
    file->file = opened < 0 ? NULL : fdopen(opened, "r");
    if (file->file == NULL) {
        file->error = errno;
        if (opened >= 0)
            close(opened);
    }
}

/* In the files of a contract's last push. *any: there are some. */
static int look_in_last(explaining *self, const wire_contract *contract, bool *any)
{
    agent_call own = *agent_call_of(self->call);
    lastfiles last;
    char id[RECORD_NAME_MAX + 1];
    outbox_error error = lastfiles_load(own.box, contract->id, &last);
    if (error == OUTBOX_ABSENT || !text_copy(id, sizeof id, contract->id))
        return CLI_DONE;
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(self->call, error);
    *any = true;
    give_file(&own.call, "persons", last.persons);
    give_file(&own.call, "events", last.events);
    own.call.values[option_at(&own.call, "contract")] = id;
    int code = look_in(self, &own.call, &last);
    if (code != CLI_DONE)
        cli_say(self->call, "les fichiers du dernier push étaient %s et %s ; s’ils sont ailleurs, donnez --persons et --events",
                last.persons, last.events);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        if (own.call.files[i].file != NULL)
            (void)fclose(own.call.files[i].file);
    return code;
}

/* A text of ours: the national list's indicators are tried; one of a contract's own is told without its code. */
static void find_text(explaining *self, unsigned at)
{
    const embedded_file *list = embedded_find("indicators.yaml");
    diag_sink silent = {.emit = NULL};
    catalogue all = {.count = 0};
    if (list == NULL || !catalogue_load(&all, self->memory, list->name, (text_view){(const char *)list->data, list->size}, &silent))
        all.count = 0;
    text_view contract = {NULL, 0}, action = {NULL, 0}, code = {NULL, 0};
    for (unsigned i = 0; i < self->contract_count && code.size == 0; i++) {
        const wire_contract *one = &self->contracts[i];
        difference_entry held;
        if (outbox_held_find(agent_call_of(self->call)->box, one->id, self->keys[at], &held) == OUTBOX_OK)
            contract = one->id;
        for (unsigned k = 0; k < one->action_count; k++)
            for (unsigned m = 0; m < all.count; m++) {
                uint8_t key[RECORD_KEY];
                recordkey_narrative(key, one->id, one->actions[k].code, all.items[m].code);
                if (memcmp(key, self->keys[at], RECORD_KEY) != 0)
                    continue;
                contract = one->id;
                action = one->actions[k].code;
                code = all.items[m].code;
            }
    }
    self->found[at] = true;
    if (self->rows != NULL) {
        json_t *row = json_pack("{s:s, s:s}", "cle", self->call->operands[at], "type", "narrative");
        json_object_set_new(row, "contrat", text_json(contract));
        json_object_set_new(row, "action", text_json(action));
        json_object_set_new(row, "indicateur", text_json(code));
        json_array_append_new(self->rows, row);
        return;
    }
    (void)fprintf(self->call->out, "%s : un texte (narrative)", self->call->operands[at]);
    print_view(self->call->out, contract.size > 0 ? ", contrat " : "", contract);
    print_view(self->call->out, action.size > 0 ? ", action " : "", action);
    print_view(self->call->out, code.size > 0 ? ", indicateur " : "", code);
    (void)fputs("\n  Il ne concerne personne en particulier.\n", self->call->out);
}

static int look(explaining *self)
{
    cli_call *call = self->call;
    const char *wanted = cli_value(call, "contract");
    bool any = false;
    int code = CLI_DONE;
    for (unsigned i = 0; i < self->count; i++)
        if (recordkey_is_narrative(self->keys[i]))
            find_text(self, i);
    if (cli_given(call, "persons"))
        return look_in(self, call, NULL);
    for (unsigned i = 0; i < self->contract_count; i++) {
        bool asked = wanted == NULL || text_is(self->contracts[i].id, wanted);
        int one = asked ? look_in_last(self, &self->contracts[i], &any) : CLI_DONE;
        code = one == CLI_DONE ? code : one;
    }
    bool all = true;
    for (unsigned i = 0; i < self->count; i++)
        all &= self->found[i];
    if (code == CLI_DONE && !any && !all)
        return cli_fail(call, CLI_BAD_INPUT, "aucun fichier d’un push n’est connu ici : donnez --persons et --events");
    return code;
}

/* What was found, and what was not; the exit code. */
static int finish(explaining *self, int code)
{
    if (self->rows != NULL) {
        (void)json_dumpf(self->rows, self->call->out, JSON_INDENT(1));
        (void)fputc('\n', self->call->out);
    }
    for (unsigned i = 0; i < self->count && code == CLI_DONE; i++)
        if (!self->found[i])
            code = cli_fail(self->call, CLI_BAD_INPUT,
                            "%s : aucun enregistrement de vos tableaux n’a cette clé. Elle est d’un autre opérateur, ou d’une "
                            "ligne qui n’est plus dans vos fichiers (donnez ceux d’alors avec --persons et --events)",
                            self->call->operands[i]);
    return code;
}

int agent_explain_run(cli_call *call)
{
    explaining self = {.call = call, .count = (unsigned)call->operand_count};
    if (cli_given(call, "persons") != cli_given(call, "events"))
        return cli_fail(call, CLI_USAGE, "--persons et --events vont ensemble");
    for (unsigned i = 0; i < self.count; i++)
        if (!read_key(self.keys[i], call->operands[i]))
            return cli_fail(call, CLI_BAD_INPUT, "une clé a 32 chiffres hexadécimaux (0 à 9, a à f), comme dans preview");
    self.memory = arena_new(MEMORY_BYTES);
    self.silence = fopen("/dev/null", "w");
    self.rows = call->json ? json_array() : NULL;
    int code = CLI_DONE;
    outbox_error error = OUTBOX_NO_MEMORY;
    if (self.memory != NULL && self.silence != NULL)
        error = outbox_contracts(agent_call_of(call)->box, self.memory, &self.contracts, &self.contract_count);
    if (self.memory == NULL || self.silence == NULL)
        code = agent_call_no_memory(call);
    else if (error != OUTBOX_OK)
        code = agent_call_outbox_failed(call, error);
    else
        code = finish(&self, look(&self));
    if (self.silence != NULL)
        (void)fclose(self.silence);
    json_decref(self.rows);
    arena_destroy(&self.memory);
    return code;
}
