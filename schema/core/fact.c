/* fact: the table of the vocabulary; see fact.h. Source: DOMAIN, "What an operator has" and "What leaves". */
#include "fact.h"

#include <assert.h>
#include <stddef.h>

static const fact_code exits[] = {
    {"emploi_durable", "emploi_durable"},
    {"emploi_6_mois", "emploi_6_mois"},
    {"emploi_court", "emploi"},
    {"creation_activite", "emploi"},
    {"formation_prequalifiante", "formation"},
    {"formation_qualifiante", "formation"},
    {"formation_certifiante", "formation"},
    {"formation_diplomante", "formation"},
    {"abandon", "autre"},
    {"demenagement", "autre"},
    {"autre", "autre"},
    {NULL, NULL},
};

static const fact_code follow_ups[] = {{"positif", "positif"}, {"negatif", "negatif"}, {NULL, NULL}};

static const fact_code session_themes[] = {
    {"francais", "francais"},
    {"numerique", "numerique"},
    {"laicite", "laicite"},
    {"egalite", "egalite"},
    {"citoyennete", "citoyennete"},
    {"parentalite", "parentalite"},
    {"liens_societe", "liens_societe"},
    {"autre", "autre"},
    {NULL, NULL},
};

/* In the order of the Common European Framework of Reference: fact_level counts on it. */
static const fact_code levels[] = {
    {"infra_A1", "infra_A1"}, {"A1", "A1"}, {"A2", "A2"}, {"B1", "B1"},
    {"B2", "B2"},             {"C1", "C1"}, {"C2", "C2"}, {NULL, NULL},
};

static const fact_code autonomies[] = {
    {"suivi_medical", "suivi_medical"}, {"parentalite", "parentalite"}, {"scolarite", "scolarite"}, {NULL, NULL},
};

static const fact_code funds[] = {{"p104", "p104"}, {"autre", "autre"}, {NULL, NULL}};

static const fact_rule rules[FACT_TYPE_COUNT] = {
    [FACT_BENEFICIAIRE] = {.name = "beneficiaire", .label = "bénéficiaire du mois", .kind = FACT_KIND_BENEFICIARY},
    [FACT_ENTREE] = {.name = "entree", .label = "entrée dans l’action", .kind = FACT_KIND_PERSON, .from_file = true,
                     .has_person = true, .unit = FACT_UNIT_MINUTES, .quantity = FACT_QUANTITY_OPTIONAL,
                     .record_unit = FACT_UNIT_MINUTES},
    [FACT_SORTIE] = {.name = "sortie", .label = "sortie de l’action", .kind = FACT_KIND_PERSON, .from_file = true,
                     .has_person = true, .record_unit = FACT_UNIT_DAYS, .codes = exits},
    [FACT_SUIVI_6_MOIS] = {.name = "suivi_6_mois", .label = "suivi six mois après la sortie", .kind = FACT_KIND_PERSON,
                           .from_file = true, .has_person = true, .codes = follow_ups},
    [FACT_SEANCE] = {.name = "seance", .label = "séance de formation", .kind = FACT_KIND_BARE, .from_file = true,
                     .unit = FACT_UNIT_MINUTES, .quantity = FACT_QUANTITY_REQUIRED, .record_unit = FACT_UNIT_MINUTES,
                     .codes = session_themes, .has_reference = true, .reference_leaves = true},
    [FACT_PRESENCE] = {.name = "presence", .label = "présence à une séance", .kind = FACT_KIND_PERSON,
                       .from_file = true, .has_person = true, .unit = FACT_UNIT_MINUTES,
                       .quantity = FACT_QUANTITY_REQUIRED, .record_unit = FACT_UNIT_MINUTES, .has_reference = true},
    [FACT_NIVEAU_DEBUT] = {.name = "niveau_debut", .label = "niveau de langue au début", .kind = FACT_KIND_PERSON,
                           .from_file = true, .has_person = true, .codes = levels},
    [FACT_NIVEAU_FIN] = {.name = "niveau_fin", .label = "niveau de langue à la fin", .kind = FACT_KIND_PERSON,
                         .from_file = true, .has_person = true, .codes = levels},
    [FACT_LOGEMENT_PERENNE] = {.name = "logement_perenne", .label = "accès à un logement pérenne",
                               .kind = FACT_KIND_HOUSEHOLD, .from_file = true, .has_person = true},
    [FACT_CONSULTATION_MEDICALE] = {.name = "consultation_medicale", .label = "consultation médicale",
                                    .kind = FACT_KIND_BARE, .from_file = true, .has_person = true,
                                    .unit = FACT_UNIT_COUNT, .quantity = FACT_QUANTITY_ONE,
                                    .record_unit = FACT_UNIT_COUNT},
    [FACT_OUTIL_NUMERIQUE] = {.name = "outil_numerique", .label = "outil numérique mis à disposition",
                              .kind = FACT_KIND_BARE, .from_file = true, .has_person = true, .unit = FACT_UNIT_COUNT,
                              .quantity = FACT_QUANTITY_ONE, .record_unit = FACT_UNIT_COUNT},
    [FACT_BINOME_MENTORAT] = {.name = "binome_mentorat", .label = "binôme de mentorat", .kind = FACT_KIND_BARE,
                              .from_file = true, .has_person = true, .has_reference = true, .reference_leaves = true},
    [FACT_EVENEMENT_SPORTIF] = {.name = "evenement_sportif", .label = "événement sportif", .kind = FACT_KIND_BARE,
                                .from_file = true, .has_person = true, .has_reference = true,
                                .reference_leaves = true},
    [FACT_EVENEMENT_CULTUREL] = {.name = "evenement_culturel", .label = "événement culturel", .kind = FACT_KIND_BARE,
                                 .from_file = true, .has_person = true, .has_reference = true,
                                 .reference_leaves = true},
    [FACT_SOLLICITATION] = {.name = "sollicitation", .label = "sollicitation d’un acteur local",
                            .kind = FACT_KIND_BARE, .from_file = true, .has_person = true, .unit = FACT_UNIT_COUNT,
                            .quantity = FACT_QUANTITY_ONE, .record_unit = FACT_UNIT_COUNT},
    [FACT_AUTONOMIE] = {.name = "autonomie", .label = "autonomie acquise", .kind = FACT_KIND_PERSON, .from_file = true,
                        .has_person = true, .codes = autonomies},
    [FACT_ACTEURS_FORMES] = {.name = "acteurs_formes", .label = "acteurs de l’intégration formés",
                             .kind = FACT_KIND_BARE, .from_file = true, .unit = FACT_UNIT_COUNT,
                             .quantity = FACT_QUANTITY_REQUIRED, .record_unit = FACT_UNIT_COUNT},
    [FACT_FORMATION_ACTEURS] = {.name = "formation_acteurs", .label = "formation donnée aux acteurs",
                                .kind = FACT_KIND_BARE, .from_file = true, .unit = FACT_UNIT_MINUTES,
                                .quantity = FACT_QUANTITY_REQUIRED, .record_unit = FACT_UNIT_MINUTES,
                                .has_reference = true, .reference_leaves = true},
    [FACT_COUT] = {.name = "cout", .label = "coût de l’action", .kind = FACT_KIND_BARE, .from_file = true,
                   .unit = FACT_UNIT_CENTS, .quantity = FACT_QUANTITY_REQUIRED, .record_unit = FACT_UNIT_CENTS,
                   .codes = funds},
    [FACT_NARRATIVE] = {.name = "narrative", .label = "texte", .kind = FACT_KIND_NARRATIVE},
};

const fact_rule *fact_rule_of(fact_type type)
{
    assert(type >= 0 && type < FACT_TYPE_COUNT);
    return &rules[type];
}

fact_type fact_find(text_view name)
{
    for (int type = 0; type < FACT_TYPE_COUNT; type++)
        if (text_is(name, rules[type].name))
            return (fact_type)type;
    return FACT_NONE;
}

const fact_code *fact_code_find(fact_type type, text_view detail)
{
    for (const fact_code *code = fact_rule_of(type)->codes; code && code->detail; code++)
        if (text_is(detail, code->detail))
            return code;
    return NULL;
}

bool fact_code_leaves(fact_type type, text_view wanted)
{
    for (const fact_code *code = fact_rule_of(type)->codes; code && code->detail; code++)
        if (text_is(wanted, code->leaves_as))
            return true;
    return false;
}

int fact_level(text_view wanted)
{
    for (int level = 0; levels[level].detail; level++)
        if (text_is(wanted, levels[level].detail))
            return level;
    return -1;
}
