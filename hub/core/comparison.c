/*
 * comparison: see the header.
 *
 * At a terminal a row is: the label, what each of the two has reached (and its target, after a slash), the difference, the
 * unit. Texts are printed below their label, once when both are the same. What neither has collected nor chosen is left out.
 */
#include "comparison.h"

#include <inttypes.h>
#include <string.h>

#include "evaluation_layout.h"
#include "french.h"
#include "plain.h"

enum { MARGIN = 2, NUMBER_COLUMN = 5, VALUE_COLUMN = 20, DIFFERENCE_COLUMN = 12, UNIT_COLUMN = 15, WIDTH_MIN = 96, WIDTH_MAX = 130 };
enum { DIGITS_MAX = 17, SCALE_MAX = 6 };

/* Digits with at most one point, as an integer and the count of its decimals. */
static bool parse(text_view text, int64_t *mantissa, unsigned *scale)
{
    unsigned digits = 0;
    bool point = false;
    *mantissa = 0;
    *scale = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.at[i];
        if (byte == '.' && !point && digits > 0) {
            point = true;
            continue;
        }
        if (byte < '0' || byte > '9' || ++digits > DIGITS_MAX)
            return false;
        *mantissa = *mantissa * 10 + (byte - '0');
        *scale += point;
    }
    return digits > 0 && *scale <= SCALE_MAX && !(point && *scale == 0);
}

static bool rescale(int64_t *mantissa, unsigned from, unsigned to)
{
    for (; from < to; from++)
        if (__builtin_mul_overflow(*mantissa, 10, mantissa))
            return false;
    return true;
}

void comparison_subtract(text_view a, text_view b, bool fixed_decimals, char to[COMPARISON_NUMBER_MAX])
{
    int64_t first, second, difference, unit = 1;
    unsigned first_scale, second_scale;
    to[0] = '\0';
    if (!parse(a, &first, &first_scale) || !parse(b, &second, &second_scale))
        return;
    unsigned scale = first_scale > second_scale ? first_scale : second_scale;
    if (!rescale(&first, first_scale, scale) || !rescale(&second, second_scale, scale))
        return;
    difference = second - first; /* both are at least 0 */
    for (; !fixed_decimals && scale > 0 && difference % 10 == 0; scale--)
        difference /= 10;
    (void)rescale(&unit, 0, scale);
    uint64_t size = difference < 0 ? (uint64_t)-difference : (uint64_t)difference;
    int used = snprintf(to, COMPARISON_NUMBER_MAX, "%s%" PRIu64, difference < 0 ? "-" : "", size / (uint64_t)unit);
    if (scale > 0)
        snprintf(to + used, COMPARISON_NUMBER_MAX - (size_t)used, ".%0*" PRIu64, (int)scale, size % (uint64_t)unit);
}

static void subtract(comparison_row *row)
{
    row->difference[0] = '\0';
    if (row->a && row->b && !row->a->is_text && !row->b->is_text)
        comparison_subtract(row->a->value, row->b->value, text_is(row->a->unit, "mois"), row->difference);
}

static const evaluation_cell *find_cell(const evaluation_action *in, text_view code)
{
    for (unsigned i = 0; in && i < in->cell_count; i++)
        if (text_equal(in->cells[i].code, code))
            return &in->cells[i];
    return NULL;
}

/* Puts a row of b's cell number i after that of the cell before it, or first. */
static void insert_row(comparison_action *to, const evaluation_action *b, unsigned i)
{
    unsigned place = 0;
    for (unsigned k = 0; i > 0 && k < to->row_count; k++)
        if (to->rows[k].b == &b->cells[i - 1])
            place = k + 1;
    memmove(&to->rows[place + 1], &to->rows[place], (to->row_count - place) * sizeof *to->rows);
    to->rows[place] = (comparison_row){.b = &b->cells[i]};
    to->row_count++;
}

static bool pair_cells(comparison_action *to, arena *from)
{
    const evaluation_action *a = to->a, *b = to->b;
    to->rows = arena_take(from, sizeof *to->rows * ((a ? a->cell_count : 0) + (b ? b->cell_count : 0) + 1));
    if (!to->rows)
        return false;
    for (unsigned i = 0; a && i < a->cell_count; i++)
        to->rows[to->row_count++] = (comparison_row){.a = &a->cells[i], .b = find_cell(b, a->cells[i].code)};
    for (unsigned i = 0; b && i < b->cell_count; i++)
        if (!find_cell(a, b->cells[i].code))
            insert_row(to, b, i);
    for (unsigned i = 0; i < to->row_count; i++)
        subtract(&to->rows[i]);
    return true;
}

static const evaluation_action *find_action(const evaluation_table *in, text_view code)
{
    for (unsigned i = 0; i < in->action_count; i++)
        if (text_equal(in->actions[i].code, code))
            return &in->actions[i];
    return NULL;
}

static void insert_action(comparison *to, unsigned i)
{
    unsigned place = 0;
    for (unsigned k = 0; i > 0 && k < to->action_count; k++)
        if (to->actions[k].b == &to->b->actions[i - 1])
            place = k + 1;
    memmove(&to->actions[place + 1], &to->actions[place], (to->action_count - place) * sizeof *to->actions);
    to->actions[place] = (comparison_action){.code = to->b->actions[i].code, .b = &to->b->actions[i]};
    to->action_count++;
}

bool comparison_make(comparison *self, const evaluation_table *a, const evaluation_table *b, arena *from)
{
    *self = (comparison){.a = a, .b = b};
    self->actions = arena_take(from, sizeof *self->actions * ((size_t)a->action_count + b->action_count + 1));
    if (!self->actions)
        return false;
    for (unsigned i = 0; i < a->action_count; i++)
        self->actions[self->action_count++] = (comparison_action){
            .code = a->actions[i].code, .a = &a->actions[i], .b = find_action(b, a->actions[i].code)};
    for (unsigned i = 0; i < b->action_count; i++)
        if (!find_action(a, b->actions[i].code))
            insert_action(self, i);
    for (unsigned i = 0; i < self->action_count; i++)
        if (!pair_cells(&self->actions[i], from))
            return false;
    return true;
}

static const evaluation_cell *either(const comparison_row *row)
{
    return row->a ? row->a : row->b;
}

static bool is_shown(const evaluation_cell *cell)
{
    return cell && (cell->state != EVALUATION_NOT_COLLECTED || cell->selected || cell->target.size > 0);
}

/* "12 / 30", "non collecté", "—" */
static void print_value(const evaluation_cell *cell, FILE *to)
{
    char number[FRENCH_NUMBER_MAX], target[FRENCH_NUMBER_MAX], text[2 * FRENCH_NUMBER_MAX + 8];
    text_view value = text_of("—"), goal = {NULL, 0};
    if (cell && cell->state != EVALUATION_COUNTED)
        value = text_of(cell->state == EVALUATION_NOT_DONE ? "non fait" : "non collecté");
    else if (cell && !cell->is_text && cell->value.size > 0)
        value = french_number(cell->value, text_is(cell->unit, "euros"), number, sizeof number);
    else if (cell && cell->is_text)
        value = text_of("");
    if (cell && cell->target.size > 0)
        goal = french_number(cell->target, false, target, sizeof target);
    snprintf(text, sizeof text, "%.*s%s%.*s", (int)value.size, value.at ? value.at : "", goal.size > 0 ? " / " : "", (int)goal.size,
             goal.at ? goal.at : "");
    plain_right(to, text_of(text), VALUE_COLUMN);
}

/* "+3", "−1,5"; nothing where one of the two was not collected. */
static void print_difference(const comparison_row *row, FILE *to)
{
    char number[FRENCH_NUMBER_MAX], text[FRENCH_NUMBER_MAX + 8] = "";
    bool counted = row->a && row->b && row->a->state == EVALUATION_COUNTED && row->b->state == EVALUATION_COUNTED;
    if (counted && row->difference[0]) {
        bool negative = row->difference[0] == '-';
        text_view shown = french_number(text_of(row->difference + negative), text_is(row->a->unit, "euros"), number, sizeof number);
        bool nothing = strspn(row->difference, "0.") == strlen(row->difference);
        snprintf(text, sizeof text, "%s%.*s", negative ? "−" : nothing ? "" : "+", (int)shown.size, shown.at);
    }
    plain_right(to, text_of(text), DIFFERENCE_COLUMN);
}

static void print_text(const char *which, const evaluation_cell *cell, size_t columns, FILE *to)
{
    text_view rest = cell && cell->value.size > 0 ? cell->value : text_of("—");
    fprintf(to, "%*s%s\n", MARGIN + NUMBER_COLUMN + 2, "", which);
    while (rest.size > 0) {
        const char *end = memchr(rest.at, '\n', rest.size);
        text_view paragraph = {rest.at, end ? (size_t)(end - rest.at) : rest.size};
        plain_folded(to, paragraph, MARGIN + NUMBER_COLUMN + 4, columns - MARGIN - NUMBER_COLUMN - 4);
        rest.at += paragraph.size + (end != NULL);
        rest.size -= paragraph.size + (end != NULL);
    }
}

static void print_texts(const comparison_row *row, size_t columns, FILE *to)
{
    const evaluation_cell *a = row->a, *b = row->b;
    if (!either(row)->is_text || !((a && a->value.size > 0) || (b && b->value.size > 0)))
        return;
    if (a && b && text_equal(a->value, b->value)) {
        print_text("A et B :", a, columns, to);
        return;
    }
    print_text("A :", a, columns, to);
    print_text("B :", b, columns, to);
}

static void print_row(const comparison_row *row, text_view heading, size_t columns, FILE *to)
{
    const evaluation_cell *cell = either(row);
    size_t label_columns = columns - MARGIN - NUMBER_COLUMN - 2 * VALUE_COLUMN - DIFFERENCE_COLUMN - UNIT_COLUMN;
    text_view line = plain_first_line(cell->label, label_columns);
    plain_times(to, " ", MARGIN);
    plain_put(to, heading);
    plain_times(to, " ", NUMBER_COLUMN - text_width(heading));
    plain_tame(to, line);
    plain_times(to, " ", label_columns - text_width(line));
    print_value(row->a, to);
    print_value(row->b, to);
    print_difference(row, to);
    if (!cell->is_text && cell->unit.size > 0) {
        fputs("  ", to);
        plain_tame(to, cell->unit);
    }
    fputc('\n', to);
    plain_folded(to, plain_after(cell->label, line), MARGIN + NUMBER_COLUMN, label_columns);
    print_texts(row, columns, to);
}

static void print_title(const comparison_action *action, size_t columns, FILE *to)
{
    char line[64];
    const evaluation_action *of = action->a ? action->a : action->b;
    fputc('\n', to);
    plain_times(to, "─", columns);
    fputc('\n', to);
    if (text_is(action->code, "contrat")) {
        fputs("CONTRAT · toutes les actions ensemble\n", to);
    } else {
        snprintf(line, sizeof line, "%.*s%s", (int)action->code.size, action->code.at,
                 !action->a ? " (B seulement)" : !action->b ? " (A seulement)" : "");
        plain_folded(to, text_of(line), 0, columns);
        plain_folded(to, of->title, MARGIN, columns - MARGIN);
    }
    plain_times(to, " ", columns - 2 * VALUE_COLUMN - DIFFERENCE_COLUMN - UNIT_COLUMN);
    plain_right(to, text_of("A"), VALUE_COLUMN);
    plain_right(to, text_of("B"), VALUE_COLUMN);
    plain_right(to, text_of("B moins A"), DIFFERENCE_COLUMN);
    fputc('\n', to);
}

static void print_action(const comparison_action *action, size_t columns, FILE *to)
{
    text_view heading = {NULL, 0};
    print_title(action, columns, to);
    for (unsigned i = 0; i < action->row_count; i++) {
        const comparison_row *row = &action->rows[i];
        if (!is_shown(row->a) && !is_shown(row->b))
            continue;
        text_view now = evaluation_heading(either(row)->code);
        print_row(row, text_equal(now, heading) ? text_of("") : now, columns, to);
        heading = now;
    }
}

static void print_head(const char *which, const evaluation_table *of, size_t columns, FILE *to)
{
    char line[512], version[EVALUATION_VERSION_TEXT];
    evaluation_table_version(of, version);
    snprintf(line, sizeof line, "%s : %.*s, de %s %d à %s %d · %s · position %llu du registre", which, (int)of->contract.size,
             of->contract.at, french_month(of->from), (int)(of->from / 12), french_month(of->to), (int)(of->to / 12), version,
             (unsigned long long)of->position);
    plain_folded(to, text_of(line), 0, columns);
    plain_folded(to, of->title, MARGIN + 2, columns - MARGIN - 2);
}

void comparison_print(const comparison *self, unsigned width, FILE *to)
{
    size_t columns = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
    fputs("DEUX ÉVALUATIONS CÔTE À CÔTE (réalisé / objectif)\n", to);
    print_head("A", self->a, columns, to);
    print_head("B", self->b, columns, to);
    for (unsigned i = 0; i < self->action_count; i++)
        print_action(&self->actions[i], columns, to);
}

static void csv_cell(const evaluation_cell *cell, FILE *to)
{
    if (cell) {
        plain_csv(cell->target, false, to), fputc(',', to);
        plain_csv(cell->value, cell->is_text, to);
        fprintf(to, ",%s,", evaluation_state_name(cell->state));
    } else {
        fputs(",,,", to);
    }
}

void comparison_csv(const comparison *self, FILE *to)
{
    fputs("action,indicateur,libelle,unite,objectif_a,realise_a,statut_a,objectif_b,realise_b,statut_b,ecart\n", to);
    for (unsigned i = 0; i < self->action_count; i++)
        for (unsigned k = 0; k < self->actions[i].row_count; k++) {
            const comparison_row *row = &self->actions[i].rows[k];
            const evaluation_cell *cell = either(row);
            plain_csv(self->actions[i].code, false, to), fputc(',', to);
            plain_csv(cell->code, false, to), fputc(',', to);
            plain_csv(cell->label, true, to), fputc(',', to);
            plain_csv(cell->unit, true, to), fputc(',', to);
            csv_cell(row->a, to);
            csv_cell(row->b, to);
            fprintf(to, "%s\n", row->difference);
        }
}
