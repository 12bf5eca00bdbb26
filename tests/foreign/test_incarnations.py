#!/usr/bin/python3
"""A foreign client against the real hub: incarnations, two machines with one key, what the hub holds, quarantine."""

import dataclasses
import os
import unittest

import client
import test_foreign
from test_foreign import CONTRACT, SCOPE, OnHub, key


class Incarnations(OnHub):
    """One agent of its own for each test."""

    number = 0

    def setUp(self):
        Incarnations.number += 1
        self.agent = test_foreign.Agent(self.world, f"incarnation-{Incarnations.number}")
        self.chain = self.agent.chain

    def fact(self, number, quantity=1):
        """A record that the report counts."""
        return client.record(key(number), CONTRACT, "axe1", "sollicitation", 202401, quantity=quantity)

    def push(self, connection, *bodies):
        """The next batch of the chain; nothing of it is refused."""
        receipt, refusals = connection.push(self.chain, self.chain.add(bodies))
        self.assertEqual((receipt.sequence, refusals), (len(self.chain.batches), []))
        return receipt

    def restored(self, sequence):
        """The chain as an older copy of the machine has it."""
        return client.Chain(self.chain.keys, SCOPE, self.chain.incarnation, self.chain.batches[:sequence])

    def says(self, connection, chain):
        """HELLO of a chain that need not go on from the hub's position; that position."""
        answer = connection.ask(client.hello([chain]))
        self.assertIsInstance(answer, client.Welcome)
        return answer.positions[SCOPE]

    def batch(self, granted, bodies):
        """The first batch after a grant."""
        at = granted.position
        return client.make_batch(self.chain.keys, SCOPE, at.incarnation, at.sequence + 1, at.hash, [], [], bodies)

    def test_a_restored_machine_goes_on(self):
        with self.agent.greeted() as connection:
            for number in range(1, 4):
                self.push(connection, self.fact(number))
        old = self.restored(1)
        with self.agent.connect() as connection:
            seen = self.says(connection, old)
            self.assertEqual((seen.incarnation, seen.sequence, seen.hash), (1, 3, self.chain.hash_of(3)))
            request = os.urandom(16)
            question = client.renew(old.position(), dataclasses.astuple(seen), 2, request)
            granted = connection.ask(question)
            self.assertEqual(granted.request, request)
            self.assertEqual((granted.position.incarnation, granted.position.sequence, granted.position.hash),
                             (2, 3, self.chain.hash_of(3)))
            self.assertEqual(granted.hashes, [self.chain.hash_of(1)])
            self.assertEqual(connection.ask(question), granted, "a request that was lost with its answer")
            # A late batch of before is refused, and proves nothing.
            connection.hello([])
            late = self.chain.next([self.fact(9)])
            self.assertEqual(connection.ask(late.message()), client.Refused(client.BAD_INCARNATION, SCOPE, 4))
            connection.hello([])
            first = self.batch(granted, [self.fact(4)])
            answer = connection.ask_receipt(first)
            self.assertEqual((answer.incarnation, answer.sequence, answer.hash), (2, 4, first.hash()))
            # The request is used up: what it was made for is past.
            self.assertEqual(connection.ask(question), client.Refused(client.NOT_NEXT, SCOPE, 0))

    def test_who_has_not_seen_the_position_is_sent_back(self):
        with self.agent.greeted() as connection:
            self.push(connection, self.fact(1))
            seen = [SCOPE, 1, 1, self.chain.hash_of(1), 1]
            for wrong in ([SCOPE, 1, 0, client.ZERO_HASH, 0], [SCOPE, 2, 1, self.chain.hash_of(1), 0], [SCOPE, 1, 1, bytes([7] * 32), 0]):
                answer = connection.ask(client.renew(self.chain.position(), wrong, 3, os.urandom(16)))
                self.assertEqual(answer, client.Refused(client.NOT_NEXT, SCOPE, 0))
            answer = connection.ask(client.renew(self.chain.position(), seen, 1, os.urandom(16)))
            self.assertEqual(answer, client.Refused(client.NOT_NEXT, SCOPE, 0))
            elsewhere = [["03", 1, 0, client.ZERO_HASH, 0]] * 2
            self.assertEqual(connection.ask(client.renew(*elsewhere, 2, os.urandom(16))), client.Refused(client.BAD_SCOPE, "03", 0))
            self.push(connection, self.fact(2))

    def test_two_machines_are_both_stopped(self):
        with self.agent.greeted() as connection:
            self.push(connection, self.fact(1))
            copy = self.restored(1)
            self.push(connection, self.fact(2))
        with self.agent.connect() as connection:
            seen = self.says(connection, copy)
            granted = connection.ask(client.renew(copy.position(), dataclasses.astuple(seen), 2, os.urandom(16)))
            connection.ask_receipt(self.batch(granted, [self.fact(3)]))
        with self.agent.connect() as connection:
            seen = self.says(connection, self.chain)
            answer = connection.ask(client.renew(self.chain.position(), dataclasses.astuple(seen), 3, os.urandom(16)))
            self.assertEqual(answer, client.Refused(client.FORK, SCOPE, 0))
            self.assertEqual(connection.ask(client.survey(SCOPE)), client.Refused(client.FORK, None, 0))
        with self.agent.connect() as connection:
            self.assertEqual(connection.ask(client.hello([])), client.Refused(client.FORK, None, 0))
        self.assertIn("deux machines", self.world.hub("agent", "show", self.agent.keys.identity.name).must().text)

    def test_what_the_hub_holds(self):
        numbers = {number: 1 for number in range(1, 60)}
        spread = client.record(bytes([200]) + bytes(15), CONTRACT, "axe2", "cout", 202402, quantity=5, code="autre")
        with self.agent.greeted() as connection:
            self.push(connection, *[self.fact(number) for number in numbers], spread)
            self.push(connection, self.fact(5, 9), client.withdrawal(key(6), CONTRACT))
            numbers[5] = 2
            del numbers[6]
            held = [(key(number), CONTRACT, 1, sequence) for number, sequence in sorted(numbers.items())]
            other = [(bytes([200]) + bytes(15), CONTRACT, 1, 1)]
            answer = connection.ask(client.survey(SCOPE))
            self.assertEqual((answer.scope, answer.incarnation, answer.sequence), (SCOPE, 1, 2))
            self.assertEqual(answer.digests, client.digests_of(held + other))
            answer = connection.ask(client.list_bucket(SCOPE, 0))
            self.assertEqual((answer.sequence, answer.bucket, answer.after, answer.more), (2, 0, None, False))
            self.assertEqual(answer.records, held)
            answer = connection.ask(client.list_bucket(SCOPE, 0, key(50)))
            self.assertEqual((answer.after, answer.records), (key(50), [each for each in held if each[0] > key(50)]))
            self.assertEqual(connection.ask(client.list_bucket(SCOPE, 200)).records, other)
            self.assertEqual(connection.ask(client.list_bucket(SCOPE, 7)).records, [])
            self.assertEqual(connection.ask(client.survey("03")), client.Refused(client.BAD_SCOPE, "03", 0))
        with self.agent.connect() as connection:
            self.assertEqual(connection.ask(client.survey(SCOPE)), client.Refused(client.NOT_NEXT, None, 0))

    def test_quarantine(self):
        """The header of a version to come: its number is committed, its bodies are refused, what follows it comes in."""
        with self.agent.greeted() as connection:
            self.push(connection, self.fact(1))
            good = self.chain.next([self.fact(2), self.fact(3), self.fact(4)])
            header = client.pack([*client.unpack(good.header), "what is to come"])
            bodies = [good.bodies[0], None, good.bodies[2]]
            strange = client.Batch(SCOPE, 1, 2, header, self.chain.keys.sign.sign(header).signature, bodies)
            self.chain.batches.append(strange)
            receipt, refusals = connection.push(self.chain, strange)
            self.assertEqual(receipt.hash, strange.hash())
            self.assertEqual(refusals, [[2, 0, client.UNREADABLE], [2, 2, client.UNREADABLE]])
            receipt, refusals = connection.push(self.chain, strange)
            self.assertEqual((receipt.sequence, refusals), (2, [[2, 0, client.UNREADABLE], [2, 2, client.UNREADABLE]]), "it comes again")
            self.push(connection, self.fact(5))
            held = connection.ask(client.list_bucket(SCOPE, 0)).records
            self.assertEqual([each[0] for each in held], [key(1), key(5)])
        shown = self.world.hub("agent", "show", self.agent.keys.identity.name, "--json").must().json()
        self.assertEqual(shown["perimetres"][0]["quarantaine"], 1)
        self.assertIn("quarantaine", self.world.hub("status").must().text)


if __name__ == "__main__":
    unittest.main()
