"""The hub's rights in PostgreSQL: as whom it works, in its own cluster and on a server where it is nobody special."""

import contextlib
import os
import subprocess
import unittest

import harness
from contracts import THIERS_2023
from evaluate import evaluate
from generate import DataSet
from test_two_hubs import Database

ROLES_SQL = os.path.join(harness.ROOT, "deploy", "roles.sql")
ROLES = "ctai_consolidation,ctai_ingest,ctai_report,ctai_web"
NAMES = ["cias", "cecler"]


def ask(conninfo, sql):
    """The cells of a query, a row a line."""
    done = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", conninfo, "-c", sql], capture_output=True, text=True, timeout=harness.TIMEOUT_S,
                          check=False)
    if done.returncode:
        raise AssertionError(f"{sql}: {done.stderr}")
    return done.stdout.strip()


def who_works(conninfo):
    """As whom the hub is connected: the logins."""
    return set(ask(conninfo, "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'ctai-hub'").split())


def wait_workers(conninfo, *logins):
    """The hub is connected as these; a server process of a connection that was closed may last a moment longer."""
    harness.wait_until(lambda: who_works(conninfo) == set(logins), lambda: f"{who_works(conninfo)}, not {logins}", 60)


@contextlib.contextmanager
def outside(base, name, powers=""):
    """A world, a database of an ordinary role of the same name, and that role's conninfo."""
    ask(base.conninfo(), f"CREATE ROLE {name} LOGIN {powers}")
    ask(base.conninfo(), f"CREATE DATABASE {name} OWNER {name}")
    made = harness.World()
    try:
        yield made, f"host={base.directory} user={name} dbname={name}"
    finally:
        made.close()


class Rights(unittest.TestCase):
    def setUp(self):
        """A server of the test's own: the roles are one server's."""
        self.base = Database()
        self.addCleanup(self.base.close)

    def go(self, world, data, check):
        """From approval to report, with `serve`; the rest of the commands beside it."""
        world.hub("contract", "add", harness.CONTRACT_FILE).must()
        world.serve()
        for name in NAMES:
            world.enrol(name, actions="axe1,axe3")
        world.share_key(NAMES)
        check()
        paths = data.write(world.path("data"))
        for name in NAMES:
            done = world.push(name, paths[name]).must(harness.EX_OK, harness.EX_DATAERR)
            self.assertEqual(done.json()["en_attente"], 0, done.text)
        rows = world.report()
        self.assertGreater(sum(row["statut"] == "compte" for row in rows), 20)
        kept = world.path("hub.sauvegarde")
        for command in (["status"], ["doctor"], ["audit", "verify"], ["agent", "list"], ["contract", "list"], ["backup", kept],
                        ["purge"], ["agent", "revoke", NAMES[1]]):
            world.hub(*command).must(*([harness.EX_OK, harness.EX_CONFIG] if command == ["doctor"] else [harness.EX_OK]))
        world.push(NAMES[1], paths[NAMES[1]]).must(harness.EX_NOPERM)
        self.assertEqual(world.stop(), 0)
        self.assertEqual(world.report(), rows)
        wait_workers(self.base.conninfo())
        world.hub("restore", kept, "--replace").must()
        self.assertEqual(world.report(), rows)
        self.assertNotIn('"revoque": true', world.hub("agent", "list", "--json").must().text)
        return rows

    def test_own_cluster(self):
        """Its own cluster: what takes batches has logged in as ctai_ingest, and nothing that stays is the superuser."""
        with contextlib.closing(harness.World()) as world:
            world.hub("init", "--listen", f"tcp://127.0.0.1:{world.port}").must()
            run = os.path.join(world.hub_home, "postgres.run")

            def check():
                wait_workers(f"host={run} user=ctai dbname=postgres", "ctai_ingest")
                for sql in ("SET ROLE ctai", "SELECT * FROM ctai.agent_former", "UPDATE ctai.ledger SET header = ''"):
                    with self.assertRaisesRegex(AssertionError, "permission denied"):
                        ask(f"host={run} user=ctai_ingest dbname=postgres", sql)
                with self.assertRaisesRegex(AssertionError, "not permitted to log in"):
                    ask(f"host={run} user=ctai_consolidation dbname=postgres", "SELECT 1")

            rows = self.go(world, DataSet(91, 40, THIERS_2023), check)
            # As a home that is older than the roles: the first command makes them, and gives them their rights.
            world.serve()
            ask(f"host={run} user=ctai dbname=postgres", f"DROP OWNED BY {ROLES}; DROP ROLE {ROLES}")
            world.stop()
            self.assertEqual(world.report(), rows)
            world.serve()
            check()

    def test_somebody_elses_server(self):
        """An ordinary role: init says what the administrator runs, leaves nothing behind, and works once that was run."""
        with outside(self.base, "hub_a") as (world, conninfo):
            init = ["init", "--listen", f"tcp://127.0.0.1:{world.port}", "--database", conninfo]
            refused = world.hub(*init).must(harness.EX_CONFIG).messages
            self.assertIn("CREATE ROLE ctai_ingest; CREATE ROLE ctai_consolidation;", refused)
            self.assertIn("TO hub_a;", refused)
            self.assertIn("deploy/roles.sql", refused)
            self.assertFalse(os.path.exists(os.path.join(world.hub_home, "hub.conf")))
            self.assertEqual(ask(conninfo, "SELECT count(*) FROM pg_namespace WHERE nspname = 'ctai'"), "0")
            for _ in range(2):  # again does no harm
                subprocess.run(["psql", "-qX", self.base.conninfo(), "-v", "hub=hub_a", "-v", "base=hub_a", "-f", ROLES_SQL], check=True,
                               timeout=harness.TIMEOUT_S, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            world.hub(*init).must()
            self.assertEqual(ask(conninfo, "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'ctai\\_%'"
                                           " AND NOT (rolcanlogin OR rolsuper)"), ROLES)
            data = DataSet(92, 40, THIERS_2023)
            rows = self.go(world, data, lambda: wait_workers(conninfo, "hub_a"))
            self.with_logins(world, conninfo, rows)
            self.neighbours(conninfo)

    def with_logins(self, world, conninfo, rows):
        """The same hub with connections that never had more rights, given by the administrator."""
        for login, role in (("hub_a_envois", "ctai_ingest"), ("hub_a_rapports", "ctai_report")):
            ask(self.base.conninfo(), f"CREATE ROLE {login} LOGIN IN ROLE {role}; GRANT CONNECT ON DATABASE hub_a TO {login}")
        with open(os.path.join(world.hub_home, "hub.conf"), "a", encoding="utf-8") as file:
            file.write(f"database_ingest = {conninfo} user=hub_a_envois\ndatabase_report = {conninfo} user=hub_a_rapports\n")
        world.serve()
        wait_workers(self.base.conninfo(), "hub_a_envois")
        self.assertEqual(world.report(), rows)
        world.hub("report", "ailleurs").must(harness.EX_DATAERR)
        world.hub("report", harness.CONTRACT, "--as-of", "2024-06-30").must(harness.EX_DATAERR)  # not known yet then
        world.hub("report", harness.CONTRACT, "--as-of", "2100-01-01").must()
        self.assertEqual(world.stop(), 0)
        ask(self.base.conninfo(), "REVOKE ctai_report FROM hub_a_rapports")
        self.assertIn("ctai_report", world.hub("report", harness.CONTRACT).must(harness.EX_CONFIG).messages)

    def neighbours(self, conninfo):
        """Another hub's database on the server: its role is a member of the same roles, and is not let in."""
        with outside(self.base, "hub_b", "CREATEROLE") as (world, own):
            world.hub("init", "--database", own).must()
            with self.assertRaisesRegex(AssertionError, "permission denied for database"):
                ask(conninfo.replace("user=hub_a", "user=hub_b"), "SELECT token_e FROM ctai.record")
            with self.assertRaisesRegex(AssertionError, "permission denied for database"):
                ask(own.replace("user=hub_b", "user=hub_a"), "SELECT 1")

    def test_may_make_roles(self):
        """With CREATEROLE init makes them itself; a dump that is restored by somebody else gets its rights back."""
        with outside(self.base, "hub_c", "CREATEROLE") as (world, conninfo):
            world.hub("init", "--database", conninfo).must()
            world.hub("contract", "add", harness.CONTRACT_FILE).must()
            rights = ("SELECT count(*), bool_and(proowner = 'ctai_consolidation'::regrole) FROM pg_proc"
                      " WHERE pronamespace = 'ctai'::regnamespace AND prosecdef")
            before = ask(conninfo, rights)
            self.assertTrue(before.endswith("|t"))
            ask(conninfo, "ALTER FUNCTION ctai.report OWNER TO hub_c")
            self.assertTrue(ask(conninfo, rights).endswith("|f"))
            wanted = evaluate(THIERS_2023, [], None, None)
            harness.compare(self, world.report(), [{**row, "other": None} for row in wanted])
            self.assertEqual(ask(conninfo, rights), before)


if __name__ == "__main__":
    unittest.main()
