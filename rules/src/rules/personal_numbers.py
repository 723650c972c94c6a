"""Finds anything like a personnummer or samordningsnummer in free text, so that it can be refused before it is stored."""

import re
import unicodedata

from rules.identifiers import is_personal_number

# Century optional; a hyphen, plus or space may stand before the last four digits and between the date's parts.
_CANDIDATE = re.compile(
    r"(?<!\d)(?P<century>18|19|20)?(?P<date>(?P<year>\d\d)[ -]?(?P<month>\d\d)[ -]?(?P<day>\d\d))(?P<sign>[ +-]{0,3})(?P<last>\d{4})(?!\d)"
)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣", "-"))


def holds_personal_number(text: str) -> bool:
    """True when the text holds ten or twelve digits that read as a personal or coordination number.

    Written with its century and unbroken, or with a sign before the last four digits, a valid date is enough (a slip of the pen in
    the check digit does not make it less personal); ten digits in a row also need the check digit, since telephone
    and diary numbers look the same.
    """
    return any(_reads_as_one(match) for match in _CANDIDATE.finditer(_plain(text)))


def _plain(text: str) -> str:
    # Full-width digits, odd dashes and invisible marks must not hide a number.
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES)
    digits = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in folded)
    return "".join(" " if sign.isspace() else sign for sign in digits if unicodedata.category(sign) != "Cf")


def _reads_as_one(match: re.Match[str]) -> bool:
    ten = match["year"] + match["month"] + match["day"] + match["last"]
    whole_date = match["century"] is not None and match["date"].isdecimal()
    written_as_one = whole_date or match["sign"].strip() != ""
    return any(is_personal_number(ten[:9] + check) for check in ("0123456789" if written_as_one else ten[9]))
