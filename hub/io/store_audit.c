/* store_audit: see the header. Errors are the database's. */
#include "store_audit.h"

#include <stdlib.h>
#include <string.h>

#include "store_chain.h"

enum { PAGE_ROWS = 32 }; /* of headers, at most 128 KiB each and twice that as text, or contracts of 1 MiB */

/* One reading. */
typedef struct {
    database *connection;
    const store_audit_taker *to;
    bool stopped;
    int64_t *agents; /* the numbers in the tables, ascending */
    long agent_count;
    uint8_t *header; /* BATCH_HEADER_MAX bytes */
} audit;

static bool hand_over(audit *self, const store_audit_item *item)
{
    self->stopped = self->stopped || !self->to->take(self->to->data, item);
    return !self->stopped;
}

/* Zeros where the row has something else. */
static void read_bytes(const database_result *result, int row, int column, uint8_t *to, size_t size)
{
    if (!store_chain_read(result, row, column, to, size))
        memset(to, 0, size);
}

static long number_of(const audit *self, int64_t agent)
{
    long low = 0, high = self->agent_count;
    while (low < high) {
        long middle = (low + high) / 2;
        if (self->agents[middle] < agent)
            low = middle + 1;
        else
            high = middle;
    }
    return low < self->agent_count && self->agents[low] == agent ? low : -1;
}

static database_error read_agents(audit *self)
{
    static const char sql[] = "SELECT agent, name, curve, sign, box FROM ctai.agent ORDER BY agent";
    static const char former_sql[] = "SELECT f.agent, a.name, f.curve, f.sign, f.box FROM ctai.agent_former AS f"
                                     " JOIN ctai.agent AS a USING (agent) ORDER BY f.agent, f.replaced_at, f.sign";
    database_error error = DATABASE_OK;
    for (int pass = 0; pass < 2 && error == DATABASE_OK; pass++) {
        database_result *result = NULL;
        error = database_query(self->connection, pass == 0 ? sql : former_sql, NULL, 0, &result);
        int rows = error == DATABASE_OK ? database_rows(result) : 0;
        if (pass == 0) {
            self->agents = calloc((size_t)rows + 1, sizeof *self->agents);
            if (!self->agents && error == DATABASE_OK)
                error = store_no_memory(self->connection);
        }
        for (int row = 0; error == DATABASE_OK && row < rows && !self->stopped; row++) {
            store_audit_item item = {.type = pass == 0 ? STORE_AUDIT_AGENT : STORE_AUDIT_FORMER};
            if (pass == 0)
                self->agents[self->agent_count++] = database_integer(result, row, 0);
            item.agent = number_of(self, database_integer(result, row, 0));
            (void)text_copy(item.identity.name, sizeof item.identity.name, text_of(database_text(result, row, 1)));
            read_bytes(result, row, 2, item.identity.curve, CRYPTO_PUBLIC);
            read_bytes(result, row, 3, item.identity.sign, CRYPTO_PUBLIC);
            read_bytes(result, row, 4, item.identity.box, CRYPTO_PUBLIC);
            (void)hand_over(self, &item);
        }
        database_release(&result);
    }
    return error;
}

static const char entries_sql[] =
    "SELECT * FROM ("
    " (SELECT position, chain, agent, incarnation, sequence, header_hash, header, signature, '' AS id, 0 AS version, '' AS definition"
    "   FROM ctai.ledger WHERE scope = $1 AND position > $2::bigint ORDER BY position LIMIT $3::integer)"
    " UNION ALL"
    " (SELECT v.position, v.chain, NULL, NULL, NULL, NULL, NULL, NULL, c.id, v.version, v.definition"
    "   FROM ctai.contract_version AS v JOIN ctai.contract AS c USING (contract_id)"
    "   WHERE c.scope = $1 AND v.position > $2::bigint ORDER BY v.position LIMIT $3::integer)) AS entry"
    " ORDER BY position, id LIMIT $3::integer";
enum { POSITION, CHAIN, AGENT, INCARNATION, SEQUENCE, HASH, HEADER, SIGNATURE, ID, VERSION, DEFINITION };

static void hand_entry(audit *self, const database_result *result, int row)
{
    store_audit_item item = {.type = database_null(result, row, AGENT) ? STORE_AUDIT_CONTRACT : STORE_AUDIT_BATCH,
                             .position = (uint64_t)database_integer(result, row, POSITION)};
    read_bytes(result, row, CHAIN, item.chain, CRYPTO_HASH);
    if (item.type == STORE_AUDIT_CONTRACT) {
        item.id = text_of(database_text(result, row, ID));
        item.version = (uint64_t)database_integer(result, row, VERSION);
        item.definition = text_of(database_text(result, row, DEFINITION));
    } else {
        item.agent = number_of(self, database_integer(result, row, AGENT));
        item.incarnation = (uint64_t)database_integer(result, row, INCARNATION);
        item.sequence = (uint64_t)database_integer(result, row, SEQUENCE);
        read_bytes(result, row, HASH, item.hash, CRYPTO_HASH);
        read_bytes(result, row, SIGNATURE, item.signature, CRYPTO_SIGNATURE);
        long size = database_bytes(result, row, HEADER, self->header, BATCH_HEADER_MAX);
        item.header = (text_view){(const char *)self->header, size > 0 ? (size_t)size : 0};
    }
    (void)hand_over(self, &item);
}

static database_error read_entries(audit *self, const char *scope)
{
    int64_t last = INT64_MIN;
    for (int rows = PAGE_ROWS; rows == PAGE_ROWS && !self->stopped;) {
        char after[DATABASE_NUMBER_TEXT], limit[DATABASE_NUMBER_TEXT];
        const database_parameter parameters[] = {DATABASE_TEXT(scope), database_number(after, last), database_number(limit, PAGE_ROWS)};
        database_result *result = NULL;
        database_error error = database_query(self->connection, entries_sql, parameters, 3, &result);
        if (error != DATABASE_OK)
            return error;
        rows = database_rows(result);
        /* The last row of a full page may have a twin at its position, which no honest hub writes: both come with the next page. */
        int count = rows == PAGE_ROWS && database_integer(result, rows - 2, POSITION) < database_integer(result, rows - 1, POSITION)
            ? rows - 1 : rows;
        for (int row = 0; row < count && !self->stopped; row++)
            hand_entry(self, result, row);
        if (count > 0)
            last = database_integer(result, count - 1, POSITION);
        database_release(&result);
    }
    return DATABASE_OK;
}

/* The incarnations of a scope, or the places: agent, two numbers, a hash. */
static database_error read_few(audit *self, const char *scope, store_audit_type type)
{
    static const char grants_sql[] = "SELECT agent, incarnation, base, NULL FROM ctai.incarnation WHERE scope = $1 ORDER BY agent, incarnation";
    static const char places_sql[] = "SELECT agent, incarnation, sequence, hash FROM ctai.agent_scope WHERE scope = $1 ORDER BY agent";
    database_result *result = NULL;
    database_error error = database_query(self->connection, type == STORE_AUDIT_GRANT ? grants_sql : places_sql, &DATABASE_TEXT(scope),
                                          1, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result) && !self->stopped; row++) {
        store_audit_item item = {.type = type, .agent = number_of(self, database_integer(result, row, 0)),
                                 .incarnation = (uint64_t)database_integer(result, row, 1),
                                 .sequence = (uint64_t)database_integer(result, row, 2)};
        read_bytes(result, row, 3, item.hash, CRYPTO_HASH);
        (void)hand_over(self, &item);
    }
    database_release(&result);
    return error;
}

static database_error read_scope(audit *self, const database_result *scopes, int row)
{
    store_audit_item item = {.type = STORE_AUDIT_SCOPE, .scope = database_text(scopes, row, 0),
                             .position = (uint64_t)database_integer(scopes, row, 1)};
    read_bytes(scopes, row, 2, item.chain, CRYPTO_HASH);
    if (!hand_over(self, &item))
        return DATABASE_OK;
    database_error error = read_few(self, item.scope, STORE_AUDIT_GRANT);
    if (error == DATABASE_OK)
        error = read_entries(self, item.scope);
    item.type = STORE_AUDIT_END;
    if (error == DATABASE_OK && hand_over(self, &item))
        error = read_few(self, item.scope, STORE_AUDIT_PLACE);
    return error;
}

static database_error read_all(audit *self, uint64_t *total)
{
    database_result *scopes = NULL;
    database_error error = database_query(self->connection,
                                          "SELECT scope, position, chain FROM ctai.scope ORDER BY scope COLLATE \"C\"", NULL, 0, &scopes);
    for (int row = 0; error == DATABASE_OK && row < database_rows(scopes); row++)
        *total += (uint64_t)database_integer(scopes, row, 1);
    if (error == DATABASE_OK)
        error = read_agents(self);
    for (int row = 0; error == DATABASE_OK && row < database_rows(scopes) && !self->stopped; row++)
        error = read_scope(self, scopes, row);
    database_release(&scopes);
    return error;
}

database_error store_audit(store *self, const store_audit_taker *to, uint64_t *total, bool *stopped)
{
    audit work = {.to = to};
    *total = 0;
    *stopped = false;
    database_error error = store_database(self, &work.connection);
    if (error == DATABASE_OK)
        error = database_begin(work.connection, true);
    if (error != DATABASE_OK)
        return error;
    work.header = malloc(BATCH_HEADER_MAX);
    error = work.header ? read_all(&work, total) : store_no_memory(work.connection);
    database_rollback(work.connection); /* it has only read */
    free(work.header);
    free(work.agents);
    *stopped = work.stopped;
    return error;
}
