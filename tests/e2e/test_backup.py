"""backup and restore: what a backup holds comes back whole or not at all, and the agents bring the rest, once."""

import glob
import os
import re
import shutil
import subprocess
import unittest

import nacl.signing

import harness
from contracts import THIERS_2023
from evaluate import evaluate
from generate import DataSet
from records import make_records
from test_restored import without_errors
from test_rights import who_works
from test_two_hubs import CODE, Database, at_terminal

NAMES = ["cecler", "fit", "cias"]


def unstable(world):
    """How many committed batches the agents may not forget yet."""
    return sum(scope["lots_non_stables"] for scope in world.hub("status", "--json").must().json()["perimetres"])


def change_conf(world, pattern, line):
    """Changes a line of hub.conf."""
    path = os.path.join(world.hub_home, "hub.conf")
    with open(path, encoding="utf-8") as file:
        text = re.sub(pattern, line, file.read(), flags=re.M)
    with open(path, "r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()


def dumped(path):
    """What a backup holds, read by PostgreSQL's own program: table -> rows, each a dict of texts."""
    tool = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_restore"), key=lambda name: int(name.split("/")[-3]))[-1]
    text = subprocess.run([tool, "-f", "-", "--data-only", path], check=False, capture_output=True, timeout=harness.TIMEOUT_S).stdout.decode()
    found = {}
    for table, columns, body in re.findall(r"^COPY ctai\.(\w+) \(([^)]*)\) FROM stdin;\n(.*?)^\\\.$", text, re.M | re.S):
        names = columns.split(", ")
        found[table] = [dict(zip(names, line.split("\t"))) for line in body.splitlines()]
    return found


class World(harness.World):
    """A world whose operators export an office that changes."""

    def __init__(self, seed):
        super().__init__()
        self.sent, self.files = {}, []
        made = DataSet(seed, 50, THIERS_2023, errors=False)
        for number in range(4):
            self.files.append(made.write(self.path(f"data-{number}"), contract_column=False))
            for name in NAMES:
                without_errors(name, self.files[-1][name])
            made = made.change()

    def send(self, number, *names):
        """Pushes the operators' exports of that number."""
        for name in names or NAMES:
            done = self.push(name, self.files[number][name], "--allow-withdrawals").must()
            self.sent[name] = make_records(name, THIERS_2023, *self.files[number][name])
            yield done.json()

    def check(self, case, label):
        """The report is the oracle's."""
        records = [record for outcome in self.sent.values() for record in outcome.records]
        harness.compare(case, self.report(), evaluate(THIERS_2023, records), label)

    def lose_database(self):
        """The disk of the database is gone."""
        shutil.rmtree(os.path.join(self.hub_home, "postgres"))


class Backup(unittest.TestCase):
    def world(self, seed):
        made = World(seed)
        self.addCleanup(made.close)
        return made

    def lose_and_give_back(self, world):
        """The database is lost after the backup, and comes back."""
        world.stop()
        world.lose_database()
        world.hub("restore", "b", "--json").must()
        world.serve()

    def check_again(self, world, number):
        """The same exports again bring nothing, and change nothing."""
        for said in world.send(number):
            self.assertEqual((said["nouveaux"], said["modifies"], said["retires"], said["en_attente"]), (0, 0, 0, 0))
        world.check(self, "once more")
        world.hub("audit", "verify").must()

    def test_agents_that_have_forgotten(self):
        """stable = commit: the next exports repair what the copy did not have."""
        world = self.world(81)
        world.start(operators=NAMES)
        list(world.send(0))
        said = world.hub("backup", "b", "--json").must().json()
        self.assertEqual(os.stat(world.path("b")).st_mode & 0o777, 0o600)
        self.assertIn("poivre", said["exclut"])
        before = world.report()
        list(world.send(1))
        list(world.send(2))
        self.lose_and_give_back(world)
        self.assertEqual(world.report(), before)
        for _ in range(2):
            list(world.send(2))
        world.check(self, "after the exports")
        self.check_again(world, 2)
        list(world.send(3))
        world.check(self, "a later export")

    def test_agents_that_have_kept(self):
        """stable = later: what a backup holds may be forgotten, and no more; the rest comes by itself."""
        world = self.world(82)
        world.hub("init", "--listen", f"tcp://127.0.0.1:{world.port}").must()
        change_conf(world, "^stable = .*$", "stable = later")
        world.hub("contract", "add", harness.CONTRACT_FILE).must()
        world.serve()
        for name in NAMES:
            world.enrol(name)
        world.share_key(NAMES)
        list(world.send(0))
        held = unstable(world)
        self.assertGreater(held, 0)
        self.assertEqual(world.hub("backup", "/dev/full").code, harness.EX_CANTCREAT)
        self.assertEqual(world.hub("backup", "missing/b").code, harness.EX_CANTCREAT)
        streamed = world.hub("backup", "-").must()
        self.assertEqual(unstable(world), held, "nothing is in its place: nothing is stable")
        world.write("streamed", streamed.out)
        self.assertEqual(world.hub("backup", "b", "--json").must().json()["places_stables"], len(NAMES))
        self.assertEqual(unstable(world), 0)
        list(world.send(1))
        self.assertGreater(unstable(world), 0)
        world.check(self, "before the loss")
        before = world.report()
        self.lose_and_give_back(world)
        self.assertNotEqual(world.report(), before)
        for name in NAMES:  # nothing new: the agent only speaks with the hub
            world.push(name, world.files[1][name]).must()
        self.assertEqual(world.report(), before)
        self.check_again(world, 1)
        world.stop()
        world.lose_database()
        world.hub("restore", "streamed").must()
        world.serve()
        for _ in range(2):
            list(world.send(2))
        world.check(self, "from the stream")

    def test_erased_stay_erased(self):
        """A person that was erased after the backup is at the hub no more once the agents have spoken with it; a later backup does not hold her."""
        world = self.world(86)
        world.start(operators=["fit"])
        persons = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
        events = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
        files = [world.write("p.csv", persons + "P1;Aarabi;Zohra;1999-03-12;F;AFG;refugie;2023-05-01\n"
                             "P2;Sow;Binta;1991-01-02;F;GIN;refugie;2023-05-01\n"),
                 world.write("e.csv", events + "e1;2024-01-15;axe1;entree;P1;;;\ne2;2024-01-15;axe1;entree;P2;;;\n")]
        beneficiaries = lambda: [row["realise"] for row in world.report() if (row["action"], row["indicateur"]) == ("axe1", "1.1.total")]
        world.push("fit", files).must()
        self.assertEqual(beneficiaries(), ["2"])
        held = world.hub("backup", "b", "--json").must().json()["enregistrements"]
        world.agent("fit", "forget", "P1").must()
        self.assertEqual(beneficiaries(), ["1"])
        self.assertLess(world.hub("backup", "later", "--json").must().json()["enregistrements"], held)
        world.stop()
        world.hub("restore", "b", "--replace").must()
        self.assertEqual(beneficiaries(), ["2"], "the copy knows of no erasure")
        world.serve()
        for _ in range(2):
            world.push("fit", files, "--allow-withdrawals").must()
        self.assertEqual(beneficiaries(), ["1"])
        self.assertEqual(world.hub("backup", "last", "--json").must().json()["enregistrements"], held // 2)
        for name in ("later", "last"):
            tables = dumped(world.path(name))
            self.assertEqual((len(tables["record"]), len(tables["record_history"])), (held // 2, 0), name)

    def test_refused(self):
        world = self.world(83)
        world.start(operators=["fit"])
        list(world.send(0, "fit"))
        world.hub("backup", "b").must()
        before = world.report()

        def refused(code, words, *arguments):
            done = world.hub("restore", *arguments).must(code)
            self.assertIn(words, done.messages)

        refused(harness.EX_CONFIG, "serve", "b", "--replace")
        world.stop()
        refused(harness.EX_CONFIG, "n’est pas vide", "b")
        with open(world.path("b"), "rb") as file:
            good = file.read()
        body = good[good.index(b"ctai-hub-sauvegarde-1\n"):]
        for label, bad in {"cut": good[:-1], "empty": b"", "head": good[:100], "bit": good[:500] + bytes([good[500] ^ 1]) + good[501:],
                           "position": good.replace(b"perimetre = ", b"perimetre = 1"), "more": b"x" + good,
                           "manifest": body, "text": b"a" * 4000}.items():
            world.write("bad", bad)
            with self.subTest(label):
                refused(harness.EX_DATAERR, "", "bad", "--replace")
        refused(harness.EX_DATAERR, "impossible de lire", "nowhere", "--replace")
        with open(os.path.join(world.hub_home, "sign.key"), "rb") as file:
            key = nacl.signing.SigningKey(file.read()[32:64])

        def signed(change):
            """A manifest that the hub could have signed."""
            text = change(body[:body.index(b"signature = ")])
            text += b"signature = " + key.sign(text).signature.hex().encode() + b"\n"
            return good[:-len(body)] + text + b"fin = %010d\n" % (len(text) + 17)

        world.write("newer", signed(lambda text: text.replace(b"perimetre", b"schema = " + b"ab" * 32 + b" 999_later.sql\nperimetre", 1)))
        refused(harness.EX_CONFIG, "plus récente", "newer", "--replace")
        world.write("other", signed(lambda text: re.sub(rb"enregistrements = \d+", b"enregistrements = 7", text)))
        refused(harness.EX_SOFTWARE, "rien n’a changé", "other", "--replace")
        self.assertEqual(world.report(), before, "nothing has changed")
        with harness.world() as stranger:
            stranger.hub("init").must()
            done = stranger.hub("restore", world.path("b"), "--replace").must(harness.EX_CONFIG)
            self.assertIn("autre hub", done.messages)
        world.hub("restore", "b", "--replace").must()
        self.assertEqual(world.report(), before)

    def test_lost_machine(self):
        """The home is gone: the bundle from the safe, and the backup."""
        world = self.world(84)
        world.start(operators=NAMES)
        list(world.send(0))
        code, text = at_terminal("ctai-hub", "bundle", "-o", world.path("t"), home=world.hub_home, cwd=world.directory)
        self.assertEqual(code, 0, text)
        world.write("code", CODE.search(text).group(0) + "\n")
        os.chmod(world.path("code"), 0o600)
        world.hub("backup", "b").must()
        list(world.send(1))
        world.stop()
        shutil.rmtree(world.hub_home)
        again = ("init", "--join", "t", "--code", "code", "--listen", f"tcp://127.0.0.1:{world.port}")
        world.write("bad", b"a" * 4000)
        world.hub(*again, "--restore", "bad").must(harness.EX_DATAERR)
        self.assertFalse(os.path.exists(world.hub_home), "nothing half done")
        world.hub("init", "--restore", "b").must(harness.EX_USAGE)
        world.hub(*again, "--restore", "b").must()
        world.serve()
        for _ in range(2):
            list(world.send(1))
        world.check(self, "on a new machine")
        self.check_again(world, 1)

    def test_external_database(self):
        """A database of the administrator's: backed up while serve runs, given back to an empty one."""
        base = Database()
        self.addCleanup(base.close)
        world = self.world(85)
        secret = "mot-de-passe-tres-secret"
        world.hub("init", "--listen", f"tcp://127.0.0.1:{world.port}", "--database", base.conninfo()).must()
        change_conf(world, "^database = .*$", f"database = {base.conninfo()} password={secret}")
        world.hub("contract", "add", harness.CONTRACT_FILE).must()
        world.serve()
        for name in NAMES:
            world.enrol(name)
        world.share_key(NAMES)
        list(world.send(0))
        world.hub("backup", "b").must()
        with open(world.path("b"), "rb") as file:
            self.assertNotIn(secret.encode(), file.read())
        before = world.report()
        list(world.send(1))
        world.stop()
        subprocess.run(["psql", "-qX", base.conninfo(), "-c", "DROP SCHEMA ctai CASCADE"], check=True, timeout=harness.TIMEOUT_S,
                       capture_output=True)
        with subprocess.Popen(["psql", "-qX", base.conninfo() + " application_name=ctai-hub"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as other:
            other.stdin.write(b"SELECT 1;\n")
            other.stdin.flush()
            other.stdout.readline()
            self.assertIn("d’un hub", world.hub("restore", "b").must(harness.EX_CONFIG).messages)
            other.stdin.close()
        harness.wait_until(lambda: not who_works(base.conninfo()), "the other connection stays")
        world.hub("restore", "b").must()
        self.assertEqual(world.report(), before)
        world.serve()
        for _ in range(2):
            list(world.send(1))
        world.check(self, "external")


if __name__ == "__main__":
    unittest.main()
