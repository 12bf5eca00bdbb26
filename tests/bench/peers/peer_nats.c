/*
 * peer_nats: what a team would build with a broker: one row a message into a JetStream stream on disk (asynchronous
 * publications, up to 4,000 not yet confirmed), and a consumer that takes up to 1,000 messages, copies them into a temporary
 * table, upserts them, commits and acknowledges them all: peer_nats URL CONNINFO TABLE FILE STREAM. No signature, no ledger,
 * no encryption. nats-server 2.9 confirms a publication before the disk has it: what counts here is PostgreSQL's commit.
 * Prints rows and nanoseconds, from the first publication to the last acknowledgement of the consumer.
 */
#include <inttypes.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"

enum { FETCH = 1000, PENDING = 4000, WAIT_MS = 60 * 1000 };

static void need(natsStatus status, const char *what)
{
    if (status == NATS_OK)
        return;
    (void)fprintf(stderr, "peer_nats: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

static jsCtx *join(natsConnection **connection, const char *url)
{
    jsCtx *stream = NULL;
    jsOptions options;
    need(natsConnection_ConnectTo(connection, url), "connect");
    need(jsOptions_Init(&options), "options");
    options.PublishAsync.MaxPending = PENDING;
    options.PublishAsync.StallWait = WAIT_MS;
    need(natsConnection_JetStream(&stream, *connection, &options), "jetstream");
    return stream;
}

static natsSubscription *subscribe(jsCtx *stream, const char *name)
{
    natsSubscription *messages = NULL;
    jsSubOptions how;
    need(jsSubOptions_Init(&how), "options");
    how.Config.AckPolicy = js_AckAll;
    how.Config.MaxAckPending = 4 * FETCH;
    how.ManualAck = true;
    need(js_PullSubscribe(&messages, stream, name, "consommateur", NULL, &how, NULL), "subscribe");
    return messages;
}

/* One fetch into the table; the number of its messages. */
static int take(PGconn *connection, natsSubscription *messages, const char *upsert)
{
    static char text[FETCH * 2048];
    size_t size = 0;
    natsMsgList list = {0};
    natsStatus status = natsSubscription_Fetch(&list, messages, FETCH, WAIT_MS, NULL);
    need(status, "fetch");
    for (int i = 0; i < list.Count; i++) {
        size_t more = (size_t)natsMsg_GetDataLength(list.Msgs[i]);
        if (size + more > sizeof text)
            table_give_up("a message is too large");
        memcpy(text + size, natsMsg_GetData(list.Msgs[i]), more);
        size += more;
    }
    table_run(connection, "BEGIN");
    table_copy_text(connection, "fresh", text, size);
    table_run(connection, upsert);
    table_run(connection, "COMMIT");
    int count = list.Count;
    if (count > 0)
        need(natsMsg_Ack(list.Msgs[count - 1], NULL), "acknowledge");
    natsMsgList_Destroy(&list);
    return count;
}

static void consume(int tell, const char *url, const char *conninfo, const char *table, const char *name, size_t rows)
{
    char sql[8192];
    natsConnection *broker = NULL;
    jsCtx *stream = join(&broker, url);
    natsSubscription *messages = subscribe(stream, name);
    PGconn *connection = table_connect(conninfo);
    char *updates = table_ask(connection, TABLE_UPDATES_SQL, table);
    (void)snprintf(sql, sizeof sql, "CREATE TEMPORARY TABLE fresh (LIKE %s) ON COMMIT DELETE ROWS", table);
    table_run(connection, sql);
    (void)snprintf(sql, sizeof sql, "INSERT INTO %s SELECT * FROM fresh ON CONFLICT (scope, agent, key) DO UPDATE SET %s", table, updates);
    if (write(tell, "+", 1) != 1)
        table_give_up("nobody listens");
    for (size_t done = 0; done < rows;)
        done += (size_t)take(connection, messages, sql);
    need(natsConnection_Flush(broker), "flush");
    PQfinish(connection);
    free(updates);
    natsSubscription_Destroy(messages);
    jsCtx_Destroy(stream);
    natsConnection_Destroy(broker);
}

static void publish(jsCtx *stream, const char *name, const table_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        need(js_PublishAsync(stream, name, rows->text + rows->starts[i], (int)(rows->starts[i + 1] - rows->starts[i]), NULL), "publish");
    jsPubOptions options;
    need(jsPubOptions_Init(&options), "options");
    options.MaxWait = WAIT_MS;
    need(js_PublishAsyncComplete(stream, &options), "publish");
}

static void make_stream(jsCtx *stream, const char *name)
{
    jsStreamConfig config;
    const char *subjects[] = {name};
    need(jsStreamConfig_Init(&config), "options");
    config.Name = name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    need(js_AddStream(NULL, stream, &config, NULL, NULL), "stream");
}

int main(int argc, char **argv)
{
    int told[2], status = 1;
    char sign;
    if (argc != 6 || pipe(told) != 0)
        table_give_up("peer_nats URL CONNINFO TABLE FILE STREAM");
    table_rows rows = table_read(argv[4], 100 * 1000 * 1000);
    /* The stream first; the consumer is a process of its own, begun before this one has threads. */
    int go[2];
    if (pipe(go) != 0)
        table_give_up("no pipe");
    pid_t consumer = fork();
    if (consumer == 0) {
        if (read(go[0], &sign, 1) != 1)
            _exit(1);
        consume(told[1], argv[1], argv[2], argv[3], argv[5], rows.count);
        _exit(0);
    }
    natsConnection *broker = NULL;
    jsCtx *stream = join(&broker, argv[1]);
    make_stream(stream, argv[5]);
    (void)close(told[1]);
    if (write(go[1], "+", 1) != 1 || read(told[0], &sign, 1) != 1)
        table_give_up("no consumer");
    uint64_t begun = table_now_ns();
    publish(stream, argv[5], &rows);
    bool whole = waitpid(consumer, &status, 0) == consumer && status == 0;
    (void)printf("%zu %" PRIu64 "\n", rows.count, table_now_ns() - begun);
    jsCtx_Destroy(stream);
    natsConnection_Destroy(broker);
    table_release(&rows);
    return whole ? 0 : 1;
}
