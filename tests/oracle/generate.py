#!/usr/bin/python3
"""Makes data sets of invented people for the four operators of the contract, from a seed.

Command:  generate.py --seed 7 --people 200 [--contract 63-thiers-2023] [--second] [--canary] [--clean] DIRECTORY
Writes DIRECTORY/NAME.personnes.csv and NAME.evenements.csv for each operator; with --second also a changed export of
the same offices in DIRECTORY/second/. --clean spoils no row on purpose. The same seed makes the same bytes.
"""

import argparse
import copy
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import contracts  # noqa: E402
from genevents import GARBAGE, PERSON_ERRORS, Office, spoil_event  # noqa: E402
from genfiles import date_text, make_style, parse_iso, write_table  # noqa: E402
from genpeople import canary_human, make_humans, spell  # noqa: E402
from tables import EVENT_COLUMNS, PERSON_COLUMNS, TYPES  # noqa: E402

OPERATORS = ["cias", "ccas-thiers", "cecler", "fit"]
_SPOILT_NUMBERS = ["123456789", "9,9E+09", "9.9E+09", "12345678901", "63-0001", "non", "٠١٢٣٤٥٦٧٨٩", "１２３４５６７８９０"]


class DataSet:
    """The rows of every operator, before they are written: {operator: rows of text}."""

    def __init__(self, seed, people, contract, errors=True, canary=False):
        self.rng = random.Random(f"{seed}/{people}/{contract['id']}")
        self.seed, self.contract, self.errors, self.canary = seed, contract, errors, canary
        first, last = parse_iso(contract["first"]), parse_iso(contract["last"])
        self.humans = make_humans(self.rng, people, first, last, OPERATORS)
        if canary:
            self.humans = [canary_human(human, index) for index, human in enumerate(self.humans)]
        self.persons, self.events, self.offices, self.known = {}, {}, {}, {}
        for name in OPERATORS:
            self._open_office(name, people)

    def _open_office(self, name, people):
        prefix = f"zqwevt-{name}-" if self.canary else self.rng.choice(["E", f"{name}/", "2024-"]) + f"{self.seed}-"
        references = [f"Zqwref{c}" for c in "bcdfghjk"] if self.canary else None
        office = self.offices[name] = Office(self.rng, self.contract, prefix, references)
        self.persons[name], self.known[name] = [], {}
        for human in self.humans:
            if name in human.operators:
                self._register(name, human)
                if self.rng.random() < 0.03:
                    self._register(name, human)
        office.collective_events(max(12, people // 4))
        self.events[name] = office.rows
        if self.errors:
            self._spoil(name)
        self.rng.shuffle(office.rows)
        self.rng.shuffle(self.persons[name])

    def _register(self, name, human):
        row = self._person_row(name, human)
        self.persons[name].append(row)
        self.known[name][row["id_local"]] = human
        self.offices[name].person_events(row["id_local"], human)

    def _person_row(self, name, human):
        rng = self.rng
        number = human.number if human.number and rng.random() < 0.6 else ""
        if number and rng.random() < 0.2:
            number = f" {number[:4]} {number[4:7]}\u00a0{number[7:]} "
        if not number and rng.random() < 0.06 and not self.canary:
            number = rng.choice(_SPOILT_NUMBERS)
        sex = rng.choices([human.sex, "", "F" if human.sex == "H" else "H"], [85, 11, 4])[0]
        prefix = f"zqwloc-{name}-" if self.canary else rng.choice(["", "P"])
        house = "" if human.household is None else f"{'zqwmen' if self.canary else 'M'}{human.household}"
        return {
            "id_local": f"{prefix}{len(self.persons[name]) + 1:04d}", "numero_etranger": number,
            "nom": spell(rng, human.surname), "prenom": spell(rng, human.name),
            "date_naissance": date_text(rng, human.birth), "sexe": sex, "nationalite": human.nationality,
            "statut": human.status, "date_cir": date_text(rng, human.cir) if human.cir else "", "id_menage": house,
        }

    def _spoil(self, name):
        """Adds rows in error among good ones, and puts a few good rows in error."""
        rng, persons, rows = self.rng, self.persons[name], self.events[name]
        for row in rng.sample(persons, max(1, len(persons) // 40)):
            rng.choice(PERSON_ERRORS)(row)
        for row in rng.sample(persons, max(1, len(persons) // 80)):
            persons.append(dict(row, nom=row["nom"] + "bis"))
        for row in rng.sample(rows, max(8, len(rows) // 15)):
            bad = self._copy(name, row)
            spoil_event(rng, bad)
        for row in rng.sample(rows, max(2, len(rows) // 100)):
            if row["type"] in TYPES:
                spoil_event(rng, row)
        for row in rng.sample(rows, max(1, len(rows) // 100)):
            rows.append(dict(row, quantite="3"))

    def _copy(self, name, row):
        kind = row["type"] if row["type"] in TYPES else "cout"
        copied = self.offices[name].add(kind, row["action"], row["#day"], row["id_local"])
        copied.update({key: row[key] for key in ("quantite", "detail", "reference")})
        return copied

    def change(self):
        """Returns a second export of the same offices: rows changed, added, removed, some now in error."""
        second = copy.deepcopy(self)
        for name in OPERATORS:
            second.change_persons(name)
            second.change_events(name)
        return second

    def change_persons(self, name):
        """Changes an office's table of persons."""
        rng, persons = self.rng, self.persons[name]
        for row in rng.sample(persons, max(1, len(persons) // 12)):
            column = rng.choice(["sexe", "nom", "statut", "date_cir", "numero_etranger", "id_menage", "date_naissance"])
            row[column] = rng.choice(persons)[column]
        for row in rng.sample(persons, max(1, len(persons) // 50)):
            persons.remove(row)
        if self.errors:
            for row in rng.sample(persons, max(1, len(persons) // 40)):
                rng.choice(PERSON_ERRORS)(row)
        for human in rng.sample(self.humans, max(1, len(self.humans) // 30)):
            row = self._person_row(name, human)
            row["id_local"] = f"N{row['id_local']}"
            persons.append(row)
            self.offices[name].person_events(row["id_local"], human)

    def change_events(self, name):
        """Changes an office's table of events (the event's number stays, what it says changes)."""
        rng, rows = self.rng, self.events[name]
        for row in rng.sample(rows, len(rows) // 10):
            other = rng.choice([r for r in rows if r["type"] == row["type"]])
            for column in rng.sample(["date", "quantite", "detail", "reference", "action"], 2):
                row[column] = other[column]
        for row in rng.sample(rows, len(rows) // 15):
            rows.remove(row)
        good = [row for row in rows if row["type"] in TYPES]
        for row in rng.sample(good, len(good) // 25 if self.errors else 0):
            spoil_event(rng, row)
        self.offices[name].collective_events(5)

    def write(self, directory, contract_column=None):
        """Writes all files; returns {operator: (persons path, events path)}.

        `contract_column`: whether events have the column `contrat` (None: some have).
        """
        os.makedirs(directory, exist_ok=True)
        files = {}
        for name in OPERATORS:
            paths = [os.path.join(directory, f"{name}.{kind}.csv") for kind in ("personnes", "evenements")]
            columns = [c for c in EVENT_COLUMNS if c != "contrat"]
            rows = self.events[name]
            if self.rng.random() < 0.3 if contract_column is None else contract_column:
                columns, rows = EVENT_COLUMNS, [dict(row, contrat=self.contract["id"]) for row in rows]
            remark = {"#remark": "Zqwremarque"} if self.canary else {}
            write_table(self.rng, paths[0], PERSON_COLUMNS, [{**r, **remark} for r in self.persons[name]],
                        make_style(self.rng))
            write_table(self.rng, paths[1], columns, [{**r, **remark} for r in rows], make_style(self.rng))
            files[name] = tuple(paths)
        return files

    def canaries(self):
        """Every text of the files that must never leave an operator, sorted: names, numbers, dates, references..."""
        private = {"id_local", "numero_etranger", "nom", "prenom", "date_naissance", "id_menage"}
        found = {row[column].strip() for rows in self.persons.values() for row in rows for column in private}
        found |= {row[column].strip() for rows in self.events.values() for row in rows
                  for column in ("id_evenement", "reference")}
        for human in self.humans:
            found |= {human.surname, human.name, human.number or "", human.birth.isoformat(),
                      human.birth.strftime("%d/%m/%Y")}
        found.add("Zqwremarque")
        return sorted(text for text in found - set(GARBAGE) if len(text) >= 6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--contract", default="63-thiers-2023")
    parser.add_argument("--second", action="store_true")
    parser.add_argument("--canary", action="store_true")
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("directory")
    options = parser.parse_args()
    data = DataSet(options.seed, options.people, contracts.load(options.contract), not options.clean, options.canary)
    data.write(options.directory)
    if options.second:
        data.change().write(os.path.join(options.directory, "second"))
    if options.canary:
        with open(os.path.join(options.directory, "canaries.json"), "w", encoding="utf-8") as file:
            json.dump(data.canaries(), file, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main()
