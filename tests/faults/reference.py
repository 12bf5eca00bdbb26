"""What the database must hold: the exports that were given to the agents, read by the independent oracle.

`Exports` makes successive exports of the offices, `Reference` follows what each agent has pushed, and
`check` compares a hub's database with it: every cell of every contract, every record, and the ledger.
"""

import collections
import hashlib
import os
import unittest

import harness
import msgpack
from contracts import THIERS_2023, THIERS_2024
from differences import Held, push
from evaluate import evaluate
from generate import DataSet
from records import make_records

CONTRACTS = {contract["id"]: contract for contract in (THIERS_2023, THIERS_2024)}
HASH_BYTES = 32
PREVIOUS_FIELD = 5

RECORDS_SQL = """
SELECT a.name, c.id, x.code, r.type::text, r.month, r.quantity, r.code, r.sex::text, r.bpi, r.under_25,
       r.token_e IS NOT NULL, r.token_i IS NOT NULL, r.token_m IS NOT NULL, r.reference IS NOT NULL
  FROM ctai.record AS r JOIN ctai.agent AS a USING (agent) JOIN ctai.contract AS c USING (contract_id)
  JOIN ctai.contract_action AS x ON (x.contract_id, x.action) = (r.contract_id, r.action)
"""
PEOPLE_SQL = "SELECT count(DISTINCT token_e), count(DISTINCT token_i), count(DISTINCT token_m) FROM ctai.record"
LEDGER_SQL = """
SELECT a.name, l.scope, l.sequence, l.header_hash, l.header
  FROM ctai.ledger AS l JOIN ctai.agent AS a USING (agent) ORDER BY a.name, l.scope, l.sequence
"""


class Exports:
    """Exports of the same offices, one after the other, of two sets of people in turn: so each changes much."""

    def __init__(self, directory, seed, people, count):
        sets = [DataSet(2 * seed + i, people, contract) for i, contract in enumerate(CONTRACTS.values())]
        self.files, self._outcomes = [], {}
        for number in range(count):
            which = number % len(sets)
            self.files.append(sets[which].write(os.path.join(directory, str(number)), contract_column=False))
            sets[which] = sets[which].change()

    def __len__(self):
        return len(self.files)

    def outcome(self, agent, operator, contract, number):
        """What an agent makes of one of them for a contract."""
        key = agent, contract, number
        if key not in self._outcomes:
            self._outcomes[key] = make_records(agent, CONTRACTS[contract], *self.files[number][operator])
        return self._outcomes[key]


class Reference:
    """What the hub must hold of each agent and contract."""

    def __init__(self):
        self.held = {}

    def push(self, agent, contract, outcome):
        """Follows a push; returns the counts that it must say."""
        key = agent, contract
        self.held[key], counts = push(self.held.get(key, Held()), outcome)
        return counts

    def records(self):
        """All records that must be there."""
        return [record for held in self.held.values() for record in held.records.values()]


def row_of(record):
    """A record of the oracle as RECORDS_SQL gives it."""
    person = record.type == "beneficiaire"
    quantity = record.days if record.type == "sortie" else record.quantity
    return (record.operator, record.contract, record.action, record.type, int(record.month.replace("-", "")), quantity,
            record.code, (record.sex or None) if person else None, record.bpi if person else None,
            record.under_25 if person else None, record.number is not None, record.string is not None,
            record.household is not None, record.reference is not None)


def query(connection, sql):
    """All rows of a query, in a transaction of its own."""
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def check_records(case, connection, reference):
    """Each record is there exactly once, and as many people and households as the files have."""
    records = reference.records()
    got = collections.Counter(query(connection, RECORDS_SQL))
    wanted = collections.Counter(row_of(record) for record in records)
    lost, extra = wanted - got, got - wanted
    case.assertFalse(lost or extra, f"{sum(lost.values())} records are lost, {sum(extra.values())} are not of the files:"
                                    f"\nlost {list(lost)[:5]}\nextra {list(extra)[:5]}")
    people = tuple(len({getattr(record, name) for record in records} - {None}) for name in ("number", "string", "household"))
    case.assertEqual(query(connection, PEOPLE_SQL)[0], people, "numbers, identities and households")
    case.assertEqual(query(connection, "SELECT count(*) FROM ctai.refusal")[0][0], 0, "records were refused")


def check_ledger(case, connection):
    """Every agent's batches are there once, in order, each on the one before; returns {agent: the last sequence}."""
    last = {}
    for name, scope, sequence, header_hash, header in query(connection, LEDGER_SQL):
        before, before_hash = last.get((name, scope), (0, bytes(HASH_BYTES)))
        header = bytes(header)
        case.assertEqual(sequence, before + 1, f"{name}: a batch is missing in the ledger")
        case.assertEqual(hashlib.blake2b(header, digest_size=HASH_BYTES).digest(), bytes(header_hash), name)
        case.assertEqual(msgpack.unpackb(header)[PREVIOUS_FIELD], before_hash, f"{name} {sequence}: the chain is broken")
        last[name, scope] = sequence, bytes(header_hash)
    return {name: sequence for (name, _), (sequence, _) in last.items()}


def check(world, connection, reference, label):
    """The database equals the reference in everything; returns the last sequence of each agent."""
    case = unittest.TestCase()
    case.maxDiff = None
    check_records(case, connection, reference)
    for contract in CONTRACTS.values():
        harness.compare(case, world.report(contract["id"]), evaluate(contract, reference.records()), f"{label} {contract['id']}")
    return check_ledger(case, connection)
