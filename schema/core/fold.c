/* fold: see fold.h. */
#include "fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* The last step but one: letters that have no decomposition, and what French offices write for them. */
static const struct {
    ucs4_t letter;
    const char *instead;
} replacements[] = {
    {0x142, "l"},  /* ł */
    {0x0F8, "o"},  /* ø */
    {0x111, "d"},  /* đ */
    {0x0F0, "d"},  /* ð */
    {0x127, "h"},  /* ħ */
    {0x131, "i"},  /* ı */
    {0x259, "e"},  /* ə */
    {0x14B, "n"},  /* ŋ */
    {0x0E6, "ae"}, /* æ */
    {0x153, "oe"}, /* œ */
    {0x0FE, "th"}, /* þ */
};

/* A growing string with a sticky failure. */
typedef struct {
    char *to;
    size_t capacity, size;
    bool failed;
} writer;

static void write_bytes(writer *self, const void *bytes, size_t size)
{
    if (self->failed || size >= self->capacity - self->size) {
        self->failed = true;
        return;
    }
    memcpy(self->to + self->size, bytes, size);
    self->size += size;
}

static void write_folded(writer *self, ucs4_t character)
{
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
        if (character == replacements[i].letter) {
            write_bytes(self, replacements[i].instead, strlen(replacements[i].instead));
            return;
        }
    if (!uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N))
        return;
    uint8_t bytes[6];
    int size = u8_uctomb(bytes, character, sizeof bytes);
    write_bytes(self, bytes, size > 0 ? (size_t)size : 0);
}

/* NFKD of text with the combining marks dropped, as code points: *count of them, to be freed; NULL when memory is short. */
static ucs4_t *decompose(const ucs4_t *text, size_t size, size_t *count)
{
    ucs4_t *decomposed = u32_normalize(UNINORM_NFKD, text, size, NULL, count);
    if (!decomposed)
        return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (!uc_is_general_category_withtable(decomposed[i], UC_CATEGORY_MASK_M))
            decomposed[kept++] = decomposed[i];
    *count = kept;
    return decomposed;
}

static bool fold_any(writer *to, text_view text)
{
    size_t count = 0;
    ucs4_t *plain = NULL, *cased = NULL, *folded = NULL;
    ucs4_t *points = u8_to_u32((const uint8_t *)text.at, text.size, NULL, &count);
    if (points)
        plain = decompose(points, count, &count);
    if (plain)
        cased = u32_casefold(plain, count, NULL, NULL, NULL, &count);
    if (cased)
        folded = decompose(cased, count, &count);
    if (folded)
        for (size_t i = 0; i < count; i++)
            write_folded(to, folded[i]);
    bool done = folded != NULL;
    free(points);
    free(plain);
    free(cased);
    free(folded);
    return done;
}

static bool fold_ascii(writer *to, text_view text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            write_bytes(to, &c, 1);
    }
    return true;
}

long fold_name(char *to, size_t capacity, text_view text)
{
    if (capacity == 0)
        return -1;
    writer out = {.to = to, .capacity = capacity};
    if (text.size > 0 && !fold_ascii(&out, text))
        if (!text_is_utf8(text) || !fold_any(&out, text))
            return -1;
    if (out.failed)
        return -1;
    to[out.size] = '\0';
    return (long)out.size;
}
