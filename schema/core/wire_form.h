/* wire_form: what the files of the wire share, and nobody else sees: parts of messages, written and read. */
#ifndef CTAI_WIRE_FORM_H
#define CTAI_WIRE_FORM_H

#include "mpack.h"
#include "wire.h"

/* Does it contradict itself: a hash without a sequence, stable beyond it? */
bool wire_form_position_sound(const wire_position *position);
void wire_form_write_position(batch_buffer *to, const wire_position *position);
void wire_form_read_position(mpack_reader *reader, wire_position *position);
/* Room for count items and one more, so that an empty array is not a lack of memory; NULL makes the reader fail. */
void *wire_form_room(mpack_reader *reader, arena *from, unsigned count, size_t item_size);

/* In wire_resume.c: the fields after the type of the messages by which the two sides come together again. */
void wire_form_write_renew(batch_buffer *to, const wire_message *message);
void wire_form_write_list(batch_buffer *to, const wire_message *message);
void wire_form_write_granted(batch_buffer *to, const wire_message *message);
void wire_form_write_digests(batch_buffer *to, const wire_message *message);
void wire_form_write_listed(batch_buffer *to, const wire_message *message);
void wire_form_read_renew(mpack_reader *reader, wire_message *message);
void wire_form_read_list(mpack_reader *reader, wire_message *message);
void wire_form_read_granted(mpack_reader *reader, wire_message *message, arena *from);
void wire_form_read_digests(mpack_reader *reader, wire_message *message);
void wire_form_read_listed(mpack_reader *reader, wire_message *message, arena *from);

#endif
