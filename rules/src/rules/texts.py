"""What a text from outside may hold: signs that people can read, and nobody's personal number."""

import unicodedata

from rules.personal_numbers import holds_personal_number

_LINE_BREAKS = frozenset("\n\r\t")
_UNSEEN = frozenset({"Cc", "Cs"})
_LONGEST_NAME = 60


def readable(text: str) -> str:
    """The text, if it holds no control characters but line breaks and tabs. Raises ValueError."""
    # PostgreSQL cannot hold U+0000 or half a sign (a lone surrogate), and no person can see the others. Nearly every
    # text is printable throughout.
    if not text.isprintable() and any(
        unicodedata.category(sign) in _UNSEEN and sign not in _LINE_BREAKS for sign in text
    ):
        raise ValueError("must not hold control characters")
    return text


def one_line(text: str) -> str:
    """The text on one line: every run of spaces, of whatever kind, as one, and without signs that nobody can see."""
    if text.isascii() and "  " not in text and "\n" not in text and "\t" not in text:
        return text
    seen = (sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join("".join(seen).split())


def impersonal(text: str) -> str:
    """The text, if it holds nothing like a personal number. Raises ValueError."""
    if holds_personal_number(text):
        raise ValueError("holds something like a personal number: no patient may be identified here")
    return text


def may_be_repeated(name: object) -> bool:
    """True for a field's name that an error may repeat: an odd one may hold what must not be told."""
    return isinstance(name, str) and len(name) <= _LONGEST_NAME and name.replace("_", "").replace("-", "").isalpha()


FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


def no_formula(cell: str) -> str:
    """The text of a CSV cell, behind an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell
