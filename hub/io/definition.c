/* definition: see the header. */
#include "definition.h"

#include "embedded.h"

static text_view carried(const char *name)
{
    const embedded_file *file = embedded_find(name);
    return file ? (text_view){(const char *)file->data, file->size} : text_of(NULL);
}

bool definition_carried(catalogue *national, territory *places, arena *memory, diag_sink *sink)
{
    return catalogue_load(national, memory, "indicators.yaml", carried("indicators.yaml"), sink)
        && territory_load(places, memory, "regions.yaml", carried("regions.yaml"), sink);
}

bool definition_read(contract *self, arena *memory, const char *file, text_view bytes, diag_sink *sink)
{
    catalogue national;
    territory places;
    return definition_carried(&national, &places, memory, sink)
        && contract_read(self, memory, &national, &places, file, bytes, sink);
}
