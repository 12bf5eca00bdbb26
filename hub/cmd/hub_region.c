/* ctai-hub region: the report of a region as a table, CSV or JSON. */
#include <string.h>
#include <sys/ioctl.h>

#include "hub_commands.h"
#include "hub_region_json.h"
#include "hub_regional.h"
#include "region_form.h"

enum { ARENA_BYTES = 1024 * 1024 * 1024, PLAIN_WIDTH = 100 };

const cli_option hub_region_options[] = {
    {.name = "from", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "premier mois (par défaut celui de chaque contrat)"},
    {.name = "to", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "dernier mois (par défaut celui de chaque contrat)"},
    {.name = "draft", .kind = CLI_FLAG, .help = "pour voir : n’inscrit rien au registre des publications"},
    {.name = "format", .kind = CLI_VALUE, .value = "table|csv|json", .help = "la forme du rapport (table)"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

typedef enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON } region_format;

static int read_format(cli_call *call, region_format *format)
{
    static const char *const names[] = {"table", "csv", "json"};
    const char *text = cli_value(call, "format");
    *format = call->json ? FORMAT_JSON : FORMAT_TABLE;
    if (!text)
        return CLI_DONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *format = (region_format)i;
            if (call->json && *format != FORMAT_JSON)
                return cli_fail(call, CLI_USAGE, "--json et --format %s se contredisent : donnez l’un ou l’autre", text);
            return CLI_DONE;
        }
    return cli_fail(call, CLI_USAGE, "--format %s : les formes de cette version sont table, csv et json", text);
}

static unsigned width_of(FILE *to)
{
    struct winsize size;
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : PLAIN_WIDTH;
}

static void say_standing(cli_call *call, const hub_regional *made, const char *standing)
{
    cli_say(call, "%s%s", standing, made->again && !made->table.draft ? " : elle est déjà inscrite, et n’a pas changé" : "");
    if (made->masked > 0)
        cli_say(call, "%u cellules sur %u sont masquées, dont %u par la seule règle du seuil (%u)", made->masked, made->table.cell_count,
                made->by_rule, made->table.threshold);
}

static int write_region(cli_call *call, const hub_regional *made, region_format format)
{
    char standing[HUB_REGIONAL_STANDING_MAX];
    FILE *to = cli_output(call);
    hub_regional_standing(made, standing);
    say_standing(call, made, standing);
    switch (format) {
    case FORMAT_CSV:
        region_form_csv(&made->table, to);
        return CLI_DONE;
    case FORMAT_JSON:
        return hub_region_json(call, made, to);
    case FORMAT_TABLE:
        break;
    }
    region_form_print(&made->table, standing, made->scheme, made->sections, made->section_count, width_of(to), to);
    return CLI_DONE;
}

int hub_region_run(cli_call *call)
{
    region_format format;
    hub_regional_request request;
    hub_regional made;
    hub_base base;
    int code = read_format(call, &format);
    if (code != CLI_DONE)
        return code;
    arena *from = arena_new(ARENA_BYTES);
    code = from ? hub_regional_ask(call, cli_given(call, "draft"), from, &request) : hub_base_no_memory(call);
    /* Who only looks works with fewer rights. */
    if (code == CLI_DONE)
        code = hub_base_open_for(&base, call, request.draft ? STORE_REPORT : STORE_OWNER);
    if (code == CLI_DONE) {
        code = hub_regional_make(call, &base, &request, from, &made);
        if (code == CLI_DONE)
            code = write_region(call, &made, format);
        hub_base_close(&base);
    }
    arena_destroy(&from);
    return code;
}
