/*
 * cli_parse: see the header. Options and operands come in any order, "--" ends the options, a value
 * follows its option as the next word or after "=". Nothing is guessed: a word that means nothing
 * is an error, with the nearest that does.
 */
#include "cli_parse.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "text.h"

enum { WORDS_MAX = 128 };

typedef struct {
    cli_call *call;
    const char **home;
    char **words;
    int count, next;
    bool options_ended;
} reader;

static cli_parsed wrong(const reader *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

static cli_parsed wrong(const reader *self, const char *format, ...)
{
    const cli_call *call = self->call;
    va_list args;
    fprintf(call->err, "%s : ", call->program->name);
    va_start(args, format);
    vfprintf(call->err, format, args);
    va_end(args);
    fprintf(call->err, "\nAide : %s %s%s--help\n", call->program->name, call->command ? call->command->name : "",
            call->command ? " " : "");
    return CLI_PARSE_WRONG;
}

int cli_option_index(const cli_command *command, const char *name)
{
    for (int i = 0; command->options && command->options[i].name; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return i;
    return -1;
}

int cli_operand_index(const cli_command *command, const char *name)
{
    for (int i = 0; command->operands && command->operands[i].name; i++)
        if (strcmp(command->operands[i].name, name) == 0)
            return i;
    return -1;
}

const cli_command *cli_find(const cli_program *program, const char *name)
{
    for (const cli_command *command = program->commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

/* The two-word commands that begin with that word: is there one? */
static bool is_group(const cli_program *program, const char *word)
{
    size_t size = strlen(word);
    for (const cli_command *command = program->commands; command->name; command++)
        if (strncmp(command->name, word, size) == 0 && command->name[size] == ' ')
            return true;
    return false;
}

static cli_parsed unknown_command(const reader *self, const char *name)
{
    const char *names[WORDS_MAX];
    size_t count = 0;
    for (const cli_command *command = self->call->program->commands; command->name && count < WORDS_MAX; command++)
        names[count++] = command->name;
    const char *near = text_nearest(text_of(name), names, count);
    if (near)
        return wrong(self, "commande inconnue « %s » ; vouliez-vous dire « %s » ?", name, near);
    return wrong(self, "commande inconnue « %s »", name);
}

static cli_parsed unknown_option(const reader *self, const char *word, size_t size)
{
    const char *names[CLI_OPTIONS_MAX + 4] = { "--home", "--json", "--help", "--version" };
    char long_forms[CLI_OPTIONS_MAX][48];
    size_t count = 4;
    const cli_command *command = self->call->command;
    for (int i = 0; command && command->options && command->options[i].name; i++) {
        snprintf(long_forms[i], sizeof long_forms[i], "--%s", command->options[i].name);
        names[count++] = long_forms[i];
    }
    const char *near = size > 2 ? text_nearest((text_view){ word, size }, names, count) : NULL;
    if (near)
        return wrong(self, "option inconnue « %.*s » ; vouliez-vous dire « %s » ?", (int)size, word, near);
    return wrong(self, "option inconnue « %.*s »", (int)size, word);
}

/* The value of an option: what follows "=", or the next word. */
static cli_parsed take_value(reader *self, const char *option, const char *attached, const char **value)
{
    if (*value)
        return wrong(self, "l’option %s est donnée deux fois", option);
    if (!attached) {
        if (self->next >= self->count)
            return wrong(self, "l’option %s demande une valeur", option);
        attached = self->words[self->next];
        if (strncmp(attached, "--", 2) == 0)
            return wrong(self,
                         "l’option %s demande une valeur (si elle commence vraiment par deux tirets, écrivez %s=%s)",
                         option, option, attached);
        self->next++;
    }
    if (*attached == '\0')
        return wrong(self, "l’option %s a une valeur vide", option);
    *value = attached;
    return CLI_PARSE_RUN;
}

static cli_parsed take_option(reader *self, int index, const char *shown, const char *attached)
{
    const cli_option *option = &self->call->command->options[index];
    const char **value = &self->call->values[index];
    if (option->kind != CLI_FLAG)
        return take_value(self, shown, attached, value);
    if (attached)
        return wrong(self, "l’option %s ne prend pas de valeur", shown);
    if (*value)
        return wrong(self, "l’option %s est donnée deux fois", shown);
    *value = "";
    return CLI_PARSE_RUN;
}

static cli_parsed take_long(reader *self, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word) : strlen(word);
    const char *attached = equals ? equals + 1 : NULL;
    char name[48];
    if (size >= sizeof name)
        return unknown_option(self, word, size);
    memcpy(name, word, size);
    name[size] = '\0';
    const cli_command *command = self->call->command;
    int index = command ? cli_option_index(command, name + 2) : -1;
    if (index >= 0)
        return take_option(self, index, name, attached);
    if (strcmp(name, "--home") == 0)
        return take_value(self, name, attached, self->home);
    if (strcmp(name, "--json") != 0 && strcmp(name, "--help") != 0 && strcmp(name, "--version") != 0)
        return unknown_option(self, word, size);
    if (attached)
        return wrong(self, "l’option %s ne prend pas de valeur", name);
    if (strcmp(name, "--help") == 0)
        return CLI_PARSE_HELP;
    if (strcmp(name, "--version") == 0)
        return CLI_PARSE_VERSION;
    if (self->call->json)
        return wrong(self, "l’option --json est donnée deux fois");
    self->call->json = true;
    return CLI_PARSE_RUN;
}

static cli_parsed take_short(reader *self, const char *word)
{
    const cli_command *command = self->call->command;
    char shown[3] = { '-', word[1], '\0' };
    for (int i = 0; command && command->options && command->options[i].name; i++)
        if (command->options[i].letter == word[1])
            return take_option(self, i, shown, word[2] ? word + 2 : NULL);
    if (strcmp(word, "-h") == 0)
        return CLI_PARSE_HELP;
    return unknown_option(self, word, strlen(word));
}

static cli_parsed take_operand(reader *self, const char *word)
{
    cli_call *call = self->call;
    const cli_operand *operands = call->command->operands;
    if (!operands || !operands[call->operand_count].name)
        return wrong(self, "« %s » est de trop", word);
    if (*word == '\0')
        return wrong(self, "%s est vide", operands[call->operand_count].name);
    call->operands[call->operand_count++] = word;
    return CLI_PARSE_RUN;
}

/* The command's one or two words, with the options of all commands before them. */
static cli_parsed take_command(reader *self)
{
    const cli_program *program = self->call->program;
    char name[64];
    while (self->next < self->count && self->words[self->next][0] == '-') {
        const char *word = self->words[self->next++];
        cli_parsed parsed = strncmp(word, "--", 2) == 0 ? take_long(self, word) : take_short(self, word);
        if (parsed != CLI_PARSE_RUN)
            return parsed;
    }
    if (self->next >= self->count)
        return wrong(self, "il manque la commande");
    const char *first = self->words[self->next++];
    self->call->command = cli_find(program, first);
    if (self->call->command)
        return CLI_PARSE_RUN;
    if (!is_group(program, first))
        return unknown_command(self, first);
    const char *second = self->next < self->count ? self->words[self->next] : "--help";
    if (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0) {
        if (self->next < self->count)
            return CLI_PARSE_HELP;
        return wrong(self, "« %s » demande un second mot ; %s --help en donne la liste", first, program->name);
    }
    self->next++;
    snprintf(name, sizeof name, "%s %s", first, second);
    self->call->command = cli_find(program, name);
    return self->call->command ? CLI_PARSE_RUN : unknown_command(self, name);
}

static cli_parsed check_required(const reader *self)
{
    const cli_call *call = self->call;
    const cli_command *command = call->command;
    for (int i = 0; command->operands && command->operands[i].name; i++)
        if (command->operands[i].required && i >= call->operand_count)
            return wrong(self, "il manque %s", command->operands[i].name);
    for (int i = 0; command->options && command->options[i].name; i++)
        if (command->options[i].required && !call->values[i])
            return wrong(self, "il manque l’option --%s", command->options[i].name);
    return CLI_PARSE_RUN;
}

/* The tables fit in a call. */
static void check_tables(const cli_command *command)
{
    int options = 0, operands = 0;
    while (command->options && command->options[options].name)
        options++;
    while (command->operands && command->operands[operands].name)
        operands++;
    assert(options <= CLI_OPTIONS_MAX && operands <= CLI_OPERANDS_MAX);
}

/* --help and --version win over whatever else is wrong. No option's value can look like them. */
static cli_parsed look_ahead(const reader *self)
{
    for (int i = self->next; i < self->count && strcmp(self->words[i], "--") != 0; i++) {
        if (strcmp(self->words[i], "--help") == 0)
            return CLI_PARSE_HELP;
        if (strcmp(self->words[i], "--version") == 0)
            return CLI_PARSE_VERSION;
    }
    return CLI_PARSE_RUN;
}

cli_parsed cli_parse(cli_call *call, int argc, char **argv, const char **home)
{
    reader self = { .call = call, .home = home, .words = argv, .count = argc, .next = 1 };
    *home = NULL;
    cli_parsed parsed = take_command(&self);
    if (parsed == CLI_PARSE_RUN) {
        check_tables(call->command);
        parsed = look_ahead(&self);
    }
    while (parsed == CLI_PARSE_RUN && self.next < self.count) {
        const char *word = self.words[self.next++];
        if (self.options_ended || word[0] != '-' || word[1] == '\0')
            parsed = take_operand(&self, word);
        else if (strcmp(word, "--") == 0)
            self.options_ended = true;
        else
            parsed = word[1] == '-' ? take_long(&self, word) : take_short(&self, word);
    }
    return parsed == CLI_PARSE_RUN ? check_required(&self) : parsed;
}
