"""Events of an office: paths of persons, sessions, costs, with the edges of the rules; and rows in error."""

import datetime

from genfiles import count_text, date_text, euros_text, hours_text
from tables import LEVELS, TYPES

REFERENCES = ["Atelier du lundi", "atelier du lundi", "S-01", "S-02", "Séance 3", "Se\u0301ance 3", "Foot, place", "A;B",
              'Le "grand" jour', "Cours  du soir", "Cours du soir", "Œuvre 1", "12", "012"]
GARBAGE = ["n/a", "-3", "1.234,5", "???", "francais", "1,005"]
_BY_PERSON = [name for name, kind in TYPES.items() if kind.person]
_ALONE = [name for name, kind in TYPES.items() if not kind.person]


class Office:
    """Makes one operator's event rows. Every row is a dict of text; `#day` keeps its true date."""

    def __init__(self, rng, contract, prefix, references=None):
        self.rng = rng
        self.first = datetime.date.fromisoformat(contract["first"])
        self.last = datetime.date.fromisoformat(contract["last"])
        self.actions = contract["actions"]
        self.prefix = prefix
        self.references = references or REFERENCES
        self.rows = []
        self._next = 0

    def add(self, type_, action, day, local="", **cells):
        """Adds one row; cells that the type does not have are sometimes filled with garbage."""
        rng, kind = self.rng, TYPES[type_]
        self._next += 1
        row = {"id_evenement": f"{self.prefix}{self._next:05d}", "date": date_text(rng, day), "action": action,
               "type": type_, "id_local": local, "quantite": "", "detail": "", "reference": "", "#day": day}
        row.update({name: text for name, text in cells.items() if text is not None})
        if not kind.person and rng.random() < 0.1:
            row["id_local"] = "P-inconnu"
        for name, has in (("quantite", kind.quantity), ("detail", kind.details), ("reference", kind.reference)):
            if not has and rng.random() < 0.07:
                row[name] = rng.choice(GARBAGE)
        self.rows.append(row)
        return row

    def reference(self):
        """A session's or pair's name, sometimes with white space at its ends."""
        name = self.rng.choice(self.references)
        return self.rng.choice(["", "", "", " ", "\u00a0"]) + name + self.rng.choice(["", "", "", "  "])

    def any_day(self, human=None):
        """A day: mostly in the contract, often an edge of it or of the person's own rules."""
        rng, one = self.rng, datetime.timedelta(days=1)
        inside = self.first + one * rng.randint(0, (self.last - self.first).days)
        edges = [self.first, self.last, self.first - one, self.last + one, self.first - 40 * one]
        if human:
            edges += _own_edges(human, self.first, self.last)
        return rng.choice(edges) + one * rng.choice([0, 0, -1, 1]) if rng.random() < 0.22 else inside

    def event(self, type_, action, local, human):
        """One event of a person, with what its type needs."""
        rng, kind = self.rng, TYPES[type_]
        cells = {}
        if kind.quantity == "count1":
            cells["quantite"] = rng.choice(["", "1", count_text(rng)])
        elif kind.quantity:
            cells["quantite"] = hours_text(rng)
        if kind.details:
            cells["detail"] = rng.choice(sorted(kind.details))
        if kind.reference:
            cells["reference"] = self.reference()
        return self.add(type_, action, self.any_day(human), local, **cells)

    def path(self, local, human):
        """A whole path in one action: entries, attendance near 80 %, levels, exit, follow-up."""
        rng, action = self.rng, self.rng.choice(self.actions)
        start = self.any_day(human)
        days = sorted(start + datetime.timedelta(days=rng.randint(-200, 60)) for _ in range(rng.choice([1, 1, 1, 2, 3])))
        planned = self._entries(action, days, local)
        if planned:
            self._attend(action, start, local, planned)
        if rng.random() < 0.4:
            self._levels(action, start, local)
        if rng.random() < 0.6:
            end = max(days[0], start) + datetime.timedelta(days=rng.choice([0, 1, 30, 90, rng.randint(0, 300)]))
            self.add("sortie", action, end, local, detail=rng.choice(sorted(TYPES["sortie"].details)))
            if rng.random() < 0.6:
                later = end + datetime.timedelta(days=rng.randint(150, 220))
                self.add("suivi_6_mois", action, later, local, detail=rng.choice(["positif", "negatif"]))

    def _entries(self, action, days, local):
        planned = 0
        for day in days:
            minutes = self.rng.choice([None, 0, 60, 75, 600, 1500, 60 * self.rng.randint(5, 200)])
            planned += minutes or 0
            self.add("entree", action, day, local,
                     quantite=None if minutes is None else hours_text(self.rng, minutes))
        return planned

    def _attend(self, action, start, local, planned):
        goal = max(0, -(-planned * 4 // 5) + self.rng.choice([0, 0, -1, -1, 1, 30, -300]))
        pieces = self.rng.choice([1, 2, 3, 5])
        cuts = sorted(self.rng.randint(0, goal) for _ in range(pieces - 1))
        for begin, end in zip([0, *cuts], [*cuts, goal]):
            day = start + datetime.timedelta(days=self.rng.randint(0, 120))
            self.add("presence", action, day, local, quantite=hours_text(self.rng, end - begin), reference=self.reference())

    def _levels(self, action, start, local):
        level = self.rng.randrange(len(LEVELS))
        for _ in range(self.rng.choice([1, 1, 2])):
            day = start - datetime.timedelta(days=self.rng.choice([0, 10, 300]))
            self.add("niveau_debut", action, day, local, detail=LEVELS[level])
        after = min(len(LEVELS) - 1, max(0, level + self.rng.choice([-1, 0, 1, 1, 2])))
        self.add("niveau_fin", action, start + datetime.timedelta(days=self.rng.randint(0, 90)), local, detail=LEVELS[after])

    def person_events(self, local, human):
        """All events of one person."""
        rng = self.rng
        for _ in range(rng.choice([0, 1, 1, 2])):
            self.path(local, human)
        for _ in range(rng.choice([0, 1, 2, 3, 4])):
            self.event(rng.choice(_BY_PERSON), rng.choice(self.actions), local, human)

    def collective_events(self, count):
        """Sessions given, costs, professionals: each session several times, with other quantities and details."""
        rng = self.rng
        for _ in range(count):
            type_, action = rng.choice(_ALONE), rng.choice(self.actions)
            kind = TYPES[type_]
            quantity = {"h": hours_text, "e": euros_text, "c": count_text}[kind.quantity[0]]
            reference = self.reference() if kind.reference else None
            for _ in range(rng.choice([1, 1, 2, 3]) if kind.reference else 1):
                detail = rng.choice(sorted(kind.details)) if kind.details else None
                self.add(type_, action, self.any_day(), quantite=quantity(rng), detail=detail, reference=reference)


def _own_edges(human, first, last):
    """Anniversaries within about a year of the contract: the 25th birthday, the CIR and its fifth."""
    edges = []
    for day, years in ((human.birth, 25), (human.cir, 5), (human.cir, 0)):
        if day is None:
            continue
        leap = (day.month, day.day) == (2, 29)
        edge = datetime.date(day.year + years, 3, 1) if leap and years else day.replace(year=day.year + years)
        if first - datetime.timedelta(days=30) <= edge <= last + datetime.timedelta(days=30):
            edges += [edge, edge, edge - datetime.timedelta(days=1)]
    return edges


def _set(**cells):
    return lambda row: row.update(cells)


EVENT_ERRORS = [
    ("unknown action", None, _set(action="axe9")), ("empty action", None, _set(action="")),
    ("unknown type", None, _set(type="entrée")), ("empty type", None, _set(type="")),
    ("impossible date", None, _set(date="2024-02-30")), ("impossible French date", None, _set(date="31/04/2024")),
    ("no leap year", None, _set(date="29/02/2025")), ("American date", None, _set(date="12/31/2024")),
    ("empty date", None, _set(date="")), ("no id", None, _set(id_evenement="")),
    ("unknown person", "person", _set(id_local="P-inconnu")), ("empty person", "person", _set(id_local="")),
    ("negative", "any quantity", _set(quantite="-1")), ("words", "any quantity", _set(quantite="deux")),
    ("both signs", "any quantity", _set(quantite="1.234,5")), ("both signs, other order", "any quantity", _set(quantite="1,234.50")),
    ("fraction of a count", "count", _set(quantite="1,5")), ("fraction of a count", "count1", _set(quantite="0.5")),
    ("fraction of a cent", "euros", _set(quantite="12,345")), ("fraction of a cent", "euros", _set(quantite="0.001 €")),
    ("missing hours", "hours", _set(quantite="")), ("missing count", "count", _set(quantite="")),
    ("missing euros", "euros", _set(quantite="")),
    ("missing detail", "details", _set(detail="")), ("unknown detail", "details", _set(detail="A3")),
    ("missing reference", "reference", _set(reference="")), ("blank reference", "reference", _set(reference=" \u00a0 ")),
]


def spoil_event(rng, row):
    """Puts one row in error in a random way that fits its type; returns what was done."""
    kind = TYPES[row["type"]]
    fits = {None: True, "person": kind.person, "details": kind.details, "reference": kind.reference,
            "any quantity": kind.quantity, kind.quantity: True}
    name, _, change = rng.choice([e for e in EVENT_ERRORS if fits.get(e[1])])
    change(row)
    return name


PERSON_ERRORS = [
    _set(nom=""), _set(prenom=""), _set(date_naissance=""), _set(date_naissance="1990-02-31"), _set(sexe="M"),
    _set(nationalite="XYZ"), _set(nationalite=""), _set(statut="réfugié"), _set(statut=""), _set(date_cir="31/06/2022"),
    _set(date_naissance="31/11/1985"),
]
