"""From one operator's checked tables to records (DOMAIN.md, "Dates and the contract" and "What leaves: records")."""

import datetime
from dataclasses import dataclass, field

import countries
from folding import fold
from tables import BPI, BPT, NEVER, TYPES, read_events, read_persons
from values import months_later, same_day_years_later

CIR_YEARS = 5
YOUNG_YEARS = 25
FOLLOW_UP_MONTHS = 7
_BACKDATED = {"entree", "niveau_debut"}
PERSON_FACTS = {"entree", "sortie", "suivi_6_mois", "presence", "niveau_debut", "niveau_fin", "autonomie"}


@dataclass(frozen=True)
class Record:
    """What would leave the operator. `source` stands for the record's key, the other fields for its content.

    `number` is E (the ten digits), `string` is I (the folded string), `household` is M (the smallest such string).
    """
    operator: str
    contract: str
    source: tuple
    action: str
    type: str
    month: str
    number: str = None
    string: str = None
    household: str = None
    sex: str = None
    bpi: bool = False
    under_25: bool = False
    quantity: int = None
    days: int = None
    code: str = None
    reference: str = None


@dataclass
class Outcome:
    """One operator's export of one contract. `supports`: {a beneficiary record's source: those of its events}."""
    records: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    bad_events: set = field(default_factory=set)
    supports: dict = field(default_factory=dict)

    def counts(self):
        """The counts of `check --json`."""
        return {"prets": len(self.records), "ecartes": len(self.left_out), "erreurs": len(self.errors)}


def identity_string(person):
    """The text under tokens I and M."""
    return f"{fold(person.surname)}|{fold(person.name)}|{person.birth.isoformat()}"


def is_eligible(person, day):
    """Whether a person belongs to the public on a day."""
    if person.nationality in countries.EU or person.status in NEVER:
        return False
    if person.status in BPT:
        return True
    return person.cir is not None and person.cir <= day < same_day_years_later(person.cir, CIR_YEARS)


def household_strings(persons):
    """Returns {id_menage: the smallest identity string of its members that count}."""
    smallest = {}
    for person in persons.good.values():
        if not person.household or person.nationality in countries.EU or person.status in NEVER:
            continue
        text = identity_string(person)
        known = smallest.get(person.household)
        if known is None or text.encode() < known.encode():
            smallest[person.household] = text
    return smallest


def wider_code(type_, code):
    """The code as it leaves: details that no indicator reads are widened."""
    if type_ != "sortie":
        return code
    if code.startswith("formation_"):
        return "formation"
    return {"emploi_court": "emploi", "creation_activite": "emploi", "abandon": "autre",
            "demenagement": "autre"}.get(code, code)


def _counted_day(event, person, first, last, anchors):
    """The day on which an event of a person counts, or None where it is left out."""
    if first <= event.date <= last:
        day = event.date
    elif event.date < first and event.type in _BACKDATED and (event.local, event.action) in anchors:
        day = first
    elif event.type == "suivi_6_mois" and last < event.date <= months_later(last, FOLLOW_UP_MONTHS):
        day = last
    else:
        return None
    return day if is_eligible(person, day) else None


def _select(events, persons, first, last):
    """Splits good events into [(event, the day on which it counts)] and those left out."""
    anchors = {(e.local, e.action) for e in events
               if e.local is not None and first <= e.date <= last and is_eligible(persons.good[e.local], e.date)}
    kept, left_out = [], []
    for event in events:
        if event.local is None:
            day = event.date if first <= event.date <= last else None
        else:
            day = _counted_day(event, persons.good[event.local], first, last, anchors)
        if day is None:
            left_out.append(event)
        else:
            kept.append((event, day))
    return kept, left_out


def _fact(operator, contract, event, day, person, household):
    record = {"quantity": event.quantity, "days": event.days, "code": wider_code(event.type, event.detail),
              "reference": event.reference}
    if event.type in PERSON_FACTS:
        identity = identity_string(person)
        number = person.number
        record.update(number=number, string=None if number else identity)
        record["reference"] = None
    elif event.type == "logement_perenne":
        record["household"] = household
    return Record(operator, contract, ("event", event.number), event.action, event.type, month_of(day), **record)


def _beneficiaries(operator, contract, kept, persons):
    firsts = {}
    months = {}
    for event, day in kept:
        if event.local is not None:
            pair = (event.local, event.action)
            firsts[pair] = min(day, firsts.get(pair, datetime.date.max))
            months.setdefault((*pair, month_of(day)), True)
    for local, action, month in months:
        person = persons.good[local]
        young = firsts[local, action] < same_day_years_later(person.birth, YOUNG_YEARS)
        yield Record(operator, contract, ("person", local, action, month), action, "beneficiaire", month,
                     number=person.number, string=identity_string(person), sex=person.sex,
                     bpi=person.status in BPI, under_25=young)


def month_of(day):
    """`2024-01`."""
    return day.isoformat()[:7]


def make_records(operator, contract, persons_path, events_path):
    """Reads an operator's two files and returns the Outcome for a contract (see contracts.py for its shape)."""
    persons = read_persons(persons_path)
    events = read_events(events_path, contract["actions"], persons, contract["id"])
    first = datetime.date.fromisoformat(contract["first"])
    last = datetime.date.fromisoformat(contract["last"])
    outcome = Outcome()
    outcome.errors = [("persons", *error) for error in persons.errors]
    outcome.errors += [("events", e.line, e.error) for e in events if e.error]
    outcome.bad_events = {e.number for e in events if e.error}
    good = [e for e in events if not e.error]
    kept, outcome.left_out = _select(good, persons, first, last)
    smallest = household_strings(persons)
    for event, day in kept:
        person = persons.good.get(event.local)
        household = None
        if person:
            household = smallest.get(person.household) if person.household else identity_string(person)
        outcome.records.append(_fact(operator, contract["id"], event, day, person, household))
        if person:
            supported = ("person", event.local, event.action, month_of(day))
            outcome.supports.setdefault(supported, set()).add(("event", event.number))
    outcome.records += _beneficiaries(operator, contract["id"], kept, persons)
    return outcome
