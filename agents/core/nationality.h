/*
 * nationality: the codes of countries in `personnes`: ISO 3166-1 alpha-2 and alpha-3 (as of 2024),
 * XXA for a stateless person, XK and XKX for Kosovo; and the 27 member states of the European Union.
 */
#ifndef CTAI_NATIONALITY_H
#define CTAI_NATIONALITY_H

#include "text.h"

typedef enum {
    NATIONALITY_UNKNOWN, /* no such code; case counts */
    NATIONALITY_EUROPEAN,
    NATIONALITY_OTHER,
} nationality;

nationality nationality_find(text_view code);

#endif
