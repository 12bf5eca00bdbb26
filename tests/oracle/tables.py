"""The two tables of an operator, from bytes to checked rows (DOMAIN.md, "What an operator has")."""

import csv
import io
from dataclasses import dataclass, field

import countries
from values import Bad, read_cents, read_count, read_date, read_foreigner_number, read_minutes

BPI = {"refugie", "protection_subsidiaire", "apatride"}
BPT = {"protection_temporaire"}
OTHERS = {"vie_privee_familiale", "salarie", "etranger_malade", "autre_titre"}
NEVER = {"etudiant", "demandeur_asile", "mineur_non_accompagne", "sans_titre"}

_EXITS = {"emploi_durable", "emploi_6_mois", "emploi_court", "creation_activite", "formation_prequalifiante",
          "formation_qualifiante", "formation_certifiante", "formation_diplomante", "abandon", "demenagement", "autre"}
_THEMES = ["laicite", "egalite", "citoyennete", "parentalite", "liens_societe", "autre"]
LEVELS = ["infra_A1", "A1", "A2", "B1", "B2", "C1", "C2"]


@dataclass(frozen=True)
class Type:
    """What a type of event has. `quantity`: None, "hours", "hours?" (optional), "count", "count1" (1 if empty), "euros"."""
    person: bool
    quantity: str = None
    details: frozenset = None
    reference: bool = False


TYPES = {
    "entree": Type(True, "hours?"),
    "sortie": Type(True, details=frozenset(_EXITS)),
    "suivi_6_mois": Type(True, details=frozenset({"positif", "negatif"})),
    "seance": Type(False, "hours", frozenset({"francais", "numerique", *_THEMES}), True),
    "presence": Type(True, "hours", reference=True),
    "niveau_debut": Type(True, details=frozenset(LEVELS)),
    "niveau_fin": Type(True, details=frozenset(LEVELS)),
    "logement_perenne": Type(True),
    "consultation_medicale": Type(True, "count1"),
    "outil_numerique": Type(True, "count1"),
    "binome_mentorat": Type(True, reference=True),
    "evenement_sportif": Type(True, reference=True),
    "evenement_culturel": Type(True, reference=True),
    "sollicitation": Type(True, "count1"),
    "autonomie": Type(True, details=frozenset({"suivi_medical", "parentalite", "scolarite"})),
    "acteurs_formes": Type(False, "count"),
    "formation_acteurs": Type(False, "hours", reference=True),
    "cout": Type(False, "euros", frozenset({"p104", "autre"})),
}

TOO_MANY = object()

PERSON_COLUMNS = ["id_local", "numero_etranger", "nom", "prenom", "date_naissance", "sexe", "nationalite", "statut",
                  "date_cir", "id_menage"]
EVENT_COLUMNS = ["id_evenement", "contrat", "date", "action", "type", "id_local", "quantite", "detail", "reference"]


@dataclass
class Person:
    """One good row of `personnes`."""
    local: str
    number: str
    surname: str
    name: str
    birth: object
    sex: str
    nationality: str
    status: str
    cir: object
    household: str


@dataclass
class Event:
    """One row of `evenements`; `error` says what is wrong with it, and then the rest may be missing."""
    line: int
    number: str
    date: object = None
    action: str = None
    type: str = None
    local: str = None
    quantity: int = None
    detail: str = None
    reference: str = None
    days: int = None
    error: str = None


@dataclass
class Persons:
    """The good rows by `id_local`, and those of the rows in error."""
    good: dict = field(default_factory=dict)
    errors: list = field(default_factory=list)
    bad_ids: set = field(default_factory=set)


def decode(data):
    """UTF-8 with or without BOM where valid, else Windows-1252."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def read_rows(path):
    """Returns the data rows of a CSV file: (row number from 1, {column: text}); white space at a cell's ends is none of it."""
    with open(path, "rb") as file:
        text = decode(file.read())
    first = text.split("\n", 1)[0]
    separator = max(";,\t", key=first.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    header = [name.strip() for name in rows[0]]
    numbered = [(index, [cell.strip() for cell in cells]) for index, cells in enumerate(rows[1:], 1)]
    return [(index, _named(header, cells)) for index, cells in numbered if any(cells)]


def _named(header, cells):
    """Cells by column: those that a short row lacks are empty; more cells than columns are an error of the row."""
    named = dict(zip(header, cells + [""] * (len(header) - len(cells))))
    if any(cells[len(header):]):
        named[TOO_MANY] = True
    return named


def _repeated(values):
    seen, repeated = set(), set()
    for value in values:
        (repeated if value in seen else seen).add(value)
    return repeated - {""}


def _read_person(cells):
    if TOO_MANY in cells:
        raise Bad("more cells than columns")
    for column in ("id_local", "nom", "prenom", "date_naissance", "nationalite", "statut"):
        if not cells.get(column):
            raise Bad(f"{column} missing")
    if cells["sexe"] not in ("F", "H", ""):
        raise Bad("sexe")
    if cells["nationalite"] not in countries.KNOWN:
        raise Bad("nationalite")
    if cells["statut"] not in BPI | BPT | OTHERS | NEVER:
        raise Bad("statut")
    cir = cells.get("date_cir", "")
    return Person(cells["id_local"], read_foreigner_number(cells.get("numero_etranger", "")), cells["nom"],
                  cells["prenom"], read_date(cells["date_naissance"]), cells["sexe"], cells["nationalite"],
                  cells["statut"], read_date(cir) if cir else None, cells.get("id_menage", ""))


def read_persons(path):
    """Reads and checks a `personnes` file."""
    rows = read_rows(path)
    twice = _repeated(cells["id_local"] for _, cells in rows)
    result = Persons()
    for number, cells in rows:
        try:
            if cells["id_local"] in twice:
                raise Bad("id_local comes twice")
            person = _read_person(cells)
            result.good[person.local] = person
        except Bad as error:
            result.errors.append((number, str(error)))
            result.bad_ids.add(cells["id_local"])
    return result


def _read_quantity(kind, text):
    empty = text.strip() == ""
    if kind is None or (kind == "hours?" and empty):
        return None
    if kind == "count1" and empty:
        return 1
    if empty:
        raise Bad("quantite missing")
    return {"h": read_minutes, "c": read_count, "e": read_cents}[kind[0]](text)


def _read_event(event, cells, actions, persons):
    if TOO_MANY in cells:
        raise Bad("more cells than columns")
    if not event.number:
        raise Bad("id_evenement missing")
    event.date = read_date(cells["date"])
    if cells["action"] not in actions:
        raise Bad("action")
    if cells["type"] not in TYPES:
        raise Bad("type")
    event.action, event.type = cells["action"], cells["type"]
    kind = TYPES[event.type]
    if kind.person:
        event.local = cells.get("id_local", "")
        if event.local not in persons.good:
            raise Bad("person unknown or in error")
    event.quantity = _read_quantity(kind.quantity, cells.get("quantite", ""))
    if kind.details:
        event.detail = cells.get("detail", "")
        if event.detail not in kind.details:
            raise Bad("detail")
    if kind.reference:
        event.reference = cells.get("reference", "").strip()
        if not event.reference:
            raise Bad("reference missing")


def _read_durations(events):
    entries = {}
    for event in events:
        if event.type == "entree" and not event.error:
            entries.setdefault((event.local, event.action), []).append(event.date)
    for event in events:
        if event.type == "sortie" and not event.error:
            before = [day for day in entries.get((event.local, event.action), []) if day <= event.date]
            if before:
                event.days = (event.date - max(before)).days
            else:
                event.error = "sortie without entree"


def read_events(path, actions, persons, contract=None):
    """Reads and checks an `evenements` file against a contract's actions and the checked persons.

    Where the file has the column `contrat`, only rows of that contract are read.
    """
    rows = [(number, cells) for number, cells in read_rows(path)
            if contract is None or (cells.get("contrat") or contract) == contract]
    twice = _repeated(cells["id_evenement"] for _, cells in rows)
    events = []
    for number, cells in rows:
        event = Event(number, cells["id_evenement"])
        try:
            if event.number in twice:
                raise Bad("id_evenement comes twice")
            _read_event(event, cells, actions, persons)
        except Bad as error:
            event.error = str(error)
        events.append(event)
    _read_durations(events)
    return events
