/*
 * The hub's socket with real CURVE connections on loopback: who is let in, what is answered, who is cut.
 * The store stands aside: the functions below take its place, so that no database is needed.
 */
#include <check.h>
#include <czmq.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "hub_link.h"
#include "logline.h"
#include "store_status.h"
#include "writer.h"

/* The store's stand-in. */
struct store { int unused; };
static atomic_int database_away, alarms_noted, contacts_noted, put_calls;
static atomic_bool title_changed, is_forked;

database_error store_open(store **self, const store_options *options)
{
    *self = calloc(1, sizeof(store));
    return DATABASE_OK;
}

void store_destroy(store **self)
{
    free(*self);
    *self = NULL;
}

const char *store_explain(const store *self)
{
    return "la base est arrêtée";
}

database_error store_load_state(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_position *hello,
                                unsigned hello_count, arena *from, store_state *state)
{
    if (database_away)
        return DATABASE_LATER;
    if (is_forked) {
        state->forked = true;
        return DATABASE_OK;
    }
    state->scope_count = 1;
    state->scopes = arena_take(from, sizeof *state->scopes);
    state->scopes[0].position.scope = text_of("63");
    state->scopes[0].position.incarnation = 1;
    state->contract_count = 1;
    state->contracts = arena_take(from, sizeof *state->contracts);
    state->contracts[0] = (wire_contract) { .id = text_of("c1"), .title = text_of(title_changed ? "Autre" : "Contrat"),
        .scope = text_of("63"), .first_day = 19000, .last_day = 19365, .action_count = 1 };
    state->contracts[0].actions = arena_take(from, sizeof *state->contracts[0].actions);
    state->contracts[0].actions[0] = (wire_action) { text_of("axe1"), text_of("Axe"), true };
    return DATABASE_OK;
}

database_error store_put(store *self, const store_batch *batches, unsigned count, arena *scratch, store_outcome *outcomes)
{
    put_calls++;
    for (unsigned i = 0; i < count; i++) {
        if (database_away)
            break;
        outcomes[i].stored = HUB_STORED_COMMITTED;
        outcomes[i].position = (wire_position) { .scope = batches[i].header->scope, .incarnation = 1,
            .sequence = batches[i].header->sequence, .stable = batches[i].header->sequence };
        batch_hash(outcomes[i].position.hash, batches[i].header_bytes);
        outcomes[i].ledger_position = batches[i].header->sequence;
        outcomes[i].refusal_count = 1;
        outcomes[i].refusals = arena_take(scratch, sizeof *outcomes[i].refusals);
        *outcomes[i].refusals = (wire_record_refusal) { batches[i].header->sequence, 0, RECORD_NO_RIGHT };
    }
    return database_away ? DATABASE_LATER : DATABASE_OK;
}

database_error store_ask(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_message *question, arena *from,
                         store_answer *answer)
{
    answer->stored = HUB_STORED_COMMITTED;
    answer->ledger_position = 7;
    answer->message.type = WIRE_GRANTED;
    memcpy(answer->message.granted.request, question->renew.request, WIRE_REQUEST);
    answer->message.granted.position = question->renew.seen;
    answer->message.granted.position.incarnation = question->renew.incarnation;
    return DATABASE_OK;
}

void store_set_meanwhile(store *self, store_meanwhile meanwhile)
{
}

database_error store_status_note_contact(store *self, const uint8_t agent[CRYPTO_PUBLIC])
{
    contacts_noted++;
    return DATABASE_OK;
}

database_error store_status_note_alarm(store *self, const uint8_t agent[CRYPTO_PUBLIC], wire_refusal reason,
                                       text_view scope,
                                       uint64_t sequence)
{
    alarms_noted++;
    return DATABASE_OK;
}

/* A hub on a free port, and agents. What must come is waited for that long. */
enum { PATIENCE_MS = 60 * 1000 };
typedef struct { crypto_box_pair curve; crypto_sign_pair sign; bool revoked; } agent;

static struct {
    hub_keys keys;
    gate *who;
    hub_link *link;
    pthread_t thread;
    int stop;
    bool good;
    agent agents[3]; /* the third is a stranger */
    arena *scratch;
} hub;

static void *run_hub(void *unused)
{
    hub.good = hub_link_run(hub.link, hub.stop);
    return NULL;
}

static void admit(void)
{
    admission *table = admission_new();
    for (int i = 0; i < 2; i++) {
        admission_entry entry = { .revoked = hub.agents[i].revoked };
        memcpy(entry.curve, hub.agents[i].curve.public_key, CRYPTO_PUBLIC);
        memcpy(entry.sign, hub.agents[i].sign.public_key, CRYPTO_PUBLIC);
        snprintf(entry.name, sizeof entry.name, "agent-%d", i);
        ck_assert(admission_add(table, &entry));
    }
    ck_assert(admission_seal(table));
    gate_replace(hub.who, &table);
}

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    memset(&hub, 0, sizeof hub);
    database_away = alarms_noted = contacts_noted = put_calls = 0;
    title_changed = is_forked = false;
    crypto_box_new(&hub.keys.curve);
    crypto_sign_new(&hub.keys.sign);
    for (int i = 0; i < 3; i++) {
        crypto_box_new(&hub.agents[i].curve);
        crypto_sign_new(&hub.agents[i].sign);
    }
    hub.scratch = arena_new(16 << 20);
    hub.who = gate_new();
    admit();
    endpoint listen;
    store_options options = { .conninfo = "" };
    ck_assert(endpoint_parse(&listen, text_of("tcp://127.0.0.1:*")));
    hub.link = hub_link_new(&(hub_link_options) { &listen, &hub.keys, hub.who, 2, &options });
    ck_assert_msg(hub.link != NULL, "%s", strerror(errno));
    hub.stop = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_eq(pthread_create(&hub.thread, NULL, run_hub, NULL), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(write(hub.stop, &(uint64_t){1}, 8), 8);
    pthread_join(hub.thread, NULL);
    ck_assert(hub.good);
    hub_link_destroy(&hub.link);
    gate_destroy(&hub.who);
    arena_destroy(&hub.scratch);
    close(hub.stop);
}

static zsock_t *connect_as(const agent *who)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    zsock_set_curve_serverkey_bin(dealer, hub.keys.curve.public_key);
    zsock_set_curve_publickey_bin(dealer, who->curve.public_key);
    zsock_set_curve_secretkey_bin(dealer, who->curve.secret_key);
    zsock_set_linger(dealer, 0);
    zsock_set_rcvtimeo(dealer, PATIENCE_MS);
    /* Nothing comes back by itself after a cut: what is seen is one connection. */
    zsock_set_reconnect_ivl(dealer, -1);
    ck_assert_int_eq(zmq_connect(zsock_resolve(dealer), hub_link_endpoint(hub.link)), 0);
    return dealer;
}

/* Is told when the connection ends. */
static zactor_t *watch_end(zsock_t *dealer)
{
    zactor_t *monitor = zactor_new(zmonitor, dealer);
    zstr_sendx(monitor, "LISTEN", "DISCONNECTED", NULL);
    zstr_sendx(monitor, "START", NULL);
    zsock_wait(monitor);
    zsock_set_rcvtimeo(monitor, PATIENCE_MS);
    return monitor;
}

static void wait_end(zactor_t **monitor)
{
    char *event = zstr_recv(*monitor);
    ck_assert_ptr_nonnull(event);
    ck_assert_str_eq(event, "DISCONNECTED");
    freen(event);
    zactor_destroy(monitor);
}

static void say(zsock_t *dealer, const wire_message *message)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, message);
    ck_assert(!bytes.failed);
    ck_assert_int_ge(zmq_send(zsock_resolve(dealer), bytes.data, bytes.size, 0), 0);
    batch_buffer_release(&bytes);
}

static void say_hello(zsock_t *dealer)
{
    wire_message hello = { .type = WIRE_HELLO };
    hello.hello.version = WIRE_VERSION;
    hello.hello.software = text_of("check");
    say(dealer, &hello);
}

/* The next message within the time; false when none comes. */
static bool hear(zsock_t *dealer, wire_message *message)
{
    static zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, zsock_resolve(dealer), 0) < 0)
        return false;
    size_t size = zmq_msg_size(&frame);
    char *copy = arena_take(hub.scratch, size);
    memcpy(copy, zmq_msg_data(&frame), size);
    zmq_msg_close(&frame);
    ck_assert(wire_read(message, hub.scratch, (text_view) { copy, size }));
    return true;
}

static void greet(zsock_t *dealer)
{
    wire_message answer;
    say_hello(dealer);
    ck_assert(hear(dealer, &answer));
    ck_assert_int_eq(answer.type, WIRE_WELCOME);
    ck_assert_uint_eq(answer.welcome.contract_count, 1);
    ck_assert_uint_eq(answer.welcome.scope_count, 1);
}

/* A batch without bodies. */
static void say_batch(zsock_t *dealer, const agent *who, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    batch_buffer bytes;
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_header header = { .scope = text_of("63"), .incarnation = 1, .sequence = sequence, .scheme = 1 };
    memcpy(header.agent, who->sign.public_key, CRYPTO_PUBLIC);
    memcpy(header.previous, hash, CRYPTO_HASH);
    batch_buffer_init(&bytes, BATCH_HEADER_MAX);
    batch_write_header(&bytes, &header);
    ck_assert(!bytes.failed);
    text_view view = { (const char *) bytes.data, bytes.size };
    batch_sign(signature, view, &who->sign);
    batch_hash(hash, view);
    wire_message message = { .type = WIRE_BATCH };
    message.batch.header = view;
    message.batch.signature = signature;
    say(dealer, &message);
    batch_buffer_release(&bytes);
}

START_TEST(admitted_agent_is_heard)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    wire_receipt receipt;
    uint8_t hash[CRYPTO_HASH] = {0};
    greet(dealer);
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        say_batch(dealer, &hub.agents[0], sequence, hash);
        ck_assert(hear(dealer, &answer));
        ck_assert_int_eq(answer.type, WIRE_ACK);
        ck_assert(crypto_verify(answer.ack.signature, answer.ack.receipt.at, answer.ack.receipt.size,
                                hub.keys.sign.public_key));
        ck_assert(wire_read_receipt(&receipt, answer.ack.receipt));
        ck_assert_uint_eq(receipt.position.sequence, sequence);
        ck_assert_mem_eq(receipt.position.hash, hash, CRYPTO_HASH);
        ck_assert_uint_eq(answer.ack.refusal_count, 1);
        ck_assert_int_eq(answer.ack.refusals[0].reason, RECORD_NO_RIGHT);
    }
    ck_assert_int_eq(contacts_noted, 1);
    ck_assert_int_eq(alarms_noted, 0);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(renewed_agent_is_granted_its_incarnation)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message ask = { .type = WIRE_RENEW }, answer;
    memset(ask.renew.request, 5, WIRE_REQUEST);
    greet(dealer);
    ask.renew.own = ask.renew.seen = (wire_position) { .scope = text_of("63"), .incarnation = 1 };
    ask.renew.incarnation = 2;
    say(dealer, &ask);
    ck_assert(hear(dealer, &answer) && answer.type == WIRE_GRANTED);
    ck_assert(answer.granted.request[0] == 5 && answer.granted.position.incarnation == 2);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(forked_agent_is_told_whenever_it_is_known)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    greet(dealer);
    is_forked = true;
    hub_link_changed(hub.link);
    for (int i = 0; i < 3; i++) {
        ck_assert(hear(dealer, &answer) && answer.type == WIRE_REFUSED && answer.refused.reason == WIRE_REFUSAL_FORK);
        say_hello(dealer);
    }
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(stranger_is_refused)
{
    zsock_t *dealer = connect_as(&hub.agents[2]);
    wire_message answer;
    zsock_set_rcvtimeo(dealer, 700);
    say_hello(dealer);
    ck_assert(!hear(dealer, &answer));
    ck_assert_int_eq(contacts_noted, 0);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(plain_connections_are_refused)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    wire_message answer;
    zsock_set_linger(dealer, 0);
    zsock_set_rcvtimeo(dealer, 700);
    ck_assert_int_eq(zmq_connect(zsock_resolve(dealer), hub_link_endpoint(hub.link)), 0);
    say_hello(dealer);
    ck_assert(!hear(dealer, &answer));
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(revoked_agent_is_cut_at_once)
{
    zsock_t *dealer = connect_as(&hub.agents[0]), *other = connect_as(&hub.agents[1]);
    zactor_t *monitor = watch_end(dealer);
    wire_message answer;
    greet(dealer);
    greet(other);
    hub.agents[0].revoked = true;
    admit();
    hub_link_changed(hub.link);
    ck_assert(hear(dealer, &answer));
    ck_assert_int_eq(answer.type, WIRE_REFUSED);
    ck_assert_int_eq(answer.refused.reason, WIRE_REFUSAL_REVOKED);
    wait_end(&monitor);
    /* The other one is still served. */
    uint8_t hash[CRYPTO_HASH] = {0};
    say_batch(other, &hub.agents[1], 1, hash);
    ck_assert(hear(other, &answer));
    ck_assert_int_eq(answer.type, WIRE_ACK);
    zsock_destroy(&dealer);
    zsock_destroy(&other);
}
END_TEST

START_TEST(revoked_agent_is_not_heard_even_before_the_notice)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    uint8_t hash[CRYPTO_HASH] = {0};
    greet(dealer);
    hub.agents[0].revoked = true;
    admit();
    say_batch(dealer, &hub.agents[0], 1, hash);
    ck_assert(hear(dealer, &answer));
    ck_assert_int_eq(answer.type, WIRE_REFUSED);
    ck_assert_int_eq(answer.refused.reason, WIRE_REFUSAL_REVOKED);
    ck_assert_int_eq(put_calls, 0);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(changed_contracts_are_told_once)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    greet(dealer);
    hub_link_changed(hub.link);
    zsock_set_rcvtimeo(dealer, 300);
    ck_assert(!hear(dealer, &answer));
    title_changed = true;
    hub_link_changed(hub.link);
    zsock_set_rcvtimeo(dealer, PATIENCE_MS);
    ck_assert(hear(dealer, &answer));
    ck_assert_int_eq(answer.type, WIRE_CONTRACTS);
    ck_assert(text_is(answer.contracts.contracts[0].title, "Autre"));
    hub_link_changed(hub.link);
    zsock_set_rcvtimeo(dealer, 300);
    ck_assert(!hear(dealer, &answer));
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(message_of_two_frames_is_cut)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    zactor_t *monitor = watch_end(dealer);
    greet(dealer);
    zstr_sendx(dealer, "a", "b", "c", NULL);
    wait_end(&monitor);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(frame_over_the_limit_is_cut)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    zactor_t *monitor = watch_end(dealer);
    greet(dealer);
    char *large = zmalloc(WIRE_MESSAGE_MAX + 1024);
    ck_assert_int_ge(zmq_send(zsock_resolve(dealer), large, WIRE_MESSAGE_MAX + 1024, 0), 0);
    free(large);
    wait_end(&monitor);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(garbage_alarms_and_is_cut_in_the_end)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    greet(dealer);
    for (int i = 0; i < HUB_SESSION_STRIKES_MAX; i++)
        ck_assert_int_ge(zmq_send(zsock_resolve(dealer), "\xc1garbage", 8, 0), 0);
    for (int i = 0; i < HUB_SESSION_STRIKES_MAX; i++) {
        ck_assert(hear(dealer, &answer));
        ck_assert_int_eq(answer.type, WIRE_REFUSED);
        ck_assert_int_eq(answer.refused.reason, WIRE_REFUSAL_MALFORMED);
    }
    for (int i = 0; i < PATIENCE_MS / 20 && alarms_noted < HUB_SESSION_STRIKES_MAX; i++)
        zclock_sleep(20);
    ck_assert_int_eq(alarms_noted, HUB_SESSION_STRIKES_MAX);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(database_away_means_later)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    uint8_t hash[CRYPTO_HASH] = {0};
    greet(dealer);
    database_away = 1;
    say_batch(dealer, &hub.agents[0], 1, hash);
    ck_assert(hear(dealer, &answer));
    ck_assert_int_eq(answer.type, WIRE_REFUSED);
    ck_assert_int_eq(answer.refused.reason, WIRE_REFUSAL_BUSY);
    database_away = 0;
    zclock_sleep(2 * WRITER_RETRY_MS_MIN);
    memset(hash, 0, sizeof hash);
    greet(dealer);
    say_batch(dealer, &hub.agents[0], 1, hash);
    ck_assert(hear(dealer, &answer));
    ck_assert_int_eq(answer.type, WIRE_ACK);
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(newest_connection_of_a_key_stays)
{
    zsock_t *first = connect_as(&hub.agents[0]);
    wire_message answer;
    uint8_t hash[CRYPTO_HASH] = {0};
    zactor_t *monitor = watch_end(first);
    greet(first);
    zsock_t *second = connect_as(&hub.agents[0]);
    greet(second);
    wait_end(&monitor);
    say_batch(second, &hub.agents[0], 1, hash);
    ck_assert(hear(second, &answer));
    ck_assert_int_eq(answer.type, WIRE_ACK);
    zsock_destroy(&first);
    zsock_destroy(&second);
}
END_TEST

/* An id that the peer has chosen is not taken. */
START_TEST(chosen_routing_id_is_not_heard)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    wire_message answer;
    zsock_set_curve_serverkey_bin(dealer, hub.keys.curve.public_key);
    zsock_set_curve_publickey_bin(dealer, hub.agents[0].curve.public_key);
    zsock_set_curve_secretkey_bin(dealer, hub.agents[0].curve.secret_key);
    zsock_set_identity(dealer, "chosen");
    zsock_set_linger(dealer, 0);
    zsock_set_rcvtimeo(dealer, 700);
    ck_assert_int_eq(zmq_connect(zsock_resolve(dealer), hub_link_endpoint(hub.link)), 0);
    say_hello(dealer);
    ck_assert(!hear(dealer, &answer));
    zsock_destroy(&dealer);
}
END_TEST

/* As many batches as the credit allows, at once. */
START_TEST(whole_credit_is_served)
{
    zsock_t *dealer = connect_as(&hub.agents[0]);
    wire_message answer;
    uint8_t hash[CRYPTO_HASH] = {0};
    greet(dealer);
    for (uint64_t sequence = 1; sequence <= HUB_SESSION_CREDIT_BATCHES; sequence++)
        say_batch(dealer, &hub.agents[0], sequence, hash);
    for (int i = 0; i < HUB_SESSION_CREDIT_BATCHES; i++) {
        ck_assert(hear(dealer, &answer));
        ck_assert_int_eq(answer.type, WIRE_ACK);
    }
    zsock_destroy(&dealer);
}
END_TEST

START_TEST(taken_address_is_said)
{
    endpoint wanted;
    store_options options = { .conninfo = "" };
    gate *who = gate_new();
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    ck_assert_int_eq(bind(taken, (struct sockaddr *) &address, size), 0);
    ck_assert_int_eq(listen(taken, 1), 0);
    ck_assert_int_eq(getsockname(taken, (struct sockaddr *) &address, &size), 0);
    char text[ENDPOINT_TEXT];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    ck_assert(endpoint_parse(&wanted, text_of(text)));
    hub_link *link = hub_link_new(&(hub_link_options) { &wanted, &hub.keys, who, 1, &options });
    int error = errno;
    ck_assert_ptr_null(link);
    ck_assert_int_eq(error, EADDRINUSE);
    gate_destroy(&who);
    close(taken);
}
END_TEST

static void setup_keys(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_box_new(&hub.keys.curve);
    crypto_sign_new(&hub.keys.sign);
}

int main(void)
{
    Suite *suite = suite_create("hub_link");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 30);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, admitted_agent_is_heard);
    tcase_add_test(all, renewed_agent_is_granted_its_incarnation);
    tcase_add_test(all, forked_agent_is_told_whenever_it_is_known);
    tcase_add_test(all, stranger_is_refused);
    tcase_add_test(all, plain_connections_are_refused);
    tcase_add_test(all, revoked_agent_is_cut_at_once);
    tcase_add_test(all, revoked_agent_is_not_heard_even_before_the_notice);
    tcase_add_test(all, changed_contracts_are_told_once);
    tcase_add_test(all, message_of_two_frames_is_cut);
    tcase_add_test(all, frame_over_the_limit_is_cut);
    tcase_add_test(all, garbage_alarms_and_is_cut_in_the_end);
    tcase_add_test(all, database_away_means_later);
    tcase_add_test(all, newest_connection_of_a_key_stays);
    tcase_add_test(all, chosen_routing_id_is_not_heard);
    tcase_add_test(all, whole_credit_is_served);
    suite_add_tcase(suite, all);
    TCase *alone = tcase_create("alone");
    tcase_add_checked_fixture(alone, setup_keys, NULL);
    tcase_add_test(alone, taken_address_is_said);
    suite_add_tcase(suite, alone);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
