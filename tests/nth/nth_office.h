/*
 * nth_office: an agent with an outbox in a folder of its own and two files to push, for the programs that make each call on its
 * way fail in turn.
 */
#ifndef CTAI_TESTS_NTH_OFFICE_H
#define CTAI_TESTS_NTH_OFFICE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enqueue.h"
#include "forget.h"
#include "nth.h"
#include "nth_sqlite.h"

static const nth_kind everything[] = {NTH_MEMORY, NTH_ARENA, NTH_FILE, NTH_SQLITE, NTH_SQLITE_MEMORY, NTH_DISK,
                                      NTH_DISK_FOR_GOOD, NTH_KIND_COUNT};

static char folder[64], box_path[96], kept_path[96];
static agent_home_secrets secrets;
static agent_home agent = {.name = "essai", .secrets = &secrets};
static wire_action action;
static wire_contract contract;

/* In what is run, where Check's own memory would fail. */
static inline void must(bool good)
{
    if (!good)
        abort();
}

/* Files. */

static inline void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    ck_assert(in != NULL && out != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    ck_assert(size < sizeof bytes && fwrite(bytes, 1, size, out) == size);
    ck_assert_int_eq(chmod(to, 0600), 0);
    fclose(in);
    fclose(out);
}

static inline void remove_all(const char *path)
{
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

static inline void enter(void)
{
    (void)snprintf(folder, sizeof folder, "%s/nth_agent.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(box_path, sizeof box_path, "%s/etat.sqlite", folder);
    (void)snprintf(kept_path, sizeof kept_path, "%s/kept.sqlite", folder);
    nth_rewind();
    crypto_sign_new(&secrets.sign);
    memset(secrets.record_key, 7, sizeof secrets.record_key);
    secrets.linkage_count = 1;
    (void)snprintf(secrets.linkage_scope[0], sizeof secrets.linkage_scope[0], "63");
    secrets.linkage_key[0] = (token_key){.epoch = 1, .key = {1, 2, 3}};
    action = (wire_action){.code = text_of("axe1"), .title = text_of("Accompagnement"), .allowed = true};
    contract = (wire_contract){.id = text_of("63-essai"), .title = text_of("Contrat d’essai"), .scope = text_of("63"),
                               .first_day = civil_from(2024, 1, 1), .last_day = civil_from(2024, 12, 31),
                               .action_count = 1, .actions = &action};
}

static inline void leave(void)
{
    remove_all(folder);
}

static inline void forget_box(void)
{
    char journal[112];
    (void)snprintf(journal, sizeof journal, "%s-journal", box_path);
    (void)unlink(box_path);
    (void)unlink(journal);
}

static inline void take_kept(void)
{
    forget_box();
    copy_file(kept_path, box_path);
}

static inline void box_state(batch_buffer *to)
{
    nth_sqlite_dump(box_path, to);
}

/* An outbox may say of these failures that memory is short, that it cannot be written or opened: not that it is damaged. */
static inline bool outbox_fits(nth_kind kind, int error)
{
    switch (kind) {
    case NTH_MEMORY:
    case NTH_ARENA:
    case NTH_SQLITE_MEMORY:
        return error == OUTBOX_NO_MEMORY;
    case NTH_FILE:
        return error == OUTBOX_CANNOT_OPEN || error == OUTBOX_CANNOT_WRITE;
    default:
        return error == OUTBOX_NO_MEMORY || error == OUTBOX_CANNOT_OPEN || error == OUTBOX_CANNOT_WRITE;
    }
}

static inline int run_open(void)
{
    outbox *box;
    outbox_error error = outbox_open(&box, box_path, NULL);
    outbox_close(&box);
    return (int)error;
}

/* A push: persons and events, from row to row with another quantity. */

static char persons[4000], events[8000];

static inline void write_files(unsigned first, unsigned count, unsigned quantity)
{
    size_t used = (size_t)snprintf(persons, sizeof persons,
                                   "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n");
    for (unsigned i = 0; i < 6; i++)
        used += (size_t)snprintf(persons + used, sizeof persons - used,
                                 "%u;Essai%c;Un;1990-05-0%u;F;AFG;refugie;2023-05-05\n", i, 'A' + (int)i, i + 1);
    used = (size_t)snprintf(events, sizeof events, "id_evenement;date;action;type;id_local;quantite;detail;reference\n");
    for (unsigned i = first; i < first + count; i++)
        used += (size_t)snprintf(events + used, sizeof events - used, "e%u;2024-0%u-05;axe1;sollicitation;%u;%u;;\n", i,
                                 i % 3 + 1, i % 6, quantity);
}

static inline int queue_export(outbox *box, arena *from)
{
    export_contract one = {.terms = &contract};
    trail_reading earlier;
    outbox_error error = enqueue_earlier(box, &one, &earlier);
    if (error != OUTBOX_OK)
        return (int)error;
    one.token_key_count = agent_home_keys(&agent, text_of("63"), &one.token_keys);
    export_input from_files = {.persons = {"p.csv", text_of(persons)},
                          .events = {"e.csv", text_of(events)},
                          .contract_count = 1,
                          .contracts = &one,
                          .record_key = secrets.record_key};
    export made;
    diag_sink sink = {0};
    enqueue_result queued = {0};
    error = forget_list(box, from, &from_files.erasures);
    export_error made_error = error == OUTBOX_OK ? export_make(&made, &from_files, &sink, from) : EXPORT_OK;
    if (error == OUTBOX_OK && made_error != EXPORT_OK)
        error = OUTBOX_NO_MEMORY;
    else if (error == OUTBOX_OK && enqueue(box, &agent, &made, false, &queued) != ENQUEUE_OK)
        error = queued.outbox;
    trail_read_close(&earlier);
    return (int)error;
}

static inline int run_push(void)
{
    outbox *box;
    arena *from = NULL;
    int error = (int)outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK) {
        from = arena_new((size_t)64 << 20);
        error = from == NULL ? OUTBOX_NO_MEMORY : queue_export(box, from);
    }
    arena_destroy(&from);
    outbox_close(&box);
    return error;
}

#endif
