/*
 * storehouse: a PostgreSQL of a test program's own, in a new folder under /tmp, gone at the end; contracts,
 * agents and signed batches made by few words; and questions to the tables. Never as root: the whole
 * program takes the identity of the user postgres first.
 */
#ifndef CTAI_TESTS_STOREHOUSE_H
#define CTAI_TESTS_STOREHOUSE_H

#include <check.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster.h"
#include "contract.h"
#include "credential.h"
#include "embedded.h"
#include "store_agent.h"
#include "store_contract.h"

enum { STOREHOUSE_BODIES = 80, STOREHOUSE_ARENA = 64 << 20 };

static struct {
    char folder[64], conninfo[512];
    cluster *cluster;
    store *store;     /* of the test that runs, as is the following */
    database reader;  /* what a test looks through */
    arena *memory;
    catalogue national;
    territory places;
} house;

static inline text_view house_carried(const char *name)
{
    const embedded_file *file = embedded_find(name);
    return file ? (text_view){(const char *)file->data, file->size} : text_of(NULL);
}

/* A store on the house's database; stable_at_commit as the private cluster of a hub has it. */
static inline database_error house_open(store **to, const char *hub, bool claim)
{
    static uint8_t pepper[CRYPTO_KEY];
    memset(pepper, 9, sizeof pepper);
    store_options options = {.conninfo = house.conninfo, .pepper = pepper, .claim = claim, .stable_at_commit = true};
    snprintf(options.hub, sizeof options.hub, "%s", hub);
    return store_open(to, &options);
}

static inline void house_run(const char *sql)
{
    database_error error = database_run(&house.reader, sql);
    ck_assert_msg(error == DATABASE_OK, "%s", house.reader.explanation);
}

/* One cell, as text; in the arena. */
static inline const char *house_text(const char *sql)
{
    database_result *result = NULL;
    database_error error = database_query(&house.reader, sql, NULL, 0, &result);
    ck_assert_msg(error == DATABASE_OK, "%s: %s", sql, house.reader.explanation);
    ck_assert_msg(database_rows(result) > 0, "%s: no row", sql);
    const char *text = arena_text(house.memory, text_of(database_text(result, 0, 0)));
    database_release(&result);
    ck_assert_ptr_nonnull(text);
    return text;
}

static inline long house_number(const char *sql)
{
    return strtol(house_text(sql), NULL, 10);
}

/* Before each test: empty tables, a store, an arena. */
static inline void house_enter(void)
{
    static const char clear[] =
        "TRUNCATE ctai.scope, ctai.scope_key, ctai.contract, ctai.contract_version, ctai.contract_action,"
        " ctai.contract_version_action, ctai.contract_selected, ctai.contract_target, ctai.agent, ctai.agent_right,"
        " ctai.agent_scope, ctai.agent_contact, ctai.alarm, ctai.ledger, ctai.record, ctai.record_history,"
        " ctai.coverage, ctai.refusal, ctai.agent_former, ctai.incarnation, ctai.replacement,"
        " ctai.record_staged, ctai.quarantine, ctai.erased, ctai.purge, ctai.purge_cell, ctai.release,"
        " ctai.release_scope, ctai.release_territory, ctai.release_indicator, ctai.release_cell,"
        " ctai.standing, ctai.cell, ctai.mark RESTART IDENTITY;"
        "DELETE FROM ctai.indicator WHERE contract_id <> 0;"
        "DROP FUNCTION IF EXISTS public.fault() CASCADE"; /* a test's trigger */
    diag_sink silent = {0};
    house.memory = arena_new(STOREHOUSE_ARENA);
    ck_assert_ptr_nonnull(house.memory);
    ck_assert_int_eq(database_open(&house.reader, house.conninfo), DATABASE_OK);
    house_run(clear);
    ck_assert_int_eq(house_open(&house.store, "this-hub", false), DATABASE_OK);
    ck_assert(catalogue_load(&house.national, house.memory, "i", house_carried("indicators.yaml"), &silent));
    ck_assert(territory_load(&house.places, house.memory, "r", house_carried("regions.yaml"), &silent));
}

static inline void house_leave(void)
{
    store_destroy(&house.store);
    database_close(&house.reader);
    arena_destroy(&house.memory);
}

/* The file of a contract of the year 2024 with the actions axe1 and axe2, one indicator and targets of its own. */
static inline const char *house_contract_text(const char *id, const char *scope, const char *title)
{
    char *text = arena_take(house.memory, 4096);
    ck_assert_ptr_nonnull(text);
    snprintf(text, 4096,
             "id: %s\ntitre: %s\ndepartement: \"63\"\nregion: \"84\"\nperimetre: \"%s\"\n"
             "premier_jour: 2024-01-01\ndernier_jour: 2024-12-31\n"
             "parties:\n  - {code: a, nom: Premier, role: coordonnateur, agent: alpha}\n"
             "actions:\n"
             "  - {code: axe1, titre: Première action, operateurs: [{partie: a}], objectifs: {1.1.total: 30},"
             " cout: {total: 1 000}, indicateurs: [1.1.total, 3.1.heures, L.demarches]}\n"
             "  - {code: axe2, titre: Seconde action, operateurs: [{partie: a}], objectifs: {1.2.acteurs: 4},"
             " cout: {total: 1 000}, indicateurs: [1.1.total]}\n"
             "indicateurs:\n  - {code: L.demarches, libelle: Démarches, unite: démarches, compte: somme, types: [sollicitation]}\n"
             "objectifs: {1.1.total: 40}\n",
             id, title, scope);
    return text;
}

static inline void house_say_error(diag_sink *sink, const diag *what)
{
    if (what->severity == DIAG_ERROR)
        diag_print(stderr, what);
}

static inline void house_read(contract *to, const char *text)
{
    diag_sink sink = {.emit = house_say_error};
    ck_assert(contract_read(to, house.memory, &house.national, &house.places, "c.yaml", text_of(text), &sink));
}

static inline database_error house_add_text(const char *text, bool *added)
{
    contract what;
    house_read(&what, text);
    return store_contract_add(house.store, &what, text_of(text), added);
}

static inline void house_add(const char *id, const char *scope)
{
    bool added = false;
    database_error error = house_add_text(house_contract_text(id, scope, "Contrat d’essai"), &added);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(house.store));
    ck_assert(added);
}

/* An agent: its keys, and where its chain of batches of one scope stands. */
typedef struct {
    credential_identity identity;
    crypto_sign_pair sign;
    const char *scope;
    uint64_t incarnation, sequence; /* sequence: the last that was made */
    uint8_t previous[CRYPTO_HASH];
    unsigned key_count;
    batch_key keys[RECORD_TOKEN_SETS];
    unsigned coverage_count;
    batch_coverage coverage[4];
} house_agent;

static inline void house_agent_new(house_agent *self, const char *name, const char *scope)
{
    crypto_box_pair curve, box;
    *self = (house_agent){.scope = scope, .incarnation = 1, .key_count = 1, .keys = {{.epoch = 1}}};
    memset(self->keys[0].id, 0x4b, TOKEN_KEY_ID);
    snprintf(self->identity.name, sizeof self->identity.name, "%s", name);
    crypto_box_new(&curve);
    crypto_box_new(&box);
    crypto_sign_new(&self->sign);
    memcpy(self->identity.curve, curve.public_key, CRYPTO_PUBLIC);
    memcpy(self->identity.box, box.public_key, CRYPTO_PUBLIC);
    memcpy(self->identity.sign, self->sign.public_key, CRYPTO_PUBLIC);
}

static inline void house_approve(const house_agent *agent, const char *of, const char *action)
{
    database_error error = store_agent_approve(house.store, &agent->identity, of, &action, 1);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(house.store));
}

static inline text_view house_keep(const batch_buffer *bytes)
{
    ck_assert(!bytes->failed);
    char *copy = arena_take(house.memory, bytes->size + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes->data, bytes->size);
    return (text_view){copy, bytes->size};
}

static inline text_view house_body(const record *what)
{
    uint8_t salt[CRYPTO_SALT];
    batch_buffer bytes;
    crypto_random(salt, sizeof salt);
    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, what, salt);
    text_view kept = house_keep(&bytes);
    batch_buffer_release(&bytes);
    return kept;
}

/* Signs the bodies as the agent's next batch, and moves its chain on. */
static inline store_batch house_sign(house_agent *self, const text_view *bodies, unsigned count)
{
    batch_header *header = arena_take(house.memory, sizeof *header);
    uint8_t *signature = arena_take(house.memory, CRYPTO_SIGNATURE);
    text_view *kept = arena_take(house.memory, sizeof *kept * (count + 1));
    batch_buffer bytes;
    ck_assert(header && signature && kept);
    *header = (batch_header){.scope = text_of(self->scope), .incarnation = self->incarnation, .sequence = ++self->sequence,
                             .scheme = TOKEN_SCHEME_BLAKE2B, .key_count = self->key_count,
                             .coverage_count = self->coverage_count, .body_count = count};
    header->coverage = arena_take(house.memory, sizeof self->coverage);
    header->hashes = arena_take(house.memory, sizeof *header->hashes * (count + 1));
    ck_assert(header->coverage && header->hashes);
    memcpy(header->agent, self->identity.sign, CRYPTO_PUBLIC);
    memcpy(header->previous, self->previous, CRYPTO_HASH);
    memcpy(header->keys, self->keys, sizeof self->keys);
    memcpy(header->coverage, self->coverage, sizeof self->coverage);
    for (unsigned i = 0; i < count; i++) {
        kept[i] = bodies[i];
        batch_hash(header->hashes[i], bodies[i]);
    }
    batch_buffer_init(&bytes, BATCH_HEADER_MAX);
    batch_write_header(&bytes, header);
    text_view header_bytes = house_keep(&bytes);
    batch_buffer_release(&bytes);
    batch_sign(signature, header_bytes, &self->sign);
    batch_hash(self->previous, header_bytes);
    return (store_batch){.header = header, .header_bytes = header_bytes, .signature = signature, .body_count = count, .bodies = kept};
}

/* The same of records; count at most STOREHOUSE_BODIES. */
static inline store_batch house_batch(house_agent *self, const record *records, unsigned count)
{
    text_view bodies[STOREHOUSE_BODIES] = {{NULL, 0}};
    ck_assert_uint_le(count, STOREHOUSE_BODIES);
    for (unsigned i = 0; i < count; i++)
        bodies[i] = house_body(&records[i]);
    return house_sign(self, bodies, count);
}

static inline store_outcome house_put(store_batch batch)
{
    store_outcome outcome;
    database_error error = store_put(house.store, &batch, 1, house.memory, &outcome);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(house.store));
    return outcome;
}

/* The cluster's folder is made with our own identity; then the schema, claimed by the hub "this-hub". */
static inline bool house_build(char *why, size_t why_size)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && (setgroups(0, NULL) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
                 setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0))
        return false;
    /* So that the sanitizer's search for leaks may look into this process again. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    unsetenv("XDG_RUNTIME_DIR");
    snprintf(house.folder, sizeof house.folder, "/tmp/storehouse-XXXXXX");
    if (!mkdtemp(house.folder) || chdir(house.folder) != 0)
        return false;
    if (cluster_create(house.folder, why, why_size) != CLUSTER_OK ||
        cluster_open(&house.cluster, house.folder, why, why_size) != CLUSTER_OK)
        return false;
    snprintf(house.conninfo, sizeof house.conninfo, "%s", cluster_conninfo(house.cluster));
    store *first = NULL;
    bool opened = house_open(&first, "this-hub", true) == DATABASE_OK;
    if (first)
        snprintf(why, why_size, "%s", store_explain(first));
    store_destroy(&first);
    return opened;
}

static inline int house_remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return remove(path);
}

/* The main of a test program: its exit code. */
static inline int house_main(Suite *suite)
{
    char why[CLUSTER_EXPLANATION_MAX] = "";
    int failed = 1;
    SRunner *runner = srunner_create(suite);
    if (crypto_start() == 0 && house_build(why, sizeof why)) {
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
    } else {
        fprintf(stderr, "no database to test with: %s\n", why);
    }
    srunner_free(runner);
    cluster_close(&house.cluster);
    if (house.folder[0]) {
        (void)!chdir("/");
        nftw(house.folder, house_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
