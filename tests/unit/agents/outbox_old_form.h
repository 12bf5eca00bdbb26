/* outbox_old_form: a file as the first version of the program made it, with three batches and what the hub held. */
#ifndef CTAI_TEST_OUTBOX_OLD_FORM_H
#define CTAI_TEST_OUTBOX_OLD_FORM_H

static const char OLD_FORM[] =
    "PRAGMA application_id = 1129595209; PRAGMA user_version = 1;"
    "CREATE TABLE scope ("
    "  name TEXT PRIMARY KEY, incarnation INTEGER NOT NULL, queued INTEGER NOT NULL, queued_hash BLOB NOT NULL,"
    "  acknowledged INTEGER NOT NULL DEFAULT 0, stable INTEGER NOT NULL DEFAULT 0,"
    "  ledger_position INTEGER NOT NULL DEFAULT 0, receipt BLOB, receipt_signature BLOB,"
    "  records_queued INTEGER NOT NULL DEFAULT 0, records_acknowledged INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE batch ("
    "  scope TEXT NOT NULL, sequence INTEGER NOT NULL, records INTEGER NOT NULL,"
    "  header BLOB NOT NULL, signature BLOB NOT NULL, bodies BLOB NOT NULL, PRIMARY KEY (scope, sequence)) STRICT;"
    "CREATE TABLE refusal ("
    "  scope TEXT NOT NULL, sequence INTEGER NOT NULL, position INTEGER NOT NULL,"
    "  contract TEXT NOT NULL, key BLOB NOT NULL, reason INTEGER NOT NULL,"
    "  PRIMARY KEY (scope, sequence, position)) STRICT;"
    "CREATE INDEX refusal_key ON refusal (contract, key);"
    "CREATE TABLE generation (contract TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;"
    "CREATE TABLE held ("
    "  contract TEXT NOT NULL, generation INTEGER NOT NULL, first_key BLOB NOT NULL, entries BLOB NOT NULL,"
    "  PRIMARY KEY (contract, generation, first_key)) STRICT;"
    "CREATE TABLE value ("
    "  name TEXT NOT NULL, of TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, of)) STRICT;"
    "INSERT INTO scope VALUES ('63', 1, 3, x'0101010101010101010101010101010101010101010101010101010101010101', 2, 1, 9,"
    " NULL, NULL, 30, 20);"
    "INSERT INTO batch VALUES ('63', 2, 10, x'01', zeroblob(64), x''), ('63', 3, 10, x'01', zeroblob(64), x'');"
    "INSERT INTO generation VALUES ('63-essai', 4);"
    "INSERT INTO held VALUES"
    " ('63-essai', 4, x'01000000000000000000000000000000', x'01000000000000000000000000000000aa000000000000000000000000000000"
    "02000000000000000000000000000000bb000000000000000000000000000000'),"
    " ('63-essai', 4, x'07000000000000000000000000000000', x'07000000000000000000000000000000cc000000000000000000000000000000');";

#endif
