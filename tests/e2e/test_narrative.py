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


    def test_what_tells_somebody_is_refused(self):
        """Names, numbers, days of birth: 65, where, and nothing of it in what is said, queued or kept."""
        WORLD.push("fit", files()).must()
        before = position()
        for text, said in (("Madame AARABI est venue.", "texte.txt:1:8: erreur : un nom"),
                           ("Premier.\nAvec zohra.", "texte.txt:2:6: erreur : un prénom"),
                           ("Grâce à n\u2019dour", "un nom"), ("Jean Karim", "un prénom"), ("Zohra".encode("utf-16"), "UTF-16"),
                           ("n° 12 34.56-78 90", "un numéro d’étranger"), ("née le 12-3-99", "une date de naissance"),
                           ("le trente et un janvier mil neuf cent quatre-vingt-dix", "une date de naissance"),
                           ("N\x92Dour \xe9t\xe9".encode("latin-1"), "un nom"), ("", "vide"), ("a\x07", "caractère de commande"),
                           ("é" * 6001, "trop long")):
            with self.subTest(text=text):
                done = narrate(text, codes=(harness.EX_DATAERR,))
                self.assertIn(said, done.messages)
                for word in ("aarabi", "zohra", "dour", "karim", "1990"):
                    self.assertNotIn(word, (done.messages + done.text).lower())
        self.assertEqual(position(), before)
        state = os.path.join(WORLD.path("agent-fit"), "etat.sqlite")
        with open(state, "rb") as file:
            kept = file.read().lower()
        for word in (b"aarabi", b"zohra", b"1234567890", b"1999-03-12", b"12/03/1999"):
            self.assertNotIn(word, kept)
        # In another table; a warning for another number; a first text needs a table.
        other = files("P9;;Cissoko;Lina;14/07/1990;F;GIN;salarie;01/02/2023;\n", "", "other")[0]
        narrate("Avec Lina Cissoko.", "--persons", other, codes=(harness.EX_DATAERR,))
        done = narrate("Appelez le 04 73 00 00 00.", "--persons", other)
        self.assertIn("avertissement : un nombre de dix chiffres", done.messages)
        narrate(None, "--withdraw")
        # Who was forgotten is in the table no more, until the files have the person again.
        WORLD.agent("fit", "forget", "P1").must()
        narrate("Avec Zohra.")
        WORLD.push("fit", files(), "--allow-withdrawals").must()
        narrate("Avec zohra.", codes=(harness.EX_DATAERR,))
        WORLD.agent("fit", "forget", "P1", "--undo").must()
        narrate(None, "--withdraw")

    def test_where_a_text_may_not_go(self):
        """A wrong contract, action or indicator; the hub's word on a code that it alone knows."""
        WORLD.push("fit", files()).must()
        WORLD.agent("fit", "narrative", "--contract", "nulle-part", "--action", "axe1", "--indicator", "1.2.outils",
                    stdin=b"x").must(harness.EX_NOPERM)
        narrate("Texte.", cell=("axe9", "1.2.outils"), codes=(harness.EX_DATAERR,))
        self.assertIn("1.2.outils", narrate("Texte.", cell=("axe1", "1.1.total"), codes=(harness.EX_DATAERR,)).messages)
        done = narrate("Texte.", cell=("axe1", "L.inconnu"), codes=(harness.EX_DATAERR,))
        self.assertIn("n’est pas un indicateur du contrat", done.messages)
        self.assertIn("refusés 0", WORLD.agent("fit", "status").must().text)
        self.assertIn("--withdraw", WORLD.agent("fit", "narrative", "--help").must().text)
        narrate("x", "--withdraw", codes=(harness.EX_USAGE,))

    def test_offline_and_by_serve(self):
        """69 while the hub is away, then delivered; the same through the agent's `serve`."""
        WORLD.push("cias", files()).must()
        WORLD.stop()
        done = narrate("Hors ligne.", "--wait", "1", name="cias", codes=(harness.EX_UNAVAILABLE,))
        self.assertIn("file d’attente", done.text)
        WORLD.serve()
        self.assertEqual(narrate("Hors ligne.", "--json", name="cias").json()["texte"], "inchange")
        self.assertIn("cias : Hors ligne.", cell())
        WORLD.serve("cias")
        try:
            narrate("Par le service.", name="cias", stdin=True)
            narrate("Zohra", name="cias", codes=(harness.EX_DATAERR,))
            key = WORLD.agent("cias", "preview", "--persons", files()[0], "--events", files()[1]).must().csv()[0]["cle"]
            self.assertIn("id_local", WORLD.agent("cias", "explain", key).must().text)
            for secret in ("Aarabi", "Dour", "service."):
                self.assertNotIn(secret, WORLD.services["cias"].errors())
        finally:
            WORLD.stop("cias")
        self.assertIn("cias : Par le service.", cell())
        narrate(None, "--withdraw", name="cias")

    def test_restored_and_replaced(self):
        """An older copy of a home, then new keys: whole tables that follow leave the texts, which can still be replaced."""
        WORLD.push("cias", files()).must()
        home, copy = WORLD.path("agent-cias"), WORLD.path("copy")
        shutil.copytree(home, copy)
        narrate("Avant la panne.", name="cias")
        shutil.rmtree(home)
        shutil.copytree(copy, home)
        WORLD.push("cias", files(PEOPLE, FACTS.replace("15/01", "17/01"), "later")).must()
        self.assertEqual(cell(), "cias : Avant la panne.")
        narrate("Après la panne.", name="cias")
        self.assertEqual(cell(), "cias : Après la panne.")
        os.rename(home, WORLD.path("lost"))
        os.rename(WORLD.path("cias.demande"), WORLD.path("old.demande"))
        WORLD.fingerprints["cias"] = WORLD.agent("cias", "init", "--name", "cias", "--json").must().json()["empreinte"]
        WORLD.hub("agent", "replace", "cias", "cias.demande", "-o", WORLD.path("new.approbation")).must()
        WORLD.agent("cias", "join", WORLD.path("new.approbation")).must()
        WORLD.grant_key("fit", "cias")
        WORLD.push("cias", files()).must()
        self.assertEqual(cell(), "cias : Après la panne.")
        narrate("Sous les nouvelles clés.", name="cias")
        self.assertEqual(cell(), "cias : Sous les nouvelles clés.")
        WORLD.push("cias", files(PEOPLE, "", "none"), "--allow-withdrawals").must()
        self.assertEqual(cell(), "cias : Sous les nouvelles clés.")
        narrate(None, "--withdraw", name="cias")
        self.assertEqual(cell(), "")

    def test_explain(self):
        """Each key of a preview comes back to its rows; a changed file, an unknown key, a text's key."""
        paths = files(name="explain")
        WORLD.push("fit", paths, "--allow-withdrawals").must()
        rows = WORLD.agent("fit", "preview", "--persons", paths[0], "--events", paths[1]).must().csv()
        said = WORLD.agent("fit", "explain", *(row["cle"] for row in rows), "--json").must().json()
        by_key = {row["cle"]: row for row in said}
        self.assertEqual(set(by_key), {row["cle"] for row in rows})
        for row in rows:
            answer = by_key[row["cle"]]
            self.assertEqual((answer["type"], answer["mois"], answer["action"], answer["compte"]),
                             (row["type"], row["mois"], row["action"], True))
            self.assertIn((answer["id_local"], answer["nom"], answer["prenom"], answer["ligne_personne"], answer["lignes_evenements"]),
                          [("P1", "Aarabi", "Zohra", 2, [2]), ("P2", "N'Dour", "Jean-Karim", 3, [3])])
        text = WORLD.agent("fit", "explain", rows[0]["cle"].upper()).must().text
        self.assertIn("2024-01", text)
        WORLD.agent("fit", "explain", "0" * 32).must(harness.EX_DATAERR)
        WORLD.agent("fit", "explain", "zz").must(harness.EX_DATAERR)
        WORLD.agent("fit", "explain", rows[0]["cle"], "--persons", paths[0]).must(harness.EX_USAGE)
        other = WORLD.agent("cias", "explain", rows[0]["cle"], "--persons", paths[0], "--events", paths[1])
        other.must(harness.EX_DATAERR)
        WORLD.write("explain/e.csv", EVENTS + FACTS.replace("e2;", "e3;"))
        gone = next(row["cle"] for row in rows if row["type"] == "entree" and by_key[row["cle"]]["id_local"] == "P2")
        done = WORLD.agent("fit", "explain", gone).must(harness.EX_DATAERR)
        self.assertIn("ont changé", done.messages)
        os.unlink(paths[1])
        self.assertIn("--events", WORLD.agent("fit", "explain", gone).must(harness.EX_DATAERR).messages)

if __name__ == "__main__":
    unittest.main()
