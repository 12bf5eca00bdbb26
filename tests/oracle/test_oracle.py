#!/usr/bin/python3
"""The oracle against cases worked out by hand. Run: tests/oracle/test_oracle.py"""

import datetime
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from contracts import THIERS_2023, THIERS_2024  # noqa: E402
from differences import Held, push  # noqa: E402
from evaluate import evaluate  # noqa: E402
from folding import fold  # noqa: E402
from generate import OPERATORS, DataSet  # noqa: E402
from records import make_records  # noqa: E402
from values import (Bad, half_up, months_later, no_trailing_zeros, read_cents, read_count, read_date,  # noqa: E402
                    read_foreigner_number, read_minutes, same_day_years_later)

PERSONS = "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
ANNA = "1;;Anna;A;1990-01-01;F;AFG;refugie;2022-01-01;\n"


class Case(unittest.TestCase):
    """Writes small files and evaluates them."""

    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)

    def outcome(self, persons, events, contract=None, operator="cias"):
        """Outcome of two tables given without their header lines."""
        paths = []
        for kind, header, body in (("p", PERSONS, persons), ("e", EVENTS, events)):
            paths.append(os.path.join(self._directory.name, f"{operator}.{kind}"))
            with open(paths[-1], "w", encoding="utf-8", newline="") as file:
                file.write(header + body)
        return make_records(operator, contract or THIERS_2023, *paths)

    @staticmethod
    def cells(outcomes, action="axe1", contract=None, start=None, end=None):
        """{indicator: (value, state)} of an action."""
        records = [record for outcome in outcomes for record in outcome.records]
        rows = evaluate(contract or THIERS_2023, records, start, end)
        return {row["indicateur"]: (row["realise"], row["statut"]) for row in rows if row["action"] == action}

    def value(self, indicator, *outcomes, **options):
        """One cell's value."""
        return self.cells(outcomes, **options)[indicator][0]


class Values(unittest.TestCase):
    def test_hours_are_minutes_half_up(self):
        for text, minutes in (("1,33", 80), ("1:20", 80), ("1h20", 80), ("1.075", 65), ("0,025", 2), ("1 000,5 h", 60030),
                              ("0,0083333333", 0), ("0.00833333334", 1), ("12\u202f345", 740700), ("7h", 420), ("0", 0)):
            self.assertEqual(read_minutes(text), minutes, text)

    def test_cents_and_counts_are_whole(self):
        self.assertEqual(read_cents("1\u00a0234,5 €"), 123450)
        self.assertEqual(read_cents("12.500"), 1250)
        self.assertEqual(read_count("2,0"), 2)
        for reader, text in ((read_cents, "12,345"), (read_count, "1,5"), (read_cents, "1.234,5"), (read_count, "-1"),
                             (read_minutes, "1,234.5"), (read_minutes, ""), (read_count, "١"), (read_cents, "1e3")):
            with self.assertRaises(Bad, msg=text):
                reader(text)

    def test_dates(self):
        self.assertEqual(read_date("29/02/2024"), datetime.date(2024, 2, 29))
        for text in ("2023-02-29", "31/04/2024", "12/31/2024", "", "2024-1-1"):
            with self.assertRaises(Bad, msg=text):
                read_date(text)
        self.assertEqual(same_day_years_later(datetime.date(2020, 2, 29), 5), datetime.date(2025, 3, 1))
        self.assertEqual(months_later(datetime.date(2024, 11, 29), 7), datetime.date(2025, 6, 29))
        self.assertEqual(months_later(datetime.date(2024, 7, 31), 7), datetime.date(2025, 2, 28))

    def test_numbers_and_names(self):
        self.assertEqual(read_foreigner_number(" 0123\u00a0456 789 "), "0123456789")
        for text in ("123456789", "9,9E+09", "٠١٢٣٤٥٦٧٨٩", ""):
            self.assertIsNone(read_foreigner_number(text))
        self.assertEqual(fold("ŒUVRÉ-d’Ñuñez"), "oeuvredn" + "unez")
        self.assertEqual(fold("Straße"), fold("STRASSE"))
        self.assertEqual(fold("Łukasz ƏLİYEV Þór ĐỖ ŋ"), "lukaszeliyevthordoŋ".replace("ŋ", "n"))

    def test_text_of_values(self):
        from fractions import Fraction
        self.assertEqual(half_up(Fraction(1, 8), 2), "0.13")
        self.assertEqual(half_up(Fraction(6), 1), "6.0")
        self.assertEqual([no_trailing_zeros(t) for t in ("9.00", "9.50", "9.25", "100")], ["9", "9.5", "9.25", "100"])


class Dates(Case):
    def test_entry_before_the_contract_needs_an_event_in_it(self):
        entry = "e1;2023-01-05;axe1;entree;1;10;;\n"
        self.assertEqual(self.outcome(ANNA, entry).counts(), {"prets": 0, "ecartes": 1, "erreurs": 0})
        both = self.outcome(ANNA, entry + "e2;2024-02-01;axe1;presence;1;8;;S\n")
        self.assertEqual(both.counts(), {"prets": 4, "ecartes": 0, "erreurs": 0})
        self.assertEqual(self.value("3.1.assidus", both), "1")
        self.assertEqual({r.month for r in both.records}, {"2023-11", "2024-02"})
        other = self.outcome(ANNA, entry + "e2;2024-02-01;axe2;presence;1;8;;S\n")
        self.assertEqual(other.counts(), {"prets": 2, "ecartes": 1, "erreurs": 0})

    def test_follow_up_counts_seven_months_after(self):
        for day, ready in (("2025-06-29", 2), ("2025-06-30", 0)):
            outcome = self.outcome(ANNA, f"e1;{day};axe1;suivi_6_mois;1;;positif;\n")
            self.assertEqual(len(outcome.records), ready, day)
        outcome = self.outcome(ANNA, "e1;2025-06-29;axe1;suivi_6_mois;1;;positif;\n")
        self.assertEqual({r.month for r in outcome.records}, {"2024-11"})

    def test_exit_takes_the_latest_entry_by_true_dates(self):
        events = "e1;2023-06-01;axe1;entree;1;;;\ne2;2023-10-01;axe1;entree;1;;;\ne3;2024-03-31;axe1;sortie;1;;emploi_court;\n"
        outcome = self.outcome(ANNA, events)
        self.assertEqual([r.days for r in outcome.records if r.type == "sortie"], [182])
        self.assertEqual(self.value("3.2.duree_moyenne_mois", outcome), "6.0")
        alone = self.outcome(ANNA, "e3;2024-03-31;axe1;sortie;1;;emploi_court;\ne1;2024-04-01;axe1;entree;1;;;\n")
        self.assertEqual(alone.counts(), {"prets": 2, "ecartes": 0, "erreurs": 1})

    def test_an_entry_in_error_supports_no_exit(self):
        events = "e1;2024-01-01;axe1;entree;1;x;;\ne2;2024-03-31;axe1;sortie;1;;autre;\n"
        self.assertEqual(self.outcome(ANNA, events).counts(), {"prets": 0, "ecartes": 0, "erreurs": 2})

    def test_five_years_and_twenty_five_years(self):
        person = "1;;B;B;2000-02-29;H;SYR;refugie;2020-02-29;\n"
        for day, eligible, young in (("2025-02-28", True, True), ("2025-03-01", False, False)):
            outcome = self.outcome(person, f"e;{day};axe1;autonomie;1;;scolarite;\n", THIERS_2024)
            self.assertEqual(len(outcome.records), 2 * eligible, day)
            self.assertEqual(any(r.under_25 for r in outcome.records), young)

    def test_age_is_of_the_first_event_of_the_action(self):
        person = "1;;B;B;1999-06-15;H;SYR;refugie;2022-01-01;\n"
        events = "a;2024-06-14;axe1;logement_perenne;1;;;\nb;2024-08-01;axe1;logement_perenne;1;;;\nc;2024-08-01;axe2;logement_perenne;1;;;\n"
        outcome = self.outcome(person, events)
        self.assertEqual(sorted((r.action, r.month, r.under_25) for r in outcome.records if r.type == "beneficiaire"),
                         [("axe1", "2024-06", True), ("axe1", "2024-08", True), ("axe2", "2024-08", False)])

    def test_who_is_left_out(self):
        day = "e;2024-01-01;axe1;logement_perenne;1;;;\n"
        for row, ready in (("FRA;refugie;2022-01-01", 0), ("GB;salarie;2022-01-01", 2), ("UKR;protection_temporaire;", 2),
                           ("AFG;refugie;", 0), ("AFG;etudiant;2022-01-01", 0), ("XXA;apatride;2024-01-01", 2),
                           ("XK;autre_titre;2024-01-02", 0), ("SY;refugie;2019-01-01", 0), ("SY;refugie;2019-01-02", 2)):
            outcome = self.outcome(f"1;;C;C;1990-01-01;;{row};\n", day)
            self.assertEqual(len(outcome.records), ready, row)


class Identity(Case):
    def people(self, *rows):
        """Total of axe1, each row at an operator of its own: (number, surname, sex)."""
        outcomes = []
        for index, (number, surname, sex) in enumerate(rows):
            person = f"1;{number};{surname};X;1990-01-01;{sex};AFG;refugie;2022-01-01;\n"
            outcomes.append(self.outcome(person, "e;2024-01-01;axe1;autonomie;1;;scolarite;\n", operator=f"op{index}"))
        cells = self.cells(outcomes)
        return tuple(int(cells[code][0]) for code in ("1.1.total", "1.1.hommes", "1.1.femmes"))

    def test_rules(self):
        one, two = "0123456789", "1123456789"
        self.assertEqual(self.people((one, "Dé", "F"), (one, "Autre", "F")), (1, 0, 1))
        self.assertEqual(self.people((one, "Dé", "F"), ("", "DE", "")), (1, 0, 1))
        self.assertEqual(self.people(("", "Dé", "F"), ("", "D-e", "H")), (1, 0, 0))
        self.assertEqual(self.people((one, "Dé", "F"), (two, "De", "F"), ("", "dé", "H"), ("", "DÉ", "H")), (3, 1, 2))
        self.assertEqual(self.people(("123", "Dé", ""), ("", "De", "H")), (1, 1, 0))

    def test_households(self):
        family = ("1;;B;B;1990-01-01;F;AFG;refugie;2022-01-01;M1\n2;;A;A;1990-01-01;F;AFG;demandeur_asile;;M1\n"
                  "3;;C;C;1990-01-01;F;AFG;refugie;;M1\n")
        event = "e;2024-01-01;axe1;logement_perenne;1;;;\n"
        outcome = self.outcome(family, event)
        self.assertEqual([r.household for r in outcome.records if r.household], ["b|b|1990-01-01"])
        single = self.outcome("9;;b;b;1990-01-01;F;AFG;refugie;2022-01-01;\n", event.replace(";1;", ";9;"), operator="fit")
        self.assertEqual(self.value("3.4.menages", outcome, single), "1")


class Indicators(Case):
    def test_sessions_once(self):
        events = ("a;2024-01-01;axe1;seance;;2;francais;S\nb;2024-01-02;axe1;seance;zz;1h20;francais; S \n"
                  "c;2024-01-03;axe1;seance;;0,33;laicite;S\nd;2024-01-03;axe2;seance;;1;francais;S\n")
        one, other = self.outcome("", events), self.outcome("", events[:43] + "\n", operator="fit")
        self.assertEqual(self.value("3.1.heures", one, other), "4")
        self.assertEqual(self.value("3.3.heures", one), "0.33")
        self.assertEqual(self.value("3.1.heures", one, action="contrat"), "3")
        self.assertEqual(self.value("3.3.thematiques", one), "laicite")
        self.assertEqual(self.cells([one])["3.6.heures"], ("0", "compte"))

    def test_attendance_is_exact_and_adds_up(self):
        events = "a;2024-01-01;axe1;entree;1;1:15;;\nb;2024-01-05;axe1;presence;1;{};;S\n"
        self.assertEqual(self.value("3.1.assidus", self.outcome(ANNA, events.format("1"))), "1")
        self.assertEqual(self.value("3.1.assidus", self.outcome(ANNA, events.format("0:59"))), "0")
        one, other = self.outcome(ANNA, events.format("0:30")), self.outcome(ANNA, events[32:].format("0:30"), operator="fit")
        self.assertEqual(self.value("L.assiduite", one, other), "1")
        later = self.outcome(ANNA, events.format("1") + "c;2024-05-05;axe1;autonomie;1;;scolarite;\n")
        self.assertEqual(self.cells([later], start="2024-05")["3.1.assidus"], ("0", "non_collecte"))
        self.assertEqual(self.value("3.1.assidus", later, start="2024-06"), "0")

    def test_levels(self):
        events = "a;2023-01-01;axe2;niveau_debut;1;;infra_A1;\nb;2024-03-05;axe2;niveau_fin;1;;A1;\n"
        outcome = self.outcome(ANNA, events)
        self.assertEqual(self.value("3.1.progres_cecrl", outcome, action="axe2", start="2024-03", end="2024-03"), "1")
        self.assertEqual(self.value("3.1.progres_cecrl", outcome, action="axe2", end="2024-02"), "0")

    def test_states(self):
        cells = self.cells([self.outcome(ANNA, "")])
        self.assertEqual(cells["1.1.total"], ("0", "non_collecte"))
        self.assertEqual(cells["3.2.duree_moyenne_mois"], ("", "non_collecte"))
        self.assertEqual(cells["3.2.suivis_6_mois"], ("0", "non_fait"))


class Differences(Case):
    def test_changed_withdrawn_and_kept(self):
        first = "a;2024-01-01;axe1;entree;1;10;;\nb;2024-02-05;axe1;autonomie;1;;scolarite;\nc;2024-03-01;axe1;cout;;5;p104;\n"
        held, counts = push(Held(), self.outcome(ANNA, first))
        self.assertEqual(counts, {"nouveaux": 5, "modifies": 0, "retires": 0, "inchanges": 0})
        second = "a;2024-01-02;axe1;entree;1;12;;\nb;2024-02-30;axe1;autonomie;1;;scolarite;\n"
        after, counts = push(held, self.outcome(ANNA, second))
        self.assertEqual(counts, {"nouveaux": 0, "modifies": 1, "retires": 1, "inchanges": 1})
        self.assertEqual(len(after.records), 4)


class Generator(unittest.TestCase):
    def test_same_seed_same_rows_and_nothing_is_rare(self):
        for contract in (THIERS_2023, THIERS_2024):
            data = DataSet(5, 300, contract)
            self.assertEqual(data.events, DataSet(5, 300, contract).events)
            with tempfile.TemporaryDirectory() as directory:
                files = data.write(directory)
                counts = {name: make_records(name, contract, *files[name]).counts() for name in OPERATORS}
            for name, count in counts.items():
                self.assertTrue(all(count.values()), (name, count))


if __name__ == "__main__":
    unittest.main()
