#!/usr/bin/python3
"""How far what leaves narrows a person down, on invented operators: tests/oracle/narrowing.py [PEOPLE...]

Of the persons of one contract (PEOPLE in its town; 60, 200 and 600 by default) the share that is alone, at least once, with what a
`beneficiaire` record says of them: the month and the action; these and the sex; and all (BPI, under 25 too). Somebody who knows one such
fact of a person from elsewhere, and may read the hub's records, then knows which pseudonym is theirs.
"""

import collections
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from contracts import THIERS_2023  # noqa: E402
from generate import DataSet  # noqa: E402
from records import make_records  # noqa: E402

VIEWS = {
    "mois et action": lambda r: (r.action, r.month),
    "+ sexe": lambda r: (r.action, r.month, r.sex),
    "+ BPI et moins de 25 ans": lambda r: (r.action, r.month, r.sex, r.bpi, r.under_25),
}


def shares(people, seed=1):
    """{view: share of the persons who are alone with it at least once}."""
    with tempfile.TemporaryDirectory() as directory:
        files = DataSet(seed, people, THIERS_2023, errors=False).write(directory)
        records = [record for name, paths in files.items() for record in make_records(name, THIERS_2023, *paths).records
                   if record.type == "beneficiaire"]
    persons = {record.string for record in records}
    found = {}
    for label, view in VIEWS.items():
        seen = collections.defaultdict(set)
        for record in records:
            seen[view(record)].add(record.string)
        alone = set().union(*(group for group in seen.values() if len(group) == 1))
        found[label] = len(alone) / len(persons)
    return found


def main():
    for people in map(int, sys.argv[1:] or ["60", "200", "600"]):
        each = [shares(people, seed) for seed in range(1, 6)]
        for label in VIEWS:
            print(f"{people:5} personnes, {label:26} {sum(one[label] for one in each) / len(each):4.0%}")


if __name__ == "__main__":
    main()
