"""Two evaluations side by side: of two contracts, two periods, two positions; every difference exact."""

import unittest
from decimal import Decimal

import harness
from contracts import THIERS_2023
from generate import DataSet

WORLD = None
NEXT = "63-thiers-2024"


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    second = harness.write_contract_2024(WORLD.path("suivant.yaml"))
    with open(second, encoding="utf-8") as file:
        text = file.read()
    with open(second, "w", encoding="utf-8") as file: # an action that the first has not
        file.write(text.replace("code: axe3", "code: axe4").replace("code: L.assiduite", "code: L.presence").replace("- L.assiduite", "- L.presence"))
    WORLD.start(harness.CONTRACT_FILE, second, operators=["cias", "fit"])
    files = DataSet(61, 60, THIERS_2023, False).write(WORLD.path("data"))
    WORLD.push("cias", files["cias"]).must(harness.EX_OK, harness.EX_DATAERR)
    WORLD.push("fit", files["fit"]).must(harness.EX_OK, harness.EX_DATAERR)


def rows(a, b):
    """The rows of the CSV."""
    return WORLD.hub("compare", a, b, "--format", "csv").must().csv()


def table(*arguments):
    """A report's cells, by action and indicator."""
    return {(r["action"], r["indicateur"]): r for r in WORLD.report(*arguments)}


class Compare(unittest.TestCase):
    def check(self, got, first, second):
        """Each row against the two reports."""
        self.assertEqual(sorted((r["action"], r["indicateur"]) for r in got), sorted(set(first) | set(second)))
        nothing = {"objectif": "", "realise": "", "statut": ""}
        for row in got:
            key = row["action"], row["indicateur"]
            a, b = first.get(key, nothing), second.get(key, nothing)
            for field in nothing:
                self.assertEqual((row[f"{field}_a"], row[f"{field}_b"]), (a[field], b[field]), key)
            self.assertEqual(row["libelle"], (first.get(key) or second.get(key))["libelle"])
            if not a["realise"] or not b["realise"] or row["indicateur"] in ("1.2.outils", "3.3.outils", "3.3.thematiques"):
                self.assertEqual(row["ecart"], "", key)
            else:
                self.assertEqual(Decimal(row["ecart"]), Decimal(b["realise"]) - Decimal(a["realise"]), key)
                self.assertRegex(row["ecart"], r"^-?\d+\.\d$" if row["unite"] == "mois" else r"^-?\d+(\.\d*[1-9])?$")

    def test_periods(self):
        got = rows(f"{harness.CONTRACT}@..2024-03", f"{harness.CONTRACT}@2024-04..2024-10")
        first, second = table(harness.CONTRACT, "--to", "2024-03"), table(harness.CONTRACT, "--from", "2024-04", "--to", "2024-10")
        self.check(got, first, second)
        self.assertEqual([(r["action"], r["indicateur"]) for r in got], list(first))
        self.assertTrue(any(r["ecart"] not in ("", "0") for r in got))
        self.assertTrue(any(r["ecart"].startswith("-") for r in got))

    def test_one_month(self):
        self.check(rows(f"{harness.CONTRACT}@2024-02", harness.CONTRACT), table(harness.CONTRACT, "--from", "2024-02", "--to", "2024-02"),
                   table(harness.CONTRACT))

    def test_contracts(self):
        got = rows(harness.CONTRACT, NEXT)
        self.check(got, table(harness.CONTRACT), table(NEXT))
        self.assertEqual(list(dict.fromkeys(r["action"] for r in got)), ["axe1", "axe2", "axe4", "axe3", "contrat"])
        alone = next(r for r in got if (r["action"], r["indicateur"]) == ("axe4", "1.1.total"))
        self.assertEqual((alone["objectif_a"], alone["realise_a"], alone["objectif_b"], alone["ecart"]), ("", "", "5", ""))

    def test_positions(self):
        position = WORLD.hub("report", harness.CONTRACT, "--json").must().json()["position"]
        for before in (position - 1, position):
            self.check(rows(f"{harness.CONTRACT}@@{before}", f"{harness.CONTRACT}@2023-12..@2030-01-01T00:00:00"),
                       table(harness.CONTRACT, "--as-of", before), table(harness.CONTRACT, "--from", "2023-12"))

    def test_forms(self):
        got = rows(harness.CONTRACT, NEXT)
        document = WORLD.hub("compare", harness.CONTRACT, NEXT, "--json").must().json()
        self.assertEqual((document["a"]["contrat"], document["b"]["contrat"]), (harness.CONTRACT, NEXT))
        self.assertEqual(document["a"]["periode"], {"de": "2023-11", "a": "2024-11"})
        flat = [(action["code"], cell) for action in document["actions"] for cell in action["indicateurs"]]
        self.assertEqual([(code, cell["code"]) for code, cell in flat], [(r["action"], r["indicateur"]) for r in got])
        for (_, cell), row in zip(flat, got):
            self.assertEqual(cell["ecart"] is None, row["ecart"] == "")
            self.assertEqual(cell["a"] is None, row["statut_a"] == "")
            if cell["ecart"] is not None:
                self.assertEqual(Decimal(str(cell["ecart"])), Decimal(row["ecart"]))
        text = WORLD.hub("compare", harness.CONTRACT, NEXT).must().text
        self.assertNotIn("\x1b", text)
        for line in ("A : 63-thiers-2023", "B : 63-thiers-2024", "axe4 (B seulement)", "axe3 (A seulement)", "B moins A", "CONTRAT"):
            self.assertIn(line, text)

    def test_refused(self):
        for wrong in ("@2024-01", "63-thiers-2023@", "63-thiers-2023@2024", "63-thiers-2023@2024-05..2024-01", "63-thiers-2023@2024-01@",
                      "63-thiers-2023@2030-01.."):
            WORLD.hub("compare", wrong, harness.CONTRACT).must(harness.EX_USAGE)
        for wrong in ("63-inconnu", "63-thiers-2023@@999999", "63-thiers-2023@@x"):
            WORLD.hub("compare", harness.CONTRACT, wrong).must(harness.EX_DATAERR)
        WORLD.hub("compare", harness.CONTRACT).must(harness.EX_USAGE)


if __name__ == "__main__":
    unittest.main()
