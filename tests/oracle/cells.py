"""Who is the same person, and the cells of the report (DOMAIN.md, "Who is the same person" and "Indicators")."""

from collections import defaultdict
from fractions import Fraction

from tables import LEVELS
from values import half_up, no_trailing_zeros

DAYS_PER_MONTH = Fraction(487, 16)  # 30.4375
ASSIDUITY = Fraction(80, 100)
THEMES = ["laicite", "egalite", "citoyennete", "parentalite", "liens_societe", "autre"]
FORMATION = ["formation"]
EMPLOYMENT = ["emploi_durable", "emploi_6_mois", "emploi"]

# code, kind of count, types read, details read (None: all)
NATIONAL = [
    ("1.1.total", "people", ["beneficiaire"], None),
    ("1.1.hommes", "people:H", ["beneficiaire"], None),
    ("1.1.femmes", "people:F", ["beneficiaire"], None),
    ("1.1.moins_25", "people:young", ["beneficiaire"], None),
    ("1.1.bpi", "people:bpi", ["beneficiaire"], None),
    ("1.1.bpi_hommes", "people:bpi,H", ["beneficiaire"], None),
    ("1.1.bpi_femmes", "people:bpi,F", ["beneficiaire"], None),
    ("1.1.bpi_moins_25", "people:bpi,young", ["beneficiaire"], None),
    ("1.2.acteurs", "sum", ["acteurs_formes"], None),
    ("1.2.heures", "hours", ["formation_acteurs"], None),
    ("1.2.outils", "text", [], None),
    ("2.cout_total", "euros", ["cout"], None),
    ("2.cout_p104", "euros", ["cout"], ["p104"]),
    ("3.1.heures", "hours", ["seance"], ["francais"]),
    ("3.1.assidus", "attendance", ["entree", "presence"], None),
    ("3.1.progres_cecrl", "progress", ["niveau_debut", "niveau_fin"], None),
    ("3.2.duree_moyenne_mois", "duration", ["sortie"], None),
    ("3.2.sorties_positives", "facts", ["sortie"], EMPLOYMENT + FORMATION),
    ("3.2.formation", "facts", ["sortie"], FORMATION),
    ("3.2.emploi_durable", "facts", ["sortie"], ["emploi_durable"]),
    ("3.2.positives_6_mois", "facts", ["suivi_6_mois"], ["positif"]),
    ("3.2.suivis_6_mois", "facts", ["suivi_6_mois"], None),
    ("3.3.heures", "hours", ["seance"], THEMES),
    ("3.3.outils", "text", [], None),
    ("3.3.thematiques", "list", ["seance"], THEMES),
    ("3.4.menages", "households", ["logement_perenne"], None),
    ("3.5.consultations", "sum", ["consultation_medicale"], None),
    ("3.6.outils", "sum", ["outil_numerique"], None),
    ("3.6.heures", "hours", ["seance"], ["numerique"]),
    ("3.7.binomes", "references", ["binome_mentorat"], None),
    ("3.8.sport", "references", ["evenement_sportif"], None),
    ("3.8.culture", "references", ["evenement_culturel"], None),
]
_FROM_THE_START = {"attendance", "progress"}
_FOLLOW_UPS = {"3.2.positives_6_mois", "3.2.suivis_6_mois"}
_EMPTY_KINDS = {"text", "list", "duration"}


class People:
    """Resolves the persons of a linkage scope from all of its records."""

    def __init__(self, records):
        numbers = defaultdict(set)
        for record in records:
            if record.type == "beneficiaire" and record.number:
                numbers[record.string].add(record.number)
        self._numbers = numbers

    def of(self, record):
        """The person of a record that has a token: a hashable value, equal for the same person."""
        if record.number:
            return ("E", record.number)
        known = self._numbers.get(record.string, ())
        return ("E", min(known)) if len(known) == 1 else ("I", record.string)

    def ambiguous(self):
        """The strings that stand with two or more numbers."""
        return {string for string, numbers in self._numbers.items() if len(numbers) > 1}


class Cells:
    """The cells of one action (or of all, action None) of a contract in a period of months."""

    def __init__(self, records, people, action, first_month, start, end):
        mine = [r for r in records if action in (None, r.action)]
        self._people = people
        self._period = [r for r in mine if start <= r.month <= end]
        self._from_start = [r for r in mine if first_month <= r.month <= end]
        self._faces = self._collect_faces()

    def _collect_faces(self):
        faces = defaultdict(lambda: {"sexes": set(), "bpi": False, "young": False})
        for record in self._period:
            if record.type == "beneficiaire":
                face = faces[self._people.of(record)]
                face["sexes"].update({record.sex} - {""})
                face["bpi"] |= record.bpi
                face["young"] |= record.under_25
        return faces

    def _read(self, types, details):
        return [r for r in self._period if r.type in types and (details is None or r.code in details)]

    def count_people(self, wanted):
        """Beneficiaries with all of the wanted features (`H`, `F`, `bpi`, `young`)."""
        def fits(face):
            features = {name for name in ("bpi", "young") if face[name]}
            if len(face["sexes"]) == 1:
                features |= face["sexes"]
            return features >= wanted
        return sum(1 for face in self._faces.values() if fits(face))

    def minutes_once(self, types, details):
        """Minutes of sessions, the largest quantity of each."""
        largest = {}
        for r in self._read(types, details):
            key = (r.operator, r.action, r.type, r.reference)
            largest[key] = max(r.quantity, largest.get(key, 0))
        return sum(largest.values())

    def count_assiduous(self):
        """Persons whose attended minutes are at least 80 % of their planned minutes."""
        planned, attended = defaultdict(int), defaultdict(int)
        for r in self._from_start:
            if r.type == "entree":
                planned[self._people.of(r)] += r.quantity or 0
            elif r.type == "presence":
                attended[self._people.of(r)] += r.quantity
        return sum(1 for person in self._faces
                   if planned[person] > 0 and attended[person] >= ASSIDUITY * planned[person])

    def count_progressed(self):
        """Persons whose highest final level is above their lowest first level."""
        lowest, highest = {}, {}
        for r in self._from_start:
            if r.type == "niveau_debut":
                person, level = self._people.of(r), LEVELS.index(r.code)
                lowest[person] = min(level, lowest.get(person, level))
        for r in self._read(["niveau_fin"], None):
            person, level = self._people.of(r), LEVELS.index(r.code)
            highest[person] = max(level, highest.get(person, level))
        return sum(1 for person, level in highest.items()
                   if person in self._faces and person in lowest and level >= lowest[person] + 1)

    def mean_duration(self):
        """The mean of the days of the exits, in months, or nothing."""
        days = [r.days for r in self._read(["sortie"], None)]
        return half_up(Fraction(sum(days), len(days)) / DAYS_PER_MONTH, 1) if days else ""

    def value(self, kind, types, details):
        """A cell's value as the CSV writes it."""
        if kind.startswith("people"):
            return str(self.count_people(set(kind[7:].split(",")) - {""}))
        if kind == "hours":
            return no_trailing_zeros(half_up(Fraction(self.minutes_once(types, details), 60), 2))
        if kind == "attendance":
            return str(self.count_assiduous())
        if kind == "progress":
            return str(self.count_progressed())
        if kind == "duration":
            return self.mean_duration()
        read = self._read(types, details)
        if kind == "euros":
            return no_trailing_zeros(half_up(Fraction(sum(r.quantity for r in read), 100), 2))
        if kind == "list":
            return ";".join(theme for theme in details if any(r.code == theme for r in read))
        distinct = {
            "facts": lambda r: self._people.of(r),
            "households": lambda r: r.household,
            "references": lambda r: (r.operator, r.action, r.type, r.reference),
        }.get(kind)
        if distinct:
            return str(len({distinct(r) for r in read}))
        assert kind == "sum", kind
        return str(sum(r.quantity for r in read))

    def was_collected(self, types, from_start=False):
        """Whether any record of the types was sent in the period (or from the contract's start to its end)."""
        return any(r.type in types for r in (self._from_start if from_start else self._period))


def cell(cells, indicator, texts):
    """Returns (realise, statut, other reading) of one indicator.

    The other reading is the pair (realise, statut) that is right too, or None: attendance and progress are read from
    the contract's start, and in a period with none of their own records DOMAIN.md can be read both ways.
    """
    code, kind, types, details = indicator
    if kind == "text":
        return (texts, "compte", None) if texts else ("", "non_collecte", None)
    value = cells.value(kind, types, details)
    if cells.was_collected(types):
        return value, "compte", None
    if code in _FOLLOW_UPS:
        return "0", "non_fait", None
    doubtful = kind in _FROM_THE_START and cells.was_collected(types, from_start=True)
    other = (value, "compte") if doubtful else None
    return "" if kind in _EMPTY_KINDS else "0", "non_collecte", other
