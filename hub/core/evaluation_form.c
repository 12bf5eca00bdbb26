/* evaluation_form: see the header. */
#include "evaluation_form.h"

#include "french.h"

const contract_action *evaluation_form_action(const evaluation_form *self, text_view code)
{
    return self->said ? contract_action_find(self->said, code) : NULL;
}

bool evaluation_form_shows(const evaluation_cell *cell)
{
    return cell->state != EVALUATION_NOT_COLLECTED || cell->selected || cell->target.size > 0;
}

int evaluation_form_share(const evaluation_action *action, const evaluation_cell *cell, char to[EVALUATION_FORM_SHARE_MAX])
{
    const evaluation_cell *whole = cell->parent > 0 ? &action->cells[cell->parent - 1] : NULL;
    const char *of = "de l’objectif";
    text_view against = cell->target;
    unsigned percent;

    if (cell->state != EVALUATION_COUNTED || cell->is_text)
        return -1;
    if (against.size == 0) {
        if (!whole || whole->state != EVALUATION_COUNTED)
            return -1;
        against = whole->value;
        of = text_is(whole->code, "1.1.bpi") ? "des BPI" : whole->depth == 0 ? "du total" : "du sous-total";
    }
    if (!french_percent(cell->value, against, &percent))
        return -1;
    snprintf(to, EVALUATION_FORM_SHARE_MAX, "%u" FRENCH_THIN "%% %s", percent, of);
    return (int)percent;
}
