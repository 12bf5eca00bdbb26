/* store_commit: see the header. Errors are the database's. */
#include "store_commit.h"

#include <string.h>

#include "database_array.h"
#include "store_keys.h"
#include "store_chain.h"

/* Is the code of a narrative one of the contract's indicators that take a text? */
static database_error check_indicator(database *connection, const store_record *from, record_reason *reason)
{
    static const char sql[] =
        "SELECT FROM ctai.indicator WHERE code = $2 AND kind = 'texte' AND (contract_id = 0 OR contract_id = $1::integer"
        " AND version = (SELECT max(version) FROM ctai.contract_version WHERE contract_id = $1::integer))";
    char contract[DATABASE_NUMBER_TEXT], code[RECORD_CODE_MAX + 1];
    if (!text_copy(code, sizeof code, from->what.code)) {
        *reason = RECORD_BAD_CODE;
        return DATABASE_OK;
    }
    const database_parameter parameters[] = {database_number(contract, from->right->contract_id), DATABASE_TEXT(code)};
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, 2, &result);
    if (error == DATABASE_OK && database_rows(result) == 0)
        *reason = RECORD_BAD_CODE;
    database_release(&result);
    return error;
}

/* Sorts what a batch's bodies say into records to write, which are moved to the front, and refusals. */
static database_error sort_bodies(database *connection, const store_place *here, const store_batch *batch, arena *scratch,
                                  store_record **records, size_t *count, store_outcome *outcome)
{
    store_reading *reading = batch->reading;
    if (!reading)
        reading = store_reading_new(batch->header, batch->bodies, batch->body_count, scratch);
    outcome->refusals = arena_take(scratch, sizeof *outcome->refusals * batch->body_count + 1);
    if (!reading || !outcome->refusals)
        return store_no_memory(connection);
    *records = reading->records;
    database_error error = DATABASE_OK;
    *count = 0;
    for (unsigned i = 0; error == DATABASE_OK && i < reading->count; i++) {
        store_record *next = &reading->records[i];
        record_reason reason = reading->reasons[i];
        if (reason == RECORD_OK && next->what.operation != RECORD_CLOSE)
            reason = store_place_find_right(here, &next->what, &next->right);
        if (reason == RECORD_OK && next->what.operation == RECORD_PUT && next->what.type == FACT_NARRATIVE)
            error = check_indicator(connection, next, &reason);
        if (reason != RECORD_OK) {
            outcome->refusals[outcome->refusal_count++] =
                (wire_record_refusal){.sequence = batch->header->sequence, .index = next->index, .reason = reason};
            continue;
        }
        if (*count < i)
            reading->records[*count] = *next;
        (*count)++;
    }
    return error;
}

static database_error write_refusals(database *connection, const store_place *here, const store_outcome *outcome)
{
    static const char sql[] = "INSERT INTO ctai.refusal (scope, agent, sequence, index, reason)"
                              " SELECT $1, $2::integer, $3::bigint, r.* FROM unnest($4::integer[], $5::smallint[]) AS r";
    if (outcome->refusal_count == 0)
        return DATABASE_OK;
    char agent[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT];
    database_array indexes, reasons;
    database_array_init(&indexes);
    database_array_init(&reasons);
    for (unsigned i = 0; i < outcome->refusal_count; i++) {
        database_array_number(&indexes, outcome->refusals[i].index);
        database_array_number(&reasons, outcome->refusals[i].reason);
    }
    const char *index_text = database_array_end(&indexes), *reason_text = database_array_end(&reasons);
    const database_parameter parameters[] = {
        DATABASE_TEXT(here->scope),
        database_number(agent, here->agent),
        database_number(sequence, (int64_t)outcome->refusals[0].sequence),
        DATABASE_TEXT(index_text),
        DATABASE_TEXT(reason_text),
    };
    database_error error = index_text && reason_text ? database_query(connection, sql, parameters, 5, NULL) : store_no_memory(connection);
    database_array_release(&indexes);
    database_array_release(&reasons);
    return error;
}

enum { COVERED_CONTRACT, COVERED_ACTION, COVERED_MONTH, COVERED_COMPLETE, COVERED_COLUMNS };

/* Adds the actions of a statement of coverage that the agent has a right to. */
static void add_coverage(const store_place *here, const batch_coverage *said, database_array *arrays)
{
    for (unsigned i = 0; i < said->action_count; i++) {
        const record what = {.operation = RECORD_PUT, .contract = said->contract, .action = said->actions[i], .month = CIVIL_NONE};
        const store_right_row *right = NULL;
        if (store_place_find_right(here, &what, &right) != RECORD_OK)
            continue;
        database_array_number(&arrays[COVERED_CONTRACT], right->contract_id);
        database_array_number(&arrays[COVERED_ACTION], right->number);
        if (said->last_month == CIVIL_NONE)
            database_array_null(&arrays[COVERED_MONTH]);
        else
            database_array_number(&arrays[COVERED_MONTH], said->last_month / 12 * 100 + said->last_month % 12 + 1);
        database_array_flag(&arrays[COVERED_COMPLETE], said->complete);
    }
}

/*
 * What the exports cover. Said twice of an action, the last word counts; additions alone never say that a later
 * month is not covered.
 */
static database_error write_coverage(database *connection, const store_place *here, const batch_header *header, uint64_t position)
{
    static const char sql[] =
        "INSERT INTO ctai.coverage AS old (scope, agent, contract_id, action, last_month, complete, position, since)"
        " SELECT DISTINCT ON (contract_id, action) $1, $2::integer, contract_id, action, last_month, complete, $3::bigint, $3::bigint"
        " FROM unnest($4::integer[], $5::smallint[], $6::integer[], $7::boolean[]) WITH ORDINALITY"
        "  AS said (contract_id, action, last_month, complete, place)"
        " ORDER BY contract_id, action, place DESC"
        " ON CONFLICT (scope, agent, contract_id, action) DO UPDATE SET complete = excluded.complete,"
        "  last_month = CASE WHEN excluded.complete THEN excluded.last_month"
        "                    ELSE greatest(old.last_month, excluded.last_month) END,"
        "  position = excluded.position";
    database_array arrays[COVERED_COLUMNS];
    char agent[DATABASE_NUMBER_TEXT], at[DATABASE_NUMBER_TEXT];
    for (unsigned i = 0; i < COVERED_COLUMNS; i++)
        database_array_init(&arrays[i]);
    for (unsigned i = 0; i < header->coverage_count; i++)
        add_coverage(here, &header->coverage[i], arrays);
    bool any = arrays[0].bytes.size > 0 || arrays[0].bytes.failed, complete = true;
    database_parameter parameters[3 + COVERED_COLUMNS] = {DATABASE_TEXT(here->scope), database_number(agent, here->agent),
                                                          database_number(at, (int64_t)position)};
    for (unsigned i = 0; i < COVERED_COLUMNS; i++) {
        parameters[3 + i] = DATABASE_TEXT(database_array_end(&arrays[i]));
        complete = complete && parameters[3 + i].value;
    }
    database_error error = !any        ? DATABASE_OK
                           : !complete ? store_no_memory(connection)
                                       : database_repeat(connection, sql, parameters, 3 + COVERED_COLUMNS, NULL);
    for (unsigned i = 0; i < COVERED_COLUMNS; i++)
        database_array_release(&arrays[i]);
    return error;
}

static database_error write_ledger(database *connection, const store_place *here, const store_batch *batch, const store_chain *link)
{
    char agent[DATABASE_NUMBER_TEXT], at[DATABASE_NUMBER_TEXT], incarnation[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(here->scope),
        database_number(at, (int64_t)link->position),
        database_number(agent, here->agent),
        database_number(incarnation, (int64_t)here->incarnation),
        database_number(sequence, (int64_t)here->sequence),
        DATABASE_BYTES(here->hash, CRYPTO_HASH),
        DATABASE_BYTES(batch->header_bytes.at, batch->header_bytes.size),
        DATABASE_BYTES(batch->signature, CRYPTO_SIGNATURE),
        DATABASE_BYTES(link->chain, CRYPTO_HASH),
    };
    return database_repeat(connection,
                          "INSERT INTO ctai.ledger (scope, position, agent, incarnation, sequence, header_hash, header,"
                          " signature, chain, received_at) VALUES ($1, $2::bigint, $3::integer, $4::bigint, $5::bigint, $6, $7,"
                          " $8, $9, clock_timestamp())", parameters, 9, NULL);
}

/* Of a batch in quarantine no body is taken, and the whole of it is kept. */
static database_error put_aside(database *connection, const store_place *here, const store_batch *batch, arena *scratch,
                                store_outcome *outcome)
{
    char agent[DATABASE_NUMBER_TEXT], sequence[DATABASE_NUMBER_TEXT];
    const database_parameter parameters[] = {
        DATABASE_TEXT(here->scope),
        database_number(agent, here->agent),
        database_number(sequence, (int64_t)here->sequence),
        DATABASE_TEXT(batch->quarantine == STORE_QUARANTINE_HEADER ? "header" : "data"),
        DATABASE_BYTES(batch->message.at, batch->message.size),
    };
    outcome->quarantined = true;
    outcome->refusals = arena_take(scratch, sizeof *outcome->refusals * batch->body_count + 1);
    if (!outcome->refusals)
        return store_no_memory(connection);
    for (unsigned i = 0; i < batch->body_count; i++)
        if (batch->bodies[i].at)
            outcome->refusals[outcome->refusal_count++] =
                (wire_record_refusal){.sequence = here->sequence, .index = i, .reason = RECORD_UNREADABLE};
    return database_query(connection,
                          "INSERT INTO ctai.quarantine (scope, agent, sequence, why, message)"
                          " VALUES ($1, $2::integer, $3::bigint, $4, $5)", parameters, 5, NULL);
}

/* The contracts of which the batch says that the whole table has come, where that was waited for. */
static database_error finish_replacements(database *connection, const store_place *here, const store_version *version,
                                          const batch_header *header)
{
    database_error error = DATABASE_OK;
    for (unsigned i = 0; error == DATABASE_OK && i < header->coverage_count; i++) {
        const store_right_row *of = NULL;
        for (unsigned k = 0; header->coverage[i].complete && k < here->right_count; k++)
            if (here->rights[k].staged && here->rights[k].allowed
                && text_is(header->coverage[i].contract, here->rights[k].contract))
                of = &here->rights[k];
        if (of)
            error = store_records_finish(connection, version, of->contract_id);
    }
    return error;
}

/* Refusals are in the order of their bodies; there is room for all. */
static void refuse(store_outcome *outcome, wire_record_refusal one)
{
    unsigned place = outcome->refusal_count++;
    for (; place > 0 && outcome->refusals[place - 1].index > one.index; place--)
        outcome->refusals[place] = outcome->refusals[place - 1];
    outcome->refusals[place] = one;
}

/* What the batch closes, once all else of it is written. */
static database_error close_epochs(store_rows *rows, store_scope *of, const store_version *version, const store_record *records,
                                   size_t count, arena *scratch, store_outcome *outcome)
{
    database *connection = rows->connection;
    database_error error = DATABASE_OK;
    for (size_t i = 0; error == DATABASE_OK && i < count; i++) {
        const record *what = &records[i].what;
        if (what->operation != RECORD_CLOSE)
            continue;
        batch_key which = {.epoch = what->epoch};
        record_reason reason;
        memcpy(which.id, what->key, TOKEN_KEY_ID);
        error = store_rows_write(rows); /* which records have which keys is asked of the tables */
        of->keys = NULL;
        if (error == DATABASE_OK)
            error = store_keys_close(connection, version->scope, &which, version->position, scratch, &reason);
        if (error == DATABASE_OK && reason != RECORD_OK)
            refuse(outcome, (wire_record_refusal){.sequence = version->sequence, .index = records[i].index, .reason = reason});
    }
    return error;
}

/* What the batch says: its records, what was refused of it, what it covers. */
static database_error write_content(store_rows *rows, const store_place *here, store_scope *of, const store_version *version,
                                    const store_batch *batch, arena *scratch, store_outcome *outcome)
{
    database *connection = rows->connection;
    store_record *records = NULL;
    size_t count = 0;
    database_error error = sort_bodies(connection, here, batch, scratch, &records, &count, outcome);
    if (error == DATABASE_OK)
        error = store_records_write(rows, version, records, count);
    if (error == DATABASE_OK)
        error = write_coverage(connection, here, batch->header, version->position);
    if (error == DATABASE_OK && version->replacing)
        error = store_rows_write(rows);
    if (error == DATABASE_OK && version->replacing)
        error = finish_replacements(connection, here, version, batch->header);
    if (error == DATABASE_OK)
        error = close_epochs(rows, of, version, records, count, scratch, outcome);
    return error;
}

database_error store_commit_batch(store *self, store_rows *rows, store_place *here, store_scope *of, const store_batch *batch,
                                  arena *scratch, store_outcome *outcome)
{
    database *connection = rows->connection;
    store_chain *last = &of->last;
    here->sequence = batch->header->sequence;
    batch_hash(here->hash, batch->header_bytes);
    store_chain_next(here->scope, PROOF_BATCH, here->hash, last);
    if (self->options.stable_at_commit)
        here->stable = here->sequence;
    const store_version version = {.scope = here->scope, .agent = here->agent, .incarnation = here->incarnation,
                                   .sequence = here->sequence, .position = last->position, .pepper = self->options.pepper,
                                   .replacing = here->replacing};
    database_error error = write_ledger(connection, here, batch, last);
    if (error == DATABASE_OK)
        error = batch->quarantine ? put_aside(connection, here, batch, scratch, outcome)
                                  : write_content(rows, here, of, &version, batch, scratch, outcome);
    if (error == DATABASE_OK)
        error = write_refusals(connection, here, outcome);
    outcome->stored = HUB_STORED_COMMITTED;
    outcome->ledger_position = last->position;
    memcpy(outcome->chain, last->chain, CRYPTO_HASH);
    return error;
}
