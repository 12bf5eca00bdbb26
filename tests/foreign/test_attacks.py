#!/usr/bin/python3
"""What somebody with stolen things, or a right that is not enough, can learn or do: nothing. Each attack is also made with what
the defence keeps from the attacker, where that can be, and then succeeds: the search finds what is there."""

import hashlib
import json
import os
import sys
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import client  # noqa: E402
import harness  # noqa: E402
from contracts import THIERS_2023  # noqa: E402
from generate import DataSet  # noqa: E402
from test_foreign import CONTRACT, SCOPE, Agent, OnHub, key  # noqa: E402

SPITEFUL = ["'; DROP TABLE ctai.record; --", "%s%n%n%x%1000000d", "$$; SELECT pg_sleep(9); $$", "\\'; DELETE FROM ctai.agent; --",
            "${HOME} `id` $(id)", "<script>alert(1)</script>", "=HYPERLINK(\"http://x\")", "\u202ertl"]
TITLES = SPITEFUL[:-1]  # a contract takes no character that turns the direction of writing


def forms(value):
    """A value of 16 bytes as a dump could show it."""
    return {value.hex(), str(uuid.UUID(bytes=value))}


def peppered(pepper, value):
    """What the hub would keep of a token under that pepper."""
    return hashlib.blake2b(value, key=pepper, digest_size=16).digest()


class Stolen(unittest.TestCase):
    """A dump of the database in the wrong hands, with a list of everybody who could be in it."""

    @classmethod
    def setUpClass(cls):
        cls.world = harness.World()
        cls.addClassCleanup(cls.world.close)
        cls.world.start(operators=["cias", "cecler", "fit", "ccas-thiers"])
        taker = Agent(cls.world, "voleur")
        sealed = cls.world.path("voleur.cle")
        cls.world.agent("cias", "key", "grant", "--scope", SCOPE, cls.world.path("voleur.demande"), "--to",
                        taker.keys.identity.fingerprint(), "-o", sealed).must()
        with open(sealed, encoding="ascii") as file:
            cls.linkage = client.read_grant(file.read(), taker.keys)
        data = DataSet(83, 40, THIERS_2023, errors=False)
        for name, paths in data.write(cls.world.path("data")).items():
            cls.world.push(name, paths).must(harness.EX_OK, harness.EX_DATAERR)
        cls.dump = cls.world.dump().decode("utf-8", "replace")
        cls.tokens = set()
        for human in data.humans:
            identity = client.identity_text(human.surname, human.name, human.birth.isoformat())
            cls.tokens.add(client.token_i(cls.linkage.key, identity))
            cls.tokens.add(client.token_m(cls.linkage.key, [identity]))
            if human.number:
                cls.tokens.add(client.token_e(cls.linkage.key, human.number))

    def found(self, values):
        """How many of them the dump shows."""
        return sum(any(form in self.dump for form in forms(value)) for value in values)

    def test_dump_and_linkage_key(self):
        """The list, hashed under the linkage key: nothing of it is in the dump, for the pepper is not."""
        self.assertGreater(len(self.tokens), 80)
        self.assertEqual(self.found(self.tokens), 0)
        with open(os.path.join(self.world.hub_home, "pepper.key"), "rb") as file:
            pepper = file.read()
        self.assertEqual(len(pepper), 32)
        self.assertGreater(self.found(peppered(pepper, each) for each in self.tokens), 40)  # with it, the attack succeeds

    def test_dump_and_one_agents_disk(self):
        """Each stretch of 32 bytes of each file of an agent, tried as the pepper."""
        few = sorted(self.tokens)[:40]
        shown = {line for line in self.dump.replace("\t", "\n").splitlines() if len(line) == 36}
        self.assertGreater(len(shown), 100)
        tried = set()
        for path in harness.files_below(self.world.path("agent-cias")):
            if os.path.getsize(path) <= 4096:
                with open(path, "rb") as file:
                    data = file.read()
                tried |= {data[i:i + 32] for i in range(len(data) - 31)}
        self.assertGreater(len(tried), 100)
        for candidate in tried:
            for each in few:
                self.assertNotIn(str(uuid.UUID(bytes=peppered(candidate, each))), shown)

    def test_neither_key_is_in_the_dump(self):
        secrets = [self.linkage.key]
        for name in ("pepper.key", "curve.key", "sign.key"):
            with open(os.path.join(self.world.hub_home, name), "rb") as file:
                data = file.read()
            secrets.append(data[:32])
            secrets.append(data[-32:])
        for secret in set(secrets) - self.public_keys():
            self.assertNotIn(secret.hex(), self.dump)

    def public_keys(self):
        """Of the hub: what an approval tells everybody."""
        with open(self.world.path(f"cias.{CONTRACT}.agrement"), encoding="ascii") as file:
            approval = client.read_approval(file.read())
        return {approval.curve, approval.sign}


class Curious(OnHub):
    """An agent that would like to know whether others follow somebody."""

    def ask(self, agent, number, linkage, told=False):
        """Pushes a beneficiary; all that the hub says until it is quiet, without what differs from batch to batch. `told`: it
        tells its agents of their contracts anew."""
        identity = client.identity_text("DIALLO", f"Awa{number}", "1990-01-02")
        tokens = [[1, client.token_e(linkage.key, f"63000000{number:02}"), client.token_i(linkage.key, identity), None]]
        with agent.greeted() as connection:
            batch = agent.chain.add([client.record(key(number), CONTRACT, "axe1", "beneficiaire", 202402, tokens=tokens, sex="F",
                                                   bpi=False, under_25=False)], [], [linkage])
            receipt, refusals = connection.push(agent.chain, batch)
            said = [refusals, len(receipt.scope), receipt.stable == receipt.sequence]
            if told:
                self.assertIsInstance(connection.receive(), client.Contracts)
            said.append([answer for answer in iter(lambda: connection.receive(0.3), None) if not isinstance(answer, client.Ack)])
            connection.send(client.pack([client.LIST, SCOPE, 0, None]))
            listed = connection.receive()
        return said, [record[0] for record in listed.records]

    def test_a_pseudonym_that_others_have(self):
        linkage = client.LinkageKey(SCOPE, 1, os.urandom(32))
        one, other = Agent(self.world, "cecler"), Agent(self.world, "fit")
        self.ask(one, 3, linkage, told=True)           # the first of all names the linkage key, of which agents are told
        known, _ = self.ask(one, 1, linkage)
        again, keys = self.ask(other, 1, linkage)      # the hub knows that person
        fresh, _ = self.ask(other, 2, linkage)         # the hub does not
        self.assertEqual(again, known)
        self.assertEqual(again, fresh)
        self.assertEqual(keys, [key(1)])               # its own record, of an equal key, and no other's


class Spiteful(OnHub):
    """Texts that mean something to SQL, to printf, to a shell, to a browser, to a spreadsheet."""

    @classmethod
    def setUpClass(cls):
        cls.world = harness.World()
        cls.addClassCleanup(cls.world.close)
        with open(harness.CONTRACT_FILE, encoding="utf-8") as file:
            text = file.read()
        lines = []
        for line in text.splitlines():
            if line.startswith("titre:"):
                line = f"titre: {json.dumps(SPITEFUL[0], ensure_ascii=False)}"
            elif line.strip().startswith("titre:"):
                line = line[:line.index("titre:")] + f"titre: {json.dumps(TITLES[len(lines) % len(TITLES)], ensure_ascii=False)}"
            lines.append(line)
        cls.contract = cls.world.write("spiteful.yaml", "\n".join(lines) + "\n")
        cls.world.start_hub(cls.contract)

    def test_every_text(self):
        agent = Agent(self.world, "cecler")
        bodies = [client.record(key(i), CONTRACT, "axe1", "narrative", None, code="1.2.outils" if i % 2 else "3.3.outils", text=text)
                  for i, text in enumerate(SPITEFUL)]
        with agent.greeted() as connection:
            receipt, refusals = connection.push(agent.chain, agent.chain.add(bodies))
            self.assertEqual((receipt.sequence, refusals), (1, []))
        for option in ("csv", "json", "table"):
            shown = self.world.hub("report", CONTRACT, "--format", option).must()
            self.assertTrue(shown.text)
        shown = json.dumps(self.world.hub("report", CONTRACT, "--format", "json").must().json(), ensure_ascii=False)
        for text in SPITEFUL:
            self.assertIn(json.dumps(text, ensure_ascii=False)[1:-1], shown)
        self.assertIn("cecler", self.world.hub("agent", "list").must().text)
        self.assertTrue(self.world.hub("status").must().out)

    def test_a_cell_of_free_text_is_no_formula(self):
        rows = self.world.report()
        for row in rows:
            for cell in row.values():
                self.assertFalse(cell.startswith(("=", "+", "@", "\t")), cell)

    def test_operands(self):
        for text in SPITEFUL:
            for words in (("report", text), ("agent", "show", text), ("agent", "revoke", text), ("contract", "show", text),
                          ("report", CONTRACT, "--from", text), ("report", CONTRACT, "--as-of", text)):
                done = self.world.hub(*words)
                self.assertIn(done.code, (harness.EX_USAGE, harness.EX_DATAERR, harness.EX_CONFIG), (words, done.messages))
                self.assertNotIn("SQLSTATE", done.messages, words)

    def test_software(self):
        agent = Agent(self.world, "fit")
        for text in SPITEFUL:
            if len(text.encode()) > 64:
                continue
            with agent.connect() as connection:
                connection.send(client.hello([], software=text))
                self.assertIsInstance(connection.receive(), client.Welcome)
        self.assertIsNone(self.world.services["hub"].process.poll())


if __name__ == "__main__":
    unittest.main()
