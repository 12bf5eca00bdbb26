/* armour: see the header. */
#include "armour.h"

#include <string.h>

#include "crypto.h"

enum {
    LINE_CHARACTERS = 64,
    LINE_BYTES = LINE_CHARACTERS / 4 * 3,
};

static const struct { const char *begin, *end; } marks[ARMOUR_KINDS] = {
    [ARMOUR_REQUEST] = {"-----BEGIN CTAI DEMANDE-----", "-----END CTAI DEMANDE-----"},
    [ARMOUR_APPROVAL] = {"-----BEGIN CTAI APPROBATION-----", "-----END CTAI APPROBATION-----"},
    [ARMOUR_GRANT] = {"-----BEGIN CTAI CLE-----", "-----END CTAI CLE-----"},
    [ARMOUR_HUB] = {"-----BEGIN CTAI HUB-----", "-----END CTAI HUB-----"},
    [ARMOUR_RECEIPTS] = {"-----BEGIN CTAI RECUS-----", "-----END CTAI RECUS-----"},
};

static void append_text(batch_buffer *to, const char *text)
{
    batch_buffer_append(to, text, strlen(text));
}

void armour_write(batch_buffer *to, armour_kind kind, text_view bytes)
{
    char line[LINE_CHARACTERS + 1];

    append_text(to, marks[kind].begin);
    append_text(to, "\n");
    for (size_t at = 0; at < bytes.size; at += LINE_BYTES) {
        size_t size = bytes.size - at < LINE_BYTES ? bytes.size - at : LINE_BYTES;
        crypto_base64(line, bytes.at + at, size);
        append_text(to, line);
        append_text(to, "\n");
    }
    append_text(to, marks[kind].end);
    append_text(to, "\n");
}

/* Takes the next line from text, without its end and the white space around it. */
static text_view next_line(text_view *text)
{
    const char *end = memchr(text->at, '\n', text->size);
    size_t size = end != NULL ? (size_t) (end - text->at) : text->size;
    text_view line = {text->at, size};

    text->at += size + (end != NULL);
    text->size -= size + (end != NULL);
    return text_trim(line);
}

/* What stands between the marks of that kind, and after them; *cut: one begins and does not end. */
static armour_result find(text_view *inside, text_view *after, bool *cut, armour_kind kind, text_view file)
{
    bool other = false;

    *cut = false;

    while (file.size > 0) {
        text_view line = next_line(&file);
        for (int k = 0; k < ARMOUR_KINDS; k++)
            other |= k != (int) kind && text_is(line, marks[k].begin);
        if (!text_is(line, marks[kind].begin))
            continue;
        text_view rest = file;
        while (rest.size > 0) {
            const char *start = rest.at;
            if (text_is(next_line(&rest), marks[kind].end)) {
                *inside = (text_view){file.at, (size_t) (start - file.at)};
                *after = rest;
                return ARMOUR_OK;
            }
        }
        *cut = true;
        return ARMOUR_NONE;
    }
    return other ? ARMOUR_OTHER_KIND : ARMOUR_NONE;
}

armour_result armour_read(text_view *bytes, arena *from, armour_kind kind, text_view file)
{
    text_view inside, after;
    bool cut;
    armour_result result = find(&inside, &after, &cut, kind, file);
    if (result != ARMOUR_OK)
        return result;
    uint8_t *decoded = arena_take(from, inside.size + 1);
    if (decoded == NULL)
        return ARMOUR_NO_MEMORY;
    long size = crypto_base64_decode(decoded, inside.size + 1, inside);
    if (size < 0)
        return ARMOUR_DAMAGED;
    *bytes = (text_view){(const char *) decoded, (size_t) size};
    return ARMOUR_OK;
}

armour_result armour_skip(text_view *file, armour_kind kind)
{
    text_view inside, after;
    bool cut;
    armour_result result = find(&inside, &after, &cut, kind, *file);
    if (result == ARMOUR_OK)
        *file = after;
    return cut ? ARMOUR_DAMAGED : result == ARMOUR_OK ? ARMOUR_OK : ARMOUR_NONE;
}
