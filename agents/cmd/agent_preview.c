/* agent_preview: `ctai-agent preview`: every field that would leave, one row for each record. */
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"
#include "agent_export.h"
#include "preview.h"

const cli_option agent_preview_options[] = {
    {"persons", 0, CLI_INPUT, true, "FICHIER", "le tableau des personnes"},
    {"events", 0, CLI_INPUT, true, "FICHIER", "le tableau des événements"},
    {"contract", 0, CLI_VALUE, false, "CONTRAT",
     "le contrat, quand il y en a plusieurs et que les événements n’en disent rien"},
    {"format", 0, CLI_VALUE, false, "csv|json", "csv (d’ordinaire) ou json"},
    {"output", 'o', CLI_OUTPUT, false, "FICHIER", "le fichier à écrire, au lieu de la sortie standard"},
    {.name = NULL},
};

static void write_csv(FILE *to, text_view cells[PREVIEW_COLUMNS])
{
    for (int i = 0; i < PREVIEW_COLUMNS; i++) {
        if (i > 0)
            (void)fputc(',', to);
        if (cells[i].size > 0)
            (void)fwrite(cells[i].at, 1, cells[i].size, to);
    }
    (void)fputc('\n', to);
}

/* An object of texts; empty cells are null. */
static void write_json(FILE *to, text_view cells[PREVIEW_COLUMNS])
{
    json_t *row = json_object();
    for (int i = 0; i < PREVIEW_COLUMNS; i++)
        json_object_set_new(row, preview_columns[i],
                            cells[i].size == 0 ? json_null() : json_stringn(cells[i].at, cells[i].size));
    (void)json_dumpf(row, to, JSON_COMPACT);
    json_decref(row);
}

static void write_rows(const agent_export *from, FILE *to, bool json)
{
    bool first = true;
    for (unsigned i = 0; i < from->made.result_count; i++) {
        const export_result *result = &from->made.results[i];
        for (size_t k = 0; k < result->record_count; k++) {
            record what;
            text_view cells[PREVIEW_COLUMNS];
            char scratch[PREVIEW_SCRATCH];
            export_record(result, k, &what);
            preview_cells(cells, scratch, &what, 0);
            if (json && !first)
                (void)fputs(",\n", to);
            first = false;
            if (json)
                write_json(to, cells);
            else
                write_csv(to, cells);
        }
    }
}

static void write_all(const agent_export *from, FILE *to, bool json)
{
    if (json) {
        (void)fputs("[\n", to);
        write_rows(from, to, true);
        (void)fputs("\n]\n", to);
        return;
    }
    text_view header[PREVIEW_COLUMNS];
    for (int i = 0; i < PREVIEW_COLUMNS; i++)
        header[i] = text_of(preview_columns[i]);
    write_csv(to, header);
    write_rows(from, to, false);
}

int agent_preview_run(cli_call *call)
{
    const char *format = cli_value(call, "format");
    bool json = format == NULL ? call->json : strcmp(format, "json") == 0;
    if (format != NULL && !json && strcmp(format, "csv") != 0)
        return cli_fail(call, CLI_USAGE, "--format : csv ou json");
    if (call->json && !json)
        return cli_fail(call, CLI_USAGE, "--json et --format csv se contredisent : donnez l’un ou l’autre");
    agent_export from;
    int code = agent_export_make(&from, call, AGENT_EXPORT_TOKENS, false, call->err);
    if (code == CLI_DONE) {
        write_all(&from, cli_output(call), json);
        code = agent_export_whole(&from, call);
    }
    if (code == CLI_DONE) {
        agent_export_tell(&from, call->err);
        code = agent_export_code(&from);
    }
    agent_export_release(&from);
    return code;
}
