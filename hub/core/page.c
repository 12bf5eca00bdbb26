/* page: see the header. */
#include "page.h"

#include <string.h>

#include "french.h"

enum { BAR_WIDTH = 100, NOTCH_WIDTH = 3 };

static void put(FILE *to, const char *at, size_t size)
{
    if (size > 0)
        fwrite(at, 1, size, to);
}

/* Bytes of the character that text begins with; it is UTF-8, or 1 byte is taken. */
static size_t character(text_view text)
{
    unsigned char first = (unsigned char)text.at[0];
    size_t size = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    return size <= text.size && text_is_utf8((text_view){text.at, size}) ? size : 1;
}

/* What no page may hold: control characters (but for the line's end), what is no UTF-8, the non-characters U+FFFE and U+FFFF. */
static bool is_unfit(const char *at, size_t size)
{
    const unsigned char *byte = (const unsigned char *)at;

    if (size == 1)
        return (byte[0] < ' ' && byte[0] != '\n') || byte[0] >= 0x7F;
    if (size == 2)
        return byte[0] == 0xC2 && byte[1] < 0xA0;
    return size == 3 && byte[0] == 0xEF && byte[1] == 0xBF && byte[2] >= 0xBE;
}

static void put_character(FILE *to, const char *at, size_t size)
{
    if (is_unfit(at, size))
        fputc(' ', to);
    else if (*at == '&')
        fputs("&amp;", to);
    else if (*at == '<')
        fputs("&lt;", to);
    else if (*at == '>')
        fputs("&gt;", to);
    else if (*at == '"')
        fputs("&quot;", to);
    else if (*at == '\'')
        fputs("&#39;", to);
    else
        put(to, at, size);
}

void page_text(FILE *to, text_view text)
{
    for (size_t at = 0; at < text.size;) {
        size_t size = character((text_view){text.at + at, text.size - at});
        put_character(to, text.at + at, size);
        at += size;
    }
}

static bool begins(text_view text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && memcmp(text.at, with, size) == 0;
}

static bool is_letter(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

/* Writes the character at the start of rest with the spaces and the apostrophe of French typography; before is the byte before it. Bytes taken. */
static size_t put_french(FILE *to, text_view rest, unsigned char before)
{
    text_view next = {rest.at + 1, rest.size - 1};

    if (rest.at[0] == ' ' && next.size > 0 && strchr(";!?%", next.at[0])) {
        fputs(FRENCH_THIN, to);
        return 1;
    }
    if (rest.at[0] == ' ' && (begins(next, ":") || begins(next, "»") || begins(next, "€"))) {
        fputs(FRENCH_NO_BREAK, to);
        return 1;
    }
    if (begins(rest, "« ")) {
        fputs("«" FRENCH_NO_BREAK, to);
        return sizeof "« " - 1;
    }
    if (rest.at[0] == '\'' && is_letter(before) && next.size > 0 && is_letter((unsigned char)next.at[0])) {
        fputs("’", to);
        return 1;
    }
    size_t size = character(rest);
    put_character(to, rest.at, size);
    return size;
}

void page_words(FILE *to, text_view text)
{
    for (size_t at = 0; at < text.size;) {
        text_view rest = {text.at + at, text.size - at};
        at += put_french(to, rest, at > 0 ? (unsigned char)text.at[at - 1] : ' ');
    }
}

static void put_lines(FILE *to, text_view paragraph)
{
    while (paragraph.size > 0) {
        const char *end = memchr(paragraph.at, '\n', paragraph.size);
        text_view line = {paragraph.at, end ? (size_t)(end - paragraph.at) : paragraph.size};
        page_words(to, line);
        fputs(end ? "<br />\n" : "", to);
        paragraph = (text_view){line.at + line.size + (end != NULL), paragraph.size - line.size - (end != NULL)};
    }
}

void page_prose(FILE *to, text_view text)
{
    fputs("<div class=\"prose\" dir=\"auto\">", to);
    text = text_trim(text);
    while (text.size > 0) {
        const char *end = memmem(text.at, text.size, "\n\n", 2);
        text_view paragraph = {text.at, end ? (size_t)(end - text.at) : text.size};
        fputs("<p>", to);
        put_lines(to, text_trim(paragraph));
        fputs("</p>", to);
        text = text_trim((text_view){text.at + paragraph.size, text.size - paragraph.size});
    }
    fputs("</div>", to);
}

void page_number(FILE *to, text_view number, text_view unit)
{
    char french[FRENCH_NUMBER_MAX];
    bool euros = text_is(unit, "euros");

    page_text(to, french_number(number, euros, french, sizeof french));
    if (unit.size == 0)
        return;
    fputs(FRENCH_NO_BREAK "<span class=\"unit\">", to);
    page_text(to, euros ? text_of("€") : french_unit(unit, number));
    fputs("</span>", to);
}

void page_bar(FILE *to, unsigned percent, bool is_part, const char *words)
{
    unsigned width = percent < BAR_WIDTH ? percent : BAR_WIDTH;

    fprintf(to, "<svg class=\"bar%s\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">"
                "<rect class=\"track\" width=\"100\" height=\"10\"/><rect class=\"fill\" width=\"%u\" height=\"10\"/>",
            is_part ? " part" : "", width);
    if (percent > BAR_WIDTH)
        fprintf(to, "<rect class=\"notch\" x=\"%d\" width=\"%d\" height=\"10\"/>", BAR_WIDTH - NOTCH_WIDTH, NOTCH_WIDTH);
    fputs("</svg> <span class=\"share\">", to);
    page_text(to, text_of(words));
    fputs("</span>", to);
}

void page_link(FILE *to, text_view address)
{
    if (!begins(address, "https://")) {
        page_text(to, address);
        return;
    }
    fputs("<a href=\"", to);
    page_text(to, address);
    fputs("\">", to);
    page_text(to, (text_view){address.at + 8, address.size - 8});
    fputs("</a>", to);
}

static bool is_plain(text_view mark)
{
    for (size_t i = 0; i < mark.size; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._", mark.at[i]) || !mark.at[i])
            return false;
    return mark.size > 0;
}

void page_begin(FILE *to, text_view title, text_view mark)
{
    fputs("<!DOCTYPE html>\n<html lang=\"fr\">\n<head>\n<meta charset=\"utf-8\" />\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
          "<meta name=\"robots\" content=\"noindex\" />\n<title>", to);
    page_text(to, title);
    fputs("</title>\n<style>\n", to);
    fputs(page_style, to);
    if (is_plain(mark))
        fprintf(to, "@page { @bottom-left { content: \"%.*s\"; } }\n", (int)mark.size, mark.at);
    fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#contenu\">Aller au contenu</a>\n", to);
}

void page_end(FILE *to)
{
    fputs("</body>\n</html>\n", to);
}
