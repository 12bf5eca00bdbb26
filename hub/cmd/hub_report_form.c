/* hub_report_form: see the header. */
#include "hub_report_form.h"

#include "embedded.h"
#include "evaluation_layout.h"
#include "hub_definition.h"

static text_view carried(const char *name)
{
    const embedded_file *file = embedded_find(name);
    return file ? (text_view){(const char *)file->data, file->size} : text_of(NULL);
}

static bool add_notes(const contract *said, report_notes *notes)
{
    bool good = true;

    for (unsigned i = 0; i < said->action_count; i++)
        if (said->actions[i].refugies_info.size == 0)
            good &= report_notes_add(notes, REPORT_NOTE_KNOW, said->actions[i].code,
                                     "Le contrat ne donne pas l’adresse de cette action sur refugies.info (article 6).");
    return good;
}

int hub_report_form(cli_call *call, arena *memory, evaluation_table *table, evaluation_form *form)
{
    diag_sink silent = {0}; /* its doubts were told when it was registered */
    catalogue national;
    territory places;
    contract *said = arena_take(memory, sizeof *said);
    report_notes *notes = arena_take(memory, sizeof *notes);

    if (!said || !notes || !catalogue_load(&national, memory, "indicators.yaml", carried("indicators.yaml"), &silent) ||
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
    if (form->said && !add_notes(said, notes))
        return hub_base_no_memory(call);
    return arena_short(memory) ? hub_base_no_memory(call) : CLI_DONE;
}
