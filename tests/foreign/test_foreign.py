#!/usr/bin/python3
"""A foreign client against the real hub: what schema/PROTOCOL.md promises, good and bad."""

import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import client  # noqa: E402
import harness  # noqa: E402

CONTRACT, SCOPE = harness.CONTRACT, harness.SCOPE
QUIET = 0.5     # how long nothing must come

AWA = client.identity_text("DIALLO", "Awa", "1990-01-02")
AWA_NUMBER = "6300000001"
IBRAHIM = client.identity_text("Yıldız", "İbrahim", "2003-02-28")


def key(number):
    """A body's key that ascends with the number."""
    return bytes(8) + number.to_bytes(8, "big")


def vectors(name):
    """One file of examples."""
    with open(os.path.join(ROOT, "schema", "vectors", f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)


def plain(value):
    """A vector's value, with its binaries as bytes."""
    if isinstance(value, dict):
        return bytes.fromhex(value["bin"])
    return [plain(each) for each in value] if isinstance(value, list) else value


class Vectors(unittest.TestCase):
    """What the client writes is what the vectors hold, to the byte."""

    def test_fold_and_tokens(self):
        for each in vectors("fold"):
            self.assertEqual(client.fold(each["text"]), each["folded"], each["name"])
        for each in vectors("tokens"):
            linkage = bytes.fromhex(each["key"])
            if "key_id" in each:
                self.assertEqual(client.LinkageKey("63", 1, linkage).key_id().hex(), each["key_id"])
            elif "E" in each:
                self.assertEqual(client.token_e(linkage, each["digits"]).hex(), each["E"])
            else:
                identity = client.identity_text(each["nom"], each["prenom"], each["date_naissance"])
                self.assertEqual(identity, each["identity"])
                self.assertEqual(client.token_i(linkage, identity).hex(), each["I"])
                self.assertEqual(client.token_m(linkage, [identity + "~", identity]).hex(), each["M"])

    def test_canonical_bytes(self):
        for name in ("messages", "bodies", "receipts"):
            for each in vectors(name):
                if each.get("good"):
                    self.assertEqual(client.pack(plain(each["value"])).hex(), each["hex"], each["name"])
                    self.assertEqual(client.unpack(bytes.fromhex(each["hex"])), plain(each["value"]), each["name"])
        for name in ("nil", "map", "negative-type", "float-type", "extension", "long-array", "longer-array", "long-integer",
                     "longer-integer", "signed-integer", "trailing", "array-bomb", "cut", "hello-not-utf8", "hello-surrogate",
                     "hello-long-string", "hello-long-binary", "hello-sequence-2-63"):
            bad = next(each for each in vectors("messages") if each["name"] == name)
            with self.assertRaises(client.ProtocolError, msg=name):
                client.unpack(bytes.fromhex(bad["hex"]))

    def test_batches(self):
        before = client.ZERO_HASH
        for each in vectors("batches"):
            if not each["good"]:
                continue
            keys = client.Keys("cias", sign=bytes.fromhex(each["seed"]))
            bodies = [bytes.fromhex(body) for body in each["bodies"]]
            _, _, scope, incarnation, sequence, previous, _, linkage, coverage, _ = plain(each["value"])
            self.assertEqual(previous, before, each["name"])
            made = client.make_batch(keys, scope, incarnation, sequence, previous, [_Named(*pair) for pair in linkage], coverage, bodies)
            before = made.hash()
            self.assertEqual((made.header.hex(), made.signature.hex(), before.hex()), (each["header"], each["signature"], each["hash"]))
            sent = client.unpack(bytes.fromhex(each["message"]))[3]
            made.bodies = [body if there is not None else None for body, there in zip(bodies, sent)]
            self.assertEqual(made.message().hex(), each["message"], each["name"])

    def test_files(self):
        request, approval, grant = vectors("credentials")
        read = client.read_approval("Bonjour,\r\n\r\n" + approval["file"].replace("\n", " \r\n") + "-- \r\n")
        self.assertEqual(read.fingerprint(), approval["hub_fingerprint"])
        self.assertEqual(read.agent.fingerprint(), request["identity"]["fingerprint"])
        self.assertEqual(read.addresses, [approval["address"]])
        keys = client.Keys("cecler-63", box=bytes.fromhex(grant["recipient_box_secret"]))
        keys.identity = client.Identity(grant["recipient"]["name"], *(bytes.fromhex(grant["recipient"][each])
                                                                      for each in ("curve", "sign", "box")))
        opened = client.read_grant(grant["file"], keys)
        self.assertEqual((opened.scope, opened.epoch, opened.key.hex()), (grant["scope"], grant["epoch"], grant["key"]))
        self.assertEqual(opened.sender.fingerprint(), grant["sender"]["fingerprint"])
        with self.assertRaises(client.ProtocolError):
            client.read_grant(grant["file"], client.Keys("cecler-63"))


class _Named:
    """A linkage key of which only the id is known."""

    def __init__(self, epoch, key_id):
        self.epoch, self._key_id = epoch, key_id

    def key_id(self):
        """As it was given."""
        return self._key_id


class Agent:
    """A foreign agent that the hub has admitted."""

    def __init__(self, world, name, actions="axe1,axe2"):
        self.world = world
        self.keys = client.Keys(name)
        request = world.write(f"{name}.demande", self.keys.request())
        path = world.path(f"{name}.approbation")
        said = world.hub("agent", "approve", request, "--contract", CONTRACT, "--action", actions, "-o", path, "--json").must().json()
        with open(path, encoding="ascii") as file:
            self.approval = client.read_approval(file.read())
        client.expect(self.approval.agent == self.keys.identity, "an approval for somebody else")
        client.expect(said["empreinte"] == self.keys.identity.fingerprint(), "the agent's fingerprint")
        client.expect(said["empreinte_hub"] == self.approval.fingerprint(), "the hub's fingerprint")
        self.chain = client.Chain(self.keys, SCOPE)
        self._wait_until_known()

    def _wait_until_known(self):
        """The running hub hears of an approval a moment after it was made."""
        deadline = time.monotonic() + client.PATIENCE_S
        while True:
            try:
                self.connect().close()
                return
            except client.NotAdmitted:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def connect(self):
        """A fresh connection."""
        return client.Connection(self.keys, self.approval)

    def greeted(self):
        """A fresh connection that has said HELLO; the acknowledgement that follows is read."""
        connection = self.connect()
        welcome = connection.hello([self.chain])
        if welcome.positions[SCOPE].sequence:
            client.expect(isinstance(connection.receive(), client.Ack), "no ACK after the WELCOME")
        return connection


class OnHub(unittest.TestCase):
    """One hub for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.world = harness.World()
        cls.addClassCleanup(cls.world.close)
        cls.world.start_hub()

    def cells(self):
        """The report: {(action, indicator): value}."""
        return {(row["action"], row["indicateur"]): row["realise"] for row in self.world.report()}

    def cut(self, connection, *last_words):
        """The hub ends the connection, without an answer other than those, which may be lost with it."""
        with self.assertRaises(client.Unreachable):
            while True:
                self.assertIn(connection.receive(), last_words)


def records(linkage):
    """A handful of every kind, all of them right: [(body, ...)] of the first batch."""
    awa_e = [[linkage.epoch, client.token_e(linkage.key, AWA_NUMBER), None, None]]
    awa = [[linkage.epoch, client.token_e(linkage.key, AWA_NUMBER), client.token_i(linkage.key, AWA), None]]
    ibrahim = [[linkage.epoch, None, client.token_i(linkage.key, IBRAHIM), None]]
    household = [[linkage.epoch, None, None, client.token_m(linkage.key, [IBRAHIM, AWA])]]
    rows = [
        ("axe1", "beneficiaire", 202312, {"tokens": awa, "sex": "F", "bpi": True, "under_25": False}),
        ("axe1", "beneficiaire", 202401, {"tokens": ibrahim, "sex": "H", "bpi": False, "under_25": True}),
        ("axe2", "beneficiaire", 202401, {"tokens": awa, "sex": "F", "bpi": True, "under_25": False}),
        ("axe1", "cout", 202312, {"quantity": 123456, "code": "p104"}),
        ("axe1", "cout", 202406, {"quantity": 50000, "code": "autre"}),
        ("axe1", "evenement_sportif", 202401, {"reference": bytes([1] * 16)}),
        ("axe1", "evenement_culturel", 202401, {"reference": bytes([2] * 16)}),
        ("axe1", "sollicitation", 202311, {"quantity": 3}),
        ("axe1", "sollicitation", 202411, {"quantity": 4}),
        ("axe1", "autonomie", 202402, {"tokens": awa_e, "code": "scolarite"}),
        ("axe1", "logement_perenne", 202402, {"tokens": household}),
        ("axe1", "consultation_medicale", 202402, {"quantity": 5}),
        ("axe1", "binome_mentorat", 202402, {"reference": bytes([3] * 16)}),
        ("axe1", "acteurs_formes", 202402, {"quantity": 12}),
        ("axe1", "formation_acteurs", 202402, {"quantity": 480, "reference": bytes([4] * 16)}),
        ("axe1", "outil_numerique", 202402, {"quantity": 2}),
        ("axe1", "narrative", None, {"code": "1.2.outils", "text": "Un livret d’accueil."}),
        ("axe1", "entree", 202312, {"tokens": ibrahim}),
        ("axe1", "sortie", 202404, {"tokens": ibrahim, "quantity": 120, "code": "emploi_durable"}),
        ("axe1", "suivi_6_mois", 202410, {"tokens": ibrahim, "code": "positif"}),
        ("axe2", "entree", 202401, {"tokens": awa_e, "quantity": 110}),
        ("axe2", "seance", 202402, {"quantity": 90, "code": "francais", "reference": bytes([5] * 16)}),
        ("axe2", "presence", 202402, {"tokens": awa_e, "quantity": 90}),
        ("axe2", "niveau_debut", 202401, {"tokens": awa_e, "code": "A1"}),
        ("axe2", "niveau_fin", 202406, {"tokens": awa_e, "code": "A2"}),
        ("axe2", "seance", 202403, {"quantity": 75, "code": "numerique", "reference": bytes([6] * 16)}),
        ("axe2", "seance", 202403, {"quantity": 20, "code": "laicite", "reference": bytes([7] * 16)}),
    ]
    return [client.record(key(100 + i), CONTRACT, action, kind, month, **fields)
            for i, (action, kind, month, fields) in enumerate(rows)]


# What the evaluation shows of those, and nothing else.
SHOWN = {
    "axe1": {
        "1.1.total": "2", "1.1.hommes": "1", "1.1.femmes": "1", "1.1.moins_25": "1", "1.1.bpi": "1", "1.1.bpi_femmes": "1",
        "1.2.acteurs": "12", "1.2.heures": "8", "1.2.outils": "cias : Un livret d’accueil.", "2.cout_total": "1734.56",
        "2.cout_p104": "1234.56", "3.2.duree_moyenne_mois": "3.9", "3.2.sorties_positives": "1", "3.2.emploi_durable": "1",
        "3.2.positives_6_mois": "1", "3.2.suivis_6_mois": "1", "3.4.menages": "1", "3.5.consultations": "5", "3.6.outils": "2",
        "3.7.binomes": "1", "3.8.sport": "1", "3.8.culture": "1", "L.sollicitations": "7", "L.autonomie_scolarite": "1",
    },
    "axe2": {
        "1.1.total": "1", "1.1.femmes": "1", "1.1.bpi": "1", "1.1.bpi_femmes": "1", "3.1.heures": "1.5", "3.1.assidus": "1",
        "3.1.progres_cecrl": "1", "3.3.heures": "0.33", "3.3.thematiques": "laicite", "3.6.heures": "1.25", "L.assiduite": "1",
    },
}
SHOWN["contrat"] = {**SHOWN["axe2"], **SHOWN["axe1"]}       # Awa, in both actions, counts once


class Delivery(OnHub):
    """A client that does what the document says."""

    def shown(self, cells):
        """The cells that say something."""
        said = {}
        for (action, indicator), value in cells.items():
            if value not in ("", "0"):
                said.setdefault(action, {})[indicator] = value
        return said

    def test_delivery(self):
        self.assertEqual(self.shown(self.cells()), {})
        agent = Agent(self.world, "cias")
        linkage = client.LinkageKey(SCOPE, 1, os.urandom(32))
        with agent.connect() as connection:
            welcome = connection.hello()
            contract = welcome.contracts[0]
            self.assertEqual((contract.id, contract.scope, contract.first_day, contract.last_day),
                             (CONTRACT, SCOPE, "2023-11-30", "2024-11-29"))
            self.assertEqual({code: allowed for code, (_, allowed) in contract.actions.items()},
                             {"axe1": True, "axe2": True, "axe3": False})
            self.assertEqual(welcome.contracts, agent.approval.contracts)
            self.assertEqual(welcome.positions, {SCOPE: client.Position(SCOPE, 1, 0, client.ZERO_HASH, 0)})
            agent.chain.believe(welcome.positions[SCOPE])
            self.assertIsNone(connection.receive(QUIET), "an ACK of nothing")

            first = agent.chain.add(records(linkage), [[CONTRACT, True, ["axe1", "axe2"], 202411]], [linkage])
            receipt, refusals = connection.push(agent.chain, first)
            self.assertEqual((receipt.sequence, receipt.hash, receipt.stable, refusals), (1, first.hash(), 1, []))
            self.assertEqual(self.shown(self.cells()), SHOWN)
            once = self.cells()

            again, refusals = connection.push(agent.chain, first)
            self.assertEqual((again, refusals, self.cells()), (receipt, [], once))

            # Replaces the sollicitations' 3 by 30 and withdraws the sports event and the second cost; what is complete is only said
            # to be so: a record that a complete export does not bring again stays.
            second = agent.chain.add([client.record(key(107), CONTRACT, "axe1", "sollicitation", 202311, quantity=30),
                                      client.withdrawal(key(105), CONTRACT), client.withdrawal(key(104), CONTRACT),
                                      client.withdrawal(key(999), CONTRACT)], [[CONTRACT, True, ["axe1", "axe2"], 202411]])
            receipt, refusals = connection.push(agent.chain, second)
            self.assertEqual((receipt.sequence, refusals), (2, []))
        expected = {action: dict(values) for action, values in SHOWN.items()}
        for action in ("axe1", "contrat"):
            expected[action] |= {"L.sollicitations": "34", "2.cout_total": "1234.56"}
            del expected[action]["3.8.sport"]
        self.assertEqual(self.shown(self.cells()), expected)

        # A new connection tells where we are, and the old batches change nothing.
        with agent.connect() as connection:
            self.assertEqual(connection.hello([agent.chain]).positions[SCOPE].sequence, 2)
            ack = connection.receive()
            self.assertEqual(agent.chain.acknowledge(ack.receipt, ack.signature, connection.hub_sign).sequence, 2)
            self.assertEqual(connection.push(agent.chain, second)[0].ledger, receipt.ledger)
            first.bodies[3] = None      # erased since
            self.assertEqual(connection.push(agent.chain, first)[0].sequence, 2)
        self.assertEqual(self.shown(self.cells()), expected)


class WithRealAgent(OnHub):
    """The coordinator is the product's agent."""

    PERSONS = """id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage;commune;telephone
K-1;6301020304;BEN-SALAH;Noûr;14/05/1986;F;SYR;refugie;15/06/2023;M-1;Thiers;
K-2;;ŁUKASZENKO;Œlena;03/09/2001;F;UKR;protection_temporaire;;M-2;Thiers;
"""
    EVENTS = """id_evenement;date;action;type;id_local;quantite;detail;reference;observations
V-1;12/12/2023;axe1;entree;K-1;;;;
V-2;12/12/2023;axe1;entree;K-2;;;;
"""

    def test_same_person_counts_once(self):
        self.world.enrol("cias", actions="axe1")
        self.world.agent("cias", "key", "create", "--scope", SCOPE).must()
        foreign = Agent(self.world, "cecler", "axe1")
        sealed = self.world.path("cecler.cle")
        self.world.agent("cias", "key", "grant", "--scope", SCOPE, self.world.path("cecler.demande"),
                         "--to", foreign.keys.identity.fingerprint(), "-o", sealed).must()
        with open(sealed, encoding="ascii") as file:
            linkage = client.read_grant(file.read(), foreign.keys)
        self.assertEqual(linkage.sender.fingerprint(), self.world.fingerprints["cias"])
        self.assertEqual((linkage.scope, linkage.epoch), (SCOPE, 1))

        files = self.world.write("personnes.csv", self.PERSONS), self.world.write("evenements.csv", self.EVENTS)
        self.assertEqual(self.world.push("cias", files).must().json()["en_attente"], 0)
        self.assertEqual(self.cells()["axe1", "1.1.total"], "2")

        def person(number, nom, prenom, born, sex):
            identity = client.identity_text(nom, prenom, born)
            return {"tokens": [[1, number and client.token_e(linkage.key, number), client.token_i(linkage.key, identity), None]],
                    "sex": sex, "bpi": False, "under_25": False}

        people = [person("6301020304", "Ben Salah", "NOUR", "1986-05-14", "F"), person(None, "Lukaszenko", "OELENA", "2001-09-03", "F"),
                  person(None, "KONATÉ", "Issa", "1979-01-30", "H")]
        with foreign.connect() as connection:
            connection.hello()
            batch = foreign.chain.add([client.record(key(i), CONTRACT, "axe1", "beneficiaire", 202402, **each)
                                       for i, each in enumerate(people)], [], [linkage])
            self.assertEqual(connection.push(foreign.chain, batch)[1], [])
            cells = self.cells()
            self.assertEqual([cells["axe1", each] for each in ("1.1.total", "1.1.femmes", "1.1.hommes")], ["3", "2", "1"])

            # Another key of that scope and epoch would count everybody twice: it is refused.
            other = client.LinkageKey(SCOPE, 1, os.urandom(32))
            connection.send(foreign.chain.next([], [], [other]).message())
            self.assertEqual(connection.receive(), client.Refused(client.BAD_LINKAGE_KEY, SCOPE, 2))


class Hostile(OnHub):
    """Clients that do what none should: nothing of it counts, and the honest go on."""

    number = 0

    def setUp(self):
        Hostile.number += 1
        self.agent = Agent(self.world, f"essai-{Hostile.number}")
        self.chain = self.agent.chain
        with self.agent.greeted() as connection:
            receipt, _ = connection.push(self.chain, self.chain.add([self.fact(1, 5)]))
        self.assertEqual(receipt.sequence, 1)
        self.before = self.cells()

    def fact(self, number, quantity, action="axe1", month=202401, contract=CONTRACT):
        """A record that the report counts."""
        return client.record(key(number), contract, action, "sollicitation", month, quantity=quantity)

    def counted(self, quantity):
        """The report changed by this much, since the test began and in no other cell."""
        expected = dict(self.before)
        for action in ("axe1", "contrat"):
            expected[action, "L.sollicitations"] = str(int(expected[action, "L.sollicitations"]) + quantity)
        self.assertEqual(self.cells(), expected)

    def refused(self, message, *answer):
        """A message, on a fresh connection, is refused so, and nothing follows; then an honest batch is taken."""
        with self.agent.greeted() as connection:
            connection.send(message)
            self.assertEqual(connection.receive(), client.Refused(*answer))
            if answer[0] == client.BAD_SCOPE:
                self.assertIsInstance(connection.receive(), client.Contracts)  # said anew
            self.assertIsNone(connection.receive(QUIET / 5))
            self.counted(0)
            connection.hello([self.chain])
            self.assertIsInstance(connection.receive(), client.Ack)
            self.honest(connection)

    def forked(self, message, sequence):
        """A message that proves two agents with one key: from then on nothing of that key is taken."""
        with self.agent.greeted() as connection:
            connection.send(message)
            self.assertEqual(connection.receive(), client.Refused(client.FORK, SCOPE, sequence))
        with self.agent.connect() as connection:
            connection.send(client.hello([self.chain]))
            self.assertEqual(connection.receive(), client.Refused(client.FORK, None, 0))
            connection.send(self.chain.next([self.fact(3, 100)]).message())
            answer = connection.receive()
            self.assertTrue(answer is None or answer.reason == client.FORK, answer)
        self.counted(0)

    def honest(self, connection, before=0):
        """The next batch is taken and counts."""
        receipt, refusals = connection.push(self.chain, self.chain.add([self.fact(5000, 1000)]))
        self.assertEqual((receipt.sequence, refusals), (len(self.chain.batches), []))
        self.counted(1000 + before)

    def pushed(self, bodies, linkage_keys=()):
        """Pushes the bodies as they are; returns the refusals of the batch as (index, reason)."""
        batch = self.chain.next(bodies, [], linkage_keys)
        self.chain.batches.append(batch)
        with self.agent.greeted() as connection:
            receipt, refusals = connection.push(self.chain, batch)
        self.assertEqual(receipt.sequence, batch.sequence)
        self.assertEqual({sequence for sequence, _, _ in refusals} - {batch.sequence}, set())
        return [(index, reason) for _, index, reason in refusals]

    def test_wrong_signature(self):
        batch = self.chain.next([self.fact(2, 100)])
        signature = bytes([batch.signature[0] ^ 1]) + batch.signature[1:]
        self.refused(client.pack([client.BATCH, batch.header, signature, batch.bodies]), client.BAD_SIGNATURE)

    def test_signed_with_another_key(self):
        thief = client.Keys("voleur")
        batch = client.make_batch(thief, SCOPE, 1, 2, self.chain.hash_of(1), [], [], [self.fact(2, 100)])
        self.refused(batch.message(), client.BAD_SIGNATURE)

    def test_one_bit_in_a_header(self):
        batch = self.chain.next([self.fact(2, 100)])
        header = batch.header[:-1] + bytes([batch.header[-1] ^ 1])
        self.refused(client.pack([client.BATCH, header, batch.signature, batch.bodies]), client.BAD_SIGNATURE)

    def test_one_bit_in_a_body(self):
        batch = self.chain.next([self.fact(2, 100)])
        batch.bodies = [batch.bodies[0].replace(b"\x64", b"\x65")]
        self.refused(batch.message(), client.MALFORMED, SCOPE, 2)

    def test_fewer_bodies_than_hashes(self):
        batch = self.chain.next([self.fact(2, 100), self.fact(3, 100)])
        batch.bodies.pop()
        self.refused(batch.message(), client.MALFORMED, SCOPE, 2)

    def test_wrong_sequence(self):
        batch = client.make_batch(self.agent.keys, SCOPE, 1, 3, self.chain.hash_of(1), [], [], [self.fact(2, 100)])
        self.refused(batch.message(), client.NOT_NEXT, SCOPE, 3)

    def test_fork_of_a_committed_number(self):
        batch = client.make_batch(self.agent.keys, SCOPE, 1, 1, client.ZERO_HASH, [], [], [self.fact(2, 100)])
        self.forked(batch.message(), 1)

    def test_next_number_after_another_header(self):
        batch = client.make_batch(self.agent.keys, SCOPE, 1, 2, bytes([7] * 32), [], [], [self.fact(2, 100)])
        self.forked(batch.message(), 2)

    def test_another_incarnation(self):
        batch = client.make_batch(self.agent.keys, SCOPE, 2, 2, self.chain.hash_of(1), [], [], [self.fact(2, 100)])
        self.refused(batch.message(), client.BAD_INCARNATION, SCOPE, 2)

    def test_another_scope(self):
        batch = client.make_batch(self.agent.keys, "75", 1, 1, client.ZERO_HASH, [], [], [self.fact(2, 100)])
        self.refused(batch.message(), client.BAD_SCOPE, "75", 1)

    def test_a_header_that_is_not_canonical(self):
        batch = self.chain.next([self.fact(2, 100)])
        header = b"\xdc\x00\x0a" + batch.header[1:]
        signature = self.agent.keys.sign.sign(header).signature
        self.refused(client.pack([client.BATCH, header, signature, batch.bodies]), client.MALFORMED)

    def test_messages_that_are_not_canonical(self):
        message = self.chain.next([self.fact(2, 100)]).message()
        self.refused(b"\xdc\x00\x04" + message[1:], client.MALFORMED)
        self.before = self.cells()
        for each in (message + b"\xc0", message.replace(b"\x02", b"\xcc\x02", 1), message[:-1]):
            with self.agent.greeted() as connection:
                connection.send(each)
                self.assertEqual(connection.receive(), client.Refused(client.MALFORMED))
        self.counted(0)

    def test_garbage(self):
        for each in (b"", b"\xff\xfe garbage", bytes(5000), client.pack([]), client.pack([3]), client.pack([client.CONTRACTS, []]),
                     client.pack([client.HELLO, 1, "foreign"]), client.pack([[1], 1, "foreign", []])):
            with self.agent.connect() as connection:
                connection.send(each)
                self.assertEqual(connection.receive(), client.Refused(client.MALFORMED), each[:20])
        with self.agent.connect() as connection:
            connection.send(client.hello(version=2) + b"whatever version 2 has")
            self.assertIsInstance(connection.receive(), client.Refused)
            connection.send(client.hello(version=2))
            self.assertEqual(connection.receive(), client.Refused(client.BAD_VERSION))
            self.assertIsInstance(connection.hello([self.chain]), client.Welcome)

    def test_bad_messages_of_the_vectors(self):
        of_an_agent = [each for each in vectors("messages") if not each["good"] and each["type"] in ("HELLO", "BATCH")]
        self.assertGreater(len(of_an_agent), 10)
        for each in of_an_agent:
            with self.agent.greeted() as connection:
                connection.send(bytes.fromhex(each["hex"]))
                answer = connection.receive()
                self.assertIsInstance(answer, client.Refused, each["name"])
                self.assertIn(answer.reason, (client.MALFORMED, client.BAD_VERSION), each["name"])
        self.counted(0)

    def test_several_frames(self):
        with self.agent.greeted() as connection:
            connection.socket.send_multipart([client.hello([self.chain]), client.hello([self.chain])])
            self.cut(connection)
        with self.agent.greeted() as connection:
            self.honest(connection)

    def test_over_4_mib(self):
        batch = self.chain.next([client.pack([os.urandom(16), 1, key(i), bytes(16000)]) for i in range(300)])
        self.assertGreater(len(batch.message()), client.MAX_MESSAGE)
        with self.agent.greeted() as connection:
            connection.send(batch.message())
            self.cut(connection)
        with self.agent.greeted() as connection:
            self.honest(connection)

    def test_eight_bad_messages(self):
        with self.agent.greeted() as connection:
            for _ in range(7):
                connection.send(b"\xc1")
                self.assertEqual(connection.receive(), client.Refused(client.MALFORMED))
            connection.send(b"\xc1")
            self.cut(connection, client.Refused(client.MALFORMED))
        with self.agent.greeted() as connection:
            self.honest(connection)

    def test_unknown_key(self):
        stranger = client.Keys("inconnu")
        with self.assertRaises(client.NotAdmitted) as caught:
            client.Connection(stranger, self.agent.approval)
        self.assertEqual(caught.exception.status, 400)

    def test_another_hub_than_the_approval_says(self):
        approval = client.Approval(client.Keys("x").identity.curve, self.agent.approval.sign, self.agent.approval.addresses, None, [])
        with self.assertRaises(client.Unreachable):
            client.Connection(self.agent.keys, approval)

    def test_revoked(self):
        with self.agent.greeted() as connection:
            self.world.hub("agent", "revoke", self.agent.keys.identity.name).must()
            self.cut(connection, client.Refused(client.REVOKED))
        with self.assertRaises(client.NotAdmitted) as caught:
            self.agent.connect()
        self.assertEqual(caught.exception.status, 400)

    def test_second_connection_cuts_the_first(self):
        with self.agent.greeted() as first:
            with self.agent.greeted() as second:
                self.cut(first)
                self.honest(second)

    def test_batch_before_hello(self):
        with self.agent.connect() as connection:
            connection.send(self.chain.next([self.fact(2, 100)]).message())
            self.assertEqual(connection.receive(), client.Refused(client.NOT_NEXT))
            connection.hello([self.chain])
            self.assertIsInstance(connection.receive(), client.Ack)
            self.honest(connection)

    def test_after_a_refusal_the_scope_waits_for_hello(self):
        batch = self.chain.next([self.fact(2, 100)])
        with self.agent.greeted() as connection:
            far = client.make_batch(self.agent.keys, SCOPE, 1, 9, batch.hash(), [], [], [])
            connection.send(far.message())
            connection.send(batch.message())
            self.assertEqual(connection.receive(), client.Refused(client.NOT_NEXT, SCOPE, 9))
            self.assertIsNone(connection.receive(QUIET))
            connection.hello([self.chain])
            self.assertIsInstance(connection.receive(), client.Ack)
            self.chain.batches.append(batch)
            self.assertEqual(connection.push(self.chain, batch)[0].sequence, 2)
        self.counted(100)

    def test_more_than_the_credit(self):
        with self.agent.greeted() as connection:
            batches = [self.chain.add([self.fact(10 + i, 1)]) for i in range(40)]
            for batch in batches:
                connection.send(batch.message())
            deadline, done, busy = time.monotonic() + 5 * client.PATIENCE_S, 1, 0
            while done < 41 and time.monotonic() < deadline:
                answer = connection.receive(1)
                if isinstance(answer, client.Ack):
                    done = self.chain.acknowledge(answer.receipt, answer.signature, connection.hub_sign).sequence
                elif isinstance(answer, client.Refused):
                    self.assertEqual((answer.reason, answer.scope), (client.BUSY, SCOPE))
                    busy += 1
                elif answer is None:
                    done = connection.hello([self.chain]).positions[SCOPE].sequence
                    for batch in batches[done - 1:done + 7]:
                        connection.send(batch.message())
        self.assertEqual(done, 41)
        self.assertGreater(busy, 0)
        self.counted(40)

    def test_no_right_month_and_names(self):
        bodies = [self.fact(10, 100), self.fact(11, 100, action="axe3"), self.fact(12, 100, month=202310),
                  self.fact(13, 100, month=202412), self.fact(14, 100, contract="63-ailleurs"), self.fact(15, 100, action="axe9"),
                  client.record(key(16), CONTRACT, "axe1", "inconnu", 202401), self.fact(17, 10 ** 12 + 1),
                  client.record(key(18), CONTRACT, "axe1", "cout", 202401, quantity=1, code="p999"),
                  client.record(key(19), CONTRACT, "axe1", "cout", 202401, quantity=1), self.fact(20, 100) + b"\xc0",
                  b"\xdc\x00\x0f" + self.fact(21, 100)[1:], self.fact(22, 1000, month=202411)]
        self.assertEqual(self.pushed(bodies), [
            (1, client.NO_RIGHT), (2, client.BAD_MONTH), (3, client.BAD_MONTH), (4, client.UNKNOWN_CONTRACT),
            (5, client.UNKNOWN_ACTION), (6, client.BAD_TYPE), (7, client.BAD_QUANTITY), (8, client.BAD_CODE), (9, client.BAD_FIELDS),
            (10, client.UNREADABLE), (11, client.UNREADABLE)])
        self.counted(1100)

    def test_one_reason_of_several(self):
        elsewhere = self.world.path("63-thiers-2024.yaml")
        if not os.path.exists(elsewhere):
            self.world.hub("contract", "add", harness.write_contract_2024(elsewhere)).must()
        bodies = [self.fact(10, 1, month=202501, contract="63-thiers-2024"), client.withdrawal(key(11), "63-thiers-2024"),
                  self.fact(12, 1, action="axe3", month=202501), self.fact(13, 1, action="axe9", month=202501),
                  self.fact(14, 1, action="axe9", month=202501, contract="63-ailleurs"),
                  self.fact(9, 1, action="axe9", month=202501, contract="63-ailleurs"),
                  client.record(key(8), "63-ailleurs", "axe9", "inconnu", 202501)]
        self.assertEqual(self.pushed(bodies), [
            (0, client.NO_RIGHT), (1, client.NO_RIGHT), (2, client.NO_RIGHT), (3, client.UNKNOWN_ACTION), (4, client.UNKNOWN_CONTRACT),
            (5, client.KEY_ORDER), (6, client.BAD_TYPE)])
        self.counted(0)

    def test_a_key_that_comes_again(self):
        """A refused record leaves the one before as it was; another action or type replaces it."""
        self.assertEqual(self.pushed([self.fact(1, 100, action="axe3")]), [(0, client.NO_RIGHT)])
        self.counted(0)
        self.assertEqual(self.pushed([self.fact(1, 7, month=202402)]), [])
        self.counted(2)
        self.assertEqual(self.pushed([client.record(key(1), CONTRACT, "axe2", "consultation_medicale", 202402, quantity=3)]), [])
        for action in ("axe2", "contrat"):
            self.before[action, "3.5.consultations"] = str(int(self.before[action, "3.5.consultations"]) + 3)
        self.counted(-5)

    def test_bad_bodies_of_the_vectors(self):
        """Each is refused for the reason that the vectors give; their month and contract come after that."""
        bad = [each for each in vectors("bodies") if not each["good"]]
        for each in bad:
            linkage = [client.LinkageKey(SCOPE, 1, bytes(32))] if each["number"] == client.BAD_TOKENS else []
            self.assertEqual(self.pushed([bytes.fromhex(each["hex"])], linkage), [(0, each["number"])], each["name"])
        self.counted(0)

    def test_keys_that_do_not_ascend(self):
        bodies = [self.fact(10, 1), self.fact(12, 10), self.fact(11, 100), self.fact(13, 1000), self.fact(13, 10000)]
        self.assertEqual(self.pushed(bodies), [(2, client.KEY_ORDER), (4, client.KEY_ORDER)])
        self.counted(1011)

    def test_refusals_that_were_lost(self):
        lost = self.chain.add([self.fact(10, 100, action="axe3"), self.fact(11, 1)])
        with self.agent.greeted() as connection:
            connection.send(lost.message())
            self.assertIsInstance(connection.receive(), client.Ack)       # and is forgotten
            self.assertEqual(connection.push(self.chain, lost)[1], [[2, 0, client.NO_RIGHT]])
        for acknowledged, refusals in ((1, [[2, 0, client.NO_RIGHT]]), (2, [])):
            self.chain.acknowledged = acknowledged
            with self.agent.connect() as connection:
                connection.hello([self.chain])
                self.assertEqual(connection.receive().refusals, refusals)

    def test_tokens(self):
        linkage = [client.LinkageKey(SCOPE, 1, bytes(32)), client.LinkageKey(SCOPE, 2, bytes([2] * 32))]

        def entree(number, *tokens):
            return client.record(key(number), CONTRACT, "axe1", "entree", 202401, tokens=tokens)

        both = [[each.epoch, None, client.token_i(each.key, AWA), None] for each in linkage]
        self.assertEqual(self.pushed([entree(10, both[0])]), [(0, client.BAD_TOKENS)])
        self.assertEqual(self.pushed([entree(10, both[0]), entree(11, both[1]), entree(12), entree(13, both[1], both[0])], linkage),
                         [(0, client.BAD_TOKENS), (1, client.BAD_TOKENS), (2, client.BAD_TOKENS), (3, client.BAD_TOKENS)])
        self.counted(0)

    def test_absent_body(self):
        batch = self.chain.next([self.fact(10, 1), self.fact(11, 10)])
        whole = list(batch.bodies)
        batch.bodies[0] = None
        self.chain.batches.append(batch)
        with self.agent.greeted() as connection:
            receipt, refusals = connection.push(self.chain, batch)
            self.assertEqual((receipt.sequence, refusals), (2, []))
            self.counted(10)
            batch.bodies = whole
            self.assertEqual(connection.push(self.chain, batch)[0], receipt)
            self.counted(10)
            self.honest(connection, 10)

    def test_empty_batch(self):
        self.assertEqual(self.pushed([]), [])
        self.counted(0)

    def test_keys_are_the_agents_own(self):
        """Another agent's key is another record; a withdrawal that names another contract takes nothing away."""
        neighbour = Agent(self.world, f"voisin-{Hostile.number}")
        with neighbour.greeted() as connection:
            connection.push(neighbour.chain, neighbour.chain.add([client.withdrawal(key(1), CONTRACT)]))
        self.counted(0)
        self.assertEqual(self.pushed([client.withdrawal(key(1), "63-ailleurs")]), [(0, client.UNKNOWN_CONTRACT)])
        self.counted(0)
        self.assertEqual(self.pushed([client.withdrawal(key(1), CONTRACT)]), [])
        self.counted(-5)


if __name__ == "__main__":
    unittest.main()
