/* ctai-hub compare: two evaluations side by side, as a table, CSV or JSON. */
#include <string.h>

#include "comparison.h"
#include "hub_commands.h"
#include "hub_form.h"
#include "report.h"

enum { ARENA_BYTES = 256 * 1024 * 1024 };

const cli_option hub_compare_options[] = {
    {.name = "format", .kind = CLI_VALUE, .value = "table|csv|json", .help = "la forme de la comparaison (table)"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

static const char *const forms[] = {"table", "csv", "json", NULL};
enum { FORM_TABLE, FORM_CSV, FORM_JSON };

static int bad_period(cli_call *call, const char *operand)
{
    return cli_fail(call, CLI_USAGE, "« %s » : après le contrat, une période s’écrit @2023-11..2024-05 (ou @2023-11.., @..2024-05, "
                    "@2023-11), puis une position ou un moment du registre @12 (CONTRAT@@12 pour le contrat entier)", operand);
}

/* "2023-11..2024-05", either month may be missing; "2023-11": that month; "": all. */
static bool read_period(text_view text, report_query *query)
{
    text_view first = text, last = text;
    query->from = query->to = CIVIL_NONE;
    for (size_t i = 0; i + 1 < text.size; i++)
        if (text.at[i] == '.' && text.at[i + 1] == '.') {
            first.size = i;
            last = (text_view){text.at + i + 2, text.size - i - 2};
            break;
        }
    if (first.size > 0 && (query->from = civil_month_parse(first)) == CIVIL_NONE)
        return false;
    if (last.size > 0 && (query->to = civil_month_parse(last)) == CIVIL_NONE)
        return false;
    return query->from == CIVIL_NONE || query->to == CIVIL_NONE || query->from <= query->to;
}

/* CONTRACT[@PERIOD[@POSITION|MOMENT]]: 0, or 64 or 70, said. */
static int read_operand(cli_call *call, const char *operand, arena *from, report_query *query)
{
    char *text = arena_text(from, text_of(operand));
    *query = (report_query){.contract = text, .from = CIVIL_NONE, .to = CIVIL_NONE};
    if (!text)
        return hub_base_no_memory(call);
    char *period = strchr(text, '@');
    if (!period)
        return CLI_DONE;
    *period++ = '\0';
    char *as_of = strchr(period, '@');
    if (as_of)
        *as_of++ = '\0';
    query->as_of = as_of;
    bool good = read_period(text_of(period), query) && text[0] && (!as_of || *as_of) && (*period || as_of);
    return good ? CLI_DONE : bad_period(call, operand);
}

static json_t *side_json(const evaluation_table *of)
{
    char from[CIVIL_MONTH_TEXT], to[CIVIL_MONTH_TEXT];
    civil_month_text(of->from, from);
    civil_month_text(of->to, to);
    return json_pack("{so, so, sI, sI, so, s{ss, ss}}", "contrat", hub_form_text(of->contract), "titre", hub_form_text(of->title), "position",
                     (json_int_t)of->position, "version", (json_int_t)of->version, "avenant",
                     of->amendment > 0 ? json_integer((json_int_t)of->amendment) : json_null(), "periode", "de", from, "a", to);
}

static json_t *cell_json(const evaluation_cell *cell)
{
    if (!cell)
        return json_null();
    return json_pack("{so, so, ss}", "objectif", hub_form_number(cell->target), "realise",
                     cell->is_text ? hub_form_text(cell->value) : hub_form_number(cell->value), "statut",
                     evaluation_state_name(cell->state));
}

static json_t *action_json(const comparison_action *action)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < action->row_count; i++) {
        const comparison_row *row = &action->rows[i];
        const evaluation_cell *cell = row->a ? row->a : row->b;
        json_array_append_new(rows, json_pack("{so, so, so, so, so, so}", "code", hub_form_text(cell->code), "libelle",
                                              hub_form_text(cell->label), "unite", json_stringn(cell->unit.at ? cell->unit.at : "", cell->unit.size),
                                              "a", cell_json(row->a), "b", cell_json(row->b), "ecart",
                                              hub_form_number(text_of(row->difference))));
    }
    return json_pack("{so, so, so, so}", "code", hub_form_text(action->code), "titre_a",
                     action->a ? hub_form_text(action->a->title) : json_null(), "titre_b",
                     action->b ? hub_form_text(action->b->title) : json_null(), "indicateurs", rows);
}

static int write(cli_call *call, const comparison *what, unsigned form)
{
    FILE *to = cli_output(call);
    if (form == FORM_CSV)
        comparison_csv(what, to);
    else if (form == FORM_TABLE)
        comparison_print(what, hub_form_width(to), to);
    if (form != FORM_JSON)
        return CLI_DONE;
    json_t *actions = json_array();
    for (unsigned i = 0; i < what->action_count; i++)
        json_array_append_new(actions, action_json(&what->actions[i]));
    return hub_form_json(call, json_pack("{so, so, so}", "a", side_json(what->a), "b", side_json(what->b), "actions", actions));
}

/* Reads one of the two: 0 or an exit code, said. */
static int read_side(cli_call *call, hub_base *base, const report_query *query, arena *from, evaluation_table *table)
{
    database_error error = report_read(base->store, query, from, table);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (table->from > table->to)
        return cli_fail(call, CLI_USAGE, "la période demandée est hors du contrat « %s » : « ctai-hub contract show » en donne les dates",
                        query->contract);
    if (table->erased > 0)
        cli_say(call, "%s : à la position %llu, %llu enregistrement%s de plus comptai%s, effacé%s depuis", query->contract,
                (unsigned long long)table->position, (unsigned long long)table->erased, hub_base_plural(table->erased),
                table->erased > 1 ? "ent" : "t", hub_base_plural(table->erased));
    return CLI_DONE;
}

static int compare(cli_call *call, arena *from, const report_query queries[2], unsigned form)
{
    hub_base base;
    evaluation_table tables[2];
    comparison what;
    int code = hub_base_open_for(&base, call, STORE_REPORT);
    if (code != CLI_DONE)
        return code;
    for (unsigned i = 0; i < 2 && code == CLI_DONE; i++)
        code = read_side(call, &base, &queries[i], from, &tables[i]);
    if (code == CLI_DONE)
        code = comparison_make(&what, &tables[0], &tables[1], from) ? write(call, &what, form) : hub_base_no_memory(call);
    hub_base_close(&base);
    return code;
}

int hub_compare_run(cli_call *call)
{
    unsigned form;
    report_query queries[2];
    int code = hub_form_choose(call, forms, &form);
    if (code != CLI_DONE)
        return code;
    arena *from = arena_new(ARENA_BYTES);
    code = from ? CLI_DONE : hub_base_no_memory(call);
    for (unsigned i = 0; i < 2 && code == CLI_DONE; i++)
        code = read_operand(call, call->operands[i], from, &queries[i]);
    if (code == CLI_DONE)
        code = compare(call, from, queries, form);
    arena_destroy(&from);
    return code;
}
