"""The linkage key is renewed under way: at every step, and whatever is killed in between, the counts stay what they are."""

import os
import signal
import subprocess
import time
import unittest
from dataclasses import replace

import harness
from contracts import THIERS_2023
from evaluate import evaluate
from generate import DataSet
from records import make_records

COORDINATOR, LATE, LOST = "cias", "ccas-thiers", "fit"
OPEN, CLOSED, UNKNOWN = "ouverte", "close", "inconnue"
WORLD = None


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)


def killed(name, *arguments, after):
    """Begins a command of an agent and kills it after so many seconds."""
    home = WORLD.path(f"agent-{name}")
    process = subprocess.Popen([os.path.join(harness.BIN, "ctai-agent"), *map(str, arguments)], cwd=WORLD.directory,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "CTAI_HOME": home, "LC_ALL": "C.UTF-8"})
    time.sleep(after)
    process.kill()
    process.wait()


def kill_hub():
    """The hub dies without a word and comes back."""
    service = WORLD.services.pop("hub")
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    service.stop()
    WORLD.serve("hub")


def unlinked(records, name):
    """An operator's records under a key of the past: the hub finds nobody of theirs elsewhere."""
    def mark(text):
        return None if text is None else f"{name}:{text}"
    return [replace(r, number=mark(r.number), string=mark(r.string), household=mark(r.household)) for r in records]


class Scenario(unittest.TestCase):
    """What is held of each operator, and the questions that every step asks."""
    held, past = {}, set()

    def send(self, name, *options):
        """Pushes the operator's whole table; what push says."""
        outcome = make_records(name, THIERS_2023, *self.files[name])
        done = WORLD.push(name, self.files[name], *options)
        done.must(harness.EX_DATAERR if outcome.errors else harness.EX_OK)
        self.held[name] = outcome.records
        return done

    def check(self, label):
        """The evaluation is the reference's."""
        records = []
        for name, mine in self.held.items():
            records += unlinked(mine, name) if name in self.past else mine
        harness.compare(self, WORLD.report(), evaluate(THIERS_2023, records), label)

    def keys(self, name):
        """{epoch: state} of the keys held, and the epochs that are missing."""
        said = WORLD.agent(name, "key", "list", "--json").must().json()
        return {key["epoque"]: key["etat"] for key in said["cles"]}, [key["epoque"] for key in said["manquantes"]]

    def rotate(self, *options, codes=(harness.EX_OK,)):
        return WORLD.agent(COORDINATOR, "key", "rotate", "--scope", harness.SCOPE, *options).must(*codes)

    def with_tokens(self, name):
        """How many of the operator's records carry tokens."""
        return sum(1 for r in self.held[name] if r.number or r.string or r.household)

    def tokens(self, name):
        """{key: tokens} as preview shows them."""
        persons, events = self.files[name]
        done = WORLD.agent(name, "preview", "--persons", persons, "--events", events)
        done.must(harness.EX_OK, harness.EX_DATAERR)
        return {row["cle"]: (row["jeton_e"], row["jeton_i"], row["jeton_menage"]) for row in done.csv()}

    def at_hub(self):
        """What the hub says of the scope's key: {epoch: closed}, {agent: records behind}, {agent: records unlinked}."""
        scope, = [one for one in WORLD.hub("status", "--json").must().json()["perimetres"] if one["perimetre"] == harness.SCOPE]
        self.assertEqual({key["epoque"]: key["identifiant"] for key in scope["cles"]},
                         {key["epoque"]: key["identifiant"] for key in
                          WORLD.agent(COORDINATOR, "key", "list", "--json").must().json()["cles"]})
        return ({key["epoque"]: bool(key["close_le"]) for key in scope["cles"]},
                {lag["agent"]: lag["enregistrements"] for lag in scope["retards"]},
                {lag["agent"]: lag["enregistrements"] for lag in scope["non_rattaches"]})

    def sealed(self, giver, taker):
        """A grant's file."""
        path = WORLD.path(f"{giver}-{taker}.cle")
        WORLD.agent(giver, "key", "grant", "--scope", harness.SCOPE, WORLD.path(f"{taker}.demande"), "--to",
                    WORLD.fingerprints[taker], "-o", path).must()
        return path

    def accept(self, taker, path, giver=COORDINATOR, codes=(harness.EX_OK,)):
        return WORLD.agent(taker, "key", "accept", path, "--from", WORLD.fingerprints[giver]).must(*codes)


class Rotation(Scenario):
    """One life of a scope, from the first key to the third."""

    def test_life(self):
        """Two rotations: one with commands alone and kills, one through the agents' services."""
        data = DataSet(4711, 150, THIERS_2023, errors=False)
        type(self).files = data.write(WORLD.path("files"))
        WORLD.start(operators=[COORDINATOR, "cecler", LOST])
        for name in (COORDINATOR, "cecler", LOST):
            self.send(name)
        self.check("before")
        self.first_steps()
        self.followers()
        self.closing()
        self.second_rotation()

    def first_steps(self):
        """A new key at the coordinator alone changes nothing, and neither does its first use."""
        shown = self.tokens(COORDINATOR)
        for after in (0.005, 0.02, 0.05):
            killed(COORDINATOR, "key", "rotate", "--scope", harness.SCOPE, after=after)
            if len(self.keys(COORDINATOR)[0]) > 1:
                break
        else:
            said = self.rotate("--json").json()
            self.assertEqual((said["epoque"], said["epoque_precedente"]), (2, 1))
        self.assertEqual(self.keys(COORDINATOR), ({1: OPEN, 2: UNKNOWN}, []))
        self.rotate(codes=[harness.EX_CONFIG])
        self.rotate("--close", codes=[harness.EX_CONFIG])  # the hub has not met the second epoch
        self.assertIn("nouvelle clé", WORLD.agent(COORDINATOR, "status").must().text)
        self.check("rotated")
        self.assertEqual(self.tokens(COORDINATOR), shown)  # those of the epoch that links
        for after in (0.05, 0.2):
            killed(COORDINATOR, "push", "--persons", self.files[COORDINATOR][0], "--events", self.files[COORDINATOR][1],
                   after=after)
            self.check("a push of both keys is killed")
        said = self.send(COORDINATOR).json()
        self.assertEqual(said["en_attente"], 0)
        self.assertEqual(said["modifies"] + said["inchanges"], len(self.held[COORDINATOR]))
        self.assertEqual(self.send(COORDINATOR).json()["modifies"], 0)
        self.assertNotIn("nouvelle clé", WORLD.agent(COORDINATOR, "status").must().text)
        self.assertEqual(self.keys(COORDINATOR), ({1: OPEN, 2: OPEN}, []))
        self.check("the coordinator uses both")
        self.assertEqual(self.at_hub(), ({1: False, 2: False}, {name: self.with_tokens(name) for name in ("cecler", LOST)}, {}))
        self.assertIn("n’ont pas encore suivi", WORLD.hub("status").must().text)
        self.rotate("--close", codes=[harness.EX_TEMPFAIL])
        self.assertIn("n’a pas pu être close", WORLD.agent(COORDINATOR, "status").must().text)
        self.check("a closing that comes too early changes nothing")

    def followers(self):
        """Who lacks the key is told; who has it sends all again; who joins now gets both."""
        lagging = self.send("cecler")
        self.assertIn("époque 2", lagging.messages)
        self.assertEqual(self.keys("cecler"), ({1: OPEN}, [2]))
        self.assertIn("manque", WORLD.agent("cecler", "status").must().text)
        kill_hub()
        path = self.sealed(COORDINATOR, "cecler")
        killed("cecler", "key", "accept", path, "--from", WORLD.fingerprints[COORDINATOR], after=0.01)
        self.accept("cecler", path)
        self.accept("cecler", path)  # again: nothing happens
        self.assertEqual(self.keys("cecler"), ({1: OPEN, 2: OPEN}, []))
        self.check("a second agent has the key")
        killed("cecler", "push", "--persons", self.files["cecler"][0], "--events", self.files["cecler"][1], after=0.15)
        kill_hub()
        self.check("killed, both")
        self.send("cecler")
        self.assertEqual(self.send("cecler").json()["modifies"], 0)
        self.check("a second agent uses both")
        self.assertEqual(WORLD.enrol(LATE) and self.keys(LATE), ({}, [1, 2]))
        self.accept(LATE, self.sealed("cecler", LATE), giver="cecler")  # from any operator that has them
        self.assertEqual(self.keys(LATE), ({1: OPEN, 2: OPEN}, []))
        self.assertEqual(self.send(LATE).json()["nouveaux"], len(self.held[LATE]))
        self.check("one joins in the middle")
        self.rotate("--close", codes=[harness.EX_TEMPFAIL])  # one lags still

    def closing(self):
        """The last one cannot follow: it is revoked, and its records stand alone from the closing on."""
        shown = self.tokens(COORDINATOR)
        before = WORLD.hub("report", harness.CONTRACT, "--format", "json").must().json()["position"]
        expected = WORLD.report()
        said = WORLD.hub("agent", "revoke", LOST).must().text
        self.assertIn(f"coordonnateur « {COORDINATOR} »", said)
        self.assertIn(f"key rotate --scope {harness.SCOPE} --close", said)
        self.assertEqual(WORLD.hub("agent", "revoke", LOST, "--json").must().json()["cles_a_renouveler"],
                         [{"perimetre": harness.SCOPE, "coordonnateurs": [COORDINATOR]}])
        self.check("revoked")
        killed(COORDINATOR, "key", "rotate", "--scope", harness.SCOPE, "--close", after=0.05)
        kill_hub()
        if self.keys(COORDINATOR)[0].get(1) != CLOSED:
            done = self.rotate("--close", codes=[harness.EX_OK, harness.EX_CONFIG])
            if done.code == harness.EX_CONFIG:  # the one that was killed has closed it
                self.assertIn("aucune rotation", done.messages)
        self.assertEqual(self.keys(COORDINATOR), ({1: CLOSED, 2: OPEN}, []))
        self.past.add(LOST)
        now = self.tokens(COORDINATOR)
        self.assertEqual(now.keys(), shown.keys())
        self.assertTrue(all(now[k] != shown[k] for k in now if any(now[k])))
        self.check("closed")
        self.assertEqual(WORLD.report(harness.CONTRACT, "--as-of", str(before)), expected)
        self.assertEqual(self.at_hub(), ({1: True, 2: False}, {}, {LOST: self.with_tokens(LOST)}))
        self.assertIn("sans être rattachés", WORLD.hub("status").must().text)
        for name in (COORDINATOR, "cecler", LATE):
            self.assertGreater(self.send(name).json()["modifies"], 0)  # the old tokens leave the hub
            self.assertEqual(self.send(name).json()["modifies"], 0)
            self.assertEqual(self.keys(name), ({1: CLOSED, 2: OPEN}, []))
        self.check("sent under the second key alone")

    def second_rotation(self):
        """The same with services that run: every command goes through them, and the hub dies under way."""
        names = (COORDINATOR, "cecler", LATE)
        for name in names:
            WORLD.serve(name)
        self.rotate()
        self.send(COORDINATOR)
        for name in names[1:]:
            self.accept(name, self.sealed(COORDINATOR, name))
        self.check("third key, one uses it")
        for name in names[1:]:
            kill_hub()
            for _ in range(60):
                done = WORLD.push(name, self.files[name])
                if done.code not in (harness.EX_UNAVAILABLE, harness.EX_TEMPFAIL):
                    break
                time.sleep(1)
            self.send(name)
            self.check(f"third key, {name} uses it")
        self.rotate("--close")
        self.assertEqual(self.keys(COORDINATOR), ({1: CLOSED, 2: CLOSED, 3: OPEN}, []))
        self.check("second key closed")
        for name in names:
            self.send(name)
            WORLD.stop(name)
        self.assertEqual(self.keys("cecler")[0][3], OPEN)
        self.check("third key alone")


if __name__ == "__main__":
    unittest.main()
