/* ctai-hub region: the report of a region as a table, CSV, JSON, a page or a workbook. */
#include <errno.h>
#include <unistd.h>

#include "hub_commands.h"
#include "hub_form.h"
#include "hub_region_json.h"
#include "hub_regional.h"
#include "oserror.h"
#include "region_form.h"
#include "region_page.h"
#include "region_xlsx.h"

enum { ARENA_BYTES = 1024 * 1024 * 1024 };

const cli_option hub_region_options[] = {
    {.name = "from", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "premier mois (par défaut celui de chaque contrat)"},
    {.name = "to", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "dernier mois (par défaut celui de chaque contrat)"},
    {.name = "draft", .kind = CLI_FLAG, .help = "pour voir : n’inscrit rien au registre des publications"},
    {.name = "format", .kind = CLI_VALUE, .value = "table|csv|json|html|xlsx", .help = "la forme du rapport (table)"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

static const char *const forms[] = {"table", "csv", "json", "html", "xlsx", NULL};
enum { FORM_TABLE, FORM_CSV, FORM_JSON, FORM_HTML, FORM_XLSX };

static void say_standing(cli_call *call, const hub_regional *made, const char *standing)
{
    cli_say(call, "%s%s", standing, made->again && !made->table.draft ? " : elle est déjà inscrite, et n’a pas changé" : "");
    if (made->masked > 0)
        cli_say(call, "%u cellules sur %u sont masquées, dont %u par la seule règle du seuil (%u)", made->masked, made->table.cell_count,
                made->by_rule, made->table.threshold);
}

static int write_document(cli_call *call, const hub_regional *made, const char *standing, unsigned form)
{
    const region_document document = {
        .table = &made->table, .standing = text_of(standing), .scheme = made->scheme, .sections = made->sections,
        .section_count = made->section_count, .notes = made->notes, .note_count = made->note_count,
        .day = made->number > 0 ? civil_parse_iso((text_view){made->released_at, CIVIL_DAY_TEXT - 1}) : CIVIL_NONE,
    };
    if (form == FORM_HTML)
        region_page(&document, cli_output(call));
    else if (!region_xlsx(&document, call->home, cli_output(call)))
        return cli_fail(call, CLI_FAULT, "le classeur ne peut être fait : %s", oserror_text(errno));
    return CLI_DONE;
}

static int write_region(cli_call *call, const hub_regional *made, unsigned form)
{
    char standing[HUB_REGIONAL_STANDING_MAX];
    FILE *to = cli_output(call);
    hub_regional_standing(made, standing);
    say_standing(call, made, standing);
    switch (form) {
    case FORM_CSV:
        region_form_csv(&made->table, to);
        return CLI_DONE;
    case FORM_JSON:
        return hub_region_json(call, made, to);
    case FORM_HTML:
    case FORM_XLSX:
        return write_document(call, made, standing, form);
    default:
        break;
    }
    region_form_print(&made->table, standing, made->scheme, made->sections, made->section_count, hub_form_width(to), to);
    return CLI_DONE;
}

int hub_region_run(cli_call *call)
{
    unsigned form;
    hub_regional_request request;
    hub_regional made;
    hub_base base;
    int code = hub_form_choose(call, forms, &form);
    if (code == CLI_DONE && form == FORM_XLSX && isatty(fileno(cli_output(call))) == 1)
        code = cli_fail(call, CLI_USAGE, "un classeur ne se lit pas sur un terminal : donnez-lui un fichier, -o region.xlsx");
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
            code = write_region(call, &made, form);
        hub_base_close(&base);
    }
    arena_destroy(&from);
    return code;
}
