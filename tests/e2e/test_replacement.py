"""An operator loses its machine and is given new keys: no report is double, empty or in part in between."""

import os
import shutil
import threading
import unittest

import harness
from contracts import THIERS_2023
from differences import Held, push
from evaluate import evaluate
from generate import DataSet
from records import make_records

LOST = "cecler"
PERSONS = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
WORLD = None


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start()


class Watcher(threading.Thread):
    """Asks for the report again and again, and keeps each one that differs from the one before."""

    def __init__(self):
        super().__init__(daemon=True)
        self.reports, self.asked, self.ending = [], 0, threading.Event()

    def begin(self):
        """Starts it; returns once it has seen the first."""
        self.start()
        harness.wait_until(lambda: self.asked, "no report was given")

    def run(self):
        while not self.ending.is_set() or self.asked < 2:
            rows = WORLD.report()
            self.asked += 1
            if not self.reports or rows != self.reports[-1]:
                self.reports.append(rows)

    def end(self):
        """Ends it; what it has seen."""
        self.ending.set()
        self.join()
        return self.reports


class Replacement(unittest.TestCase):
    held = {}

    def send(self, name, paths, *options):
        """Pushes a whole table; what the hub holds of the operator is then the oracle's."""
        outcome = make_records(name, THIERS_2023, *paths)
        self.held[name], _ = push(self.held.get(name, Held()), outcome)
        WORLD.push(name, paths, "--allow-withdrawals", *options).must(
            harness.EX_DATAERR if outcome.errors else harness.EX_OK)

    def expected(self):
        """The oracle's rows of all that is held."""
        return evaluate(THIERS_2023, [record for held in self.held.values() for record in held.records.values()])

    def position(self):
        """The ledger's position of the last report."""
        return WORLD.hub("report", harness.CONTRACT, "--format", "json").must().json()["position"]

    def agent_shown(self):
        """`agent show` of the operator that was lost."""
        return WORLD.hub("agent", "show", LOST, "--json").must().json()

    def replace(self):
        """A new home under the same name, the prefecture's replace, the coordinator's key."""
        home, kept = WORLD.path(f"agent-{LOST}"), WORLD.path("old-machine")
        os.rename(home, kept)
        os.rename(WORLD.path(f"{LOST}.demande"), WORLD.path("old.demande"))
        made = WORLD.agent(LOST, "init", "--name", LOST, "--json").must().json()
        before, WORLD.fingerprints[LOST] = WORLD.fingerprints[LOST], made["empreinte"]
        done = WORLD.hub("agent", "replace", LOST, f"{LOST}.demande", "--json", "-o", WORLD.path("new.approbation")).must()
        said = done.json()
        self.assertEqual((said["empreinte_precedente"], said["empreinte"]), (before, made["empreinte"]))
        self.assertIn(before, done.messages)
        self.assertIn(made["empreinte"], done.messages)
        self.assertEqual(said["contrats_attendus"], 1)
        WORLD.agent(LOST, "join", WORLD.path("new.approbation")).must()
        WORLD.grant_key("cias", LOST)
        return kept

    def old_machine_is_cut(self, kept, files):
        """With its old keys nobody comes in any more, and its old request is worth nothing."""
        refused = harness.run("ctai-agent", "push", "--persons", files[0], "--events", files[1], "--allow-withdrawals",
                              home=kept, cwd=WORLD.directory)
        refused.must(harness.EX_NOPERM)
        WORLD.hub("agent", "replace", LOST, "old.demande").must(harness.EX_PROTOCOL)
        WORLD.hub("agent", "approve", "old.demande", "--contract", harness.CONTRACT, "--action", "axe1", "-o",
                  WORLD.path("no.approbation")).must(harness.EX_PROTOCOL)

    def test_lost_machine(self):
        """A whole world, one operator lost, additions, then all of it in several batches while reports are asked for."""
        data = DataSet(77, 700, THIERS_2023)
        files = data.write(WORLD.path("first"))
        for name, paths in files.items():
            self.send(name, paths)
        old = self.expected()
        harness.compare(self, WORLD.report(), old, "before")
        old_position = self.position()
        kept = self.replace()
        harness.compare(self, WORLD.report(), old, "replaced")
        second = data.change().write(WORLD.path("second"))[LOST]
        self.old_machine_is_cut(kept, second)
        additions, _ = push(Held(), make_records(LOST, THIERS_2023, *second), partial=True)
        WORLD.push(LOST, second, "--partial").must(harness.EX_OK, harness.EX_DATAERR)
        harness.compare(self, WORLD.report(), old, "additions alone count for nothing yet")
        shown = self.agent_shown()
        self.assertTrue(shown["remplace_le"])
        self.assertEqual(shown["perimetres"][0]["contrats_attendus"], 1)
        self.assertGreater(shown["perimetres"][0]["en_attente"], 1000)

        third = data.change().write(WORLD.path("third"))[LOST]
        self.held[LOST] = additions  # the new machine knows of nothing before; a row in error withdraws none of these
        watcher = Watcher()
        watcher.begin()
        self.send(LOST, third)
        seen = watcher.end()
        new = self.expected()
        harness.compare(self, WORLD.report(), new, "after")
        self.assertGreater(watcher.asked, 1)
        self.assertLessEqual(len(seen), 2, "a report between the old and the new one was seen")
        harness.compare(self, seen[0], old, "first while it was sent")
        if len(seen) > 1:
            harness.compare(self, seen[1], new, "second while it was sent")

        harness.compare(self, WORLD.report(harness.CONTRACT, "--as-of", str(old_position)), old, "as of before")
        harness.compare(self, WORLD.report(harness.CONTRACT, "--as-of", str(self.position() - 1)), old, "as of just before")
        shown = self.agent_shown()
        self.assertEqual((shown["perimetres"][0]["contrats_attendus"], shown["perimetres"][0]["en_attente"]), (0, 0))

        # From now on it is as ever, withdrawals and all.
        self.send(LOST, data.change().write(WORLD.path("fourth"))[LOST])
        harness.compare(self, WORLD.report(), self.expected(), "later")

    def small(self, number):
        """A table of so many rows."""
        rows = "".join(f"c{n};2024-02-05;axe2;cout;;{n};autre;\n" for n in range(1, number + 1))
        return WORLD.write(f"small-{number}/p.csv", PERSONS), WORLD.write(f"small-{number}/e.csv", EVENTS + rows)

    def test_two_machines(self):
        """A copy of a home speaks: it goes on as though restored; when the first speaks again, both are stopped."""
        name = "ccas-thiers"
        first, second = WORLD.path(f"agent-{name}"), WORLD.path("second-machine")

        def push_second(number):
            files = self.small(number)
            return harness.run("ctai-agent", "push", "--persons", files[0], "--events", files[1], "--allow-withdrawals",
                               home=second, cwd=WORLD.directory)

        WORLD.push(name, self.small(1), "--allow-withdrawals").must()
        shutil.copytree(first, second)
        WORLD.push(name, self.small(2)).must()
        push_second(3).must()
        stopped = WORLD.push(name, self.small(4)).must(harness.EX_PROTOCOL)
        self.assertIn("deux", stopped.messages)
        push_second(5).must(harness.EX_PROTOCOL)
        self.assertIn("deux machines", WORLD.hub("agent", "list").must().text)
        self.assertTrue(WORLD.hub("agent", "show", name, "--json").must().json()["bifurque_le"])
        self.assertIn("deux machines", WORLD.hub("status").must().text)
        # The operator keeps one machine, and makes it anew.
        shutil.rmtree(first)
        shutil.rmtree(second)
        os.unlink(WORLD.path(f"{name}.demande"))
        WORLD.fingerprints[name] = WORLD.agent(name, "init", "--name", name, "--json").must().json()["empreinte"]
        WORLD.hub("agent", "replace", name, f"{name}.demande", "-o", WORLD.path("anew.approbation")).must()
        WORLD.agent(name, "join", WORLD.path("anew.approbation")).must()
        WORLD.grant_key("cias", name)
        self.send(name, self.small(6))
        self.assertNotIn("deux machines", WORLD.hub("agent", "list").must().text)
        harness.compare(self, WORLD.report(), self.expected(), "after two machines")

    def test_wrong_requests(self):
        """Another name's request, an unknown agent, a request of keys that are there."""
        WORLD.hub("agent", "replace", "fit", "cias.demande").must(harness.EX_DATAERR)
        WORLD.agent("nobody", "init", "--name", "nobody").must()
        WORLD.hub("agent", "replace", "nobody", "nobody.demande").must(harness.EX_DATAERR)
        again = WORLD.hub("agent", "replace", "fit", "fit.demande", "--json", "-o", WORLD.path("again.approbation")).must()
        self.assertFalse(again.json()["change"])
        shutil.rmtree(WORLD.path("agent-nobody"))


if __name__ == "__main__":
    unittest.main()
