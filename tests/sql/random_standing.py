#!/usr/bin/python3
"""Random lives of two contracts of a scope: after each step, what has no mark stands, and what stands is what the records give.

Run by tests/sql/run (which names the database in PGHOST...): random_standing.py [SEEDS [FIRST_SEED]]
Few people in both contracts, so that numbers that come and go in one part and join records of the other; batches, corrections,
withdrawals, numbers that are found out or forgotten, erasures, rotations of the linkage key, amendments, indicators that change, purges. After each step, before and after
some contracts are consolidated, ctai.cells_wrong compares each standing cell in every column with a fresh evaluation; in the end all
are consolidated, all have to stand, and the report of what stands is compared with that of an evaluation.
"""

import random
import sys
from dataclasses import replace

import psycopg2

from random_cells import ACTIONS, OPERATORS, Hub, contracts, make_records, token

MAIN = contracts.THIERS_2023["id"]
FOREVER = 9223372036854775807
AMEND = """
INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day, definition, amendment, effective_day)
    SELECT contract_id, version + 1, %(position)s, title, department, region, first_day, %(last_day)s, '', version, %(day)s
    FROM ctai.contract_version WHERE contract_id = %(contract)s ORDER BY version DESC LIMIT 1;
INSERT INTO ctai.contract_version_action SELECT contract_id, version + 1, action, rank, title FROM ctai.contract_version_action
    WHERE contract_id = %(contract)s AND version = (SELECT max(version) - 1 FROM ctai.contract_version WHERE contract_id = %(contract)s)
      AND action <> %(without)s;
INSERT INTO ctai.indicator (contract_id, version, rank, code, label, unit, kind, measure, types, details, sex, bpi, under_25, share, not_done)
    SELECT %(contract)s, (SELECT max(version) FROM ctai.contract_version WHERE contract_id = %(contract)s), rank, code || '*', label, unit, kind, measure,
           types, details, sex, bpi, under_25, share, not_done FROM ctai.indicator WHERE contract_id = 0 AND rank %% 7 = %(some)s
"""


class Life:
    """What has been written, and the dice."""

    def __init__(self, connection, seed):
        self.dice = random.Random(f"standing {seed}")
        self.hub = Hub(connection)
        self.ask = self.hub.ask
        self.records, self.steps = [], 0
        self.lowest = self.highest = 1

    def put(self):
        """A batch of both contracts, of few people."""
        self.steps += 1
        fresh = []
        for contract, size in ((MAIN, self.dice.choice([0, 1, 5, 20])), ("other", self.dice.choice([0, 1, 5]))):
            fresh += [replace(r, source=r.source + (self.steps,)) for r in make_records(self.dice, contract, size)]
        if fresh:
            sets = [tuple(sorted({self.lowest, self.dice.choice([self.lowest, self.highest])})) for _ in fresh]
            self.hub.put(fresh, sets)
            self.records += fresh

    def some(self):
        """A few of the records that stand."""
        return self.dice.sample(self.records, min(len(self.records), self.dice.choice([1, 1, 3, 10])))

    def withdraw(self):
        """Some go."""
        gone = self.some()
        if gone:
            self.hub.withdraw(gone)
            self.records = [r for r in self.records if r not in gone]

    def correct(self):
        """Some are something else from now on: another month, type of fact, sex, number; the key is the same."""
        self.hub._next()
        for one in self.some():
            key = token("key", (one.contract, one.source))
            self.ask("INSERT INTO ctai.record_history SELECT *, %s FROM ctai.record WHERE key = %s::uuid", (self.hub.position, key))
            self.ask(self.dice.choice([
                "UPDATE ctai.record SET position = %s, month = 202401 WHERE key = %s::uuid",
                "UPDATE ctai.record SET position = %s, quantity = 7 WHERE key = %s::uuid",
                "UPDATE ctai.record SET position = %s, sex = 'F', bpi = true, under_25 = true WHERE key = %s::uuid AND type = 'beneficiaire'",
                "UPDATE ctai.record SET position = %s, type = 'entree', bpi = NULL, under_25 = NULL, sex = NULL"
                " WHERE key = %s::uuid AND type = 'beneficiaire'",
                "UPDATE ctai.record SET position = %s, action = 2 WHERE key = %s::uuid",
            ]), (self.hub.position, key))

    def relink(self):
        """A beneficiary's number is forgotten, or found out, in one of the sets of tokens or in both."""
        known = [r for r in self.records if r.type == "beneficiaire"]
        if known:
            self.hub._next()
            one = self.dice.choice(known)
            key = token("key", (one.contract, one.source))
            number = self.dice.choice([None, None, "n0", "n1"])
            sets = [("token_e", "token_i", self.lowest), ("token_e2", "token_i2", self.highest)]
            for column, identity, epoch in self.dice.sample(sets, self.dice.choice([1, 2, 2])):
                self.ask(f"UPDATE ctai.record SET position = %s, {column} = %s::uuid WHERE key = %s::uuid AND {identity} IS NOT NULL",
                         (self.hub.position, token("e", number, epoch), key))

    def erase(self):
        """As an agent's erasure does."""
        self.hub._next()
        gone = self.some()
        for operator in OPERATORS:
            own = [r for r in gone if r.operator == operator]
            if own:
                self.ask("SELECT ctai.erase_records('63', %s, %s, %s::uuid[], %s)",
                         (self.hub.agents[operator], self.hub.position, [token("key", (r.contract, r.source)) for r in own],
                          [self.hub.contracts[r.contract] for r in own]))
        self.records = [r for r in self.records if r not in gone]

    def rotate(self):
        """The next epoch begins, or the first of two is closed."""
        if self.lowest == self.highest:
            self.highest += 1
            self.hub.add_epoch(self.highest)
        else:
            self.hub.close_epoch(self.lowest)
            self.lowest += 1

    def amend(self):
        """Another last day, an action less, other indicators of its own."""
        self.hub._next()
        self.ask(AMEND, {"contract": self.hub.contracts[self.dice.choice([MAIN, "other"])], "position": self.hub.position,
                         "last_day": self.dice.choice(["2024-11-29", "2024-08-31"]), "day": "2024-02-01",
                         "without": self.dice.choice([0, 0, *range(1, len(ACTIONS) + 1)]), "some": self.dice.randrange(7)})

    def relist(self):
        """The national list changes, as by another version of the program."""
        self.ask("UPDATE ctai.indicator SET details = %s WHERE contract_id = 0 AND code = '3.3.heures'",
                 (self.dice.choice([["laicite"], ["laicite", "autre"], None]),))

    def narrate(self):
        """A text."""
        self.hub._next()
        self.ask("INSERT INTO ctai.record (position, incarnation, sequence, scope, agent, key, contract_id, action, type, code, narrative)"
                 " VALUES (%s, 1, 1, '63', %s, %s::uuid, %s, 1, 'narrative', '1.2.outils', %s)",
                 (self.hub.position, self.hub.agents["cias"], token("key", ("text", self.hub.position)), self.hub.contracts[MAIN],
                  f"Texte {self.hub.position}"))

    def purge(self):
        """The other contract's records go; those who were in it stay in the first."""
        self.ask("SELECT * FROM ctai.purge_contracts(%s)", ([self.hub.contracts["other"]],))
        self.records = [r for r in self.records if r.contract == MAIN]

    def consolidate(self, contracts_):
        """As the hub's thread does."""
        for one in contracts_:
            assert self.ask("SELECT ctai.consolidate(%s)", (one,)) == [(True,)]

    def wrong(self, when):
        """The number of standing cells that differ, said with the step."""
        rows = self.ask("SELECT * FROM ctai.cells_wrong()")
        if rows:
            print(f"{when}: {len(rows)} standing cells differ, the first is {rows[0]}")
        return len(rows)


def report(life, contract):
    return life.ask("SELECT * FROM ctai.report(%s, NULL, NULL, (SELECT position FROM ctai.scope WHERE scope = '63'))", (contract,))


def try_life(connection, seed):
    """The number of wrong cells, and how many contracts stood unmarked when they were compared."""
    life = Life(connection, seed)
    wrong = stood = 0
    steps = [life.put] * 6 + [life.withdraw] * 4 + [life.correct] * 3 + [life.relink] * 6 + [life.erase] * 2 + [life.rotate] * 3 + [life.amend, life.relist, life.narrate]
    for number in range(life.dice.choice([5, 15, 30])):
        step = life.dice.choice(steps)
        step()
        when = f"seed {seed}, step {number} ({step.__name__})"
        stood += life.ask("SELECT count(*) FROM ctai.standing AS s WHERE ctai.stands(contract_id, version, from_month, to_month, %s)", (FOREVER,))[0][0]
        wrong += life.wrong(when)
        marked = [row[0] for row in life.ask("SELECT contract_id FROM ctai.marked()")]
        life.consolidate(life.dice.sample(marked, life.dice.randint(0, len(marked))))
        wrong += life.wrong(when + ", consolidated")
    if life.dice.random() < 0.3:
        life.purge()
        wrong += life.wrong(f"seed {seed}, purge")
    before = {contract: report(life, contract) for contract in (MAIN, "other")}
    life.consolidate(row[0] for row in life.ask("SELECT contract_id FROM ctai.marked()"))
    assert not life.ask("SELECT FROM ctai.marked()")
    unsound = life.ask("SELECT c.id FROM ctai.contract AS c WHERE NOT EXISTS (SELECT FROM ctai.standing AS s WHERE s.contract_id = c.contract_id"
                       " AND ctai.stands(s.contract_id, s.version, s.from_month, s.to_month, %s))", (FOREVER,))
    assert not unsound, unsound
    wrong += life.wrong(f"seed {seed}, end")
    for contract, rows in before.items():
        wrong += report(life, contract) != rows
    connection.rollback()
    return wrong, stood


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    connection = psycopg2.connect("")
    results = [try_life(connection, seed) for seed in range(first, first + seeds)]
    wrong, stood = sum(each[0] for each in results), sum(each[1] for each in results)
    if not stood:
        print("nothing stood without a mark beside what was touched: this proves nothing")
    print(f"{'FAILED' if wrong or not stood else 'ok':7} random_standing: {seeds} lives, {wrong} cells differ ({stood} contracts stood through a step)")
    return 1 if wrong or not stood else 0


if __name__ == "__main__":
    sys.exit(main())
