/* definition: the text of a contract as it is registered, read again: with the national list and the territories that the program carries. */
#ifndef CTAI_DEFINITION_H
#define CTAI_DEFINITION_H

#include "contract.h"

/* The national list of indicators and the territories that the program carries. */
bool definition_carried(catalogue *national, territory *places, arena *memory, diag_sink *sink) __attribute__((warn_unused_result));

/* As contract_read; bytes were read once without error, or are a file's to check. */
bool definition_read(contract *self, arena *memory, const char *file, text_view bytes, diag_sink *sink) __attribute__((warn_unused_result));

#endif
