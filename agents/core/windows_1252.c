/* windows_1252: see windows_1252.h. */
#include "windows_1252.h"

/* Windows-1252, 0x80 to 0x9F; 0: no character. The rest is as in Latin-1. */
static const uint16_t windows_1252_high[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static unsigned windows_1252_character(unsigned char byte)
{
    return byte >= 0x80 && byte < 0xA0 ? windows_1252_high[byte - 0x80] : byte;
}

text_view windows_1252_convert(char **to, text_view text, bool *bad)
{
    char *start = *to, *at = start;
    for (size_t i = 0; i < text.size; i++) {
        unsigned character = windows_1252_character((unsigned char)text.at[i]);
        if (character < 0x80) {
            if (text.at[i] != 0 && character == 0)
                *bad = true;
            else
                *at++ = (char)character;
        } else if (character < 0x800) {
            *at++ = (char)(0xC0 | character >> 6);
            *at++ = (char)(0x80 | (character & 0x3F));
        } else {
            *at++ = (char)(0xE0 | character >> 12);
            *at++ = (char)(0x80 | (character >> 6 & 0x3F));
            *at++ = (char)(0x80 | (character & 0x3F));
        }
    }
    *to = at;
    return (text_view){start, (size_t)(at - start)};
}
