/* plain: see the header. */
#include "plain.h"

#include <string.h>

void plain_put(FILE *to, text_view text)
{
    if (text.size > 0)
        fwrite(text.at, 1, text.size, to);
}

void plain_tame(FILE *to, text_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        bool c1 = byte == 0xC2 && i + 1 < text.size && (unsigned char)text.at[i + 1] < 0xA0;
        i += c1;
        fputc(c1 || byte < ' ' || byte == 0x7F ? ' ' : byte, to);
    }
}

void plain_times(FILE *to, const char *what, size_t count)
{
    while (count-- > 0)
        fputs(what, to);
}

void plain_right(FILE *to, text_view text, size_t column)
{
    size_t width = text_width(text);
    plain_times(to, " ", width < column ? column - width : 0);
    plain_put(to, text);
}

/* May a line end at the space there? Not before the signs that follow a space in French, nor after an opening quote. */
static bool breaks(text_view text, size_t space)
{
    text_view before = {text.at, space}, after = {text.at + space + 1, text.size - space - 1};
    if (after.size > 0 && memchr(";:!?%", after.at[0], 5) != NULL)
        return false;
    return !(after.size > 1 && memcmp(after.at, "»", 2) == 0)
        && !(before.size > 1 && memcmp(before.at + before.size - 2, "«", 2) == 0);
}

text_view plain_first_line(text_view text, size_t columns)
{
    size_t end = 0, last_space = 0;
    while (end < text.size) {
        size_t next = end + 1;
        while (next < text.size && ((unsigned char)text.at[next] & 0xC0) == 0x80)
            next++;
        if (text_width((text_view){text.at, next}) > columns && end > 0)
            return (text_view){text.at, last_space > 0 ? last_space : end};
        if (text.at[end] == ' ' && breaks(text, end))
            last_space = end;
        end = next;
    }
    return text;
}

text_view plain_after(text_view text, text_view part)
{
    text_view rest = {text.at + part.size, text.size - part.size};
    while (rest.size > 0 && rest.at[0] == ' ')
        rest.at++, rest.size--;
    return rest;
}

void plain_folded(FILE *to, text_view text, size_t indent, size_t columns)
{
    while (text.size > 0) {
        text_view line = plain_first_line(text, columns);
        plain_times(to, " ", indent);
        plain_tame(to, line);
        fputc('\n', to);
        text = plain_after(text, line);
    }
}

void plain_paragraphs(FILE *to, text_view text, size_t indent, size_t columns)
{
    while (text.size > 0) {
        const char *end = memchr(text.at, '\n', text.size);
        text_view paragraph = {text.at, end ? (size_t)(end - text.at) : text.size};
        plain_folded(to, paragraph, indent, columns);
        text.at += paragraph.size + (end != NULL);
        text.size -= paragraph.size + (end != NULL);
    }
}

void plain_csv(text_view field, bool is_free, FILE *to)
{
    bool formula = is_free && field.size > 0 && memchr("=+-@\t\r", field.at[0], 6) != NULL;
    bool quoted = formula;
    for (size_t i = 0; i < field.size && !quoted; i++)
        quoted = field.at[i] == ',' || field.at[i] == '"' || field.at[i] == '\n' || field.at[i] == '\r';
    if (!quoted) {
        plain_put(to, field);
        return;
    }
    fputc('"', to);
    if (formula)
        fputc('\'', to);
    for (size_t i = 0; i < field.size; i++) {
        if (field.at[i] == '"')
            fputc('"', to);
        fputc(field.at[i], to);
    }
    fputc('"', to);
}
