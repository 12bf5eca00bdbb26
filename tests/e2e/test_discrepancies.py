"""What the parties must settle: each kind of discrepancy, by operator, with the keys of that operator's own records; the
addresses on refugies.info; and the variants of indicators in a report."""

import unittest

import harness
from contracts import THIERS_2023
from discrepancies import discrepancies, matters
from generate import DataSet
from records import make_records

WORLD = None
PERSONS = "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
CIAS = (PERSONS + "1;0123456789;Diallo;Awa;1990-01-02;F;GIN;refugie;2022-06-01;\n"
        "2;1111111111;Sesay;Ibrahim;1991-03-04;H;SLE;refugie;2022-06-01;\n",
        EVENTS + "e1;2023-12-05;axe1;entree;1;10;;\ne2;2024-01-05;axe1;entree;1;;;\ne3;2024-01-06;axe1;entree;2;;;\n")
CECLER = (PERSONS + "a;;DIALLO;Awa;1990-01-02;H;GIN;refugie;2022-06-01;\n"
          "b;2222222222;Sesay;Ibrahim;1991-03-04;H;SLE;refugie;2022-06-01;\n"
          "c;;Haidari;Parwana;1992-05-06;F;AFG;refugie;2022-06-01;\n",
          EVENTS + "f1;2023-12-10;axe1;entree;a;;;\nf2;2023-12-10;axe3;entree;b;;;\nf3;2024-02-15;axe3;sortie;b;;emploi_6_mois;\n"
          "f4;2023-12-10;axe3;entree;c;;;\nf5;2024-02-16;axe3;sortie;c;;emploi_durable;\nf6;2024-09-02;axe3;suivi_6_mois;c;;positif;\n")
ADDRESS = "https://refugies.info/fr/dispositif/64f1"
VARIANTS = """
variantes:
  - {code: 3.2.emploi_durable, selon: AGIR, libelle: dont en emploi de six mois ou plus (AGIR), details: [emploi_durable, emploi_6_mois]}

indicateurs:
"""


def contract_file():
    """The contract of Thiers with a variant, an address and an end of its data."""
    with open(harness.CONTRACT_FILE, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("\nindicateurs:\n", VARIANTS, 1)
    text = text.replace("dernier_jour: 2024-11-29\n", "dernier_jour: 2024-11-29\nconservation: 12\n", 1)
    return text.replace("  - code: axe1\n", f"  - code: axe1\n    refugies_info: {ADDRESS}\n", 1)


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start_hub(WORLD.write("contrat.yaml", contract_file()))
    for name in ("cias", "cecler", "fit"):
        WORLD.enrol(name)
    WORLD.share_key(["cias", "cecler", "fit"])


def write(name, tables):
    """The two files of an operator."""
    return tuple(WORLD.write(f"{name}-{part}.csv", text) for part, text in zip(("personnes", "evenements"), tables))


def listed(*options):
    """The rows of the CSV."""
    return WORLD.hub("discrepancies", harness.CONTRACT, *options, "--format", "csv").must().csv()


def previewed(name, files):
    """The operator's records by their keys."""
    persons, events = files
    rows = WORLD.agent(name, "preview", "--persons", persons, "--events", events, "--format", "csv").must().csv()
    return {row["cle"]: row for row in rows}


class Discrepancies(unittest.TestCase):
    def test_1_nothing_sent(self):
        self.assertEqual([(r["type"], r["action"], r["operateur"]) for r in listed("--at", "2023-11")],
                         [("refugies_info", "axe2", ""), ("refugies_info", "axe3", "")])
        self.assertEqual([(r["type"], r["action"], r["operateur"], r["mois"]) for r in listed("--at", "2024-02")][:4],
                         [("retard", "axe1", "cecler", ""), ("retard", "axe3", "cecler", ""), ("retard", "axe1", "cias", ""),
                          ("retard", "axe2", "fit", "")])

    def test_2_each_kind(self):
        files = {name: write(name, tables) for name, tables in (("cias", CIAS), ("cecler", CECLER))}
        for name, paths in files.items():
            WORLD.push(name, paths).must()
        records = {name: previewed(name, paths) for name, paths in files.items()}
        rows = listed("--at", "2025-01")
        self.assertEqual([(r["contrat"], r["type"], r["action"], r["operateur"], r["mois"], len(r["cles"].split())) for r in rows],
                         [(harness.CONTRACT, *row) for row in (
                             ("sexe", "axe1", "cecler", "2023-12", 1), ("sexe", "axe1", "cias", "2024-01", 2),
                             ("identite", "axe1", "cias", "2024-01", 1), ("identite", "axe3", "cecler", "2024-02", 2),
                             ("suivi_6_mois", "axe3", "cecler", "2024-02", 1),
                             ("retard", "axe1", "cecler", "2024-09", 0), ("retard", "axe3", "cecler", "2024-09", 0),
                             ("retard", "axe1", "cias", "2024-01", 0), ("retard", "axe2", "fit", "", 0),
                             ("refugies_info", "axe2", "", "", 0), ("refugies_info", "axe3", "", "", 0))])
        self.assertEqual([r["affaire"] for r in rows], ["1", "1", "2", "2", "3", "4", "4", "5", "6", "7", "8"])
        for row in rows:
            self.assertTrue(row["constat"].endswith(".") and row["remede"].endswith("."), row)
            for key in row["cles"].split():
                record = records[row["operateur"]][key]
                self.assertEqual(record["action"], row["action"])
                self.assertEqual(record["type"], "sortie" if row["type"] == "suivi_6_mois" else "beneficiaire")
        self.assertIn("femme", rows[1]["constat"])
        self.assertIn("février 2024", rows[4]["constat"])
        self.assertIn("2 numéros", rows[2]["constat"])
        self.assertEqual([r["type"] for r in listed("--at", "2024-08", "--from", "2024-01") if r["type"] in ("sexe", "suivi_6_mois")], [])
        self.assertEqual([r["mois"] for r in listed("--at", "2024-09") if r["type"] == "suivi_6_mois"], ["2024-02"])

    def test_2_explained(self):
        """Each key: by the agent of its operator, and by no other."""
        whom = {"sexe": "Diallo", "identite": "Sesay", "suivi_6_mois": "Sesay"}
        for row in listed("--at", "2025-01"):
            if row["cles"]:
                said = WORLD.agent(row["operateur"], "explain", *row["cles"].split()).must()
                self.assertIn(whom[row["type"]].lower(), said.text.lower())
        other = next(row for row in listed("--at", "2025-01") if row["operateur"] == "cias" and row["cles"])
        WORLD.agent("cecler", "explain", other["cles"].split()[0]).must(harness.EX_DATAERR)

    def test_3_forms(self):
        rows = listed("--at", "2025-01")
        document = WORLD.hub("discrepancies", harness.CONTRACT, "--at", "2025-01", "--json").must().json()
        self.assertEqual((document["contrat"], document["vu_en"]), (harness.CONTRACT, "2025-01"))
        self.assertEqual(document["periode"], {"de": "2023-11", "a": "2024-11"})
        self.assertEqual([{**r, "contrat": harness.CONTRACT, "affaire": str(r["affaire"]), "cles": " ".join(r["cles"]), "mois": r["mois"] or "",
                           "operateur": r["operateur"] or ""} for r in document["a_regler"]], rows)
        text = WORLD.hub("discrepancies", harness.CONTRACT, "--at", "2025-01").must().text
        self.assertNotIn("\x1b", text)
        for row in rows:
            self.assertIn(" · ".join(filter(None, (row["action"], row["operateur"]))), text)
            self.assertTrue(row["cles"] == "" or row["cles"].split()[0] in text)
        target = WORLD.path("a-regler.csv")
        WORLD.hub("discrepancies", harness.CONTRACT, "--at", "2025-01", "--format", "csv", "-o", target).must()
        with open(target, encoding="utf-8") as file:
            self.assertTrue(file.read().startswith("contrat,action,operateur,type,affaire,mois,cles,constat,remede\n"))

    def test_4_no_token_and_no_name(self):
        """What is shown holds no token, nor anything of a person."""
        text = WORLD.hub("discrepancies", harness.CONTRACT, "--at", "2025-01", "--json").must().text
        for name, tables in (("cias", CIAS), ("cecler", CECLER)):
            for record in previewed(name, write(name, tables)).values():
                for token in filter(None, (record["jeton_e"], record["jeton_i"])):
                    self.assertNotIn(token, text)
        for word in ("Diallo", "Sesay", "Haidari", "1111111111"):
            self.assertNotIn(word, text)

    def test_5_refused(self):
        WORLD.hub("discrepancies", "63-inconnu").must(harness.EX_DATAERR)
        for options in (("--from", "2024"), ("--at", "x"), ("--from", "2024-05", "--to", "2024-01"), ("--from", "2031-01"),
                        ("--format", "html"), ("--format", "csv", "--json")):
            WORLD.hub("discrepancies", harness.CONTRACT, *options).must(harness.EX_USAGE)
        self.assertIn("table, csv et json", WORLD.hub("discrepancies", harness.CONTRACT, "--format", "html").messages)

    def test_6_variant(self):
        rows = [(r["action"], r["indicateur"], r["realise"]) for r in WORLD.report(harness.CONTRACT)]
        self.assertEqual(len(rows), 4 * (len(set(r[1] for r in rows))))
        for action, durable, wider in (("axe1", "0", "0"), ("axe3", "1", "2"), ("contrat", "1", "2")):
            at = rows.index((action, "3.2.emploi_durable", durable))
            self.assertEqual(rows[at + 1], (action, "3.2.emploi_durable.agir", wider))
        selected = [(r["action"], r["indicateur"]) for r in WORLD.report(harness.CONTRACT, "--selected")]
        self.assertIn(("axe3", "3.2.emploi_durable.agir"), selected)
        self.assertNotIn(("axe1", "3.2.emploi_durable.agir"), selected)
        text = WORLD.hub("report", harness.CONTRACT).must().text
        self.assertIn("six mois ou plus (AGIR)", text)
        # The region shows it as what the contract counts itself, and masks the few people of both counts.
        region = WORLD.hub("region", "84", "--draft", "--format", "csv").must().csv()
        durable = [row for row in region if row["indicateur"].startswith("3.2.emploi_durable")]
        self.assertEqual({row["indicateur"] for row in durable}, {"3.2.emploi_durable", "3.2.emploi_durable.agir"})
        self.assertEqual({(row["statut"], row["realise"]) for row in durable}, {("masque", "")})

    def test_7_address(self):
        document = WORLD.hub("report", harness.CONTRACT, "--json").must().json()
        self.assertEqual([action["refugies_info"] for action in document["actions"]], [ADDRESS, None, None])
        text = WORLD.hub("report", harness.CONTRACT).must().text
        self.assertIn(ADDRESS, text)
        self.assertEqual(text.count("Sans adresse sur refugies.info"), 2)
        said = WORLD.hub("contract", "check", harness.CONTRACT_FILE).must()
        self.assertEqual((said.messages + said.text).count("[refugies_info]"), 3)

    def test_8_generated(self):
        """A set of a hundred people, against the oracle (by counts of keys: the hub's are not the oracle's)."""
        records = []
        duties = [("axe1", "cias"), ("axe1", "cecler"), ("axe2", "fit"), ("axe3", "cecler")]
        for name, paths in DataSet(51, 100, THIERS_2023, False).write(WORLD.path("data")).items():
            if name in ("cias", "cecler", "fit"):
                WORLD.push(name, paths, "--allow-withdrawals").must(harness.EX_OK, harness.EX_DATAERR)
                records += make_records(name, THIERS_2023, *paths).records
        for at in ("2024-05", "2025-02", "2026-11"):
            rows = [r for r in listed("--at", at) if r["type"] != "refugies_info"]
            got, wanted = {}, matters(discrepancies(THIERS_2023, records, duties, at))
            for r in rows:
                got.setdefault((r["type"], r["affaire"]), []).append((r["action"], r["operateur"], r["mois"], len(r["cles"].split())))
            self.assertEqual(sorted((kind, sorted(case)) for (kind, _), case in got.items()),
                             sorted((kind, sorted((*row[:3], len(row[3])) for row in case)) for kind, case in wanted))

    def test_9_purged(self):
        WORLD.hub("purge", "--yes").must()
        done = WORLD.hub("discrepancies", harness.CONTRACT).must(harness.EX_DATAERR)
        self.assertIn("purgé", done.messages)
        rows = WORLD.hub("compare", harness.CONTRACT, harness.CONTRACT, "--format", "csv").must().csv()
        kept = WORLD.report(harness.CONTRACT)
        self.assertEqual([(r["action"], r["indicateur"], r["realise_a"], r["realise_b"]) for r in rows],
                         [(r["action"], r["indicateur"], r["realise"], r["realise"]) for r in kept])
        self.assertEqual({r["ecart"] for r in rows} - {"", "0.0"}, {"0"})
        WORLD.hub("compare", harness.CONTRACT, f"{harness.CONTRACT}@..2024-02").must(harness.EX_DATAERR)


if __name__ == "__main__":
    unittest.main()
