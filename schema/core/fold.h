/*
 * fold: a name reduced to what two offices would both write (fold, version 1, of the domain):
 * NFKD, marks dropped, full case folding, NFKD, marks dropped, a few letters replaced, letters
 * and digits kept.
 */
#ifndef CTAI_FOLD_H
#define CTAI_FOLD_H

#include "text.h"

/*
 * Folds UTF-8 text into to (capacity bytes, NUL added). Returns the length in bytes without the
 * NUL, or -1 when the text is not UTF-8, does not fit, or memory is short. ASCII takes a fast way
 * with the same result.
 */
long fold_name(char *to, size_t capacity, text_view text);

#endif
