/* prose: see prose.h. */
#include "prose.h"

#include <string.h>

#include "windows_1252.h"

enum { FILE_BYTES_MAX = 4 * RECORD_TEXT_MAX }; /* beyond: too long whatever becomes of it */

/* What files of other programs begin with. */
static const struct {
    const char *start;
    size_t size;
    const char *message;
} other_kinds[] = {
    {"\xFF\xFE", 2, "le fichier est en UTF-16"},
    {"\xFE\xFF", 2, "le fichier est en UTF-16"},
    {"PK\x03\x04", 4, "le fichier est un document de traitement de texte, pas un texte"},
    {"\xD0\xCF\x11\xE0", 4, "le fichier est un document de traitement de texte, pas un texte"},
    {"{\\rtf", 5, "le fichier est un document de traitement de texte, pas un texte"},
    {"%PDF", 4, "le fichier est un PDF, pas un texte"},
};

static bool refuse(diag_sink *sink, const char *file, const char *message, const char *remedy)
{
    diag_emit(sink, &(diag){.severity = DIAG_ERROR, .file = file, .message = message, .remedy = remedy});
    return false;
}

void prose_place(text_view whole, size_t offset, unsigned long *line, unsigned long *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset && i < whole.size; i++) {
        if (whole.at[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (i + 1 == whole.size || ((unsigned char)whole.at[i + 1] & 0xC0) != 0x80) {
            ++*column;
        }
    }
}

static bool check_kind(const char *file, text_view bytes, diag_sink *sink)
{
    for (size_t i = 0; i < sizeof other_kinds / sizeof *other_kinds; i++)
        if (bytes.size >= other_kinds[i].size && memcmp(bytes.at, other_kinds[i].start, other_kinds[i].size) == 0)
            return refuse(sink, file, other_kinds[i].message, "Enregistrez-le en « texte brut » (UTF-8)");
    return true;
}

/* Windows' and old Macintosh's line ends become LF, in place. */
static size_t settle_lines(char *text, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\r' && i + 1 < size && text[i + 1] == '\n')
            continue;
        text[kept++] = text[i] == '\r' ? '\n' : text[i];
    }
    return kept;
}

/* A C0 or C1 control, delete, or U+2028 and U+2029, which some programs take for a line's end. */
static bool is_control(text_view whole, size_t at)
{
    unsigned char c = (unsigned char)whole.at[at], next = at + 1 < whole.size ? (unsigned char)whole.at[at + 1] : 0;
    unsigned char last = at + 2 < whole.size ? (unsigned char)whole.at[at + 2] : 0;
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F || (c == 0xC2 && next >= 0x80 && next < 0xA0)
        || (c == 0xE2 && next == 0x80 && (last == 0xA8 || last == 0xA9));
}

static bool check_characters(const char *file, text_view whole, diag_sink *sink)
{
    for (size_t i = 0; i < whole.size; i++) {
        if (!is_control(whole, i))
            continue;
        diag where = {.severity = DIAG_ERROR,
                      .file = file,
                      .message = "un caractère de commande, invisible, est dans le texte",
                      .remedy = "Effacez-le, ou retapez la ligne"};
        prose_place(whole, i, &where.line, &where.column);
        diag_emit(sink, &where);
        return false;
    }
    return true;
}

static bool too_long(const char *file, size_t bytes, diag_sink *sink)
{
    diag where = {.severity = DIAG_ERROR, .file = file, .remedy = "Raccourcissez-le, ou répartissez-le"};
    diag_emitf(sink, &where, "le texte est trop long : %zu octets, pour %d au plus (une lettre accentuée en prend deux)", bytes,
               RECORD_TEXT_MAX);
    return false;
}

bool prose_read(prose *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
{
    *self = (prose){{NULL, 0}, {NULL, 0}};
    if (!check_kind(file, bytes, sink))
        return false;
    if (bytes.size > FILE_BYTES_MAX)
        return too_long(file, bytes.size, sink);
    if (bytes.size >= 3 && memcmp(bytes.at, "\xEF\xBB\xBF", 3) == 0)
        bytes = (text_view){bytes.at + 3, bytes.size - 3};
    bool bad = false;
    char *room = arena_take(from, bytes.size * WINDOWS_1252_UTF8 + 1), *end = room;
    if (!room)
        return false;
    if (!text_is_utf8(bytes)) {
        self->whole = windows_1252_convert(&end, bytes, &bad);
    } else {
        if (bytes.size > 0)
            memcpy(room, bytes.at, bytes.size);
        self->whole = (text_view){room, bytes.size};
    }
    if (bad)
        return refuse(sink, file, "le texte n’est ni en UTF-8 ni en Windows-1252", "Enregistrez-le en « texte brut » (UTF-8)");
    self->whole.size = settle_lines(room, self->whole.size);
    self->text = text_trim(self->whole);
    if (self->text.size == 0)
        return refuse(sink, file, "le texte est vide", "Pour retirer un texte déjà envoyé : --withdraw");
    if (!check_characters(file, self->whole, sink))
        return false;
    return self->text.size <= RECORD_TEXT_MAX || too_long(file, self->text.size, sink);
}
