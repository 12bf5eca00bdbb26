/*
 * armour: the text form of the files that people carry: base64 in lines of 64 characters between two
 * lines that name the kind, so that it survives mail. What stands around it is not looked at.
 */
#ifndef CTAI_ARMOUR_H
#define CTAI_ARMOUR_H

#include "arena.h"
#include "batch_buffer.h"
#include "text.h"

typedef enum {
    ARMOUR_REQUEST,  /* DEMANDE: an agent's request (credential) */
    ARMOUR_APPROVAL, /* APPROBATION (credential) */
    ARMOUR_GRANT,    /* CLE: a sealed linkage key (credential) */
    ARMOUR_HUB,      /* HUB: the sealed keys of a hub */
    ARMOUR_RECEIPTS, /* RECUS: the receipts of an agent (proof_receipts) */
    ARMOUR_KINDS,
} armour_kind;

typedef enum {
    ARMOUR_OK = 0,
    ARMOUR_NONE,       /* no such armour, or cut */
    ARMOUR_OTHER_KIND, /* there is one of another kind instead */
    ARMOUR_DAMAGED,    /* it is not base64 inside */
    ARMOUR_NO_MEMORY,
} armour_result;

/* Appends the whole text of a file that holds bytes. */
void armour_write(batch_buffer *to, armour_kind kind, text_view bytes);

/* The bytes of the first armour of that kind in the file's text; they lie in the arena. */
armour_result armour_read(text_view *bytes, arena *from, armour_kind kind, text_view file)
    __attribute__((warn_unused_result));

/*
 * Takes what stands up to the end of the first armour of that kind off the file's text, to read the next one. NONE, and
 * the text as it was, when there is no (further) one; DAMAGED when one begins that has no end.
 */
armour_result armour_skip(text_view *file, armour_kind kind) __attribute__((warn_unused_result));

#endif
