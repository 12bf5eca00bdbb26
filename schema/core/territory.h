/* territory: the regions and departments of France by their INSEE codes (regions.yaml). */
#ifndef CTAI_TERRITORY_H
#define CTAI_TERRITORY_H

#include "yamldoc.h"

typedef struct { text_view code, name, region; } territory_department;
typedef struct { text_view code, name; } territory_region;

typedef struct {
    unsigned region_count, department_count;
    territory_region *regions;
    territory_department *departments; /* region by region */
} territory;

/* From the bytes of regions.yaml; texts are in the arena. False, said so, when something is wrong. */
bool territory_load(territory *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
    __attribute__((warn_unused_result));

/* NULL when there is none of that code. */
const territory_region *territory_region_find(const territory *self, text_view code);
const territory_department *territory_department_find(const territory *self, text_view code);

#endif
