/*
 * region: see the header.
 *
 * Contracts that are not purged are evaluated scope by scope (ctai.region_cells), which is nearly all of the time that a
 * report takes; so two connections on one snapshot, each of a thread, share the scopes. Of purged contracts the kept
 * evaluation is read, which is of their whole period.
 */
#include "region.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "region_rows.h"

enum { SEEN_MAX = 1024 };

database_error region_look_at(database *connection, const territory *places, const territory_region *of)
{
    char departments[SEEN_MAX] = "", region[8];
    size_t size = 0;
    for (unsigned i = 0; i < places->department_count; i++) {
        const territory_department *one = &places->departments[i];
        if (!text_equal(one->region, of->code) || size + one->code.size + 2 > sizeof departments)
            continue;
        if (size > 0)
            departments[size++] = ',';
        memcpy(departments + size, one->code.at, one->code.size);
        size += one->code.size;
        departments[size] = '\0';
    }
    (void)text_copy(region, sizeof region, of->code);
    const database_parameter parameters[] = {DATABASE_TEXT(departments), DATABASE_TEXT(region)};
    return database_query(connection, "SELECT set_config('ctai.department', $1, true), set_config('ctai.region', $2, true)",
                          parameters, 2, NULL);
}

/* One reading, and what it works with. */
typedef struct {
    database *connection;
    const territory *places;
    const region_query *query;
    arena *from;
    region_reading *reading;
    region_contract *contracts;
    unsigned contract_count;
    database_result *rows;   /* of ctai.region_contracts, as long as the reading lasts */
    region_sum *sum;
    database_result **cells; /* of each scope */
    database_error *errors;
    bool *by_helper;
    atomic_uint next_scope;
    char snapshot[64];
} reader;

enum { CONTRACT_KEY, CONTRACT_ID, CONTRACT_TITLE, CONTRACT_DEPARTMENT, CONTRACT_SCOPE, CONTRACT_POSITION, CONTRACT_WHOLE,
       CONTRACT_PURGED, CONTRACT_VERSION };

typedef struct { char code[8], from[DATABASE_NUMBER_TEXT], to[DATABASE_NUMBER_TEXT]; database_parameter parameters[3]; } asked;

/* $1 .. $3 of each question. */
static void ask(const region_query *query, asked *what)
{
    (void)text_copy(what->code, sizeof what->code, query->of->code);
    what->parameters[0] = DATABASE_TEXT(what->code);
    what->parameters[1] = region_rows_month(what->from, query->from);
    what->parameters[2] = region_rows_month(what->to, query->to);
}

static database_error read_contracts(reader *self)
{
    static const char sql[] =
        "SELECT contract_id, id, title, department, scope, reached, is_whole, is_purged, version"
        " FROM ctai.region_contracts($1, $2::integer, $3::integer) WITH ORDINALITY ORDER BY ordinality";
    asked what;
    bool failed = false;
    ask(self->query, &what);
    database_error error = database_query(self->connection, sql, what.parameters, 3, &self->rows);
    if (error != DATABASE_OK)
        return error;
    self->contracts = arena_take(self->from, sizeof *self->contracts * ((size_t)database_rows(self->rows) + 1));
    for (int row = 0; self->contracts && row < database_rows(self->rows); row++) {
        region_contract *one = &self->contracts[self->contract_count++];
        *one = (region_contract){
            .id = region_rows_text(self->from, self->rows, row, CONTRACT_ID, &failed),
            .title = region_rows_text(self->from, self->rows, row, CONTRACT_TITLE, &failed),
            .department = region_rows_text(self->from, self->rows, row, CONTRACT_DEPARTMENT, &failed),
            .scope = region_rows_text(self->from, self->rows, row, CONTRACT_SCOPE, &failed),
            .is_purged = database_flag(self->rows, row, CONTRACT_PURGED),
        };
        const territory_department *place = territory_department_find(self->places, one->department);
        one->department_name = place ? place->name : one->department;
    }
    return !self->contracts || failed ? DATABASE_NO_MEMORY : DATABASE_OK;
}

/* A purged contract of which the period takes a part cannot be told any more: it leaves, and a note says so. */
static database_error drop_parts(reader *self, bool *kept)
{
    unsigned count = 0;
    for (unsigned i = 0; i < self->contract_count; i++) {
        kept[i] = !self->contracts[i].is_purged || database_flag(self->rows, (int)i, CONTRACT_WHOLE);
        if (kept[i])
            self->contracts[count++] = self->contracts[i];
    }
    self->sum = region_sum_new(self->from, self->query->of->code, self->query->of->name, self->contracts, count);
    for (unsigned i = 0; self->sum && i < self->contract_count; i++)
        if (!kept[i] && !region_sum_note(self->sum, "le contrat « %s » a été purgé : seule reste son évaluation de toute sa durée ; "
                                         "il ne compte pas dans cette période", database_text(self->rows, (int)i, CONTRACT_ID)))
            return DATABASE_NO_MEMORY;
    self->contract_count = count;
    return self->sum ? DATABASE_OK : DATABASE_NO_MEMORY;
}

static int by_scope(const void *a, const void *b)
{
    return text_compare(((const region_position *)a)->scope, ((const region_position *)b)->scope);
}

static bool list_scopes(reader *self, const bool *kept)
{
    region_reading *reading = self->reading;
    reading->positions = arena_take(self->from, sizeof *reading->positions * (self->contract_count + 1));
    unsigned at = 0;
    for (int row = 0; reading->positions && row < database_rows(self->rows); row++) {
        if (!kept[row])
            continue;
        text_view scope = self->contracts[at++].scope;
        unsigned known = 0;
        while (known < reading->scope_count && !text_equal(reading->positions[known].scope, scope))
            known++;
        if (known == reading->scope_count)
            reading->positions[reading->scope_count++] =
                (region_position){scope, (uint64_t)database_integer(self->rows, row, CONTRACT_POSITION)};
    }
    if (reading->positions)
        qsort(reading->positions, reading->scope_count, sizeof *reading->positions, by_scope);
    return reading->positions != NULL;
}

static uint32_t contract_of(const reader *self, const char *id)
{
    for (uint32_t i = 0; i < self->contract_count; i++)
        if (text_is(self->contracts[i].id, id))
            return i;
    return self->contract_count;
}

static database_error read_indicators(reader *self)
{
    static const char sql[] =
        "SELECT c.id, " REGION_ROWS_INDICATOR
        " FROM ctai.indicator AS i LEFT JOIN ctai.region_contracts($1, $2::integer, $3::integer) AS c USING (contract_id)"
        " WHERE (i.contract_id, i.version) = (0, 0) OR i.version = c.version"
        " ORDER BY c.department COLLATE \"C\" NULLS FIRST, c.id COLLATE \"C\" NULLS FIRST, i.rank";
    asked what;
    database_result *result = NULL;
    ask(self->query, &what);
    database_error error = database_query(self->connection, sql, what.parameters, 3, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result); row++) {
        catalogue_indicator one;
        uint32_t contract = database_null(result, row, 0) ? REGION_SUM_NATIONAL : contract_of(self, database_text(result, row, 0));
        if (contract == self->contract_count)
            continue; /* one that has left */
        if (!region_rows_indicator(self->from, result, row, 1, &one))
            error = arena_short(self->from) ? DATABASE_NO_MEMORY
                : database_fail(self->connection, DATABASE_FAULT, "un indicateur de la base n’est pas de cette version du programme");
        else if (!region_sum_declare(self->sum, contract, &one))
            error = DATABASE_NO_MEMORY;
    }
    database_release(&result);
    return error;
}

/* The scopes that are left, one after the other, on a connection. */
static void take_scopes(reader *self, database *connection)
{
    static const char sql[] = "SELECT contract, department, indicator, value, amount, of_records, rests"
                              " FROM ctai.region_cells($1, $4, $2::integer, $3::integer)";
    asked what;
    ask(self->query, &what);
    for (unsigned i; (i = atomic_fetch_add(&self->next_scope, 1)) < self->reading->scope_count;) {
        char scope[RECORD_NAME_MAX + 1];
        (void)text_copy(scope, sizeof scope, self->reading->positions[i].scope);
        const database_parameter parameters[] = {what.parameters[0], what.parameters[1], what.parameters[2], DATABASE_TEXT(scope)};
        self->by_helper[i] = connection != self->connection;
        self->errors[i] = database_query(connection, sql, parameters, 4, &self->cells[i]);
    }
}

typedef struct { reader *of; database *connection; } help;

/* What a helper cannot do is done by the other connection: its failure is none of the reading's. */
static void *help_out(void *given)
{
    const help *self = given;
    char sql[128];
    snprintf(sql, sizeof sql, "SET TRANSACTION SNAPSHOT '%s'", self->of->snapshot);
    database_error error = database_begin(self->connection, true);
    if (error == DATABASE_OK)
        error = database_run(self->connection, sql);
    if (error == DATABASE_OK)
        error = region_look_at(self->connection, self->of->places, self->of->query->of);
    if (error == DATABASE_OK)
        take_scopes(self->of, self->connection);
    database_rollback(self->connection);
    return NULL;
}

static database_error take_snapshot(reader *self)
{
    database_result *result = NULL;
    database_error error = database_query(self->connection, "SELECT pg_export_snapshot()", NULL, 0, &result);
    const char *name = error == DATABASE_OK ? database_text(result, 0, 0) : "";
    /* It is put into a statement: nothing but what PostgreSQL makes of it. */
    if (strspn(name, "0123456789ABCDEF-") == strlen(name) && strlen(name) < sizeof self->snapshot)
        (void)text_copy(self->snapshot, sizeof self->snapshot, text_of(name));
    database_release(&result);
    return error;
}

static database_error evaluate(reader *self, database *helper)
{
    unsigned scopes = self->reading->scope_count;
    self->cells = arena_take(self->from, sizeof *self->cells * (scopes + 1));
    self->errors = arena_take(self->from, sizeof *self->errors * (scopes + 1));
    self->by_helper = arena_take(self->from, sizeof *self->by_helper * (scopes + 1));
    if (!self->cells || !self->errors || !self->by_helper)
        return DATABASE_NO_MEMORY;
    database_error error = helper && scopes > 1 ? take_snapshot(self) : DATABASE_OK;
    if (error != DATABASE_OK)
        return error;
    pthread_t thread;
    help given = {self, helper};
    bool helped = self->snapshot[0] && pthread_create(&thread, NULL, help_out, &given) == 0;
    take_scopes(self, self->connection);
    if (helped)
        pthread_join(thread, NULL);
    for (unsigned i = 0; i < scopes && error == DATABASE_OK; i++) {
        if (self->errors[i] != DATABASE_OK && self->by_helper[i]) {
            atomic_store(&self->next_scope, i);
            self->reading->scope_count = i + 1;
            take_scopes(self, self->connection);
            self->reading->scope_count = scopes;
        }
        error = self->errors[i];
    }
    return error;
}

/* Amounts are exact numbers of the database; *good is false when one does not fit. */
static int64_t amount_at(const database_result *result, int row, int column, bool *good)
{
    const char *text = database_text(result, row, column);
    *good &= strlen(text) <= 18;
    return *good ? database_integer(result, row, column) : 0;
}

static database_error too_large(database *connection)
{
    return database_fail(connection, DATABASE_CONFLICT, "une somme dépasse ce qu’un rapport peut dire : des quantités sont démesurées");
}

static database_error put_rows(reader *self, const database_result *result, text_view scope)
{
    for (int row = 0; row < database_rows(result); row++) {
        bool good = true, failed = false;
        region_part part = {.known = true, .has_value = !database_null(result, row, 3)};
        part.amount = amount_at(result, row, 4, &good);
        part.of_records = amount_at(result, row, 5, &good);
        part.rests = amount_at(result, row, 6, &good);
        if (!good)
            return too_large(self->connection);
        if (database_null(result, row, 0)) {
            text_view department = region_rows_text(self->from, result, row, 1, &failed);
            if (failed || !region_sum_distinct(self->sum, scope, department, part.amount))
                return DATABASE_NO_MEMORY;
            continue;
        }
        uint32_t contract = contract_of(self, database_text(result, row, 0));
        text_view code = region_rows_text(self->from, result, row, 2, &failed);
        part.shown = region_rows_text(self->from, result, row, 3, &failed);
        if (failed || (contract < self->contract_count && !region_sum_put(self->sum, contract, code, &part)))
            return DATABASE_NO_MEMORY;
    }
    return DATABASE_OK;
}

static database_error put_kept(reader *self)
{
    static const char sql[] =
        "SELECT c.id, k.indicator, k.value, k.amount, k.of_records, k.rests, k.amount IS NOT NULL"
        " FROM ctai.region_contracts($1, $2::integer, $3::integer) AS c JOIN ctai.purge_cell AS k USING (contract_id)"
        " WHERE c.is_purged AND c.is_whole AND k.action = 'contrat' ORDER BY c.contract_id, k.place";
    asked what;
    database_result *result = NULL;
    ask(self->query, &what);
    database_error error = database_query(self->connection, sql, what.parameters, 3, &result);
    for (int row = 0; error == DATABASE_OK && row < database_rows(result); row++) {
        bool good = true, failed = false;
        region_part part = {.known = database_flag(result, row, 6), .has_value = !database_null(result, row, 2)};
        text_view code = region_rows_text(self->from, result, row, 1, &failed);
        part.shown = region_rows_text(self->from, result, row, 2, &failed);
        part.amount = amount_at(result, row, 3, &good);
        part.of_records = amount_at(result, row, 4, &good);
        part.rests = amount_at(result, row, 5, &good);
        uint32_t contract = contract_of(self, database_text(result, row, 0));
        if (!good)
            error = too_large(self->connection);
        else if (failed || (contract < self->contract_count && !region_sum_put(self->sum, contract, code, &part)))
            error = DATABASE_NO_MEMORY;
    }
    database_release(&result);
    return error;
}

static database_error put_cells(reader *self)
{
    database_error error = DATABASE_OK;
    for (unsigned i = 0; i < self->reading->scope_count && error == DATABASE_OK; i++)
        error = put_rows(self, self->cells[i], self->reading->positions[i].scope);
    return error == DATABASE_OK ? put_kept(self) : error;
}

static database_error finish(reader *self)
{
    switch (region_sum_finish(self->sum, &self->reading->table)) {
    case REGION_SUM_DONE: break;
    case REGION_SUM_TOO_LARGE: return too_large(self->connection);
    case REGION_SUM_SHORT: return DATABASE_NO_MEMORY;
    }
    self->reading->table.from = self->query->from;
    self->reading->table.to = self->query->to;
    self->reading->note_count = region_sum_notes(self->sum, &self->reading->notes);
    return DATABASE_OK;
}

static database_error read_all(reader *self, database *helper)
{
    database_error error = region_look_at(self->connection, self->places, self->query->of);
    if (error == DATABASE_OK)
        error = read_contracts(self);
    if (error != DATABASE_OK)
        return error;
    bool *kept = arena_take(self->from, sizeof *kept * (self->contract_count + 1));
    error = kept ? drop_parts(self, kept) : DATABASE_NO_MEMORY;
    self->reading->note_count = self->sum ? region_sum_notes(self->sum, &self->reading->notes) : 0;
    if (error != DATABASE_OK || self->contract_count == 0)
        return error;
    if (!list_scopes(self, kept))
        return DATABASE_NO_MEMORY;
    error = read_indicators(self);
    if (error == DATABASE_OK)
        error = evaluate(self, helper);
    if (error == DATABASE_OK)
        error = put_cells(self);
    return error == DATABASE_OK ? finish(self) : error;
}

database_error region_read(database *connection, database *helper, const territory *places, const region_query *query, arena *from,
                           region_reading *reading)
{
    reader self = {.connection = connection, .places = places, .query = query, .from = from, .reading = reading};
    *reading = (region_reading){.table = {.code = query->of->code, .name = query->of->name, .from = query->from, .to = query->to}};
    database_error error = read_all(&self, helper);
    for (unsigned i = 0; self.cells && i < reading->scope_count; i++)
        database_release(&self.cells[i]);
    database_release(&self.rows);
    return error;
}
