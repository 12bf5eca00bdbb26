/* outbox_value: the values that other modules keep in the outbox in a form of their own, and the contracts. */
#include <assert.h>
#include <string.h>

#include "outbox_base.h"

outbox_error outbox_set(outbox *self, const char *name, text_view of, text_view value)
{
    assert(self->in_transaction);
    if (value.size > OUTBOX_VALUE_MAX)
        return outbox_fails(self, OUTBOX_NO_MEMORY);
    outbox_error error;
    sqlite3_stmt *set = outbox_statement(self, OUTBOX_SQL_VALUE_SET, &error);
    if (set == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(set, 1, text_of(name));
    outbox_bind_text(set, 2, of);
    outbox_bind_blob(set, 3, value.at, value.size);
    return outbox_run(self, set);
}

outbox_error outbox_get(outbox *self, const char *name, text_view of, batch_buffer *value)
{
    outbox_error error;
    sqlite3_stmt *get = outbox_statement(self, OUTBOX_SQL_VALUE_GET, &error);
    if (get == NULL)
        return error;
    outbox_bind_text(get, 1, text_of(name));
    outbox_bind_text(get, 2, of);
    int result = sqlite3_step(get);
    if (result == SQLITE_ROW) {
        text_view found = outbox_column(get, 0);
        batch_buffer_append(value, found.at, found.size);
        error = value->failed ? OUTBOX_NO_MEMORY : OUTBOX_OK;
    } else {
        error = outbox_result(self, result);
        error = error == OUTBOX_OK ? OUTBOX_ABSENT : error;
    }
    sqlite3_reset(get);
    return error;
}

outbox_error outbox_unset(outbox *self, const char *name, text_view of)
{
    outbox_error error;
    sqlite3_stmt *forget = outbox_statement(self, OUTBOX_SQL_VALUE_FORGET, &error);
    if (forget == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(forget, 1, text_of(name));
    outbox_bind_text(forget, 2, of);
    return outbox_run(self, forget);
}

static const char CONTRACTS[] = "contrats";

outbox_error outbox_set_contracts(outbox *self, const wire_contract *contracts, unsigned count)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write_contracts(&bytes, contracts, count);
    outbox_error error = bytes.failed
        ? outbox_fails(self, OUTBOX_NO_MEMORY)
        : outbox_set(self, CONTRACTS, (text_view){NULL, 0}, (text_view){(const char *)bytes.data, bytes.size});
    batch_buffer_release(&bytes);
    return error;
}

outbox_error outbox_contracts(outbox *self, arena *from, wire_contract **contracts, unsigned *count)
{
    *contracts = NULL;
    *count = 0;
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    outbox_error error = outbox_get(self, CONTRACTS, (text_view){NULL, 0}, &bytes);
    if (error == OUTBOX_OK) {
        /* Views point into the bytes, so these must live as long. */
        char *kept = arena_text(from, (text_view){(const char *)bytes.data, bytes.size});
        if (kept == NULL)
            error = OUTBOX_NO_MEMORY;
        else if (!wire_read_contracts(contracts, count, from, (text_view){kept, bytes.size}))
            error = arena_short(from) ? OUTBOX_NO_MEMORY : outbox_result(self, SQLITE_CORRUPT);
    }
    batch_buffer_release(&bytes);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}
