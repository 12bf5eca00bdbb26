/*
 * outbox_bench: an outbox in a folder of its own, with batches, receipts and entries as a test wants them.
 */
#ifndef CTAI_TEST_OUTBOX_BENCH_H
#define CTAI_TEST_OUTBOX_BENCH_H

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbox.h"

static char folder[64], path[96];
static outbox *box;

static inline void reopen(void)
{
    outbox_close(&box);
    ck_assert_int_eq(outbox_open(&box, path, NULL), OUTBOX_OK);
}

static inline void enter(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/check_outbox.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/etat.sqlite", folder);
    box = NULL;
    reopen();
}

static inline void leave(void)
{
    char command[128];
    outbox_close(&box);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Changes the file behind the outbox's back. */
static inline void spoil(const char *sql)
{
    sqlite3 *db;
    outbox_close(&box);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
    reopen();
}

static inline record make_record(uint8_t number)
{
    record what = {.operation = RECORD_PUT,
                   .contract = text_of("63-essai"),
                   .action = text_of("axe1"),
                   .type = FACT_SOLLICITATION,
                   .month = civil_month_of(civil_from(2024, 1, 5)),
                   .has_quantity = true,
                   .quantity = 3};
    what.key[0] = number;
    return what;
}

/* Adds a batch of that many records to scope 63, within a transaction. */
static inline void append(const crypto_sign_pair *sign, unsigned count)
{
    static uint8_t hashes[BATCH_BODIES_MAX][CRYPTO_HASH];
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    batch_buffer packed, body, bytes;
    batch_buffer_init(&packed, OUTBOX_BODIES_MAX);
    batch_buffer_init(&body, BATCH_BODY_MAX);
    batch_buffer_init(&bytes, BATCH_HEADER_MAX);
    for (unsigned i = 0; i < count; i++) {
        uint8_t salt[CRYPTO_SALT] = {1};
        record what = make_record((uint8_t)i);
        batch_buffer_clear(&body);
        batch_write_body(&body, &what, salt);
        batch_hash(hashes[i], (text_view){(const char *)body.data, body.size});
        outbox_pack(&packed, (text_view){(const char *)body.data, body.size});
    }
    batch_header header = {.scope = text_of("63"),
                           .incarnation = scope.incarnation,
                           .sequence = scope.queued + 1,
                           .scheme = 1,
                           .body_count = count,
                           .hashes = hashes};
    memcpy(header.agent, sign->public_key, CRYPTO_PUBLIC);
    memcpy(header.previous, scope.queued_hash, CRYPTO_HASH);
    batch_write_header(&bytes, &header);
    ck_assert(!bytes.failed && !packed.failed);
    uint8_t signature[CRYPTO_SIGNATURE];
    text_view view = {(const char *)bytes.data, bytes.size};
    batch_sign(signature, view, sign);
    ck_assert_int_eq(outbox_append(box, text_of("63"), header.sequence, view, signature,
                                   (text_view){(const char *)packed.data, packed.size}, count),
                     OUTBOX_OK);
    batch_buffer_release(&packed);
    batch_buffer_release(&body);
    batch_buffer_release(&bytes);
}

static inline void queue(const crypto_sign_pair *sign, unsigned count)
{
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    append(sign, count);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

static inline void acknowledge(uint64_t sequence, uint64_t stable, const wire_record_refusal *refusals,
                        unsigned refusal_count, outbox_tally *tally)
{
    uint8_t signature[CRYPTO_SIGNATURE] = {0};
    outbox_receipt receipt = {.scope = "63",
                              .sequence = sequence,
                              .stable = stable,
                              .ledger_position = 100 + sequence,
                              .receipt = text_of("receipt"),
                              .signature = signature,
                              .refusal_count = refusal_count,
                              .refusals = refusals};
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_acknowledge(box, &receipt, tally), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

static inline void keep(unsigned first, unsigned count, unsigned step)
{
    outbox_keep *writer;
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_keep_open(box, text_of("63"), text_of("63-essai"), &writer), OUTBOX_OK);
    for (unsigned i = 0; i < count; i++) {
        difference_entry entry = {.sequence = 0};
        unsigned key = first + i * step;
        entry.key[0] = (uint8_t)(key >> 16);
        entry.key[1] = (uint8_t)(key >> 8);
        entry.key[2] = (uint8_t)key;
        entry.content[0] = 1;
        outbox_keep_add(writer, &entry);
    }
    ck_assert_int_eq(outbox_keep_finish(&writer), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

/* How many entries are held, how many of them spoilt. */
static inline unsigned held(unsigned *spoilt)
{
    outbox_held *reader;
    const difference_entry *entry;
    outbox_error error;
    unsigned count = 0;
    *spoilt = 0;
    ck_assert_int_eq(outbox_held_open(box, text_of("63-essai"), &reader), OUTBOX_OK);
    while ((error = outbox_held_next(reader, &entry)) == OUTBOX_OK) {
        count++;
        *spoilt += entry->content[0] == 0;
    }
    ck_assert_int_eq(error, OUTBOX_ABSENT);
    outbox_held_close(&reader);
    return count;
}

#endif
