"""Every cell of the report against the oracle, for several sizes, periods and formats."""

import collections
import json
import re
import unittest
from fractions import Fraction

import harness
from contracts import THIERS_2023
from differences import Held, push
from evaluate import evaluate
from generate import DataSet
from records import make_records

WORLD = None
HELD = {}
PERIODS = [(None, None), ("2023-11", "2023-11"), ("2023-12", "2024-02"), ("2024-03", None), (None, "2024-06"),
           ("2024-06", "2024-06"), ("2024-11", "2024-11")]


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start()


def load(case, seed, people, errors=True):
    """Pushes a data set of all operators in place of what was there; returns its files."""
    files = DataSet(seed, people, THIERS_2023, errors).write(WORLD.path(f"data-{seed}"))
    for name, paths in files.items():
        outcome = make_records(name, THIERS_2023, *paths)
        HELD[name], counts = push(HELD.get(name, Held()), outcome)
        done = WORLD.push(name, paths, "--allow-withdrawals")
        done.must(harness.EX_DATAERR if outcome.errors else harness.EX_OK)
        said = done.json()
        counts.update(ecartes=len(outcome.left_out), erreurs=len(outcome.errors), en_attente=0)
        case.assertEqual({key: said[key] for key in counts}, counts, f"{name} of seed {seed}")
    return files


def expected(start=None, end=None):
    """The oracle's rows."""
    records = [record for held in HELD.values() for record in held.records.values()]
    return evaluate(THIERS_2023, records, start, end)


def period_options(start, end):
    """--from and --to."""
    return (["--from", start] if start else []) + (["--to", end] if end else [])


class Evaluation(unittest.TestCase):
    def check_periods(self, label, periods):
        """Compares the report of several periods."""
        for start, end in periods:
            with self.subTest(data=label, start=start, end=end):
                rows = WORLD.report(harness.CONTRACT, *period_options(start, end))
                harness.compare(self, rows, expected(start, end), f"{label} {start}..{end}")

    def test_empty(self):
        """Nothing was pushed by an operator that has nothing: all cells say so."""
        if not HELD:
            self.check_periods("nothing", PERIODS[:1])

    def test_twenty_people(self):
        for seed in (11, 12, 13):
            load(self, seed, 20)
            self.check_periods(f"seed {seed}", PERIODS)

    def test_without_errors(self):
        load(self, 21, 150, errors=False)
        self.check_periods("seed 21", PERIODS[:3])

    def test_two_hundred_people(self):
        load(self, 31, 200)
        self.check_periods("seed 31", PERIODS)

    def test_six_hundred_people_and_formats(self):
        files = load(self, 41, 600)
        self.check_periods("seed 41", PERIODS)
        self.check_counts(files)
        self.check_formats()

    def check_counts(self, files):
        """`check --json` gives the oracle's counts, and sends nothing."""
        for name, (persons, events) in files.items():
            outcome = make_records(name, THIERS_2023, persons, events)
            done = WORLD.agent(name, "check", "--persons", persons, "--events", events, "--json")
            done.must(harness.EX_DATAERR if outcome.errors else harness.EX_OK)
            self.assertEqual(done.json(), outcome.counts(), name)

    def check_formats(self):
        """CSV, JSON and table say the same."""
        raw = WORLD.hub("report", harness.CONTRACT, "--format", "csv").must()
        self.assertTrue(raw.text.startswith("contrat,action,indicateur,libelle,objectif,realise,unite,statut\n"))
        self.assertNotIn("\r", raw.text)
        rows = raw.csv()
        document = WORLD.hub("report", harness.CONTRACT, "--format", "json").must().json()
        self.assertEqual(document["contrat"], harness.CONTRACT)
        self.assertEqual(document["periode"], {"de": "2023-11", "a": "2024-11"})
        flat = [(a["code"], i) for a in document["actions"] for i in a["indicateurs"]]
        flat += [("contrat", i) for i in document["total"]]
        self.assertEqual(len(flat), len(rows))
        for (action, cell), row in zip(flat, rows):
            got = (action, cell["code"], cell["libelle"], plain(cell["unite"]), cell["statut"], plain(cell["objectif"]), plain(cell["realise"]))
            self.assertEqual(got, tuple(row[k] for k in ("action", "indicateur", "libelle", "unite", "statut", "objectif", "realise")))
        self.check_table(rows)

    def check_table(self, rows):
        """Each action's part of the table holds each of its values, written the French way."""
        text = WORLD.hub("report", harness.CONTRACT, "--format", "table").must().text
        self.assertNotIn("\x1b", text)
        parts = re.split(r"\n─+\n", text)[1:]
        actions = list(dict.fromkeys(row["action"] for row in rows))
        self.assertEqual(len(parts), len(actions))
        for action, part in zip(actions, parts):
            numbers = re.findall(r"  (\d{1,3}(?:[ \u00a0\u202f]\d{3})*(?:,\d+)?)  \w+$", part, re.MULTILINE)
            shown = collections.Counter(Fraction(re.sub(r"[\s\u00a0\u202f]", "", n).replace(",", ".")) for n in numbers)
            wanted = collections.Counter(Fraction(row["realise"]) for row in rows if row["action"] == action
                                         and row["statut"] == "compte" and row["indicateur"] != "3.3.thematiques")
            self.assertFalse(wanted - shown, f"{action}: values that the table does not show")

    def test_output_file_is_whole(self):
        """-o writes what standard output would have."""
        target = WORLD.path("rapport.csv")
        done = WORLD.hub("report", harness.CONTRACT, "--format", "csv", "-o", target).must()
        self.assertEqual(done.out, b"")
        with open(target, "rb") as file:
            self.assertEqual(file.read(), WORLD.hub("report", harness.CONTRACT, "--format", "csv").must().out)


def plain(value):
    """A JSON value as the CSV writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    unittest.main()
