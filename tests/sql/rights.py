#!/usr/bin/python3
"""The rights of the roles in PostgreSQL: the matrix of all of them, and attacks that have to fail.

Run by tests/sql/run, which names a fresh database of a hub in PGHOST... and is its superuser. The matrix is read out of
the catalogue and compared with rights.txt, line by line, so that a table or function without an entry fails; with
CTAI_RIGHTS=write it is written instead (read the difference before it is committed).
"""

import os
import sys

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
LIST = os.path.join(HERE, "rights.txt")
ROLES = ["ctai_ingest", "ctai_consolidation", "ctai_report", "ctai_web"]
TABLE_VERBS = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
COLUMN_VERBS = ["SELECT", "INSERT", "UPDATE", "REFERENCES"]
HEAD = """\
# Who may do what in a hub's database: made from its catalogue by CTAI_RIGHTS=write tests/sql/run rights, and compared
# with it by every run. -: nothing. (columns): of these alone. rows: only those that the policies at the end let through.
# The rights themselves, and why, are in schema/sql/rights.sql.
"""
# What readers may read whatever the contract.
WITHOUT_ROWS = {"hub_identity", "migration"}
DENIED = "42501"

failures = []


def check(good, what):
    """Notes a failure."""
    if not good:
        failures.append(what)


def ask(connection, sql, *parameters):
    """All rows of a query; of a statement without rows, none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


def connect(user=None, role=None, **settings):
    """A connection, each statement of which is a transaction."""
    words = " ".join(f"-c {name}={value}" for name, value in settings.items())
    connection = psycopg2.connect("", **({"user": user} if user else {}), options=words)
    connection.autocommit = True
    if role:
        ask(connection, f"SET ROLE {role}")
    return connection


# The matrix.

def table_rights(connection, role, oid):
    """What a role may do with a table, in words."""
    verbs = []
    for verb in TABLE_VERBS:
        if ask(connection, "SELECT has_table_privilege(%s, %s::oid, %s)", role, oid, verb)[0][0]:
            verbs.append(verb)
        elif verb in COLUMN_VERBS:
            columns = [name for name, in ask(
                connection, "SELECT attname FROM pg_attribute WHERE attrelid = %s::oid AND attnum > 0 AND NOT attisdropped"
                " AND has_column_privilege(%s, attrelid, attnum, %s) ORDER BY attnum", oid, role, verb)]
            if columns:
                verbs.append(f"{verb}({','.join(columns)})")
    return " ".join(verbs) or "-"


def rights(connection, test, verbs, oid):
    """For each role, the verbs of which a has_..._privilege function says yes."""
    return [" ".join(v for v in verbs if ask(connection, f"SELECT {test}(%s, %s::oid, %s)", role, oid, v)[0][0]) or "-"
            for role in ROLES]


def matrix(connection):
    """Its lines."""
    lines = []
    for name, oid in ask(connection, "SELECT nspname, oid FROM pg_namespace WHERE nspname = 'ctai'"):
        lines.append(["schema " + name, *rights(connection, "has_schema_privilege", ["USAGE", "CREATE"], oid), "-"])
    for kind, name, oid, rows in ask(
            connection, "SELECT relkind, relname, oid, relrowsecurity FROM pg_class WHERE relnamespace = 'ctai'::regnamespace"
            " AND relkind NOT IN ('i', 'I', 't', 'c') ORDER BY relkind = 'S', relname"):
        if kind == "S":
            lines.append(["sequence " + name, *rights(connection, "has_sequence_privilege", ["USAGE", "SELECT", "UPDATE"], oid), "-"])
        else:
            lines.append(["table " + name, *(table_rights(connection, role, oid) for role in ROLES), "rows" if rows else "-"])
    for name, oid in ask(connection, "SELECT oid::regprocedure::text, oid FROM pg_proc WHERE pronamespace = 'ctai'::regnamespace"
                         " ORDER BY 1"):
        lines.append(["function " + name.removeprefix("ctai."), *rights(connection, "has_function_privilege", ["EXECUTE"], oid), "-"])
    for table, name, verb, roles, using, checked in ask(
            connection, "SELECT tablename, policyname, cmd, array_to_string(roles, ', '), qual, with_check FROM pg_policies"
            " WHERE schemaname = 'ctai' ORDER BY 1, 2"):
        lines.append([f"rows of {table}", name, verb, roles, f"using {' '.join(using.split()) if using else '-'}", f"check {checked or '-'}"])
    return [" | ".join(line) for line in [["what", *ROLES, "rows"], *lines]]


def check_matrix(connection):
    """The catalogue against the list."""
    have = matrix(connection)
    if os.environ.get("CTAI_RIGHTS") == "write":
        with open(LIST, "w", encoding="utf-8") as file:
            file.write(HEAD + "\n".join(have) + "\n")
        return
    with open(LIST, encoding="utf-8") as file:
        wanted = [line for line in file.read().splitlines() if not line.startswith("#")]
    for line in sorted(set(have) - set(wanted)):
        failures.append(f"not in rights.txt: {line}")
    for line in sorted(set(wanted) - set(have)):
        failures.append(f"only in rights.txt: {line}")


def check_owners(connection):
    """What has to hold whatever the list says."""
    owned = ask(connection, "SELECT relname FROM pg_class WHERE relowner::regrole::text = ANY (%s)", ROLES)
    check(not owned, f"tables that a role owns: {owned}")
    wrong = ask(connection, "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'ctai'::regnamespace"
                " AND prosecdef <> (proowner::regrole::text = 'ctai_consolidation')")
    check(not wrong, f"functions that are SECURITY DEFINER and not consolidation's, or the other way about: {wrong}")
    loose = ask(connection, "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'ctai'::regnamespace AND prosecdef"
                " AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))")
    check(not loose, f"SECURITY DEFINER without a pinned search_path: {loose}")
    public = ask(connection, "SELECT relname::text FROM pg_class, aclexplode(relacl) AS a WHERE relnamespace = 'ctai'::regnamespace"
                 " AND a.grantee = 0 UNION ALL SELECT proname FROM pg_proc,"
                 " aclexplode(coalesce(proacl, acldefault('f', proowner))) AS a WHERE pronamespace = 'ctai'::regnamespace AND a.grantee = 0")
    check(not public, f"everybody has a right: {public}")
    open_rows = {name for name, in ask(
        connection, "SELECT relname FROM pg_class WHERE relnamespace = 'ctai'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"
        " AND NOT relrowsecurity AND (has_any_column_privilege('ctai_report', oid, 'SELECT') OR"
        " has_any_column_privilege('ctai_web', oid, 'SELECT'))")} - WITHOUT_ROWS
    check(not open_rows, f"readers see every row of {sorted(open_rows)}")
    powers = ask(connection, "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) AND (rolsuper OR rolbypassrls OR rolcreaterole"
                 " OR rolcreatedb OR rolreplication)", ROLES)
    check(not powers, f"roles with powers: {powers}")
    members = ask(connection, "SELECT m.roleid::regrole, m.member::regrole FROM pg_auth_members AS m"
                  " WHERE m.member::regrole::text = ANY (%s)", ROLES)
    check(not members, f"roles that are members of another: {members}")


# The attacks.

TOKENS = [f"SELECT {column} FROM ctai.{table}" for table in ("record", "record_history", "record_staged")
          for column in ("token_e", "token_i", "token_m", "*")] + [
    "SELECT token_i FROM ctai.records_as_of('63', 100)",
    "SELECT * FROM ctai.link('63', 100, ARRAY[]::uuid[])",
]
CONTRACTS = [
    "INSERT INTO ctai.contract (id, scope) VALUES ('x', '63')",
    "UPDATE ctai.contract SET scope = '69'",
    "UPDATE ctai.contract_version SET last_day = '2030-01-01'",
    "DELETE FROM ctai.contract_action",
    "UPDATE ctai.contract_target SET target = 1",
    "UPDATE ctai.indicator SET share = 1",
]
AGENTS = [
    "INSERT INTO ctai.agent (name, curve, sign, box) VALUES ('x', sha256('1'), sha256('2'), sha256('3'))",
    "UPDATE ctai.agent SET sign = sha256('x')",
    "UPDATE ctai.agent SET status = 'active'",
    "INSERT INTO ctai.agent_right (agent, contract_id, action) SELECT 1, 1, 1",
    "DELETE FROM ctai.agent_former",
]
HISTORY = [
    "UPDATE ctai.ledger SET header = ''",
    "DELETE FROM ctai.ledger",
    "UPDATE ctai.record_history SET quantity = 0",
    "TRUNCATE ctai.record",
    "TRUNCATE ctai.ledger",
    "UPDATE ctai.hub_identity SET fingerprint = 'x'",
    "DELETE FROM ctai.migration",
]
SERVER = [
    "CREATE TABLE ctai.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE FUNCTION ctai.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE ctai.contract DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON ctai.contract USING (true)",
    "DROP TABLE ctai.ledger",
    "GRANT SELECT ON ctai.agent_former TO ctai_web",
    "GRANT ctai_consolidation TO ctai_web",
    "CREATE ROLE mine",
    "ALTER ROLE ctai_web SUPERUSER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY ctai.migration TO '/tmp/mine'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT lo_import('/etc/passwd')",
    "SET session_replication_role TO replica",
    "SELECT pg_terminate_backend(current_setting('test.backend')::integer)",
]
FUNCTIONS = [ # not for ctai_consolidation, as which nobody works: they are its own
    "CREATE OR REPLACE FUNCTION ctai.seen() RETURNS SETOF integer LANGUAGE sql AS 'SELECT contract_id FROM ctai.contract'",
    "ALTER FUNCTION ctai.seen() SECURITY INVOKER",
    "SELECT * FROM ctai.evaluate(1, 1, 202311, 202411, 100)",
]
READERS = TOKENS + CONTRACTS + AGENTS + HISTORY + SERVER + FUNCTIONS + [
    "SELECT name FROM ctai.agent",
    "SELECT header FROM ctai.ledger",
    "SELECT reference FROM ctai.record",
    "SELECT value FROM ctai.cell",
    "SELECT * FROM ctai.cells(1, 1, 202311, 202411, 100)",
    "SELECT * FROM ctai.cells_wrong()",
    "SELECT ctai.consolidate(1)",
    "DELETE FROM ctai.mark",
]
ESCAPES = [
    "SET ROLE {owner}",
    "SET ROLE {other}",
    "SET SESSION AUTHORIZATION {owner}",
    "SELECT set_config('role', '{owner}', false)",
    "SELECT set_config('role', '{other}', false)",
]
ATTACKS = {
    "ctai_report": READERS,
    "ctai_web": READERS,
    "ctai_ingest": CONTRACTS + AGENTS + HISTORY + SERVER + FUNCTIONS + [
        "SELECT message FROM ctai.quarantine", "SELECT ctai.report('63-thiers-2023', NULL, NULL, 100)"],
    "ctai_consolidation": CONTRACTS + AGENTS + HISTORY + SERVER + [
        "SELECT sign FROM ctai.agent", "INSERT INTO ctai.scope VALUES ('x')"],
}


def outcome(connection, sql):
    """'done', or the SQLSTATE of the refusal."""
    try:
        ask(connection, sql)
    except psycopg2.Error as error:
        return error.pgcode
    return "done"


def check_attacks(owner, settings):
    """As each role, by a login of its own and by SET ROLE."""
    count = 0
    for role, statements in ATTACKS.items():
        for user, as_role in ((f"login_{role}", None), (owner, role)):
            connection = connect(user, as_role, **settings)
            for sql in statements:
                got = outcome(connection, sql)
                count += 1
                check(got == DENIED, f"{user or as_role}, {sql}: {got}")
            connection.close()
        connection = connect(f"login_{role}")
        for sql in ESCAPES:
            got = outcome(connection, sql.format(owner=owner, other=next(one for one in ROLES[1:] if one != role)))
            count += 1
            check(got == DENIED, f"login_{role}, {sql}: {got}")
        ask(connection, f"SET ROLE {role}")
        ask(connection, "RESET ROLE")
        check(outcome(connection, "UPDATE ctai.ledger SET header = ''") == DENIED, f"login_{role} has more rights after RESET ROLE")
        connection.close()
    return count


def check_limits(owner):
    """What SET ROLE does not prevent, so that no document says otherwise: a statement that is not the hub's can take it back."""
    for back in ("RESET ROLE", "SELECT set_config('role', 'none', false)"):
        connection = connect(owner, "ctai_report")
        check(outcome(connection, "SELECT token_e FROM ctai.record") == DENIED, "SET ROLE gives no right up")
        ask(connection, back)
        check(outcome(connection, "SELECT token_e FROM ctai.record") == "done", f"{back} does not give the rights back: say so in the documents")
        connection.close()


def contracts_seen(connection):
    """By each way to them."""
    return [{name for name, in ask(connection, sql)} for sql in (
        "SELECT id FROM ctai.contract",
        "SELECT CASE department WHEN '63' THEN '63-thiers-2023' ELSE '69-rhone' END FROM ctai.contract_version",
        "SELECT CASE scope WHEN '63' THEN '63-thiers-2023' ELSE '69-rhone' END FROM ctai.scope",
        "SELECT c.id FROM unnest(ARRAY['63-thiers-2023', '69-rhone']) AS c (id)"
        " WHERE EXISTS (SELECT FROM ctai.report(c.id, NULL, NULL, 1000))",
        "SELECT c.id FROM unnest(ARRAY['63-thiers-2023', '69-rhone']) AS c (id)"
        " WHERE ctai.contract_position_at(c.id, now()) IS NOT NULL",
        "SELECT c.id FROM unnest(ARRAY['63-thiers-2023', '69-rhone']) AS c (id) WHERE ctai.contract_month_at(c.id, NULL) IS NOT NULL",
        "SELECT c.id FROM unnest(ARRAY['63-thiers-2023', '69-rhone']) AS c (id)"
        " WHERE EXISTS (SELECT FROM ctai.discrepancies(c.id, NULL, NULL, 203001, 1000, ARRAY['axe1'], ARRAY['x']))",
    )]


def check_rows(owner):
    """Which contracts a reader sees: by the settings of its connection, and nothing without."""
    thiers, rhone = {"63-thiers-2023"}, {"69-rhone"}
    cases = [({}, set()), ({"ctai.department": "63"}, thiers), ({"ctai.department": "69"}, rhone),
             ({"ctai.department": "63,69"}, thiers | rhone), ({"ctai.department": "6"}, set()), ({"ctai.contract": "69-rhone"}, rhone),
             ({"ctai.contract": "69-rhone", "ctai.department": "63"}, set()), ({"ctai.contract": "", "ctai.department": ""}, set()),
             ({"ctai.contract": "%"}, set())]
    for role in ("ctai_report", "ctai_web"):
        for user, as_role in ((f"login_{role}", None), (owner, role)):
            for settings, wanted in cases:
                connection = connect(user, as_role, **settings)
                check(contracts_seen(connection) == [wanted] * 7, f"{user}, {settings}: sees {contracts_seen(connection)}")
                got = outcome(connection, "SET row_security TO off; SELECT * FROM ctai.contract")
                check(got == DENIED, f"{user}: row_security off: {got}")
                connection.close()
    check(contracts_seen(connect())[0] == thiers | rhone, "the owner does not see all")


def check_links(owner):
    """Of the ledger's links, ingest fills in those that are owed, and changes none."""
    for user, as_role in (("login_ctai_ingest", None), (owner, "ctai_ingest")):
        connection = connect(user, as_role)
        for table, ours in (("ledger", "scope = '69'"), ("contract_version", "department = '69'")):
            link = f"UPDATE ctai.{table} SET chain = sha256('x') WHERE {ours} AND chain"
            ask(connection, "BEGIN")
            with connection.cursor() as cursor:
                for condition, wanted in (("IS NOT NULL", 0), ("IS NULL", 1), ("IS NULL", 0), ("IS NOT NULL", 0)):
                    cursor.execute(f"{link} {condition}")
                    check(cursor.rowcount == wanted, f"{user}: {table}: {cursor.rowcount} links {condition} changed, not {wanted}")
            ask(connection, "ROLLBACK")
        connection.close()


def check_strangers():
    """Whoever is not let in cannot connect, though the server knows it, nor with the roles of another hub."""
    for user in ("login_stranger", "login_neighbour"):
        try:
            connect(user).close()
            failures.append(f"{user} can connect")
        except psycopg2.OperationalError as error:
            check("permission denied for database" in str(error), f"{user}: {error}")


def prepare(connection):
    """Logins for the test, and a contract of another department."""
    for role in ROLES:
        ask(connection, f"CREATE ROLE login_{role} LOGIN IN ROLE {role}")
        ask(connection, f"GRANT CONNECT ON DATABASE {os.environ['PGDATABASE']} TO login_{role}")
    ask(connection, "CREATE ROLE login_stranger LOGIN")
    ask(connection, f"CREATE ROLE login_neighbour LOGIN IN ROLE {', '.join(ROLES)}")
    # A hub's own role on a server that is not its own: no superuser, but the owner of all and a member of the roles.
    ask(connection, f"CREATE ROLE login_owner LOGIN IN ROLE {', '.join(ROLES)}")
    ask(connection, f"GRANT CONNECT ON DATABASE {os.environ['PGDATABASE']} TO login_owner")
    ask(connection, "ALTER SCHEMA ctai OWNER TO login_owner")
    for name, in ask(connection, "SELECT relname FROM pg_class WHERE relnamespace = 'ctai'::regnamespace AND relkind = 'r'"):
        ask(connection, f"ALTER TABLE ctai.{name} OWNER TO login_owner")
    ask(connection, "ALTER TABLE ctai.ledger DROP CONSTRAINT ledger_linked")  # as of entries older than the chain
    for position, link in ((1, "sha256('1')"), (2, "NULL")):
        ask(connection, "INSERT INTO ctai.ledger (scope, position, agent, incarnation, sequence, header_hash, header, signature,"
            f" received_at, chain) SELECT '69', {position}, 1, 1, {position}, '', '', '', now(), {link}")
    ask(connection, "INSERT INTO ctai.scope (scope, position) VALUES ('69', 1)")
    ask(connection, "INSERT INTO ctai.contract (id, scope) VALUES ('69-rhone', '69')")
    new = "(SELECT contract_id FROM ctai.contract WHERE id = '69-rhone')"
    ask(connection, f"INSERT INTO ctai.contract_version SELECT {new}, version + n, n, registered_at, title, '69', region,"
        " first_day, last_day, '', CASE n WHEN 2 THEN sha256('2') END FROM ctai.contract_version, unnest(ARRAY[1, 2]) AS n"
        " WHERE contract_id <> " + new)
    ask(connection, f"INSERT INTO ctai.contract_action SELECT {new}, action, code FROM ctai.contract_action")
    ask(connection, f"INSERT INTO ctai.contract_version_action SELECT {new}, version + n, action, rank, title"
        " FROM ctai.contract_version_action, unnest(ARRAY[1, 2]) AS n")


def main():
    connection = connect()
    check_matrix(connection)
    check_owners(connection)
    prepare(connection)
    owner = "login_owner"
    check_strangers()
    count = check_attacks(owner, {"test.backend": connection.info.backend_pid})
    check_limits(owner)
    check_rows(owner)
    check_links(owner)
    for line in failures[:40]:
        print(f"        {line}")
    print(f"{'FAILED' if failures else 'ok':7} rights: {len(matrix(connection)) - 1} objects, {count} attacks")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
