"""Keys that go astray: a grant that is another's, altered, old, cut or invented, and a hub that has another key, are noticed."""

import base64
import os
import unittest

import harness

PERSONS = ("id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
           "1;Essai;Un;1990-05-05;F;AFG;refugie;2023-05-05\n")
EVENTS = ("id_evenement;date;action;type;id_local;quantite;detail;reference\n"
          "e1;2024-01-05;axe1;entree;1;;;\n")
BEGIN = "-----BEGIN CTAI CLE-----"
COORDINATOR = "cias"
WORLD = None


def setUpModule():
    """One hub, a coordinator whose key is in use, an operator that had made a key of its own before."""
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start_hub()
    for name in harness.OPERATORS:
        WORLD.enrol(name)
    for name in (COORDINATOR, "ccas-thiers"):
        WORLD.agent(name, "key", "create", "--scope", harness.SCOPE).must()
    push(COORDINATOR).must()


def push(name, *options):
    """Pushes one person's entry."""
    return WORLD.push(name, (WORLD.write("p.csv", PERSONS), WORLD.write("e.csv", EVENTS)), *options)


def grant(giver, taker, scope=harness.SCOPE):
    """The text of a grant."""
    path = WORLD.path(f"{giver}-{taker}-{scope}.cle")
    WORLD.agent(giver, "key", "grant", "--scope", scope, WORLD.path(f"{taker}.demande"), "--to",
                WORLD.fingerprints[taker], "-o", path).must()
    with open(path, encoding="ascii") as file:
        return file.read()


def accept(taker, text, giver=COORDINATOR):
    """What key accept makes of a text."""
    return WORLD.agent(taker, "key", "accept", WORLD.write("received.cle", text), "--from", WORLD.fingerprints[giver])


def keys(name):
    """{epoch: state}, the epochs missing, what was said."""
    done = WORLD.agent(name, "key", "list", "--json").must()
    said = done.json()
    return {k["epoque"]: k["etat"] for k in said["cles"]}, [k["epoque"] for k in said["manquantes"]], done.messages


class Grants(unittest.TestCase):
    """In alphabetical order: the first tests are of one epoch, the last one rotates."""

    def refused(self, taker, text, code, giver=COORDINATOR):
        """Nothing is kept of it."""
        before = keys(taker)[:2]
        done = accept(taker, text, giver).must(code)
        self.assertEqual(keys(taker)[:2], before)
        return done.messages

    def test_1_sender_and_recipient(self):
        """A grant for another; one from another, which the fingerprint tells; one that is sealed for nobody we know."""
        self.assertIn("scellée pour", self.refused("fit", grant(COORDINATOR, "cecler"), harness.EX_NOPERM))
        invented = grant("ccas-thiers", "cecler")
        self.assertIn("empreinte", self.refused("cecler", invented, harness.EX_PROTOCOL))
        self.refused("cecler", grant(COORDINATOR, "fit") + invented, harness.EX_DATAERR)
        self.refused("cecler", "Bonjour", harness.EX_DATAERR)

    def test_2_altered(self):
        """No byte of a grant can be changed."""
        text = grant(COORDINATOR, "cecler")
        lines = text.split("\n")
        payload = bytearray(base64.b64decode("".join(lines[1:-2])))
        for at in range(0, len(payload), 23):
            changed = bytearray(payload)
            changed[at] ^= 1
            body = base64.b64encode(bytes(changed)).decode()
            self.refused("cecler", f"{BEGIN}\n{body}\n{lines[-2]}\n", harness.EX_DATAERR)

    def test_3_another_key(self):
        """Two keys were made: the one that came second is told, cannot be used, and gives way to the right one."""
        WORLD.stop("hub")
        push("ccas-thiers", "--wait", 1).must(harness.EX_UNAVAILABLE)  # nobody can tell it: it queues under its own key
        WORLD.serve("hub")
        done = push("ccas-thiers").must(harness.EX_NOPERM)
        self.assertIn("par une autre clé", done.messages)
        held, missing, said = keys("ccas-thiers")
        self.assertEqual((held, missing), ({1: "autre"}, []))
        self.assertIn("téléphone", said)
        self.assertIn("autre clé", WORLD.agent("ccas-thiers", "status").must().text)
        self.assertIn("autre clé", WORLD.agent("ccas-thiers", "doctor").text)
        WORLD.agent("ccas-thiers", "key", "grant", "--scope", harness.SCOPE, WORLD.path("fit.demande"), "--to",
                    WORLD.fingerprints["fit"], "-o", WORLD.path("no.cle")).must(harness.EX_NOPERM)
        WORLD.agent("ccas-thiers", "key", "rotate", "--scope", harness.SCOPE).must(harness.EX_NOPERM)
        right = grant(COORDINATOR, "ccas-thiers")
        WORLD.serve("ccas-thiers")
        self.refused("ccas-thiers", right, harness.EX_TEMPFAIL)
        WORLD.stop("ccas-thiers")
        self.assertIn("attendait", accept("ccas-thiers", right).must().messages)
        self.assertEqual(keys("ccas-thiers")[:2], ({1: "ouverte"}, []))
        self.assertEqual(push("ccas-thiers").must().json()["en_attente"], 0)
        self.assertEqual(push("ccas-thiers").must().json()["modifies"], 0)
        row = [r for r in WORLD.report() if (r["action"], r["indicateur"]) == ("axe1", "1.1.total")]
        self.assertEqual(row[0]["realise"], "1")  # the same person at both

    def test_4_hub_says_otherwise(self):
        """A key that is not the one that the hub told of is not taken, whoever gives it; nor is one made beside it."""
        world = harness.World()
        self.addCleanup(world.close)
        world.agent("stranger", "init", "--name", "stranger").must()
        world.agent("stranger", "key", "create", "--scope", harness.SCOPE).must()
        mine = world.agent("stranger", "status", "--json").must().json()["empreinte"]
        path = WORLD.path("stranger.cle")
        WORLD.admit("fit")  # the approval tells of the key in use
        world.agent("stranger", "key", "grant", "--scope", harness.SCOPE, WORLD.path("fit.demande"), "--to",
                    WORLD.fingerprints["fit"], "-o", path).must()
        done = WORLD.agent("fit", "key", "accept", path, "--from", mine).must(harness.EX_PROTOCOL)
        self.assertIn("n’est pas celle que le hub", done.messages)
        self.assertEqual(keys("fit")[:2], ({}, [1]))
        done = WORLD.agent("fit", "key", "create", "--scope", harness.SCOPE).must(harness.EX_CONFIG)
        self.assertIn("n’en créez pas une autre", done.messages)
        push("fit").must(harness.EX_CONFIG)

    def test_5_rotation(self):
        """Of two keys one is withheld; then the first is past, and comes again."""
        old = grant(COORDINATOR, "cecler")
        other_scope = grant_of_other_scope()
        accept("cecler", old).must()
        push("cecler").must()
        WORLD.agent(COORDINATOR, "key", "rotate", "--scope", harness.SCOPE).must()
        push(COORDINATOR).must()
        both = grant(COORDINATOR, "fit")
        first, second = (BEGIN + part for part in both.split(BEGIN)[1:])
        push("fit").must(harness.EX_CONFIG)  # it has no key, and hears of both
        self.assertEqual(keys("fit")[:2], ({}, [1, 2]))
        self.assertIn("époque 1", accept("fit", second).must().messages)
        self.assertEqual(keys("fit")[:2], ({2: "ouverte"}, [1]))
        self.assertIn("compterait deux fois", push("fit").must(harness.EX_CONFIG).messages)
        accept("fit", first).must()
        push("fit").must()
        self.assertIn("époque 2", push("cecler").must().messages)
        self.assertIn("époque 2", accept("cecler", old).must().messages)
        self.refused("cecler", second, harness.EX_NOPERM)
        self.refused("cecler", both + first, harness.EX_DATAERR)
        accept("cecler", grant(COORDINATOR, "cecler")).must()
        accept("ccas-thiers", grant(COORDINATOR, "ccas-thiers")).must()
        for name in ("cecler", "ccas-thiers"):
            push(name).must()
        WORLD.agent(COORDINATOR, "key", "rotate", "--scope", harness.SCOPE, "--close").must()
        push("cecler").must()
        self.assertIn("close", self.refused("cecler", old, harness.EX_DATAERR))
        accept("cecler", other_scope).must()
        self.assertIn(1, keys("cecler")[0])
        self.assertEqual(push("cecler").must().json()["modifies"], 0)  # another scope's key is of no use here

    def test_6_invented(self):
        """Somebody who is not the coordinator makes an epoch: its own agent tells the coordinator."""
        WORLD.agent("fit", "key", "rotate", "--scope", harness.SCOPE).must()
        push("fit").must()
        self.assertIn("nouvelle clé de liaison", push(COORDINATOR).must().messages)
        held, missing, said = keys(COORDINATOR)
        self.assertEqual((held[2], missing), ("ouverte", [3]))
        self.assertIn("manque ici", said)
        WORLD.agent(COORDINATOR, "key", "rotate", "--scope", harness.SCOPE).must(harness.EX_CONFIG)
        self.assertIn("époque 3", WORLD.agent(COORDINATOR, "doctor").text)


def grant_of_other_scope():
    """The coordinator's key of another scope, which it has no contract in."""
    home = WORLD.path("agent-cias")
    with open(f"{home}/cle-liaison.{harness.SCOPE}.1", "rb") as file:
        key = file.read()
    with open(f"{home}/cle-liaison.84.1", "wb") as file:
        file.write(bytes(key[::-1]))
    os.chmod(f"{home}/cle-liaison.84.1", 0o600)
    return grant(COORDINATOR, "cecler", "84")


if __name__ == "__main__":
    unittest.main()
