/* check_timeliness: a contract's state, and who is late, on any day. */
#include <check.h>
#include <stdlib.h>

#include "timeliness.h"

static arena *memory;
static contract_actor one[2], two[2];
static contract_action actions[2];
static contract said;
static civil_month months[] = { 24 * 12, 24 * 12 + 1 };
static timeliness_statement statements[4];
static timeliness_known known;
static timeliness got;

/* A year, 2024, of two actions: the first of alpha and beta, the second of beta and of somebody without an agent. */
static void enter(void)
{
    memory = arena_new(1 << 20);
    one[0] = (contract_actor){ .name = text_of("Alpha"), .agent = text_of("alpha") };
    one[1] = (contract_actor){ .name = text_of("Bêta"), .agent = text_of("beta") };
    two[0] = (contract_actor){ .name = text_of("Sans agent") };
    two[1] = one[1];
    actions[0] = (contract_action){ .code = text_of("axe1"), .operator_count = 2, .operators = one };
    actions[1] = (contract_action){ .code = text_of("axe2"), .operator_count = 2, .operators = two };
    said = (contract){ .first_day = civil_from(2024, 1, 15), .last_day = civil_from(2024, 12, 31), .action_count = 2, .actions = actions };
    known = (timeliness_known){ .statements = statements };
}

static void leave(void)
{
    arena_destroy(&memory);
}

static void state(const char *action, const char *agent, const char *month, const char *received)
{
    statements[known.statement_count++] = (timeliness_statement){
        .action = text_of(action), .agent = text_of(agent), .covers = true, .complete = true, .received = text_of(received),
        .last_month = month ? civil_month_parse(text_of(month)) : CIVIL_NONE, .month_count = 2, .months = months };
}

static void look(int year, int month, int day)
{
    ck_assert(timeliness_of(&got, memory, &said, &known, civil_from(year, month, day)));
}

START_TEST(the_state_follows_the_days)
{
    look(2024, 1, 14);
    ck_assert(got.state == TIMELINESS_COMING && got.due == CIVIL_NONE && got.late == 0);
    look(2024, 1, 15);
    ck_assert(got.state == TIMELINESS_RUNNING && got.due == CIVIL_NONE && got.on_time == 3 && got.expected == 3);
    look(2024, 12, 31);
    ck_assert(got.state == TIMELINESS_RUNNING && got.due == civil_month_parse(text_of("2024-11")));
    look(2025, 1, 1);
    ck_assert(got.state == TIMELINESS_ENDED && got.due == civil_month_parse(text_of("2024-12")));
    look(2031, 5, 1);
    ck_assert(got.due == civil_month_parse(text_of("2024-12")) && got.late == 12);
    known.closed = true;
    look(2031, 5, 1);
    ck_assert(got.state == TIMELINESS_CLOSED && got.due == CIVIL_NONE && got.late == 0);
    ck_assert_str_eq(timeliness_state_name(TIMELINESS_COMING), "à venir");
    ck_assert_str_eq(timeliness_state_name(TIMELINESS_CLOSED), "clos");
}
END_TEST

START_TEST(who_is_late)
{
    state("axe1", "alpha", "2024-03", "2024-04-02T10:00:00Z");
    state("axe1", "beta", "2024-01", "2024-04-05T10:00:00Z");
    state("axe2", "beta", NULL, "2024-02-05T10:00:00Z");
    look(2024, 4, 1);
    ck_assert(got.duty_count == 3 && got.expected == 3 && got.on_time == 1 && got.late == 3);
    ck_assert(got.duties[0].late == 0 && got.duties[1].late == 2 && got.duties[2].late == 3);
    ck_assert(text_is(got.duties[1].name, "Bêta") && got.duties[1].said == &statements[1]);
    ck_assert(text_is(got.received, "2024-04-05T10:00:00Z"));
    /* A month ahead of what is due is not early, nor before the contract worse than nothing. */
    statements[0].last_month += 20;
    statements[1].last_month = civil_month_parse(text_of("2022-06"));
    look(2024, 4, 1);
    ck_assert(got.duties[0].late == 0 && got.duties[1].late == 3);
    look(2024, 4, 30);
    ck_assert(got.late == 3);
    look(2024, 5, 1);
    ck_assert(got.late == 4);
}
END_TEST

START_TEST(records_without_a_statement_cover_nothing)
{
    state("axe1", "alpha", "2024-03", "");
    statements[0].covers = false;
    look(2024, 4, 1);
    ck_assert(got.duties[0].late == 3 && got.duties[0].said->month_count == 2 && got.received.size == 0);
}
END_TEST

/* An action that an amendment brought is due from then on. */
START_TEST(an_action_is_due_from_its_beginning)
{
    timeliness_begin begins[] = { { text_of("axe1"), civil_month_parse(text_of("2024-01")) },
                                { text_of("axe2"), civil_month_parse(text_of("2024-06")) } };
    known.begins = begins;
    known.begin_count = 2;
    look(2024, 5, 10);
    ck_assert(got.duties[0].late == 4 && got.duties[2].late == 0 && got.on_time == 1);
    look(2024, 8, 10);
    ck_assert(got.duties[0].late == 7 && got.duties[2].late == 2);
}
END_TEST

START_TEST(others_are_named_and_not_awaited)
{
    state("axe2", "alpha", "2024-01", "2024-02-01T00:00:00Z");
    look(2024, 8, 1);
    ck_assert(got.duty_count == 4 && got.expected == 3);
    ck_assert(!got.duties[3].expected && got.duties[3].late == 0 && text_is(got.duties[3].agent, "alpha") && got.duties[3].name.size == 0);
    /* An operator that is named twice is one. */
    two[0] = two[1];
    look(2024, 8, 1);
    ck_assert(got.expected == 3 && got.duty_count == 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeliness");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, the_state_follows_the_days);
    tcase_add_test(cases, who_is_late);
    tcase_add_test(cases, records_without_a_statement_cover_nothing);
    tcase_add_test(cases, an_action_is_due_from_its_beginning);
    tcase_add_test(cases, others_are_named_and_not_awaited);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
