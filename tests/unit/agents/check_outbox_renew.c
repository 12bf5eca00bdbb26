/* A file of the first form; requests; what a grant changes; notes. */
#include <sqlite3.h>

#include "outbox_bench.h"
#include "outbox_old_form.h"

static crypto_sign_pair sign;
static uint8_t request[WIRE_REQUEST];

static void begin(void)
{
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
}

static void commit(void)
{
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

static wire_position place(uint64_t incarnation, uint64_t sequence, uint8_t hash)
{
    wire_position at = {.scope = text_of("63"), .incarnation = incarnation, .sequence = sequence};
    if (sequence > 0)
        memset(at.hash, hash, CRYPTO_HASH);
    return at;
}

static outbox_scope scope_now(void)
{
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    return scope;
}

static uint64_t ask(wire_position seen, uint64_t wanted, bool anew)
{
    begin();
    ck_assert_int_eq(outbox_request(box, &seen, anew, &wanted, request), OUTBOX_OK);
    commit();
    return wanted;
}

static outbox_scope adopt(wire_position at, const uint8_t (*hashes)[CRYPTO_HASH], unsigned count)
{
    outbox_scope to;
    outbox_grant grant = {.request = request, .at = at, .hash_count = count, .hashes = hashes};
    begin();
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 1700000000, &to), OUTBOX_OK);
    commit();
    return to;
}

static void own_hash(uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    ck_assert_int_eq(outbox_header_hash(box, "63", sequence, hash), OUTBOX_OK);
}

/* The batch of that number is signed, and goes on from that hash; how many bodies it has. */
static unsigned check_batch(uint64_t incarnation, uint64_t sequence, const uint8_t previous[CRYPTO_HASH])
{
    wire_message message;
    batch_header header;
    batch_buffer bytes;
    arena *memory = arena_new(2 * WIRE_SCRATCH_BYTES);
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    ck_assert_int_eq(outbox_message(box, "63", sequence, &bytes), OUTBOX_OK);
    ck_assert(wire_read(&message, memory, (text_view){(const char *)bytes.data, bytes.size}));
    ck_assert(batch_verify(message.batch.signature, message.batch.header, sign.public_key));
    ck_assert(batch_read_header(&header, memory, message.batch.header));
    ck_assert_uint_eq(header.incarnation, incarnation);
    ck_assert_uint_eq(header.sequence, sequence);
    ck_assert_mem_eq(header.previous, previous, CRYPTO_HASH);
    ck_assert_uint_eq(header.body_count, message.batch.body_count);
    for (unsigned i = 0; i < header.body_count; i++) {
        uint8_t hash[CRYPTO_HASH];
        batch_hash(hash, message.batch.bodies[i]);
        ck_assert_mem_eq(hash, header.hashes[i], CRYPTO_HASH);
    }
    unsigned count = header.body_count;
    batch_buffer_release(&bytes);
    arena_destroy(&memory);
    return count;
}

/* Entry i comes from batch i of the first incarnation, for i from 1. */
static void keep_stamped(unsigned count)
{
    outbox_keep *writer;
    begin();
    ck_assert_int_eq(outbox_keep_open(box, text_of("63"), text_of("63-essai"), &writer), OUTBOX_OK);
    for (unsigned i = 1; i <= count; i++) {
        difference_entry entry = {.key = {(uint8_t)i}, .content = {1}, .incarnation = 1, .sequence = i};
        outbox_keep_add(writer, &entry);
    }
    ck_assert_int_eq(outbox_keep_finish(&writer), OUTBOX_OK);
    commit();
}

static difference_entry entry_of(const char *contract, uint8_t first)
{
    outbox_held *reader;
    const difference_entry *entry;
    difference_entry found = {.sequence = UINT64_MAX};
    ck_assert_int_eq(outbox_held_open(box, text_of(contract), &reader), OUTBOX_OK);
    while (outbox_held_next(reader, &entry) == OUTBOX_OK)
        if (entry->key[0] == first)
            found = *entry;
    outbox_held_close(&reader);
    return found;
}

/* --- the first form --- */

static void write_old(const char *more)
{
    sqlite3 *old;
    outbox_close(&box);
    remove(path);
    ck_assert_int_eq(sqlite3_open(path, &old), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(old, OLD_FORM, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(old, more, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(old);
    char command[128];
    (void)snprintf(command, sizeof command, "chmod 600 '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(test_first_form)
{
    unsigned spoilt;
    uint64_t pending;
    write_old("");
    reopen();
    for (int i = 0; i < 2; i++) { /* once brought to this form it stays so */
        outbox_scope scope = scope_now();
        ck_assert_uint_eq(scope.queued, 3);
        ck_assert_uint_eq(scope.acknowledged, 2);
        ck_assert_uint_eq(scope.base_sequence, 0);
        ck_assert(!scope.resync);
        ck_assert_uint_eq(held(&spoilt), 3);
        ck_assert_uint_eq(spoilt, 0);
        ck_assert_uint_eq(entry_of("63-essai", 2).content[0], 0xbb);
        ck_assert_uint_eq(entry_of("63-essai", 7).content[0], 0xcc);
        ck_assert_uint_eq(entry_of("63-essai", 7).sequence, 0);
        ck_assert_int_eq(outbox_pending(box, &pending), OUTBOX_OK);
        ck_assert_uint_eq(pending, 10);
        reopen();
    }
}
END_TEST

/* What cannot be brought to this form stays as it is, and is said to be damaged. */
START_TEST(test_first_form_damaged)
{
    write_old("UPDATE held SET entries = x'010203'");
    ck_assert_int_eq(outbox_open(&box, path, NULL), OUTBOX_DAMAGED);
    write_old("UPDATE held SET entries = x'010203'; DELETE FROM held");
    reopen();
    ck_assert_uint_eq(scope_now().queued, 3);
}
END_TEST

/* What was held in the first form is known when the hub has it from our own first chain, and else not. */
START_TEST(test_first_form_compared)
{
    write_old("DELETE FROM batch; UPDATE scope SET acknowledged = 3");
    reopen();
    (void)ask(place(1, 5, 7), 2, false);
    outbox_scope scope = adopt(place(2, 5, 7), NULL, 0);
    ck_assert_uint_eq(scope.queued, 5);
    for (uint8_t key = 1; key <= 2; key++) {
        wire_held known = {.key = {key}, .contract = text_of("63-essai"), .incarnation = 1, .sequence = key == 1 ? 3 : 4};
        outbox_listing listing = {.scope = text_of("63"), .incarnation = 2, .sequence = 5, .bucket = key,
                                  .record_count = 1, .records = &known};
        begin();
        ck_assert_int_eq(outbox_reconcile(box, &listing), OUTBOX_OK);
        commit();
        ck_assert_uint_eq(entry_of("63-essai", key).sequence, known.sequence);
        ck_assert_uint_eq(entry_of("63-essai", key).content[0], key == 1 ? 0xaa : 0);
    }
}
END_TEST

/* --- requests --- */

START_TEST(test_request)
{
    uint8_t first[WIRE_REQUEST];
    ck_assert_uint_eq(ask(place(1, 9, 7), 2, false), 2);
    memcpy(first, request, WIRE_REQUEST);
    reopen();
    ck_assert_uint_eq(ask(place(1, 9, 7), 2, false), 2);
    ck_assert_mem_eq(first, request, WIRE_REQUEST);
    /* Granted, and the answer lost: the same again, for the incarnation of then. */
    ck_assert_uint_eq(ask(place(2, 9, 7), 3, false), 2);
    ck_assert_mem_eq(first, request, WIRE_REQUEST);
    ck_assert_uint_eq(ask(place(2, 9, 7), 3, true), 3);
    ck_assert_mem_ne(first, request, WIRE_REQUEST);
    memcpy(first, request, WIRE_REQUEST);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(ask(i == 0 ? place(2, 10, 7) : i == 1 ? place(2, 10, 8) : place(5, 10, 8), 7, false), 7);
        ck_assert_mem_ne(first, request, WIRE_REQUEST);
        memcpy(first, request, WIRE_REQUEST);
    }
}
END_TEST

/* --- grants --- */

static void no_call(void *data, const outbox_refusal *refusal)
{
    *(uint64_t *)data += refusal->records;
}

/* Five batches, two confirmed; the hub is at 9 and has the third, then others. */
START_TEST(test_adopt_ahead)
{
    uint8_t hashes[2][CRYPTO_HASH], previous[CRYPTO_HASH], hash[CRYPTO_HASH];
    outbox_tally tally = {0};
    const wire_record_refusal refused[] = {{2, 0, RECORD_BAD_MONTH}};
    uint64_t pending, refusals = 0;
    for (unsigned i = 1; i <= 5; i++)
        queue(&sign, 10 + i);
    keep_stamped(5);
    acknowledge(2, 1, refused, 1, &tally);
    own_hash(3, hashes[0]);
    memset(hashes[1], 3, CRYPTO_HASH);
    (void)ask(place(1, 9, 7), 2, false);
    wire_position at = place(2, 9, 7);
    at.stable = 2;
    outbox_scope scope = adopt(at, (const uint8_t(*)[CRYPTO_HASH])hashes, 2);
    reopen();
    ck_assert_uint_eq(scope.incarnation, 2);
    ck_assert_uint_eq(scope.queued, 11);
    ck_assert_uint_eq(scope.acknowledged, 9);
    ck_assert_uint_eq(scope.stable, 2);
    ck_assert_uint_eq(scope.base_sequence, 9);
    ck_assert(scope.resync);
    ck_assert_uint_eq(check_batch(2, 10, at.hash), 14);
    own_hash(10, previous);
    ck_assert_uint_eq(check_batch(2, 11, previous), 15);
    own_hash(11, hash);
    ck_assert_mem_eq(hash, scope_now().queued_hash, CRYPTO_HASH);
    own_hash(9, hash);
    ck_assert_mem_eq(hash, at.hash, CRYPTO_HASH);
    ck_assert_int_eq(outbox_header_hash(box, "63", 3, hash), OUTBOX_ABSENT); /* of before the grant */
    ck_assert_int_eq(outbox_pending(box, &pending), OUTBOX_OK);
    ck_assert_uint_eq(pending, 29);
    ck_assert_uint_eq(scope.records_queued - scope.records_acknowledged, 29);
    ck_assert_uint_eq(entry_of("63-essai", 3).incarnation, 1);
    ck_assert_uint_eq(entry_of("63-essai", 3).sequence, 3);
    ck_assert_uint_eq(entry_of("63-essai", 4).incarnation, 2);
    ck_assert_uint_eq(entry_of("63-essai", 4).sequence, 10);
    ck_assert_uint_eq(entry_of("63-essai", 5).sequence, 11);
    ck_assert_int_eq(outbox_refusals(box, no_call, &refusals), OUTBOX_OK);
    ck_assert_uint_eq(refusals, 1);
    /* The request is spent. */
    outbox_grant again = {.request = request, .at = at};
    begin();
    ck_assert_int_eq(outbox_adopt(box, &sign, &again, 0, &scope), OUTBOX_ABSENT);
    commit();
    /* And what follows goes on from there. */
    queue(&sign, 1);
    own_hash(11, previous);
    ck_assert_uint_eq(check_batch(2, 12, previous), 1);
}
END_TEST

/* The hub is behind what it had confirmed: what is kept of it goes again. */
START_TEST(test_adopt_behind)
{
    outbox_tally tally = {0};
    const wire_record_refusal refused[] = {{4, 0, RECORD_BAD_MONTH}};
    uint64_t pending, refusals = 0;
    for (unsigned i = 1; i <= 6; i++)
        queue(&sign, 10);
    keep_stamped(6);
    acknowledge(5, 2, refused, 1, &tally);
    wire_position at = place(1, 3, 0);
    own_hash(3, at.hash);
    if (_i == 1)
        at.hash[0] ^= 1; /* and elsewhere: nothing is sure */
    else if (_i == 2)
        at = place(1, 1, 7); /* before all that we know */
    (void)ask(at, 2, false);
    at.incarnation = 2;
    outbox_scope scope = adopt(at, NULL, 0);
    unsigned again = _i == 0 ? 3 : 4; /* 4 to 6, or 3 to 6 */
    ck_assert_uint_eq(scope.acknowledged, at.sequence);
    ck_assert_uint_eq(scope.queued, at.sequence + again);
    ck_assert_int_eq(outbox_pending(box, &pending), OUTBOX_OK);
    ck_assert_uint_eq(pending, 10 * again);
    ck_assert_uint_eq(entry_of("63-essai", 6).sequence, at.sequence + again);
    ck_assert_int_eq(outbox_refusals(box, no_call, &refusals), OUTBOX_OK);
    ck_assert_uint_eq(refusals, 0); /* of a batch that goes again */
    ck_assert_uint_eq(check_batch(2, at.sequence + 1, at.hash), 10);
    /* Lost once more, below what was granted: what is kept of both lives goes. */
    uint8_t hash[CRYPTO_HASH];
    wire_position lower = place(1, 0, 0);
    ck_assert_int_eq(outbox_header_hash(box, "63", 0, hash), OUTBOX_ABSENT);
    (void)ask(lower, 3, false);
    lower.incarnation = 3;
    scope = adopt(lower, NULL, 0);
    ck_assert_uint_eq(scope.acknowledged, 0);
    ck_assert_uint_eq(scope.queued, _i == 0 ? 4 : again);
    uint8_t none[CRYPTO_HASH] = {0};
    (void)check_batch(3, 1, none);
}
END_TEST

/* The hub has lost the grant alone: the same numbers again, and the same bytes. */
START_TEST(test_adopt_again)
{
    uint8_t before[CRYPTO_HASH], after[CRYPTO_HASH];
    queue(&sign, 3);
    (void)ask(place(1, 9, 7), 2, false);
    (void)adopt(place(2, 9, 7), NULL, 0);
    queue(&sign, 4);
    own_hash(11, before);
    (void)ask(place(1, 9, 7), 2, false);
    outbox_scope scope = adopt(place(2, 9, 7), NULL, 0);
    own_hash(11, after);
    ck_assert_uint_eq(scope.queued, 11);
    ck_assert_mem_eq(before, after, CRYPTO_HASH);
}
END_TEST

START_TEST(test_fresh_home)
{
    outbox_scope scope;
    (void)ask(place(2, 40, 7), 3, false);
    scope = adopt(place(3, 40, 7), NULL, 0);
    ck_assert_uint_eq(scope.incarnation, 3);
    ck_assert_uint_eq(scope.queued, 40);
    ck_assert_mem_eq(scope.queued_hash, place(3, 40, 7).hash, CRYPTO_HASH);
    queue(&sign, 3);
    (void)check_batch(3, 41, scope.queued_hash);
    begin();
    ck_assert_int_eq(outbox_begin_scope(box, text_of("15"), 4), OUTBOX_OK);
    ck_assert_int_eq(outbox_begin_scope(box, text_of("63"), 9), OUTBOX_OK); /* it has begun */
    commit();
    ck_assert_uint_eq(scope_now().incarnation, 3);
    ck_assert_int_eq(outbox_scope_load(box, text_of("15"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.incarnation, 4);
    ck_assert_uint_eq(scope.queued, 0);
}
END_TEST

/* Another machine's, or an older one: nothing changes. A crash before the commit: likewise. */
START_TEST(test_not_ours)
{
    outbox_scope scope;
    uint8_t other[WIRE_REQUEST] = {1};
    queue(&sign, 3);
    outbox_grant grant = {.request = other, .at = place(2, 9, 7)};
    begin();
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 0, &scope), OUTBOX_ABSENT);
    commit();
    (void)ask(place(1, 9, 7), 2, false);
    begin();
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 0, &scope), OUTBOX_ABSENT);
    grant.request = request;
    grant.at.incarnation = 3;
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 0, &scope), OUTBOX_ABSENT);
    commit();
    grant.at.incarnation = 2;
    begin();
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 0, &scope), OUTBOX_OK);
    reopen(); /* in the middle of the transaction */
    ck_assert_uint_eq(scope_now().incarnation, 1);
    ck_assert_uint_eq(scope_now().queued, 1);
    uint8_t none[CRYPTO_HASH] = {0};
    ck_assert_uint_eq(check_batch(1, 1, none), 3);
    begin();
    ck_assert_int_eq(outbox_adopt(box, &sign, &grant, 0, &scope), OUTBOX_OK);
    commit();
    ck_assert_uint_eq(scope_now().incarnation, 2);
}
END_TEST

/* --- notes --- */

static void gather_note(void *data, const outbox_note *note)
{
    outbox_note *last = data;
    ck_assert(text_is(note->contract, "63-essai"));
    ck_assert(text_is(note->scope, "63"));
    *last = *note;
}

static outbox_note note_now(void)
{
    outbox_note last = {.kind = OUTBOX_NOTE_NONE};
    ck_assert_int_eq(outbox_notes(box, gather_note, &last), OUTBOX_OK);
    return last;
}

static void answered(void)
{
    begin();
    ck_assert_int_eq(outbox_note_answered(box, text_of("63"), text_of("63-essai")), OUTBOX_OK);
    commit();
}

static void resynced(void)
{
    begin();
    ck_assert_int_eq(outbox_resynced(box, text_of("63")), OUTBOX_OK);
    commit();
}

START_TEST(test_notes)
{
    wire_held one = {.key = {9}, .contract = text_of("63-essai"), .incarnation = 1, .sequence = 1};
    outbox_listing listing = {.scope = text_of("63"), .incarnation = 2, .sequence = 9, .bucket = 9,
                              .record_count = 1, .records = &one};
    queue(&sign, 1);
    keep_stamped(1);
    outbox_tally tally = {0};
    acknowledge(1, 1, NULL, 0, &tally);
    begin();
    ck_assert_int_eq(outbox_set(box, OUTBOX_COVERAGE, text_of("63-essai"), text_of("complete")), OUTBOX_OK);
    commit();
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_NONE);
    (void)ask(place(1, 9, 7), 2, false);
    (void)adopt(place(2, 9, 7), NULL, 0);
    batch_buffer value;
    batch_buffer_init(&value, 100);
    ck_assert_int_eq(outbox_get(box, OUTBOX_COVERAGE, text_of("63-essai"), &value), OUTBOX_ABSENT);
    batch_buffer_release(&value);
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_RESTORED);
    ck_assert_uint_eq(note_now().seconds, 1700000000);
    answered(); /* too early: what the hub holds is not known */
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_RESTORED);
    ck_assert(!note_now().compared);
    if (_i == 0) { /* nothing differs: nothing is to be done */
        resynced();
        ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_NONE);
        return;
    }
    begin();
    ck_assert_int_eq(outbox_reconcile(box, &listing), OUTBOX_OK);
    commit();
    resynced();
    ck_assert(!scope_now().resync);
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_RESTORED);
    ck_assert(note_now().compared);
    answered();
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_NONE);
    /* The hub loses what it had granted. */
    (void)ask(place(1, 4, 3), 3, false);
    (void)adopt(place(3, 4, 3), NULL, 0);
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_HUB_LOST);
}
END_TEST

/* A note of another scope stays; one that is not ours is damage; contracts that only the hub has told get theirs. */
START_TEST(test_notes_of_others)
{
    static const char *const bad[] = {"", "x", "0 1 63", "9 1 63", "1", "1 x", "1 17", "11111111111111111111111111111111111111111111111 1 63"};
    wire_action action = {.code = text_of("axe1"), .title = text_of("t"), .allowed = true};
    wire_contract told[2];
    for (unsigned i = 0; i < 2; i++)
        told[i] = (wire_contract){.id = text_of(i == 0 ? "63-essai" : "03-essai"), .title = text_of("t"),
                                  .scope = text_of(i == 0 ? "63" : "03"), .first_day = civil_from(2024, 1, 1),
                                  .last_day = civil_from(2024, 12, 31), .action_count = 1, .actions = &action};
    begin();
    ck_assert_int_eq(outbox_set_contracts(box, told, 2), OUTBOX_OK);
    commit();
    (void)ask(place(2, 40, 7), 3, false);
    (void)adopt(place(3, 40, 7), NULL, 0);
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_NEW);
    begin();
    ck_assert_int_eq(outbox_set(box, "reprise", text_of("63-essai"), text_of("1 17 03")), OUTBOX_OK);
    ck_assert_int_eq(outbox_resynced(box, text_of("63")), OUTBOX_OK); /* forgets those of 63 alone */
    outbox_rollback(box);
    begin();
    ck_assert_int_eq(outbox_resynced(box, text_of("63")), OUTBOX_OK);
    ck_assert_int_eq(outbox_resynced(box, text_of("99")), OUTBOX_OK); /* of which nothing is known */
    commit();
    ck_assert_int_eq(note_now().kind, OUTBOX_NOTE_NONE);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        outbox_note last = {.kind = OUTBOX_NOTE_NONE};
        begin();
        ck_assert_int_eq(outbox_set(box, "reprise", text_of("63-essai"), text_of(bad[i])), OUTBOX_OK);
        commit();
        ck_assert_int_eq(outbox_notes(box, gather_note, &last), OUTBOX_DAMAGED);
    }
}
END_TEST

/* Refusals do not pile up for ever: the oldest go. */
START_TEST(test_refusals_bounded)
{
    enum { BODIES = 1000, BATCHES = OUTBOX_REFUSALS_MAX / BODIES + 3 };
    static wire_record_refusal refusals[BODIES];
    uint64_t count = 0;
    outbox_tally tally = {0};
    begin(); /* of erased bodies: they keep their place alone */
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++)
        ck_assert_int_eq(outbox_append(box, text_of("63"), sequence, text_of("header"), (uint8_t[CRYPTO_SIGNATURE]){0},
                                       (text_view){NULL, 0}, BODIES), OUTBOX_OK);
    commit();
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++) {
        for (unsigned i = 0; i < BODIES; i++)
            refusals[i] = (wire_record_refusal){sequence, i, RECORD_UNREADABLE};
        acknowledge(sequence, sequence - 1, refusals, BODIES, &tally);
    }
    ck_assert_uint_eq(tally.refused, BATCHES * BODIES);
    ck_assert_int_eq(outbox_refusals(box, no_call, &count), OUTBOX_OK);
    ck_assert_uint_ge(count, OUTBOX_REFUSALS_MAX);
    ck_assert_uint_lt(count, OUTBOX_REFUSALS_MAX + 2 * BODIES);
}
END_TEST

static void enter_signing(void)
{
    crypto_sign_new(&sign);
    enter();
}

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("outbox_renew");
    TCase *cases = tcase_create("outbox_renew");
    tcase_add_checked_fixture(cases, enter_signing, leave);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_first_form);
    tcase_add_test(cases, test_first_form_damaged);
    tcase_add_test(cases, test_first_form_compared);
    tcase_add_test(cases, test_request);
    tcase_add_test(cases, test_adopt_ahead);
    tcase_add_loop_test(cases, test_adopt_behind, 0, 3);
    tcase_add_test(cases, test_adopt_again);
    tcase_add_test(cases, test_fresh_home);
    tcase_add_test(cases, test_not_ours);
    tcase_add_loop_test(cases, test_notes, 0, 2);
    tcase_add_test(cases, test_notes_of_others);
    tcase_add_test(cases, test_refusals_bounded);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
