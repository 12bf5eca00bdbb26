"""The folding of names, version 1 (DOMAIN.md, "Tokens")."""

import unicodedata

_LAST = str.maketrans({
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ə": "e", "ŋ": "n",
    "æ": "ae", "œ": "oe", "þ": "th",
})


def _decompose_and_drop_marks(text):
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if unicodedata.category(c)[0] != "M")


def fold(text):
    """Returns the folded form of a name; two spellings of a name that fold alike are one name."""
    text = _decompose_and_drop_marks(text)
    text = _decompose_and_drop_marks(text.casefold())
    text = text.translate(_LAST)
    return "".join(c for c in text if unicodedata.category(c)[0] in "LN")
