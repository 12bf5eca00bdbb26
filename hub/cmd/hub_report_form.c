/* hub_report_form: see the header. */
#include "hub_report_form.h"

#include "discrepancy.h"
#include "embedded.h"
#include "evaluation_layout.h"
#include "hub_definition.h"

static text_view carried(const char *name)
{
    const embedded_file *file = embedded_find(name);
    return file ? (text_view){(const char *)file->data, file->size} : text_of(NULL);
}

/* Of the same state as the cells: as of their position, and in the month in which the ledger reached it. */
static database_error read_open(hub_base *base, arena *memory, const evaluation_table *table, discrepancy_table *open)
{
    char *id = arena_text(memory, table->contract);
    discrepancy_query query = {.contract = id, .from = table->from, .to = table->to, .at = CIVIL_NONE, .position = table->position};

    return id ? discrepancy_read(base->store, &query, memory, open) : DATABASE_NO_MEMORY;
}

int hub_report_form(cli_call *call, hub_base *base, arena *memory, evaluation_table *table, evaluation_form *form)
{
    diag_sink silent = {0}; /* its doubts were told when it was registered */
    catalogue national;
    territory places;
    contract *said = arena_take(memory, sizeof *said);
    report_notes *notes = arena_take(memory, sizeof *notes);
    discrepancy_table *open = arena_take(memory, sizeof *open);

    if (!said || !notes || !open || !catalogue_load(&national, memory, "indicators.yaml", carried("indicators.yaml"), &silent) ||
        !territory_load(&places, memory, "regions.yaml", carried("regions.yaml"), &silent))
        return hub_base_no_memory(call);
    report_notes_init(notes, memory);
    *form = (evaluation_form){.table = table, .notes = notes};
    const territory_department *department = territory_department_find(&places, table->department);
    if (department)
        form->department = department->name;
    if (hub_definition_read(said, memory, "contrat", table->definition, &silent))
        form->said = said;
    evaluation_layout(table, &national, form->said ? &said->own : NULL);
    database_error error = read_open(base, memory, table, open);
    if (error != DATABASE_OK && error != DATABASE_CONFLICT) /* a purged contract's records are gone, and what they left open */
        return hub_base_fail(base, call, error);
    if (error == DATABASE_OK)
        form->open = open;
    if (form->open && !report_notes_discrepancies(notes, open))
        return hub_base_no_memory(call);
    return arena_short(memory) ? hub_base_no_memory(call) : CLI_DONE;
}
