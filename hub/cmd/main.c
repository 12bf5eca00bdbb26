/*
 * ctai-hub: the program of the prefecture: admits the operators' agents, takes their records, evaluates
 * the contracts.
 *
 * Only `serve` and `init` take the home's lock. The other commands work beside a running serve: they
 * share its database, where each change is one transaction that tells every hub on the database
 * (NOTIFY, store_changed), which is also what several hubs on one database need. So none has to pass
 * through the serve of its home.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "crypto.h"
#include "hub_commands.h"
#include "identity.h"
#include "vault.h"

enum {
    HUB_COMMAND_PLAIN = 1 << 8, /* needs no home, and so no identity */
    HUB_COMMAND_EITHER = 1 << 9, /* uses the home if there is one that can be read */
};

static const cli_operand file_operand[] = {{.name = "fichier", .kind = CLI_INPUT, .required = true},
                                           {.name = NULL}};
static const cli_operand backup_operand[] = {{.name = "fichier", .kind = CLI_OUTPUT_PRIVATE, .required = true},
                                             {.name = NULL}};
static const cli_operand contract_operand[] = {{.name = "contrat", .kind = CLI_VALUE, .required = true},
                                               {.name = NULL}};
static const cli_operand region_operand[] = {{.name = "region", .kind = CLI_VALUE, .required = true},
                                             {.name = NULL}};
static const cli_operand publish_operands[] = {{.name = "region", .kind = CLI_VALUE, .required = true},
                                               {.name = "dossier", .kind = CLI_VALUE, .required = true},
                                               {.name = NULL}};
static const cli_operand request_operand[] = {{.name = "demande", .kind = CLI_INPUT, .required = true},
                                              {.name = NULL}};
static const cli_operand name_operand[] = {{.name = "nom", .kind = CLI_VALUE, .required = true},
                                           {.name = NULL}};

static const cli_operand replace_operands[] = {{.name = "nom", .kind = CLI_VALUE, .required = true},
                                               {.name = "demande", .kind = CLI_INPUT, .required = true},
                                               {.name = NULL}};

static const cli_operand compare_operands[] = {{.name = "a", .kind = CLI_VALUE, .required = true},
                                               {.name = "b", .kind = CLI_VALUE, .required = true},
                                               {.name = NULL}};
static const cli_operand receipts_operands[] = {
    {.name = "recus", .kind = CLI_INPUT}, {.name = "recus2", .kind = CLI_INPUT}, {.name = "recus3", .kind = CLI_INPUT},
    {.name = "recus4", .kind = CLI_INPUT}, {.name = NULL}};
static const cli_operand export_operand[] = {{.name = "fichier", .kind = CLI_OUTPUT, .required = true}, {.name = NULL}};

static const cli_command commands[] = {
    {.name = "init", .run = hub_init_run, .help = "crée le dossier du hub, ses clés et sa base",
     .options = hub_init_options,
     .flags = IDENTITY_NEW_HOME,
     .details = "Sans --database, le hub tient un PostgreSQL à lui dans son dossier, sur une socket locale "
                "seulement.\n"
                "Lancée par root, la commande donne le dossier à l’utilisateur ctai-hub s’il existe, sinon à "
                "postgres.\n"
                "Avec --join, le hub prend l’identité de celui qui a fait le trousseau, et sa base (--database) ; le "
                "code du\ntrousseau est demandé sur le terminal, ou lu avec --code."},
    {.name = "bundle", .run = hub_bundle_run,
     .help = "scelle les clés du hub pour un second hub sur la même base", .options = hub_bundle_options,
     .details = "Montre sur le terminal, une seule fois, le code qui ouvrira le trousseau : « ctai-hub init --join » le\n"
                "demandera. Le hub doit avoir une base donnée par --database, que les deux atteignent."},
    {.name = "serve", .run = hub_serve_run, .help = "reste en marche : reçoit les envois des agents",
     .details = "Reste au premier plan ; SIGTERM ou Ctrl-C l’arrête proprement, après avoir fini ce qui est "
                "en cours."},
    {.name = "contract check", .run = hub_contract_check_run,
     .help = "dit tout ce qui est faux ou douteux dans le fichier d’un contrat, ou d’un avenant",
     .operands = file_operand, .flags = HUB_COMMAND_EITHER,
     .details = "Un avenant est vérifié avec son contrat si le hub de ce poste l’a, sinon seul."},
    {.name = "contract add", .run = hub_contract_add_run, .help = "enregistre un contrat",
     .operands = file_operand,
     .details = "Les agents connectés l’apprennent aussitôt."},
    {.name = "contract amend", .run = hub_contract_amend_run, .help = "enregistre un avenant à un contrat",
     .operands = file_operand,
     .details = "Le fichier dit le contrat, le numéro de l’avenant, le jour à partir duquel il s’applique, et ce qu’il remplace ; "
                "le reste du\ncontrat ne change pas. Un rapport utilise le dernier avenant applicable à la fin de sa période. Les "
                "agents connectés\nl’apprennent aussitôt."},
    {.name = "contract list", .run = hub_contract_list_run, .help = "montre les contrats et où en sont les envois",
     .details = "Une ligne par contrat : son état (à venir, en cours, terminé, clos après une purge), son dernier avenant, les "
                "opérateurs dont les\nenvois couvrent le mois dû (le mois passé, ou le dernier du contrat), action par action, le plus grand "
                "retard et le jour du\ndernier envoi. « contract show » donne le détail, --json donne tout."},
    {.name = "contract show", .run = hub_contract_show_run, .help = "montre un contrat, ses avenants et ses envois",
     .operands = contract_operand},
    {.name = "contract export", .run = hub_contract_export_run, .help = "écrit un contrat et ses avenants, pour un autre hub",
     .operands = contract_operand, .options = hub_export_options,
     .details = "Les fichiers tels qu’ils ont été enregistrés, dans l’ordre, en un seul ; ni enregistrement, ni clé."},
    {.name = "contract import", .run = hub_contract_import_run, .help = "enregistre un contrat et ses avenants venus d’un autre hub",
     .operands = file_operand,
     .details = "Le hub qui a déjà le contrat n’enregistre que les avenants qui lui manquent ; si ce qu’il a est autre, rien ne "
                "change (65)."},
    {.name = "agent approve", .run = hub_approve_run,
     .help = "admet un opérateur d’après son fichier de demande",
     .options = hub_approve_options, .operands = request_operand, .flags = IDENTITY_PLACES,
     .details = "Écrit l’approbation à rendre à l’opérateur, NOM.approbation dans le dossier courant. "
                "Comparez d’abord l’empreinte\n"
                "avec celle que l’opérateur vous lit au téléphone. Recommencez pour un autre contrat ou "
                "d’autres actions."},
    {.name = "agent list", .run = hub_agent_list_run, .help = "montre les agents admis"},
    {.name = "agent show", .run = hub_agent_show_run, .help = "montre un agent", .operands = name_operand},
    {.name = "agent revoke", .run = hub_agent_revoke_run, .help = "retire son accès à un agent, aussitôt",
     .operands = name_operand,
     .details = "Ce qu’il a envoyé reste. Dit qui doit renouveler la clé de liaison que cet opérateur a pu garder, et comment."},
    {.name = "agent replace", .run = hub_replace_run,
     .help = "donne de nouvelles clés à un opérateur qui a perdu son poste",
     .options = hub_replace_options, .operands = replace_operands, .flags = IDENTITY_PLACES,
     .details = "La demande est celle que l’opérateur a refaite sous le même nom. Les anciennes clés sont coupées aussitôt.\n"
                "Ce qu’il avait envoyé compte jusqu’à son premier envoi complet, qui prend sa place d’un coup."},
    {.name = "report", .run = hub_report_run, .help = "l’évaluation d’un contrat (article 7)",
     .options = hub_report_options,
     .operands = contract_operand},
    {.name = "compare", .run = hub_compare_run, .help = "deux évaluations côte à côte : contrats, périodes ou moments du registre",
     .options = hub_compare_options, .operands = compare_operands,
     .details = "Chacune s’écrit CONTRAT, CONTRAT@2023-11..2024-05 pour une période, et CONTRAT@2023-11..2024-05@12 ou CONTRAT@@12\n"
                "telle que le hub la savait à une position du registre, ou à un moment (@@2024-06-30T12:00:00). Les actions se\n"
                "répondent par leur code, les indicateurs par le leur ; l’écart est B moins A."},
    {.name = "discrepancies", .run = hub_discrepancies_run, .help = "ce que les parties d’un contrat ont à régler",
     .options = hub_discrepancies_options, .operands = contract_operand,
     .details = "Sexes déclarés différemment, identités ambiguës, sorties sans suivi à six mois, opérateurs en retard, actions\n"
                "sans adresse sur refugies.info ; par opérateur, avec les clés de ses enregistrements : chez lui, « ctai-agent\n"
                "explain CLÉ » montre qui une clé concerne. Le hub, lui, ne le sait pas."},
    {.name = "region", .run = hub_region_run, .help = "le rapport d’une région, par département et par contrat, prêt à publier",
     .options = hub_region_options, .operands = region_operand,
     .details = "Le code est celui de l’INSEE (84). Ce qui porte sur trop peu de personnes est masqué, et ce qui permettrait de le\n"
                "déduire aussi, compte tenu de tout ce qui a été publié avant. Sans --draft, le rapport est inscrit au registre des\n"
                "publications : il est d’un trimestre, d’une année civile ou de contrats entiers. Recommencer sans que rien n’ait\n"
                "changé rend la même publication."},
    {.name = "publish", .run = hub_publish_run, .help = "publie le rapport d’une région en données ouvertes",
     .options = hub_publish_options, .operands = publish_operands, .flags = IDENTITY_PLACES,
     .details = "Écrit dans le dossier, en entier ou pas du tout, le rapport en CSV, son Table Schema (schema.data.gouv.fr), un Data\n"
                "Package (Frictionless) et sa description DCAT. Il est masqué et inscrit au registre comme par « region »."},
    {.name = "purge", .run = hub_purge_run, .help = "efface les données des contrats dont la durée de conservation est passée",
     .options = hub_purge_options,
     .details = "Montre ce qui serait effacé, et d’abord les cellules des contrats ouverts qui changeraient : une personne est "
                "reconnue\nd’un contrat à l’autre. Ne le fait qu’avec --yes, ou après une question sur un terminal. "
                "L’évaluation du contrat reste,\ntelle qu’elle était. La durée est « conservation » dans le fichier du contrat."},
    {.name = "backup", .run = hub_backup_run, .help = "sauvegarde la base du hub dans un fichier",
     .operands = backup_operand,
     .details = "Peut être lancée pendant que serve tourne. Le fichier est écrit en entier ou pas du tout, en 0600, et signé "
                "par le hub.\nIl contient la base (enregistrements, registre, contrats, admissions) et les réglages de "
                "hub.conf ; il ne contient\nni le poivre, ni les clés du hub, ni de mot de passe : voyez « bundle ».\n"
                "Avec stable = later, ce qu’il contient devient stable dès qu’il est écrit."},
    {.name = "restore", .run = hub_restore_run, .help = "rend une sauvegarde à la base du hub",
     .options = hub_restore_options, .operands = file_operand,
     .details = "Le dossier doit avoir l’identité du hub qui a fait la sauvegarde ; serve doit être arrêté. Tout est vérifié "
                "avant de\ntoucher à quoi que ce soit, et la base reçoit tout ou rien. Une base qui n’est pas vide n’est "
                "remplacée qu’avec --replace."},
    {.name = "audit verify", .run = hub_audit_verify_run,
     .help = "vérifie tout le registre depuis son début", .operands = receipts_operands,
     .details = "Vérifie chaque signature et la chaîne, nomme le premier maillon rompu de chaque périmètre (code 65), et compare\n"
                "les reçus que des agents ont donnés (« ctai-agent receipts -o FICHIER »)."},
    {.name = "audit export", .run = hub_audit_export_run,
     .help = "écrit le registre pour qui veut le vérifier sans le hub", .operands = export_operand,
     .details = "Le fichier tient les en-têtes signés des lots, sans aucun enregistrement, et les clés publiques. Un tiers le\n"
                "vérifie avec « ctai-verify FICHIER --hub EMPREINTE »."},
    {.name = "status", .run = hub_status_run, .help = "montre où en sont la base, les contrats et les agents"},
    {.name = "doctor", .run = hub_doctor_run, .help = "examine l’installation et dit ce qui est à corriger",
     .details = "Droits des fichiers, limites, configuration, disque, versions, horloge, base, port et adresses. Rien n’est "
                "changé ; aucun\nsecret n’est montré. Donne 78 si quelque chose est à corriger."},
    {.name = NULL},
};

static bool has_home(const cli_call *call)
{
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/hub.conf", call->home);
    return size > 0 && (size_t)size < sizeof path && access(path, R_OK) == 0;
}

static int dispatch(cli_call *call)
{
    if (call->command->flags & HUB_COMMAND_PLAIN || (call->command->flags & HUB_COMMAND_EITHER && !has_home(call)))
        return cli_run_call(call);
    return identity_run(call, call->command->flags);
}

static const cli_program program = {
    .name = "ctai-hub",
    .version = CTAI_VERSION,
    .help = "Le hub de la préfecture : admet les agents des opérateurs, reçoit leurs enregistrements, évalue "
            "les contrats.",
    .commands = commands,
    .default_home = "/var/lib/ctai-hub",
    .dispatch = dispatch,
};

int main(int argc, char **argv)
{
    if (!vault_shut()) {
        fputs("ctai-hub : le système ne laisse pas fermer la mémoire du programme aux autres\n", stderr);
        return CLI_FAULT;
    }
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, not our end */
    if (crypto_start() != 0) {
        fputs("ctai-hub : la bibliothèque de chiffrement ne démarre pas\n", stderr);
        return CLI_FAULT;
    }
    return cli_main(&program, argc, argv);
}
