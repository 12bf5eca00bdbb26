/*
 * hub_open_data: what goes with a region's CSV when it is published: its Table Schema in the layout of schema.data.gouv.fr,
 * a Frictionless Data Package, and DCAT as JSON-LD.
 * Sources: Table Schema and Data Package 1.0 (specs.frictionlessdata.io), DCAT 2 (W3C), guides.etalab.gouv.fr on schemas.
 */
#ifndef CTAI_HUB_OPEN_DATA_H
#define CTAI_HUB_OPEN_DATA_H

#include <jansson.h>

#include "hub_conf.h"
#include "hub_regional.h"

#define HUB_OPEN_DATA_TABLE "indicateurs.csv"
#define HUB_OPEN_DATA_SCHEMA "schema.json"
#define HUB_OPEN_DATA_PACKAGE "datapackage.json"
#define HUB_OPEN_DATA_DCAT "dcat.jsonld"

/* Each NULL when memory is short; table_bytes: of the CSV. */
json_t *hub_open_data_schema(const hub_conf *conf);
json_t *hub_open_data_package(const hub_regional *made, const hub_conf *conf, size_t table_bytes);
json_t *hub_open_data_dcat(const hub_regional *made, const hub_conf *conf, size_t table_bytes);

#endif
