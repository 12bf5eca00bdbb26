/* runtime_text: what a stop of the session means to people: exit codes and sentences in French. */
#include "runtime.h"

int runtime_stop_code(agent_stop stop)
{
    switch (stop) {
    case AGENT_STOP_UNREACHABLE:
        return 69;
    case AGENT_STOP_WRONG_HUB:
    case AGENT_STOP_FORK:
    case AGENT_STOP_PROTOCOL:
    case AGENT_STOP_HISTORY:
        return 76;
    case AGENT_STOP_NOT_ADMITTED:
    case AGENT_STOP_NO_RIGHT:
        return 77;
    case AGENT_STOP_NONE:
        break;
    }
    return 75;
}

const char *runtime_stop_text(agent_stop stop)
{
    switch (stop) {
    case AGENT_STOP_NONE:
        return "le hub n’a pas encore tout confirmé ; l’envoi reprendra au prochain « push » ou avec « serve »";
    case AGENT_STOP_UNREACHABLE:
        return "le hub de la préfecture est injoignable ; rien n’est perdu : l’envoi reprendra au prochain « push "
               "» ou avec « serve »";
    case AGENT_STOP_WRONG_HUB:
        return "le hub qui répond n’a pas la clé de l’approbation ; ne continuez pas et appelez la préfecture "
               "pour comparer les empreintes";
    case AGENT_STOP_NOT_ADMITTED:
        return "la préfecture n’a pas admis cette machine, ou ne l’admet plus ; demandez-lui une approbation "
               "(fichier de demande : voir « ctai-agent init »)";
    case AGENT_STOP_NO_RIGHT:
        return "la préfecture n’a pas donné le droit d’envoyer dans ce périmètre, ou une autre clé de liaison y "
               "est en usage ; "
               "vérifiez la clé avec le coordonnateur (« ctai-agent key list »)";
    case AGENT_STOP_FORK:
        return "deux machines envoient avec les clés de celle-ci : le dossier de l’agent a été copié ; le hub ne prend "
               "plus rien d’elles. Arrêtez-les toutes et appelez la préfecture, qui vous donnera un nouveau départ";
    case AGENT_STOP_PROTOCOL:
        return "le hub ne comprend pas cet agent ; vérifiez que ctai-agent est à jour et appelez la préfecture";
    case AGENT_STOP_HISTORY:
        return "le hub montre une autre histoire que celle qu’il avait signée : un reçu contredit un reçu plus ancien. Rien "
               "n’est perdu ici, et plus rien n’est envoyé. Gardez la preuve (« ctai-agent receipts -o FICHIER ») et appelez "
               "la préfecture et le coordonnateur : c’est à eux d’expliquer ce que le registre est devenu, avant de vous "
               "donner un nouveau départ";
    }
    return "arrêt inconnu";
}
