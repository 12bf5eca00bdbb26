"""Machines and hubs that were restored, copied or lost: all goes on, and after the next complete export the report is the oracle's."""

import csv
import os
import shutil
import subprocess
import unittest

import harness
from contracts import THIERS_2023
from evaluate import evaluate
from generate import DataSet
from records import make_records
from tables import read_rows

WORLD = None
SENT = {}  # by operator: the records of its last complete export
ROUND = 0
NAMES = ["cecler", "fit", "cias"]


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start(operators=NAMES)


def without_errors(name, paths):
    """Takes rows in error out of the files: what an earlier export said of them would stand, and differ by machine."""
    while True:
        errors = make_records(name, THIERS_2023, *paths).errors
        if not errors:
            return
        for path, table in zip(paths, ("persons", "events")):
            wrong = {error[1] for error in errors if error[0] == table}
            rows = [cells for number, cells in read_rows(path) if number not in wrong]
            with open(path, "w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(file, list(rows[0]), delimiter=";")
                table.writeheader()
                table.writerows(rows)


def data(seed, people=60):
    """A new office's files: [paths by operator] of four exports, one after the other."""
    global ROUND
    ROUND += 1
    made, files = DataSet(seed, people, THIERS_2023, errors=False), []
    for number in range(4):
        files.append(made.write(WORLD.path(f"data-{ROUND}-{number}"), contract_column=False))
        for name in NAMES:
            without_errors(name, files[-1][name])
        made = made.change()
    return files


def send(name, files, *codes, wait=harness.WAIT_S):
    """Pushes an operator's export; what it says now counts when the push was taken."""
    done = WORLD.push(name, files[name], "--allow-withdrawals", "--wait", wait)
    if done.code not in (codes or (harness.EX_OK,)):
        lines = [line for line in done.messages.splitlines() if "écarté" not in line]
        raise AssertionError(f"push of {name} gave {done.code}: {done.text}" + "\n".join(lines))
    if done.code == harness.EX_OK:
        SENT[name] = make_records(name, THIERS_2023, *files[name])
    return done


def home(name):
    return WORLD.path(f"agent-{name}")


def copy(source, target):
    """Puts a copy of a folder in the place of another, with owners and modes."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", source, target], check=True)


def alarms():
    return WORLD.hub("status").must().text


class Restored(unittest.TestCase):
    def check_report(self, label):
        records = [record for outcome in SENT.values() for record in outcome.records]
        harness.compare(self, WORLD.report(), evaluate(THIERS_2023, records), label)

    def check_status(self, name, *reasons):
        said = WORLD.agent(name, "status", "--json").must().json()
        self.assertEqual([note["motif"] for note in said["reprises"]], list(reasons))
        text = WORLD.agent(name, "status").must().text
        self.assertEqual("À faire" in text, bool(reasons), text)

    def restore(self, name, files, offline):
        """An agent's home of before two exports comes back."""
        send(name, files[0])
        kept = WORLD.path(f"kept-{name}")
        copy(home(name), kept)
        send(name, files[1])
        send(name, files[2])
        copy(kept, home(name))
        if offline:
            WORLD.stop()
            send(name, files[3], harness.EX_UNAVAILABLE, wait=1)
            WORLD.serve()

    def test_restored_home(self):
        files = data(71)
        self.restore("fit", files, False)
        done = send("fit", files[3])
        self.assertIn("restauration", done.messages)
        self.check_status("fit")
        self.check_report("restored")
        said = send("fit", files[3]).json()
        self.assertEqual((said["nouveaux"], said["modifies"], said["retires"]), (0, 0, 0))

    def test_restored_home_with_the_same_export(self):
        """The export that the hub knew last, pushed by a machine that does not know it."""
        files = data(72)
        self.restore("fit", files, False)
        send("fit", files[0])
        self.check_report("restored to the first export")
        self.check_status("fit")

    def test_restored_home_that_pushed_offline(self):
        files = data(73)
        self.restore("fit", files, True)
        done = send("fit", files[1])
        self.assertEqual(done.json()["en_attente"], 0)
        self.check_report("restored, with an export of before it heard of the hub")
        self.check_status("fit")

    def test_restored_home_under_serve(self):
        """It renews by itself; status says what to do until the export comes."""
        files = data(74)
        self.restore("fit", files, False)
        WORLD.serve("fit")
        try:
            def compared():
                notes = WORLD.agent("fit", "status", "--json").must().json()["reprises"]
                return notes and notes[0]["compare"]

            harness.wait_until(compared, "what the hub holds is not compared")
            self.check_status("fit", "restauration")
            send("fit", files[3])
            self.check_status("fit")
        finally:
            WORLD.stop("fit")
        self.check_report("restored, under serve")

    def test_lost_outbox(self):
        files = data(75)
        send("fit", files[0])
        send("fit", files[1])
        os.unlink(os.path.join(home("fit"), "etat.sqlite"))
        send("fit", files[2])
        self.check_report("without an outbox")
        self.check_status("fit")
        os.unlink(os.path.join(home("fit"), "etat.sqlite"))
        WORLD.stop()
        WORLD.agent("fit", "join", WORLD.path(f"fit.{harness.CONTRACT}.agrement")).must()
        send("fit", files[0], harness.EX_UNAVAILABLE, wait=1)
        WORLD.serve()
        send("fit", files[3])
        self.check_report("without an outbox, with an export of before it heard of the hub")

    def test_cloned_home(self):
        """Both are stopped, an alarm is raised, and new keys get the operator going."""
        files, other = data(76), WORLD.path("agent-clone")
        send("cecler", files[0])
        copy(home("cecler"), other)
        send("cecler", files[1])
        persons, events = files[2]["cecler"]
        clone = ("push", "--persons", persons, "--events", events, "--allow-withdrawals", "--json")
        WORLD.agent("clone", *clone).must()  # as one that was restored: it cannot be told apart yet
        first = send("cecler", files[3], harness.EX_PROTOCOL)
        self.assertIn("copié", first.messages)
        WORLD.agent("clone", *clone).must(harness.EX_PROTOCOL)
        self.assertIn("cecler", alarms())
        self.assertIn("copié", WORLD.agent("cecler", "status").must().text)
        shutil.rmtree(home("cecler"))
        shutil.rmtree(other)
        request = WORLD.path("cecler.demande")
        os.unlink(request)
        made = WORLD.agent("cecler", "init", "--name", "cecler", "--json").must().json()
        WORLD.fingerprints["cecler"] = made["empreinte"]
        approval = WORLD.path("cecler.nouveau")
        WORLD.hub("agent", "replace", "cecler", request, "-o", approval).must()
        WORLD.agent("cecler", "join", approval).must()
        WORLD.grant_key("fit", "cecler")
        SENT["cecler"] = make_records("cecler", THIERS_2023, *files[2]["cecler"])  # the clone's, until then
        self.check_report("before the new machine's first export")
        send("cecler", files[3])
        self.check_report("new keys")
        send("cecler", files[0])
        self.check_report("new keys, again")

    def test_restored_hub(self):
        """The hub's database comes back from a copy; the agents have forgotten what was stable."""
        files = data(77)
        for name in NAMES:
            send(name, files[0])
        WORLD.stop()
        kept = WORLD.path("kept-hub")
        copy(WORLD.hub_home, kept)
        WORLD.serve()
        WORLD.serve("cias")
        try:
            for name in NAMES:
                send(name, files[1])
            send("cias", files[2])
            WORLD.stop()
            copy(kept, WORLD.hub_home)
            WORLD.serve()
            # It may still take the hub for gone when the export comes: then it says to send it again.
            for _ in range(10):
                if "ctai-agent push" not in send("cias", files[3]).messages:
                    break
        finally:
            WORLD.stop("cias")
        self.assertIn("hub", send("fit", files[2]).messages)
        send("cecler", files[3])
        self.check_report("restored hub")
        for name in NAMES:
            said = send(name, files[0])
            self.assertEqual(said.json()["en_attente"], 0)
            self.check_status(name)
        self.check_report("restored hub, once more")


if __name__ == "__main__":
    unittest.main()
