#!/usr/bin/python3
"""Random records against the oracle: the discrepancies that ctai.discrepancies finds must be those of tests/oracle.

Run by tests/sql/run: random_discrepancies.py [SEEDS [FIRST_SEED]]. Records, and the tables, are those of random_cells.py.
"""

import random
import sys

import psycopg2

from random_cells import ACTIONS, MONTHS, OPERATORS, Hub, make_records, token
import contracts
from discrepancies import Row, discrepancies, matters

LATER = MONTHS + ["2024-12", "2025-03", "2025-06", "2030-01"]


def number(month):
    """2024-01 as the database has it."""
    return int(month.replace("-", "")) if month else None


def found(hub, duties, at, start, end, position, sources):
    """The rows that the database gives, with the records' sources for their keys."""
    rows = hub.ask("SELECT kind, matter, action, operator, month, keys FROM ctai.discrepancies(%s, %s, %s, %s, %s, %s, %s)",
                   (contracts.THIERS_2023["id"], number(start or MONTHS[0]), number(end or MONTHS[-1]), number(at), position,
                    [action for action, _ in duties], [operator for _, operator in duties]))
    if [row[1] for row in rows] != sorted(row[1] for row in rows):
        raise AssertionError("matters are not in their order")
    return [Row(kind, matter, action, operator, f"{month // 100:04}-{month % 100:02}" if month else "",
                frozenset(sources[key] for key in keys)) for kind, matter, action, operator, month, keys in rows]


def cover(hub, dice):
    """Says of some actions that exports of some operators cover them; returns which."""
    covered = {(dice.choice(ACTIONS), dice.choice(OPERATORS)) for _ in range(dice.randint(0, 6))}
    for action, operator in covered:
        hub.ask("INSERT INTO ctai.coverage (scope, agent, contract_id, action, last_month, complete, position)"
                " VALUES ('63', %s, %s, %s, 202311, true, %s)",
                (hub.agents[operator], hub.contracts[contracts.THIERS_2023["id"]], ACTIONS.index(action) + 1, hub.position))
    return covered


def differs(hub, records, position, dice, seed, covered):
    """1 when the two readings do."""
    sources = {token("key", (r.contract, r.source)): r.source for r in records}
    start, end = dice.choice([(None, None), tuple(sorted(dice.sample(MONTHS, 2)))])
    at = dice.choice(LATER)
    duties = sorted({(dice.choice(ACTIONS), dice.choice(OPERATORS)) for _ in range(dice.randint(0, 4))})
    got = matters(found(hub, duties, at, start, end, position, sources))
    wanted = matters(discrepancies(contracts.THIERS_2023, records, duties, at, start, end, covered))
    if got == wanted:
        return 0
    print(f"seed {seed}, {start}..{end}, at {at}, position {position}:")
    for case in got + wanted:
        if (case in got) != (case in wanted):
            print(f"    {'found' if case in got else 'wanted'} {case}")
    return 1


def try_seed(connection, seed):
    """Records of two contracts, then some withdrawn; both positions, for several periods and months."""
    dice = random.Random(f"discrepancies {seed}")
    hub = Hub(connection)
    first = make_records(dice, contracts.THIERS_2023["id"], dice.choice([2, 5, 10, 40, 150]))
    first += make_records(dice, "other", dice.choice([0, 5, 30]))
    hub.put(first)
    then = hub.position
    gone = dice.sample(first, len(first) // 3)
    hub.withdraw(gone)
    left = [r for r in first if r not in gone]
    covered = cover(hub, dice)
    wrong = sum(differs(hub, first, then, dice, seed, covered) + differs(hub, left, hub.position, dice, seed, covered) for _ in range(4))
    connection.rollback()
    return wrong


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    connection = psycopg2.connect("")
    wrong = sum(try_seed(connection, seed) for seed in range(first, first + seeds))
    print(f"{'FAILED' if wrong else 'ok':7} random_discrepancies: {8 * seeds} lists, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
