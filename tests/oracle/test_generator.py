#!/usr/bin/python3
"""The generator reaches every rule: with a rule of the oracle broken on purpose, some cell of some data set changes.

Run: tests/oracle/test_generator.py
"""

import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cells  # noqa: E402
import countries  # noqa: E402
import folding  # noqa: E402
import records  # noqa: E402
import tables  # noqa: E402
import values  # noqa: E402
from contracts import THIERS_2023, THIERS_2024  # noqa: E402
from evaluate import evaluate, outcomes  # noqa: E402
from generate import DataSet  # noqa: E402

PERIODS = [(None, None), ("2024-03", None), ("2025-04", None), (None, "2024-06")]


def _without(name):
    table = {key: value for key, value in folding._LAST.items() if chr(key) != name}
    return mock.patch.object(folding, "_LAST", table)


def _late_day(day, years):
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _floor_minutes(text, real=values.read_minutes):
    text = values.strip_spaces(text).removesuffix("h").replace(",", ".")
    return real(text) if not text.replace(".", "", 1).isdigit() else int(float(text) * 60)


def _float_minutes(text, real=values.read_minutes):
    text = values.strip_spaces(text).removesuffix("h").replace(",", ".")
    return real(text) if not text.replace(".", "", 1).isdigit() else round(float(text) * 60)


def _key(*fields):
    """minutes_once with another idea of what a session is."""
    def minutes_once(self, types, details):
        largest = {}
        for r in self._read(types, details):
            key = tuple(getattr(r, field) for field in fields)
            largest[key] = max(r.quantity, largest.get(key, 0))
        return sum(largest.values())
    return mock.patch.object(cells.Cells, "minutes_once", minutes_once)


def _any_anchor(event, person, first, last, anchors, real=records._counted_day):
    return real(event, person, first, last, anchors | {(event.local, event.action)})


def _no_backdating(event, person, first, last, anchors, real=records._counted_day):
    return real(event, person, first, last, set())


def _eligible(**changed):
    """is_eligible with one condition changed."""
    def eligible(person, day):
        if person.nationality in changed.get("union", countries.EU) or person.status in tables.NEVER:
            return False
        if person.status in tables.BPT and not changed.get("all_need_cir"):
            return True
        if person.cir is None:
            return bool(changed.get("no_cir_needed"))
        end = records.same_day_years_later(person.cir, 5)
        began = person.cir < day if changed.get("begins_after") else person.cir <= day
        return began and (day <= end if changed.get("ends_on") else day < end)
    return mock.patch.object(records, "is_eligible", eligible)


def _merge_all(self, record):
    known = self._numbers.get(record.string, ())
    return ("E", record.number) if record.number else ("E", min(known)) if known else ("I", record.string)


def _never_merge(self, record):
    return ("E", record.number) if record.number else ("I", record.string)


def _string_alone(self, record):
    return record.string or record.number


def _earliest_entry(events, real=tables._read_durations):
    real(events)
    for event in events:
        if event.days is not None:
            entries = [e.date for e in events if e.type == "entree" and not e.error and
                       (e.local, e.action) == (event.local, event.action) and e.date <= event.date]
            event.days = (event.date - min(entries)).days


def _from_the_period(self, found, people, action, first_month, start, end, real=cells.Cells.__init__):
    real(self, found, people, action, start, start, end)


def _patch(target, name, new):
    return lambda: mock.patch.object(target, name, new)


BROKEN = {
    "fold keeps oe": lambda: _without("œ"), "fold keeps l": lambda: _without("ł"), "fold keeps o": lambda: _without("ø"),
    "fold keeps d": lambda: _without("đ"), "fold keeps dotless i": lambda: _without("ı"),
    "fold keeps schwa": lambda: _without("ə"), "fold keeps ae": lambda: _without("æ"), "fold keeps thorn": lambda: _without("þ"),
    "no fold but case": _patch(records, "fold", str.casefold),
    "29 February becomes 28": _patch(records, "same_day_years_later", _late_day),
    "six months of follow-up": _patch(records, "FOLLOW_UP_MONTHS", 6),
    "eight months of follow-up": _patch(records, "FOLLOW_UP_MONTHS", 8),
    "minutes cut": _patch(tables, "read_minutes", _floor_minutes),
    "minutes by floating point": _patch(tables, "read_minutes", _float_minutes),
    "sessions of all operators": lambda: _key("action", "type", "reference"),
    "sessions of all actions": lambda: _key("operator", "type", "reference"),
    "sessions by detail": lambda: _key("operator", "action", "type", "reference", "code"),
    "sessions by month": lambda: _key("operator", "action", "type", "reference", "month"),
    "every row a session": lambda: _key("operator", "source"),
    "entries need no event": _patch(records, "_counted_day", _any_anchor),
    "entries are not carried": _patch(records, "_counted_day", _no_backdating),
    "CIR from the day after": lambda: _eligible(begins_after=True), "CIR up to its end": lambda: _eligible(ends_on=True),
    "protected need a CIR": lambda: _eligible(all_need_cir=True), "no CIR needed": lambda: _eligible(no_cir_needed=True),
    "Europeans too": lambda: _eligible(union=set()),
    "ambiguous merged": _patch(cells.People, "of", _merge_all), "never merged": _patch(cells.People, "of", _never_merge),
    "by name first": _patch(cells.People, "of", _string_alone),
    "duration from the first entry": _patch(tables, "_read_durations", _earliest_entry),
    "75 %": _patch(cells, "ASSIDUITY", cells.Fraction(75, 100)), "81 %": _patch(cells, "ASSIDUITY", cells.Fraction(801, 1000)),
    "thirty days a month": _patch(cells, "DAYS_PER_MONTH", cells.Fraction(30)),
    "attendance in the period alone": _patch(cells.Cells, "__init__", _from_the_period),
    "households by number": _patch(records, "household_strings", lambda persons: {p.household: p.household for p in persons.good.values()}),
    "nobody repeats a number": _patch(tables, "_repeated", lambda values: set()),
    "numbers with letters": _patch(tables, "read_foreigner_number", lambda text: values.strip_spaces(text) or None),
}


class Generator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.sets = [(contract, DataSet(seed, people, contract).write(os.path.join(cls.directory.name, str(seed))))
                    for seed, people, contract in ((1, 600, THIERS_2023), (2, 600, THIERS_2024), (3, 600, THIERS_2023))]
        cls.right = cls.reports()

    @classmethod
    def reports(cls):
        """Every cell of every data set and period."""
        rows = []
        for contract, files in cls.sets:
            found = [r for outcome in outcomes(contract, files).values() for r in outcome.records]
            for start, end in PERIODS:
                rows += evaluate(contract, found, start, end)
        return rows

    def test_every_rule_shows(self):
        for name, broken in BROKEN.items():
            with self.subTest(name):
                with broken():
                    rows = self.reports()
                self.assertFalse(rows == self.right, f"no cell shows that {name}")


if __name__ == "__main__":
    unittest.main()
