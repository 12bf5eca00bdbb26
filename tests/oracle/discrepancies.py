"""What the parties of a contract must settle, read from records (DOMAIN.md) by other means than the programs.

A row is (type, matter, action, operator, month of the latest record, keys): the matter is whatever tells cases apart, the
keys are the records' sources. Actions without an address are not here: they are not of the records.
"""

from collections import defaultdict, namedtuple

from cells import People

Row = namedtuple("Row", "type matter action operator month keys")
FOLLOW_UP_MONTHS = 6


def month_after(month, count):
    """`2023-11`, 6 -> `2024-05`."""
    year, number = map(int, month.split("-"))
    place = year * 12 + number - 1 + count
    return f"{place // 12:04}-{place % 12 + 1:02}"


def _rows(type_, matter, records):
    """The rows of one matter: one for each action and operator."""
    parts = defaultdict(list)
    for record in records:
        parts[record.action, record.operator].append(record)
    return [Row(type_, matter, action, operator, max(r.month for r in part), frozenset(r.source for r in part))
            for (action, operator), part in parts.items()]


def _sexes(people, faces, actions):
    by_person = defaultdict(list)
    for record in faces:
        if record.sex:
            by_person[people.of(record)].append(record)
    rows = []
    for person, stated in by_person.items():
        of_action = {action: [r for r in stated if r.action == action] for action in actions}
        differing = [action for action in actions if len({r.sex for r in of_action[action]}) == 2]
        for action in differing:
            rows += _rows("sexe", person, of_action[action])
        if not differing and len({r.sex for r in stated}) == 2:
            rows += _rows("sexe_contrat", person, stated)
    return rows


def _identities(people, faces):
    ambiguous = people.ambiguous()
    by_identity = defaultdict(list)
    for record in faces:
        if record.string in ambiguous:
            by_identity[record.string].append(record)
    return [row for string, records in by_identity.items() for row in _rows("identite", string, records)]


def _exits(people, mine, in_period, at):
    follow_ups = defaultdict(list)
    for record in mine:
        if record.type == "suivi_6_mois":
            follow_ups[people.of(record), record.action].append(record.month)
    return [row for r in in_period if r.type == "sortie" and month_after(r.month, FOLLOW_UP_MONTHS) < at
            and not any(month >= r.month for month in follow_ups[people.of(r), r.action])
            for row in _rows("suivi_6_mois", r.source, [r])]


def _late(contract, mine, duties, covered, at, end):
    due = min(month_after(at, -1), end)
    rows = []
    for action, operator in duties:
        whole = covered is None or (action, operator) in covered
        last = max((r.month for r in mine if r.operator == operator and (whole or r.action == action)), default="")
        if contract["first"][:7] <= due and last < due:
            rows.append(Row("retard", operator, action, operator, last, frozenset()))
    return rows


def discrepancies(contract, scope_records, duties, at, start=None, end=None, covered=None):
    """All rows; duties: (action, operator) of those who have to report; at: the month that it is; covered: of which the
    exports cover the action (None: all)."""
    first, last = contract["first"][:7], contract["last"][:7]
    start, end = max(start or first, first), min(end or last, last)
    people = People(scope_records)
    mine = [r for r in scope_records if r.contract == contract["id"]]
    in_period = [r for r in mine if start <= r.month <= end]
    faces = [r for r in in_period if r.type == "beneficiaire"]
    return (_sexes(people, faces, contract["actions"]) + _identities(people, faces) + _exits(people, mine, in_period, at)
            + _late(contract, mine, duties, covered, at, end))


def matters(rows):
    """The rows gathered by matter, without its name: what two readings must agree on."""
    cases = defaultdict(set)
    for row in rows:
        cases[row.type, row.matter].add((*row[2:5], tuple(sorted(row.keys))))
    return sorted((kind, sorted(case)) for (kind, _), case in cases.items())
