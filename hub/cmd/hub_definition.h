/* hub_definition: a contract's text read with the catalogue and the territory that the program carries. */
#ifndef CTAI_HUB_DEFINITION_H
#define CTAI_HUB_DEFINITION_H

#include "cli.h"
#include "contract.h"

/* Reads and checks a contract; see contract_read. file is its name for people. */
bool hub_definition_read(contract *self, arena *memory, const char *file, text_view bytes, diag_sink *sink)
    __attribute__((warn_unused_result));

/* What the program carries. False, said on the sink, when memory is short. */
bool hub_definition_carried(catalogue *national, territory *places, arena *memory, diag_sink *sink)
    __attribute__((warn_unused_result));

/* « c.yaml : 1 erreur, 2 avertissements. » */
void hub_definition_sum_up(const diag_sink *sink, FILE *to, const char *name);

/* All of the file of the operand `name`: 0, or the exit code, when it has said why on call->err. */
int hub_definition_file(cli_call *call, const char *name, arena *memory, text_view *bytes) __attribute__((warn_unused_result));

#endif
