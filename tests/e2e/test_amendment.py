"""Amendments: what changes from a day on, what agents learn of it, and past reports that stay the same to the byte."""

import concurrent.futures
import datetime
import os
import random
import time
import unittest

import harness
from contracts import THIERS_2023
from evaluate import evaluate
from generate import DataSet
from records import make_records

EXAMPLE = os.path.join(harness.ROOT, "deploy", "contracts", "63-thiers-2023-avenant-1.yaml")
# What the example (invented) makes of the contract.
AMENDED = {**THIERS_2023, "last": "2025-05-31", "actions": ["axe1", "axe2", "axe3", "axe4"],
           "targets": {**THIERS_2023["targets"], "axe3": {"1.1.total": 12}, "axe4": {"1.1.total": 8}}}
WITHOUT_AXE4 = {**AMENDED, "actions": THIERS_2023["actions"]}
STEPS = int(os.environ.get("CTAI_STEPS", "8"))  # of a sequence
SEED = int(os.environ.get("CTAI_SEED", "5"))


def amendment(number, day, body):
    """The text of an amendment's file."""
    return f"contrat: {harness.CONTRACT}\navenant: {number}\ndate: {day}\n{body}"


def form_of(options):
    """The form that a report's options ask for."""
    return options[options.index("--format") + 1]


class Amendments(unittest.TestCase):
    """A hub and two operators; the tests are in the order of a contract's life."""

    def setUp(self):
        self.world = harness.World()
        self.addCleanup(self.world.close)

    def amend(self, number, day, body, codes=(harness.EX_OK,), *options):
        path = self.world.write(f"avenant-{number}.yaml", amendment(number, day, body))
        return self.world.hub("contract", "amend", path, *options).must(*codes)

    def json_report(self, *options):
        return self.world.hub("report", harness.CONTRACT, "--format", "json", *options).must().json()

    def push_all(self, description, names):
        """Pushes every operator's table; what of it counts under that description of the contract."""
        records = []
        for name in names:
            self.send(name)
            records += make_records(name, description, *self.files[name]).records
        return records

    def send(self, name):
        """A push of the operator's table, some rows of which are in error."""
        done = self.world.push(name, self.files[name], "--allow-withdrawals")
        return done.must(harness.EX_OK, harness.EX_DATAERR).json()

    def test_running_agents_learn(self):
        """A longer contract: a running agent sends the new months at its next push; each period has its version."""
        world, names = self.world, ["cias", "fit"]
        world.start(operators=names)
        self.files = DataSet(11, 60, WITHOUT_AXE4, errors=False).write(world.path("files"))
        for name in names:
            world.serve(name)
        before = self.push_all(THIERS_2023, names)
        harness.compare(self, world.report(), evaluate(THIERS_2023, before), "the initial contract")
        self.assertEqual((self.json_report()["version"], self.json_report()["avenant"]), (1, None))

        text = world.hub("contract", "amend", EXAMPLE).must()
        self.assertIn("Avenant n° 1", text.text)
        self.assertIn("« axe4 »", text.messages)
        for options, description in (((), AMENDED), (("--to", "2024-05"), THIERS_2023), (("--to", "2024-06"), AMENDED),
                                     (("--from", "2024-02", "--to", "2024-03"), THIERS_2023), (("--to", "2031-01"), AMENDED)):
            asked = dict(zip(options[::2], options[1::2]))
            harness.compare(self, world.report(harness.CONTRACT, *options),
                            evaluate(description, before, asked.get("--from"), asked.get("--to")), str(options))
        said = self.json_report("--to", "2024-05")
        self.assertEqual((said["version"], said["avenant"], said["periode"]["a"]), (1, None, "2024-05"))
        self.assertEqual((self.json_report()["version"], self.json_report()["avenant"]), (2, 1))
        self.assertIn("avenant n° 1, applicable au 1er juin 2024", world.hub("report", harness.CONTRACT).must().text)

        deadline = time.monotonic() + harness.TIMEOUT_S
        after = self.push_all(WITHOUT_AXE4, names)
        self.assertGreater(len(after), len(before))
        while self.held() != len(after):  # word of the amendment may come a moment after the command's end
            self.assertLess(time.monotonic(), deadline, "the running agents have not learnt of the amendment")
        harness.compare(self, world.report(), evaluate(AMENDED, after), "the longer contract")
        self.new_action()
        self.assertIn("2 versions de contrats", world.hub("audit", "verify").must().text)
        self.listed()

    def held(self):
        """How many records of both agents the hub has acknowledged."""
        return sum(self.send(name)["inchanges"] for name in ("cias", "fit"))

    def new_action(self):
        """The right to an action that an amendment brought is given as any other; a running agent learns of it."""
        world = self.world
        persons = world.write("p4.csv", "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
                                        "N1;Diallo;Awa;01/02/1990;F;GIN;salarie;01/02/2023\n")
        events = world.write("e4.csv", "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
                                       "n1;15/01/2025;axe4;outil_numerique;N1;2;;\n")
        world.push("fit", (persons, events), "--partial").must(harness.EX_DATAERR, harness.EX_NOPERM)
        world.admit("fit", harness.CONTRACT, "axe4")
        deadline = time.monotonic() + harness.TIMEOUT_S
        while world.push("fit", (persons, events), "--partial").code != harness.EX_OK and time.monotonic() < deadline:
            time.sleep(0.2)
        row = next(r for r in world.report() if (r["action"], r["indicateur"]) == ("axe4", "1.1.total"))
        self.assertEqual((row["objectif"], row["realise"], row["statut"]), ("8", "1", "compte"))

    def listed(self):
        """`contract list` and `show` say how far the contract is, and who has sent what."""
        one, = self.world.hub("contract", "list", "--json").must().json()["contrats"]
        self.assertEqual((one["etat"], one["avenant"], one["mois_du"], one["attendus"]), ("terminé", 1, "2025-05", 5))
        duties = {(d["action"], d["agent"]): d for d in one["envois"] if d["attendu"]}
        self.assertEqual(len(duties), 5)
        self.assertEqual(duties["axe3", "cecler"]["retard_mois"], 19)
        self.assertEqual(duties["axe4", "fit"]["mois"], ["2025-01"])
        self.assertEqual(duties["axe4", "fit"]["retard_mois"], 4)
        mine = duties["axe1", "cias"]
        self.assertTrue(mine["complet"] and mine["recu_le"] and mine["mois"] == sorted(mine["mois"]) and mine["mois"][0] >= "2023-11")
        line = self.world.hub("contract", "list").must().text.splitlines()[1]
        self.assertRegex(line, rf"^{harness.CONTRACT}  terminé   2023-11-30  2025-05-31  n° 1     \d sur 5     19 mois  \d{{4}}-\d\d-\d\d$")
        shown = self.world.hub("contract", "show", harness.CONTRACT).must().text
        self.assertIn("axe3 · cecler : rien reçu ; en retard de 19 mois", shown)
        self.assertIn("avenant n° 1, applicable au 2024-06-01", shown)

    def test_what_is_refused_and_what_changes_nothing(self):
        """The same again, another of the same number, a wrong one; two at once; a hub to another."""
        world = self.world
        world.hub("init", "--listen", f"tcp://127.0.0.1:{world.port}").must()
        world.serve()  # which keeps the database running for the commands
        alone = world.hub("contract", "check", EXAMPLE).must()
        self.assertIn("vérifié seul", alone.messages)
        world.hub("contract", "amend", EXAMPLE).must(harness.EX_DATAERR)
        world.hub("contract", "add", EXAMPLE).must(harness.EX_DATAERR)
        world.hub("contract", "add", harness.CONTRACT_FILE).must()
        self.assertNotIn("vérifié seul", world.hub("contract", "check", EXAMPLE).must().messages)
        said = self.amend(2, "2024-03-01", "titre: X\n", (harness.EX_DATAERR,)).messages
        self.assertRegex(said, r"avenant-2.yaml:2:10: erreur : \[avenant\] le prochain avenant de ce contrat porte le numéro 1")
        said = self.amend(1, "2024-03-01", "actions:\n  - code: axe1\n    supprime: oui\n", (harness.EX_DATAERR,)).messages
        self.assertIn("ne disparaît pas", said)
        first = self.amend(1, "2024-03-01", "titre: Un\n", (harness.EX_OK,), "--json").json()
        self.assertEqual((first["ajoute"], first["version"], first["actions_nouvelles"]), (True, 2, []))
        again = self.amend(1, "2024-03-01", "titre: Un\n", (harness.EX_OK,), "--json").json()
        self.assertEqual((again["ajoute"], again["version"]), (False, 2))
        self.assertIn("un autre avenant n° 1", self.amend(1, "2024-03-01", "titre: Deux\n", (harness.EX_DATAERR,)).messages)
        self.at_once()
        self.assertIn("3 versions de contrats", world.hub("audit", "verify").must().text)
        proof = world.path("registre.preuve")
        world.hub("audit", "export", proof).must()
        harness.run("ctai-verify", proof, cwd=world.directory).must()
        self.moved()

    def at_once(self):
        """Several different second amendments at once: one is registered."""
        paths = [self.world.write(f"{i}.yaml", amendment(2, "2024-04-01", f"titre: Titre {i}\n")) for i in range(4)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            codes = list(pool.map(lambda path: self.world.hub("contract", "amend", path).code, paths))
        self.assertEqual(sorted(codes), [harness.EX_OK] + 3 * [harness.EX_DATAERR])

    def moved(self):
        """`contract export` and `import`: the same versions at another hub."""
        other = harness.World()
        self.addCleanup(other.close)
        path = self.world.path("contrat.yaml")
        self.world.hub("contract", "export", harness.CONTRACT, "-o", path).must()
        other.hub("init", "--listen", f"tcp://127.0.0.1:{other.port}").must()
        other.serve()
        self.assertIn("avec 2 avenants", other.hub("contract", "import", path).must().text)
        self.assertIn("rien n’a changé", other.hub("contract", "import", path).must().text)
        self.assertIn("rien n’a changé", self.world.hub("contract", "import", path).must().text)
        with open(path, "rb") as file:
            exported = file.read()
        self.assertEqual(other.hub("contract", "export", harness.CONTRACT).must().out, exported)
        shown = [w.hub("contract", "show", harness.CONTRACT, "--json").must().json() for w in (self.world, other)]
        for one in shown:
            for version in (one, *one["versions"]):
                version.pop("enregistre_le")
        self.assertEqual(*shown)
        damaged = other.write("autre.yaml", exported.replace("titre: Un".encode(), "titre: Une".encode()))
        self.assertIn("l’avenant n° 1", other.hub("contract", "import", damaged).must(harness.EX_DATAERR).messages)
        other.hub("contract", "import", harness.CONTRACT_FILE).must(harness.EX_DATAERR)
        self.amend(3, "2024-05-01", "titre: Trois\n")
        self.world.hub("contract", "export", harness.CONTRACT, "-o", path).must()
        self.assertIn("1 avenant de plus", other.hub("contract", "import", path).must().text)


class Past(unittest.TestCase):
    """A report is printed after every step of a random life; at the end each comes again, to the byte."""

    def setUp(self):
        self.world = harness.World()
        self.addCleanup(self.world.close)
        self.rng = random.Random(SEED)
        self.printed, self.amendments, self.agents, self.rotated = [], 0, ["cias", "fit"], 0
        self.data = {}

    def test_to_the_byte(self):
        self.world.start(operators=self.agents)
        data = DataSet(SEED, 40, WITHOUT_AXE4, errors=False)
        self.step_push(data)
        steps = [self.step_amend, self.step_amend, self.step_agent, self.step_key, self.step_key, self.step_partial, self.step_text]
        steps += self.rng.choices([self.step_push, *steps], k=max(0, STEPS - len(steps)))
        self.rng.shuffle(steps)
        for step, action in enumerate(steps):
            data = action(data) or data
            self.print_one(f"{step} {action.__name__}")
        for label, position, moment, options, out in self.printed:
            for as_of in (str(position), moment)[:1 + (form_of(options) == "json")]:
                again = self.world.hub("report", harness.CONTRACT, *options, "--as-of", as_of).must()
                self.assertEqual(again.out, out, f"{label}, {options}, --as-of {as_of}")
        self.world.hub("audit", "verify").must()

    def print_one(self, label):
        """A report, in two forms, of the whole contract or of a part."""
        period = self.rng.choice([(), (), ("--to", "2024-05"), ("--from", "2024-03", "--to", "2024-09"), ("--from", "2024-02")])
        json_report = self.world.hub("report", harness.CONTRACT, *period, "--format", "json").must()
        position = json_report.json()["position"]
        for form in ["json", self.rng.choice(["csv", "table"])]:
            out = json_report.out if form == "json" else self.world.hub("report", harness.CONTRACT, *period, "--format", form).must().out
            moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            self.printed.append((label, position, moment, (*period, "--format", form), out))

    def send(self, name, files, *options):
        self.world.push(name, files, "--allow-withdrawals", *options).must(harness.EX_OK, harness.EX_DATAERR)

    def step_push(self, data):
        """Another export: corrections, withdrawals, late records, new people."""
        data = data.change()
        files = data.write(self.world.path("files"))
        for name in self.rng.sample(self.agents, self.rng.randint(1, len(self.agents))):
            self.send(name, files[name])
            self.data[name] = files[name]
        return data

    def step_partial(self, data):
        """Additions alone, of months that are past."""
        name, number = self.rng.choice(self.agents), len(self.printed)
        persons = self.world.write("p.csv", "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
                                            f"X{number};Tard{number};Venu;01/02/2001;H;MAR;salarie;01/02/2023\n")
        events = self.world.write("e.csv", "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
                                           f"x{number};10/12/2023;axe{self.rng.randint(1, 3)};entree;X{number};12;;\n")
        self.send(name, (persons, events), "--partial")

    def step_text(self, data):
        """A narrative, and its later versions."""
        path = self.world.write("texte.txt", f"Un texte de l’étape {len(self.printed)}, et rien de plus.\n")
        self.world.agent(self.rng.choice(sorted(self.data)), "narrative", "--contract", harness.CONTRACT, "--action", "axe1",
                         "--indicator", "1.2.outils", path).must()

    def step_amend(self, data):
        """Targets, days, titles, indicators of the contract's own."""
        self.amendments += 1
        body = self.rng.choice(["dernier_jour: 2025-05-31\n", "dernier_jour: 2024-10-15\n",
                                f"actions:\n  - code: axe{self.rng.randint(1, 3)}\n    titre: Titre {self.amendments}\n"
                                f"    objectifs: {{1.1.total: {self.amendments}}}\n    indicateurs: [1.1.total, 3.1.heures]\n",
                                f"indicateurs:\n  - code: L.essai\n    libelle: Essai {self.amendments}\n    unite: personnes\n"
                                "    compte: personnes\n    types: [entree]\n",
                                f"titre: Titre {self.amendments}\nobjectifs: {{1.1.total: {self.amendments}}}\n"])
        day = f"2024-{2 + self.amendments // 2:02}-01"
        path = self.world.write("a.yaml", amendment(self.amendments, day, body))
        self.world.hub("contract", "amend", path).must()

    def step_agent(self, data):
        """Another operator joins."""
        name = next((one for one in ("cecler", "ccas-thiers") if one not in self.agents), None)
        if name is None or self.rotated == 1:
            return self.step_push(data)
        self.world.enrol(name)
        self.world.grant_key("cias", name)
        self.agents.append(name)
        return self.step_push(data)

    def step_key(self, data):
        """The linkage key: a new one, then the old one's end."""
        world = self.world
        if self.rotated == 0:
            world.agent("cias", "key", "rotate", "--scope", harness.SCOPE).must()
            self.push_same("cias")
        elif self.rotated == 1:
            for name in self.agents[1:]:
                world.grant_key("cias", name)
            for name in self.agents:
                self.push_same(name)
            world.agent("cias", "key", "rotate", "--scope", harness.SCOPE, "--close").must()
        else:
            return self.step_push(data)
        self.rotated += 1
        return None

    def push_same(self, name):
        """The export that the operator sent last, once more; a first one when it has sent none."""
        self.send(name, self.data.get(name) or DataSet(SEED, 40, WITHOUT_AXE4, errors=False).write(self.world.path("first"))[name])


if __name__ == "__main__":
    unittest.main()
