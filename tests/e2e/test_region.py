"""A region: contracts of its twelve departments, agents that serve several, sums against the oracle's, drafts and releases."""

import csv
import io
import json
import os
import re
import unittest
from concurrent.futures import ThreadPoolExecutor

import harness
import opendata
import region as oracle
from cells import NATIONAL
from records import make_records

DEPARTMENTS = ["01", "03", "07", "15", "26", "38", "42", "43", "63", "69", "73", "74"]
SCOPES = {"03": "massif", "63": "massif"}
HEADER = "region,departement,contrat,indicateur,libelle,realise,statut,unite"
PERSONS = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;numero_etranger;id_menage\n"
EVENTS = "id_evenement;contrat;date;action;type;id_local;quantite;detail;reference\n"
OWN = ["L.demarches", "sum", ["sollicitation"], None]
DISPUTED = [["L.suivi", "sum", ["sollicitation"], None], ["L.suivi", "facts", ["autonomie"], None]]
YAML = {"L.demarches": "{code: L.demarches, libelle: Démarches, unite: démarches, compte: somme, types: [sollicitation]}",
        "sum": "{code: L.suivi, libelle: Suivis, unite: suivis, compte: somme, types: [sollicitation]}",
        "facts": "{code: L.suivi, libelle: Suivis, unite: personnes, compte: personnes, types: [autonomie]}"}


def make_contracts():
    """Thirteen: one a department, and a second in 63 that begins later; four have indicators of their own."""
    contracts = []
    for number, code in enumerate(DEPARTMENTS + ["63"]):
        own = [OWN] if code in ("01", "63") else []
        own = own + [DISPUTED[number % 2]] if code in ("38", "42") else own
        contracts.append({"id": f"{code}-essai-{1 + number // 12}", "department": code, "scope": SCOPES.get(code, "alpes"),
                          "first": "2024-01-01" if number < 12 else "2024-04-15", "last": "2024-12-31", "actions": ["axe1", "axe2"],
                          "own": own})
    return contracts


def contract_file(contract):
    """As an office writes it."""
    own = "".join(f"  - {YAML.get(one[0]) or YAML[one[1]]}\n" for one in contract["own"])
    return (f'id: {contract["id"]}\ntitre: Contrat d’essai {contract["id"]}\ndepartement: "{contract["department"]}"\nregion: "84"\n'
            f'perimetre: {contract["scope"]}\npremier_jour: {contract["first"]}\ndernier_jour: {contract["last"]}\n'
            "parties:\n  - {code: a, nom: Alpha, role: coordonnateur, agent: alpha}\n"
            "actions:\n" + "".join(f"  - {{code: {a}, titre: Action {a}, operateurs: [{{partie: a}}], cout: {{total: 1 000}},"
                                   " indicateurs: [1.1.total]}\n" for a in contract["actions"])
            + (f"indicateurs:\n{own}" if own else ""))


def make_rows(contracts):
    """Two operators' tables: many people in all contracts but few in 15, some of 63 in 03 too, and known by number alone."""
    persons, events = [], []
    for number, contract in enumerate(contracts):
        many = 4 if contract["department"] == "15" else 22 + 3 * number
        for k in range(many):
            shared = contract["scope"] == "massif" and k < 12
            name = f"m{k}" if shared else f"{contract['id']}-{k}"
            person = (f"{name};{'Nom' + chr(97 + k % 26) * (1 + k // 26) if shared else 'Nom' + contract['id'] + str(k)};Prénom;"
                      f"{1980 + k % 25}-0{1 + k % 9}-1{k % 10};{'FH'[k % 2]};GIN;{'refugie' if k % 3 else 'salarie'};2023-05-01;"
                      f"{'' if k % 4 else f'{7000000000 + k if shared else 1000000000 + number * 1000 + k}'};f{number}-{k // 2}")
            if person.split(";")[0] not in {p.split(";")[0] for p in persons}:
                persons.append(person)
            month = 1 + (k + number) % 12 if number < 12 else 5 + k % 8
            axe = f"axe{1 + k % 2}"
            rows = [(f"{month:02}-10", axe, "entree", name, 10, "", "")]
            rows.append((f"{month:02}-11", axe, "presence", name, 9 if k % 3 else 5, "", f"s{k % 5}"))
            if k % 2:
                rows.append((f"{month:02}-2{k % 8}", axe, "sortie", name, "", ["emploi_durable", "formation_qualifiante", "autre"][k % 3], ""))
            if k % 3 == 0:
                rows.append((f"{month:02}-12", "axe1", "logement_perenne", name, "", "", ""))
            rows.append((f"{month:02}-13", "axe1", "sollicitation", name, 1 + k % 3, "", ""))
            if k % 5 == 0:
                rows.append((f"{month:02}-14", "axe2", "autonomie", name, "", "parentalite", ""))
            rows.append((f"{month:02}-15", axe, "seance", "", "1:20", ["francais", "laicite", "egalite"][k % 3], f"s{k % 7}"))
            rows.append((f"{month:02}-16", axe, "cout", "", f"{10 + k},35", "p104" if k % 2 else "autre", ""))
            events += [f"{contract['id']}-{k}-{n};{contract['id']};2024-" + ";".join(map(str, row)) for n, row in enumerate(rows)]
    return persons, events


class Region(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = world = harness.World()
        cls.addClassCleanup(world.close)
        cls.contracts = make_contracts()
        world.start_hub(*(world.write(f"{c['id']}.yaml", contract_file(c)) for c in cls.contracts))
        first, *others = cls.contracts
        world.enrol("alpha", first["id"], "axe1,axe2")
        for contract in others:
            world.admit("alpha", contract["id"], "axe1,axe2")
        for scope in sorted({c["scope"] for c in cls.contracts}):
            world.agent("alpha", "key", "create", "--scope", scope).must()
        persons, events = make_rows(cls.contracts)
        cls.files = [world.write(f"{name}.csv", head + "\n".join(rows) + "\n")
                     for name, head, rows in (("p", PERSONS, persons), ("e", EVENTS, events))]
        world.push("alpha", cls.files).must()
        cls.records = {}
        for contract in cls.contracts:
            cls.records.setdefault(contract["scope"], []).extend(make_records("alpha", contract, *cls.files).records)

    def region(self, *options, code=harness.EX_OK):
        """A run of the command."""
        return self.world.hub("region", "84", *options).must(code)

    def conf(self, name, value):
        """Sets a name of hub.conf."""
        path = os.path.join(self.world.hub_home, "hub.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def compare(self, rows, start=None, end=None, threshold=11):
        """Every cell that is published is the oracle's; every cell that rests on too few is masked."""
        wanted = oracle.region(self.contracts, self.records, start, end)
        got = {(r["departement"], r["contrat"], r["indicateur"]): r for r in rows}
        self.assertEqual(len(got), len(rows), "a cell comes twice")
        self.assertEqual(set(got), set(wanted))
        masked = 0
        for key, row in got.items():
            value, rests = wanted[key]
            if row["statut"] == "masque":
                self.assertEqual(row["realise"], "", key)
                masked += 1
            else:
                self.assertEqual((row["realise"], row["statut"]), (value, "publie"), key)
                self.assertFalse(0 < rests < threshold, f"{key} rests on {rests}")
        return masked

    def test_1_draft(self):
        """The sums, the order and the forms of a draft; nothing is entered."""
        out = self.region("--draft", "--format", "csv").out
        self.assertTrue(out.startswith(HEADER.encode() + b"\n"))
        self.assertNotIn(b"\r", out)
        rows = list(csv.DictReader(io.StringIO(out.decode("utf-8"), newline="")))
        masked = self.compare(rows)
        self.assertGreater(masked, 0)
        self.assertLess(masked, len(rows) // 2)
        self.assertEqual({r["region"] for r in rows}, {"84"})
        places = list(dict.fromkeys((r["departement"], r["contrat"]) for r in rows))
        wanted = []
        for code in DEPARTMENTS:
            wanted += [(code, c["id"]) for c in sorted(self.contracts, key=lambda c: c["id"]) if c["department"] == code] + [(code, "")]
        self.assertEqual(places, wanted + [("", "")])
        codes = [r["indicateur"] for r in rows if not r["departement"]]
        national = [i[0] for i in NATIONAL]
        self.assertEqual(codes, national[:1] + ["1.1.distinct"] + national[1:] + ["L.demarches"])
        by_key = {(r["departement"], r["contrat"], r["indicateur"]): r["realise"] for r in rows}
        self.assertLess(int(by_key["63", "", "1.1.distinct"]), int(by_key["63", "", "1.1.total"]))
        self.assertIn(("42", "42-essai-1", "L.suivi"), by_key)
        self.assertNotIn(("42", "", "L.suivi"), by_key)
        self.assertIn("L.suivi : des contrats le définissent autrement", self.region("--draft").messages)

        for options, period in ((("--from", "2024-02", "--to", "2024-07"), ("2024-02", "2024-07")),
                                (("--from", "2024-01", "--to", "2024-03"), ("2024-01", "2024-03"))):
            self.compare(self.region("--draft", "--format", "csv", *options).csv(), *period)
        self.assertNotIn("63-essai-2", self.region("--draft", "--format", "csv", "--from", "2024-01", "--to", "2024-03").text)

        said = self.region("--draft", "--json").json()
        self.assertEqual((said["region"]["code"], said["brouillon"], said["publication"]), ("84", True, None))
        self.assertTrue(said["schema"]["a_confirmer"])
        self.assertEqual(said["rubriques"][-1]["titre"], "Autres indicateurs")
        self.assertEqual({c["code"] for t in said["territoires"] for c in t["indicateurs"]}, {r["indicateur"] for r in rows})
        table = self.region("--draft").text
        for text in ("RAPPORT RÉGIONAL · Auvergne-Rhône-Alpes", "· masqué", "Brouillon, à ne pas publier", "à confirmer par la région",
                     "L’emploi d’abord", "Autres indicateurs"):
            self.assertIn(text, table)

    def test_2_release(self):
        """A release is entered once; the same again gives the same; others have to be of a period that can be released."""
        for options in (("--from", "2024-02", "--to", "2024-04"), ("--from", "2024-01", "--to", "2024-06"), ("--from", "2024-01", "--to", "2024-01")):
            self.assertIn("--draft", self.region(*options, code=harness.EX_USAGE).messages)
        self.region("--from", "2024-01", code=harness.EX_USAGE)
        self.region("--from", "2024-03", "--to", "2024-01", code=harness.EX_USAGE)
        first = self.region("--format", "csv")
        self.assertIn("Publication n° 1 du", first.messages)
        self.compare(first.csv())
        again = self.region("--format", "csv")
        self.assertIn("déjà inscrite", again.messages)
        self.assertEqual(again.out, first.out)
        draft = self.region("--format", "csv", "--draft")
        self.assertEqual(draft.out, first.out)
        year = self.region("--format", "csv", "--from", "2024-01", "--to", "2024-12")
        self.assertIn("Publication n° 2 du", year.messages)
        options = ("region", "84", "--from", "2024-04", "--to", "2024-06", "--format", "csv")
        with ThreadPoolExecutor(2) as both:
            made = [run.result().must() for run in [both.submit(self.world.hub, *options) for _ in range(2)]]
        self.assertEqual(made[0].out, made[1].out)
        self.assertEqual(["Publication n° 3 du" in run.messages for run in made], [True, True])
        self.assertEqual(sorted("déjà inscrite" in run.messages for run in made), [False, True], "one makes it, the other waits and finds it")
        target = self.world.path("r.csv")
        self.world.hub(*options, "-o", target).must()
        with open(target, encoding="utf-8", newline="") as file:
            self.compare(list(csv.DictReader(file)), "2024-04", "2024-06")
        said = self.region("--json", "--from", "2024-04", "--to", "2024-06").json()
        self.assertEqual((said["publication"], said["brouillon"]), (3, False))
        cannot = self.world.hub("region", "84", "--from", "2024-10", "--to", "2024-12", "-o", self.world.path("nowhere", "r.csv"))
        self.assertEqual(cannot.code, harness.EX_CANTCREAT)

    def test_3_usage(self):
        """Codes that are none, regions without a contract, a scheme of the office's own."""
        unknown = self.world.hub("region", "85").must(harness.EX_DATAERR)
        self.assertIn("84 (Auvergne-Rhône-Alpes)", unknown.messages)
        self.assertIn("n’a aucun contrat", self.world.hub("region", "53", "--draft").must(harness.EX_DATAERR).messages)
        self.assertIn("dans cette période", self.region("--draft", "--from", "2020-01", "--to", "2020-03", code=harness.EX_DATAERR).messages)
        folder = os.path.join(self.world.hub_home, "regions")
        os.makedirs(folder, exist_ok=True)
        own = os.path.join(folder, "84.yaml")
        with open(own, "w", encoding="utf-8") as file:
            file.write('region: "84"\ntitre: Le nôtre\nde: 2024\na: 2027\nrubriques:\n  - {code: r, titre: Notre rubrique, indicateurs: [1.1.total]}\n')
        self.addCleanup(os.unlink, own)
        table = self.region("--draft").text
        self.assertIn("Notre rubrique", table)
        self.assertNotIn("à confirmer", table)
        with open(own, "w", encoding="utf-8") as file:
            file.write('region: "85"\ntitre: Faux\n')
        wrong = self.region("--draft", code=harness.EX_CONFIG)
        self.assertIn("regions/84.yaml:1:9", wrong.messages)

    def publish(self, folder, *options, code=harness.EX_OK):
        """A run of the command."""
        return self.world.hub("publish", "84", folder, *options).must(code)

    def test_4_publish(self):
        """Open data: valid, the release's own numbers, a folder as a whole or not at all."""
        self.conf("strict", "no\npublisher = Préfecture d’essai\nhomepage = https://exemple.gouv.fr/ctai")
        folder = self.world.path("ouvertes")
        said = self.publish(folder, "--from", "2024-01", "--to", "2024-03", "--json").json()
        self.assertEqual((said["region"], said["publication"], said["deja_inscrite"]), ("84", 4, False))
        self.assertEqual(opendata.check_folder(folder), [])
        csv_file = opendata.read(os.path.join(folder, "indicateurs.csv"))
        self.assertEqual(csv_file, self.region("--format", "csv", "--from", "2024-01", "--to", "2024-03").out)
        self.assertIn("masque", csv_file.decode())
        dataset = json.loads(opendata.read(os.path.join(folder, "dcat.jsonld")))
        self.assertEqual(dataset["dct:publisher"]["foaf:name"], "Préfecture d’essai")
        self.assertEqual(dataset["dct:temporal"]["dcat:endDate"]["@value"], "2024-03-31")
        self.assertEqual(dataset["dct:spatial"]["@id"], "http://id.insee.fr/geo/region/84")
        before = {name: opendata.read(os.path.join(folder, name)) for name in os.listdir(folder)}
        again = self.publish(folder, "--from", "2024-01", "--to", "2024-03")
        self.assertIn("déjà inscrite", again.text)
        self.assertEqual({name: opendata.read(os.path.join(folder, name)) for name in os.listdir(folder)}, before)
        self.assertEqual(os.stat(folder).st_uid, os.geteuid())

        self.world.write("ouvertes/notes.txt", "à garder")
        kept = self.publish(folder, code=harness.EX_CANTCREAT)
        self.assertIn("contient autre chose", kept.messages)
        os.unlink(self.world.path("ouvertes", "notes.txt"))
        self.assertEqual({name: opendata.read(os.path.join(folder, name)) for name in os.listdir(folder)}, before)
        self.publish(folder + "/")
        self.assertEqual(opendata.check_folder(folder), [])
        self.assertNotEqual(opendata.read(os.path.join(folder, "indicateurs.csv")), csv_file)
        self.assertNotIn("dct:temporal", json.loads(opendata.read(os.path.join(folder, "dcat.jsonld"))))
        self.publish(self.world.path("nowhere", "else"), code=harness.EX_CANTCREAT)
        self.assertEqual([name for name in os.listdir(self.world.directory) if name.startswith("ouvertes.")], [])
        self.publish(folder, "--from", "2024-01", "--to", "2024-02", code=harness.EX_USAGE)
        broken = csv_file.replace(b"publie", b"autre", 1).replace(b"84,01,", b"8,01,", 1)
        self.assertEqual(len(opendata.check_table(broken, json.loads(before["schema.json"]))), 2, "the validator sees what is wrong")

    def test_6_amended(self):
        """A contract's rows are its report's; an amendment counts from the periods on that it applies to."""
        self.world.hub("contract", "amend", self.world.write("avenant.yaml", f"contrat: 74-essai-1\navenant: 1\ndate: 2024-07-01\n"
                                                             f"indicateurs:\n  - {YAML['L.demarches']}\n")).must()
        for options, amended in (((), True), (("--from", "2024-01", "--to", "2024-06"), False), (("--from", "2024-01", "--to", "2024-07"), True)):
            rows = self.region("--draft", "--format", "csv", *options).csv()
            for contract in ("74-essai-1", "63-essai-1"):
                got = {r["indicateur"]: r["realise"] for r in rows if r["contrat"] == contract and r["statut"] == "publie"}
                wanted = {r["indicateur"]: r["realise"] for r in self.world.report(contract, *options) if r["action"] == "contrat"}
                self.assertEqual(got, {code: wanted[code] for code in got})
                self.assertGreater(len(got), 10)
            self.assertEqual(any(r["contrat"] == "74-essai-1" and r["indicateur"] == "L.demarches" for r in rows), amended)

    @unittest.skipUnless(os.environ.get("CTAI_LONG"), "half a minute of auditing: with CTAI_LONG=1")
    def test_5_refused(self):
        """The last quarter would say too much beside the year and the other three: nothing is entered, nothing is written."""
        self.region("--from", "2024-07", "--to", "2024-09")
        done = self.region("--from", "2024-10", "--to", "2024-12", "--format", "csv", code=harness.EX_DATAERR)
        self.assertIn("ne peut pas être publié", done.messages)
        self.assertEqual(done.out, b"")
        again = self.publish(self.world.path("jamais"), "--from", "2024-10", "--to", "2024-12", code=harness.EX_DATAERR)
        self.assertIn("Rien n’a été inscrit ni écrit", again.messages)
        self.assertFalse(os.path.exists(self.world.path("jamais")))
        self.assertEqual(self.region("--json").json()["publication"], 1)


if __name__ == "__main__":
    unittest.main()
