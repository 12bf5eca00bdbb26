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
    enum { STATEMENTS = 8 };
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

static void write_scope(fuzz_tape *tape, unsigned what)
{
    static const char SCOPE[] = "INSERT INTO scope (queued_hash, base_hash, request, seen_hash, name, incarnation, queued, acknowledged, stable,"
                                " base_sequence, seen_incarnation, seen_sequence, wanted, known, resync)"
                                " VALUES (?1, ?2, ?3, ?4, '63', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    static const char bytes_of[] = "0123456789abcdef0123456789abcdef";
    text_view hash = {bytes_of, CRYPTO_HASH}, request = {bytes_of, WIRE_REQUEST};
    text_view cells[4] = {hash, hash, request, hash};
    int64_t numbers[10] = {1, 3, 1, 0, 0, 1, 2, 2, 0, 1};

    if ((what & 1) != 0)
        cells[fuzz_below(tape, 4)].size--;
    for (unsigned i = 0; (what & 2) != 0 && i < 10; i++)
        numbers[i] = number(tape);
    put(SCOPE, cells, 4, numbers, 10);
}

static void write_cells(fuzz_tape *tape)
{
    static const char BATCH[] = "INSERT INTO batch (header, signature, bodies, scope, sequence, records) VALUES (?1, ?2, ?3, '63', ?4, ?5)";
    static const char GENERATION[] = "INSERT INTO generation (contract, scope, number) VALUES ('c1', '63', ?1)";
    static const char HELD[] = "INSERT INTO held (entries, first_key, contract, generation) VALUES (?1, ?2, 'c1', ?3)";
    static const char VALUE[] = "INSERT INTO value (value, name, of) VALUES (?1, 'contrats', '')";
    static const char NOTE[] = "INSERT INTO value (value, name, of) VALUES (?1, 'reprise', 'c1')";
    unsigned what = fuzz_byte(tape);
    int64_t generation = 1;

    write_scope(tape, what);
    for (int64_t sequence = 1; sequence <= 3; sequence++) {
        uint8_t zeros[CRYPTO_SIGNATURE + 1] = {0};
        text_view cells[3] = {cell(tape, false), {(const char *) zeros, what & 4 ? CRYPTO_SIGNATURE + 1 : CRYPTO_SIGNATURE}, cell(tape, true)};
        int64_t more[2] = {sequence, what & 8 ? number(tape) : 2};
        put(BATCH, cells, 3, more, 2);
    }
    put(GENERATION, NULL, 0, &generation, 1);
    for (unsigned i = 0; i < what >> 6; i++) {
        text_view entries = cell(tape, true);
        text_view cells[2] = {entries, {entries.at, entries.size < RECORD_KEY ? entries.size : RECORD_KEY}};
        put(HELD, cells, 2, &generation, 1);
    }
    text_view contracts = cell(tape, true), note = {"1 1700000000 63", 15};
    put(VALUE, &contracts, 1, NULL, 0);
    if ((what & 32) != 0)
        note = cell(tape, false);
    if ((what & 16) != 0)
        put(NOTE, &note, 1, NULL, 0);
}

static void tell_no_note(void *data, const outbox_note *note)
{
    assert(note->contract.size > 0 || note->kind == OUTBOX_NOTE_NONE);
    (void) data;
}

/* What a renewal and a comparison read and write. */
static void renew(fuzz_tape *tape)
{
    static crypto_sign_pair sign;
    static const uint8_t request[WIRE_REQUEST + 1] = "0123456789abcdef", hash[CRYPTO_HASH] = "0123456789abcdef0123456789abcde";
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    uint8_t hashes[2][CRYPTO_HASH], differs[WIRE_BUCKETS / 8], made[WIRE_REQUEST];
    unsigned choice = fuzz_byte(tape), count = choice >> 6 & 1 ? 2 : 0;
    uint64_t wanted = 2, sequence = choice >> 2 & 3;
    outbox_scope scope;

    if (sign.public_key[0] == 0)
        fuzz_pair(&sign, 1);
    memcpy(hashes[0], hash, CRYPTO_HASH);
    memcpy(hashes[1], hash, CRYPTO_HASH);
    wire_position seen = {.scope = text_of("63"), .incarnation = 1, .sequence = sequence};
    memcpy(seen.hash, hash, CRYPTO_HASH);
    if ((choice & 1) != 0)
        (void) !outbox_request(box, &seen, choice >> 5 & 1, &wanted, made);
    outbox_grant grant = {.request = choice & 1 ? made : request, .at = seen, .hash_count = count, .hashes = (const uint8_t (*)[CRYPTO_HASH]) hashes};
    grant.at.incarnation = 2;
    if ((choice & 2) != 0 && outbox_adopt(box, &sign, &grant, 1700000000, &scope) == OUTBOX_OK)
        assert(scope.incarnation == 2 && scope.base_sequence == sequence && scope.acknowledged == sequence && scope.queued >= sequence);
    if ((choice & 16) != 0 && outbox_scope_load(box, text_of("63"), &scope) == OUTBOX_OK) {
        wire_held records[2] = {{{0, 1}, text_of("c1"), 1, 1}, {{0, 2}, text_of("c1"), 1, 2}};
        outbox_listing listing = {.scope = text_of("63"), .incarnation = scope.incarnation, .sequence = scope.queued, .bucket = 0,
                                  .more = choice >> 7 & 1, .record_count = 2, .records = records};
        (void) !outbox_compare(box, text_of("63"), scope.incarnation, scope.queued, digests, differs);
        (void) !outbox_reconcile(box, &listing);
        (void) !outbox_resynced(box, text_of("63"));
    }
    (void) !outbox_notes(box, tell_no_note, NULL);
    (void) !outbox_note_answered(box, text_of("63"), text_of("c1"));
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
        assert(scopes[0].incarnation > 0 && scopes[0].acknowledged <= scopes[0].queued && scopes[0].stable <= scopes[0].queued
               && scopes[0].base_sequence <= scopes[0].queued);
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
    renew(&tape);
    outbox_rollback(box);
    return 0;
}
