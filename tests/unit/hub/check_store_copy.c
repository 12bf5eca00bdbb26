/*
 * The rows of a transaction's batches wait and go into the table together (store_rows.c). However records are cut into
 * batches, and batches into transactions, they leave the same rows and the same history.
 */
#include "storehouse.h"

enum { MANY = 400, SMALL = 50, CHANGED = 170 };

static house_agent small, large;
static record first[MANY], second[MANY];

static void enter(void)
{
    static const char *const actions[] = {"axe1", "axe2"};
    house_enter();
    house_add("63-a", "63");
    house_agent_new(&small, "small", "63");
    house_agent_new(&large, "large", "63");
    memcpy(large.keys, small.keys, sizeof small.keys);
    for (unsigned i = 0; i < 2; i++) {
        house_approve(&small, "63-a", actions[i]);
        house_approve(&large, "63-a", actions[i]);
    }
}

static void some_tokens(record *of, unsigned i, unsigned sets)
{
    of->token_sets = sets;
    for (unsigned set = 0; set < sets; set++) {
        record_tokens *one = &of->tokens[set];
        *one = (record_tokens){.epoch = set + 1, .has_e = i % 3 != 0, .has_i = true};
        one->e[0] = one->i[1] = (uint8_t)i;
        one->e[5] = one->i[5] = (uint8_t)(set + 1);
    }
}

/* Every shape that a row can have: with and without each value, texts that need care. */
static record shape(unsigned i)
{
    static const char *const texts[] = {"{\"a\\b\",NULL}", "\\N", "deux\nlignes\tet « l’été »", "\\.", "PGCOPY"};
    static const fact_type bare[] = {FACT_SOLLICITATION, FACT_COUT, FACT_SEANCE};
    record made = {.operation = RECORD_PUT, .key = {(uint8_t)(i >> 8), (uint8_t)i, 0xff}, .contract = text_of("63-a"),
                   .action = text_of(i % 2 ? "axe1" : "axe2"), .month = civil_month_parse(text_of(i % 4 ? "2024-03" : "2024-12"))};
    if (i % 40 == 7) {
        made.type = FACT_NARRATIVE;
        made.month = CIVIL_NONE;
        made.code = text_of("1.2.outils");
        made.text = text_of(texts[i / 40 % 5]);
    } else if (i % 3 == 0) {
        made.type = FACT_BENEFICIAIRE;
        made.sex = (record_sex)(i / 3 % 3);
        made.bpi = i % 2;
        made.under_25 = i % 5 == 0;
        some_tokens(&made, i, 1);
    } else {
        made.type = bare[i / 3 % 3];
        made.has_quantity = true;
        made.quantity = made.type == FACT_COUT ? INT64_C(5000000000) + i : 1 + i;
        made.code = made.type == FACT_COUT ? text_of("p104") : made.type == FACT_SEANCE ? text_of("francais") : text_of(NULL);
        made.has_reference = made.type == FACT_SEANCE;
        made.reference[3] = (uint8_t)(made.type == FACT_SEANCE ? i : 0);
    }
    return made;
}

static int by_key(const void *one, const void *other)
{
    return memcmp(((const record *)one)->key, ((const record *)other)->key, RECORD_KEY);
}

static void make(void)
{
    for (unsigned i = 0; i < MANY; i++)
        first[i] = shape(i);
    /* Known ones, with other values, among new ones, whose keys are between theirs. */
    for (unsigned i = 0; i < MANY; i++) {
        bool known = i % 7 < 3 && i / 7 * 3 + i % 7 < CHANGED;
        second[i] = known ? first[i] : shape(MANY + i);
        if (!known) {
            memcpy(second[i].key, first[i].key, RECORD_KEY);
            second[i].key[3] = 1;
        }
        if (known && second[i].has_quantity)
            second[i].quantity++;
        if (known && second[i].type == FACT_NARRATIVE)
            second[i].text = text_of("un autre texte");
        if (known && second[i].type == FACT_BENEFICIAIRE)
            second[i].bpi = !second[i].bpi;
    }
    qsort(second, MANY, sizeof *second, by_key); /* as in any batch */
}

static void send(house_agent *by, const record *records, unsigned at_once)
{
    text_view bodies[MANY];
    for (unsigned from = 0; from < MANY; from += at_once) {
        for (unsigned i = 0; i < at_once; i++)
            bodies[i] = house_body(&records[from + i]);
        const store_outcome outcome = house_put(house_sign(by, bodies, at_once));
        ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
        ck_assert_msg(outcome.refusal_count == 0, "body %u: reason %d", from + outcome.refusals[0].index, outcome.refusals[0].reason);
    }
}

#define VALUES \
    "contract_id, action, type, month, quantity, code, sex, bpi, under_25, reference, narrative, key, epoch, token_e, token_i," \
    " token_m, epoch2, token_e2, token_i2, token_m2, scope, incarnation"
#define OF(table, name) \
    "SELECT " VALUES " FROM " table " JOIN ctai.agent USING (agent) WHERE name = '" name "'"
#define DIFFERENCE(table) \
    "SELECT count(*) FROM ((" OF(table, "small") " EXCEPT ALL " OF(table, "large") ") UNION ALL (" \
    OF(table, "large") " EXCEPT ALL " OF(table, "small") ")) AS other"

static void alike(long rows, long replaced)
{
    ck_assert_int_eq(house_number(DIFFERENCE("ctai.record")), 0);
    ck_assert_int_eq(house_number(DIFFERENCE("ctai.record_history")), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record JOIN ctai.agent USING (agent) WHERE name = 'large'"), rows);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_history JOIN ctai.agent USING (agent) WHERE name = 'large'"),
                     replaced);
}

START_TEST(small_and_large_batches_leave_the_same_rows)
{
    long known = 0;
    make();
    for (unsigned i = 0; i < MANY; i++)
        known += second[i].key[3] == 0;
    ck_assert_int_eq(known, CHANGED);
    send(&small, first, SMALL);
    send(&large, first, MANY);
    alike(MANY, 0);
    send(&small, second, SMALL);
    send(&large, second, MANY);
    alike(2 * MANY - known, known);
    send(&large, second, MANY); /* all of them known */
    ck_assert_int_eq(house_number(DIFFERENCE("ctai.record")), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_history JOIN ctai.agent USING (agent) WHERE name = 'large'"),
                     known + MANY);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE position <> (SELECT max(l.position) FROM ctai.ledger AS l"
                                  " WHERE l.agent = record.agent AND l.sequence = record.sequence)"), 0);
}
END_TEST

enum { LIVES = 6, ROUNDS = 24, KEYS = 40, TOGETHER = 6 };

static unsigned draw(uint32_t *state, unsigned below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 16) % below;
}

/* What an agent does with some of its keys, ascending: mostly puts, of changing values. */
static unsigned any_records(record *made, unsigned round, uint32_t *state)
{
    unsigned count = 0;
    /* Some batches come after all keys of the one before, as in a push; most do not. */
    unsigned from = draw(state, 3) == 0 ? draw(state, KEYS) : 0, dense = 1 + draw(state, 4);
    for (unsigned i = from; i < KEYS; i++) {
        if (draw(state, dense) != 0)
            continue;
        record *one = &made[count++];
        *one = shape(i);
        switch (draw(state, 8)) {
        case 0:
            one->operation = RECORD_WITHDRAW;
            break;
        case 1:
            if (draw(state, 3) == 0)
                one->operation = RECORD_ERASE;
            break;
        default:
            if (one->has_quantity)
                one->quantity += round * 7;
        }
    }
    return count;
}

/* Also by which batch a row came, and which one replaced it. */
#define LIFE(name) \
    "SELECT " VALUES ", sequence, (SELECT l.sequence FROM ctai.ledger AS l WHERE l.scope = h.scope AND l.position = replaced_position)" \
    " FROM (SELECT r.*, NULL::bigint AS replaced_position FROM ctai.record AS r UNION ALL SELECT * FROM ctai.record_history) AS h" \
    " JOIN ctai.agent USING (agent) WHERE name = '" name "'"

START_TEST(batches_together_or_alone_leave_the_same_rows)
{
    uint32_t state = (uint32_t)_i * 7919 + 17;
    store_batch together[TOGETHER];
    store_outcome outcomes[TOGETHER];
    unsigned waiting = 0, wanted = 1;
    house_agent beside;
    house_agent_new(&beside, "beside", "63");
    house_approve(&beside, "63-a", "axe1");
    house_approve(&beside, "63-a", "axe2");
    for (unsigned round = 0; round < ROUNDS; round++) {
        record records[KEYS];
        unsigned count = any_records(records, round, &state);
        ck_assert_int_eq(house_put(house_batch(&small, records, count)).stored, HUB_STORED_COMMITTED);
        together[waiting++] = house_batch(&large, records, count);
        if (waiting < TOGETHER && draw(&state, 3) == 0)
            together[waiting++] = house_batch(&beside, records, count);
        if (waiting < wanted && waiting < TOGETHER && round + 1 < ROUNDS)
            continue;
        for (unsigned i = 0; i < waiting; i++) /* some were read before */
            if (draw(&state, 2) == 0)
                together[i].reading = store_reading_new(together[i].header, together[i].bodies, together[i].body_count, house.memory);
        ck_assert_int_eq(store_put(house.store, together, waiting, house.memory, outcomes), DATABASE_OK);
        for (unsigned i = 0; i < waiting; i++)
            ck_assert_int_eq(outcomes[i].stored, HUB_STORED_COMMITTED);
        waiting = 0;
        wanted = 1 + draw(&state, TOGETHER);
    }
    ck_assert_int_gt(house_number("SELECT count(*) FROM ctai.record_history"), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ((" LIFE("small") " EXCEPT ALL " LIFE("large") ") UNION ALL (" LIFE("large")
                                  " EXCEPT ALL " LIFE("small") ")) AS other"), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent_scope AS s JOIN ctai.agent USING (agent)"
                                  " WHERE name IN ('small', 'large') AND s.sequence = 24"), 2);
}
END_TEST

/* A COPY that the server breaks off leaves nothing, and the connection goes on. */
START_TEST(a_copy_that_fails_leaves_nothing)
{
    text_view bodies[MANY];
    store_outcome outcome;
    make();
    for (unsigned i = 0; i < MANY; i++)
        bodies[i] = house_body(&first[i]);
    house_run("CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS"
              " $$ BEGIN RAISE EXCEPTION USING errcode = '53100'; END $$;"
              "CREATE TRIGGER fault BEFORE INSERT ON ctai.record FOR EACH ROW WHEN (NEW.quantity > 100) EXECUTE FUNCTION public.fault()");
    store_batch batch = house_sign(&large, bodies, MANY);
    ck_assert_int_eq(store_put(house.store, &batch, 1, house.memory, &outcome), DATABASE_FULL);
    ck_assert_int_eq(outcome.stored, HUB_STORED_LATER);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 0);
    house_run("DROP FUNCTION public.fault() CASCADE");
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), MANY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_copy");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, house_leave);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, small_and_large_batches_leave_the_same_rows);
    tcase_add_loop_test(all, batches_together_or_alone_leave_the_same_rows, 0, LIVES);
    tcase_add_test(all, a_copy_that_fails_leaves_nothing);
    suite_add_tcase(suite, all);
    return house_main(suite);
}
