"""Reading of one cell: dates, quantities, foreigner's numbers (DOMAIN.md, "What an operator has").

Every reader raises Bad on a cell that is in error. Nothing here uses floating point.
"""

import datetime
import re
from fractions import Fraction

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z", re.ASCII)
_FRENCH = re.compile(r"(\d{2})/(\d{2})/(\d{4})\Z", re.ASCII)
_NUMBER = re.compile(r"(?=[.,]?\d)\d*(?:[.,]\d*)?\Z", re.ASCII)
_GROUPS = re.compile(r"\d{1,3}(?:\s\d{3})+(?!\d)")
_CLOCK = re.compile(r"(\d+)[:h](\d{2})\Z", re.ASCII)
_TEN_DIGITS = re.compile(r"[0-9]{10}\Z")


class Bad(ValueError):
    """A cell that is in error."""


def strip_spaces(text):
    """Removes white space of any kind, wherever it is."""
    return "".join(c for c in text if not c.isspace())


def read_date(text):
    """Reads `2024-01-31` or `31/01/2024`."""
    iso = _ISO.match(text)
    french = _FRENCH.match(text)
    if iso:
        year, month, day = iso.groups()
    elif french:
        day, month, year = french.groups()
    else:
        raise Bad("date")
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError as error:
        raise Bad("date") from error


def read_foreigner_number(text):
    """Returns the ten digits, or None for anything else (a warning, not an error)."""
    digits = strip_spaces(text)
    return digits if _TEN_DIGITS.match(digits) else None


def _read_decimal(text, suffix):
    if suffix and text.endswith(suffix):
        text = text[: -len(suffix)]
    if not _NUMBER.match(text):
        raise Bad("number")
    return Fraction("0" + text.replace(",", ".") + ("0" if text[-1] in ".," else ""))


def _without_spaces(text):
    """Removes thousands separators, and the spaces at ends and beside units; others are in error."""
    joined = _GROUPS.sub(lambda group: strip_spaces(group.group()), text.strip())
    if re.search(r"\d\s+\d", joined):
        raise Bad("spaces")
    return strip_spaces(joined)


def read_minutes(text):
    """Reads hours; returns whole minutes, a decimal rounded half up."""
    text = _without_spaces(text)
    clock = _CLOCK.match(text)
    if clock:
        hours, minutes = int(clock.group(1)), int(clock.group(2))
        if minutes > 59:
            raise Bad("minutes")
        return hours * 60 + minutes
    exact = _read_decimal(text, "h") * 60
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def read_cents(text):
    """Reads euros; returns whole cents, a fraction of a cent being an error."""
    exact = _read_decimal(_without_spaces(text), "€") * 100
    if exact.denominator != 1:
        raise Bad("fraction of a cent")
    return exact.numerator


def read_count(text):
    """Reads a count; a fraction is an error."""
    exact = _read_decimal(_without_spaces(text), "")
    if exact.denominator != 1:
        raise Bad("fraction of a count")
    return exact.numerator


def same_day_years_later(day, years):
    """The anniversary of a day; of 29 February in a common year: 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return datetime.date(day.year + years, 3, 1)


def months_later(day, months):
    """The same day some months later, or the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    for number in range(day.day, 0, -1):
        try:
            return datetime.date(year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError("a month has days")


def half_up(value, digits):
    """A Fraction >= 0 rounded half up, as text with exactly that many decimals."""
    scaled = value * 10 ** digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    if digits == 0:
        return str(whole)
    return f"{whole // 10 ** digits}.{whole % 10 ** digits:0{digits}d}"


def no_trailing_zeros(text):
    """`9.50` -> `9.5`, `9.00` -> `9`."""
    return text.rstrip("0").rstrip(".") if "." in text else text
