"""Invented people for the generator: true persons, and how an office may spell them."""

import datetime

import unicodedata
from dataclasses import dataclass, field

from folding import fold

SURNAMES = """Al-Ḥusaynī|Nguyễn|Łukasik|Øvergård|Đorđević|Yılmaz|Əliyev|Ħaddad|Þórsen|Œuvrard|Æbelø|Müller-Straße|
Ó Conaill|D’Almeida|O'Hara|Ben Saïd|Şahin|İnönü|Çelikoğlu|Ковальчук|Шевченко-Йосипенко|Παπαδόπουλος|حسيني|Թումանյան|
გელაშვილი|ተስፋዬ|Ŋgala|Diallo|Traoré|Keïta|N'Guessan|Mbaye|Koné|Bâ|De La Cruz Peña|Ferreira|Ahmadzai|Noorzai|Tesfaye|
Abdirahman|Warsame|Hosseinzadeh|Karimi|Rahimi|Sarkissian|Gjergji|Hoxhaj|Krasniqi|Bajrami|Tamang|Thapa|Pereira Júnior 2|
Żółć|Ðahl|Kızılırmak|Vuçković|Škvorecký|Ĳsselmuiden|Sæther|Lefebvre|Officier|Strauß|Mañueco|El-Khoury|Haïdar""".replace("\n", "").split("|")

NAMES = """Zoë|Aïcha|Fatoumata|Mohammad|Ali|Ōsama|Œdipe|Jean-Noël|Anne Marie|Søren|Łucja|Đuro|Işık|İbrahim|Gülşen|
Олена|Юлія|Андрій|Ελένη|مريم|Արամ|ნინო|ሰላም|Ŋaba|Thảo|Phạm Thị|Ñusta|Åsa|Þóra|Chloé|Fidèle|Maël|François|
Amina|Samira|Nasrin|Farhad|Reza|Hamid|Goran|Blerim|Arta|Sunita|Bikash|Tigist|Yonas|Hodan|Abdi|Mariam|Kadiatou|
Sékou|Boubacar|Ange-Désiré|José María|Inès|Tomás|Raúl|Müge|Äiti|Straßa""".replace("\n", "").split("|")

THIRD = ["AFG", "AF", "SYR", "SY", "UKR", "UA", "SDN", "ERI", "SOM", "COD", "CD", "GIN", "MLI", "CI", "CIV", "ALB", "XKX",
         "XK", "GEO", "ARM", "BGD", "LKA", "TUR", "IRN", "IRQ", "MAR", "DZA", "TN", "BRA", "GBR", "CHE", "VNM", "NP", "ET"]
EUROPEAN = ["FRA", "FR", "DEU", "ROU", "BG", "HRV", "CY", "GRC", "PRT", "IE", "MT"]
STATUSES = [("refugie", 24), ("protection_subsidiaire", 16), ("apatride", 4), ("protection_temporaire", 12),
            ("vie_privee_familiale", 14), ("salarie", 8), ("etranger_malade", 5), ("autre_titre", 7),
            ("etudiant", 3), ("demandeur_asile", 3), ("mineur_non_accompagne", 2), ("sans_titre", 2)]


@dataclass
class Human:
    """A true person; offices may know less, or write it otherwise."""
    surname: str
    name: str
    birth: datetime.date
    sex: str
    nationality: str
    status: str
    cir: datetime.date = None
    number: str = None
    household: int = None
    operators: list = field(default_factory=list)


def _ascii_marks(text):
    table = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "ə": "e", "æ": "ae",
                           "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ß": "ss", "ŋ": "n", "Ŋ": "N", "Ə": "E",
                           "ħ": "h", "Ħ": "H", "ð": "d", "Ð": "D", "Þ": "TH"})
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c)[0] != "M")
    return plain.translate(table)


def _full_width(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


_CHANGES = [
    str.upper, str.lower, str.title, str.swapcase, *[_ascii_marks] * 4, lambda t: _ascii_marks(t).upper(),
    lambda t: t.replace("-", " "), lambda t: t.replace(" ", "-"), lambda t: t.replace(" ", ""),
    lambda t: t.replace("'", "’"), lambda t: t.replace("’", " "), lambda t: t.replace("oe", "œ").replace("ae", "æ"),
    lambda t: t.replace("œ", "oe").replace("æ", "ae"), lambda t: t.replace("fi", "ﬁ").replace("ss", "ß"),
    lambda t: unicodedata.normalize("NFD", t), lambda t: unicodedata.normalize("NFC", t), _full_width,
    lambda t: t.replace(" ", "\u00a0"), lambda t: t.replace(" ", "  "), lambda t: t + ".", lambda t: f"{t} ({t[:0]})",
    lambda t: t[:1] + "\u00ad" + t[1:], lambda t: t[:2] + "\u0301" + t[2:], lambda t: f'"{t}"', lambda t: t.replace("s", "ſ"),
]


def spell(rng, text):
    """Another spelling of a name that folds alike."""
    for _ in range(rng.choice([0, 1, 1, 2])):
        changed = rng.choice(_CHANGES)(text)
        if fold(changed) == fold(text):
            text = changed
    return text


def _day_near(rng, day, spread):
    return day + datetime.timedelta(days=rng.randint(-spread, spread))


def _birth(rng, first, last):
    kind = rng.random()
    if kind < 0.35:  # 25 within the contract, or about
        day = first + datetime.timedelta(days=rng.randint(-20, (last - first).days + 20))
        return datetime.date(day.year - 25, day.month, min(day.day, 28))
    if kind < 0.42:
        return datetime.date(rng.choice([1988, 1996, 2000, 2000, 2000, 2004]), 2, 29)
    return datetime.date(rng.randint(1948, 2007), rng.randint(1, 12), rng.randint(1, 28))


def _cir(rng, first, last):
    kind = rng.random()
    if kind < 0.08:
        return None
    if kind < 0.35:  # reaches five years within the contract, or about
        day = first + datetime.timedelta(days=rng.randint(-15, (last - first).days + 15))
        return datetime.date(day.year - 5, day.month, min(day.day, 28))
    if kind < 0.45:
        return datetime.date(rng.choice([2020, 2016, 2020, 2024]), 2, 29)
    if kind < 0.60:  # signed within the contract
        return first + datetime.timedelta(days=rng.randint(0, (last - first).days))
    return first - datetime.timedelta(days=rng.randint(1, 2300))


def make_human(rng, first, last):
    """One person, with the edges of the rules over-represented."""
    status = rng.choices([s for s, _ in STATUSES], [w for _, w in STATUSES])[0]
    nationality = rng.choice(THIRD) if rng.random() > 0.05 else rng.choice(EUROPEAN)
    if status == "apatride" and rng.random() < 0.7:
        nationality = "XXA"
    return Human(rng.choice(SURNAMES).strip(), rng.choice(NAMES).strip(), _birth(rng, first, last),
                 rng.choice("FH"), nationality, status, _cir(rng, first, last))


def make_humans(rng, count, first, last, operators):
    """All persons: numbers, households, the operators that know them, namesakes born on one day."""
    humans = []
    numbers = rng.sample(range(10 ** 9, 10 ** 10), count * 2)
    while len(humans) < count:
        human = make_human(rng, first, last)
        human.number = f"{numbers[len(humans)]:010d}" if rng.random() < 0.65 else None
        if rng.random() < 0.1 and human.number:
            human.number = "0" + human.number[1:]
        human.household = rng.randrange(max(1, count // 3)) if rng.random() < 0.6 else None
        known = rng.choices([1, 2, 3, 4], [50, 28, 14, 8])[0]
        human.operators = rng.sample(operators, min(known, len(operators)))
        humans.append(human)
        if rng.random() < 0.05 and len(humans) < count:
            humans.append(_namesake(rng, human, f"{numbers[count + len(humans)]:010d}", operators))
    return humans


def _namesake(rng, human, number, operators):
    twin = Human(human.surname, human.name, human.birth, rng.choice("FH"), human.nationality, human.status,
                 human.cir, number if rng.random() < 0.8 else None, human.household)
    twin.operators = rng.sample(operators, min(2, len(operators)))
    return twin


def canary_human(human, index):
    """Gives a person a name that is found nowhere else."""
    letters = "".join("bcdfghjklm"[int(d)] for d in f"{index:04d}")
    human.surname, human.name = f"Zqwnom{letters}", f"Zqwpre{letters}"
    return human
