/* hub_timeliness: how far a contract is and what its operators have said, for people and as JSON (timeliness.h). */
#ifndef CTAI_HUB_TIMELINESS_H
#define CTAI_HUB_TIMELINESS_H

#include <jansson.h>

#include "hub_base.h"
#include "timeliness.h"
#include "store_timeliness.h"

/* Adds to a contract's JSON: etat, mois_du, attendus, a_jour, retard_mois, dernier_envoi, envois. */
void hub_timeliness_json(json_t *to, const timeliness *what);

/* A line for each operator of each action. */
void hub_timeliness_print(FILE *to, const timeliness *what);

/* "2 mois", "à jour"; nothing due: "—". */
enum { HUB_TIMELINESS_LATE_TEXT = 32 };
void hub_timeliness_late(const timeliness *what, unsigned late, char text[HUB_TIMELINESS_LATE_TEXT]);

#endif
