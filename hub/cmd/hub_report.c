/* ctai-hub report: the evaluation of a contract (article 7) as a table, CSV, JSON, a page or a workbook. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hub_base.h"
#include "evaluation_html.h"
#include "evaluation_xlsx.h"
#include "hub_commands.h"
#include "hub_report_form.h"
#include "oserror.h"
#include "report.h"

enum { ARENA_BYTES = 256 * 1024 * 1024, PLAIN_WIDTH = 100 };

const cli_option hub_report_options[] = {
    {.name = "from", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "premier mois (par défaut celui du contrat)"},
    {.name = "to", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "dernier mois (par défaut celui du contrat)"},
    {.name = "as-of", .kind = CLI_VALUE, .value = "POSITION|MOMENT", .help = "tel que le hub le savait à cette position du registre, ou à ce moment"},
    {.name = "selected", .kind = CLI_FLAG, .help = "seulement les indicateurs que le contrat a choisis"},
    {.name = "format", .kind = CLI_VALUE, .value = "table|csv|json|html|xlsx", .help = "la forme du rapport (table)"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

typedef enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON, FORMAT_HTML, FORMAT_XLSX } report_format;

static int read_month(cli_call *call, const char *option, civil_month *month)
{
    const char *text = cli_value(call, option);
    *month = text ? civil_month_parse(text_of(text)) : CIVIL_NONE;
    if (text && *month == CIVIL_NONE)
        return cli_fail(call, CLI_USAGE, "--%s %s : un mois s’écrit comme 2023-11", option, text);
    return CLI_DONE;
}

static int read_format(cli_call *call, report_format *format)
{
    static const char *const names[] = {"table", "csv", "json", "html", "xlsx"};
    const char *text = cli_value(call, "format");
    *format = call->json ? FORMAT_JSON : FORMAT_TABLE;
    if (!text)
        return CLI_DONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *format = (report_format)i;
            if (call->json && *format != FORMAT_JSON)
                return cli_fail(call, CLI_USAGE, "--json et --format %s se contredisent : donnez l’un ou l’autre", text);
            return CLI_DONE;
        }
    return cli_fail(call, CLI_USAGE, "--format %s : les formes de cette version sont table, csv, json, html et xlsx", text);
}

static unsigned width_of(FILE *to)
{
    struct winsize size;
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : PLAIN_WIDTH;
}

static json_t *json_text(text_view text)
{
    return text.size > 0 ? json_stringn(text.at, text.size) : json_null();
}

/* A count or measure as a number, exactly as written; null when there is none. */
static json_t *json_number(text_view text)
{
    char digits[64];
    if (text.size == 0 || !text_copy(digits, sizeof digits, text))
        return json_null();
    return strchr(digits, '.') ? json_real(strtod(digits, NULL)) : json_integer(strtoll(digits, NULL, 10));
}

static json_t *json_cells(const evaluation_action *action)
{
    json_t *cells = json_array();
    for (unsigned i = 0; i < action->cell_count; i++) {
        const evaluation_cell *cell = &action->cells[i];
        json_array_append_new(cells, json_pack("{so, so, so, so, so, ss}", "code", json_text(cell->code), "libelle",
                                               json_text(cell->label), "objectif", json_number(cell->target), "realise",
                                               cell->is_text ? json_text(cell->value) : json_number(cell->value), "unite",
                                               json_stringn(cell->unit.at ? cell->unit.at : "", cell->unit.size), "statut", evaluation_state_name(cell->state)));
    }
    return cells;
}

static int write_json(cli_call *call, const evaluation_table *table, FILE *to)
{
    char from[CIVIL_MONTH_TEXT], until[CIVIL_MONTH_TEXT];
    civil_month_text(table->from, from);
    civil_month_text(table->to, until);
    json_t *actions = json_array(), *total = NULL;
    for (unsigned i = 0; i < table->action_count; i++) {
        const evaluation_action *action = &table->actions[i];
        if (text_is(action->code, "contrat"))
            total = json_cells(action);
        else
            json_array_append_new(actions, json_pack("{so, so, so, so}", "code", json_text(action->code), "titre", json_text(action->title),
                                                     "refugies_info", json_text(action->refugies_info), "indicateurs", json_cells(action)));
    }
    json_t *root = json_pack("{so, sI, sI, sI, so, s{ss, ss}, so, so}", "contrat", json_text(table->contract), "position",
                             (json_int_t)table->position, "effaces", (json_int_t)table->erased, "version",
                             (json_int_t)table->version, "avenant",
                             table->amendment > 0 ? json_integer((json_int_t)table->amendment) : json_null(), "periode", "de", from, "a", until, "actions", actions, "total",
                             total ? total : json_array());
    /* What the stream could not take, cli says. */
    bool good = root && (json_dumpf(root, to, JSON_REAL_PRECISION(15) | JSON_INDENT(1)) == 0 || ferror(to));
    json_decref(root);
    fputc('\n', to);
    return good ? CLI_DONE : hub_base_no_memory(call);
}

/* The page and the workbook show more than the cells. */
static int write_form(cli_call *call, arena *memory, evaluation_table *table, report_format format)
{
    evaluation_form form;
    int code = hub_report_form(call, memory, table, &form);
    if (code != CLI_DONE)
        return code;
    if (format == FORMAT_HTML)
        evaluation_html(&form, cli_output(call));
    else if (!evaluation_xlsx(&form, call->home, cli_output(call)))
        return cli_fail(call, CLI_FAULT, "le classeur ne peut être fait : %s", oserror_text(errno));
    return CLI_DONE;
}

static int write_report(cli_call *call, arena *memory, evaluation_table *table, report_format format)
{
    FILE *to = cli_output(call);
    if (table->position != table->last_position)
        cli_say(call, "tel qu’il était à la position %llu ; le registre en est à %llu", (unsigned long long)table->position,
                (unsigned long long)table->last_position);
    if (table->erased > 0)
        cli_say(call, table->erased < 2 ? "à cette position, %llu enregistrement de plus comptait : il a été effacé depuis"
                                        : "à cette position, %llu enregistrements de plus comptaient : ils ont été effacés depuis",
                (unsigned long long)table->erased);
    if (format == FORMAT_HTML || format == FORMAT_XLSX)
        return write_form(call, memory, table, format);
    if (format == FORMAT_JSON)
        return write_json(call, table, to);
    if (format == FORMAT_CSV)
        evaluation_table_csv(table, to);
    else
        evaluation_table_print(table, width_of(to), to);
    return CLI_DONE;
}

int hub_report_run(cli_call *call)
{
    report_format format;
    report_query query = {.contract = call->operands[0], .as_of = cli_value(call, "as-of"), .selected = cli_given(call, "selected")};
    int code = read_month(call, "from", &query.from);
    if (code == CLI_DONE)
        code = read_month(call, "to", &query.to);
    if (code == CLI_DONE)
        code = read_format(call, &format);
    if (code == CLI_DONE && query.from != CIVIL_NONE && query.to != CIVIL_NONE && query.from > query.to)
        code = cli_fail(call, CLI_USAGE, "--from est après --to");
    if (code == CLI_DONE && format == FORMAT_XLSX && isatty(fileno(cli_output(call))) == 1)
        code = cli_fail(call, CLI_USAGE, "un classeur ne se lit pas sur un terminal : donnez-lui un fichier, -o evaluation.xlsx");
    if (code != CLI_DONE)
        return code;
    hub_base base;
    code = hub_base_open_for(&base, call, STORE_REPORT);
    if (code != CLI_DONE)
        return code;
    arena *from = arena_new(ARENA_BYTES);
    evaluation_table table;
    database_error error = from ? report_read(base.store, &query, from, &table) : DATABASE_NO_MEMORY;
    if (error != DATABASE_OK)
        code = hub_base_fail(&base, call, error);
    else if (table.from > table.to)
        code = cli_fail(call, CLI_USAGE, "la période demandée est hors du contrat : « ctai-hub contract show » en donne les dates");
    else
        code = write_report(call, from, &table, format);
    arena_destroy(&from);
    hub_base_close(&base);
    return code;
}
