"""How an office writes its files: encodings, separators, line ends, dates, numbers, quoting."""

import datetime
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from folding import fold

SPACES = [" ", "\u00a0", "\u202f", "\u2009", "\u2007"]
_CP1252_SPACE = {space: "\u00a0" for space in SPACES[1:]}
_EXTRA = ["Remarques, divers", "téléphone", "Référent", "N° dossier", "ville"]


@dataclass
class Style:
    """One file's style."""
    encoding: str
    separator: str
    newline: str
    quote_all: bool
    final_newline: bool
    shuffle: bool
    extra: list


def make_style(rng):
    """A random style; every combination comes up."""
    return Style(rng.choice(["utf-8", "utf-8-sig", "cp1252"]), rng.choice([";", ";", ",", "\t"]),
                 rng.choice(["\n", "\r\n"]), rng.random() < 0.15, rng.random() < 0.8, rng.random() < 0.8,
                 rng.sample(_EXTRA, rng.choice([0, 0, 1, 2, 3])))


def date_text(rng, day):
    """ISO or French, mixed within a file as offices do."""
    return rng.choice([day.isoformat(), day.strftime("%d/%m/%Y")])


def _grouped(rng, digits):
    if len(digits) <= 3 or rng.random() < 0.4:
        return digits
    space = rng.choice(SPACES)
    head = len(digits) % 3
    groups = [digits[:head]] * (head > 0) + [digits[i:i + 3] for i in range(head, len(digits), 3)]
    return space.join(groups)


def _decimal(rng, value, places):
    scaled = value * 10 ** places
    text = f"{int(scaled):0{places + 1}d}"
    whole, rest = (text[:-places], text[-places:]) if places else (text, "")
    if rest and set(rest) == {"0"} and rng.random() < 0.7:
        rest = ""
    return _grouped(rng, whole) + (rng.choice(".,") + rest if rest else "")


def hours_text(rng, minutes=None):
    """Hours: given whole minutes are written exactly; else anything, halves of a minute included."""
    if minutes is None and rng.random() < 0.4:
        odd = ["1,33", "0.33", "1.075", "0,025", "2,675", "0.175", "1,008333", "0,0083333333", "0.00833333334", "1,005",
               "0", "0,00", "00:00", "0h30", "12,991", "1 000,5", "3,0250", "1.0083", "100:05", "7,5 h", "7.5h"]
        return rng.choice(odd)
    if minutes is None:
        minutes = rng.choice([rng.randrange(0, 600), 15 * rng.randrange(1, 40)])
    forms = [f"{minutes // 60}:{minutes % 60:02d}", f"{minutes // 60}h{minutes % 60:02d}"]
    for places in (0, 1, 2, 3):
        if (Fraction(minutes, 60) * 10 ** places).denominator == 1:
            text = _decimal(rng, Fraction(minutes, 60), places)
            forms += [text, text + "h", text + rng.choice(SPACES) + "h"]
    return rng.choice(forms)


def euros_text(rng):
    """Euros with whole cents."""
    cents = rng.choice([rng.randrange(0, 100), rng.randrange(0, 200000), 100 * rng.randrange(1, 12000)])
    places = rng.choice([2, 2, 1 if cents % 10 == 0 else 2, 0 if cents % 100 == 0 else 2, 3])
    text = _decimal(rng, Fraction(cents, 100), places)
    return text + rng.choice(["", "", "€", " €", "\u00a0€"])


def count_text(rng):
    """A whole count."""
    return rng.choice([str(rng.randrange(0, 40)), str(rng.randrange(1, 6)), _grouped(rng, str(rng.randrange(1000, 3000))),
                       "2,0", "3.00", "007"])


def _for_encoding(text, encoding):
    if encoding != "cp1252":
        return text
    for space, plain in _CP1252_SPACE.items():
        text = text.replace(space, plain)
    try:
        text.encode("cp1252")
        return text
    except UnicodeEncodeError:
        composed = unicodedata.normalize("NFC", text)
    try:
        composed.encode("cp1252")
        return composed
    except UnicodeEncodeError:
        return None


def _encodable(rows, column, style):
    """Names that Windows-1252 cannot hold are written folded where that can be, else the file is UTF-8."""
    for row in rows:
        text = row.get(column, "")
        if _for_encoding(text, style.encoding) is None:
            if column in ("nom", "prenom") and _for_encoding(fold(text), style.encoding) is not None:
                row[column] = fold(text).title() if fold(fold(text).title()) == fold(text) else fold(text)
            else:
                style.encoding = "utf-8"


def _field(rng, text, style):
    special = any(c in text for c in (style.separator, '"', "\r", "\n"))
    if special or style.quote_all or rng.random() < 0.05:
        return '"' + text.replace('"', '""') + '"'
    return text


def write_table(rng, path, columns, rows, style):
    """Writes rows (dicts of text) in a style; extra columns hold remarks."""
    rows = [dict(row) for row in rows]
    for column in columns:
        _encodable(rows, column, style)
    header = list(columns) + style.extra
    if style.shuffle:
        rng.shuffle(header)
    lines = [style.separator.join(_field(rng, name, style) for name in header)]
    for row in rows:
        cells = [row.get(name, "") if name in columns else _remark(rng, row, name) for name in header]
        cells = [_for_encoding(cell, style.encoding) for cell in cells]
        lines.append(style.separator.join(_field(rng, cell, style) for cell in cells))
    text = style.newline.join(lines) + (style.newline if style.final_newline else "")
    with open(path, "wb") as file:
        file.write(text.encode(style.encoding))


def _remark(rng, row, name):
    if "#remark" in row:
        return row["#remark"]
    return rng.choice(["", "à rappeler", "vu; ok", 'dit "oui"', "ligne 1\nligne 2", "l'été", "a\tb", "12,5"])


def parse_iso(text):
    """A contract's day."""
    return datetime.date.fromisoformat(text)
