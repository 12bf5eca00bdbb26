/* store_indicator: the catalogue as rows of ctai.indicator, which ctai.evaluate reads. */
#include <string.h>

#include "embedded.h"
#include "store_base.h"

enum { ARRAY_TEXT_MAX = 2048, LIST_ARENA_BYTES = 4 * 1024 * 1024 };
static const char list_name[] = "indicators.yaml";

/* "{a,b}" of names that need no quoting in an array (facts, codes). */
static void begin_array(char *text)
{
    text[0] = '\0';
}

static void add_name(char *text, text_view name)
{
    size_t size = strlen(text);
    if (size + name.size + 3 > ARRAY_TEXT_MAX)
        return;
    text[size] = size == 0 ? '{' : ',';
    size++;
    memcpy(text + size, name.at, name.size);
    text[size + name.size] = '\0';
}

static void end_array(char *text)
{
    size_t size = strlen(text);
    if (size == 0)
        text[size++] = '{';
    text[size++] = '}';
    text[size] = '\0';
}

static database_error write_one(database *connection, const char *contract_id, const char *version, unsigned rank,
                                const catalogue_indicator *one)
{
    static const char sql[] =
        "INSERT INTO ctai.indicator (contract_id, version, rank, code, label, unit, kind, measure, types, details,"
        " sex, bpi, under_25, share, not_done, variant_of)"
        " VALUES ($1::integer, $2::integer, $3::smallint, $4, $5, $6, $7::ctai.kind, $8::ctai.measure, $9::ctai.fact[],"
        " $10::text[], $11::ctai.sex, $12::boolean, $13::boolean, coalesce(nullif($14::smallint, 0), 80), $15::boolean,"
        " nullif($16, ''))";
    static const char *const sexes[] = {[RECORD_SEX_NONE] = NULL, [RECORD_SEX_F] = "F", [RECORD_SEX_H] = "H"};
    char rank_text[DATABASE_NUMBER_TEXT], share[DATABASE_NUMBER_TEXT], types[ARRAY_TEXT_MAX + 2], details[ARRAY_TEXT_MAX + 2];
    char code[RECORD_NAME_MAX + 1], variant_of[RECORD_NAME_MAX + 1], label[CATALOGUE_LABEL_MAX + 1], unit[CATALOGUE_UNIT_MAX + 1];
    (void)text_copy(code, sizeof code, one->code);
    (void)text_copy(variant_of, sizeof variant_of, one->variant_of);
    (void)text_copy(label, sizeof label, one->label);
    (void)text_copy(unit, sizeof unit, one->unit);
    begin_array(types);
    for (unsigned i = 0; i < one->type_count; i++)
        add_name(types, text_of(fact_rule_of(one->types[i])->name));
    end_array(types);
    begin_array(details);
    for (unsigned i = 0; i < one->detail_count; i++)
        add_name(details, one->details[i]);
    end_array(details);
    const database_parameter parameters[] = {
        DATABASE_TEXT(contract_id),
        DATABASE_TEXT(version),
        database_number(rank_text, rank),
        DATABASE_TEXT(code),
        DATABASE_TEXT(label),
        DATABASE_TEXT(unit),
        DATABASE_TEXT(catalogue_kind_name(one->kind)),
        DATABASE_TEXT(catalogue_measure_name(one->measure)),
        DATABASE_TEXT(types),
        one->detail_count > 0 ? DATABASE_TEXT(details) : DATABASE_NULL,
        DATABASE_TEXT(sexes[one->sex]),
        DATABASE_TEXT(one->bpi ? "t" : "f"),
        DATABASE_TEXT(one->under_25 ? "t" : "f"),
        database_number(share, one->share),
        DATABASE_TEXT(one->not_done ? "t" : "f"),
        DATABASE_TEXT(variant_of),
    };
    return database_query(connection, sql, parameters, sizeof parameters / sizeof *parameters, NULL);
}

database_error store_indicators_write(database *connection, int64_t contract_id, int64_t version, const catalogue *list)
{
    char contract_text[DATABASE_NUMBER_TEXT], version_text[DATABASE_NUMBER_TEXT];
    const database_parameter whose[] = {database_number(contract_text, contract_id), database_number(version_text, version)};
    database_error error = database_query(
        connection, "DELETE FROM ctai.indicator WHERE contract_id = $1::integer AND version = $2::integer", whose, 2, NULL);
    for (unsigned i = 0; error == DATABASE_OK && i < list->count; i++)
        error = write_one(connection, contract_text, version_text, i + 1, &list->items[i]);
    return error;
}

/* Has the database the list of that checksum? It stands among the migrations'. */
static database_error is_loaded(database *connection, const uint8_t checksum[CRYPTO_HASH], bool *loaded)
{
    const database_parameter parameters[] = {DATABASE_TEXT(list_name), DATABASE_BYTES(checksum, CRYPTO_HASH)};
    database_result *result = NULL;
    database_error error = database_query(connection, "SELECT FROM ctai.migration WHERE name = $1 AND checksum = $2",
                                          parameters, 2, &result);
    *loaded = error == DATABASE_OK && database_rows(result) > 0;
    database_release(&result);
    return error;
}

/* The checksum's row is written first: its lock makes another hub that loads the list at once wait. */
static database_error replace(database *connection, const catalogue *list, const uint8_t checksum[CRYPTO_HASH])
{
    const database_parameter parameters[] = {DATABASE_TEXT(list_name), DATABASE_BYTES(checksum, CRYPTO_HASH)};
    database_error error = database_begin(connection, false);
    if (error != DATABASE_OK)
        return error;
    error = database_query(connection,
                           "INSERT INTO ctai.migration AS m (name, checksum) VALUES ($1, $2)"
                           " ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()",
                           parameters, 2, NULL);
    if (error == DATABASE_OK)
        error = store_indicators_write(connection, 0, 0, list);
    return store_finish(connection, error);
}

database_error store_indicators_load(database *connection)
{
    const embedded_file *file = embedded_find(list_name);
    uint8_t checksum[CRYPTO_HASH];
    bool loaded = false;
    if (!file)
        return database_fail(connection, DATABASE_FAULT, "la liste nationale des indicateurs manque dans le programme");
    text_view bytes = {(const char *)file->data, file->size};
    batch_hash(checksum, bytes);
    database_error error = is_loaded(connection, checksum, &loaded);
    if (error != DATABASE_OK || loaded)
        return error;
    arena *from = arena_new(LIST_ARENA_BYTES);
    diag_sink silent = {0};
    catalogue list;
    if (!from)
        return store_no_memory(connection);
    if (catalogue_load(&list, from, list_name, bytes, &silent))
        error = replace(connection, &list, checksum);
    else if (arena_short(from))
        error = store_no_memory(connection);
    else
        error = database_fail(connection, DATABASE_FAULT, "la liste nationale des indicateurs est illisible");
    arena_destroy(&from);
    return error;
}
