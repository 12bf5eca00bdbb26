/* The table of admission, the hub's addresses and its configuration. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "hub_conf.h"

static admission_entry entry_of(unsigned number, bool revoked)
{
    admission_entry entry = { .revoked = revoked };
    for (unsigned i = 0; i < CRYPTO_PUBLIC; i++) {
        entry.curve[i] = (uint8_t) (number * 31 + i * (number | 1));
        entry.sign[i] = (uint8_t) (number * 17 + i);
    }
    memcpy(entry.curve, &number, sizeof number);
    memcpy(entry.sign, &number, sizeof number);
    snprintf(entry.name, sizeof entry.name, "agent-%u", number);
    return entry;
}

START_TEST(finds_what_was_added)
{
    admission *table = admission_new();
    ck_assert_ptr_nonnull(table);
    for (unsigned i = 0; i < 1000; i++) {
        admission_entry entry = entry_of((i * 7919) % 1000, i % 3 == 0);
        ck_assert(admission_add(table, &entry));
    }
    ck_assert(admission_seal(table));
    ck_assert_uint_eq(admission_count(table), 1000);
    for (unsigned i = 0; i < 1000; i++) {
        admission_entry wanted = entry_of(i, false), found;
        ck_assert(admission_find(table, wanted.curve, &found));
        ck_assert_str_eq(found.name, wanted.name);
        ck_assert_mem_eq(found.sign, wanted.sign, CRYPTO_PUBLIC);
        ck_assert(admission_allows(table, wanted.curve) == !found.revoked);
    }
    admission_entry stranger = entry_of(1000, false), found;
    ck_assert(!admission_find(table, stranger.curve, &found));
    ck_assert(!admission_allows(table, stranger.curve));
    admission_destroy(&table);
    ck_assert_ptr_null(table);
    admission_destroy(&table);
}
END_TEST

START_TEST(admits_nobody_when_empty)
{
    admission *table = admission_new();
    admission_entry anyone = entry_of(1, false), found;
    ck_assert(admission_seal(table));
    ck_assert(!admission_find(table, anyone.curve, &found));
    admission_destroy(&table);
}
END_TEST

START_TEST(refuses_one_key_for_two)
{
    for (int same_curve = 0; same_curve < 2; same_curve++) {
        admission *table = admission_new();
        admission_entry one = entry_of(1, false), other = entry_of(2, false);
        if (same_curve)
            memcpy(other.curve, one.curve, CRYPTO_PUBLIC);
        else
            memcpy(other.sign, one.sign, CRYPTO_PUBLIC);
        ck_assert(admission_add(table, &one));
        ck_assert(admission_add(table, &other));
        ck_assert(!admission_seal(table));
        admission_destroy(&table);
    }
}
END_TEST

START_TEST(reads_addresses)
{
    static const struct { const char *text, *host; unsigned port; bool any; } good[] = {
        { "tcp://127.0.0.1:5670", "127.0.0.1", 5670, false },
        { "tcp://0.0.0.0:1", "0.0.0.0", 1, true },
        { "tcp://[::]:5670", "[::]", 5670, true },
        { "tcp://[fe80::1%eth0]:5670", "[fe80::1%eth0]", 5670, false },
        { "tcp://*:*", "*", 0, true },
        { "tcp://hub.exemple.fr:0", "hub.exemple.fr", 0, false },
    };
    static const char *const bad[] = { "", "tcp://", "tcp://1.2.3.4", "tcp://1.2.3.4:", "tcp://:5670",
                                      "udp://1.2.3.4:1",
        "tcp://1.2.3.4:65536", "tcp://1.2.3.4:-1", "tcp://1.2.3.4:1x", "tcp://a "
                                                                       "b:1", "tcp://::1:5670", "tcp://[x]:1",
        "tcp://-a:1", "ipc:///tmp/x", "tcp://a/b:1", "tcp://1.2.3.4:000001" };
    endpoint parsed;
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(endpoint_parse(&parsed, text_of(good[i].text)), "%s", good[i].text);
        ck_assert_str_eq(parsed.host, good[i].host);
        ck_assert_uint_eq(parsed.port, good[i].port);
        ck_assert(parsed.any_host == good[i].any);
        endpoint_text(&parsed, text);
        ck_assert(endpoint_parse(&parsed, text_of(text)));
        ck_assert_uint_eq(parsed.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!endpoint_parse(&parsed, text_of(bad[i])), "%s", bad[i]);
    char longest[600] = "tcp://";
    memset(longest + 6, 'a', 500);
    memcpy(longest + 506, ":1", 3);
    ck_assert(!endpoint_parse(&parsed, text_of(longest)));
}
END_TEST

static char *written(const hub_conf *conf)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    hub_conf_write(conf, to);
    fclose(to);
    return text;
}

START_TEST(configuration_comes_back)
{
    hub_conf conf, again;
    diag_sink sink = {0};
    const char *reason;
    hub_conf_init(&conf);
    ck_assert(hub_conf_set(&conf, "database", text_of("host=a,b dbname='c d' password=#=x"), &reason));
    ck_assert(hub_conf_set(&conf, "database_ingest", text_of("service=a password='= #'"), &reason));
    ck_assert(hub_conf_set(&conf, "database_report", text_of("service=b"), &reason));
    ck_assert(hub_conf_set(&conf, "listen", text_of("tcp://[::1]:7"), &reason));
    ck_assert(hub_conf_set(&conf, "web", text_of("127.0.0.1:8080"), &reason));
    ck_assert(hub_conf_set(&conf, "address", text_of("tcp://hub.exemple.fr:5670"), &reason));
    ck_assert(hub_conf_set(&conf, "address", text_of("tcp://192.0.2.7:5670"), &reason));
    ck_assert(hub_conf_set(&conf, "writers", text_of("4"), &reason));
    ck_assert(hub_conf_set(&conf, "stable", text_of("later"), &reason));
    char *text = written(&conf);
    ck_assert(hub_conf_read(&again, "hub.conf", text_of(text), &sink));
    ck_assert_mem_eq(&again, &conf, sizeof conf);
    free(text);
    hub_conf_init(&conf);
    text = written(&conf);
    ck_assert(hub_conf_read(&again, "hub.conf", text_of(text), &sink));
    ck_assert_mem_eq(&again, &conf, sizeof conf);
    free(text);
}
END_TEST

static unsigned long line_of_error;
static void note_line(diag_sink *sink, const diag *what)
{
    line_of_error = what->line;
}

START_TEST(configuration_says_where_it_is_wrong)
{
    static const char *const bad[] = { "lisen = tcp://*:1", "listen = 5670", "listen", "writers = 0",
                                      "writers = 17", "writers = x",
        "writers = -1", "web = 8080", "stable = oui", "database =", "address = tcp://*:5670", "address = "
                                                                                              "tcp://a:*" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        hub_conf conf;
        diag_sink sink = { .emit = note_line };
        snprintf(text, sizeof text, "# a\r\n\n  writers = 3\n %s \n", bad[i]);
        if (strncmp(bad[i], "writers", 7) == 0)
            snprintf(text, sizeof text, "\n\n\n%s", bad[i]);
        line_of_error = 0;
        ck_assert_msg(!hub_conf_read(&conf, "hub.conf", text_of(text), &sink), "%s", bad[i]);
        ck_assert_uint_eq(line_of_error, 4);
        ck_assert_uint_eq(sink.count[DIAG_ERROR], 1);
    }
    hub_conf conf;
    diag_sink sink = {0};
    ck_assert(!hub_conf_read(&conf, "hub.conf", text_of("writers = 1\nwriters = 2\n"), &sink));
}
END_TEST

START_TEST(configuration_takes_one_line_values)
{
    hub_conf conf;
    const char *reason = NULL;
    hub_conf_init(&conf);
    ck_assert(!hub_conf_set(&conf, "database", text_of("host=a\nwriters = 9"), &reason));
    ck_assert_ptr_nonnull(reason);
    ck_assert(!hub_conf_set(&conf, "web", text_of("\xff:80"), &reason));
    ck_assert_str_eq(conf.web, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission");
    TCase *all = tcase_create("all");
    tcase_add_test(all, finds_what_was_added);
    tcase_add_test(all, admits_nobody_when_empty);
    tcase_add_test(all, refuses_one_key_for_two);
    tcase_add_test(all, reads_addresses);
    tcase_add_test(all, configuration_comes_back);
    tcase_add_test(all, configuration_says_where_it_is_wrong);
    tcase_add_test(all, configuration_takes_one_line_values);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
