/*
 * privacy: see privacy.h. Windows of words that go together are compared with the names, windows of figures with the
 * numbers, and the days that the text tells with those of birth.
 */
#include "privacy.h"

#include <stdlib.h>
#include <string.h>

#include "privacy_date.h"
#include "privacy_hash.h"
#include "prose.h"

typedef struct {
    size_t at, end; /* bytes of the text */
    privacy_kind kind;
} place;

typedef struct {
    const privacy_list *lists;
    size_t list_count;
    const uint8_t *record_key;
    privacy_pieces text;
    arena_vector places; /* of place */
    bool failed;
} scan;

/* The kind of what has that hash; PRIVACY_KIND_COUNT: nothing. */
static privacy_kind find(const scan *self, privacy_form form, const text_view *parts, size_t count)
{
    uint8_t hash[7];
    privacy_hash(hash, self->record_key, form, parts, count);
    for (size_t i = 0; i < self->list_count; i++) {
        const privacy_entry *entries = self->lists[i].entries;
        size_t low = 0, high = self->lists[i].count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (memcmp(entries[middle].hash, hash, sizeof hash) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < self->lists[i].count && memcmp(entries[low].hash, hash, sizeof hash) == 0 && entries[low].kind < PRIVACY_KIND_COUNT)
            return (privacy_kind)entries[low].kind;
    }
    return PRIVACY_KIND_COUNT;
}

static void add(scan *self, size_t first, size_t last, privacy_kind kind)
{
    place *added = kind == PRIVACY_KIND_COUNT ? NULL : arena_vector_add(&self->places);
    if (added)
        *added = (place){self->text.pieces[first].at, self->text.pieces[last].end, kind};
    else if (kind != PRIVACY_KIND_COUNT)
        self->failed = true;
}

/* A letter that French elides, before a letter where it does not: N’Diaye, M’Bodj. */
static bool is_odd_elision(const privacy_piece *word, const privacy_piece *next)
{
    return word->folded.size == 1 && memchr("ldjmtscn", word->folded.at[0], 8) && next && next->joined && !next->number
        && !memchr("aeiouyh", next->folded.at[0], 7);
}

static privacy_frequency frequency_at(const scan *self, size_t at)
{
    const privacy_piece *word = &self->text.pieces[at];
    if (is_odd_elision(word, at + 1 < self->text.count ? word + 1 : NULL))
        return PRIVACY_RARE;
    return privacy_frequency_of(word->folded);
}

/* The names that windows of the words from first on are. */
static void look_for_names(scan *self, size_t first)
{
    text_view parts[PRIVACY_WORDS_MAX];
    bool any_common = false, any_lower = false, any_lower_common = false;
    for (size_t i = 0; i < PRIVACY_WORDS_MAX && first + i < self->text.count; i++) {
        const privacy_piece *word = &self->text.pieces[first + i];
        if (word->number || (i > 0 && !word->joined))
            return;
        parts[i] = word->folded;
        privacy_frequency frequency = frequency_at(self, first + i);
        any_common |= frequency == PRIVACY_COMMON;
        any_lower |= !word->upper;
        any_lower_common |= !word->upper && frequency != PRIVACY_RARE;
        /* "la mine" is nobody, "La Mine" may be somebody called Lamine. */
        bool together = !any_lower_common && (i == 0 || !(any_common && any_lower));
        privacy_kind kind = together ? find(self, PRIVACY_FORM_NAME, parts, i + 1) : PRIVACY_KIND_COUNT;
        if (kind == PRIVACY_KIND_COUNT && i == 0)
            kind = find(self, PRIVACY_FORM_BOTH, parts, 1);
        if (kind == PRIVACY_KIND_COUNT && i > 0)
            kind = find(self, PRIVACY_FORM_APART, parts, i + 1);
        if (kind == PRIVACY_KIND_COUNT && i == 1)
            kind = find(self, PRIVACY_FORM_PAIR, parts, 2);
        add(self, first, first + i, kind);
    }
}

/* The figures of numbers that go together, from a piece on. */
typedef struct {
    char figures[64];
    size_t piece[64]; /* of each */
    size_t count;
    bool whole;   /* all of what goes together is here */
    bool uniform; /* parts of two figures or more, all apart by the same */
} figures;

static void read_figures(figures *to, const scan *self, size_t first)
{
    *to = (figures){.whole = true, .uniform = true};
    for (size_t i = first; i < self->text.count; i++) {
        const privacy_piece *number = &self->text.pieces[i];
        if (!number->number || (i > first && !number->joined))
            return;
        to->uniform &= number->folded.size >= 2 && (i <= first + 1 || number->mark == self->text.pieces[first + 1].mark);
        for (size_t k = 0; k < number->folded.size; k++) {
            to->whole = to->count < sizeof to->figures;
            if (!to->whole)
                return;
            to->figures[to->count] = number->folded.at[k];
            to->piece[to->count++] = i;
        }
    }
}

/* Ten figures in a row that begin in that piece, however they are parted. *other: they are nobody's, and ten in all. */
static void look_for_numbers(scan *self, size_t first, bool *other)
{
    figures row;
    bool any = false;
    read_figures(&row, self, first);
    for (size_t i = 0; i + TOKEN_NUMBER_DIGITS <= row.count && row.piece[i] == first; i++) {
        privacy_kind kind = find(self, PRIVACY_FORM_NUMBER, &(text_view){row.figures + i, TOKEN_NUMBER_DIGITS}, 1);
        add(self, first, row.piece[i + TOKEN_NUMBER_DIGITS - 1], kind);
        any |= kind != PRIVACY_KIND_COUNT;
    }
    bool begins = first == 0 || !self->text.pieces[first - 1].number || !self->text.pieces[first].joined;
    *other = !any && begins && row.whole && row.uniform && row.count == TOKEN_NUMBER_DIGITS;
}

static void look_for_days(scan *self, size_t first)
{
    privacy_date found = privacy_date_at(&self->text, first);
    for (unsigned i = 0; i < found.count; i++) {
        char day[CIVIL_DAY_TEXT];
        civil_day_text(found.days[i], day);
        add(self, first, first + found.pieces[i] - 1, find(self, PRIVACY_FORM_BIRTH, &(text_view){day, strlen(day)}, 1));
    }
}

static int by_place(const void *a, const void *b)
{
    const place *first = a, *second = b;
    if (first->at != second->at)
        return first->at < second->at ? -1 : 1;
    return (first->end < second->end) - (first->end > second->end); /* the longer one first */
}

/* Sorts the places, and drops those that lie within another; how many are left. */
static size_t settle(place *places, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(places, count, sizeof *places, by_place);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || places[i].at >= places[kept - 1].end)
            places[kept++] = places[i];
    return kept;
}

static void tell(const place *places, size_t count, const char *file, text_view whole, diag_sink *sink)
{
    static const char *const messages[PRIVACY_KIND_COUNT] = {
        [PRIVACY_FAMILY_NAME] = "un nom de votre tableau des personnes est dans le texte",
        [PRIVACY_GIVEN_NAME] = "un prénom de votre tableau des personnes est dans le texte",
        [PRIVACY_NUMBER] = "un numéro d’étranger de votre tableau des personnes est dans le texte",
        [PRIVACY_BIRTH] = "une date de naissance de votre tableau des personnes est dans le texte",
    };
    for (size_t i = 0; i < count && i < PRIVACY_TOLD_MAX; i++) {
        diag where = {.severity = DIAG_ERROR,
                      .file = file,
                      .message = messages[places[i].kind],
                      .remedy = "Écrivez-le sans désigner personne"};
        prose_place(whole, places[i].at, &where.line, &where.column);
        diag_emit(sink, &where);
    }
    if (count > PRIVACY_TOLD_MAX)
        diag_emitf(sink, &(diag){.severity = DIAG_ERROR, .file = file}, "et %zu autres endroits", count - PRIVACY_TOLD_MAX);
}

static void warn_of_number(const char *file, text_view whole, size_t at, diag_sink *sink)
{
    diag where = {.severity = DIAG_WARNING,
                  .file = file,
                  .message = "un nombre de dix chiffres est dans le texte",
                  .remedy = "Si c’est un numéro d’étranger ou de téléphone, retirez-le et recommencez"};
    prose_place(whole, at, &where.line, &where.column);
    diag_emit(sink, &where);
}

bool privacy_scan(size_t *found, arena *from, const privacy_list *lists, size_t list_count, const uint8_t *record_key,
                  const char *file, text_view whole, diag_sink *sink)
{
    scan self = {.lists = lists, .list_count = list_count, .record_key = record_key};
    arena_vector_init(&self.places, from, sizeof(place));
    if (!privacy_cut(&self.text, from, whole))
        return false;
    for (size_t i = 0; i < self.text.count && !self.failed; i++) {
        bool other = false;
        look_for_names(&self, i);
        look_for_days(&self, i);
        if (self.text.pieces[i].number)
            look_for_numbers(&self, i, &other);
        if (other)
            warn_of_number(file, whole, self.text.pieces[i].at, sink);
    }
    *found = settle(self.places.items, self.places.count);
    tell(self.places.items, *found, file, whole, sink);
    return !self.failed;
}
