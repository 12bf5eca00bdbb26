"""The right to erasure: `ctai-agent forget`, from the operator's queue to the hub's tables, history and later exports."""

import glob
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

import harness

WORLD = None
PERSONS = "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"

# Invented people: a household of two, a person alone; Zohra is followed by both operators.
ZOHRA = "P1;1234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;01/02/2023;M1\n"
KARIM = "P2;2234567890;Belkacem;Karim;04/05/1980;H;AFG;refugie;01/02/2023;M1\n"
LINA = "P3;;Cissé;Lina;14/07/1990;F;GIN;salarie;01/02/2023;\n"
ZOHRA_FACTS = ("e1;15/01/2024;axe1;entree;P1;10;;\n"
               "e2;16/01/2024;axe1;consultation_medicale;P1;2;;\n"
               "e3;17/02/2024;axe1;logement_perenne;P1;;;\n"
               "e4;20/02/2024;axe1;evenement_sportif;P1;;;match\n")
OTHER_FACTS = ("e5;15/01/2024;axe1;entree;P2;20;;\n"
               "e6;18/02/2024;axe1;logement_perenne;P2;;;\n"
               "e7;19/02/2024;axe1;entree;P3;5;;\n"
               "e8;19/02/2024;axe1;seance;;2;francais;cours\n")
EVERYBODY = (ZOHRA + KARIM + LINA, ZOHRA_FACTS + OTHER_FACTS)


class Forget(unittest.TestCase):
    def setUp(self):
        self.world = harness.World()
        self.addCleanup(self.world.close)
        self.world.start(operators=["fit", "cias"])
        self.round = 0

    # --- helpers ---

    def files(self, tables):
        self.round += 1
        return [self.world.write(f"{self.round}-{name}.csv", head + rows)
                for name, head, rows in (("p", PERSONS, tables[0]), ("e", EVENTS, tables[1]))]

    def push(self, tables, *codes, name="fit", options=()):
        return self.world.push(name, self.files(tables), "--allow-withdrawals", *options).must(*codes)

    def forget(self, *arguments, name="fit", codes=()):
        return self.world.agent(name, "forget", *arguments, "--json").must(*codes)

    def cell(self, indicator, *options, action="axe1"):
        rows = self.world.report(harness.CONTRACT, *options)
        return next(r["realise"] for r in rows if (r["action"], r["indicateur"]) == (action, indicator))

    def psql(self, sql):
        """What a statement gives, asked as the hub's own user of the cluster that its `serve` keeps running."""
        [pid] = glob.glob(os.path.join(self.world.hub_home, "**", "postmaster.pid"), recursive=True)
        with open(pid, encoding="ascii") as file:
            lines = file.read().split("\n")
        owner = os.stat(pid).st_uid
        tools = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
        argv = [tools, "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", lines[4], "-p", lines[3], "-U", "ctai", "-c", sql, "postgres"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/",
                              user=owner if os.geteuid() == 0 else None)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def rows(self, agent="fit"):
        """Every row of every table that holds anything of an agent's records, as text."""
        tables = self.psql("SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns"
                           " WHERE table_schema = 'ctai' AND column_name = 'agent' AND table_name NOT IN ('ledger', 'agent')"
                           " ORDER BY 1").split()
        return {table: self.psql(f"SELECT t FROM {table} AS t JOIN ctai.agent AS a USING (agent)"
                                 f" WHERE a.name = '{agent}'").splitlines() for table in tables}

    def keys(self, tables, person, name="fit"):
        """The keys of a person's records, from two previews: with and without."""
        def preview(content):
            persons, events = self.files(content)
            rows = self.world.agent(name, "preview", "--persons", persons, "--events", events,
                                    "--format", "csv").must().csv()
            return {row["cle"] for row in rows}
        without = ("".join(line + "\n" for line in tables[0].splitlines() if not line.startswith(person + ";")),
                   "".join(line + "\n" for line in tables[1].splitlines() if f";{person};" not in line))
        return preview(tables) - preview(without)

    def outbox(self, name="fit"):
        [path] = glob.glob(os.path.join(self.world.path(f"agent-{name}"), "etat.sqlite"))
        with open(path, "rb") as file:
            return file.read()

    def bodies(self, name="fit"):
        """The bodies that the outbox holds: (batch, body or None)."""
        path = self.world.path("copy.sqlite")
        shutil.copy(os.path.join(self.world.path(f"agent-{name}"), "etat.sqlite"), path)
        found = []
        with sqlite3.connect(path) as base:
            for sequence, packed in base.execute("SELECT sequence, bodies FROM batch ORDER BY sequence"):
                at = 0
                while at < len(packed):
                    size = int.from_bytes(packed[at:at + 4], "little")
                    at += 4
                    body = None if size == 0xFFFFFFFF else packed[at:at + size]
                    at += 0 if body is None else size
                    found.append((sequence, body))
        return found

    def check_gone(self, keys, name="fit"):
        """No key of the erased person is in any table of the hub."""
        text = "\n".join(line for lines in self.rows(name).values() for line in lines).replace("-", "")
        for key in keys:
            self.assertNotIn(key, text)
        dump = self.psql("SELECT string_agg(encode(message, 'hex'), ' ') FROM ctai.quarantine")
        for key in keys:
            self.assertNotIn(key, dump)

    # --- tests ---

    def test_everything_of_a_person_goes(self):
        """Records, history, the other operator's untouched; relatives' household anew; reports of before say it."""
        self.push(EVERYBODY)
        self.push((ZOHRA.replace("F;AFG", "H;AFG") + KARIM + LINA, EVERYBODY[1].replace("P1;10;", "P1;12;")))
        self.push((ZOHRA, ZOHRA_FACTS), name="cias")
        self.assertEqual(self.cell("1.1.total"), "3")
        self.assertEqual(self.cell("3.4.menages"), "1")  # by the smallest identity, which is hers
        keys = self.keys(EVERYBODY, "P1")
        theirs = self.rows("cias")
        tokens = set(self.psql("SELECT DISTINCT unnest(ARRAY[token_e, token_i]) FROM ctai.record JOIN ctai.agent AS a"
                               " USING (agent) WHERE a.name = 'cias'").split())
        before = self.psql("SELECT position FROM ctai.scope").strip()
        said = self.forget("P1").json()
        self.assertEqual((said["deja_efface"], said["en_attente"]), (False, 0))
        self.assertEqual(said["enregistrements"], 6)  # 4 facts, 2 months
        self.check_gone(keys)
        for table, lines in self.rows("fit").items():
            for token in tokens:
                self.assertNotIn(token, "\n".join(lines), table)
        self.assertEqual(self.rows("cias"), theirs)
        self.assertEqual(self.cell("1.1.total"), "3")  # the CIAS follows her as well
        self.assertEqual(self.cell("3.5.consultations"), "2")
        # A report as of before: 6 records that stood, and are counted no more.
        done = self.world.hub("report", harness.CONTRACT, "--as-of", before, "--format", "csv").must()
        self.assertIn("6 enregistrements de plus comptaient", done.messages)
        self.assertEqual(self.world.hub("report", harness.CONTRACT, "--as-of", before, "--json").must().json()["effaces"], 6)
        self.assertEqual(self.world.hub("report", harness.CONTRACT, "--json").must().json()["effaces"], 0)
        early = self.world.hub("report", harness.CONTRACT, "--as-of", str(int(before) - 2), "--json").must().json()
        self.assertEqual(early["effaces"], 6)
        # The next export still has her: left out, and the household's token is made without her.
        done = self.push(EVERYBODY)
        self.assertEqual(done.json()["ecartes"], 4)
        self.assertIn("personne effacée", done.messages)
        self.assertEqual((done.json()["nouveaux"], done.json()["modifies"], done.json()["retires"]), (0, 1, 0))
        self.assertEqual(self.cell("3.4.menages"), "2")  # the CIAS's, and Karim's
        self.check_gone(keys)
        # Under another number: by the foreigner's number, then by the name alone.
        again = self.push((EVERYBODY[0] + ZOHRA.replace("P1", "Q1"), EVERYBODY[1] + "e9;15/01/2024;axe1;entree;Q1;;;\n"))
        self.assertEqual((again.json()["ecartes"], again.json()["nouveaux"]), (5, 0))
        again = self.push((KARIM + LINA + "Q2;;AARABI;Zôhra;1999-03-12;F;AFG;refugie;01/02/2023;\n",
                           OTHER_FACTS + "e9;15/01/2024;axe1;entree;Q2;;;\n"))
        self.assertEqual((again.json()["ecartes"], again.json()["nouveaux"]), (1, 0))
        # Somebody of that name with another number is another person.
        again = self.push((KARIM + LINA + ZOHRA.replace("P1;1234567890", "Q3;3234567890"),
                           OTHER_FACTS + "e9;15/01/2024;axe1;entree;Q3;;;\n"))
        self.assertEqual((again.json()["ecartes"], again.json()["nouveaux"]), (0, 2))

    def test_facts_of_before_are_erased_from_history(self):
        """What the person had in exports of before is only in the hub's history: it goes as well."""
        keys = self.keys(EVERYBODY, "P1")
        self.push(EVERYBODY)
        self.push((KARIM + LINA, OTHER_FACTS))  # the office has taken her out of its table by itself
        self.assertTrue(any(key in "\n".join(self.rows()["ctai.record_history"]).replace("-", "") for key in keys))
        said = self.forget("P1").json()
        self.assertEqual(said["enregistrements"], 0)
        self.assertGreaterEqual(said["effacements"], 6)
        self.check_gone(keys)
        # She is known by her number and her name, though no table told of her since.
        again = self.push((KARIM + LINA + ZOHRA.replace("P1", "R1"), OTHER_FACTS + "e9;15/01/2024;axe1;entree;R1;;;\n"))
        self.assertEqual((again.json()["ecartes"], again.json()["nouveaux"]), (1, 0))

    def test_what_waits_becomes_absent(self):
        """Offline: bodies go from the queue, from the file's bytes too; headers stay; later all is delivered."""
        self.world.stop()
        # So many that pages of the file are given back.
        many = (EVERYBODY[0], EVERYBODY[1] + "".join(f"m{i};15/01/2024;axe1;consultation_medicale;P1;1;;\n" for i in range(400)))
        self.push(many, harness.EX_UNAVAILABLE, options=["--wait", "2"])
        keys = {bytes.fromhex(key) for key in self.keys(many, "P1")}
        waiting = [body for _, body in self.bodies() if body[22:38] in keys]
        self.assertEqual(len(waiting), 406)
        headers = self.headers()
        said = self.forget("P1", "--wait", "2", codes=[harness.EX_UNAVAILABLE]).json()
        self.assertEqual((said["enregistrements"], said["en_attente"] > 0), (406, True))
        self.assertEqual(self.headers()[:len(headers)], headers)
        absent = [body for sequence, body in self.bodies() if body is None]
        self.assertEqual(len(absent), 406)
        file = self.outbox()
        for body in waiting:
            self.assertNotIn(body[3:19], file)  # its salt
            self.assertNotIn(body[22:], file)
        self.world.serve()
        self.push(many)
        self.assertEqual(self.cell("1.1.total"), "2")
        self.check_gone({key.hex() for key in keys})

    def headers(self):
        path = self.world.path("headers.sqlite")
        shutil.copy(os.path.join(self.world.path("agent-fit"), "etat.sqlite"), path)
        with sqlite3.connect(path) as base:
            return base.execute("SELECT sequence, header, signature FROM batch ORDER BY sequence").fetchall()

    def test_hub_restored_from_an_older_copy(self):
        """A hub that comes back as it was before the erasure, history included, is told of it again."""
        self.push(EVERYBODY)
        self.push((ZOHRA.replace("F;AFG", "H;AFG") + KARIM + LINA, EVERYBODY[1]))
        keys = self.keys(EVERYBODY, "P1")
        self.world.stop()
        kept = self.world.path("kept-hub")
        subprocess.run(["cp", "-a", self.world.hub_home, kept], check=True)
        self.world.serve()
        self.forget("P1")
        self.check_gone(keys)
        self.push((KARIM + LINA, OTHER_FACTS))
        self.world.stop()
        shutil.rmtree(self.world.hub_home)
        subprocess.run(["cp", "-a", kept, self.world.hub_home], check=True)
        self.world.serve()
        self.assertTrue(any(key in "\n".join(self.rows()["ctai.record"]).replace("-", "") for key in keys))
        self.push((KARIM + LINA, OTHER_FACTS))
        self.check_gone(keys)
        self.assertEqual(self.cell("1.1.total"), "2")
        self.world.hub("audit", "verify").must()

    def test_agent_with_new_keys(self):
        """An operator that lost its disk: what it had sent under keys that nobody has any more goes as well."""
        self.push(EVERYBODY)
        tokens = set(self.psql("SELECT DISTINCT unnest(ARRAY[token_e, token_i]) FROM ctai.record"
                               " WHERE token_e IS NOT NULL").split())
        shutil.rmtree(self.world.path("agent-fit"))
        os.unlink(self.world.path("fit.demande"))
        self.world.fingerprints["fit"] = self.world.agent("fit", "init", "--name", "fit", "--json").must().json()["empreinte"]
        approval = self.world.path("fit.nouveau")
        self.world.hub("agent", "replace", "fit", self.world.path("fit.demande"), "-o", approval).must()
        self.world.agent("fit", "join", approval).must()
        self.world.grant_key("cias", "fit")
        self.push(EVERYBODY)
        self.assertTrue(tokens)
        self.forget("P1")
        history = "\n".join(self.rows()["ctai.record_history"] + self.rows()["ctai.record"])
        hers = set(self.psql("SELECT DISTINCT unnest(ARRAY[token_e, token_i]) FROM ctai.record WHERE token_e IS NOT NULL").split())
        gone = tokens - hers
        self.assertEqual(len(gone), 2)
        for token in gone:
            self.assertNotIn(token, history)

    def test_unknown_and_twice_and_back(self):
        self.push(EVERYBODY)
        done = self.forget("P9", codes=[harness.EX_DATAERR])
        self.assertIn("--allow-unknown", done.messages)
        self.forget("P9", "--undo", codes=[harness.EX_DATAERR])
        self.forget("P9", "--allow-unknown")
        self.forget(" ", codes=[harness.EX_USAGE])
        tables = (EVERYBODY[0] + "P9;;Diallo;Awa;01/01/1991;F;GIN;refugie;01/02/2023;\n",
                  EVERYBODY[1] + "e9;15/01/2024;axe1;entree;P9;;;\n")
        self.assertEqual(self.push(tables).json()["ecartes"], 1)
        self.forget("P1")
        said = self.forget("P1").json()
        self.assertEqual((said["deja_efface"], said["effacements"], said["acquittes"]), (True, 0, 0))
        self.assertEqual(self.cell("1.1.total"), "2")
        self.assertEqual(self.push(tables).json()["ecartes"], 5)
        # It was a mistake.
        self.forget("P1", "--undo")
        done = self.push(tables).json()
        self.assertEqual((done["ecartes"], done["nouveaux"]), (1, 6))
        self.assertEqual(self.cell("1.1.total"), "3")
        self.forget("P1")
        self.assertEqual(self.cell("1.1.total"), "2")

    def test_another_number_of_the_same_person_is_told(self):
        self.push((ZOHRA + ZOHRA.replace("P1", "P4"), "e1;15/01/2024;axe1;entree;P1;;;\ne2;16/01/2024;axe1;entree;P4;;;\n"))
        done = self.forget("P1")
        self.assertEqual(done.json()["autres_numeros"], 1)
        self.assertIn("autre id_local", done.messages)
        self.assertEqual(self.cell("1.1.total"), "1")
        # Not done by hand: the next export does it.
        done = self.push((ZOHRA + ZOHRA.replace("P1", "P4"), "e1;15/01/2024;axe1;entree;P1;;;\ne2;16/01/2024;axe1;entree;P4;;;\n"))
        self.assertEqual((done.json()["ecartes"], done.json()["retires"]), (2, 0))
        self.assertEqual(self.cell("1.1.total"), "0")
        self.assertEqual(self.psql("SELECT count(*) FROM ctai.record_history").strip(), "0")

    def test_in_serve_and_killed(self):
        """Through a serve that is killed again and again, at whatever step: in the end she is gone and the others are there."""
        self.push(EVERYBODY)
        keys = self.keys(EVERYBODY, "P1")
        binary = os.path.join(harness.BIN, "ctai-agent")
        for wait_ms in (0, 3, 10, 30, 60, 120, 250, 500):
            process = subprocess.Popen([binary, "forget", "P1"], env={**os.environ, "CTAI_HOME": self.world.path("agent-fit")},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(wait_ms / 1000)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.world.serve("fit")
        self.forget("P1")
        self.check_gone(keys)
        self.assertEqual(self.push(EVERYBODY).json()["ecartes"], 4)
        self.assertEqual(self.cell("1.1.total"), "2")
        self.world.stop("fit")


if __name__ == "__main__":
    unittest.main()
