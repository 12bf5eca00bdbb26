/*
 * store_records: see the header. A set travels as one text array per column, which unnest makes rows of; so a
 * statement has the same text, and a plan, whatever the number of records.
 */
#include "store_records.h"

#include "database_array.h"
#include "store_erase.h"

/* Columns of a put, in the order of its statement. */
enum {
    KEY, CONTRACT, ACTION, TYPE, MONTH, QUANTITY, CODE, SEX, BPI, UNDER_25, REFERENCE, NARRATIVE,
    EPOCH, TOKEN_E, TOKEN_I, TOKEN_M, EPOCH_2, TOKEN_E_2, TOKEN_I_2, TOKEN_M_2, COLUMN_COUNT
};
enum { FIRST_ARRAY = 5 };

/* $1 scope, $2 agent, $3 incarnation, $4 sequence, $5 position, $6.. the arrays. */
#define FRESH \
    "WITH fresh AS (" \
    " SELECT * FROM unnest($6::uuid[], $7::integer[], $8::smallint[], $9::ctai.fact[], $10::integer[], $11::bigint[]," \
    "  $12::text[], $13::ctai.sex[], $14::boolean[], $15::boolean[], $16::uuid[], $17::text[]," \
    "  $18::bigint[], $19::uuid[], $20::uuid[], $21::uuid[], $22::bigint[], $23::uuid[], $24::uuid[], $25::uuid[])" \
    "  AS f (key, contract_id, action, type, month, quantity, code, sex, bpi, under_25, reference, narrative," \
    "  epoch, token_e, token_i, token_m, epoch2, token_e2, token_i2, token_m2))"
#define UPSERT(table) \
    " INSERT INTO " table " AS r (scope, agent, position, incarnation, sequence, key, contract_id, action, type, month," \
    "  quantity, code, sex, bpi, under_25, reference, narrative, epoch, token_e, token_i, token_m, epoch2, token_e2, token_i2," \
    "  token_m2)" \
    " SELECT $1, $2::integer, $5::bigint, $3::bigint, $4::bigint, f.key, f.contract_id, f.action, f.type, f.month, f.quantity," \
    "  f.code, f.sex, f.bpi, f.under_25, f.reference, f.narrative, f.epoch, f.token_e, f.token_i, f.token_m, f.epoch2," \
    "  f.token_e2, f.token_i2, f.token_m2 FROM fresh AS f" \
    " ON CONFLICT (scope, agent, key) DO UPDATE SET position = excluded.position, incarnation = excluded.incarnation," \
    "  sequence = excluded.sequence, contract_id = excluded.contract_id, action = excluded.action, type = excluded.type," \
    "  month = excluded.month, quantity = excluded.quantity, code = excluded.code, sex = excluded.sex, bpi = excluded.bpi," \
    "  under_25 = excluded.under_25, reference = excluded.reference, narrative = excluded.narrative," \
    "  epoch = excluded.epoch, token_e = excluded.token_e, token_i = excluded.token_i, token_m = excluded.token_m," \
    "  epoch2 = excluded.epoch2, token_e2 = excluded.token_e2, token_i2 = excluded.token_i2, token_m2 = excluded.token_m2" \
    " WHERE (r.incarnation, r.sequence) < (excluded.incarnation, excluded.sequence)"

static const char put_sql[] =
    FRESH ","
    " replaced AS ("
    " INSERT INTO ctai.record_history SELECT old.*, $5::bigint FROM fresh, LATERAL ("
    /* OFFSET 0: each by the whole primary key, whatever the planner thinks that it knows of the table. */
    "  SELECT * FROM ctai.record AS r WHERE r.scope = $1 AND r.agent = $2::integer AND r.key = fresh.key OFFSET 0) AS old"
    "  WHERE (old.incarnation, old.sequence) < ($3::bigint, $4::bigint))" UPSERT("ctai.record");
static const char stage_sql[] = FRESH UPSERT("ctai.record_staged");

/* Beside a put: the key stood for something else until now. */
static const char leave_sql[] = "SELECT ctai.leave_records($1, $2::integer, $3::bigint, $4::uuid[])";
static const char unstage_sql[] = "SELECT ctai.unstage_records($1, $2::integer, $3::uuid[], NULL)";

static const char withdraw_sql[] = "SELECT ctai.withdraw_records($1, $2::integer, $3::bigint, $4::uuid[], $5::integer[])";
static const char withdraw_staged_sql[] = "SELECT ctai.unstage_records($1, $2::integer, $4::uuid[], $5::integer[])"
                                          " WHERE $3::bigint IS NOT NULL";

static void init_arrays(database_array *arrays, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        database_array_init(&arrays[i]);
}

static void release_arrays(database_array *arrays, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        database_array_release(&arrays[i]);
}

static void array_token(database_array *to, bool has, const uint8_t token[TOKEN_SIZE], const uint8_t *pepper)
{
    if (!has) {
        database_array_null(to);
        return;
    }
    uint8_t stored[CRYPTO_SHORT_HASH];
    crypto_short_hash(stored, pepper, CRYPTO_KEY, token, TOKEN_SIZE);
    database_array_hash(to, stored);
}

/* One set, into its columns from `epoch` on. */
static void add_tokens(database_array *epoch, const record_tokens *tokens, const uint8_t *pepper)
{
    enum { E = TOKEN_E - EPOCH, I = TOKEN_I - EPOCH, M = TOKEN_M - EPOCH };
    static const record_tokens none;
    if (tokens)
        database_array_number(epoch, tokens->epoch);
    else
        database_array_null(epoch);
    const record_tokens *said = tokens ? tokens : &none;
    array_token(&epoch[E], said->has_e, said->e, pepper);
    array_token(&epoch[I], said->has_i, said->i, pepper);
    array_token(&epoch[M], said->has_m, said->m, pepper);
}

static void add_beneficiary(database_array *arrays, const record *what)
{
    static const char *const sexes[] = {[RECORD_SEX_NONE] = "NULL", [RECORD_SEX_F] = "F", [RECORD_SEX_H] = "H"};
    bool is = what->type == FACT_BENEFICIAIRE;
    database_array_name(&arrays[SEX], sexes[what->sex]);
    database_array_name(&arrays[BPI], !is ? "NULL" : what->bpi ? "t" : "f");
    database_array_name(&arrays[UNDER_25], !is ? "NULL" : what->under_25 ? "t" : "f");
}

static void add_put(database_array *arrays, const store_record *from, const uint8_t *pepper)
{
    const record *what = &from->what;
    database_array_hash(&arrays[KEY], what->key);
    database_array_number(&arrays[CONTRACT], from->right->contract_id);
    database_array_number(&arrays[ACTION], from->right->number);
    database_array_name(&arrays[TYPE], fact_rule_of(what->type)->name);
    if (what->month == CIVIL_NONE)
        database_array_null(&arrays[MONTH]);
    else
        database_array_number(&arrays[MONTH], what->month / 12 * 100 + what->month % 12 + 1);
    if (what->has_quantity)
        database_array_number(&arrays[QUANTITY], what->quantity);
    else
        database_array_null(&arrays[QUANTITY]);
    if (what->code.size > 0)
        database_array_text(&arrays[CODE], what->code);
    else
        database_array_null(&arrays[CODE]);
    add_beneficiary(arrays, what);
    add_tokens(&arrays[EPOCH], what->token_sets > 0 ? &what->tokens[0] : NULL, pepper);
    add_tokens(&arrays[EPOCH_2], what->token_sets > 1 ? &what->tokens[1] : NULL, pepper);
    if (what->has_reference)
        database_array_hash(&arrays[REFERENCE], what->reference);
    else
        database_array_null(&arrays[REFERENCE]);
    if (what->text.size > 0)
        database_array_text(&arrays[NARRATIVE], what->text);
    else
        database_array_null(&arrays[NARRATIVE]);
}

/* What the keys that are put stood for elsewhere: staged, in a contract that is not; or the other way about. */
static database_error clear_elsewhere(database *connection, const store_version *version, const char *keys, bool staged)
{
    char agent[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    const database_parameter scope = DATABASE_TEXT(version->scope), number = database_number(agent, version->agent);
    if (!staged)
        return database_query(connection, unstage_sql, (const database_parameter[]){scope, number, DATABASE_TEXT(keys)}, 3, NULL);
    const database_parameter parameters[] = {scope, number, database_number(position, (int64_t)version->position),
                                             DATABASE_TEXT(keys)};
    return database_query(connection, leave_sql, parameters, 4, NULL);
}

static database_error put(database *connection, const store_version *version, const store_record *records, size_t count,
                          bool staged)
{
    database_array arrays[COLUMN_COUNT];
    char agent[DATABASE_NUMBER_TEXT], incarnation[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT],
        position[DATABASE_NUMBER_TEXT];
    database_parameter parameters[FIRST_ARRAY + COLUMN_COUNT] = {
        DATABASE_TEXT(version->scope),
        database_number(agent, version->agent),
        database_number(incarnation, (int64_t)version->incarnation),
        database_number(sequence, (int64_t)version->sequence),
        database_number(position, (int64_t)version->position),
    };
    init_arrays(arrays, COLUMN_COUNT);
    size_t puts = 0;
    for (size_t i = 0; i < count; i++)
        if (records[i].what.operation == RECORD_PUT && records[i].right->staged == staged) {
            add_put(arrays, &records[i], version->pepper);
            puts++;
        }
    bool complete = true;
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        parameters[FIRST_ARRAY + i] = DATABASE_TEXT(database_array_end(&arrays[i]));
        complete = complete && parameters[FIRST_ARRAY + i].value;
    }
    database_error error = complete || puts == 0 ? DATABASE_OK : store_no_memory(connection);
    if (error == DATABASE_OK && puts > 0 && version->replacing)
        error = clear_elsewhere(connection, version, parameters[FIRST_ARRAY + KEY].value, staged);
    if (error == DATABASE_OK && puts > 0)
        error = database_query(connection, staged ? stage_sql : put_sql, parameters, FIRST_ARRAY + COLUMN_COUNT, NULL);
    release_arrays(arrays, COLUMN_COUNT);
    return error;
}

static database_error withdraw(database *connection, const store_version *version, const store_record *records, size_t count,
                               bool staged)
{
    database_array arrays[2];
    char agent[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    size_t withdrawals = 0;
    init_arrays(arrays, 2);
    for (size_t i = 0; i < count; i++)
        if (records[i].what.operation == RECORD_WITHDRAW && records[i].right->staged == staged) {
            database_array_hash(&arrays[0], records[i].what.key);
            database_array_number(&arrays[1], records[i].right->contract_id);
            withdrawals++;
        }
    const char *keys = database_array_end(&arrays[0]), *contracts = database_array_end(&arrays[1]);
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(position, (int64_t)version->position), DATABASE_TEXT(keys),
                                             DATABASE_TEXT(contracts)};
    database_error error = DATABASE_OK;
    if (withdrawals > 0 && (!keys || !contracts))
        error = store_no_memory(connection);
    else if (withdrawals > 0)
        error = database_query(connection, staged ? withdraw_staged_sql : withdraw_sql, parameters, 5, NULL);
    release_arrays(arrays, 2);
    return error;
}

database_error store_records_write(database *connection, const store_version *version, const store_record *records, size_t count)
{
    if (count == 0)
        return DATABASE_OK;
    database_error error = put(connection, version, records, count, false);
    if (error == DATABASE_OK && version->replacing)
        error = put(connection, version, records, count, true);
    if (error == DATABASE_OK)
        error = withdraw(connection, version, records, count, false);
    if (error == DATABASE_OK && version->replacing)
        error = withdraw(connection, version, records, count, true);
    if (error == DATABASE_OK)
        error = store_erase_records(connection, version, records, count);
    return error;
}

database_error store_records_finish(database *connection, const store_version *version, int64_t contract_id)
{
    char agent[DATABASE_NUMBER_TEXT], contract[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(contract, contract_id),
                                             database_number(position, (int64_t)version->position)};
    return database_query(connection, "SELECT ctai.finish_replacement($1, $2::integer, $3::integer, $4::bigint)", parameters, 4,
                          NULL);
}
