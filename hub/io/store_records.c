/*
 * store_records: see the header. A set travels as one text array per column, which unnest makes rows of; so a
 * statement has the same text, and a plan, whatever the number of records.
 */
#include "store_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a put, in the order of its statement. */
enum {
    KEY, CONTRACT, ACTION, TYPE, MONTH, QUANTITY, CODE, SEX, BPI, UNDER_25, EPOCH, TOKEN_E, TOKEN_I, TOKEN_M, REFERENCE,
    NARRATIVE, COLUMN_COUNT
};
enum { FIRST_ARRAY = 5, ARRAY_LIMIT_BYTES = 64 * 1024 * 1024 };

/* $1 scope, $2 agent, $3 incarnation, $4 sequence, $5 position, $6.. the arrays. */
static const char put_sql[] =
    "WITH fresh AS ("
    " SELECT * FROM unnest($6::uuid[], $7::integer[], $8::smallint[], $9::ctai.fact[], $10::integer[], $11::bigint[],"
    "  $12::text[], $13::ctai.sex[], $14::boolean[], $15::boolean[], $16::bigint[], $17::uuid[], $18::uuid[], $19::uuid[],"
    "  $20::uuid[], $21::text[]) AS f (key, contract_id, action, type, month, quantity, code, sex, bpi, under_25, epoch,"
    "  token_e, token_i, token_m, reference, narrative)),"
    " replaced AS ("
    " INSERT INTO ctai.record_history SELECT r.*, $5::bigint FROM ctai.record AS r JOIN fresh USING (key)"
    "  WHERE r.scope = $1 AND r.agent = $2::integer AND (r.incarnation, r.sequence) < ($3::bigint, $4::bigint))"
    " INSERT INTO ctai.record AS r (scope, agent, position, incarnation, sequence, key, contract_id, action, type, month,"
    "  quantity, code, sex, bpi, under_25, epoch, token_e, token_i, token_m, reference, narrative)"
    " SELECT $1, $2::integer, $5::bigint, $3::bigint, $4::bigint, f.key, f.contract_id, f.action, f.type, f.month, f.quantity,"
    "  f.code, f.sex, f.bpi, f.under_25, f.epoch, f.token_e, f.token_i, f.token_m, f.reference, f.narrative FROM fresh AS f"
    " ON CONFLICT (scope, agent, key) DO UPDATE SET position = excluded.position, incarnation = excluded.incarnation,"
    "  sequence = excluded.sequence, contract_id = excluded.contract_id, action = excluded.action, type = excluded.type,"
    "  month = excluded.month, quantity = excluded.quantity, code = excluded.code, sex = excluded.sex, bpi = excluded.bpi,"
    "  under_25 = excluded.under_25, epoch = excluded.epoch, token_e = excluded.token_e, token_i = excluded.token_i,"
    "  token_m = excluded.token_m, reference = excluded.reference, narrative = excluded.narrative"
    " WHERE (r.incarnation, r.sequence) < (excluded.incarnation, excluded.sequence)";

/* A withdrawal names its contract: a key of another contract's record stays. */
static const char withdraw_sql[] =
    "WITH gone AS ("
    " DELETE FROM ctai.record AS r USING unnest($4::uuid[], $5::integer[]) AS w (key, contract_id)"
    "  WHERE r.scope = $1 AND r.agent = $2::integer AND r.key = w.key AND r.contract_id = w.contract_id RETURNING r.*)"
    " INSERT INTO ctai.record_history SELECT gone.*, $3::bigint FROM gone";

static const char forget_second_sql[] =
    "DELETE FROM ctai.record_token WHERE scope = $1 AND agent = $2::integer AND key = ANY ($3::uuid[])";

static const char second_sql[] =
    "INSERT INTO ctai.record_token (scope, agent, key, epoch, token_e, token_i, token_m)"
    " SELECT $1, $2::integer, t.* FROM unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::uuid[], $7::uuid[])"
    " AS t (key, epoch, token_e, token_i, token_m)";

/* An array's text under construction: "{a,NULL,b"; batch_buffer's failure is sticky. */
static void array_text(batch_buffer *to, const char *text)
{
    batch_buffer_append(to, to->size == 0 ? "{" : ",", 1);
    batch_buffer_append(to, text, strlen(text));
}

static void array_null(batch_buffer *to)
{
    array_text(to, "NULL");
}

static void array_number(batch_buffer *to, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    array_text(to, text);
}

static void array_hash(batch_buffer *to, const uint8_t hash[CRYPTO_SHORT_HASH])
{
    char text[2 * CRYPTO_SHORT_HASH + 1];
    crypto_hex(text, hash, CRYPTO_SHORT_HASH);
    array_text(to, text);
}

/* Any text, quoted. */
static void array_quoted(batch_buffer *to, text_view text)
{
    array_text(to, "\"");
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            batch_buffer_append(to, "\\", 1);
        batch_buffer_append(to, text.at + i, 1);
    }
    batch_buffer_append(to, "\"", 1);
}

/* The text of a finished array; NULL when it failed. */
static const char *array_end(batch_buffer *to)
{
    if (to->size == 0)
        batch_buffer_append(to, "{", 1);
    batch_buffer_append(to, "}", 2); /* with the NUL */
    return to->failed ? NULL : (const char *)to->data;
}

static void init_arrays(batch_buffer *arrays, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        batch_buffer_init(&arrays[i], ARRAY_LIMIT_BYTES);
}

static void release_arrays(batch_buffer *arrays, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        batch_buffer_release(&arrays[i]);
}

static void array_token(batch_buffer *to, bool has, const uint8_t token[TOKEN_SIZE], const uint8_t *pepper)
{
    if (!has) {
        array_null(to);
        return;
    }
    uint8_t stored[CRYPTO_SHORT_HASH];
    crypto_short_hash(stored, pepper, CRYPTO_KEY, token, TOKEN_SIZE);
    array_hash(to, stored);
}

static void add_tokens(batch_buffer *arrays, const record *what, const uint8_t *pepper)
{
    static const record_tokens none;
    const record_tokens *tokens = what->token_sets > 0 ? &what->tokens[0] : &none;
    if (what->token_sets > 0)
        array_number(&arrays[EPOCH], tokens->epoch);
    else
        array_null(&arrays[EPOCH]);
    array_token(&arrays[TOKEN_E], tokens->has_e, tokens->e, pepper);
    array_token(&arrays[TOKEN_I], tokens->has_i, tokens->i, pepper);
    array_token(&arrays[TOKEN_M], tokens->has_m, tokens->m, pepper);
}

static void add_beneficiary(batch_buffer *arrays, const record *what)
{
    static const char *const sexes[] = {[RECORD_SEX_NONE] = "NULL", [RECORD_SEX_F] = "F", [RECORD_SEX_H] = "H"};
    bool is = what->type == FACT_BENEFICIAIRE;
    array_text(&arrays[SEX], sexes[what->sex]);
    array_text(&arrays[BPI], !is ? "NULL" : what->bpi ? "t" : "f");
    array_text(&arrays[UNDER_25], !is ? "NULL" : what->under_25 ? "t" : "f");
}

static void add_put(batch_buffer *arrays, const store_record *from, const uint8_t *pepper)
{
    const record *what = &from->what;
    array_hash(&arrays[KEY], what->key);
    array_number(&arrays[CONTRACT], from->right->contract_id);
    array_number(&arrays[ACTION], from->right->number);
    array_text(&arrays[TYPE], fact_rule_of(what->type)->name);
    if (what->month == CIVIL_NONE)
        array_null(&arrays[MONTH]);
    else
        array_number(&arrays[MONTH], what->month / 12 * 100 + what->month % 12 + 1);
    if (what->has_quantity)
        array_number(&arrays[QUANTITY], what->quantity);
    else
        array_null(&arrays[QUANTITY]);
    if (what->code.size > 0)
        array_quoted(&arrays[CODE], what->code);
    else
        array_null(&arrays[CODE]);
    add_beneficiary(arrays, what);
    add_tokens(arrays, what, pepper);
    if (what->has_reference)
        array_hash(&arrays[REFERENCE], what->reference);
    else
        array_null(&arrays[REFERENCE]);
    if (what->text.size > 0)
        array_quoted(&arrays[NARRATIVE], what->text);
    else
        array_null(&arrays[NARRATIVE]);
}

static database_error put(database *connection, const store_version *version, const store_record *records, size_t count)
{
    batch_buffer arrays[COLUMN_COUNT];
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
        if (records[i].what.operation == RECORD_PUT) {
            add_put(arrays, &records[i], version->pepper);
            puts++;
        }
    bool complete = true;
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        parameters[FIRST_ARRAY + i] = DATABASE_TEXT(array_end(&arrays[i]));
        complete = complete && !arrays[i].failed;
    }
    database_error error = puts == 0    ? DATABASE_OK
                           : !complete ? store_no_memory(connection)
                                       : database_query(connection, put_sql, parameters, FIRST_ARRAY + COLUMN_COUNT, NULL);
    release_arrays(arrays, COLUMN_COUNT);
    return error;
}

static database_error withdraw(database *connection, const store_version *version, const store_record *records, size_t count)
{
    batch_buffer arrays[2];
    char agent[DATABASE_NUMBER_TEXT], position[DATABASE_NUMBER_TEXT];
    size_t withdrawals = 0;
    init_arrays(arrays, 2);
    for (size_t i = 0; i < count; i++)
        if (records[i].what.operation == RECORD_WITHDRAW) {
            array_hash(&arrays[0], records[i].what.key);
            array_number(&arrays[1], records[i].right->contract_id);
            withdrawals++;
        }
    const char *keys = array_end(&arrays[0]), *contracts = array_end(&arrays[1]);
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent),
                                             database_number(position, (int64_t)version->position), DATABASE_TEXT(keys),
                                             DATABASE_TEXT(contracts)};
    database_error error = withdrawals == 0      ? DATABASE_OK
                           : !keys || !contracts ? store_no_memory(connection)
                                                 : database_query(connection, withdraw_sql, parameters, 5, NULL);
    release_arrays(arrays, 2);
    return error;
}

/* The second sets of tokens, of records that carry one; whatever the keys had before goes. */
static database_error write_second(database *connection, const store_version *version, const store_record *records, size_t count)
{
    batch_buffer arrays[6];
    char agent[DATABASE_NUMBER_TEXT];
    size_t seconds = 0;
    init_arrays(arrays, 6);
    for (size_t i = 0; i < count; i++) {
        const record *what = &records[i].what;
        array_hash(&arrays[0], what->key);
        if (what->operation != RECORD_PUT || what->token_sets < 2)
            continue;
        const record_tokens *tokens = &what->tokens[1];
        array_hash(&arrays[1], what->key);
        array_number(&arrays[2], tokens->epoch);
        array_token(&arrays[3], tokens->has_e, tokens->e, version->pepper);
        array_token(&arrays[4], tokens->has_i, tokens->i, version->pepper);
        array_token(&arrays[5], tokens->has_m, tokens->m, version->pepper);
        seconds++;
    }
    database_parameter parameters[7] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent)};
    bool complete = true;
    for (unsigned i = 0; i < 6; i++) {
        const char *text = array_end(&arrays[i]);
        complete = complete && text;
        if (i > 0)
            parameters[1 + i] = DATABASE_TEXT(text);
    }
    const database_parameter all[] = {parameters[0], parameters[1], DATABASE_TEXT((const char *)arrays[0].data)};
    database_error error = complete ? database_query(connection, forget_second_sql, all, 3, NULL) : store_no_memory(connection);
    if (error == DATABASE_OK && seconds > 0)
        error = database_query(connection, second_sql, parameters, 7, NULL);
    release_arrays(arrays, 6);
    return error;
}

database_error store_records_write(database *connection, const store_version *version, const store_record *records, size_t count)
{
    if (count == 0)
        return DATABASE_OK;
    database_error error = put(connection, version, records, count);
    if (error == DATABASE_OK)
        error = withdraw(connection, version, records, count);
    if (error == DATABASE_OK)
        error = write_second(connection, version, records, count);
    return error;
}
