/*
 * dossier: a contract with all its amendments as one file, on its way from a hub to another: their texts, to the byte, as
 * they were registered. It holds no record and no key.
 */
#ifndef CTAI_DOSSIER_H
#define CTAI_DOSSIER_H

#include "contract.h"

typedef struct {
    text_view id;
    text_view initial;          /* the contract's file */
    unsigned amendment_count;
    text_view *amendments;      /* their files, from the first on */
} dossier;

/* The file, in the arena. False: memory is short, or it would be longer than a file that can be read (YAMLDOC_BYTES_MAX). */
bool dossier_write(const dossier *self, arena *from, text_view *text) __attribute__((warn_unused_result));

/* Reads such a file; what is wrong with its form is said on the sink (what the texts say is not looked at). */
bool dossier_read(dossier *self, arena *from, const char *file, text_view bytes, diag_sink *sink) __attribute__((warn_unused_result));

#endif
