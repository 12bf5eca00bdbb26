"""Texts for the report: `ctai-agent narrative`, from the check for personal data to the cell, through restorations and new keys."""

import os
import shutil
import unittest

import harness

PERSONS = "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
# Invented people.
PEOPLE = ("P1;1234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;01/02/2023;M1\n"
          "P2;;N'Dour;Jean-Karim;31/01/1990;H;AFG;refugie;01/02/2023;M1\n")
FACTS = "e1;15/01/2024;axe1;entree;P1;10;;\ne2;16/01/2024;axe1;entree;P2;2;;\n"
OUTILS = ("axe1", "1.2.outils")
WORLD = None


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start(operators=["fit", "cias"])


def files(people=PEOPLE, facts=FACTS, name="files"):
    """An operator's two files."""
    return WORLD.write(f"{name}/p.csv", PERSONS + people), WORLD.write(f"{name}/e.csv", EVENTS + facts)


def narrate(text, *options, name="fit", cell=OUTILS, codes=(), stdin=False):
    """Runs the command on a text, in a file or on standard input."""
    arguments = ["narrative", "--contract", harness.CONTRACT, "--action", cell[0], "--indicator", cell[1], *options]
    if text is None:
        return WORLD.agent(name, *arguments).must(*codes)
    content = text if isinstance(text, bytes) else text.encode()
    if stdin:
        return WORLD.agent(name, *arguments, stdin=content).must(*codes)
    return WORLD.agent(name, *arguments, WORLD.write("texte.txt", content)).must(*codes)


def cell(*options, of=OUTILS):
    """The cell's text in the report as CSV."""
    return next(r["realise"] for r in WORLD.report(harness.CONTRACT, *options) if (r["action"], r["indicateur"]) == of)


def position():
    """The ledger's position of the last report."""
    return str(WORLD.hub("report", harness.CONTRACT, "--format", "json").must().json()["position"])


class Narrative(unittest.TestCase):
    def test_a_text_comes_to_its_cell(self):
        """Two operators, replaced, as of before, withdrawn; pushes do not touch it."""
        WORLD.agent("fit", "narrative", "--contract", harness.CONTRACT, "--action", "axe1", "--indicator", "1.2.outils",
                    stdin=b"Un texte.").must(harness.EX_CONFIG)
        for name in ("fit", "cias"):
            WORLD.push(name, files()).must()
        before = position()
        said = narrate("Un livret d’accueil.\r\nEn deux langues.\n", "--json", stdin=True).json()
        self.assertEqual(said, {"texte": "nouveau", "refuse": False, "acquittes": 1, "en_attente": 0})
        self.assertEqual(cell(), "fit : Un livret d’accueil.\nEn deux langues.")
        first = position()
        self.assertEqual(narrate("  Un livret d’accueil.\nEn deux langues.", "--json").json()["texte"], "inchange")
        self.assertEqual(position(), first)
        narrate("Une affiche \x80 l\x92entr\xe9e.".encode("latin-1"), name="cias")
        self.assertEqual(cell(), "cias : Une affiche € l’entrée.\n\nfit : Un livret d’accueil.\nEn deux langues.")
        for form in ("table", "json"):
            self.assertIn("Une affiche", WORLD.hub("report", harness.CONTRACT, "--format", form).must().text)
        self.assertEqual(narrate("Un autre livret.", "--json").json()["texte"], "modifie")
        self.assertEqual(cell(), "cias : Une affiche € l’entrée.\n\nfit : Un autre livret.")
        self.assertEqual(cell("--as-of", first), "fit : Un livret d’accueil.\nEn deux langues.")
        self.assertEqual(cell("--as-of", before), "")
        # A whole table that lacks everything takes nothing of the texts.
        WORLD.push("fit", files(PEOPLE, "", "none"), "--allow-withdrawals").must()
        self.assertIn("Un autre livret.", cell())
        self.assertEqual(narrate("Un autre livret.", "--json").json()["texte"], "inchange")
        said = narrate(None, "--withdraw", "--json", name="cias").json()
        self.assertEqual(said, {"texte": "retire", "refuse": False, "acquittes": 1, "en_attente": 0})
        self.assertEqual(cell(), "fit : Un autre livret.")
        narrate(None, "--withdraw", name="fit")
        self.assertEqual(cell(), "")


if __name__ == "__main__":
    unittest.main()
