/* store_rows: see the header. Errors are the database's. */
#include "store_rows.h"

#include <string.h>

#include "database_array.h"
#include "database_copy.h"
#include "store_base.h"

/* The records of one batch. */
typedef struct waiting {
    struct waiting *next;
    store_version version;
    const store_record *records;
    size_t count;
} waiting;

struct store_rows_source {
    store_rows_source *next;
    const char *scope;
    int64_t agent;
    waiting *first, **end;
    const uint8_t *last_key;       /* of what waits */
    bool looked;                   /* what is above is known of the table: */
    uint8_t above[RECORD_KEY];     /* the least key there that is not below the first of the batch that looked; all ones: perhaps none */
};

/* In the order of add_row. */
#define COPY_COLUMNS \
    " (scope, agent, position, incarnation, sequence, key, contract_id, action, type, month, quantity, code, sex, bpi, under_25," \
    " reference, narrative, epoch, token_e, token_i, token_m, epoch2, token_e2, token_i2, token_m2) FROM STDIN (FORMAT binary)"
enum { COLUMN_COUNT = 25, TOKEN_COLUMNS = 4 };

/* The first push of an agent comes by ascending keys: one look tells that none of them is there. */
static const char above_sql[] = "SELECT uuid_send(key) FROM ctai.record WHERE scope = $1 AND agent = $2::integer AND key >= $3::uuid"
                                " ORDER BY key LIMIT 1";

/* Each key is looked up by the whole primary key (OFFSET 0), and each row taken by its place in the table, whatever the
 * planner thinks that it knows of a table that is being filled. */
static const char retire_sql[] =
    "WITH gone AS (DELETE FROM ctai.record WHERE ctid = ANY (ARRAY("
    "  SELECT old.ctid FROM unnest($6::uuid[]) AS f (key), LATERAL ("
    "   SELECT r.ctid, r.incarnation, r.sequence FROM ctai.record AS r"
    "   WHERE r.scope = $1 AND r.agent = $2::integer AND r.key = f.key OFFSET 0) AS old"
    "  WHERE (old.incarnation, old.sequence) < ($4::bigint, $5::bigint))) RETURNING *)"
    " INSERT INTO ctai.record_history SELECT gone.*, $3::bigint FROM gone";

void store_rows_init(store_rows *self, database *connection, const store_meanwhile *meanwhile, arena *scratch)
{
    *self = (store_rows){.connection = connection, .scratch = scratch, .meanwhile = meanwhile};
}

static store_rows_source *find(const store_rows *self, const store_version *version)
{
    store_rows_source *at = self->sources;
    while (at && (at->agent != version->agent || strcmp(at->scope, version->scope) != 0))
        at = at->next;
    return at;
}

/* NULL: no memory. */
static store_rows_source *find_or_add(store_rows *self, const store_version *version)
{
    store_rows_source *source = find(self, version);
    if (source)
        return source;
    source = arena_take(self->scratch, sizeof *source);
    if (source) {
        *source = (store_rows_source){.next = self->sources, .scope = version->scope, .agent = version->agent, .end = &source->first};
        self->sources = source;
    }
    return source;
}

database_error store_rows_admit(store_rows *self, const store_version *version, const store_record *records, size_t count)
{
    const store_rows_source *source = find(self, version);
    if (count == 0 || !source || !source->last_key || memcmp(source->last_key, records[0].what.key, RECORD_KEY) < 0)
        return DATABASE_OK;
    return store_rows_write(self);
}

static bool is_put(const store_record *one, bool staged)
{
    return one->what.operation == RECORD_PUT && one->right->staged == staged;
}

/* Has the table a key from first to last? What was seen above the batch before is good for this one: only store_rows_write,
 * and what comes after it, adds rows. */
static database_error look(database *connection, store_rows_source *source, const uint8_t *first, const uint8_t *last, bool *any)
{
    char agent[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(source->scope), database_number(agent, source->agent),
                                             DATABASE_BYTES(first, RECORD_KEY)};
    database_result *result = NULL;
    database_error error = source->looked ? DATABASE_OK : database_repeat(connection, above_sql, parameters, 3, &result);
    if (error == DATABASE_OK && !source->looked) {
        memset(source->above, 0xff, sizeof source->above);
        if (database_rows(result) > 0 && database_bytes(result, 0, 0, source->above, RECORD_KEY) != RECORD_KEY)
            error = database_fail(connection, DATABASE_FAULT, "la base de données est abîmée (record)");
        source->looked = error == DATABASE_OK;
    }
    database_release(&result);
    *any = memcmp(source->above, last, RECORD_KEY) <= 0;
    return error;
}

/* What the keys stand for goes to history. */
static database_error retire(database *connection, store_rows_source *source, const store_version *version, database_parameter keys,
                             const uint8_t *first, const uint8_t *last)
{
    char agent[DATABASE_NUMBER_TEXT], incarnation[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT],
        position[DATABASE_NUMBER_TEXT];
    bool any = false;
    database_error error = look(connection, source, first, last, &any);
    if (error != DATABASE_OK || !any)
        return error;
    source->looked = false;
    const database_parameter parameters[] = {
        DATABASE_TEXT(version->scope), database_number(agent, version->agent), database_number(position, (int64_t)version->position),
        database_number(incarnation, (int64_t)version->incarnation), database_number(sequence, (int64_t)version->sequence), keys};
    return database_repeat(connection, retire_sql, parameters, 6, NULL);
}

/* While contracts are replaced, a key may stand for something on the other side, too. */
static database_error unstage(database *connection, const store_version *version, database_parameter keys)
{
    char agent[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent), keys};
    return database_query(connection, "SELECT ctai.unstage_records($1, $2::integer, $3::uuid[], NULL)", parameters, 3, NULL);
}

static database_error leave(database *connection, const store_version *version, database_parameter keys)
{
    char agent[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(position, (int64_t)version->position), keys};
    return database_query(connection, "SELECT ctai.leave_records($1, $2::integer, $3::bigint, $4::uuid[])", parameters, 4, NULL);
}

/* Makes room for the puts of one side: what their keys stand for goes. last: the largest of the keys; NULL: there is none. */
static database_error clear(database *connection, store_rows_source *source, const store_version *version,
                            const store_record *records, size_t count, bool staged, const uint8_t **last)
{
    const uint8_t *first = NULL;
    database_hashes keys;
    database_hashes_init(&keys);
    *last = NULL;
    for (size_t i = 0; i < count; i++)
        if (is_put(&records[i], staged)) {
            *last = records[i].what.key;
            first = first ? first : *last;
            database_hashes_add(&keys, *last);
        }
    const database_parameter all = database_hashes_end(&keys);
    database_error error = !all.value ? store_no_memory(connection) : DATABASE_OK;
    if (error == DATABASE_OK && first && version->replacing)
        error = unstage(connection, version, all);
    if (error == DATABASE_OK && first)
        error = staged ? leave(connection, version, all) : retire(connection, source, version, all, first, *last);
    database_hashes_release(&keys);
    return error;
}

static void add_token(database_copy *to, bool has, const uint8_t token[TOKEN_SIZE], const uint8_t *pepper)
{
    uint8_t stored[CRYPTO_SHORT_HASH];
    if (!has) {
        database_copy_null(to);
        return;
    }
    crypto_short_hash(stored, pepper, CRYPTO_KEY, token, TOKEN_SIZE);
    database_copy_hash(to, stored);
}

static void add_tokens(database_copy *to, const record *what, unsigned set, const uint8_t *pepper)
{
    if (what->token_sets <= set) {
        for (unsigned i = 0; i < TOKEN_COLUMNS; i++)
            database_copy_null(to);
        return;
    }
    const record_tokens *said = &what->tokens[set];
    database_copy_bigint(to, said->epoch);
    add_token(to, said->has_e, said->e, pepper);
    add_token(to, said->has_i, said->i, pepper);
    add_token(to, said->has_m, said->m, pepper);
}

static void add_text(database_copy *to, text_view text)
{
    if (text.size > 0)
        database_copy_text(to, text);
    else
        database_copy_null(to);
}

static void add_beneficiary(database_copy *to, const record *what)
{
    if (what->sex == RECORD_SEX_NONE)
        database_copy_null(to);
    else
        database_copy_text(to, text_of(what->sex == RECORD_SEX_F ? "F" : "H"));
    if (what->type != FACT_BENEFICIAIRE) {
        database_copy_null(to);
        database_copy_null(to);
        return;
    }
    database_copy_flag(to, what->bpi);
    database_copy_flag(to, what->under_25);
}

static void add_row(database_copy *to, const store_version *version, const store_record *from)
{
    const record *what = &from->what;
    database_copy_row(to, COLUMN_COUNT);
    database_copy_text(to, text_of(version->scope));
    database_copy_integer(to, version->agent);
    database_copy_bigint(to, (int64_t)version->position);
    database_copy_bigint(to, (int64_t)version->incarnation);
    database_copy_bigint(to, (int64_t)version->sequence);
    database_copy_hash(to, what->key);
    database_copy_integer(to, from->right->contract_id);
    database_copy_smallint(to, from->right->number);
    database_copy_text(to, text_of(fact_rule_of(what->type)->name));
    if (what->month == CIVIL_NONE)
        database_copy_null(to);
    else
        database_copy_integer(to, what->month / 12 * 100 + what->month % 12 + 1);
    if (what->has_quantity)
        database_copy_bigint(to, what->quantity);
    else
        database_copy_null(to);
    add_text(to, what->code);
    add_beneficiary(to, what);
    if (what->has_reference)
        database_copy_hash(to, what->reference);
    else
        database_copy_null(to);
    add_text(to, what->text);
    add_tokens(to, what, 0, version->pepper);
    add_tokens(to, what, 1, version->pepper);
}

static void add_rows(database_copy *to, const store_version *version, const store_record *records, size_t count, bool staged)
{
    for (size_t i = 0; i < count; i++)
        if (is_put(&records[i], staged))
            add_row(to, version, &records[i]);
}

database_error store_rows_put(store_rows *self, const store_version *version, const store_record *records, size_t count)
{
    const uint8_t *last;
    store_rows_source *source = find_or_add(self, version);
    waiting *kept = arena_take(self->scratch, sizeof *kept);
    if (!source || !kept)
        return store_no_memory(self->connection);
    database_error error = clear(self->connection, source, version, records, count, false, &last);
    if (error != DATABASE_OK || !last)
        return error;
    *kept = (waiting){.version = *version, .records = records, .count = count};
    *source->end = kept;
    source->end = &kept->next;
    source->last_key = last;
    return DATABASE_OK;
}

database_error store_rows_stage(store_rows *self, const store_version *version, const store_record *records, size_t count)
{
    const uint8_t *last;
    database_copy rows;
    database_error error = clear(self->connection, NULL, version, records, count, true, &last);
    if (error != DATABASE_OK)
        return error;
    database_copy_init(&rows, self->connection, "COPY ctai.record_staged" COPY_COLUMNS);
    add_rows(&rows, version, records, count, true);
    return database_copy_end(&rows);
}

database_error store_rows_write(store_rows *self)
{
    database_copy rows;
    database_copy_init(&rows, self->connection, "COPY ctai.record" COPY_COLUMNS);
    for (store_rows_source *source = self->sources; source; source = source->next) {
        for (const waiting *at = source->first; at; at = at->next)
            add_rows(&rows, &at->version, at->records, at->count, false);
        source->first = NULL;
        source->end = &source->first;
        source->last_key = NULL;
        source->looked = false;
    }
    database_copy_finish(&rows);
    if (self->meanwhile->work)
        self->meanwhile->work(self->meanwhile->whom);
    return database_copy_end(&rows);
}
