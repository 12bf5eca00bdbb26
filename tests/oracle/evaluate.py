#!/usr/bin/python3
"""An evaluation of a contract written from DOMAIN.md alone, to check the programs against.

Command:  evaluate.py --contract 63-thiers-2023 [--from 2024-01] [--to 2024-06] [--other CONTRACT]... [--counts]
                      NAME PERSONS EVENTS [NAME PERSONS EVENTS]...
Prints the CSV of `ctai-hub report --format csv` (labels and units empty), or with --counts the counts of each
operator's `check --json`. --other names further contracts of the same linkage scope, evaluated from the same files,
which take part in who is the same person.
"""

import argparse
import csv
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import contracts  # noqa: E402
from cells import NATIONAL, Cells, People, cell  # noqa: E402
from records import make_records  # noqa: E402

HEADER = ["contrat", "action", "indicateur", "libelle", "objectif", "realise", "unite", "statut"]
COMPARED = ["contrat", "action", "indicateur", "objectif", "realise", "statut"]


def outcomes(contract, files):
    """Makes every operator's records. `files`: {operator: (persons path, events path)}."""
    return {name: make_records(name, contract, *paths) for name, paths in files.items()}


def evaluate(contract, scope_records, start=None, end=None, texts=None):
    """Returns the report's rows as dicts, from all records of the scope.

    `texts`: {(action, indicator): narrative}. Each row also has `other`, a second right reading (see cells.cell).
    """
    first_month, last_month = contract["first"][:7], contract["last"][:7]
    start, end = max(start or first_month, first_month), min(end or last_month, last_month)
    people = People(scope_records)
    mine = [r for r in scope_records if r.contract == contract["id"]]
    indicators = NATIONAL + [tuple(own) for own in contract.get("own", [])]
    rows = []
    for action in [*contract["actions"], "contrat"]:
        cells = Cells(mine, people, None if action == "contrat" else action, first_month, start, end)
        targets = contract.get("targets", {}).get(action, {})
        for indicator in indicators:
            value, state, other = cell(cells, indicator, (texts or {}).get((action, indicator[0]), ""))
            target = targets.get(indicator[0])
            rows.append({"contrat": contract["id"], "action": action, "indicateur": indicator[0], "libelle": "",
                         "objectif": "" if target is None else str(target), "realise": value, "unite": "",
                         "statut": state, "other": other})
    return rows


def evaluate_files(contract, files, start=None, end=None, others=()):
    """Evaluates a contract from files, with other contracts of the scope fed by the same files."""
    records = []
    for each in (contract, *others):
        for outcome in outcomes(each, files).values():
            records += outcome.records
    return evaluate(contract, records, start, end)


def write_csv(rows, stream):
    """Writes rows as `report --format csv` does."""
    writer = csv.DictWriter(stream, HEADER, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contract", required=True)
    parser.add_argument("--other", action="append", default=[])
    parser.add_argument("--from", dest="start")
    parser.add_argument("--to", dest="end")
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("files", nargs="+", metavar="NAME PERSONS EVENTS")
    options = parser.parse_args()
    if len(options.files) % 3:
        parser.error("each operator needs NAME PERSONS EVENTS")
    triples = zip(*[iter(options.files)] * 3)
    files = {name: (persons, events) for name, persons, events in triples}
    contract = contracts.load(options.contract)
    if options.counts:
        json.dump({name: out.counts() for name, out in outcomes(contract, files).items()}, sys.stdout, indent=1)
        print()
        return
    others = [contracts.load(name) for name in options.other]
    write_csv(evaluate_files(contract, files, options.start, options.end, others), sys.stdout)


if __name__ == "__main__":
    main()
