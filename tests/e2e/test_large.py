"""A large office: an export that does not fit in the agent's memory, pushed, pushed again unchanged, and changed in one row."""

import os
import sqlite3
import sys
import unittest

import harness

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))

import office  # noqa: E402

EVENTS, PERSONS = 200000, 5000
RSS_MB_MAX = 64
WORLD = None


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start(operators=["cias"])
    WORLD.stop()  # nothing is acknowledged: what is queued stays in sight


def queued():
    """Batches and records of the outbox."""
    box = sqlite3.connect(f"file:{WORLD.path('agent-cias', 'etat.sqlite')}?mode=ro", uri=True)
    try:
        return box.execute("SELECT count(*), coalesce(sum(records), 0) FROM batch").fetchone()
    finally:
        box.close()


def peak_mb(*arguments):
    """Runs a command of the agent; its exit code, output and peak memory."""
    argv = [os.path.join(harness.BIN, "ctai-agent"), "--home", WORLD.path("agent-cias"), *arguments]
    reading, writing = os.pipe()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        said = output.read()
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), said, usage.ru_maxrss / 1024


class Large(unittest.TestCase):
    """200,000 rows."""

    def test_an_unchanged_export_sends_nothing(self):
        office.PERSONS = PERSONS
        office.write(EVENTS, WORLD.path("bureau"))
        files = WORLD.path("bureau", "personnes.csv"), WORLD.path("bureau", "evenements.csv")
        first = WORLD.push("cias", files, "--wait", "0").must(harness.EX_UNAVAILABLE, harness.EX_TEMPFAIL).json()
        self.assertGreater(first["nouveaux"], EVENTS)
        batches, records = queued()
        self.assertEqual(records, first["nouveaux"])
        again = WORLD.push("cias", files, "--wait", "0").must(harness.EX_UNAVAILABLE, harness.EX_TEMPFAIL).json()
        self.assertEqual({key: again[key] for key in ("nouveaux", "modifies", "retires")},
                         {"nouveaux": 0, "modifies": 0, "retires": 0})
        self.assertEqual(again["inchanges"], first["nouveaux"])
        self.assertEqual(queued(), (batches, records))
        code, _, memory = peak_mb("push", "--persons", files[0], "--events", files[1], "--wait", "0", "--json")
        self.assertIn(code, (harness.EX_UNAVAILABLE, harness.EX_TEMPFAIL))
        if "sanitize" not in harness.BIN:
            self.assertLess(memory, RSS_MB_MAX)
        self.change_one_row(files, batches, records)

    def change_one_row(self, files, batches, records):
        """One row's hours, and the number of an early row once more at the end."""
        with open(files[1], encoding="utf-8") as file:
            lines = file.read().splitlines()
        at = next(i for i, line in enumerate(lines) if ";entree;" in line)
        lines[at] = lines[at].replace(";40;", ";41;")
        lines.append(lines[7])
        changed = WORLD.write("bureau/change.csv", "\n".join(lines) + "\n")
        done = WORLD.push("cias", (files[0], changed), "--wait", "0").must(harness.EX_DATAERR, harness.EX_UNAVAILABLE, harness.EX_TEMPFAIL)
        said = done.json()
        self.assertEqual((said["nouveaux"], said["retires"], said["erreurs"]), (0, 0, 2))
        self.assertEqual(said["modifies"], 1)
        self.assertEqual(queued(), (batches + 1, records + 1))
        self.assertIn(f"change.csv:{len(lines)}:", done.messages)
        self.assertIn("déjà à la ligne 8", done.messages)
        self.assertIn("revient à la ligne " + str(len(lines)), done.messages)


if __name__ == "__main__":
    unittest.main()
