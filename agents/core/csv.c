/* csv: see csv.h. */
#include "csv.h"

#include <assert.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char candidates[CSV_SEPARATORS] = {';', ',', '\t'};

void csv_separator_begin(csv_separator_scan *self)
{
    *self = (csv_separator_scan){.before = '\n'};
}

void csv_separator_add(csv_separator_scan *self, text_view piece)
{
    for (size_t i = 0; i < piece.size && !self->done; i++) {
        char c = piece.at[i], before = self->before;
        self->before = c;
        self->done = c == '\n' && !self->quoted && self->filled;
        if (c == '"') /* it opens a field only at its start; a doubled one closes and opens again */
            self->quoted = !self->quoted && (before == '\n' || before == '"' || memchr(candidates, before, sizeof candidates));
        if (c != '\n' && c != '\r' && c != ' ')
            self->filled = true;
        for (size_t k = 0; k < sizeof candidates && !self->quoted; k++)
            self->counts[k] += c == candidates[k];
    }
}

char csv_separator_end(const csv_separator_scan *self)
{
    size_t best = 0;
    for (size_t k = 1; k < sizeof candidates; k++)
        if (self->counts[k] > self->counts[best])
            best = k;
    return candidates[best];
}

char csv_separator(text_view file)
{
    csv_separator_scan scan;
    csv_separator_begin(&scan);
    csv_separator_add(&scan, file);
    return csv_separator_end(&scan);
}

void csv_init(csv *self, arena *from, text_view file, char separator)
{
    memset(self, 0, sizeof *self);
    self->from = from;
    self->start = self->at = self->row = self->field = file.at;
    self->end = file.size > 0 ? file.at + file.size : file.at;
    self->separator = separator;
    self->next_line = 1;
}

void csv_init_source(csv *self, arena *from, const csv_source *source, uint64_t first, size_t window_bytes, char separator)
{
    assert(window_bytes > 1);
    csv_init(self, from, (text_view){NULL, 0}, separator);
    self->source = source;
    self->before = first;
    self->window = arena_take(from, window_bytes);
    self->window_size = window_bytes;
    self->out_of_memory = self->window == NULL;
    self->start = self->at = self->end = self->row = self->field = self->window;
}

/* Bytes of the file before that one of those in memory. */
static uint64_t place_of(const csv *self, const char *at)
{
    return self->before + (uint64_t)(at - self->start);
}

/*
 * The first byte that the row at hand still needs: its own first, as long as it may be used; of a row that is too long the
 * field at hand alone, and of a field that is too long nothing but what has not been looked at.
 */
static const char *first_needed(csv *self)
{
    if (self->end - self->row <= CSV_ROW_MAX)
        return self->row;
    for (size_t i = 0; i < self->count; i++)
        self->fields[i].size = 0;
    self->row = self->end - self->field <= CSV_FIELD_MAX + 1 ? self->field : self->at;
    return self->row;
}

/* A window of twice the size, with the same content; false when memory is short. */
static bool widen(csv *self, size_t used)
{
    char *wider = arena_take(self->from, 2 * self->window_size);
    if (!wider) {
        self->out_of_memory = true;
        return false;
    }
    memcpy(wider, self->window, used);
    self->window = wider;
    self->window_size *= 2;
    return true;
}

/* Reads on where all that is in memory has been looked at, or all but one byte. False at the end of the file. */
static bool fill(csv *self)
{
    if (!self->source || self->at_end || self->unreadable || self->out_of_memory)
        return false;
    const char *old = self->start, *old_end = self->end, *kept = first_needed(self);
    size_t used = (size_t)(self->end - kept), at = (size_t)(self->at - kept);
    ptrdiff_t field = self->field < kept ? 0 : self->field - kept;
    self->before += (uint64_t)(kept - old);
    memmove(self->window, kept, used);
    if (used == self->window_size && !widen(self, used))
        return false;
    for (size_t i = 0; i < self->count; i++)
        if (self->fields[i].size > 0 && self->fields[i].at >= old && self->fields[i].at < old_end)
            self->fields[i].at = self->window + (self->fields[i].at - kept);
    self->start = self->row = self->window;
    self->at = self->window + at;
    self->field = self->window + field;
    self->end = self->window + used;
    long got = self->source->read(self->source->data, self->before + used, self->window + used, self->window_size - used);
    self->unreadable = got < 0;
    self->at_end = got == 0;
    self->end += got > 0 ? got : 0;
    return got > 0;
}

static void add_fault(csv *self, csv_fault fault, unsigned long line)
{
    if (self->faults == 0) {
        self->fault_line = line;
        self->fault_field = self->count + 1;
    }
    self->faults |= fault;
}

/* Adds a field, or notes that it does not fit. */
static void add_field(csv *self, text_view field, size_t raw_size)
{
    if (raw_size > CSV_FIELD_MAX) {
        add_fault(self, CSV_FIELD_TOO_LONG, self->next_line);
        field.size = 0;
    }
    if (self->count == CSV_FIELDS_MAX)
        add_fault(self, CSV_TOO_MANY_FIELDS, self->next_line);
    else
        self->fields[self->count++] = field;
}

/* Reads up to the separator or line end, and stays there. */
static void read_plain(csv *self)
{
    const char separator = self->separator;
    do {
        const char *at = self->at, *end = self->end;
        while (at < end && *at != separator && *at != '\n')
            at++;
        self->at = at;
    } while (self->at == self->end && fill(self));
    const char *end = self->at;
    if (self->at < self->end && *end == '\n' && end > self->field && end[-1] == '\r')
        end--;
    add_field(self, (text_view){self->field, (size_t)(end - self->field)}, (size_t)(place_of(self, end) - self->field_at));
}

/* The bytes between quotes with doubled quotes made one. */
static text_view unescape(csv *self, text_view raw)
{
    if (!self->unescaped)
        self->unescaped = arena_take(self->from, CSV_ROW_MAX);
    self->out_of_memory |= self->unescaped == NULL;
    if (self->out_of_memory || raw.size > CSV_FIELD_MAX || raw.size > CSV_ROW_MAX - self->unescaped_size)
        return (text_view){raw.at, 0};
    char *to = self->unescaped + self->unescaped_size;
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        to[size++] = raw.at[i];
        if (raw.at[i] == '"')
            i++;
    }
    self->unescaped_size += size;
    return (text_view){to, size};
}

/* Goes to the quote that closes the field which begins at; returns whether some were doubled, or -1: there is
 * none. */
static int find_closing_quote(csv *self)
{
    bool doubled = false;
    for (; self->at < self->end || fill(self); self->at++) {
        if (*self->at == '\n')
            self->next_line++;
        if (*self->at != '"')
            continue;
        if (self->at + 1 == self->end)
            (void)fill(self);
        if (self->at + 1 == self->end || self->at[1] != '"')
            return doubled;
        doubled = true;
        self->at++;
    }
    return -1;
}

/* Is the byte at hand the first half of a line's end, or the file's last? */
static bool is_return(csv *self)
{
    if (*self->at != '\r')
        return false;
    if (self->at + 1 == self->end)
        (void)fill(self);
    return self->at + 1 == self->end || self->at[1] == '\n';
}

static void read_quoted(csv *self)
{
    unsigned long opened = self->next_line;
    self->at++;
    self->field = self->at;
    self->field_at++;
    int doubled = find_closing_quote(self);
    size_t raw_size = (size_t)(place_of(self, self->at) - self->field_at);
    size_t end = (size_t)(self->at - self->field);
    if (doubled < 0)
        add_fault(self, CSV_UNCLOSED_QUOTE, opened);
    else
        self->at++;
    bool bad = false;
    for (; (self->at < self->end || fill(self)) && *self->at != self->separator && *self->at != '\n'; self->at++)
        bad |= !is_blank(*self->at) && !is_return(self);
    text_view raw = {self->field, end};
    if (raw_size > CSV_FIELD_MAX)
        raw.size = 0;
    else if (doubled > 0)
        raw = unescape(self, raw);
    if (bad)
        add_fault(self, CSV_BAD_QUOTE, opened);
    add_field(self, raw, raw_size);
}

bool csv_next(csv *self)
{
    self->count = 0;
    self->faults = 0;
    self->unescaped_size = 0;
    self->row = self->field = self->at;
    if (self->out_of_memory || (self->at == self->end && !fill(self)))
        return false;
    self->line = self->next_line;
    self->row_at = place_of(self, self->at);
    for (;;) {
        bool more = self->at < self->end || fill(self);
        self->field = self->at;
        self->field_at = place_of(self, self->at);
        if (more && *self->at == '"')
            read_quoted(self);
        else
            read_plain(self);
        if (place_of(self, self->at) - self->row_at > CSV_ROW_MAX)
            add_fault(self, CSV_ROW_TOO_LONG, self->line);
        if (self->at == self->end || *self->at == '\n')
            break;
        assert(*self->at == self->separator);
        self->at++;
    }
    if (self->at < self->end) {
        self->at++;
        self->next_line++;
    }
    return !self->out_of_memory && !self->unreadable;
}
