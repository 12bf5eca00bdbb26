/* export_terms: see the header. */
#include "export_terms.h"

#include <assert.h>

const char *export_reason_text(unsigned reason)
{
    assert(reason < EXPORT_REASON_COUNT);
    if (reason == EXPORT_LEFT_OUT_OF_DAYS)
        return "fait hors des jours du contrat";
    if (reason == EXPORT_LEFT_OUT_ERASED)
        return "personne effacée (ctai-agent forget)";
    return reason == EXPORT_LEFT_OUT_CONTRACT ? "ligne d’un autre contrat" : eligibility_text((eligibility)reason);
}
