/* cli_help: see the header. */
#include "cli_help.h"

#include <string.h>

enum { COLUMN = 30, LINE = 100 };

/* Columns on a terminal: one for each character (what we print has no wide or combining ones). */
static int width(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* Prints text wrapped at LINE columns; lines after the first begin at column indent, where we are now. */
static void wrap(FILE *to, const char *text, int indent)
{
    int at = indent;
    while (*text) {
        size_t size = strcspn(text, " \n");
        char word[256];
        snprintf(word, sizeof word, "%.*s", (int)(size < sizeof word ? size : sizeof word - 1), text);
        int columns = width(word);
        if (at > indent && at + 1 + columns > LINE) {
            fprintf(to, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', to);
            at++;
        }
        fwrite(text, 1, size, to);
        at += columns;
        text += size;
        for (; *text == ' ' || *text == '\n'; text++)
            if (*text == '\n') {
                fprintf(to, "\n%*s", indent, "");
                at = indent;
            }
    }
    fputc('\n', to);
}

static void entry(FILE *to, const char *left, const char *help)
{
    fprintf(to, "  %s", left);
    int columns = 2 + width(left);
    if (columns > COLUMN - 2)
        fprintf(to, "\n%*s", COLUMN, "");
    else
        fprintf(to, "%*s", COLUMN - columns, "");
    wrap(to, help ? help : "", COLUMN);
}

static void common_options(FILE *to, const cli_program *program)
{
    char help[512];
    snprintf(help, sizeof help, "dossier de la configuration, des clés et de l’état (à défaut : $CTAI_HOME, puis %s, "
             "puis $XDG_STATE_HOME/%s)", program->default_home, program->name);
    entry(to, "--home DOSSIER", help);
    entry(to, "--json", "donne le résumé de la commande en un objet JSON");
    entry(to, "--help", "affiche cette aide");
    entry(to, "--version", "affiche la version");
}

void cli_help_program(FILE *to, const cli_program *program)
{
    fprintf(to, "%s %s : %s\n\n", program->name, program->version, program->help);
    fprintf(to, "Usage : %s [--home DOSSIER] COMMANDE [OPTIONS] [OPÉRANDES]\n\nCommandes :\n", program->name);
    for (const cli_command *command = program->commands; command->name; command++)
        entry(to, command->name, command->help);
    fputs("\nOptions de toutes les commandes :\n", to);
    common_options(to, program);
    fprintf(to, "\nL’aide d’une commande : %s COMMANDE --help\n", program->name);
    fputs("\nCodes de sortie : 0 c’est fait ; 64 commande mal écrite ; 65 une donnée est fausse ; 69 hub injoignable ;\n"
          "70 défaut du programme ; 73 écriture impossible ; 75 tout n’a pas été acquitté à temps ; 76 protocole ou clé\n"
          "inattendus ; 77 non autorisé ; 78 configuration.\n", to);
}

static void left_of(char *left, size_t size, const cli_option *option)
{
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, size, "%s--%s%s%s", letter, option->name, option->kind == CLI_FLAG ? "" : " ",
             option->kind == CLI_FLAG ? "" : option->value ? option->value : "VALEUR");
}

void cli_help_command(FILE *to, const cli_program *program, const cli_command *command)
{
    char left[128];
    fprintf(to, "Usage : %s %s", program->name, command->name);
    for (int i = 0; command->operands && command->operands[i].name; i++)
        fprintf(to, command->operands[i].required ? " %s" : " [%s]", command->operands[i].name);
    bool any = false;
    for (int i = 0; command->options && command->options[i].name; i++) {
        if (command->options[i].required) {
            const cli_option option = { .name = command->options[i].name, .kind = command->options[i].kind,
                                        .value = command->options[i].value };
            left_of(left, sizeof left, &option);
            fprintf(to, " %s", left);
        }
        any = any || !command->options[i].required;
    }
    fprintf(to, "%s\n\n", any ? " [OPTIONS]" : "");
    wrap(to, command->help, 0);
    if (command->details) {
        fputc('\n', to);
        wrap(to, command->details, 0);
    }
    fputs("\nOptions :\n", to);
    for (int i = 0; command->options && command->options[i].name; i++) {
        left_of(left, sizeof left, &command->options[i]);
        entry(to, left, command->options[i].help);
    }
    common_options(to, program);
}
