/* hub_operators: reads the contract again from the text with which it was registered. */
#include "hub_operators.h"

#include "hub_definition.h"

void hub_operators_warn(cli_call *call, const store_contract *registered, const char *agent,
                        const char *const *actions,
                        unsigned action_count, arena *memory)
{
    diag_sink silent = {0}; /* its doubts were told when it was registered */
    contract said;
    if (!hub_definition_read(&said, memory, "contrat", registered->definition, &silent)) {
        cli_say(call, "attention : les opérateurs du contrat n’ont pas pu être lus, les actions n’ont pas "
                      "été comparées");
        return;
    }
    for (unsigned i = 0; i < action_count; i++) {
        const contract_action *action = contract_action_find(&said, text_of(actions[i]));
        if (!action || contract_is_operator(action, text_of(agent)))
            continue;
        cli_say(call, "attention : « %s » n’est pas opérateur de l’action %s d’après le contrat%s ; il "
                      "pourra tout de même en envoyer les faits", agent,
                actions[i], contract_is_partner(action, text_of(agent)) ? " (il en est partenaire)" : "");
    }
}
