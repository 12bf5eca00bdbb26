/* csv: see csv.h. */
#include "csv.h"

#include <assert.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

char csv_separator(text_view file)
{
    static const char candidates[] = {';', ',', '\t'};
    size_t counts[sizeof candidates] = {0};
    bool quoted = false, blank = true;
    for (size_t i = 0; i < file.size; i++) {
        char c = file.at[i], before = i > 0 ? file.at[i - 1] : '\n';
        if (c == '\n' && !quoted && !blank)
            break;
        if (c == '"') /* it opens a field only at its start; a doubled one closes and opens again */
            quoted = !quoted && (before == '\n' || before == '"' || memchr(candidates, before, sizeof candidates));
        if (c != '\n' && c != '\r' && c != ' ')
            blank = false;
        for (size_t k = 0; k < sizeof candidates && !quoted; k++)
            counts[k] += c == candidates[k];
    }
    size_t best = 0;
    for (size_t k = 1; k < sizeof candidates; k++)
        if (counts[k] > counts[best])
            best = k;
    return candidates[best];
}

void csv_init(csv *self, arena *from, text_view file, char separator)
{
    memset(self, 0, sizeof *self);
    self->from = from;
    self->start = self->at = file.at;
    self->end = file.size > 0 ? file.at + file.size : file.at;
    self->separator = separator;
    self->next_line = 1;
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
    const char *start = self->at, *at = start;
    const char separator = self->separator;
    while (at < self->end && *at != separator && *at != '\n')
        at++;
    self->at = at;
    if (at < self->end && *at == '\n' && at > start && at[-1] == '\r')
        at--;
    add_field(self, (text_view){start, (size_t)(at - start)}, (size_t)(at - start));
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
    for (; self->at < self->end; self->at++) {
        if (*self->at == '\n')
            self->next_line++;
        if (*self->at != '"')
            continue;
        if (self->at + 1 == self->end || self->at[1] != '"')
            return doubled;
        doubled = true;
        self->at++;
    }
    return -1;
}

static void read_quoted(csv *self)
{
    unsigned long opened = self->next_line;
    self->at++;
    const char *start = self->at;
    int doubled = find_closing_quote(self);
    text_view raw = {start, (size_t)(self->at - start)};
    if (doubled < 0)
        add_fault(self, CSV_UNCLOSED_QUOTE, opened);
    else
        self->at++;
    size_t raw_size = raw.size;
    if (doubled > 0)
        raw = unescape(self, raw);
    bool bad = false;
    for (; self->at < self->end && *self->at != self->separator && *self->at != '\n'; self->at++)
        bad |= !is_blank(*self->at) && !(*self->at == '\r' && (self->at + 1 == self->end || self->at[1] == '\n'));
    if (bad)
        add_fault(self, CSV_BAD_QUOTE, opened);
    add_field(self, raw, raw_size);
}

bool csv_next(csv *self)
{
    self->count = 0;
    self->faults = 0;
    self->unescaped_size = 0;
    if (self->at == self->end || self->out_of_memory)
        return false;
    self->line = self->next_line;
    const char *start = self->at;
    for (;;) {
        if (self->at < self->end && *self->at == '"')
            read_quoted(self);
        else
            read_plain(self);
        if (self->at - start > CSV_ROW_MAX)
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
    return !self->out_of_memory;
}
