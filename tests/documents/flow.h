/*
 * flow: the officer's document deploy/docs/flux-de-donnees.md, made from the tables that the programs themselves use: the
 * columns that are read (persons, events), the types of fact and their codes (fact), the fields that a preview shows
 * (preview), and, of what a record of each type may carry, the answers of the check that both sides make (record_check).
 */
#ifndef CTAI_FLOW_H
#define CTAI_FLOW_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the document; false, said on standard error, when a column, a field or a type has no words for it here. */
bool flow_write(FILE *to);

#endif
