/*
 * An exported ledger. An input that begins with 0 is frames as they stand (each two bytes of its length, then the frame),
 * with 1 a file of receipts; any other is a tape that tampers with a good ledger, which the hub then seals as though
 * nothing was: what was changed is found, what was not is not. At last a byte of the sealed file is changed.
 */
#include "fuzz.h"

#include "mpack.h"
#include "proof_file.h"

enum { MEMORY_BYTES = 4 << 20, AGENTS = 2, BATCHES = 6, ENTRIES = BATCHES + 1, FILE_MAX = 64 * 1024, DEFINITION = 40 };

typedef struct {
    bool contract;
    uint64_t position, version;
    uint8_t header[512], signature[CRYPTO_SIGNATURE], chain[CRYPTO_HASH];
    size_t size;
} entry;

static crypto_sign_pair hub, pairs[AGENTS];
static entry good[ENTRIES];
static uint8_t last_chain[CRYPTO_HASH];
static unsigned findings;

static void tell(void *data, const proof_check_finding *finding)
{
    char text[PROOF_CHECK_TEXT_MAX];

    (void) data;
    proof_check_text(text, finding);
    assert(strlen(text) > 20 && strlen(text) < PROOF_CHECK_TEXT_MAX - 1);
    findings++;
}

static void tell_receipts(void *data, unsigned file, proof_receipts_fit fit)
{
    (void) data, (void) file;
    assert((proof_receipts_fit_text(fit)[0] == '\0') == (fit == PROOF_RECEIPTS_FIT));
}

/* The contract, then batches of the agents in turn. */
static void make_good(void)
{
    uint8_t previous[AGENTS][CRYPTO_HASH] = {{0}}, bodies[2][CRYPTO_HASH] = {{1}, {2}}, hash[CRYPTO_HASH];
    static batch_buffer bytes;

    for (unsigned i = 0; i < ENTRIES; i++) {
        entry *one = &good[i];
        unsigned agent = i % AGENTS;
        one->position = i + 1;
        one->contract = i == 0;
        if (one->contract) {
            one->version = 1;
            one->size = DEFINITION;
            memset(one->header, 'x', DEFINITION);
            bool made = proof_contract(hash, text_of("c"), 1, (text_view){(char *) one->header, one->size});
            assert(made);
        } else {
            batch_header header = {.scope = text_of("63"), .incarnation = i > 4 && agent == 1 ? 2 : 1,
                                   .sequence = (i - 1) / AGENTS + 1, .scheme = 1, .body_count = 2, .hashes = bodies};
            memcpy(header.agent, pairs[agent].public_key, CRYPTO_PUBLIC);
            memcpy(header.previous, previous[agent], CRYPTO_HASH);
            (void) fuzz_buffer(&bytes, sizeof one->header);
            batch_write_header(&bytes, &header);
            assert(!bytes.failed);
            memcpy(one->header, bytes.data, one->size = bytes.size);
            batch_sign(one->signature, fuzz_written(&bytes), &pairs[agent]);
            batch_hash(hash, fuzz_written(&bytes));
            memcpy(previous[agent], hash, CRYPTO_HASH);
        }
        proof_link(last_chain, last_chain, text_of("63"), one->position, one->contract ? PROOF_CONTRACT : PROOF_BATCH, hash);
        memcpy(one->chain, last_chain, CRYPTO_HASH);
    }
}

/* Changes one thing. */
static void tamper(fuzz_tape *tape, entry *all, unsigned *count)
{
    unsigned i = fuzz_below(tape, *count), k = fuzz_below(tape, *count), at = fuzz_byte(tape);
    uint8_t bit = (uint8_t) (1 << fuzz_below(tape, 8));
    entry kept;

    switch (fuzz_below(tape, 7)) {
    case 0: all[i].header[at % all[i].size] ^= bit; break;
    case 1: all[i].signature[at % CRYPTO_SIGNATURE] ^= bit; break;
    case 2: all[i].chain[at % CRYPTO_HASH] ^= bit; break;
    case 3: all[i].position ^= bit; break;
    case 4: all[i].version ^= bit; break;
    case 5:
        memmove(&all[i], &all[i + 1], (*count - i - 1) * sizeof *all);
        --*count;
        break;
    default:
        kept = all[i];
        all[i] = all[k];
        all[k] = kept;
    }
}

/* Is that still what was recorded? Of a contract there is no signature, of a batch no version. */
static bool is_good(const entry *all, unsigned count)
{
    bool same = count == ENTRIES;

    for (unsigned i = 0; same && i < count; i++)
        same = all[i].position == good[i].position && all[i].size == good[i].size && all[i].contract == good[i].contract
            && memcmp(all[i].header, good[i].header, good[i].size) == 0 && memcmp(all[i].chain, good[i].chain, CRYPTO_HASH) == 0
            && (all[i].contract ? all[i].version == good[i].version
                                : memcmp(all[i].signature, good[i].signature, CRYPTO_SIGNATURE) == 0);
    return same;
}

/* Adds a frame to the file. */
static void add(batch_buffer *file, batch_buffer *frame)
{
    assert(!frame->failed);
    batch_buffer_append(file, frame->data, frame->size);
    batch_buffer_clear(frame);
}

static void seal(batch_buffer *file, const entry *all, unsigned count)
{
    static batch_buffer kept;
    static const uint8_t curve[CRYPTO_PUBLIC] = {7};
    batch_buffer *frame = fuzz_buffer(&kept, FILE_MAX);
    proof_file_writer writer;

    proof_file_write_head(&writer, frame, curve, hub.public_key, 1700000000);
    add(file, frame);
    for (unsigned i = 0; i < AGENTS; i++) {
        credential_identity identity = {.name = {(char) ('a' + i)}};
        memcpy(identity.sign, pairs[i].public_key, CRYPTO_PUBLIC);
        proof_file_write_agent(&writer, frame, &identity);
        add(file, frame);
    }
    proof_file_write_scope(&writer, frame, text_of("63"), ENTRIES, last_chain);
    add(file, frame);
    proof_file_write_grant(&writer, frame, 1, 2, 2);
    add(file, frame);
    for (unsigned i = 0; i < count; i++) {
        text_view bytes = {(const char *) all[i].header, all[i].size};
        if (all[i].contract)
            proof_file_write_contract(&writer, frame, all[i].position, text_of("c"), all[i].version, bytes, all[i].chain);
        else
            proof_file_write_batch(&writer, frame, all[i].position, bytes, all[i].signature, all[i].chain);
        add(file, frame);
    }
    proof_file_write_end(&writer, frame, &hub);
    add(file, frame);
}

/* Gives the state after the last frame; MALFORMED also when the file is cut. */
static proof_file_state read_file(text_view file, arena *memory, arena *scratch)
{
    const proof_file_options options = {.tell = tell, .tell_receipts = tell_receipts};
    proof_file *self = proof_file_new(memory, scratch, &options);
    proof_file_state state = PROOF_FILE_MORE;
    const uint8_t *at = (const uint8_t *) file.at, *end = at + file.size;

    assert(self != NULL);
    findings = 0;
    while (at < end) {
        if (end - at < PROOF_FILE_LENGTH)
            return PROOF_FILE_MALFORMED;
        size_t size = (size_t) at[0] << 24 | (size_t) at[1] << 16 | (size_t) at[2] << 8 | at[3];
        at += PROOF_FILE_LENGTH;
        if (size == 0 || size > (size_t) (end - at) || state != PROOF_FILE_MORE)
            return PROOF_FILE_MALFORMED;
        state = proof_file_take(self, (text_view){(const char *) at, size});
        at += size;
    }
    assert(proof_file_total(self).faults == findings);
    return state;
}

static void read_tape(fuzz_tape *tape, arena *memory, arena *scratch)
{
    static batch_buffer kept;
    batch_buffer *file = fuzz_buffer(&kept, FILE_MAX);
    entry all[ENTRIES];
    unsigned count = ENTRIES, changes = fuzz_below(tape, 4);

    memcpy(all, good, sizeof all);
    for (unsigned i = 0; i < changes && count > 1; i++)
        tamper(tape, all, &count);
    bool same = is_good(all, count);
    seal(file, all, count);
    proof_file_state state = read_file(fuzz_written(file), memory, scratch);
    assert(state == PROOF_FILE_DONE);
    assert((findings == 0) == same);
    /* On its way to the third party. */
    size_t at = (size_t) fuzz_byte(tape) << 8 | fuzz_byte(tape);
    uint8_t change = fuzz_byte(tape);
    file->data[at % file->size] ^= change;
    arena_clear(memory);
    state = read_file(fuzz_written(file), memory, scratch);
    assert(change == 0 || state != PROOF_FILE_DONE);
}

static void read_frames(fuzz_tape *tape, arena *memory, arena *scratch)
{
    const proof_file_options options = {.tell = tell, .tell_receipts = tell_receipts};
    proof_file *self = proof_file_new(memory, scratch, &options);

    assert(self != NULL);
    while (fuzz_more(tape)) {
        size_t size = (size_t) fuzz_byte(tape) << 8 | fuzz_byte(tape);
        if (proof_file_take(self, fuzz_some(tape, size)) != PROOF_FILE_MORE)
            break;
    }
}

static void read_receipts(text_view text, arena *memory)
{
    static batch_buffer kept;
    proof_receipts what;

    if (proof_receipts_read(&what, memory, text) != CREDENTIAL_OK)
        return;
    proof_receipts_write(fuzz_buffer(&kept, 4 * FILE_MAX), &what, &pairs[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept_memory, *kept_scratch;
    static bool started;
    fuzz_tape tape = fuzz_tape_of(data, size);

    if (!started) {
        fuzz_start();
        fuzz_pair(&hub, 9);
        for (uint8_t i = 0; i < AGENTS; i++)
            fuzz_pair(&pairs[i], (uint8_t) (i + 1));
        make_good();
        started = true;
    }
    arena *memory = fuzz_arena(&kept_memory, MEMORY_BYTES), *scratch = fuzz_arena(&kept_scratch, WIRE_SCRATCH_BYTES);
    switch (fuzz_byte(&tape)) {
    case 0: read_frames(&tape, memory, scratch); break;
    case 1: read_receipts(fuzz_rest(&tape), memory); break;
    default: read_tape(&tape, memory, scratch);
    }
    return 0;
}
