"""A region's report from its contracts' records, written from DOMAIN.md and INTERFACE.md alone: what each cell is before
anything is masked, and on how many persons, households or records it rests.

A contract is that of contracts.py with `department` added.
"""

from fractions import Fraction

from cells import DAYS_PER_MONTH, NATIONAL, Cells, People
from values import half_up, no_trailing_zeros

DISTINCT = "1.1.distinct"
_PERSONS = ("people", "facts", "attendance", "progress", "households")


class Part:
    """What one contract adds to a cell."""

    def __init__(self, cells, people, indicator):
        _, kind, types, details = indicator
        read = cells._read(types, details) if kind not in ("text",) else []
        self.kind, self.count, self.details = kind, 0, set()
        if kind == "hours":
            self.amount = cells.minutes_once(types, details)
        elif kind in ("euros", "sum"):
            self.amount = sum(r.quantity for r in read)
        elif kind == "duration":
            self.amount, self.count = sum(r.days for r in read), len(read)
        elif kind == "list":
            self.details, self.amount = {r.code for r in read}, 0
        elif kind == "text":
            self.amount = 0
        else:
            self.amount = int(cells.value(kind, types, details)) if cells.was_collected(types) else 0
        if kind.startswith(_PERSONS):
            self.rests = self.amount
        elif kind == "duration":
            self.rests = len({people.of(r) for r in read})
        else:
            self.rests = 0 if kind in ("euros", "text") else len(read)


def shown(parts, indicator):
    """The value of a cell of some contracts, as the CSV writes it."""
    kind, total = indicator[1], sum(p.amount for p in parts)
    if kind == "hours":
        return no_trailing_zeros(half_up(Fraction(total, 60), 2))
    if kind == "euros":
        return no_trailing_zeros(half_up(Fraction(total, 100), 2))
    if kind == "duration":
        count = sum(p.count for p in parts)
        return half_up(Fraction(total, count) / DAYS_PER_MONTH, 1) if count else ""
    if kind == "list":
        found = set().union(*(p.details for p in parts))
        return ";".join(d for d in indicator[3] if d in found)
    return "" if kind == "text" else str(total)


def persons(contracts, records, people, start, end):
    """Everybody who benefits in some contracts of one scope."""
    found = set()
    for contract in contracts:
        first, last = max(start or "", contract["first"][:7]), min(end or "9999-12", contract["last"][:7])
        found |= {people.of(r) for r in records
                  if r.contract == contract["id"] and r.type == "beneficiaire" and first <= r.month <= last}
    return found


def region(contracts, records_of, start=None, end=None):
    """{(department, contract, indicator): (value, rests)}, '' above a level; records_of: {scope: its records}.

    Own indicators are summed where all contracts that have the code declare it alike.
    """
    inside = [c for c in contracts if (start or "") <= c["last"][:7] and c["first"][:7] <= (end or "9999-12")]
    people = {scope: People(records) for scope, records in records_of.items()}
    parts, result = {}, {}
    for contract in inside:
        scope = contract["scope"]
        mine = [r for r in records_of[scope] if r.contract == contract["id"]]
        first, last = contract["first"][:7], contract["last"][:7]
        cells = Cells(mine, people[scope], None, first, max(start or first, first), min(end or last, last))
        for indicator in NATIONAL + [tuple(own) for own in contract.get("own", [])]:
            part = Part(cells, people[scope], indicator)
            parts.setdefault(indicator[0], []).append((contract, indicator, part))
            result[contract["department"], contract["id"], indicator[0]] = (shown([part], indicator), part.rests)
    for code, given in parts.items():
        if any(list(indicator[1:]) != list(given[0][1][1:]) for _, indicator, _ in given):
            continue
        for department in [""] + sorted({c["department"] for c, _, _ in given}):
            those = [p for c, _, p in given if department in ("", c["department"])]
            result[department, "", code] = (shown(those, given[0][1]), sum(p.rests for p in those))
    for department in [""] + sorted({c["department"] for c in inside}):
        total = 0
        for scope in {c["scope"] for c in inside if department in ("", c["department"])}:
            those = [c for c in inside if c["scope"] == scope and department in ("", c["department"])]
            total += len(persons(those, records_of[scope], people[scope], start, end))
        result[department, "", DISTINCT] = (str(total), total)
    return result
