#!/usr/bin/python3
"""Random records against the oracle: every cell of ctai.report must be the one that tests/oracle reads from the rules.

Run by tests/sql/run (which names the database in PGHOST...): random_cells.py [SEEDS [FIRST_SEED]]
Records are made directly, without files, from few people and few words, so that identities collide, numbers contradict
each other, sexes differ and sessions share names. Of each data set the whole contract, sub-periods and earlier
positions are compared; the earlier positions after a second round that replaces and withdraws records. Another data
set of each seed goes through rotations of the linkage key, in which some records follow and some do not; the oracle knows of keys
only that people whose tokens are read under different ones are different people.
"""

import hashlib
import os
import random
import sys
from dataclasses import replace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oracle"))

import psycopg2  # noqa: E402
import psycopg2.extras  # noqa: E402

import contracts  # noqa: E402
import region as oracle_region  # noqa: E402
from evaluate import evaluate  # noqa: E402
from records import Record  # noqa: E402
from tables import LEVELS  # noqa: E402

MONTHS = ["2023-11", "2023-12"] + [f"2024-{m:02}" for m in range(1, 12)]
OPERATORS = ["cias", "cecler", "fit"]
ACTIONS = ["axe1", "axe2", "axe3"]
DETAILS = {
    "sortie": ["emploi_durable", "emploi_6_mois", "emploi", "formation", "autre"],
    "suivi_6_mois": ["positif", "negatif"],
    "seance": ["francais", "numerique", "laicite", "egalite", "citoyennete", "parentalite", "liens_societe", "autre"],
    "niveau_debut": LEVELS, "niveau_fin": LEVELS,
    "autonomie": ["suivi_medical", "parentalite", "scolarite"],
    "cout": ["p104", "autre"],
}
PERSON_TYPES = ["entree", "sortie", "suivi_6_mois", "presence", "niveau_debut", "niveau_fin", "autonomie"]
OF_BENEFICIARIES = ["3.1.assidus", "3.1.progres_cecrl", "L.assiduite"]
REFERENCE_TYPES = ["seance", "formation_acteurs", "binome_mentorat", "evenement_sportif", "evenement_culturel"]
BARE_TYPES = REFERENCE_TYPES + ["consultation_medicale", "outil_numerique", "sollicitation", "acteurs_formes", "cout"]


def make_records(dice, contract, size):
    """Records as honest agents make them: with each person's fact the beneficiary record of its month."""
    records = []
    numbers = [f"n{k}" for k in range(dice.randint(1, 6))]
    strings = [f"s{k}" for k in range(dice.randint(1, 8))]
    types = dice.sample(PERSON_TYPES + BARE_TYPES + ["logement_perenne", "beneficiaire"], dice.randint(1, 18))
    months = dice.sample(MONTHS, dice.randint(1, len(MONTHS)))
    for _ in range(size):
        kind = dice.choice(types)
        common = {"operator": dice.choice(OPERATORS), "contract": contract, "action": dice.choice(ACTIONS),
                  "month": dice.choice(months), "source": ()}
        code = dice.choice(DETAILS[kind]) if kind in DETAILS else None
        if kind in BARE_TYPES:
            records.append(Record(type=kind, code=code, quantity=dice.choice([0, 1, 5, 20, 40, 80, 79, 12345]),
                                  reference=f"r{dice.randint(0, 3)}" if kind in REFERENCE_TYPES else None, **common))
            continue
        if kind == "logement_perenne":
            records.append(Record(type=kind, household=f"h{dice.randint(0, 3)}", **common))
            continue
        string, number = dice.choice(strings), dice.choice(numbers + [None] * dice.randint(1, 6))
        records.append(Record(type="beneficiaire", number=number, string=string, sex=dice.choice(["F", "H", ""]),
                              bpi=dice.random() < 0.4, under_25=dice.random() < 0.3, **common))
        if kind == "beneficiaire":
            continue
        quantity = dice.choice([None, 0, 100, 101, 125]) if kind == "entree" else dice.choice([0, 80, 100, 81])
        records.append(Record(type=kind, number=number, string=None if number else string, code=code,
                              quantity=quantity if kind in ("entree", "presence") else None,
                              days=dice.randint(0, 400) if kind == "sortie" else None, **common))
    return [replace(record, source=(place,)) for place, record in enumerate(records)]


def token(kind, word, epoch=""):
    return hashlib.md5(f"{kind}{epoch}{word}".encode()).hexdigest() if word is not None and epoch is not None else None


def read_epoch(epochs, linkage):
    """Of which epoch a record's tokens are read where people are linked under an epoch; epochs: those of its token sets."""
    return max((each for each in epochs if each <= linkage), default=epochs[0])


def as_read(record, epoch):
    """The record as the oracle shall know it."""
    tagged = {name: f"{epoch}:{getattr(record, name)}" for name in ("number", "string", "household")
              if getattr(record, name) is not None}
    return replace(record, **tagged)


class Hub:
    """The tables, written as the store writes them, in one transaction that is rolled back."""

    def __init__(self, connection):
        self.connection = connection
        self.cursor = connection.cursor()
        self.ask("INSERT INTO ctai.agent (name, curve, sign, box) SELECT n, sha256(('c' || n)::bytea),"
                 " sha256(('s' || n)::bytea), sha256(('b' || n)::bytea) FROM unnest(%s) AS n", (OPERATORS,))
        self.ask("INSERT INTO ctai.contract (id, scope) VALUES ('other', '63')")
        self.ask("INSERT INTO ctai.contract_version SELECT (SELECT contract_id FROM ctai.contract WHERE id = 'other'), version,"
                 " position, registered_at, title, department, region, first_day, last_day, '' FROM ctai.contract_version")
        self.ask("INSERT INTO ctai.contract_action SELECT (SELECT contract_id FROM ctai.contract WHERE id = 'other'), action,"
                 " code FROM ctai.contract_action")
        self.ask("INSERT INTO ctai.contract_version_action SELECT (SELECT contract_id FROM ctai.contract WHERE id = 'other'),"
                 " version, action, rank, title FROM ctai.contract_version_action")
        self.agents = dict(self.ask("SELECT name, agent FROM ctai.agent"))
        self.contracts = dict(self.ask("SELECT id, contract_id FROM ctai.contract"))
        self.position = self.ask("SELECT position FROM ctai.scope WHERE scope = '63'")[0][0]
        self.add_epoch(1)

    def ask(self, sql, parameters=None):
        self.cursor.execute(sql, parameters)
        return self.cursor.fetchall() if self.cursor.description else []

    def _next(self):
        self.position += 1
        self.ask("UPDATE ctai.scope SET position = %s WHERE scope = '63'", (self.position,))

    def add_epoch(self, epoch):
        self.ask("INSERT INTO ctai.scope_key (scope, epoch, scheme, key_id) VALUES ('63', %s, 1, %s)", (epoch, token("id", epoch)))

    def close_epoch(self, epoch):
        """At a position of its own."""
        self._next()
        self.ask("UPDATE ctai.scope_key SET closed_position = %s, closed_at = now() WHERE epoch = %s", (self.position, epoch))

    def put(self, records, epochs=None):
        """epochs: of each record's token sets, one or two; by default the first alone."""
        self._next()
        epochs = epochs or [(1,)] * len(records)
        rows = [(self.position, 1, 1, r.days if r.type == "sortie" else r.quantity, self.agents[r.operator],
                 self.contracts[r.contract], int(r.month.replace("-", "")), r.type, r.sex or None,
                 ACTIONS.index(r.action) + 1, r.bpi if r.type == "beneficiaire" else None,
                 r.under_25 if r.type == "beneficiaire" else None, token("key", (r.contract, r.source)), token("r", r.reference),
                 "63", r.code) + tuple(field for epoch in (*of, None)[:2] for field in (
                     epoch, token("e", r.number, epoch), token("i", r.string, epoch), token("m", r.household, epoch)))
                for r, of in zip(records, epochs)]
        psycopg2.extras.execute_values(
            self.cursor, "INSERT INTO ctai.record (position, incarnation, sequence, quantity, agent, contract_id, month, type,"
            " sex, action, bpi, under_25, key, reference, scope, code, epoch, token_e, token_i, token_m, epoch2, token_e2,"
            " token_i2, token_m2) VALUES %s", rows,
            template="(%s,%s,%s,%s,%s,%s,%s,%s::ctai.fact,%s::ctai.sex,%s,%s,%s,%s::uuid,%s::uuid,%s,%s"
                     + 2 * ",%s::bigint,%s::uuid,%s::uuid,%s::uuid" + ")")

    def withdraw(self, records):
        self._next()
        keys = [token("key", (r.contract, r.source)) for r in records]
        self.ask("WITH gone AS (DELETE FROM ctai.record WHERE scope = '63' AND key = ANY (%s::uuid[]) RETURNING *)"
                 " INSERT INTO ctai.record_history SELECT gone.*, %s FROM gone", (keys, self.position))

    def report(self, start, end, position):
        number = lambda month: int(month.replace("-", "")) if month else None  # noqa: E731
        rows = self.ask("SELECT action, indicator, target, value, state FROM ctai.report(%s, %s, %s, %s)",
                        (contracts.THIERS_2023["id"], number(start), number(end), position))
        return [[field or "" for field in row] for row in rows]


# The two contracts of a scope and a department, as the region reads them; the second declares nothing of its own.
REGION = [{**contracts.THIERS_2023, "department": "63"}, {**contracts.THIERS_2023, "id": "other", "department": "63", "own": []}]


def compare_region(hub, records, start, end, seed):
    """The cells that a region adds up, and on whom each rests, now; the number of those that differ."""
    wanted = oracle_region.region(REGION, {"63": records}, start, end)
    number = lambda month: int(month.replace("-", "")) if month else None  # noqa: E731
    rows = hub.ask("SELECT coalesce(department, '63'), coalesce(contract, ''), coalesce(indicator, '1.1.distinct'), coalesce(value, ''), rests"
                   " FROM ctai.region_cells('84', '63', %s, %s) WHERE contract IS NOT NULL OR department IS NOT NULL", (number(start), number(end)))
    got = {row[:3]: row[3:] for row in rows}
    got.setdefault(("63", "", "1.1.distinct"), ("0", 0))
    wrong = 0
    for key, right in wanted.items():
        if (key[1] or key[2] == "1.1.distinct") and key[0] and got.get(key) != right:
            wrong += 1
            print(f"seed {seed}, {start}..{end}, region: {key}: got {got.get(key)}, wanted {right}")
    return wrong


def compare(hub, records, start, end, position, seed, but=()):
    """The number of differing cells, which are printed; but: not of these indicators."""
    wanted = evaluate(contracts.THIERS_2023, records, start, end)
    got = hub.report(start, end, position)
    assert len(got) == len(wanted), (len(got), len(wanted))
    wrong = 0
    for have, row in zip(got, wanted):
        expected = [row["action"], row["indicateur"], row["objectif"], row["realise"], row["statut"]]
        if have != expected and row["indicateur"] not in but:
            wrong += 1
            print(f"seed {seed}, {start}..{end}, position {position}: got {have}, wanted {expected}")
    return wrong


def try_seed(connection, seed):
    dice = random.Random(seed)
    hub = Hub(connection)
    wrong = 0
    size = dice.choice([3, 10, 40, 200])
    first = make_records(dice, contracts.THIERS_2023["id"], size) + make_records(dice, "other", dice.choice([0, 5, 30]))
    hub.put(first)
    then = hub.position
    gone = dice.sample(first, len(first) // 3)
    hub.withdraw(gone)
    left = [r for r in first if r not in gone]
    fresh = [replace(r, source=r.source + (1,)) for r in make_records(dice, contracts.THIERS_2023["id"], size // 2)]
    hub.put(fresh)
    periods = [(None, None)] + [tuple(sorted(dice.sample(MONTHS, 2))) for _ in range(4)] + [(dice.choice(MONTHS), None)]
    for start, end in periods:
        wrong += compare(hub, first, start, end, then, seed)
        wrong += compare(hub, left + fresh, start, end, hub.position, seed)
        wrong += compare_region(hub, left + fresh, start, end, seed)
    # Then from standing cells: of one contract, with the other evaluated, and of both.
    marked = [contract for contract, in hub.ask("SELECT contract_id FROM ctai.marked()")]
    for contract in dice.sample(marked, len(marked)):
        hub.ask("SELECT ctai.consolidate(%s)", (contract,))
        for start, end in periods[:2]:
            wrong += compare(hub, left + fresh, start, end, hub.position, seed)
            wrong += compare_region(hub, left + fresh, start, end, seed)
    connection.rollback()
    return wrong


def try_rotation(connection, seed):
    """Records come again under other keys, between epochs that begin and are closed; each position is looked at, at the end."""
    dice = random.Random(f"rotation {seed}")
    hub = Hub(connection)
    standing = {}                                      # record: the epochs of its token sets
    moments = []                                       # position, linkage epoch, what stood
    first = make_records(dice, contracts.THIERS_2023["id"], dice.choice([3, 10, 40, 100])) + make_records(dice, "other", dice.choice([0, 5, 30]))
    held = {operator: (1,) for operator in OPERATORS}
    lowest, highest, withdrawn = 1, 1, False

    def put(records):
        epochs = [held[record.operator] for record in records]
        if dice.random() < 0.2:                        # an old batch, by an agent that held other keys
            epochs = [tuple(sorted(dice.sample(range(1, highest + 1), min(highest, dice.randint(1, 2))))) for _ in records]
        hub.put(records, epochs)
        standing.update(zip(records, epochs))

    put(first)
    for _ in range(dice.choice([2, 6, 20])):
        step = dice.choice(["rotate", "hold", "hold", "again", "again", "withdraw", "close", "close"])
        if step == "rotate" and highest - lowest < 1:
            highest += 1
            hub.add_epoch(highest)
        elif step == "hold":
            held[dice.choice(OPERATORS)] = dice.choice([(lowest, highest) if lowest < highest else (highest,), (highest,)])
        elif step == "close" and lowest < highest:
            hub.close_epoch(lowest)
            lowest += 1
        elif step in ("again", "withdraw") and standing:
            some = dice.sample(list(standing), dice.randint(1, len(standing)))
            hub.withdraw(some)
            for record in some:
                del standing[record]
            if step == "again":
                put(some)
            else:
                withdrawn = True
        moments.append((hub.position, lowest, dict(standing), withdrawn))
    wrong = 0
    for position, linkage, stood, parted in {moment[0]: moment for moment in moments}.values():
        start, end = dice.choice([(None, None), tuple(sorted(dice.sample(MONTHS, 2)))])
        read = [as_read(record, read_epoch(epochs, linkage)) for record, epochs in stood.items()]
        # An agent that has followed in part may have parted a person's facts from the beneficiary record that belongs to them.
        parted |= any(len({read_epoch(epochs, linkage) for record, epochs in stood.items() if record.operator == operator}) > 1
                      for operator in OPERATORS)
        wrong += compare(hub, read, start, end, position, f"rotation {seed}", OF_BENEFICIARIES if parted else ())
    connection.rollback()
    return wrong


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    connection = psycopg2.connect("")
    wrong = sum(try_seed(connection, seed) + try_rotation(connection, seed) for seed in range(first, first + seeds))
    print(f"{'FAILED' if wrong else 'ok':7} random_cells: {2 * seeds} data sets, {wrong} cells differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
