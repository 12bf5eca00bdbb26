/*
 * store_records: see the header. A set travels as one text array per column, which unnest makes rows of; so a
 * statement has the same text, and a plan, whatever the number of records.
 */
#include "store_records.h"

#include <stdlib.h>

#include "database_array.h"
#include "database_copy.h"
#include "store_erase.h"

/* Columns of a put, in the order of its statement. */
enum {
    KEY, CONTRACT, ACTION, TYPE, MONTH, QUANTITY, CODE, SEX, BPI, UNDER_25, REFERENCE, NARRATIVE,
    EPOCH, TOKEN_E, TOKEN_I, TOKEN_M, EPOCH_2, TOKEN_E_2, TOKEN_I_2, TOKEN_M_2, COLUMN_COUNT
};
enum { FIRST_ARRAY = 5 };
/* From how many on a look for those that are new, and a COPY of them, costs less than one statement for all. */
enum { COPY_MIN = 64 };

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

/* Which of the keys stand for something already (their places from 1); each is looked up, as in put_sql. */
static const char known_sql[] =
    "SELECT f.place FROM unnest($3::uuid[]) WITH ORDINALITY AS f (key, place), LATERAL ("
    "  SELECT FROM ctai.record AS r WHERE r.scope = $1 AND r.agent = $2::integer AND r.key = f.key OFFSET 0) AS old"
    " ORDER BY f.place";
/* In the order of copy_put. */
static const char copy_sql[] =
    "COPY ctai.record (scope, agent, position, incarnation, sequence, key, contract_id, action, type, month, quantity, code,"
    " sex, bpi, under_25, reference, narrative, epoch, token_e, token_i, token_m, epoch2, token_e2, token_i2, token_m2)"
    " FROM STDIN (FORMAT binary)";
static const char stage_sql[] = FRESH UPSERT("ctai.record_staged");

/* Beside a put: the key stood for something else until now. */
static const char leave_sql[] = "SELECT ctai.leave_records($1, $2::integer, $3::bigint, $4::uuid[])";
static const char unstage_sql[] = "SELECT ctai.unstage_records($1, $2::integer, $3::uuid[], NULL)";

static const char withdraw_sql[] = "SELECT ctai.withdraw_records($1, $2::integer, $3::bigint, $4::uuid[], $5::integer[])";
static const char withdraw_staged_sql[] = "SELECT ctai.unstage_records($1, $2::integer, $4::uuid[], $5::integer[])"
                                          " WHERE $3::bigint IS NOT NULL";

static int64_t month_number(civil_month month)
{
    return month / 12 * 100 + month % 12 + 1;
}

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
        database_array_number(&arrays[MONTH], month_number(what->month));
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

static bool is_put(const store_record *one, bool staged)
{
    return one->what.operation == RECORD_PUT && one->right->staged == staged;
}

/* Writes the records that are chosen over what their keys stand for, which goes to history. */
static database_error put_over(database *connection, const store_version *version, const store_record *const *chosen, size_t count,
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
    if (count == 0)
        return DATABASE_OK;
    init_arrays(arrays, COLUMN_COUNT);
    for (size_t i = 0; i < count; i++)
        add_put(arrays, chosen[i], version->pepper);
    bool complete = true;
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        parameters[FIRST_ARRAY + i] = DATABASE_TEXT(database_array_end(&arrays[i]));
        complete = complete && parameters[FIRST_ARRAY + i].value;
    }
    database_error error = !complete ? store_no_memory(connection) : DATABASE_OK;
    if (error == DATABASE_OK && version->replacing)
        error = clear_elsewhere(connection, version, parameters[FIRST_ARRAY + KEY].value, staged);
    if (error == DATABASE_OK)
        error = database_query(connection, staged ? stage_sql : put_sql, parameters, FIRST_ARRAY + COLUMN_COUNT, NULL);
    release_arrays(arrays, COLUMN_COUNT);
    return error;
}

static void copy_token(database_copy *to, bool has, const uint8_t token[TOKEN_SIZE], const uint8_t *pepper)
{
    uint8_t stored[CRYPTO_SHORT_HASH];
    if (!has) {
        database_copy_null(to);
        return;
    }
    crypto_short_hash(stored, pepper, CRYPTO_KEY, token, TOKEN_SIZE);
    database_copy_hash(to, stored);
}

static void copy_tokens(database_copy *to, const record_tokens *said, const uint8_t *pepper)
{
    if (!said) {
        for (unsigned i = EPOCH; i <= TOKEN_M; i++)
            database_copy_null(to);
        return;
    }
    database_copy_bigint(to, said->epoch);
    copy_token(to, said->has_e, said->e, pepper);
    copy_token(to, said->has_i, said->i, pepper);
    copy_token(to, said->has_m, said->m, pepper);
}

static void copy_text(database_copy *to, text_view text)
{
    if (text.size > 0)
        database_copy_text(to, text);
    else
        database_copy_null(to);
}

static void copy_beneficiary(database_copy *to, const record *what)
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

static void copy_put(database_copy *to, const store_version *version, const store_record *from)
{
    const record *what = &from->what;
    database_copy_row(to, FIRST_ARRAY + COLUMN_COUNT);
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
        database_copy_integer(to, month_number(what->month));
    if (what->has_quantity)
        database_copy_bigint(to, what->quantity);
    else
        database_copy_null(to);
    copy_text(to, what->code);
    copy_beneficiary(to, what);
    if (what->has_reference)
        database_copy_hash(to, what->reference);
    else
        database_copy_null(to);
    copy_text(to, what->text);
    copy_tokens(to, what->token_sets > 0 ? &what->tokens[0] : NULL, version->pepper);
    copy_tokens(to, what->token_sets > 1 ? &what->tokens[1] : NULL, version->pepper);
}

/* Which of the chosen have a key that stands for something? They come first then, `known` of them; the others after them. */
static database_error part_known(database *connection, const store_version *version, const store_record **chosen, size_t count,
                                 size_t *known)
{
    char agent[DATABASE_NUMBER_TEXT];
    database_array keys;
    database_result *result = NULL;
    database_array_init(&keys);
    for (size_t i = 0; i < count; i++)
        database_array_hash(&keys, chosen[i]->what.key);
    const char *text = database_array_end(&keys);
    const database_parameter parameters[] = {DATABASE_TEXT(version->scope), database_number(agent, version->agent), DATABASE_TEXT(text)};
    database_error error = text ? database_query(connection, known_sql, parameters, 3, &result) : store_no_memory(connection);
    *known = 0;
    /* Places go up: what is put in front has been looked at, and what it changes places with comes before the next place. */
    for (int row = 0; error == DATABASE_OK && row < database_rows(result); row++) {
        size_t place = (size_t)database_integer(result, row, 0) - 1;
        const store_record *other = chosen[*known];
        chosen[(*known)++] = chosen[place];
        chosen[place] = other;
    }
    database_release(&result);
    database_array_release(&keys);
    return error;
}

/* Of keys that stand for nothing. */
static database_error put_new(database *connection, const store_version *version, const store_record *const *chosen, size_t count)
{
    database_copy rows;
    if (count == 0)
        return DATABASE_OK;
    database_copy_init(&rows);
    for (size_t i = 0; i < count; i++)
        copy_put(&rows, version, chosen[i]);
    database_error error = database_copy_in(connection, copy_sql, &rows);
    database_copy_release(&rows);
    return error;
}

static database_error put(database *connection, const store_version *version, const store_record *records, size_t count,
                          bool staged)
{
    const store_record **chosen = malloc((count + 1) * sizeof *chosen);
    size_t puts = 0, known;
    if (!chosen)
        return store_no_memory(connection);
    for (size_t i = 0; i < count; i++)
        if (is_put(&records[i], staged))
            chosen[puts++] = &records[i];
    database_error error = DATABASE_OK;
    known = puts;
    /* While contracts are replaced, keys may stand for something elsewhere, too: all go the one way. */
    if (puts >= COPY_MIN && !version->replacing)
        error = part_known(connection, version, chosen, puts, &known);
    if (error == DATABASE_OK)
        error = put_over(connection, version, chosen, known, staged);
    if (error == DATABASE_OK)
        error = put_new(connection, version, chosen + known, puts - known);
    free(chosen);
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
