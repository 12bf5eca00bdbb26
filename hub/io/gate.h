/*
 * gate: the table of admission as the hub's threads share it: the ZAP handler and the link read it,
 * the watch replaces it as a whole. A new gate admits nobody.
 */
#ifndef CTAI_GATE_H
#define CTAI_GATE_H

#include "admission.h"

typedef struct gate gate;

/* NULL when memory is short. */
gate *gate_new(void);
/* No thread may use it any more. */
void gate_destroy(gate **self);

/* Takes over a sealed table and nulls the pointer; the one before is gone. */
void gate_replace(gate *self, admission **table);

/* Copies the entry of that CURVE key when it is admitted and not revoked. */
bool gate_find(gate *self, const uint8_t curve[CRYPTO_PUBLIC], admission_entry *entry);

#endif
