/* persons: see persons.h. */
#include "persons.h"

#include <assert.h>
#include <string.h>

#include "nationality.h"

typedef enum {
    COLUMN_ID,
    COLUMN_NUMBER,
    COLUMN_FAMILY_NAME,
    COLUMN_GIVEN_NAME,
    COLUMN_BIRTH,
    COLUMN_SEX,
    COLUMN_NATIONALITY,
    COLUMN_STATUT,
    COLUMN_CIR,
    COLUMN_HOUSEHOLD,
    COLUMN_COUNT
} column;

static const table_column columns[COLUMN_COUNT] = {
    [COLUMN_ID] = {"id_local", true},
    [COLUMN_NUMBER] = {"numero_etranger", false},
    [COLUMN_FAMILY_NAME] = {"nom", true},
    [COLUMN_GIVEN_NAME] = {"prenom", true},
    [COLUMN_BIRTH] = {"date_naissance", true},
    [COLUMN_SEX] = {"sexe", true},
    [COLUMN_NATIONALITY] = {"nationalite", true},
    [COLUMN_STATUT] = {"statut", true},
    [COLUMN_CIR] = {"date_cir", false},
    [COLUMN_HOUSEHOLD] = {"id_menage", false},
};

enum { PROGRESS_ROWS = 1024 };

/* The reading of one row. */
typedef struct {
    persons *all;
    table *rows;
    persons_row *who;
    bool failed; /* in error: said */
} row;

static void fail(row *at, column which, const char *message, const char *remedy)
{
    diag where = table_where(at->rows, DIAG_ERROR, at->rows->line, which, remedy);
    where.message = message;
    diag_emit(at->rows->sink, &where);
    at->failed = true;
}

static void warn(row *at, column which, const char *message, const char *remedy)
{
    diag where = table_where(at->rows, DIAG_WARNING, at->rows->line, which, remedy);
    where.message = message;
    diag_emit(at->rows->sink, &where);
}

/* Is the cell there? Says so when it is not; a cell that cannot be read has been told of. */
static bool is_filled(row *at, column which)
{
    if (at->rows->cells[which].size > 0)
        return true;
    if (!(at->rows->bad_cells >> which & 1))
        fail(at, which, "la cellule est vide", "Elle est obligatoire");
    return false;
}

static civil_day read_date(row *at, column which)
{
    civil_day day = civil_parse(at->rows->cells[which]);
    if (day == CIVIL_NONE)
        fail(at, which, "ce n’est pas une date du calendrier", "Écrivez 31/01/2024 ou 2024-01-31");
    return day;
}

static void read_sex(row *at)
{
    text_view cell = at->rows->cells[COLUMN_SEX];
    if (text_is(cell, "F"))
        at->who->sex = RECORD_SEX_F;
    else if (text_is(cell, "H"))
        at->who->sex = RECORD_SEX_H;
    else if (cell.size > 0)
        fail(at, COLUMN_SEX, "le sexe n’est ni F, ni H, ni vide",
             "Écrivez F ou H en majuscule, ou laissez la cellule vide");
}

static void read_nationality(row *at)
{
    if (!is_filled(at, COLUMN_NATIONALITY))
        return;
    nationality found = nationality_find(at->rows->cells[COLUMN_NATIONALITY]);
    at->who->european = found == NATIONALITY_EUROPEAN;
    if (found == NATIONALITY_UNKNOWN)
        fail(at, COLUMN_NATIONALITY, "ce n’est pas un code de pays ISO 3166-1",
             "Écrivez deux ou trois majuscules (AF ou AFG) ; XXA pour une personne apatride, XKX pour le Kosovo");
}

static void read_statut(row *at)
{
    if (!is_filled(at, COLUMN_STATUT))
        return;
    text_view cell = at->rows->cells[COLUMN_STATUT];
    at->who->statut = eligibility_statut_find(cell);
    if (at->who->statut != STATUT_NONE)
        return;
    const char *nearest = text_nearest(cell, eligibility_statut_names, STATUT_COUNT);
    at->failed = true;
    diag where = table_where(at->rows, DIAG_ERROR, at->rows->line, COLUMN_STATUT, NULL);
    if (nearest)
        diag_emitf(at->rows->sink, &where, "ce statut n’existe pas ; vouliez-vous dire « %s » ?", nearest);
    else
        diag_emitf(at->rows->sink, &where,
                   "ce statut n’existe pas ; les statuts vont de « refugie » à « sans_titre »");
}

static void read_identity(row *at)
{
    bool family = is_filled(at, COLUMN_FAMILY_NAME), given = is_filled(at, COLUMN_GIVEN_NAME);
    bool birth = is_filled(at, COLUMN_BIRTH);
    if (birth)
        at->who->birth = read_date(at, COLUMN_BIRTH);
    if (!family || !given || !birth || at->who->birth == CIVIL_NONE)
        return;
    char text[TOKEN_IDENTITY_MAX];
    long size = token_identity(text, at->rows->cells[COLUMN_FAMILY_NAME], at->rows->cells[COLUMN_GIVEN_NAME],
                               at->who->birth);
    if (size < 0) {
        fail(at, COLUMN_FAMILY_NAME, "le nom et le prénom sont trop longs",
             "Une cellule contient peut-être plusieurs lignes");
        return;
    }
    if (text[0] == '|' && text[1] == '|')
        warn(at, COLUMN_FAMILY_NAME, "le nom et le prénom n’ont ni lettre ni chiffre",
             "Toutes les personnes ainsi nommées et nées le même jour n’en font qu’une pour la préfecture");
    at->who->identity = (text_view){arena_text(at->all->from, (text_view){text, (size_t)size}), (size_t)size};
}

/* "9,9E+09": what a spreadsheet makes of a long number. */
static bool is_scientific(text_view text)
{
    bool exponent = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (c == 'E' || c == 'e')
            exponent = i > 0;
        else if (!(c >= '0' && c <= '9') && c != '.' && c != ',' && c != '+')
            return false;
    }
    return exponent;
}

static void read_number(row *at)
{
    text_view cell = at->rows->cells[COLUMN_NUMBER];
    char kept[32];
    size_t size = 0;
    bool digits = true;
    while (cell.size > 0 && size < sizeof kept) {
        size_t space = text_leading_space(cell);
        if (space == 0) {
            digits &= cell.at[0] >= '0' && cell.at[0] <= '9';
            kept[size++] = cell.at[0];
        }
        cell.at += space ? space : 1;
        cell.size -= space ? space : 1;
    }
    if (size == 0)
        return;
    at->who->has_number = digits && size == TOKEN_NUMBER_DIGITS && cell.size == 0;
    if (at->who->has_number)
        memcpy(at->who->number, kept, TOKEN_NUMBER_DIGITS);
    else if (digits && size == TOKEN_NUMBER_DIGITS - 1)
        warn(at, COLUMN_NUMBER, "le numéro n’a que neuf chiffres : il n’est pas utilisé",
             "Le tableur a sans doute mangé le zéro du début : mettez la colonne au format texte");
    else if (is_scientific((text_view){kept, size}))
        warn(at, COLUMN_NUMBER,
             "le tableur a remplacé le numéro par une écriture scientifique : il n’est pas utilisé",
             "Les chiffres sont perdus : mettez la colonne au format texte et ressaisissez-les");
    else
        warn(at, COLUMN_NUMBER, "ce n’est pas un numéro d’étranger de dix chiffres : il n’est pas utilisé", NULL);
}

/* Every row of an id_local that comes twice is in error; the first is found out only now. */
static void refuse_duplicate(row *at, uint32_t first_number)
{
    persons_row *first = persons_at(at->all, first_number);
    diag where = table_where(at->rows, DIAG_ERROR, at->rows->line, COLUMN_ID, "Chaque personne a une seule ligne");
    diag_emitf(at->rows->sink, &where, "cet id_local est déjà à la ligne %lu", (unsigned long)first->line);
    at->failed = true;
    if (first->in_error)
        return;
    where.line = first->line;
    diag_emitf(at->rows->sink, &where, "cet id_local revient à la ligne %lu", at->rows->line);
    first->in_error = true;
    at->all->error_count++;
}

static bool read_household(row *at)
{
    persons *self = at->all;
    text_view id = at->rows->cells[COLUMN_HOUSEHOLD];
    at->who->household = PERSONS_NONE;
    if (id.size == 0)
        return true;
    uint64_t hash = lookup_hash(self->seed, id);
    lookup_walk walk = lookup_start(&self->by_household, hash);
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
        persons_household *household = pile_at(&self->households, found);
        if (!text_equal(household->id, id))
            continue;
        at->who->household = found;
        return true;
    }
    at->who->household = (uint32_t)self->households.count;
    persons_household *household = pile_add(&self->households);
    if (!household || !lookup_add(&self->by_household, hash, at->who->household))
        return false;
    household->id = table_keep(at->rows, id);
    return household->id.at != NULL;
}

/* Reads the row into the person; false when memory is short. */
static bool read_row(row *at)
{
    persons *self = at->all;
    text_view id = at->rows->cells[COLUMN_ID];
    at->failed = at->rows->in_error;
    at->who->birth = at->who->cir = CIVIL_NONE;
    at->who->line = (uint32_t)at->rows->line;
    at->who->statut = STATUT_NONE;
    if (is_filled(at, COLUMN_ID)) {
        uint32_t first = persons_find(self, id);
        if (first != PERSONS_NONE)
            refuse_duplicate(at, first);
        else if (!lookup_add(&self->by_id, lookup_hash(self->seed, id), (uint32_t)self->people.count - 1))
            return false;
    }
    at->who->id = table_keep(at->rows, id);
    at->who->family_name = table_keep(at->rows, at->rows->cells[COLUMN_FAMILY_NAME]);
    at->who->given_name = table_keep(at->rows, at->rows->cells[COLUMN_GIVEN_NAME]);
    read_identity(at);
    read_number(at);
    read_sex(at);
    read_nationality(at);
    read_statut(at);
    if (at->rows->cells[COLUMN_CIR].size > 0)
        at->who->cir = read_date(at, COLUMN_CIR);
    at->who->in_error = at->failed;
    self->error_count += at->failed;
    bool kept = at->who->id.at != NULL && (at->who->family_name.at != NULL || at->who->family_name.size == 0)
        && (at->who->given_name.at != NULL || at->who->given_name.size == 0)
        && (at->who->identity.at != NULL || at->who->identity.size == 0);
    return kept && read_household(at);
}

/* Does the person count in its household? Not the never eligible, nor EU nationals, nor the erased (DOMAIN, token M). */
static bool counts_in_household(const persons_row *who)
{
    return who->household != PERSONS_NONE && !who->in_error && !who->erased
        && !eligibility_never(who->statut, who->european);
}

/* Says that a person has the same number or name as an earlier row; adds it otherwise. */
static bool note_namesakes(persons *self, const table *rows, uint32_t number)
{
    const persons_row *who = persons_at(self, number);
    text_view digits = {who->number, TOKEN_NUMBER_DIGITS};
    text_view name = who->has_number ? digits : who->identity;
    lookup *in = who->has_number ? &self->by_number : &self->by_name;
    uint64_t hash = lookup_hash(self->seed, name);
    lookup_walk walk = lookup_start(in, hash);
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
        const persons_row *other = persons_at(self, found);
        text_view other_name = who->has_number ? (text_view){other->number, TOKEN_NUMBER_DIGITS} : other->identity;
        if (!text_equal(other_name, name))
            continue;
        diag where = table_where(rows, DIAG_WARNING, who->line,
                                 who->has_number ? COLUMN_NUMBER : COLUMN_FAMILY_NAME,
                                 "Une seule personne pour la préfecture ; si elles sont deux, corrigez");
        diag_emitf(rows->sink, &where,
                   who->has_number ? "même numéro d’étranger qu’à la ligne %lu"
                                   : "mêmes nom, prénom et date de naissance qu’à la ligne %lu, sans numéro",
                   (unsigned long)other->line);
        return true;
    }
    return lookup_add(in, hash, number);
}

void persons_settle_households(persons *self)
{
    for (uint32_t number = 0; number < self->households.count; number++)
        ((persons_household *)pile_at(&self->households, number))->smallest = (text_view){NULL, 0};
    for (uint32_t number = 0; number < self->people.count; number++) {
        const persons_row *who = persons_at(self, number);
        if (!counts_in_household(who))
            continue;
        persons_household *household = pile_at(&self->households, who->household);
        if (household->smallest.size == 0 || text_compare(who->identity, household->smallest) < 0)
            household->smallest = who->identity;
    }
}

/* What can be known only when all rows are read. */
static bool settle(persons *self, const table *rows)
{
    for (uint32_t number = 0; number < self->people.count; number++) {
        const persons_row *who = persons_at(self, number);
        if (who->in_error)
            continue;
        if (!note_namesakes(self, rows, number))
            return false;
    }
    persons_settle_households(self);
    return true;
}

table_state persons_read(persons *self, arena *from, const char *file, text_view bytes, uint64_t seed,
                         diag_sink *sink, void (*progress)(void *data, uint64_t done_bytes), void *progress_data)
{
    *self = (persons){.from = from, .seed = seed};
    pile_init(&self->people, from, sizeof(persons_row));
    pile_init(&self->households, from, sizeof(persons_household));
    lookup_init(&self->by_id, from);
    lookup_init(&self->by_household, from);
    lookup_init(&self->by_number, from);
    lookup_init(&self->by_name, from);
    table *rows = arena_take(from, sizeof *rows);
    if (!rows)
        return TABLE_NO_MEMORY;
    table_state state = table_open(rows, from, file, bytes, columns, COLUMN_COUNT, sink);
    while (state == TABLE_OK && (state = table_next(rows)) == TABLE_OK) {
        row at = {.all = self, .rows = rows};
        if (self->row_count++ % PROGRESS_ROWS == 0 && progress)
            progress(progress_data, table_read_bytes(rows));
        if (rows->unsure) {
            self->error_count++;
            continue;
        }
        at.who = self->people.count < LOOKUP_NONE - 1 ? pile_add(&self->people) : NULL;
        if (!at.who || !read_row(&at))
            return TABLE_NO_MEMORY;
    }
    if (state != TABLE_END)
        return state;
    return settle(self, rows) ? TABLE_OK : TABLE_NO_MEMORY;
}

persons_row *persons_at(const persons *self, uint32_t number)
{
    return pile_at(&self->people, number);
}

uint32_t persons_find(const persons *self, text_view id_local)
{
    lookup_walk walk = lookup_start(&self->by_id, lookup_hash(self->seed, id_local));
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;)
        if (text_equal(persons_at(self, found)->id, id_local))
            return found;
    return PERSONS_NONE;
}

eligibility persons_eligibility(const persons_row *self, civil_day day)
{
    assert(!self->in_error);
    return eligibility_on(self->statut, self->european, self->cir, day);
}

text_view persons_household_identity(const persons *self, const persons_row *of)
{
    if (of->household == PERSONS_NONE)
        return of->identity;
    const persons_household *household = pile_at(&self->households, of->household);
    return household->smallest.size > 0 ? household->smallest : of->identity;
}

const char *persons_column_name(unsigned number)
{
    return number < COLUMN_COUNT ? columns[number].name : NULL;
}
