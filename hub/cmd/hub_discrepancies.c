/* ctai-hub discrepancies: what the parties of a contract must settle, as a table, CSV or JSON. */
#include "discrepancy.h"
#include "hub_commands.h"
#include "hub_form.h"

enum { ARENA_BYTES = 256 * 1024 * 1024 };

const cli_option hub_discrepancies_options[] = {
    {.name = "from", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "premier mois lu (par défaut celui du contrat)"},
    {.name = "to", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "dernier mois lu (par défaut celui du contrat)"},
    {.name = "at", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "comme si l’on était ce mois-là (par défaut le mois courant)"},
    {.name = "format", .kind = CLI_VALUE, .value = "table|csv|json", .help = "la forme de la liste (table)"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

static const char *const forms[] = {"table", "csv", "json", NULL};
enum { FORM_TABLE, FORM_CSV, FORM_JSON };

static json_t *row_json(const discrepancy_row *row)
{
    json_t *keys = json_array();
    for (unsigned i = 0; i < row->key_count; i++)
        json_array_append_new(keys, hub_form_text(row->keys[i]));
    return json_pack("{so, so, ss, sI, so, so, so, so}", "action", hub_form_text(row->action), "operateur",
                     hub_form_text(row->operator_name), "type", discrepancy_kind_name(row->kind), "affaire", (json_int_t)row->matter,
                     "mois", hub_form_month_json(row->month), "cles", keys, "constat", hub_form_text(row->finding), "remede",
                     hub_form_text(row->remedy));
}

static int write_json(cli_call *call, const discrepancy_table *table)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < table->count; i++)
        json_array_append_new(rows, row_json(&table->rows[i]));
    return hub_form_json(call, json_pack("{so, sI, s{so, so}, so, so}", "contrat", hub_form_text(table->contract), "position",
                                         (json_int_t)table->position, "periode", "de", hub_form_month_json(table->from), "a",
                                         hub_form_month_json(table->to), "vu_en", hub_form_month_json(table->at), "a_regler", rows));
}

static int write(cli_call *call, const discrepancy_table *table, unsigned form)
{
    FILE *to = cli_output(call);
    if (form == FORM_JSON)
        return write_json(call, table);
    if (form == FORM_CSV)
        discrepancy_table_csv(table, to);
    else
        discrepancy_table_print(table, hub_form_width(to), to);
    return CLI_DONE;
}

int hub_discrepancies_run(cli_call *call)
{
    unsigned form;
    hub_base base;
    discrepancy_query query = {.contract = call->operands[0]};
    int code = hub_form_period(call, &query.from, &query.to);
    if (code == CLI_DONE)
        code = hub_form_month(call, "at", &query.at);
    if (code == CLI_DONE)
        code = hub_form_choose(call, forms, &form);
    if (code == CLI_DONE)
        code = hub_base_open_for(&base, call, STORE_REPORT);
    if (code != CLI_DONE)
        return code;
    arena *from = arena_new(ARENA_BYTES);
    discrepancy_table table;
    database_error error = from ? discrepancy_read(base.store, &query, from, &table) : DATABASE_NO_MEMORY;
    if (error != DATABASE_OK)
        code = hub_base_fail(&base, call, error);
    else if (table.from > table.to)
        code = cli_fail(call, CLI_USAGE, "la période demandée est hors du contrat : « ctai-hub contract show » en donne les dates");
    else
        code = write(call, &table, form);
    arena_destroy(&from);
    hub_base_close(&base);
    return code;
}
