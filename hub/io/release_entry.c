/*
 * release_entry: a masked regional table goes into the ledger of releases: a statement for each of its tables, with an
 * array for each column.
 */
#include <string.h>

#include "database_array.h"
#include "region_rows.h"
#include "release.h"
#include "release_names.h"

enum { COLUMNS_MAX = 16, ARRAY_TEXT_MAX = 2048 };

/* A statement's arrays; its first parameter is the release's number. */
typedef struct {
    database_array columns[COLUMNS_MAX];
    unsigned count;
} columns;

static void begin(columns *self, unsigned count)
{
    self->count = count;
    for (unsigned i = 0; i < count; i++)
        database_array_init(&self->columns[i]);
}

static database_error insert(columns *self, database *connection, const char *sql, uint64_t number)
{
    char text[DATABASE_NUMBER_TEXT];
    database_parameter parameters[COLUMNS_MAX + 1] = {database_number(text, (int64_t)number)};
    bool good = true;
    for (unsigned i = 0; i < self->count; i++) {
        parameters[i + 1] = DATABASE_TEXT(database_array_end(&self->columns[i]));
        good &= parameters[i + 1].value != NULL;
    }
    database_error error = good ? database_query(connection, sql, parameters, (int)self->count + 1, NULL) : DATABASE_NO_MEMORY;
    for (unsigned i = 0; i < self->count; i++)
        database_array_release(&self->columns[i]);
    return error;
}

static database_error enter_scopes(database *connection, uint64_t number, const region_reading *reading)
{
    columns of;
    begin(&of, 2);
    for (unsigned i = 0; i < reading->scope_count; i++) {
        database_array_text(&of.columns[0], reading->positions[i].scope);
        database_array_number(&of.columns[1], (int64_t)reading->positions[i].position);
    }
    return insert(&of, connection, "INSERT INTO ctai.release_scope (release, scope, position)"
                  " SELECT $1::bigint, * FROM unnest($2::text[], $3::bigint[])", number);
}

static database_error enter_territories(database *connection, uint64_t number, const region_table *table)
{
    columns of;
    begin(&of, 7);
    for (unsigned i = 0; i < table->territory_count; i++) {
        const region_territory *one = &table->territories[i];
        database_array_number(&of.columns[0], i);
        database_array_name(&of.columns[1], release_levels[one->level]);
        database_array_text(&of.columns[2], one->department);
        database_array_text(&of.columns[3], one->contract);
        database_array_text(&of.columns[4], one->name);
        database_array_text(&of.columns[5], one->scope);
        database_array_number(&of.columns[6], one->parent);
    }
    return insert(&of, connection,
                  "INSERT INTO ctai.release_territory (release, territory, level, department, contract, name, scope, parent)"
                  " SELECT $1::bigint, * FROM unnest($2::integer[], $3::ctai.territory[], $4::text[], $5::text[], $6::text[],"
                  " $7::text[], $8::integer[])", number);
}

/* "{a,b}" of names that need no quoting. */
static text_view list_of(const catalogue_indicator *what, bool types, char text[ARRAY_TEXT_MAX])
{
    size_t size = 0;
    unsigned count = types ? what->type_count : what->detail_count;
    text[size++] = '{';
    for (unsigned i = 0; i < count; i++) {
        text_view name = types ? text_of(fact_rule_of(what->types[i])->name) : what->details[i];
        if (size + name.size + 3 > ARRAY_TEXT_MAX)
            break;
        if (i > 0)
            text[size++] = ',';
        memcpy(text + size, name.at, name.size);
        size += name.size;
    }
    text[size++] = '}';
    return (text_view){text, size};
}

static database_error enter_indicators(database *connection, uint64_t number, const region_table *table)
{
    static const char *const sexes[] = {[RECORD_SEX_NONE] = "", [RECORD_SEX_F] = "F", [RECORD_SEX_H] = "H"};
    char list[ARRAY_TEXT_MAX];
    columns of;
    begin(&of, 15);
    for (unsigned i = 0; i < table->indicator_count; i++) {
        const catalogue_indicator *what = &table->indicators[i].what;
        database_array_number(&of.columns[0], i);
        database_array_text(&of.columns[1], what->code);
        database_array_text(&of.columns[2], what->label);
        database_array_text(&of.columns[3], what->unit);
        database_array_name(&of.columns[4], catalogue_kind_name(what->kind));
        database_array_name(&of.columns[5], catalogue_measure_name(what->measure));
        database_array_text(&of.columns[6], list_of(what, true, list));
        database_array_text(&of.columns[7], what->detail_count > 0 ? list_of(what, false, list) : text_of(""));
        database_array_text(&of.columns[8], text_of(sexes[what->sex]));
        database_array_flag(&of.columns[9], what->bpi);
        database_array_flag(&of.columns[10], what->under_25);
        database_array_number(&of.columns[11], what->share);
        database_array_flag(&of.columns[12], what->not_done);
        database_array_name(&of.columns[13], release_bases[table->indicators[i].basis]);
        database_array_flag(&of.columns[14], table->indicators[i].is_distinct);
    }
    return insert(&of, connection,
                  "INSERT INTO ctai.release_indicator (release, indicator, code, label, unit, kind, measure, types, details, sex, bpi,"
                  " under_25, share, not_done, basis, is_distinct)"
                  " SELECT $1::bigint, n, code, label, unit, kind, measure, types::ctai.fact[], nullif(details, '')::text[],"
                  " nullif(sex, '')::ctai.sex, bpi, under_25, share, not_done, basis, is_distinct"
                  " FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::ctai.kind[], $7::ctai.measure[], $8::text[],"
                  " $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::smallint[], $14::boolean[], $15::ctai.basis[],"
                  " $16::boolean[]) AS one (n, code, label, unit, kind, measure, types, details, sex, bpi, under_25, share, not_done,"
                  " basis, is_distinct)", number);
}

static database_error enter_cells(database *connection, uint64_t number, const region_table *table)
{
    columns of;
    begin(&of, 10);
    for (unsigned i = 0; i < table->cell_count; i++) {
        const region_cell *cell = &table->cells[i];
        database_array_number(&of.columns[0], cell->territory);
        database_array_number(&of.columns[1], cell->indicator);
        database_array_flag(&of.columns[2], cell->has_value);
        database_array_number(&of.columns[3], cell->amount);
        database_array_number(&of.columns[4], cell->of_records);
        database_array_number(&of.columns[5], cell->rests);
        database_array_text(&of.columns[6], cell->shown);
        database_array_flag(&of.columns[7], cell->masked);
        database_array_flag(&of.columns[8], cell->primary);
        database_array_flag(&of.columns[9], cell->repeated);
    }
    return insert(&of, connection,
                  "INSERT INTO ctai.release_cell (release, territory, indicator, has_value, amount, of_records, rests, shown, masked,"
                  " by_rule, repeated)"
                  " SELECT $1::bigint, * FROM unnest($2::integer[], $3::integer[], $4::boolean[], $5::bigint[], $6::bigint[],"
                  " $7::bigint[], $8::text[], $9::boolean[], $10::boolean[], $11::boolean[])", number);
}

static database_error enter_head(database *connection, const region_table *table, release *entered)
{
    static const char sql[] =
        "INSERT INTO ctai.release (release, region, from_month, to_month, threshold, possible, strict, digest, name)"
        " SELECT coalesce(max(release), 0) + 1, $1, $2::integer, $3::integer, $4::integer, $5::integer, $6::boolean, $7::bytea, $8"
        " FROM ctai.release"
        " RETURNING release, to_char(released_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    char code[8], from[DATABASE_NUMBER_TEXT], to[DATABASE_NUMBER_TEXT], threshold[DATABASE_NUMBER_TEXT], name[128];
    char values[DATABASE_NUMBER_TEXT];
    (void)text_copy(code, sizeof code, table->code);
    (void)text_copy(name, sizeof name, table->name);
    const database_parameter parameters[] = {
        DATABASE_TEXT(code), region_rows_month(from, table->from), region_rows_month(to, table->to),
        database_number(threshold, entered->options.threshold), database_number(values, entered->options.values),
        DATABASE_TEXT(entered->options.strict ? "t" : "f"), DATABASE_BYTES(entered->digest, sizeof entered->digest), DATABASE_TEXT(name),
    };
    database_result *result = NULL;
    database_error error = database_query(connection, sql, parameters, sizeof parameters / sizeof *parameters, &result);
    if (error == DATABASE_OK) {
        entered->number = (uint64_t)database_integer(result, 0, 0);
        (void)text_copy(entered->released_at, sizeof entered->released_at, text_of(database_text(result, 0, 1)));
    }
    database_release(&result);
    return error;
}

database_error release_enter(database *connection, const region_reading *reading, const disclosure_options *options,
                             const uint8_t digest[CRYPTO_HASH], release *entered)
{
    *entered = (release){.options = *options, .table = reading->table};
    memcpy(entered->digest, digest, CRYPTO_HASH);
    database_error error = enter_head(connection, &reading->table, entered);
    if (error == DATABASE_OK)
        error = enter_scopes(connection, entered->number, reading);
    if (error == DATABASE_OK)
        error = enter_territories(connection, entered->number, &reading->table);
    if (error == DATABASE_OK)
        error = enter_indicators(connection, entered->number, &reading->table);
    return error == DATABASE_OK ? enter_cells(connection, entered->number, &reading->table) : error;
}
