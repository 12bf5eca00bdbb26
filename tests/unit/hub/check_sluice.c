/*
 * The sluice between plain sockets: who may pass how much, who waits and in which order, who is cut. The test is the
 * agents on one side and the ROUTER on the other; what they say is not encrypted, which the sluice does not see.
 */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sluice.h"
#include "zmtp.h"

#define GREETING 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'C', 'U', 'R', 'V', 'E'
static const uint8_t greeting[ZMTP_GREETING] = {GREETING};
/* A greeting, and the head of a command of a GiB. */
static const uint8_t greeting_and_huge[ZMTP_GREETING + 9] = {GREETING, [ZMTP_GREETING] = 4 | 2, [ZMTP_GREETING + 5] = 0x40};
/* What must come is waited for that long: a machine under load makes a test slow, not red. */
enum { LARGE = WIRE_MESSAGE_MAX + ZMTP_CURVE_OVERHEAD, PATIENCE_MS = 60 * 1000 };

static sluice *network;
static int router; /* listens where the sluice calls */
static unsigned port;

typedef struct { int agent, hub; uint32_t number; uint64_t to_come; } both;

static void enter(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    endpoint listen_at;
    router = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(bind(router, (struct sockaddr *)&at, sizeof at) == 0 && listen(router, 64) == 0);
    ck_assert_int_eq(getsockname(router, (struct sockaddr *)&at, &size), 0);
    ck_assert(endpoint_parse(&listen_at, text_of("tcp://127.0.0.1:*")));
    network = sluice_new();
    ck_assert(network != NULL && sluice_start(network, &listen_at, ntohs(at.sin_port)));
    ck_assert(endpoint_parse(&listen_at, text_of(sluice_endpoint(network))));
    port = listen_at.port;
}

static void leave(void)
{
    sluice_finish(network, 10);
    sluice_destroy(&network);
    close(router);
}

static int call(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)port)};
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(made, (struct sockaddr *)&at, sizeof at), 0);
    return made;
}

static uint64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

static bool readable(int file, int patience_ms)
{
    struct pollfd one = {.fd = file, .events = POLLIN};
    return poll(&one, 1, patience_ms) > 0;
}

static bool has_ended(int file, int patience_ms)
{
    char byte;
    return readable(file, patience_ms) && recv(file, &byte, 1, 0) <= 0;
}

static void say(int file, const void *bytes, size_t size)
{
    ck_assert_int_eq(send(file, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void say_head(int file, uint64_t size)
{
    uint8_t head[9] = {2};
    for (int i = 0; i < 8; i++)
        head[8 - i] = (uint8_t)(size >> (8 * i));
    say(file, head, sizeof head);
}

/* Takes exactly so many bytes at the hub's end; false when they do not come. */
static bool take(int file, uint64_t size, int patience_ms)
{
    static char bytes[65536];
    while (size > 0) {
        if (!readable(file, patience_ms))
            return false;
        ssize_t got = recv(file, bytes, size < sizeof bytes ? size : sizeof bytes, 0);
        if (got <= 0)
            return false;
        size -= (uint64_t)got;
    }
    return true;
}

/* A connection whose handshake is done: two frames each way. */
static both shaken(void)
{
    static const uint8_t command[] = {4, 3, 1, 2, 3};
    struct sockaddr_in from = {0};
    socklen_t size = sizeof from;
    both made = {.agent = call()};
    say(made.agent, greeting, sizeof greeting);
    ck_assert(readable(router, PATIENCE_MS));
    made.hub = accept(router, (struct sockaddr *)&from, &size);
    made.number = sluice_number(network, inet_ntoa(from.sin_addr));
    ck_assert_uint_ne(made.number, 0);
    say(made.hub, greeting, sizeof greeting);
    for (int i = 0; i < 2; i++) {
        say(made.agent, command, sizeof command);
        say(made.hub, command, sizeof command);
    }
    ck_assert(take(made.hub, sizeof greeting + 2 * sizeof command, PATIENCE_MS));
    ck_assert(take(made.agent, sizeof greeting + 2 * sizeof command, PATIENCE_MS));
    return made;
}

static void part(both *pair)
{
    close(pair->agent);
    close(pair->hub);
}

/* Says a large frame from a process of its own, so that it may wait. */
static void say_large(const both *of)
{
    static const char bytes[65536];
    if (fork() != 0)
        return;
    say_head(of->agent, LARGE);
    for (size_t left = LARGE; left > 0;) {
        ssize_t put = send(of->agent, bytes, left < sizeof bytes ? left : sizeof bytes, MSG_NOSIGNAL);
        if (put <= 0)
            _exit(0);
        left -= (size_t)put;
    }
    _exit(0);
}

static sluice_state look(void)
{
    sluice_state state;
    sluice_look(network, &state);
    return state;
}

/* Waits until so many bytes are inside, of so many connections, and so many of these wait. */
static bool comes_to(uint64_t inside, uint64_t connections, uint64_t waiting)
{
    for (uint64_t until = now_ms() + PATIENCE_MS; now_ms() < until; usleep(2000)) {
        sluice_state state = look();
        if (state.inside == inside && state.connections == connections && state.waiting == waiting)
            return true;
    }
    return false;
}

START_TEST(strangers_cost_little)
{
    uint64_t began = now_ms();
    int idle = call(), web = call(), large = call();
    say(web, "GET / HTTP/1.1\r\n\r\n", 18);
    say(large, greeting_and_huge, sizeof greeting_and_huge); /* at once: a greeting alone would reach the ROUTER */
    ck_assert(has_ended(web, PATIENCE_MS));
    ck_assert(has_ended(large, PATIENCE_MS));
    ck_assert(has_ended(idle, PATIENCE_MS));
    ck_assert_uint_ge(now_ms() - began, SLUICE_HANDSHAKE_MS);
    ck_assert_uint_eq(look().inside, 0);
    close(idle);
    close(web);
    close(large);
    ck_assert(!readable(router, 100)); /* none of them has reached the ROUTER */
}
END_TEST

START_TEST(a_stranger_that_has_greeted_sends_little)
{
    int large = call();
    say(large, greeting_and_huge, ZMTP_GREETING);
    ck_assert(readable(router, PATIENCE_MS));
    int hub = accept(router, NULL, NULL);
    ck_assert(take(hub, ZMTP_GREETING, PATIENCE_MS));
    say(large, greeting_and_huge + ZMTP_GREETING, sizeof greeting_and_huge - ZMTP_GREETING);
    ck_assert(has_ended(large, PATIENCE_MS));
    ck_assert(has_ended(hub, PATIENCE_MS)); /* and no byte of the frame */
    close(large);
    close(hub);
}
END_TEST

START_TEST(one_connection_waits_for_itself)
{
    both one = shaken();
    for (int i = 0; i < 2; i++) {
        say_large(&one);
        ck_assert(take(one.hub, 9 + LARGE, PATIENCE_MS));
        sluice_received(network, one.number, WIRE_MESSAGE_MAX);
    }
    ck_assert_uint_eq(look().inside, 2 * LARGE);
    say_large(&one);
    ck_assert(take(one.hub, 9, PATIENCE_MS));
    ck_assert(!take(one.hub, 1, 300));
    sluice_done(network, one.number, WIRE_MESSAGE_MAX);
    ck_assert(take(one.hub, LARGE, PATIENCE_MS));
    /* It goes: what was not received never comes, what was received counts until it is done. */
    part(&one);
    ck_assert(comes_to(LARGE, 1, 0));
    ck_assert(!sluice_lives(network, one.number));
    sluice_done(network, one.number, WIRE_MESSAGE_MAX);
    ck_assert(comes_to(0, 0, 0));
}
END_TEST

START_TEST(all_wait_in_their_order)
{
    enum { ROOM = 14, MORE = 3 };
    both all[ROOM + MORE];
    for (int i = 0; i < ROOM + MORE; i++) {
        all[i] = shaken();
        say_large(&all[i]);
        ck_assert(take(all[i].hub, i < ROOM - 1 ? 9 + LARGE : 9, PATIENCE_MS));
        if (i < ROOM - 1)
            sluice_received(network, all[i].number, WIRE_MESSAGE_MAX);
        else /* 13 of a little more than 4 MiB leave less than one of 56 */
            ck_assert(comes_to((ROOM - 1) * (uint64_t)LARGE, (uint64_t)i + 1, (uint64_t)i + 2 - ROOM));
    }
    ck_assert_uint_le(look().inside, SLUICE_ALL_BYTES);
    for (int i = ROOM - 1; i < ROOM + MORE; i++) {
        ck_assert(!readable(all[i].hub, 50));
        sluice_done(network, all[i - ROOM + 1].number, WIRE_MESSAGE_MAX);
        ck_assert(take(all[i].hub, LARGE, PATIENCE_MS));
        sluice_received(network, all[i].number, WIRE_MESSAGE_MAX);
    }
    for (int i = 0; i < ROOM + MORE; i++)
        part(&all[i]);
}
END_TEST

START_TEST(endless_messages_are_cut)
{
    both one = shaken(), two = shaken();
    say_large(&one);
    ck_assert(take(one.hub, 9 + LARGE, PATIENCE_MS)); /* libzmq keeps it: more is to come */
    ck_assert(has_ended(one.agent, PATIENCE_MS));
    ck_assert(!has_ended(two.agent, 0));
    part(&one);
    part(&two);
}
END_TEST

START_TEST(who_does_not_read_is_known)
{
    both one = shaken();
    ck_assert(sluice_sends(network, one.number, WIRE_MESSAGE_MAX));
    ck_assert(!sluice_sends(network, one.number, 100));
    both two = shaken();
    for (int i = 0; i < 10; i++)
        ck_assert(sluice_sends(network, two.number, 100 * 1024));
    ck_assert(!sluice_sends(network, two.number, 100 * 1024));
    part(&one);
    part(&two);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sluice");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, leave);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, strangers_cost_little);
    tcase_add_test(all, a_stranger_that_has_greeted_sends_little);
    tcase_add_test(all, one_connection_waits_for_itself);
    tcase_add_test(all, all_wait_in_their_order);
    tcase_add_test(all, endless_messages_are_cut);
    tcase_add_test(all, who_does_not_read_is_known);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
