"""Second exports, withdrawals, partial exports, two contracts of one scope from one table."""

import unittest

import harness
from contracts import THIERS_2023, THIERS_2024
from differences import Held, push
from evaluate import evaluate
from generate import DataSet
from records import make_records

WORLD = None
CONTRACTS = {contract["id"]: contract for contract in (THIERS_2023, THIERS_2024)}
HELD = {}
PERSONS = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start(harness.CONTRACT_FILE, harness.write_contract_2024(WORLD.path("63-thiers-2024.yaml")))
    for name in harness.OPERATORS:
        WORLD.admit(name, THIERS_2024["id"])


def send(case, name, paths, contract=THIERS_2023, partial=False):
    """Pushes one operator's files; the counts must be the oracle's."""
    outcome = make_records(name, contract, *paths)
    key = (contract["id"], name)
    HELD[key], counts = push(HELD.get(key, Held()), outcome, partial)
    options = ["--contract", contract["id"], "--allow-withdrawals", *(["--partial"] if partial else [])]
    done = WORLD.push(name, paths, *options).must(harness.EX_DATAERR if outcome.errors else harness.EX_OK)
    said = done.json()
    counts.update(ecartes=len(outcome.left_out), erreurs=len(outcome.errors), en_attente=0)
    case.assertEqual({k: said[k] for k in counts}, counts, f"{name} {contract['id']}")
    return said


def check_reports(case, label):
    """Both contracts' reports follow what the hub must hold."""
    records = [record for held in HELD.values() for record in held.records.values()]
    for contract in CONTRACTS.values():
        rows = WORLD.report(contract["id"])
        harness.compare(case, rows, evaluate(contract, records), f"{label} {contract['id']}")


class Differences(unittest.TestCase):
    def small(self, persons, events, name="fit", **options):
        """Pushes hand-written rows."""
        paths = WORLD.write("small/p.csv", PERSONS + persons), WORLD.write("small/e.csv", EVENTS + events)
        return send(self, name, paths, **options)

    def test_second_export(self):
        """Two contracts from the same tables; a changed export; the same again; another change."""
        data = DataSet(51, 120, THIERS_2023)
        for round_ in range(3):
            files = data.write(WORLD.path(f"round-{round_}"), contract_column=False)
            for contract in CONTRACTS.values():
                for name, paths in files.items():
                    send(self, name, paths, contract)
            check_reports(self, f"round {round_}")
            for name, paths in files.items():
                said = send(self, name, paths)
                self.assertEqual((said["nouveaux"], said["modifies"], said["retires"]), (0, 0, 0), name)
            data = data.change()
        check_reports(self, "last")

    def test_row_in_error_withdraws_nothing(self):
        person = "1;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05\n"
        self.small(person, "z1;2024-01-05;axe1;consultation_medicale;1;2;;\nz2;2024-02-05;axe1;cout;;10;autre;\n")
        self.small(person, "z1;2024-01-35;axe1;consultation_medicale;1;2;;\nz2;2024-02-05;axe1;cout;;10,001;autre;\n")
        check_reports(self, "rows in error")
        self.small(person.replace("AFG", "ZZZ"), "z1;2024-01-05;axe1;consultation_medicale;1;3;;\n")
        check_reports(self, "person in error")
        self.small(person, "")
        check_reports(self, "rows gone")

    def test_a_number_again_replaces_the_row(self):
        person = "1;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05\n"
        for line in ("2024-01-05;axe1;sollicitation;1;2;;", "2024-03-05;axe1;sollicitation;1;;;", "2024-03-06;axe3;sollicitation;1;7;;"):
            self.small(person, f"y1;{line}\n")
            check_reports(self, line)

    def test_partial(self):
        person = "1;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05\n"
        self.small(person, "x1;2024-01-05;axe2;outil_numerique;1;2;;\nx2;2024-02-05;axe2;cout;;10;autre;\n")
        self.small(person, "x3;2024-04-05;axe2;outil_numerique;1;5;;\n", partial=True)
        check_reports(self, "partial")

    def test_contract_column(self):
        """Rows name their contract; the same event's number may stand in each."""
        header = EVENTS.replace("\n", ";contrat\n")
        lines = ["c1;2024-05-05;axe1;consultation_medicale;1;3;;;63-thiers-2023", "c2;2024-06-05;axe1;cout;;9;autre;;63-thiers-2023",
                 "c1;2025-05-05;axe2;consultation_medicale;1;4;;;63-thiers-2024", "c3;2024-06-05;axe1;cout;;8;autre;;63-thiers-2024"]
        paths = (WORLD.write("small/p.csv", PERSONS + "1;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05\n"),
                 WORLD.write("small/e.csv", header + "\n".join(lines) + "\n"))
        for contract in CONTRACTS.values():
            key = (contract["id"], "cecler")
            HELD[key], _ = push(HELD.get(key, Held()), make_records("cecler", contract, *paths))
        WORLD.push("cecler", paths, "--allow-withdrawals").must()
        check_reports(self, "contract column")

    def test_withdrawal_guard(self):
        persons = "1;Essai;Un;1990-05-05;F;AFG;refugie;2022-05-05\n"
        rows = [f"w{n};2024-02-05;axe2;cout;;{n};autre;\n" for n in range(24)]
        self.small(persons, "".join(rows))
        cut = WORLD.write("small/p.csv", PERSONS + persons), WORLD.write("small/e.csv", EVENTS + "".join(rows[:11]))
        refused = WORLD.push("fit", cut, "--contract", harness.CONTRACT)
        refused.must(harness.EX_DATAERR)
        self.assertIn("--allow-withdrawals", refused.messages)
        check_reports(self, "refused push")
        self.small(persons, "".join(rows[:12]))
        half = WORLD.write("small/p.csv", PERSONS + persons), WORLD.write("small/e.csv", EVENTS + "".join(rows[:2]))
        done = WORLD.push("fit", half, "--contract", harness.CONTRACT).must()  # ten records are not more than ten
        self.assertEqual(done.json()["retires"], 10)
        key = (harness.CONTRACT, "fit")
        HELD[key], _ = push(HELD[key], make_records("fit", THIERS_2023, *half))
        check_reports(self, "ten withdrawn")


if __name__ == "__main__":
    unittest.main()
