/* ctai-hub report: the evaluation of a contract (article 7) as a table, CSV, JSON, a page or a workbook. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evaluation_html.h"
#include "evaluation_xlsx.h"
#include "hub_commands.h"
#include "hub_form.h"
#include "hub_report_form.h"
#include "oserror.h"
#include "report.h"

enum { ARENA_BYTES = 256 * 1024 * 1024 };

const cli_option hub_report_options[] = {
    {.name = "from", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "premier mois (par défaut celui du contrat)"},
    {.name = "to", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "dernier mois (par défaut celui du contrat)"},
    {.name = "as-of", .kind = CLI_VALUE, .value = "POSITION|MOMENT", .help = "tel que le hub le savait à cette position du registre, ou à ce moment"},
    {.name = "selected", .kind = CLI_FLAG, .help = "seulement les indicateurs que le contrat a choisis"},
    {.name = "format", .kind = CLI_VALUE, .value = "table|csv|json|html|xlsx", .help = "la forme du rapport (table)"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

static const char *const forms[] = {"table", "csv", "json", "html", "xlsx", NULL};
enum { FORM_TABLE, FORM_CSV, FORM_JSON, FORM_HTML, FORM_XLSX };

static json_t *json_cells(const evaluation_action *action)
{
    json_t *cells = json_array();
    for (unsigned i = 0; i < action->cell_count; i++) {
        const evaluation_cell *cell = &action->cells[i];
        json_array_append_new(cells, json_pack("{so, so, so, so, so, ss}", "code", hub_form_text(cell->code), "libelle",
                                               hub_form_text(cell->label), "objectif", hub_form_number(cell->target), "realise",
                                               cell->is_text ? hub_form_text(cell->value) : hub_form_number(cell->value), "unite",
                                               json_stringn(cell->unit.at ? cell->unit.at : "", cell->unit.size), "statut", evaluation_state_name(cell->state)));
    }
    return cells;
}

static int write_json(cli_call *call, const evaluation_table *table)
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
            json_array_append_new(actions, json_pack("{so, so, so, so}", "code", hub_form_text(action->code), "titre", hub_form_text(action->title),
                                                     "refugies_info", hub_form_text(action->refugies_info), "indicateurs", json_cells(action)));
    }
    json_t *root = json_pack("{so, sI, sI, sI, so, s{ss, ss}, so, so}", "contrat", hub_form_text(table->contract), "position",
                             (json_int_t)table->position, "effaces", (json_int_t)table->erased, "version",
                             (json_int_t)table->version, "avenant",
                             table->amendment > 0 ? json_integer((json_int_t)table->amendment) : json_null(), "periode", "de", from, "a", until, "actions", actions, "total",
                             total ? total : json_array());
    return hub_form_json(call, root);
}

/* The page and the workbook show more than the cells. */
static int write_form(cli_call *call, hub_base *base, arena *memory, evaluation_table *table, unsigned asked)
{
    evaluation_form form;
    int code = hub_report_form(call, base, memory, table, &form);
    if (code != CLI_DONE)
        return code;
    if (asked == FORM_HTML)
        evaluation_html(&form, cli_output(call));
    else if (!evaluation_xlsx(&form, call->home, cli_output(call)))
        return cli_fail(call, CLI_FAULT, "le classeur ne peut être fait : %s", oserror_text(errno));
    return CLI_DONE;
}

static int write_report(cli_call *call, hub_base *base, arena *memory, evaluation_table *table, unsigned asked)
{
    FILE *to = cli_output(call);
    if (table->position != table->last_position)
        cli_say(call, "tel qu’il était à la position %llu ; le registre en est à %llu", (unsigned long long)table->position,
                (unsigned long long)table->last_position);
    if (table->erased > 0)
        cli_say(call, table->erased < 2 ? "à cette position, %llu enregistrement de plus comptait : il a été effacé depuis"
                                        : "à cette position, %llu enregistrements de plus comptaient : ils ont été effacés depuis",
                (unsigned long long)table->erased);
    if (asked == FORM_HTML || asked == FORM_XLSX)
        return write_form(call, base, memory, table, asked);
    if (asked == FORM_JSON)
        return write_json(call, table);
    if (asked == FORM_CSV)
        evaluation_table_csv(table, to);
    else
        evaluation_table_print(table, hub_form_width(to), to);
    return CLI_DONE;
}

int hub_report_run(cli_call *call)
{
    unsigned asked;
    report_query query = {.contract = call->operands[0], .as_of = cli_value(call, "as-of"), .selected = cli_given(call, "selected")};
    int code = hub_form_period(call, &query.from, &query.to);
    if (code == CLI_DONE)
        code = hub_form_choose(call, forms, &asked);
    if (code == CLI_DONE && asked == FORM_XLSX && isatty(fileno(cli_output(call))) == 1)
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
        code = write_report(call, &base, from, &table, asked);
    arena_destroy(&from);
    hub_base_close(&base);
    return code;
}
