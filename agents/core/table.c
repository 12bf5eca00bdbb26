/* table: see table.h. */
#include "table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "windows_1252.h"

enum {
    UNKNOWN_TEXT_MAX = 300, /* bytes of unknown columns' names in the warning */
    NEAREST_MAX = 64,       /* columns looked at for "did you mean" */
};

static bool is_ascii(text_view text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.size; i++)
        all |= (unsigned char)text.at[i];
    return all < 0x80;
}

static bool starts_with(text_view text, const char *start, size_t size)
{
    return text.size >= size && memcmp(text.at, start, size) == 0;
}

static table_state refuse(table *self, unsigned long line, const char *message, const char *remedy)
{
    diag_emit(
        self->sink,
        &(diag){.severity = DIAG_ERROR, .file = self->file, .line = line, .message = message, .remedy = remedy});
    return TABLE_UNUSABLE;
}

diag table_where(const table *self, diag_severity severity, unsigned long line, unsigned column,
                 const char *remedy)
{
    assert(column < self->column_count);
    return (diag){.severity = severity,
                  .file = self->file,
                  .line = line,
                  .column = self->place[column],
                  .field = self->columns[column].name,
                  .remedy = remedy};
}

static const char byte_order_mark[] = {'\xEF', '\xBB', '\xBF'};

static bool has_mark(const table_survey *self)
{
    return starts_with((text_view){self->first, self->first_size}, byte_order_mark, sizeof byte_order_mark);
}

static void survey_begin(table_survey *self)
{
    *self = (table_survey){.blank = true, .utf8 = true};
    csv_separator_begin(&self->separator);
}

/* The next piece, cut between two characters where there are any; the first has TABLE_KIND_BYTES, unless it is all. */
static void survey_add(table_survey *self, text_view piece)
{
    bool is_first = self->first_size == 0 && piece.size > 0;
    if (is_first) {
        self->first_size = piece.size < TABLE_KIND_BYTES ? piece.size : TABLE_KIND_BYTES;
        memcpy(self->first, piece.at, self->first_size);
    }
    text_view rest = piece;
    for (size_t space; self->blank && rest.size > 0; rest.at += space, rest.size -= space)
        self->blank = (space = text_leading_space(rest)) > 0;
    self->utf8 = self->utf8 && text_is_utf8(piece);
    const size_t mark = sizeof byte_order_mark;
    csv_separator_add(&self->separator,
                      is_first && has_mark(self) ? (text_view){piece.at + mark, piece.size - mark} : piece);
}

/* Bytes of a character that the piece ends inside of. */
static size_t cut_character(text_view piece)
{
    for (size_t back = 1; back < 4 && back <= piece.size; back++) {
        unsigned char c = (unsigned char)piece.at[piece.size - back];
        if (c < 0x80)
            return 0;
        if (c >= 0xC0)
            return back < (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) ? back : 0;
    }
    return 0;
}

table_state table_survey_source(table_survey *self, arena *from, const csv_source *source)
{
    char *piece = arena_take(from, CSV_WINDOW);
    size_t used = 0;
    long got = 1;
    survey_begin(self);
    if (!piece)
        return TABLE_NO_MEMORY;
    for (uint64_t at = 0; got > 0; at += (uint64_t)got) {
        got = source->read(source->data, at, piece + used, CSV_WINDOW - used);
        if (got < 0)
            return TABLE_UNREADABLE;
        used += (size_t)got;
        if (got > 0 && used < CSV_WINDOW)
            continue;
        size_t cut = got > 0 ? cut_character((text_view){piece, used}) : 0;
        survey_add(self, (text_view){piece, used - cut});
        memmove(piece, piece + used - cut, cut);
        used = cut;
    }
    return TABLE_OK;
}

/* Looks at the first bytes for files of another kind. */
static table_state check_kind(table *self, const table_survey *about)
{
    text_view bytes = {about->first, about->first_size};
    if (about->blank)
        return refuse(self, 0, "le fichier est vide", "Il faut au moins la ligne des noms de colonnes");
    if (starts_with(bytes, "\xFF\xFE", 2) || starts_with(bytes, "\xFE\xFF", 2))
        return refuse(self, 0, "le fichier est en UTF-16", "Enregistrez-le en « CSV UTF-8 »");
    if (starts_with(bytes, "PK\x03\x04", 4))
        return refuse(self, 0, "le fichier est un classeur, pas un fichier CSV",
                      "Enregistrez la feuille en « CSV UTF-8 »");
    return TABLE_OK;
}

/* A header cell that holds these has swallowed rows of the table, whose cells no message may quote. */
static table_state check_header_bytes(table *self)
{
    for (size_t field = 0; field < self->rows.count; field++) {
        text_view name = self->rows.fields[field];
        if (name.size > 0 && memchr(name.at, 0, name.size))
            return refuse(self, self->rows.line, "la ligne des noms de colonnes contient des caractères nuls",
                          "Le fichier est peut-être en UTF-16 : enregistrez-le en « CSV UTF-8 »");
        for (size_t i = 0; i < name.size; i++)
            if (name.at[i] == '\r' && (i + 1 == name.size || name.at[i + 1] != '\n'))
                return refuse(self, self->rows.line,
                              "les lignes finissent par un retour chariot seul, à la façon des anciens Macintosh",
                              "Enregistrez le fichier en « CSV UTF-8 »");
    }
    return TABLE_OK;
}

/* Why there is no further row. */
static table_state ended(const table *self)
{
    return self->rows.out_of_memory ? TABLE_NO_MEMORY : self->rows.unreadable ? TABLE_UNREADABLE : TABLE_END;
}

/* The first row that is not empty. */
static table_state read_header_row(table *self)
{
    bool filled = false;
    while (!filled) {
        if (!csv_next(&self->rows))
            return ended(self) == TABLE_END ? refuse(self, 0, "le fichier n’a pas de ligne de noms de colonnes", NULL)
                                            : ended(self);
        for (size_t i = 0; i < self->rows.count; i++)
            filled |= text_trim(self->rows.fields[i]).size > 0;
        filled |= self->rows.faults != 0;
    }
    if (self->rows.faults)
        return refuse(self, self->rows.fault_line, "la ligne des noms de colonnes ne se lit pas",
                      "Un guillemet n’est pas fermé, ou la ligne est trop longue");
    self->header_fields = self->rows.count;
    return check_header_bytes(self);
}

static text_view header_name(const table *self, size_t field)
{
    return text_trim(self->rows.fields[field]);
}

static unsigned find_column(const table *self, text_view name)
{
    unsigned column = 0;
    while (column < self->column_count && !text_is(name, self->columns[column].name))
        column++;
    return column;
}

/* Fills place; a column that is there twice makes the file unusable. */
static table_state place_columns(table *self)
{
    table_state state = TABLE_OK;
    for (size_t field = 0; field < self->rows.count; field++) {
        unsigned column = find_column(self, header_name(self, field));
        if (column == self->column_count)
            continue;
        if (self->place[column] == 0) {
            self->place[column] = field + 1;
            continue;
        }
        diag where = table_where(self, DIAG_ERROR, self->rows.line, column,
                                 "Supprimez ou renommez l’une des deux");
        where.column = field + 1;
        where.message = "la colonne est là deux fois";
        diag_emit(self->sink, &where);
        state = TABLE_UNUSABLE;
    }
    return state;
}

/* The file's own name nearest to a column's: safe to show, as it can differ from it by little. */
static void find_nearest(const table *self, const char *wanted, char name[NEAREST_MAX])
{
    name[0] = '\0';
    for (size_t field = 0; field < self->rows.count; field++) {
        char candidate[NEAREST_MAX];
        text_view given = header_name(self, field);
        if (find_column(self, given) < self->column_count || !text_is_utf8(given) ||
            !text_copy(candidate, sizeof candidate, given))
            continue;
        if (text_nearest(text_of(wanted), (const char *const[]){candidate}, 1) == NULL)
            continue;
        memcpy(name, candidate, sizeof candidate);
        return;
    }
}

static table_state check_required(table *self)
{
    table_state state = TABLE_OK;
    for (unsigned column = 0; column < self->column_count; column++) {
        if (!self->columns[column].required || self->place[column] != 0)
            continue;
        char nearest[NEAREST_MAX];
        find_nearest(self, self->columns[column].name, nearest);
        diag where = {.severity = DIAG_ERROR,
                      .file = self->file,
                      .line = self->rows.line,
                      .remedy = "La première ligne doit porter les noms des colonnes"};
        if (nearest[0])
            diag_emitf(self->sink, &where, "la colonne « %s » manque ; « %s » lui ressemble",
                       self->columns[column].name, nearest);
        else
            diag_emitf(self->sink, &where, "la colonne « %s » manque", self->columns[column].name);
        state = TABLE_UNUSABLE;
    }
    return state;
}

/* The name up to its first control character: after a line end may follow cells of people. */
static text_view first_words(text_view name)
{
    size_t size = 0;
    while (size < name.size && size < NEAREST_MAX && (unsigned char)name.at[size] >= ' ')
        size++;
    return (text_view){name.at, size};
}

static void warn_of_unknown(table *self)
{
    char names[UNKNOWN_TEXT_MAX] = "";
    size_t used = 0, count = 0;
    for (size_t field = 0; field < self->rows.count; field++) {
        text_view name = header_name(self, field);
        if (name.size == 0 || find_column(self, name) < self->column_count)
            continue;
        count++;
        char *room = names + used;
        size_t left = sizeof names - used;
        char utf8[NEAREST_MAX * WINDOWS_1252_UTF8], *at = utf8;
        bool bad = false;
        name = first_words(name);
        if (self->windows_1252)
            name = windows_1252_convert(&at, name, &bad);
        while (!text_is_utf8(name)) /* cut inside a character */
            name.size--;
        int size = snprintf(room, left, "%s« %.*s »", count > 1 ? ", " : "", (int)name.size, name.at);
        if (size < 0 || (size_t)size >= left)
            *room = '\0';
        else
            used += (size_t)size;
    }
    if (count == 0)
        return;
    diag where = {.severity = DIAG_WARNING, .file = self->file, .line = self->rows.line};
    diag_emitf(self->sink, &where,
               count == 1 ? "la colonne %s n’est pas connue : elle n’est pas lue"
                          : "des colonnes ne sont pas connues, et ne sont pas lues : %s",
               names);
}

static void init(table *self, arena *from, const char *file, const table_column *columns, unsigned column_count,
                 diag_sink *sink)
{
    assert(column_count <= TABLE_COLUMNS_MAX);
    memset(self, 0, sizeof *self);
    self->file = file;
    self->columns = columns;
    self->column_count = column_count;
    self->sink = sink;
    self->from = from;
}

static table_state read_header(table *self)
{
    table_state state = read_header_row(self);
    if (state == TABLE_OK)
        state = place_columns(self);
    if (state == TABLE_OK)
        state = check_required(self);
    if (state != TABLE_OK)
        return state;
    warn_of_unknown(self);
    if (self->windows_1252)
        diag_emit(self->sink, &(diag){.severity = DIAG_NOTE,
                                      .file = self->file,
                                      .message = "le fichier n’est pas en UTF-8 : il est lu en Windows-1252"});
    return TABLE_OK;
}

table_state table_open(table *self, arena *from, const char *file, text_view bytes, const table_column *columns,
                       unsigned column_count, diag_sink *sink)
{
    table_survey about;
    init(self, from, file, columns, column_count, sink);
    survey_begin(&about);
    survey_add(&about, bytes);
    table_state state = check_kind(self, &about);
    if (state != TABLE_OK)
        return state;
    self->windows_1252 = !about.utf8;
    if (has_mark(&about)) {
        bytes.at += sizeof byte_order_mark;
        bytes.size -= sizeof byte_order_mark;
    }
    csv_init(&self->rows, from, bytes, csv_separator_end(&about.separator));
    return read_header(self);
}

table_state table_open_source(table *self, arena *from, const char *file, const csv_source *source, const table_survey *about,
                              const table_column *columns, unsigned column_count, diag_sink *sink)
{
    init(self, from, file, columns, column_count, sink);
    table_state state = check_kind(self, about);
    if (state != TABLE_OK)
        return state;
    self->windows_1252 = !about->utf8;
    csv_init_source(&self->rows, from, source, has_mark(about) ? sizeof byte_order_mark : 0, CSV_WINDOW,
                    csv_separator_end(&about->separator));
    return read_header(self);
}

static void say_row(table *self, unsigned long line, unsigned long field, const char *message, const char *remedy)
{
    diag where = {.severity = DIAG_ERROR,
                  .file = self->file,
                  .line = line,
                  .column = field,
                  .message = message,
                  .remedy = remedy};
    for (unsigned column = 0; column < self->column_count; column++)
        if (field != 0 && self->place[column] == field)
            where.field = self->columns[column].name;
    diag_emit(self->sink, &where);
    self->in_error = true;
}

/* Faults that the parser found: rows may be lost with them. */
static void say_faults(table *self)
{
    const csv *rows = &self->rows;
    if (rows->faults == 0)
        return;
    const char *message, *remedy = NULL;
    if (rows->faults & CSV_UNCLOSED_QUOTE) {
        message = "un guillemet ouvert ici n’est jamais fermé : le reste du fichier est perdu";
        remedy = "Fermez le guillemet ; un guillemet dans un texte s’écrit deux fois";
    } else if (rows->faults & CSV_BAD_QUOTE) {
        message = "du texte suit le guillemet qui ferme la cellule";
        remedy = "Un guillemet dans un texte s’écrit deux fois";
    } else if (rows->faults & (CSV_FIELD_TOO_LONG | CSV_ROW_TOO_LONG)) {
        message = "la cellule ou la ligne est trop longue (64 Kio par cellule, 1 Mio par ligne)";
        remedy = "Il manque peut-être un guillemet de fin";
    } else {
        message = "la ligne a trop de cellules";
    }
    say_row(self, rows->fault_line, rows->fault_field, message, remedy);
    self->unsure = true;
}

/* Looks for what no cell of the row may hold, and for cells past the header's end. */
static void check_fields(table *self)
{
    const csv *rows = &self->rows;
    for (size_t field = 0; field < rows->count; field++) {
        text_view cell = rows->fields[field];
        if (cell.size > 0 && memchr(cell.at, 0, cell.size)) {
            say_row(self, self->line, field + 1, "la cellule contient un caractère nul",
                    "Le fichier est peut-être abîmé");
            for (unsigned column = 0; column < self->column_count; column++)
                self->bad_cells |= (unsigned)(self->place[column] == field + 1) << column;
        }
        if (field >= self->header_fields && text_trim(cell).size > 0) {
            say_row(self, self->line, field + 1, "la ligne a plus de cellules que de colonnes",
                    "Un texte qui contient le séparateur doit être entre guillemets");
            return;
        }
    }
}

/* Turns the row's cells from Windows-1252 into UTF-8, those that need it. */
static table_state convert_cells(table *self)
{
    if (!self->converted)
        self->converted = arena_take(self->from, (size_t)CSV_ROW_MAX * WINDOWS_1252_UTF8);
    if (!self->converted)
        return TABLE_NO_MEMORY;
    char *at = self->converted;
    bool row_bad = false;
    for (size_t field = 0; field < self->rows.count; field++) {
        text_view *cell = &self->rows.fields[field];
        if (is_ascii(*cell))
            continue;
        bool bad = false;
        *cell = windows_1252_convert(&at, *cell, &bad);
        for (unsigned column = 0; column < self->column_count && bad; column++)
            self->bad_cells |= (unsigned)(self->place[column] == field + 1) << column;
        if (bad && !row_bad)
            say_row(self, self->line, field + 1,
                    "la cellule contient un octet qui n’est ni en UTF-8 ni en Windows-1252",
                    "Enregistrez le fichier en « CSV UTF-8 »");
        row_bad |= bad;
    }
    return TABLE_OK;
}

table_state table_next(table *self)
{
    for (;;) {
        if (!csv_next(&self->rows))
            return ended(self);
        self->line = self->rows.line;
        self->in_error = self->unsure = false;
        self->bad_cells = 0;
        say_faults(self);
        if (!self->unsure && self->windows_1252 && convert_cells(self) != TABLE_OK)
            return TABLE_NO_MEMORY;
        if (!self->unsure)
            check_fields(self);
        bool filled = self->in_error;
        for (unsigned column = 0; column < self->column_count; column++) {
            unsigned long place = self->place[column];
            bool there = !self->unsure && place > 0 && place <= self->rows.count &&
                         !(self->bad_cells >> column & 1);
            self->cells[column] = there ? text_trim(self->rows.fields[place - 1]) : (text_view){"", 0};
            filled |= self->cells[column].size > 0;
        }
        for (size_t field = 0; field < self->rows.count && !filled; field++)
            filled = text_trim(self->rows.fields[field]).size > 0;
        if (filled)
            return TABLE_OK;
    }
}

text_view table_keep(const table *self, text_view cell)
{
    uintptr_t at = (uintptr_t)cell.at;
    bool in_memory = !self->rows.source && at >= (uintptr_t)self->rows.start && at < (uintptr_t)self->rows.end;
    if (cell.size == 0 || in_memory)
        return cell;
    return (text_view){arena_text(self->from, cell), cell.size};
}

uint64_t table_read_bytes(const table *self)
{
    return self->rows.before + (uint64_t)(self->rows.at - self->rows.start);
}
