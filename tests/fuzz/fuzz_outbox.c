/*
 * What the outbox reads back from its file: the input becomes the cells of a scope, a batch, a page of what is held and
 * the contracts, written past the outbox's own functions, as a damaged file would have them; then every function that
 * reads them runs. The database lives in memory, and each execution is rolled back.
 */
#include "fuzz.h"

#include "outbox_base.h"

static outbox *box;
static arena *memory;
static batch_buffer bytes;

/* The outbox says once that it is damaged; here that would be all it says. */
static void start(void)
{
    fuzz_start();
    outbox_error error = outbox_open(&box, "fuzz", "memdb");
    assert(error == OUTBOX_OK);
    box->damage_told = true;
}

static void put(const char *sql, const text_view *cells, unsigned count, const int64_t *numbers, unsigned number_count)
{
    enum { STATEMENTS = 4 };
    static struct { const char *sql; sqlite3_stmt *statement; } kept[STATEMENTS];
    sqlite3_stmt *statement = NULL;

    for (unsigned i = 0; i < STATEMENTS && statement == NULL; i++) {
        if (kept[i].sql == NULL) {
            kept[i].sql = sql;
            int prepared = sqlite3_prepare_v2(box->db, sql, -1, &kept[i].statement, NULL);
            assert(prepared == SQLITE_OK);
            (void) prepared;
        }
        if (kept[i].sql == sql)
            statement = kept[i].statement;
    }
    assert(statement != NULL);
    for (unsigned i = 0; i < count; i++)
        sqlite3_bind_blob64(statement, (int) i + 1, cells[i].size > 0 ? cells[i].at : "", cells[i].size, SQLITE_STATIC);
    for (unsigned i = 0; i < number_count; i++)
        sqlite3_bind_int64(statement, (int) (count + i) + 1, numbers[i]);
    (void) sqlite3_step(statement);
    (void) sqlite3_reset(statement);
}

static int64_t number(fuzz_tape *tape)
{
    int64_t value = fuzz_byte(tape);

    return value < 250 ? value % 16 : value == 250 ? -1 : value == 251 ? INT64_MIN : INT64_MAX;
}

static text_view cell(fuzz_tape *tape, bool long_one)
{
    size_t size = fuzz_byte(tape);

    return fuzz_some(tape, long_one ? size << 2 : size);
}

static void write_cells(fuzz_tape *tape)
{
    static const char SCOPE[] = "INSERT INTO scope (queued_hash, name, incarnation, queued, acknowledged, stable) VALUES (?1, '63', ?2, ?3, ?4, ?5)";
    static const char BATCH[] = "INSERT INTO batch (header, signature, bodies, scope, sequence, records) VALUES (?1, ?2, ?3, '63', ?4, ?5)";
    static const char HELD[] = "INSERT INTO held (entries, first_key, contract, generation) VALUES (?1, ?2, 'c1', 0)";
    static const char VALUE[] = "INSERT INTO value (value, name, of) VALUES (?1, 'contrats', '')";
    unsigned what = fuzz_byte(tape);

    text_view hash = {"0123456789abcdef0123456789abcdef", what & 1 ? 31 : CRYPTO_HASH};
    int64_t numbers[4] = {1, 3, 1, 0};
    for (unsigned i = 0; (what & 2) != 0 && i < 4; i++)
        numbers[i] = number(tape);
    put(SCOPE, &hash, 1, numbers, 4);
    for (int64_t sequence = 1; sequence <= 3; sequence++) {
        uint8_t zeros[CRYPTO_SIGNATURE + 1] = {0};
        text_view cells[3] = {cell(tape, false), {(const char *) zeros, what & 4 ? CRYPTO_SIGNATURE + 1 : CRYPTO_SIGNATURE}, cell(tape, true)};
        int64_t more[2] = {sequence, what & 8 ? number(tape) : 2};
        put(BATCH, cells, 3, more, 2);
    }
    for (unsigned i = 0; i < what >> 6; i++) {
        text_view entries = cell(tape, true);
        text_view cells[2] = {entries, {entries.at, entries.size < RECORD_KEY ? entries.size : RECORD_KEY}};
        put(HELD, cells, 2, NULL, 0);
    }
    text_view contracts = cell(tape, true);
    put(VALUE, &contracts, 1, NULL, 0);
}

static void tell_nothing(void *data, const outbox_refusal *refusal)
{
    assert(refusal->scope.size > 0);
    (void) data;
}

static void read_held(void)
{
    outbox_held *held;
    const difference_entry *entry;
    difference_entry before;
    bool any = false;

    if (outbox_held_open(box, text_of("c1"), &held) != OUTBOX_OK)
        return;
    while (outbox_held_next(held, &entry) == OUTBOX_OK) {
        assert(!any || memcmp(before.key, entry->key, RECORD_KEY) < 0);
        before = *entry;
        any = true;
    }
    outbox_held_close(&held);
}

static void read_all(fuzz_tape *tape)
{
    outbox_scope scopes[2];
    wire_message message;
    wire_contract *contracts;
    unsigned count;
    uint64_t pending;
    uint8_t hash[CRYPTO_HASH];

    if (outbox_scope_load(box, text_of("63"), &scopes[0]) == OUTBOX_OK)
        assert(scopes[0].incarnation > 0 && scopes[0].acknowledged <= scopes[0].queued && scopes[0].stable <= scopes[0].queued);
    (void) !outbox_scopes(box, scopes, 2, &count);
    for (uint64_t sequence = 1; sequence <= 4; sequence++) {
        batch_buffer *to = fuzz_buffer(&bytes, WIRE_MESSAGE_MAX);
        outbox_error error = outbox_message(box, "63", sequence, to);
        if (error == OUTBOX_OK)
            assert(wire_read(&message, memory, fuzz_written(to)) && message.type == WIRE_BATCH);
        (void) !outbox_header_hash(box, "63", sequence, hash);
    }
    read_held();
    if (outbox_contracts(box, memory, &contracts, &count) == OUTBOX_OK)
        assert(count <= WIRE_CONTRACTS_MAX);
    (void) !outbox_pending(box, &pending);

    outbox_tally tally = {0};
    wire_record_refusal refusals[2] = {{1 + fuzz_below(tape, 3), fuzz_below(tape, 4), RECORD_BAD_CODE}, {1, 0, RECORD_BAD_MONTH}};
    static const uint8_t signature[CRYPTO_SIGNATURE];
    outbox_receipt receipt = {.scope = "63", .sequence = fuzz_below(tape, 4), .stable = fuzz_below(tape, 4), .receipt = {"r", 1},
                              .signature = signature, .refusal_count = 2, .refusals = refusals};
    if (outbox_acknowledge(box, &receipt, &tally) == OUTBOX_OK)
        assert(tally.refused <= 2);
    (void) !outbox_refusals(box, tell_nothing, NULL);
    read_held();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_tape tape = fuzz_tape_of(data, size);

    if (box == NULL)
        start();
    (void) fuzz_arena(&memory, WIRE_SCRATCH_BYTES);
    outbox_error begun = outbox_begin(box);
    assert(begun == OUTBOX_OK);
    (void) begun;
    write_cells(&tape);
    read_all(&tape);
    outbox_rollback(box);
    return 0;
}
