"""Bad input, bad circumstances: the exit code, and a message that says where and what."""

import glob
import os
import re
import shutil
import stat
import unittest

import harness
from contracts import THIERS_2023
from evaluate import evaluate
from records import make_records

WORLD = None
PERSON_HEADER = "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
EVENT_HEADER = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
GOOD_PERSON = "1;;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05;\n"
GOOD_EVENT = "e1;2024-01-05;axe1;autonomie;1;;scolarite;\n"

HUB_COMMANDS = ["init", "serve", "contract", "agent", "report", "compare", "region", "publish", "discrepancies", "audit",
                "backup", "restore", "purge", "user", "doctor", "status"]
AGENT_COMMANDS = ["init", "join", "key", "check", "preview", "push", "serve", "narrative", "forget", "explain", "mapping",
                  "status", "doctor"]

# what is wrong, the event's row or the person's row, the line, the column (by its place in the file)
BAD_EVENTS = [
    ("unknown action", "e2;2024-01-05;axe9;autonomie;1;;scolarite;", 3),
    ("unknown type", "e2;2024-01-05;axe1;autonomi;1;;scolarite;", 4),
    ("unknown detail", "e2;2024-01-05;axe1;autonomie;1;;ecole;", 7),
    ("impossible date", "e2;30/02/2024;axe1;autonomie;1;;scolarite;", 2),
    ("sortie without entree", "e2;2024-01-05;axe1;sortie;1;;autre;", None),
    ("fraction of a cent", "e2;2024-01-05;axe1;cout;;12,345;p104;", 6),
    ("fraction of a count", "e2;2024-01-05;axe1;sollicitation;1;1,5;;", 6),
    ("both signs", "e2;2024-01-05;axe1;cout;;1.234,50;p104;", 6),
    ("negative", "e2;2024-01-05;axe1;cout;;-5;p104;", 6),
    ("no hours", "e2;2024-01-05;axe1;presence;1;;;S", 6),
    ("no reference", "e2;2024-01-05;axe1;presence;1;2;;", 8),
    ("unknown person", "e2;2024-01-05;axe1;autonomie;7;;scolarite;", 5),
    ("number again", "e1;2024-01-06;axe1;autonomie;1;;scolarite;", 1),
    ("no number", ";2024-01-06;axe1;autonomie;1;;scolarite;", 1),
]
BAD_PERSONS = [
    ("sex", "2;;Essai;Deux;1990-05-05;M;AFG;refugie;2022-05-05;", 6),
    ("nationality", "2;;Essai;Deux;1990-05-05;F;ZZZ;refugie;2022-05-05;", 7),
    ("status", "2;;Essai;Deux;1990-05-05;F;AFG;refugiee;2022-05-05;", 8),
    ("birth date", "2;;Essai;Deux;1990-02-30;F;AFG;refugie;2022-05-05;", 5),
    ("CIR date", "2;;Essai;Deux;1990-05-05;F;AFG;refugie;2022-13-05;", 9),
    ("no name", "2;;;Deux;1990-05-05;F;AFG;refugie;2022-05-05;", 3),
    ("number again", "1;;Essai;Deux;1990-05-05;F;AFG;refugie;2022-05-05;", 1),
]


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start(operators=["cias", "fit", "cecler"])


def files(persons=GOOD_PERSON, events=GOOD_EVENT, person_header=PERSON_HEADER, event_header=EVENT_HEADER):
    """Two files of the world."""
    def content(header, body):
        return header.encode() + (body if isinstance(body, bytes) else body.encode())
    return WORLD.write("p.csv", content(person_header, persons)), WORLD.write("e.csv", content(event_header, events))


def check(paths, *options):
    """`check` at cias."""
    return WORLD.agent("cias", "check", "--persons", paths[0], "--events", paths[1], *options)


class Rows(unittest.TestCase):
    def assert_located(self, done, name, line, column):
        """Some line of the output names the file, the line and the column."""
        text = done.messages + done.text
        at = rf"{name}:{line}:{column if column else '[0-9]+'}\b"
        self.assertRegex(text, at)
        self.assertTrue(re.search(rf"{at}.*\w+ \w+", text), f"no reason after {at} in {text}")

    def test_events(self):
        for what, row, cell in BAD_EVENTS:
            with self.subTest(what):
                paths = files(events=GOOD_EVENT + row + "\n")
                done = check(paths).must(harness.EX_DATAERR)
                column = None if cell is None else ";".join(row.split(";")[: cell - 1]).__len__() + (2 if cell > 1 else 1)
                self.assert_located(done, "e.csv", 3, (column and rf"({column}|{cell})"))
                counts = check(paths, "--json").must(harness.EX_DATAERR).json()
                self.assertEqual(counts, make_records("cias", THIERS_2023, *paths).counts())

    def test_persons(self):
        for what, row, cell in BAD_PERSONS:
            with self.subTest(what):
                paths = files(persons=GOOD_PERSON + row + "\n")
                done = check(paths).must(harness.EX_DATAERR)
                column = len(";".join(row.split(";")[: cell - 1])) + (2 if cell > 1 else 1)
                self.assert_located(done, "p.csv", 3, rf"({column}|{cell})")
                counts = check(paths, "--json").must(harness.EX_DATAERR).json()
                self.assertEqual(counts, make_records("cias", THIERS_2023, *paths).counts())

    def test_lines_are_of_the_file(self):
        """A quoted cell over two lines moves the lines after it."""
        header = EVENT_HEADER.replace("\n", ";note\n")
        done = check(files(event_header=header, events='e1;2024-01-05;axe1;autonomie;1;;scolarite;;"a\nb"\ne2;x;axe1;autonomie;1;;scolarite;;\n'))
        self.assert_located(done.must(harness.EX_DATAERR), "e.csv", 4, r"(4|2)")

    def test_warnings_are_not_errors(self):
        done = check(files(persons="1;12345678;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05;\n")).must()
        self.assertIn("p.csv:2:", done.messages + done.text)
        header = EVENT_HEADER.replace("\n", ";divers\n")
        done = check(files(event_header=header, events=GOOD_EVENT.replace("\n", ";x\n"))).must()
        self.assertIn("divers", done.messages + done.text)

    def test_what_is_right_is_done(self):
        paths = files(events=GOOD_EVENT + "e2;2024-01-05;axe9;autonomie;1;;scolarite;\n")
        done = WORLD.push("cias", paths, "--allow-withdrawals").must(harness.EX_DATAERR)
        said = done.json()
        self.assertEqual((said["erreurs"], said["en_attente"], said["nouveaux"] + said["inchanges"]), (1, 0, 2))


class Files(unittest.TestCase):
    def refused(self, paths, codes=(harness.EX_DATAERR,)):
        """Refused with a message that names the file, and without a trace of a crash."""
        done = check(paths).must(*codes)
        self.assertTrue((done.messages + done.text).strip())
        return done

    def test_wrong_header(self):
        done = self.refused(files(event_header=EVENT_HEADER.replace("type", "genre")))
        self.assertRegex(done.messages + done.text, r"e\.csv:1\b.*\btype\b")
        self.refused(files(person_header=PERSON_HEADER.replace("sexe", "sex")))

    def test_empty_file(self):
        paths = files()
        self.refused((paths[0], WORLD.write("vide.csv", b"")))

    def test_nul(self):
        done = self.refused(files(events=GOOD_EVENT.encode() + b"e2;2024-01-05;axe1;auto\0nomie;1;;scolarite;\n"))
        self.assertIn("e.csv:3", done.messages + done.text)

    def test_hundred_megabyte_line(self):
        paths = files(events=GOOD_EVENT + "e2;2024-01-05;axe1;cout;;5;p104;" + "x" * 100_000_000 + "\n")
        done = self.refused(paths)
        self.assertIn("e.csv:3", done.messages + done.text)
        os.unlink(paths[1])

    def test_hundred_megabyte_quoted_cell(self):
        paths = files(events=GOOD_EVENT + 'e2;2024-01-05;axe1;cout;;5;p104;"' + "x\n" * 50_000_000)
        self.refused(paths)
        os.unlink(paths[1])

    def test_directory_and_missing_file(self):
        paths = files()
        missing = WORLD.path("absent.csv")
        for bad in (WORLD.directory, missing):
            done = self.refused((paths[0], bad), (harness.EX_DATAERR, harness.EX_USAGE))
            self.assertIn(os.path.basename(bad), done.messages + done.text)
        self.refused((missing, paths[1]), (harness.EX_DATAERR, harness.EX_USAGE))


class Circumstances(unittest.TestCase):
    def test_hub_down_keeps_the_queue(self):
        WORLD.stop()
        try:
            paths = files(events="h1;2024-06-05;axe2;cout;;77,5;autre;\nh2;2024-06-06;axe2;autonomie;1;;scolarite;\n")
            done = WORLD.push("fit", paths, "--wait", "2").must(harness.EX_UNAVAILABLE)
            self.assertEqual((done.json()["nouveaux"], done.json()["acquittes"]), (3, 0))
            self.assertGreater(done.json()["en_attente"], 0)
        finally:
            WORLD.serve()
        again = WORLD.push("fit", paths).must().json()
        self.assertEqual((again["nouveaux"], again["en_attente"]), (0, 0))
        records = make_records("fit", THIERS_2023, *paths).records
        right = [r for r in evaluate(THIERS_2023, records) if r["action"] == "axe2"]
        got = [r for r in WORLD.report() if r["action"] == "axe2"]
        harness.compare(self, got, right)

    def test_serve_delivers_the_queue(self):
        WORLD.stop()
        try:
            paths = files(events="s1;2024-06-05;axe3;cout;;12;autre;\n")
            WORLD.push("cecler", paths, "--wait", "1").must(harness.EX_UNAVAILABLE)
        finally:
            WORLD.serve()
        WORLD.serve("cecler")
        try:
            again = WORLD.push("cecler", paths).must().json()
            self.assertEqual((again["inchanges"], again["en_attente"]), (1, 0))
        finally:
            self.assertEqual(WORLD.stop("cecler"), 0)
        cell = [r for r in WORLD.report() if (r["action"], r["indicateur"]) == ("axe3", "2.cout_total")]
        self.assertEqual(cell[0]["realise"], "12")

    def test_revoked_agent(self):
        WORLD.enrol("revoque")
        WORLD.grant_key("cias", "revoque")
        paths = files(events="r1;2024-06-05;axe3;cout;;5;autre;\n")
        WORLD.hub("agent", "revoke", "revoque").must()
        WORLD.push("revoque", paths, "--wait", "120").must(harness.EX_NOPERM)

    def test_wrong_hub_key(self):
        WORLD.enrol("trompe")
        WORLD.grant_key("cias", "trompe")
        WORLD.stop()
        try:
            with harness.world() as other:
                other.port = WORLD.port
                other.start_hub()
                paths = files(events="t1;2024-06-05;axe3;cout;;5;autre;\n")
                WORLD.push("trompe", paths, "--wait", "120").must(harness.EX_PROTOCOL)
        finally:
            WORLD.serve()

    def test_loose_key_file(self):
        home = WORLD.path("agent-cias")
        self.assertEqual(stat.S_IMODE(os.stat(home).st_mode) & 0o077, 0)
        secrets = [p for p in glob.glob(os.path.join(home, "**"), recursive=True)
                   if os.path.isfile(p) and re.search(r"cle|key|secret", os.path.relpath(p, home))]
        self.assertTrue(secrets, "no key file by its name in the agent's home")
        refused = 0
        for path in secrets:
            mode = stat.S_IMODE(os.stat(path).st_mode)
            self.assertEqual(mode & 0o077, 0, path)
            os.chmod(path, 0o644)
            done = WORLD.push("cias", files(), "--allow-withdrawals")
            os.chmod(path, mode)
            refused += done.code in (harness.EX_CONFIG, harness.EX_NOPERM)
        self.assertTrue(refused, "a key file of mode 0644 was accepted")


    def test_hub_called_from_a_private_folder(self):
        """The hub that root calls works as another user: it needs neither the caller's folder nor its PATH."""
        with harness.world() as other:
            private = other.path("private")
            os.mkdir(private, 0o700)
            shutil.copy(harness.CONTRACT_FILE, os.path.join(private, "contrat.yaml"))

            def hub(*arguments):
                return harness.run("ctai-hub", *arguments, home=other.hub_home, cwd=private,
                                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).must()

            hub("init", "--listen", f"tcp://127.0.0.1:{other.port}")
            hub("contract", "add", "contrat.yaml")
            harness.run("ctai-agent", "init", "--name", "cias", home=other.path("agent-cias"), cwd=private).must()
            hub("agent", "approve", "cias.demande", "--contract", harness.CONTRACT, "--action", "axe1")
            hub("report", harness.CONTRACT, "--format", "csv", "-o", "rapport.csv")
            made = {name: os.stat(os.path.join(private, name)) for name in ("cias.approbation", "rapport.csv")}
            self.assertEqual({status.st_uid for status in made.values()}, {os.geteuid()})
            self.assertTrue(all(status.st_size for status in made.values()))


class Usage(unittest.TestCase):
    def test_wrong_usage(self):
        paths = files()
        for arguments in ([], ["nonsense"], ["push"], ["check", "--persons"], ["check", "--persons", paths[0]],
                          ["check", "--nonsense"], ["join"], ["push", "--persons", paths[0], "--events", paths[1], "--wait", "x"]):
            done = WORLD.agent("cias", *arguments).must(harness.EX_USAGE)
            self.assertTrue(done.messages.strip(), arguments)
        for arguments in ([], ["nonsense"], ["report"], ["report", harness.CONTRACT, "--format", "pdf"],
                          ["report", harness.CONTRACT, "--from", "2024-13"], ["agent", "approve"], ["contract", "nonsense"]):
            done = WORLD.hub(*arguments).must(harness.EX_USAGE)
            self.assertTrue(done.messages.strip(), arguments)

    def test_json_and_csv_contradict_each_other(self):
        paths = files()
        given = ["--persons", paths[0], "--events", paths[1], "--json", "--format"]
        done = WORLD.agent("cias", "preview", *given, "csv").must(harness.EX_USAGE)
        self.assertEqual(done.out, b"")
        self.assertIn("--json", done.messages)
        WORLD.agent("cias", "preview", *given, "json").must().json()
        for form in ("csv", "table"):
            done = WORLD.hub("report", harness.CONTRACT, "--json", "--format", form).must(harness.EX_USAGE)
            self.assertEqual(done.out, b"")
        WORLD.hub("report", harness.CONTRACT, "--json", "--format", "json").must().json()

    def test_malformed_fingerprint(self):
        """A fingerprint cut short is wrong usage; one that is whole and another's is a refusal."""
        whole = WORLD.fingerprints["fit"]
        sealed, request = WORLD.path("faux.cle"), WORLD.path("fit.demande")
        for wrong, code in ((whole[:-1], harness.EX_USAGE), ("x", harness.EX_USAGE), (whole + "1", harness.EX_USAGE),
                            (WORLD.fingerprints["cecler"], harness.EX_PROTOCOL)):
            WORLD.agent("cias", "key", "grant", "--scope", "63", request, "--to", wrong, "-o", sealed).must(code)
            self.assertFalse(os.path.exists(sealed))

    def test_unknown_contract(self):
        done = WORLD.hub("report", "63-inconnu-2023", "--format", "csv")
        self.assertIn(done.code, (harness.EX_USAGE, harness.EX_DATAERR))
        self.assertEqual(done.out, b"")
        done = check(files(), "--contract", "63-inconnu-2023")
        self.assertIn(done.code, (harness.EX_USAGE, harness.EX_DATAERR, harness.EX_CONFIG, harness.EX_NOPERM))

    def test_contract_file(self):
        with open(harness.CONTRACT_FILE, encoding="utf-8") as file:
            text = file.read()
        done = WORLD.hub("contract", "check", harness.CONTRACT_FILE).must()
        self.assertIn("52", done.messages + done.text)  # the lines of axe2 add up to 52 945, not 51 345
        broken = WORLD.write("casse.yaml", text.replace("axe3", "axe2"))
        done = WORLD.hub("contract", "check", broken).must(harness.EX_DATAERR)
        self.assertRegex(done.messages + done.text, r"casse\.yaml:\d+:\d+")

    def test_cannot_write(self):
        target = os.path.join(WORLD.directory, "nulle-part", "r.csv")
        WORLD.hub("report", harness.CONTRACT, "--format", "csv", "-o", target).must(harness.EX_CANTCREAT)

    def test_help_and_version(self):
        """Every command that a program lists has its help."""
        for program in ("ctai-hub", "ctai-agent"):
            for command in commands(program):
                with self.subTest(program=program, command=command):
                    done = harness.run(program, *command.split(), "--help").must()
                    self.assertIn(f"{program} {command}", done.text)
            self.assertRegex(harness.run(program, "--version").must().text, r"\d+\.\d+")

    def test_promised_commands(self):
        """Every command of the promised interface is there."""
        missing = [f"{program} {command}" for program, promised in (("ctai-hub", HUB_COMMANDS), ("ctai-agent", AGENT_COMMANDS))
                   for command in promised if command not in {c.split()[0] for c in commands(program)}]
        if missing:
            self.skipTest("not there yet: " + ", ".join(missing))


def commands(program):
    """The commands that --help lists."""
    text = harness.run(program, "--help").must().text
    block = text[text.index("Commandes :"):].split("\n\n")[0]
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?:  |$)", block, re.MULTILINE)


if __name__ == "__main__":
    unittest.main()
