/* evaluation_layout: see the header. */
#include "evaluation_layout.h"

#include <string.h>

enum { HEADING_MAX = 5, DEPTH_MAX = 3 };

text_view evaluation_heading(text_view code)
{
    size_t end = 0;

    for (size_t i = 0; i < code.size; i++) {
        if (code.at[i] >= 'a' && code.at[i] <= 'z')
            break;
        if (code.at[i] == '.')
            end = i;
    }
    return (text_view){code.at, end < HEADING_MAX ? end : 0};
}

const char *evaluation_heading_title(text_view heading)
{
    static const struct { const char *number, *title; } titles[] = {
        {"1.1", "Public éligible"},
        {"1.2", "Acteurs de l’intégration"},
        {"2", "Coûts"},
        {"3.1", "Apprentissage du français"},
        {"3.2", "Accompagnement vers l’emploi"},
        {"3.3", "Principes de la République et usages de la société française"},
        {"3.4", "Accès au logement"},
        {"3.5", "Accès à la santé"},
        {"3.6", "Lutte contre la fracture numérique"},
        {"3.7", "Mentorat et parrainage"},
        {"3.8", "Accès au sport et à la culture"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (text_is(heading, titles[i].number))
            return titles[i].title;
    return "Indicateurs propres au contrat";
}

/* Means, lists and texts are no sums: they have no parts. */
static bool contains(const catalogue_indicator *whole, const catalogue_indicator *part)
{
    return whole->kind < CATALOGUE_DUREE_MOYENNE && whole->measure == part->measure && catalogue_covers(whole, part);
}

bool evaluation_layout_is_part(const catalogue_indicator *part, const catalogue_indicator *whole)
{
    return contains(whole, part) && !contains(part, whole);
}

static const catalogue_indicator *find(const catalogue *national, const catalogue *own, text_view code)
{
    const catalogue_indicator *found = catalogue_find(national, code);
    return found || !own ? found : catalogue_find(own, code);
}

/* The national list calls a part what another fact tells: a follow-up six months after the exit. */
static bool says_part(text_view label)
{
    return label.size > 5 && memcmp(label.at, "dont ", 5) == 0;
}

static void lay_out(evaluation_action *action, const catalogue *national, const catalogue *own)
{
    for (unsigned i = 0; i < action->cell_count; i++) {
        evaluation_cell *cell = &action->cells[i];
        text_view heading = evaluation_heading(cell->code);
        const catalogue_indicator *part = find(national, own, cell->code);
        cell->parent = cell->depth = 0;
        for (unsigned k = i; part && k > 0 && cell->parent == 0; k--) {
            const evaluation_cell *before = &action->cells[k - 1];
            if (!text_equal(evaluation_heading(before->code), heading))
                break;
            const catalogue_indicator *whole = find(national, own, before->code);
            if (!whole || !evaluation_layout_is_part(part, whole))
                continue;
            cell->parent = k;
            cell->depth = before->depth < DEPTH_MAX ? before->depth + 1 : DEPTH_MAX;
        }
        if (cell->parent == 0 && says_part(cell->label))
            cell->depth = 1;
    }
}

void evaluation_layout(evaluation_table *self, const catalogue *national, const catalogue *own)
{
    for (unsigned i = 0; i < self->action_count; i++)
        lay_out(&self->actions[i], national, own);
}
