/* proof_text: what proof_check finds, in French, for people. */
#include <inttypes.h>
#include <stdio.h>

#include "proof_check.h"

/* What is wrong at the position. */
static void say(char *text, size_t size, const proof_check_finding *what)
{
    const char *agent = what->agent != NULL ? what->agent : "?";

    switch (what->fault) {
    case PROOF_CHECK_GAP:
        (void) snprintf(text, size, "l’entrée manque (la suivante est à la position %" PRIu64 ")", what->other);
        return;
    case PROOF_CHECK_ORDER:
        (void) snprintf(text, size, "une entrée revient alors que la position %" PRIu64 " est passée", what->other);
        return;
    case PROOF_CHECK_UNREADABLE:
        (void) snprintf(text, size, "l’entrée est illisible");
        return;
    case PROOF_CHECK_FOREIGN:
        (void) snprintf(text, size, "le lot %" PRIu64 " de l’agent « %s » est d’un autre périmètre", what->sequence, agent);
        return;
    case PROOF_CHECK_STRANGER:
        (void) snprintf(text, size, "le lot %" PRIu64 " porte une clé qui n’est celle d’aucun agent", what->sequence);
        return;
    case PROOF_CHECK_SIGNATURE:
        (void) snprintf(text, size, "l’en-tête du lot %" PRIu64 " n’est pas signé par l’agent « %s » : l’en-tête ou la signature a "
                        "été modifié", what->sequence, agent);
        return;
    case PROOF_CHECK_SEQUENCE:
        (void) snprintf(text, size, "le lot %" PRIu64 " de l’agent « %s » vient alors qu’on attend son lot %" PRIu64,
                        what->sequence, agent, what->other);
        return;
    case PROOF_CHECK_PREVIOUS:
        (void) snprintf(text, size, "le lot %" PRIu64 " de l’agent « %s » ne suit pas le lot qui le précède dans le registre",
                        what->sequence, agent);
        return;
    case PROOF_CHECK_INCARNATION:
        (void) snprintf(text, size, "le lot %" PRIu64 " de l’agent « %s » est d’une incarnation qui ne lui a pas été accordée là",
                        what->sequence, agent);
        return;
    case PROOF_CHECK_LINK:
        (void) snprintf(text, size, "la chaîne est rompue : cette entrée n’est pas celle qui a été enregistrée là");
        return;
    case PROOF_CHECK_ROW:
        (void) snprintf(text, size, "la ligne du registre ne dit pas la même chose que l’en-tête signé du lot %" PRIu64
                        " de l’agent « %s »", what->sequence, agent);
        return;
    case PROOF_CHECK_PLACE:
        (void) snprintf(text, size, "le registre s’arrête au lot %" PRIu64 " de l’agent « %s », qui en est à %" PRIu64,
                        what->sequence, agent, what->other);
        return;
    case PROOF_CHECK_END:
        (void) snprintf(text, size, "le registre ne finit pas là où il le dit (position %" PRIu64 ")", what->other);
        return;
    case PROOF_CHECK_CUT:
        (void) snprintf(text, size, "la fin du registre a été coupée : l’agent « %s » détient un reçu signé du hub pour son lot %" PRIu64
                        ", et le registre s’arrête à la position %" PRIu64, agent, what->sequence, what->other);
        return;
    case PROOF_CHECK_REWRITTEN:
        (void) snprintf(text, size, "ce registre n’est pas celui que le hub a montré à l’agent « %s » : celui-ci détient un reçu signé "
                        "pour son lot %" PRIu64 " et une autre histoire", agent, what->sequence);
        return;
    case PROOF_CHECK_LOST:
        (void) snprintf(text, size, "l’agent « %s » détient un reçu pour son lot %" PRIu64 " que le hub a ensuite déclaré perdu ; "
                        "demandez à la préfecture quelle panne ou quelle restauration l’explique", agent, what->sequence);
        return;
    }
    (void) snprintf(text, size, "défaut inconnu");
}

void proof_check_text(char text[PROOF_CHECK_TEXT_MAX], const proof_check_finding *finding)
{
    char what[PROOF_CHECK_TEXT_MAX - 80];

    say(what, sizeof what, finding);
    (void) snprintf(text, PROOF_CHECK_TEXT_MAX, "périmètre %s, position %" PRIu64 " : %s", finding->scope, finding->position, what);
}
