/* yamldoc_map: walking a document key by key; see yamldoc.h. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "yamldoc.h"

enum { SHOWN_MAX = 48, WORDS_SHOWN_MAX = 300 };

static void emit(yamldoc *self, diag_severity severity, const yamldoc_node *at, const char *key,
                 const char *format, va_list args)
{
    char message[501];
    vsnprintf(message, sizeof message, format, args);
    diag_emit(self->sink, &(diag){ .severity = severity, .file = at && at->file ? at->file : self->file,
                                   .line = at ? at->line : 0, .column = at ? at->column : 0, .field = key, .message = message });
}

void yamldoc_error(yamldoc *self, const yamldoc_node *at, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(self, DIAG_ERROR, at, key, format, args);
    va_end(args);
}

void yamldoc_warn(yamldoc *self, const yamldoc_node *at, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(self, DIAG_WARNING, at, key, format, args);
    va_end(args);
}

const yamldoc_node *yamldoc_peek(const yamldoc_node *map, const char *key)
{
    for (const yamldoc_node *item = map && map->kind == YAMLDOC_MAP ? map->first : NULL; item; item = item->next)
        if (text_is(item->key, key))
            return item;
    return NULL;
}

bool yamldoc_map_open(yamldoc_map *self, yamldoc *doc, const yamldoc_node *node, const char *what)
{
    *self = (yamldoc_map){ .doc = doc, .node = node };
    if (node && node->kind != YAMLDOC_MAP) {
        yamldoc_error(doc, node, NULL, "%s doit être une suite de clés et de valeurs (« clé: valeur »)", what);
        self->node = NULL;
    }
    return self->node != NULL;
}

static bool is_asked(const yamldoc_map *self, text_view key)
{
    for (unsigned i = 0; i < self->asked_count; i++)
        if (text_is(key, self->asked[i]))
            return true;
    return false;
}

void yamldoc_map_close(yamldoc_map *self)
{
    for (const yamldoc_node *item = self->node ? self->node->first : NULL; item; item = item->next) {
        if (is_asked(self, item->key))
            continue;
        const char *near = text_nearest(item->key, self->asked, self->asked_count);
        yamldoc_node at = { .file = item->file, .line = item->key_line, .column = item->key_column };
        /* Only a word that can be a key is quoted: the file may be another one, with people's names in it. */
        int shown = yamldoc_is_name(item->key, SHOWN_MAX) ? (int)item->key.size : 0;
        if (near && shown)
            yamldoc_error(self->doc, &at, NULL, "clé inconnue « %.*s » ; vouliez-vous dire « %s » ?", shown,
                          item->key.at, near);
        else if (near)
            yamldoc_error(self->doc, &at, NULL, "clé inconnue ; vouliez-vous dire « %s » ?", near);
        else if (shown)
            yamldoc_error(self->doc, &at, NULL, "clé inconnue « %.*s »", shown, item->key.at);
        else
            yamldoc_error(self->doc, &at, NULL, "clé inconnue");
    }
    self->node = NULL;
}

const yamldoc_node *yamldoc_value(yamldoc_map *self, const char *key, yamldoc_need need)
{
    bool again = is_asked(self, text_of(key));
    if (!again) {
        assert(self->asked_count < YAMLDOC_ASKED_MAX);
        self->asked[self->asked_count++] = key;
    }
    if (!self->node)
        return NULL;
    for (const yamldoc_node *item = self->node->first; item; item = item->next) {
        if (!text_is(item->key, key))
            continue;
        bool empty = item->kind == YAMLDOC_SCALAR && item->text.size == 0;
        if (empty && !again)
            yamldoc_error(self->doc, item, key, "valeur vide");
        return empty ? NULL : item;
    }
    if (need == YAMLDOC_REQUIRED)
        yamldoc_error(self->doc, self->node, NULL, "il manque la clé « %s »", key);
    return NULL;
}

/* The value when it is a scalar. */
static const yamldoc_node *scalar(yamldoc_map *self, const char *key, yamldoc_need need, const char *expected)
{
    const yamldoc_node *node = yamldoc_value(self, key, need);
    if (node && node->kind != YAMLDOC_SCALAR) {
        yamldoc_error(self->doc, node, key, "%s attendu", expected);
        return NULL;
    }
    return node;
}

static bool read_text(yamldoc *doc, const yamldoc_node *node, const char *key, size_t bytes_max, text_view *to)
{
    text_view text = text_trim(node->text);
    if (text.size == 0)
        yamldoc_error(doc, node, key, "texte vide");
    else if (text.size > bytes_max)
        yamldoc_error(doc, node, key, "texte trop long (%zu octets au plus)", bytes_max);
    else if (memchr(text.at, '\n', text.size) || memchr(text.at, '\r', text.size)
             || memchr(text.at, '\t', text.size))
        yamldoc_error(doc, node, key, "ce texte doit tenir sur une ligne, sans tabulation");
    else {
        *to = text;
        return true;
    }
    return false;
}

bool yamldoc_is_name(text_view text, size_t bytes_max)
{
    if (text.size == 0 || text.size > bytes_max)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
              || c == '-'))
            return false;
    }
    return true;
}

static bool read_name(yamldoc *doc, const yamldoc_node *node, const char *key, size_t bytes_max, text_view *to)
{
    if (yamldoc_is_name(node->text, bytes_max)) {
        *to = node->text;
        return true;
    }
    yamldoc_error(doc, node, key,
                  "code incorrect : 1 à %zu lettres sans accent, chiffres, points, tirets ou soulignés", bytes_max);
    return false;
}

static bool read_choice(yamldoc *doc, const yamldoc_node *node, const char *key, const char *const *words,
                        unsigned count, unsigned *to)
{
    for (unsigned i = 0; i < count; i++)
        if (text_is(node->text, words[i])) {
            *to = i;
            return true;
        }
    const char *near = text_nearest(node->text, words, count);
    if (near) {
        yamldoc_error(doc, node, key, "valeur inconnue ; vouliez-vous dire « %s » ?", near);
        return false;
    }
    char all[WORDS_SHOWN_MAX] = "";
    for (unsigned i = 0, at = 0; i < count && at < sizeof all; i++) {
        int size = snprintf(all + at, sizeof all - at, "%s%s", i ? ", " : "", words[i]);
        at += size > 0 ? (unsigned)size : 0;
    }
    yamldoc_error(doc, node, key, "valeur inconnue : l’une de celles-ci est attendue : %s", all);
    return false;
}

bool yamldoc_text(yamldoc_map *self, const char *key, yamldoc_need need, size_t bytes_max, text_view *to)
{
    const yamldoc_node *node = scalar(self, key, need, "texte");
    return node && read_text(self->doc, node, key, bytes_max, to);
}

bool yamldoc_name(yamldoc_map *self, const char *key, yamldoc_need need, size_t bytes_max, text_view *to)
{
    const yamldoc_node *node = scalar(self, key, need, "code");
    return node && read_name(self->doc, node, key, bytes_max, to);
}

/*
 * A number written by people: digits, with white space between thousands, then at most decimals_max
 * decimals after a point or comma. Its value times 10^decimals_max, or -1 when it is none.
 */
static int64_t read_number(text_view text, unsigned decimals_max)
{
    const int64_t limit = INT64_C(1000000000000000000);
    int64_t value = 0;
    unsigned group = 0, decimals = 0;
    bool spaced = false, fraction = false;
    for (size_t at = 0; at < text.size;) {
        text_view rest = { text.at + at, text.size - at };
        size_t space = text_leading_space(rest);
        char c = text.at[at];
        if (c >= '0' && c <= '9') {
            if (value >= limit / 10 || (fraction && ++decimals > decimals_max))
                return -1;
            value = value * 10 + (c - '0');
            group += !fraction;
            at++;
        } else if (space > 0) {
            if (fraction || group == 0 || group > 3 || (spaced && group != 3))
                return -1;
            spaced = true;
            group = 0;
            at += space;
        } else if ((c == '.' || c == ',') && decimals_max > 0 && !fraction && group > 0) {
            fraction = true;
            at++;
        } else
            return -1;
    }
    if (group == 0 || (spaced && group != 3) || (fraction && decimals == 0))
        return -1;
    for (; decimals < decimals_max; decimals++) {
        if (value >= limit / 10)
            return -1;
        value *= 10;
    }
    return value;
}

bool yamldoc_integer(yamldoc_map *self, const char *key, yamldoc_need need, int64_t min, int64_t max, int64_t *to)
{
    const yamldoc_node *node = scalar(self, key, need, "nombre entier");
    if (!node)
        return false;
    int64_t value = read_number(text_trim(node->text), 0);
    if (value < 0 || value < min || value > max) {
        yamldoc_error(self->doc, node, key, "nombre entier attendu, de %" PRId64 " à %" PRId64, min, max);
        return false;
    }
    *to = value;
    return true;
}

bool yamldoc_euros(yamldoc_map *self, const char *key, yamldoc_need need, int64_t *cents)
{
    static const char euro[] = "€";
    const yamldoc_node *node = scalar(self, key, need, "montant");
    if (!node)
        return false;
    text_view text = text_trim(node->text);
    if (text.size >= 3 && memcmp(text.at + text.size - 3, euro, 3) == 0)
        text = text_trim((text_view){ text.at, text.size - 3 });
    int64_t value = read_number(text, 2);
    if (value < 0 || value > INT64_C(1000000000000)) {
        yamldoc_error(self->doc, node, key, "montant en euros attendu (par exemple 40 000 ou 12,50)");
        return false;
    }
    *cents = value;
    return true;
}

bool yamldoc_day(yamldoc_map *self, const char *key, yamldoc_need need, civil_day *to)
{
    const yamldoc_node *node = scalar(self, key, need, "date");
    civil_day day = node ? civil_parse(node->text) : CIVIL_NONE;
    if (node && day == CIVIL_NONE)
        yamldoc_error(self->doc, node, key, "date attendue, comme 2023-11-30, et qui existe");
    if (day != CIVIL_NONE)
        *to = day;
    return day != CIVIL_NONE;
}

bool yamldoc_month(yamldoc_map *self, const char *key, yamldoc_need need, civil_month *to)
{
    const yamldoc_node *node = scalar(self, key, need, "mois");
    civil_month month = node ? civil_month_parse(node->text) : CIVIL_NONE;
    if (node && month == CIVIL_NONE)
        yamldoc_error(self->doc, node, key, "mois attendu, comme 2024-06");
    if (month != CIVIL_NONE)
        *to = month;
    return month != CIVIL_NONE;
}

bool yamldoc_choice(yamldoc_map *self, const char *key, yamldoc_need need, const char *const *words,
                    unsigned count, unsigned *to)
{
    const yamldoc_node *node = scalar(self, key, need, "mot");
    return node && read_choice(self->doc, node, key, words, count, to);
}

bool yamldoc_flag(yamldoc_map *self, const char *key, yamldoc_need need, bool *to)
{
    static const char *const words[] = { "non", "oui" };
    unsigned index;
    if (!yamldoc_choice(self, key, need, words, 2, &index))
        return false;
    *to = index == 1;
    return true;
}

const yamldoc_node *yamldoc_list(yamldoc_map *self, const char *key, yamldoc_need need, unsigned count_min,
                                 unsigned count_max)
{
    const yamldoc_node *node = yamldoc_value(self, key, need);
    if (!node)
        return NULL;
    if (node->kind != YAMLDOC_LIST)
        yamldoc_error(self->doc, node, key, "liste attendue (une ligne « - » par élément, ou [a, b])");
    else if (node->count < count_min)
        yamldoc_error(self->doc, node, key, "cette liste doit avoir au moins %u élément%s", count_min,
                      count_min > 1 ? "s" : "");
    else if (node->count > count_max)
        yamldoc_error(self->doc, node, key, "cette liste a trop d’éléments (%u au plus)", count_max);
    else
        return node;
    return NULL;
}

static bool item_is_scalar(yamldoc *self, const yamldoc_node *item)
{
    if (item->kind != YAMLDOC_SCALAR)
        yamldoc_error(self, item, NULL, "un simple mot ou texte est attendu dans cette liste");
    return item->kind == YAMLDOC_SCALAR;
}

bool yamldoc_item_text(yamldoc *self, const yamldoc_node *item, size_t bytes_max, text_view *to)
{
    return item_is_scalar(self, item) && read_text(self, item, NULL, bytes_max, to);
}

bool yamldoc_item_name(yamldoc *self, const yamldoc_node *item, size_t bytes_max, text_view *to)
{
    return item_is_scalar(self, item) && read_name(self, item, NULL, bytes_max, to);
}

bool yamldoc_item_choice(yamldoc *self, const yamldoc_node *item, const char *const *words, unsigned count,
                         unsigned *to)
{
    return item_is_scalar(self, item) && read_choice(self, item, NULL, words, count, to);
}
