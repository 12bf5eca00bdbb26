/* windows_1252: text as office PCs of Western Europe write it, made UTF-8. */
#ifndef CTAI_WINDOWS_1252_H
#define CTAI_WINDOWS_1252_H

#include "text.h"

enum { WINDOWS_1252_UTF8 = 3 /* bytes: the longest UTF-8 of a character */ };

/*
 * Writes the text as UTF-8 at *to, which has room for WINDOWS_1252_UTF8 bytes of each of its own, moves *to on and
 * returns what was written. A byte that is no character is left out, and told in *bad (else unchanged).
 */
text_view windows_1252_convert(char **to, text_view text, bool *bad);

#endif
