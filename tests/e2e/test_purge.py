"""purge: what is over its time goes, its evaluation stays to the byte, and what changes elsewhere is said before."""

import unittest

import harness
from test_backup import dumped
from test_two_hubs import at_terminal

OLD, OPEN = "63-thiers-2023", "63-thiers-2024"
PERSONS = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;numero_etranger\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
SECRET_TABLES = ("record", "record_history", "record_staged", "coverage")


class Purge(unittest.TestCase):
    def setUp(self):
        self.world = world = harness.World()
        self.addCleanup(world.close)
        with open(harness.CONTRACT_FILE, encoding="utf-8") as file:
            text = file.read()
        self.old = world.write("2023.yaml", text.replace("\nparties:", "conservation: 8\n\nparties:", 1))
        later = harness.write_contract_2024(world.path("2024.yaml"))
        with open(later, encoding="utf-8") as file:
            text = file.read()
        world.write("2024.yaml", text.replace("\nparties:", "conservation: 240\n\nparties:", 1))
        world.start(self.old, later, operators=["cias", "cecler"])
        for name in ("cias", "cecler"):
            world.admit(name, OPEN)

    def push(self, name, contract, persons, events, *codes, wait=harness.WAIT_S):
        """Pushes rows as a whole table of a contract."""
        paths = [self.world.write(f"{name}-{contract}-{table}.csv", header + "\n".join(rows) + "\n")
                 for table, header, rows in (("p", PERSONS, persons), ("e", EVENTS, events))]
        return self.world.push(name, paths, "--contract", contract, "--allow-withdrawals", "--wait",
                               wait).must(*codes)

    def fill(self):
        """One person in both contracts: only what was said in the old one shows that two records of the new one are hers."""
        both = "1;Diallo;Awa;1990-01-02;F;GIN;refugie;2023-05-01;0123456789"
        self.push("cias", OLD, [both, "2;Traoré;Moussa;1985-05-05;H;MLI;refugie;2023-05-01;"],
                  ["a1;2024-01-10;axe1;entree;1;;;", "a2;2024-01-11;axe1;entree;2;;;", "a3;2024-02-01;axe2;seance;;3;francais;s1"])
        self.push("cias", OLD, [both], ["a1;2024-01-10;axe1;entree;1;;;", "a3;2024-02-01;axe2;seance;;3;francais;s1"])
        self.push("cias", OPEN, ["9;Diallo;Awa;1990-01-02;F;GIN;refugie;2023-05-01;"], ["b1;2025-01-10;axe1;entree;9;;;"])
        self.push("cecler", OPEN, ["7;Dialo;Hawa;1990-01-02;F;GIN;refugie;2023-05-01;0123456789"], ["c1;2025-01-12;axe1;entree;7;;;"])

    def reports(self, *options):
        """The report of the old contract in each form."""
        return [self.world.hub("report", OLD, *options, "--format", form).must().out for form in ("table", "csv", "json")]

    def total(self, contract):
        """Beneficiaries of the whole contract."""
        return [row["realise"] for row in self.world.report(contract) if (row["action"], row["indicateur"]) == ("contrat", "1.1.total")][0]

    def rows(self):
        """How many rows of the old contract are in each table, in a backup made now."""
        self.world.hub("backup", "b").must()
        found = {table: sum(row.get("contract_id") == "1" for row in rows) for table, rows in dumped(self.world.path("b")).items()}
        return found

    def test_purge(self):
        world = self.world
        self.fill()
        self.assertEqual((self.total(OLD), self.total(OPEN)), ("1", "1"))
        before, selected, csv_open = self.reports(), self.reports("--selected"), world.report(OPEN)
        rows = self.rows()
        self.assertTrue(all(rows[table] for table in ("record", "record_history", "coverage")), rows)

        listed = world.hub("purge").must()
        self.assertIn("--yes", listed.messages)
        self.assertLess(listed.text.index(f"{OPEN} contrat 1.1.total"), listed.text.index(f"{OLD} : à purger"))
        self.assertRegex(listed.text, r"1\.1\.total \(.*\) : 1 → 2")
        said = world.hub("purge", "--json").must().json()
        self.assertFalse(said["fait"])
        state = {one["contrat"]: one for one in said["contrats"]}
        self.assertEqual((state[OLD]["etat"], state[OLD]["garde_jusqu_au"], state[OLD]["personnes"]), ("a_purger", "2025-07-29", 1))
        self.assertEqual((state[OPEN]["etat"], state[OPEN]["conservation"]), ("garde", 240))
        self.assertEqual((self.reports(), world.report(OPEN), self.rows()), (before, csv_open, rows), "nothing has changed")
        world.hub("purge", "--contract", OPEN, "--yes").must(harness.EX_DATAERR)
        world.hub("purge", "--contract", "nowhere").must(harness.EX_DATAERR)

        done = world.hub("purge", "--yes", "--json").must().json()
        self.assertTrue(done["fait"])
        self.assertEqual(done["cellules"], said["cellules"])
        self.assertEqual(self.reports(), before)
        self.assertEqual(self.reports("--selected"), selected)
        self.assertEqual(self.reports("--from", "2023-11", "--to", "2024-11"), before)
        self.assertEqual(self.total(OPEN), "2")
        rows = self.rows()
        self.assertEqual({table: rows[table] for table in SECRET_TABLES if table in rows}, {t: 0 for t in SECRET_TABLES if t in rows})
        self.assertEqual(rows["agent_right"], 0)
        for options in (("--from", "2024-01"), ("--to", "2024-06"), ("--as-of", "1")):
            refused = world.hub("report", OLD, *options).must(harness.EX_DATAERR)
            self.assertIn("purgé", refused.messages)

        world.hub("audit", "verify").must()
        self.assertIn("déjà purgé", world.hub("purge", "--yes").must().text)
        self.assertIn(OLD, world.hub("contract", "list").must().text)
        world.hub("contract", "show", OLD).must()
        again = world.hub("agent", "approve", world.path("cias.demande"), "--contract", OLD, "--action", "axe1", "-o",
                          world.path("again")).must(harness.EX_DATAERR)
        self.assertIn("purgé", again.messages)

    def region(self, *options):
        """{(department, contract, indicator): value} of a draft, and what it says."""
        done = self.world.hub("region", "84", "--draft", "--format", "csv", *options).must()
        return {(r["departement"], r["contrat"], r["indicateur"]): (r["realise"], r["statut"]) for r in done.csv()}, done.messages

    def test_region(self):
        """A purged contract counts in its region by what was kept, where that can be told."""
        self.fill()
        many = [f"{k};Nom{chr(97 + k % 26)}{k};Prénom;1980-01-{1 + k % 28:02};{'FH'[k % 2]};GIN;refugie;2023-05-01;" for k in range(20, 60)]
        events = [f"m{k};2024-01-10;axe1;entree;{k};;;" for k in range(20, 60)] + ["s;2024-02-01;axe2;seance;;1:20;francais;s1"]
        events += [f"s{k};2024-02-0{1 + k % 9};axe2;seance;;1:20;francais;s{k}" for k in range(20, 40)] + ["c;2024-02-02;axe1;cout;;12,34;p104;"]
        self.push("cias", OLD, many, events)
        self.push("cias", OPEN, many, [f"o{k};2025-01-10;axe1;entree;{k};;;" for k in range(20, 60)])
        before, _ = self.region()
        self.assertEqual(before["63", "", "1.1.distinct"], ("41", "publie"), "most in both contracts, and one at another operator")
        self.assertEqual(before["63", OLD, "1.1.total"], ("40", "publie"))
        self.world.hub("purge", "--yes").must()
        after, said = self.region()
        self.assertEqual({key for key in before if before[key] != after[key]},
                         {("63", "", "1.1.distinct"), ("", "", "1.1.distinct")})
        self.assertEqual(after["63", "", "1.1.distinct"], ("", "publie"))
        self.assertIn("1.1.distinct : sans valeur pour le département 63", said)
        part, said = self.region("--from", "2024-01", "--to", "2025-12")
        self.assertNotIn(("63", OLD, "1.1.total"), part)
        self.assertIn(f"« {OLD} » a été purgé", said)

    def test_agents_afterwards(self):
        """What an agent still sends of it counts nowhere; the other contract goes on."""
        self.fill()
        before = self.reports()
        self.world.stop()
        self.push("cias", OLD, ["4;Sow;Fatou;1992-01-02;F;GIN;refugie;2023-05-01;"], ["e1;2024-03-10;axe1;entree;4;;;"],
                  harness.EX_UNAVAILABLE, wait=1)
        self.world.hub("purge", "--yes").must()
        self.world.serve()
        late = self.push("cias", OLD, ["5;Sow;Binta;1991-01-02;F;GIN;refugie;2023-05-01;"], ["d1;2024-03-10;axe1;entree;5;;;"], harness.EX_NOPERM)
        self.assertIn("n’est pas des vôtres", late.messages)
        self.push("cias", OPEN, ["9;Diallo;Awa;1990-01-02;F;GIN;refugie;2023-05-01;"], ["b1;2025-01-10;axe1;entree;9;;;", "b2;2025-02-10;axe2;entree;9;;;"],
                  harness.EX_OK, harness.EX_NOPERM)  # the latter when what was queued of the old one goes with it: refused, and said
        refused = self.world.hub("status", "--json").must().json()["refus"]
        self.assertEqual({(one["agent"], one["numero"]) for one in refused}, {("cias", 10)})
        self.assertEqual(self.reports(), before)
        self.assertEqual(self.rows()["record"], 0)

    def test_asked_at_a_terminal(self):
        self.fill()
        before = self.reports()
        code, text = at_terminal("ctai-hub", "purge", home=self.world.hub_home, cwd=self.world.directory, answers=["non"])
        self.assertEqual(code, 0, text)
        self.assertIn("rien n’a été effacé", text)
        self.assertIn("à purger", self.world.hub("purge").must().text)
        code, text = at_terminal("ctai-hub", "purge", home=self.world.hub_home, cwd=self.world.directory, answers=["oui"])
        self.assertEqual(code, 0, text)
        self.assertIn("C’est fait", text)
        self.assertEqual(self.reports(), before)


if __name__ == "__main__":
    unittest.main()
