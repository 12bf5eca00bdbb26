/* ctai-agent: the program of an operator: its files become pseudonymised records, delivered to the hub. */
#include <signal.h>
#include <stdio.h>

#include "agent_commands.h"
#include "vault.h"

static const cli_option no_options[] = {{.name = NULL}};
static const cli_operand no_operands[] = {{.name = NULL}};
static const cli_operand join_operands[] = {{"approbation", CLI_INPUT, true}, {.name = NULL}};
static const cli_operand grant_operands[] = {{"demande", CLI_INPUT, true}, {.name = NULL}};
static const cli_operand forget_operands[] = {{"id_local", CLI_VALUE, true}, {.name = NULL}};
static const cli_operand text_operands[] = {{"fichier", CLI_INPUT, false}, {.name = NULL}};
static const cli_operand explain_operands[] = {
    {"cle1", CLI_VALUE, true},  {"cle2", CLI_VALUE, false}, {"cle3", CLI_VALUE, false}, {"cle4", CLI_VALUE, false},
    {"cle5", CLI_VALUE, false}, {"cle6", CLI_VALUE, false}, {"cle7", CLI_VALUE, false}, {"cle8", CLI_VALUE, false},
    {.name = NULL},
};
static const cli_operand accept_operands[] = {{"cle", CLI_INPUT, true}, {.name = NULL}};

static const cli_command commands[] = {
    {.name = "init",
     .run = agent_init_run,
     .help = "crée le dossier et les clés, et la demande pour la préfecture",
     .options = agent_init_options,
     .operands = no_operands,
     .flags = AGENT_COMMAND_NO_HOME,
     .details = "Écrit NOM.demande dans le dossier courant : des clés publiques, signées, rien de secret.\n"
                "Lisez l’empreinte affichée à la préfecture, au téléphone."},
    {.name = "join",
     .run = agent_join_run,
     .help = "prend en compte l’approbation de la préfecture",
     .options = no_options,
     .operands = join_operands,
     .details = "Affiche l’empreinte du hub, les contrats et les actions. Une nouvelle approbation s’ajoute à "
                "l’ancienne."},
    {.name = "key create",
     .run = agent_key_create_run,
     .help = "crée la clé de liaison d’un périmètre (coordonnateur)",
     .options = agent_scope_options,
     .operands = no_operands,
     .details = "Une seule personne crée la clé d’un périmètre et la remet aux autres : avec deux clés, une même "
                "personne compterait deux fois."},
    {.name = "key grant",
     .run = agent_key_grant_run,
     .help = "scelle la clé de liaison pour un autre opérateur",
     .options = agent_grant_options,
     .operands = grant_operands,
     .flags = AGENT_COMMAND_CONFIRM,
     .details = "Donnez avec --to l’empreinte que l’opérateur vous a lue ; sans elle, la question est posée sur le "
                "terminal."},
    {.name = "key accept",
     .run = agent_key_accept_run,
     .help = "prend une clé de liaison reçue d’un autre opérateur",
     .options = agent_accept_options,
     .operands = accept_operands,
     .flags = AGENT_COMMAND_CONFIRM,
     .details = "Donnez avec --from l’empreinte que le coordonnateur vous a lue ; sans elle, la question est posée "
                "sur le terminal."},
    {.name = "key rotate",
     .run = agent_key_rotate_run,
     .help = "renouvelle la clé de liaison d’un périmètre (coordonnateur)",
     .options = agent_rotate_options,
     .operands = no_operands,
     .details = "Crée l’époque suivante de la clé ; remettez-la aux opérateurs par key grant. D’ici à la clôture, tout "
                "part sous les deux clés et les comptes ne changent pas.\nAvec --close, quand tous ont renvoyé leurs "
                "exports, clôt l’ancienne époque (75 : des opérateurs n’ont pas suivi)."},
    {.name = "key list",
     .run = agent_key_list_run,
     .help = "montre les clés de liaison présentes, et ce que le hub en dit",
     .options = no_options,
     .operands = no_operands},
    {.name = "check",
     .run = agent_check_run,
     .help = "dit ce qui ne va pas dans les fichiers, sans rien envoyer",
     .options = agent_check_options,
     .operands = no_operands},
    {.name = "preview",
     .run = agent_preview_run,
     .help = "montre tout ce qui partirait, ligne par ligne",
     .options = agent_preview_options,
     .operands = no_operands},
    {.name = "push",
     .run = agent_push_run,
     .help = "envoie ce qui a changé depuis la dernière fois",
     .options = agent_push_options,
     .operands = no_operands,
     .details = "Les fichiers sont les tableaux entiers : ce qui n’y est plus est retiré (sauf --partial).\n"
                "Rien ne se perd si le hub est injoignable : l’envoi reprend au prochain push, ou avec serve."},
    {.name = "forget",
     .run = agent_forget_run,
     .help = "efface tous les enregistrements d’une personne, ici et au hub",
     .options = agent_forget_options,
     .operands = forget_operands,
     .details = "Droit à l’effacement. La personne est ensuite écartée des envois, même si vos fichiers l’ont encore ou\n"
                "la reprennent sous un autre id_local. Retirez-la aussi de vos propres fichiers."},
    {.name = "narrative",
     .run = agent_narrative_run,
     .help = "envoie un texte pour le rapport, après contrôle",
     .options = agent_narrative_options,
     .operands = text_operands,
     .flags = AGENT_COMMAND_TEXT,
     .details = "Un texte par contrat, action et indicateur (outils créés, méthodes...), lu du fichier ou de l’entrée standard ; "
                "un nouveau remplace l’ancien.\nUn texte où figure un nom, un prénom, un numéro d’étranger ou une date de "
                "naissance de votre tableau des personnes (celui du dernier push) est refusé (65), avec la ligne et la "
                "colonne."},
    {.name = "explain",
     .run = agent_explain_run,
     .help = "dit qui et quoi une clé d’enregistrement concerne",
     .options = agent_explain_options,
     .operands = explain_operands,
     .details = "Les clés sont celles de preview (colonne cle) et de la liste des désaccords de la préfecture. Sans fichiers, ceux "
                "du dernier push sont relus.\nCe qui s’affiche est nominatif : cela reste ici, n’en envoyez rien."},
    {.name = "serve",
     .run = agent_serve_run,
     .help = "reste en marche : envoie ce qui attend et surveille le dossier inbox",
     .options = no_options,
     .operands = no_operands,
     .flags = AGENT_COMMAND_SERVE,
     .details = "Déposez personnes*.csv et evenements*.csv dans inbox/ (ou inbox/CONTRAT/) du dossier de travail ; "
                "ils passent dans inbox/traite/ ou inbox/rejete/, avec un texte."},
    {.name = "receipts",
     .run = agent_receipts_run,
     .help = "écrit les reçus signés du hub, à comparer avec ceux d’autres",
     .options = agent_receipts_options,
     .operands = no_operands,
     .details = "Chaque reçu nomme une position du registre du hub et l’état de la chaîne à cette position.\n"
                "Un tiers les compare au registre exporté : « ctai-verify REGISTRE --receipts FICHIER »."},
    {.name = "status",
     .run = agent_status_run,
     .help = "montre ce qui attend, est parti, confirmé ou refusé",
     .options = no_options,
     .operands = no_operands},
    {.name = "doctor",
     .run = agent_doctor_run,
     .help = "examine l’installation et dit ce qui est à corriger",
     .options = no_options,
     .operands = no_operands,
     .flags = AGENT_COMMAND_APART,
     .details = "Droits des fichiers, limites, horloge, disque, versions, clés, approbation, service, file d’attente, et chemin "
                "jusqu’au hub\n(nom, port, poignée de main). Rien n’est changé ; aucun secret n’est montré. Donne 78 si quelque "
                "chose est à corriger."},
    {.name = NULL},
};

const cli_program agent_program = {
    .name = "ctai-agent",
    .version = CTAI_VERSION,
    .help = "L’agent d’un opérateur : ses tableaux deviennent des enregistrements sans identité, remis au hub de "
            "la préfecture.",
    .commands = commands,
    .default_home = "/var/lib/ctai-agent",
    .dispatch = agent_dispatch,
};

int main(int argc, char **argv)
{
    /* Keys and people's data pass through our memory: none of it may end in a core file or a debugger. */
    if (!vault_shut()) {
        (void)fputs("ctai-agent : le système ne laisse pas fermer la mémoire du programme aux autres\n", stderr);
        return CLI_FAULT;
    }
    (void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, not our end */
    if (crypto_start() != 0) {
        (void)fputs("ctai-agent : la bibliothèque de chiffrement ne démarre pas\n", stderr);
        return CLI_FAULT;
    }
    return cli_main(&agent_program, argc, argv);
}
