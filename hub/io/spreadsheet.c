/* spreadsheet: see the header. */
#include "spreadsheet.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xlsxwriter.h>

enum {
    NAME_MAX_UNITS = 31,    /* of a sheet's name, in UTF-16 units */
    NAME_BYTES = 128,
    SHEETS_MAX = 200,
    DIGITS_MAX = 15,        /* what a spreadsheet keeps of a number */
    PAPER_A4 = 9,
    LINE_POINTS = 15,
    ROW_POINTS_MAX = 409,   /* the highest row there is */
    LINES_MAX = 26,         /* that it shows */
    LONG_AGO = 946684800,   /* 2000-01-01: of a workbook of no moment, since 0 means now to the library */
};

static const lxw_color_t ink = 0x18222D, soft = 0x4A5765, line = 0xC5CED8, deep = 0x17456F, band = 0xEDF2F7, bar = 0x8AA7C4;

struct spreadsheet {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_format *looks[SPREADSHEET_LOOK_COUNT], *labels[SPREADSHEET_DEPTH_MAX + 1];
    int file;                /* in memory */
    int error;               /* errno of the first failure */
    lxw_row_t row;
    bool has_row;
    unsigned lines;          /* that the row's texts need */
    double widths[SPREADSHEET_COLUMNS_MAX];
    unsigned columns, sheets;
    char names[SHEETS_MAX][NAME_BYTES];
    char path[32];
    char cell[SPREADSHEET_TEXT_MAX * 3 + 8]; /* a text on its way: a UTF-16 unit is at most three bytes of UTF-8 */
};

static void fail(spreadsheet *self, int error)
{
    if (self->error == 0)
        self->error = error;
}

static void check(spreadsheet *self, lxw_error error)
{
    if (error == LXW_ERROR_MEMORY_MALLOC_FAILED)
        fail(self, ENOMEM);
    else if (error != LXW_NO_ERROR)
        fail(self, EIO);
}

/* Bytes of the character that text begins with, or 0: none that a file may hold. */
static size_t character(text_view text)
{
    const unsigned char *byte = (const unsigned char *)text.at;
    size_t size = byte[0] < 0xC0 ? 1 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;

    if (size > text.size || !text_is_utf8((text_view){text.at, size}))
        return 0;
    bool control = (size == 1 && (byte[0] < ' ' || byte[0] == 0x7F) && byte[0] != '\n') || (size == 2 && byte[0] == 0xC2 && byte[1] < 0xA0);
    bool none = size == 3 && byte[0] == 0xEF && byte[1] == 0xBF && byte[2] >= 0xBE;
    return control || none ? 0 : size;
}

/* The text as a cell takes it, in self->cell. */
static const char *clean(spreadsheet *self, text_view text)
{
    size_t at = 0, size = 0, units = 0;

    while (at < text.size && units < SPREADSHEET_TEXT_MAX - 1) {
        size_t bytes = character((text_view){text.at + at, text.size - at});
        if (bytes == 0)
            self->cell[size++] = ' ';
        else
            memcpy(self->cell + size, text.at + at, bytes), size += bytes;
        units += bytes == 4 ? 2 : 1;
        at += bytes > 0 ? bytes : 1;
    }
    if (at < text.size)
        memcpy(self->cell + size, "…", 3), size += 3;
    self->cell[size] = '\0';
    return self->cell;
}

/* Lines that a text takes in so many characters' width: a guess, since the reader's font is not known. */
static unsigned lines_of(text_view text, double width)
{
    unsigned lines = 0;

    do {
        const char *end = text.size > 0 ? memchr(text.at, '\n', text.size) : NULL;
        text_view one = {text.at, end ? (size_t)(end - text.at) : text.size};
        lines += 1 + (unsigned)((double)text_width(one) * 1.08 / (width > 4 ? width : 4));
        text = end ? (text_view){end + 1, text.size - one.size - 1} : (text_view){NULL, 0};
    } while (text.size > 0);
    return lines;
}

/* The last place in text at which what is a good end, as bytes from its start; 0: none. */
static size_t last_of(text_view text, const char *what)
{
    size_t size = strlen(what);

    for (size_t at = text.size; at > size; at--)
        if (memcmp(text.at + at - size, what, size) == 0)
            return at - size;
    return 0;
}

text_view spreadsheet_fit(text_view text, double width)
{
    static const char *const ends[] = {"\n\n", "\n", " "};
    text_view part = {text.at, 0};

    for (size_t at = 0; at < text.size;) {
        size_t size = character((text_view){text.at + at, text.size - at});
        at += size > 0 ? size : 1;
        if (at > SPREADSHEET_TEXT_MAX || (at % 16 == 0 && lines_of((text_view){text.at, at}, width) > LINES_MAX))
            break;
        part.size = at;
    }
    if (part.size == text.size)
        return text;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = last_of(part, ends[i]);
        if (end > part.size / 2)
            return (text_view){text.at, end};
    }
    return part;
}

static lxw_format *look(spreadsheet *self, double size, lxw_color_t colour, bool bold)
{
    lxw_format *made = workbook_add_format(self->book);

    if (!made) {
        fail(self, ENOMEM);
        return NULL;
    }
    format_set_font_name(made, "Calibri");
    format_set_font_size(made, size);
    format_set_font_color(made, colour);
    format_set_align(made, LXW_ALIGN_VERTICAL_TOP);
    if (bold)
        format_set_bold(made);
    return made;
}

/* A look of the body: a thin line below. */
static lxw_format *body(spreadsheet *self, lxw_color_t colour, bool wraps, const char *number)
{
    lxw_format *made = look(self, 11, colour, false);

    if (!made)
        return NULL;
    format_set_bottom(made, LXW_BORDER_THIN);
    format_set_bottom_color(made, line);
    if (wraps)
        format_set_text_wrap(made);
    if (number)
        format_set_num_format(made, number), format_set_align(made, LXW_ALIGN_RIGHT);
    return made;
}

static void make_heads(spreadsheet *self)
{
    self->looks[SPREADSHEET_TITLE] = look(self, 16, deep, true);
    self->looks[SPREADSHEET_SUBTITLE] = look(self, 11, soft, false);
    self->looks[SPREADSHEET_HEAD] = look(self, 11, deep, true);
    self->looks[SPREADSHEET_HEAD_NUMBER] = look(self, 11, deep, true);
    self->looks[SPREADSHEET_BAND] = look(self, 11, ink, true);
    if (self->error != 0)
        return;
    for (int i = SPREADSHEET_HEAD; i <= SPREADSHEET_HEAD_NUMBER; i++) {
        format_set_bottom(self->looks[i], LXW_BORDER_MEDIUM);
        format_set_bottom_color(self->looks[i], deep);
        format_set_text_wrap(self->looks[i]);
    }
    format_set_align(self->looks[SPREADSHEET_HEAD_NUMBER], LXW_ALIGN_RIGHT);
    format_set_bg_color(self->looks[SPREADSHEET_BAND], band);
    format_set_bottom(self->looks[SPREADSHEET_BAND], LXW_BORDER_THIN);
    format_set_bottom_color(self->looks[SPREADSHEET_BAND], soft);
}

static void make_looks(spreadsheet *self)
{
    static const struct { spreadsheet_look look; const char *format; } numbers[] = {
        {SPREADSHEET_COUNT, "#,##0"},
        {SPREADSHEET_HOURS, "#,##0.00\" h\""},
        {SPREADSHEET_EUROS, "#,##0.00\" €\""},
        {SPREADSHEET_MONTHS, "#,##0.0\" mois\""},
        {SPREADSHEET_PERCENT_TARGET, "0%\" de l’objectif\""},
        {SPREADSHEET_PERCENT_TOTAL, "0%\" du total\""},
        {SPREADSHEET_PERCENT_PART, "0%\" du sous-total\""},
    };
    make_heads(self);
    self->looks[SPREADSHEET_LABEL] = body(self, ink, true, NULL);
    self->looks[SPREADSHEET_STRONG] = body(self, ink, true, NULL);
    self->looks[SPREADSHEET_QUIET] = body(self, soft, true, NULL);
    self->looks[SPREADSHEET_STATE] = body(self, soft, true, NULL);
    self->looks[SPREADSHEET_PROSE] = body(self, ink, true, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        self->looks[numbers[i].look] = body(self, ink, false, numbers[i].format);
    for (uint8_t depth = 0; depth <= SPREADSHEET_DEPTH_MAX; depth++)
        self->labels[depth] = body(self, ink, true, NULL);
    if (self->error != 0)
        return;
    for (uint8_t depth = 1; depth <= SPREADSHEET_DEPTH_MAX; depth++)
        format_set_indent(self->labels[depth], (uint8_t)(2 * depth));
    format_set_bold(self->looks[SPREADSHEET_STRONG]);
    format_set_italic(self->looks[SPREADSHEET_STATE]);
    format_set_align(self->looks[SPREADSHEET_STATE], LXW_ALIGN_RIGHT);
}

spreadsheet *spreadsheet_new(const char *folder, text_view title, text_view subject, int64_t moment_s)
{
    spreadsheet *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    self->file = memfd_create("spreadsheet", MFD_CLOEXEC);
    if (self->file < 0) {
        free(self);
        return NULL;
    }
    char *place = strdup(folder);
    snprintf(self->path, sizeof self->path, "/proc/self/fd/%d", self->file);
    lxw_workbook_options options = {.tmpdir = place};
    self->book = place ? workbook_new_opt(self->path, &options) : NULL;
    free(place); /* the library has its own copy */
    char *name = strndup(title.at ? title.at : "", title.size), *about = strndup(subject.at ? subject.at : "", subject.size);
    if (self->book && name && about) {
        static char author[] = "ctai-hub";
        lxw_doc_properties properties = {.title = name, .subject = about, .author = author, .created = (time_t)(moment_s > 0 ? moment_s : LONG_AGO)};
        check(self, workbook_set_properties(self->book, &properties));
        make_looks(self);
    } else {
        fail(self, ENOMEM);
    }
    free(name);
    free(about);
    if (self->error != 0)
        spreadsheet_destroy(&self);
    return self;
}

void spreadsheet_destroy(spreadsheet **self)
{
    if (!*self)
        return;
    if ((*self)->book)
        lxw_workbook_free((*self)->book);
    close((*self)->file);
    explicit_bzero((*self)->cell, sizeof (*self)->cell);
    free(*self);
    *self = NULL;
}

static bool is_taken(const spreadsheet *self, const char *name)
{
    for (unsigned i = 0; i < self->sheets; i++)
        if (strcasecmp(self->names[i], name) == 0)
            return true;
    return strcasecmp(name, "History") == 0; /* which Excel keeps for itself */
}

/* The name without what a sheet's name may not have, cut to so many UTF-16 units; never empty. */
static void fit_name(text_view name, unsigned units_max, char to[NAME_BYTES])
{
    size_t size = 0;
    unsigned units = 0;

    for (size_t at = 0; at < name.size;) {
        size_t bytes = character((text_view){name.at + at, name.size - at});
        unsigned takes = bytes == 4 ? 2 : 1;
        bool legal = bytes > 0 && !strchr("[]:*?/\\\n", name.at[at]) && !(units == 0 && name.at[at] == '\'');
        if (units + takes > units_max)
            break;
        if (legal)
            memcpy(to + size, name.at + at, bytes), size += bytes;
        else
            to[size++] = '-';
        units += takes;
        at += bytes > 0 ? bytes : 1;
    }
    if (size > 0 && to[size - 1] == '\'')
        to[size - 1] = '-';
    if (size == 0)
        to[size++] = '-';
    to[size] = '\0';
}

static void name_sheet(const spreadsheet *self, text_view name, char to[NAME_BYTES])
{
    char end[16] = "";

    for (unsigned number = 2;; number++) {
        fit_name(name, NAME_MAX_UNITS - (unsigned)strlen(end), to);
        strncat(to, end, NAME_BYTES - strlen(to) - 1);
        if (!is_taken(self, to))
            return;
        snprintf(end, sizeof end, " (%u)", number);
    }
}

static bool is_plain(text_view name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!name.at[i] || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._", name.at[i]))
            return false;
    return name.size > 0 && name.size <= 64;
}

static void close_row(spreadsheet *self)
{
    if (!self->has_row || self->lines <= 1 || self->error != 0)
        return;
    double points = (double)self->lines * LINE_POINTS;
    check(self, worksheet_set_row(self->sheet, self->row, points < ROW_POINTS_MAX ? points : ROW_POINTS_MAX, NULL));
}

void spreadsheet_sheet(spreadsheet *self, text_view name, const double *widths, unsigned columns, text_view foot)
{
    char said[160];

    assert(columns >= 1 && columns <= SPREADSHEET_COLUMNS_MAX);
    close_row(self);
    self->has_row = false;
    if (self->sheets == SHEETS_MAX)
        fail(self, EIO);
    if (self->error != 0)
        return;
    name_sheet(self, name, self->names[self->sheets]);
    self->sheet = workbook_add_worksheet(self->book, self->names[self->sheets++]);
    if (!self->sheet) {
        fail(self, ENOMEM);
        return;
    }
    self->columns = columns;
    for (unsigned i = 0; i < columns; i++) {
        self->widths[i] = widths[i];
        check(self, worksheet_set_column(self->sheet, (lxw_col_t)i, (lxw_col_t)i, widths[i], NULL));
    }
    worksheet_set_landscape(self->sheet);
    worksheet_set_paper(self->sheet, PAPER_A4);
    worksheet_set_margins(self->sheet, 0.5, 0.5, 0.6, 0.7);
    worksheet_fit_to_pages(self->sheet, 1, 0);
    worksheet_gridlines(self->sheet, LXW_HIDE_ALL_GRIDLINES);
    snprintf(said, sizeof said, "&L%.*s&C&A&RPage &P sur &N", is_plain(foot) ? (int)foot.size : 0, is_plain(foot) ? foot.at : "");
    check(self, worksheet_set_footer(self->sheet, said));
}

void spreadsheet_next_row(spreadsheet *self)
{
    close_row(self);
    self->row = self->has_row ? self->row + 1 : 0;
    self->has_row = true;
    self->lines = 1;
}

void spreadsheet_freeze(spreadsheet *self, unsigned columns)
{
    if (self->error != 0)
        return;
    worksheet_freeze_panes(self->sheet, self->row + 1, (lxw_col_t)columns);
    check(self, worksheet_repeat_rows(self->sheet, self->row, self->row));
}

static bool wraps(spreadsheet_look look)
{
    return look >= SPREADSHEET_HEAD && look <= SPREADSHEET_PROSE && look != SPREADSHEET_BAND;
}

static void measure(spreadsheet *self, text_view text, double width)
{
    unsigned lines = lines_of(text, width);
    if (lines > self->lines)
        self->lines = lines;
}

static void write_text(spreadsheet *self, unsigned column, text_view text, lxw_format *format)
{
    assert(self->has_row && column < self->columns);
    if (self->error == 0)
        check(self, worksheet_write_string(self->sheet, self->row, (lxw_col_t)column, clean(self, text), format));
}

void spreadsheet_text(spreadsheet *self, unsigned column, text_view text, spreadsheet_look look)
{
    if (self->error != 0)
        return;
    if (wraps(look))
        measure(self, text, self->widths[column]);
    if (look == SPREADSHEET_TITLE)
        self->lines = 2;
    write_text(self, column, text, self->looks[look]);
}

void spreadsheet_label(spreadsheet *self, unsigned column, text_view text, unsigned depth)
{
    unsigned in = depth < SPREADSHEET_DEPTH_MAX ? depth : SPREADSHEET_DEPTH_MAX;

    if (self->error != 0)
        return;
    measure(self, text, self->widths[column] - 2.5 * in);
    write_text(self, column, text, self->labels[in]);
}

void spreadsheet_across(spreadsheet *self, unsigned first, unsigned last, text_view text, spreadsheet_look look)
{
    double width = 0;

    if (self->error != 0)
        return;
    assert(self->has_row && first < last && last < self->columns);
    for (unsigned i = first; i <= last; i++)
        width += self->widths[i];
    if (wraps(look))
        measure(self, text, width);
    check(self, worksheet_merge_range(self->sheet, self->row, (lxw_col_t)first, self->row, (lxw_col_t)last, clean(self, text), self->looks[look]));
}

spreadsheet_look spreadsheet_look_of(text_view unit)
{
    if (text_is(unit, "heures"))
        return SPREADSHEET_HOURS;
    if (text_is(unit, "euros"))
        return SPREADSHEET_EUROS;
    return text_is(unit, "mois") ? SPREADSHEET_MONTHS : SPREADSHEET_COUNT;
}

void spreadsheet_number(spreadsheet *self, unsigned column, text_view number, spreadsheet_look look)
{
    char digits[DIGITS_MAX + 2];
    char *end = digits;

    if (self->error != 0)
        return;
    assert(self->has_row && column < self->columns);
    double value = number.size < sizeof digits && text_copy(digits, sizeof digits, number) ? strtod(digits, &end) : 0;
    if (end == digits || *end != '\0')
        write_text(self, column, number, self->looks[SPREADSHEET_STATE]);
    else
        check(self, worksheet_write_number(self->sheet, self->row, (lxw_col_t)column, value, self->looks[look]));
}

void spreadsheet_percent(spreadsheet *self, unsigned column, unsigned percent, spreadsheet_look look)
{
    lxw_conditional_format data_bar = {
        .type = LXW_CONDITIONAL_DATA_BAR, .bar_color = bar, .bar_solid = LXW_TRUE, .data_bar_2010 = LXW_TRUE,
        .min_rule_type = LXW_CONDITIONAL_RULE_TYPE_NUMBER, .min_value = 0,
        .max_rule_type = LXW_CONDITIONAL_RULE_TYPE_NUMBER, .max_value = 1, .bar_no_border = LXW_TRUE,
    };
    if (self->error != 0)
        return;
    check(self, worksheet_write_number(self->sheet, self->row, (lxw_col_t)column, (double)percent / 100, self->looks[look]));
    check(self, worksheet_conditional_format_cell(self->sheet, self->row, (lxw_col_t)column, &data_bar));
}

static bool copy_out(int from, FILE *to)
{
    char block[8192];
    ssize_t size;

    if (lseek(from, 0, SEEK_SET) < 0)
        return false;
    while ((size = read(from, block, sizeof block)) > 0)
        if (fwrite(block, 1, (size_t)size, to) != (size_t)size)
            return true; /* what the stream could not take, its owner sees (ferror) */
    return size == 0;
}

bool spreadsheet_finish(spreadsheet *self, FILE *to)
{
    close_row(self);
    if (self->error == 0) {
        errno = 0;
        lxw_error error = workbook_close(self->book);
        self->book = NULL; /* it is gone, whatever came of it */
        if (error == LXW_ERROR_MEMORY_MALLOC_FAILED)
            fail(self, ENOMEM);
        else if (error != LXW_NO_ERROR)
            fail(self, errno != 0 ? errno : EIO);
    }
    if (self->error == 0 && !copy_out(self->file, to))
        fail(self, errno);
    errno = self->error;
    return self->error == 0;
}
