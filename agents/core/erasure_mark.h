/*
 * erasure_mark: of a table of people it finds those who were erased, so that no later export brings them back, under
 * whatever local number.
 */
#ifndef CTAI_ERASURE_MARK_H
#define CTAI_ERASURE_MARK_H

#include "erasure.h"
#include "persons.h"

/* The hashes of a row. */
void erasure_of_row(erasure_person *to, const uint8_t *record_key, const persons_row *row);

/*
 * Marks the people of a table who are on the list, and those who are the same as one who is; their households then go
 * without them. *found: the rows marked, in the arena, in the order of the table. False when memory is short.
 */
bool erasure_mark(const erasure_list *self, persons *people, const uint8_t *record_key, erasure_list *found)
    __attribute__((warn_unused_result));

#endif
