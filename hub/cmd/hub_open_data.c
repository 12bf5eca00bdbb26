/* hub_open_data: see the header. */
#include "hub_open_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "region_form.h"

#define LICENCE_TITLE "Licence Ouverte / Open Licence version 2.0"
#define LICENCE_PATH "https://www.etalab.gouv.fr/licence-ouverte-open-licence"
#define SCHEMA_VERSION "1.0.0"
#define SCHEMA_DAY "2026-11-23" /* of that version */

static const char schema_title[] = "Indicateurs régionaux des contrats territoriaux d’accueil et d’intégration (CTAI)";
static const char schema_text[] =
    "Les indicateurs d’une région, de ses départements et de leurs contrats territoriaux d’accueil et d’intégration, selon la liste "
    "nationale et les indicateurs propres aux contrats. Une valeur qui porte sur trop peu de personnes, de ménages ou de faits est masquée, "
    "comme celles qui permettraient de la déduire.";

static const char *publisher(const hub_conf *conf)
{
    return conf->publisher[0] ? conf->publisher : "à compléter";
}

static const char *homepage(const hub_conf *conf)
{
    return conf->homepage[0] ? conf->homepage : "https://www.data.gouv.fr/";
}

static json_t *licences(void)
{
    return json_pack("[{ssssss}]", "name", "etalab-2.0", "title", LICENCE_TITLE, "path", LICENCE_PATH);
}

static json_t *keywords(void)
{
    return json_pack("[sssss]", "intégration", "réfugiés", "étrangers primo-arrivants", "CTAI", "indicateurs");
}

static json_t *field(const char *name, const char *title, const char *description, const char *example, json_t *constraints)
{
    return json_pack("{ss ss ss ss ss so}", "name", name, "title", title, "description", description, "type", "string", "example", example,
                     "constraints", constraints);
}

static json_t *fields(void)
{
    return json_pack(
        "[oooooooo]",
        field("region", "Code de la région", "Code officiel géographique (INSEE) de la région.", "84",
              json_pack("{sbss}", "required", 1, "pattern", "^[0-9]{2}$")),
        field("departement", "Code du département", "Code officiel géographique (INSEE) du département ; vide sur les lignes de la région.", "63",
              json_pack("{sbss}", "required", 0, "pattern", "^([013-8][0-9]|2[0-9AB]|9[0-5]|97[1-6])$")),
        field("contrat", "Identifiant du contrat", "Vide sur les lignes d’un département et de la région, qui ajoutent celles de leurs contrats.",
              "63-thiers-2023", json_pack("{sbss}", "required", 0, "pattern", "^[A-Za-z0-9._-]{1,64}$")),
        field("indicateur", "Code de l’indicateur", "De la liste nationale (1 à 3.8), ou propre à des contrats. 1.1.distinct compte chaque personne "
              "une fois, là où des contrats la reconnaissent de l’un à l’autre.", "1.1.total",
              json_pack("{sbss}", "required", 1, "pattern", "^[A-Za-z0-9._-]{1,64}$")),
        field("libelle", "Libellé de l’indicateur", "Ce qui est compté.", "Étrangers éligibles bénéficiaires de l’action",
              json_pack("{sb}", "required", 1)),
        field("realise", "Réalisé", "Un nombre avec un point décimal, une liste de codes séparés par des points-virgules, ou un texte ; vide si la valeur "
              "est masquée, ou s’il n’y en a pas.", "128", json_pack("{sb}", "required", 0)),
        field("statut", "Statut", "publie : la valeur est donnée telle quelle ; masque : elle ne l’est pas, pour le secret des personnes.", "publie",
              json_pack("{sbs[ss]}", "required", 1, "enum", "publie", "masque")),
        field("unite", "Unité", "Ce que compte le nombre ; vide pour une liste ou un texte.", "personnes", json_pack("{sb}", "required", 0)));
}

json_t *hub_open_data_schema(const hub_conf *conf)
{
    return json_pack(
        "{ss ss ss ss ss ss ss ss ss so so so s[s] so so ss}",
        "$schema", "https://frictionlessdata.io/schemas/table-schema.json", "name", "ctai-indicateurs-regionaux", "title", schema_title,
        "description", schema_text, "countryCode", "FR", "version", SCHEMA_VERSION, "created", SCHEMA_DAY, "lastModified", SCHEMA_DAY,
        "homepage", homepage(conf), "licenses", licences(),
        "contributors", json_pack("[{ssss}]", "title", publisher(conf), "role", "author"),
        "keywords", keywords(), "missingValues", "", "fields", fields(),
        "resources", json_pack("[{ssssss}]", "name", "indicateurs", "title", "Indicateurs publiés", "path", HUB_OPEN_DATA_TABLE),
        "path", HUB_OPEN_DATA_SCHEMA);
}

static void title_of(const hub_regional *made, char text[256])
{
    char period[REGION_FORM_PERIOD_MAX];
    region_form_period(&made->table, period);
    snprintf(text, 256, "Indicateurs des CTAI, %.*s, %s", (int)made->table.name.size, made->table.name.at, period);
}

static void name_of(const hub_regional *made, char text[64])
{
    snprintf(text, 64, "ctai-region-%.*s-publication-%" PRIu64, (int)made->table.code.size, made->table.code.at, made->number);
}

json_t *hub_open_data_package(const hub_regional *made, const hub_conf *conf, size_t table_bytes)
{
    char title[256], name[64], version[32];
    title_of(made, title);
    name_of(made, name);
    snprintf(version, sizeof version, "%" PRIu64 ".0.0", made->number);
    json_t *dialect = json_pack("{ss ss ss sb sb}", "delimiter", ",", "lineTerminator", "\n", "quoteChar", "\"", "doubleQuote", 1, "header", 1);
    json_t *resource = json_pack("{ss ss ss ss ss ss ss sI so ss}", "name", "indicateurs", "title", title, "path", HUB_OPEN_DATA_TABLE, "profile",
                                 "tabular-data-resource", "format", "csv", "mediatype", "text/csv", "encoding", "utf-8", "bytes",
                                 (json_int_t)table_bytes, "dialect", dialect, "schema", HUB_OPEN_DATA_SCHEMA);
    return json_pack("{ss ss ss ss ss ss ss so so so s[o]}", "profile", "tabular-data-package", "name", name, "title", title, "description",
                     schema_text, "homepage", homepage(conf), "version", version, "created", made->released_at, "licenses", licences(), "contributors",
                     json_pack("[{ssss}]", "title", publisher(conf), "role", "publisher"), "keywords", keywords(), "resources", resource);
}

static json_t *id(const char *iri)
{
    return json_pack("{ss}", "@id", iri);
}

static json_t *french(const char *text)
{
    return json_pack("{ssss}", "@value", text, "@language", "fr");
}

static json_t *typed(const char *text, const char *type)
{
    return json_pack("{ssss}", "@value", text, "@type", type);
}

/* The first and the last day; NULL when each contract has its own. */
static json_t *temporal(const region_table *table)
{
    char from[CIVIL_DAY_TEXT], to[CIVIL_DAY_TEXT];
    if (table->from == CIVIL_NONE)
        return NULL;
    civil_day_text(civil_month_first(table->from), from);
    civil_day_text(civil_month_first(table->to + 1) - 1, to);
    return json_pack("{ss so so}", "@type", "dct:PeriodOfTime", "dcat:startDate", typed(from, "xsd:date"), "dcat:endDate", typed(to, "xsd:date"));
}

static json_t *distribution(const char *title, size_t table_bytes)
{
    char bytes[24];
    snprintf(bytes, sizeof bytes, "%zu", table_bytes);
    return json_pack("{ss so so so so so so so so so}", "@type", "dcat:Distribution", "dct:title", french(title), "dct:license", id(LICENCE_PATH),
                     "dct:format", id("http://publications.europa.eu/resource/authority/file-type/CSV"), "dcat:mediaType",
                     id("https://www.iana.org/assignments/media-types/text/csv"), "dcat:downloadURL", id(HUB_OPEN_DATA_TABLE), "dcat:accessURL",
                     id(HUB_OPEN_DATA_TABLE), "dct:conformsTo", id(HUB_OPEN_DATA_SCHEMA), "dcat:byteSize", typed(bytes, "xsd:nonNegativeInteger"),
                     "dct:language", id("http://publications.europa.eu/resource/authority/language/FRA"));
}

json_t *hub_open_data_dcat(const hub_regional *made, const hub_conf *conf, size_t table_bytes)
{
    char title[256], name[64], place[64], iri[80];
    title_of(made, title);
    name_of(made, name);
    snprintf(iri, sizeof iri, "urn:ctai:%s", name);
    snprintf(place, sizeof place, "http://id.insee.fr/geo/region/%.*s", (int)made->table.code.size, made->table.code.at);
    json_t *context = json_pack("{ssssssss}", "dcat", "http://www.w3.org/ns/dcat#", "dct", "http://purl.org/dc/terms/", "foaf",
                                "http://xmlns.com/foaf/0.1/", "xsd", "http://www.w3.org/2001/XMLSchema#");
    json_t *dataset = json_pack(
        "{so ss ss so so ss so so so so so so so so so}", "@context", context, "@id", iri, "@type", "dcat:Dataset", "dct:title", french(title),
        "dct:description", french(schema_text), "dct:identifier", name, "dct:issued", typed(made->released_at, "xsd:dateTime"), "dct:publisher",
        json_pack("{ss ss so}", "@type", "foaf:Organization", "foaf:name", publisher(conf), "foaf:homepage", id(homepage(conf))), "dct:license",
        id(LICENCE_PATH), "dct:spatial", id(place), "dct:language", id("http://publications.europa.eu/resource/authority/language/FRA"), "dcat:theme",
        id("http://publications.europa.eu/resource/authority/data-theme/SOCI"), "dcat:keyword", json_array(), "dcat:landingPage", id(homepage(conf)),
        "dcat:distribution", distribution(title, table_bytes));
    json_t *words = keywords(), *when = temporal(&made->table);
    json_t *into = json_object_get(dataset, "dcat:keyword");
    for (size_t i = 0; i < json_array_size(words); i++)
        json_array_append_new(into, french(json_string_value(json_array_get(words, i))));
    json_decref(words);
    if (when)
        json_object_set_new(dataset, "dct:temporal", when);
    return dataset;
}
