"""Finds anything like a personnummer or samordningsnummer in free text, so that it is refused before it is stored."""

import re
import unicodedata
from urllib.parse import unquote

from rules.identifiers import is_personal_number

# Century optional; a sign or space may stand before the last four digits and between the date's parts. Four digits
# that begin a date of their own end a period, as in 2025-01-01 - 2025-12-31.
_CANDIDATE = re.compile(
    r"(?<!\d)(?P<century>18|19|20)?(?P<date>(?P<year>\d\d)[ ./-]?(?P<month>\d\d)[ ./-]?(?P<day>\d\d))"
    r"(?P<sign>[ .,/:;=*()_+-]{0,3})(?!(?:19|20)\d\d[./-]\d\d[./-]\d\d(?!\d))(?P<last>\d{4})(?!\d)"
)
# In pairs, as people dictate: every such form needs its check digit, and either the century or an unbroken date, for
# telephone numbers and amounts are written in groups too. A lookahead, so that no group hides the next.
_IN_PAIRS = re.compile(r"(?<!\d)(?=((?:(?:18|19|20) ?\d\d ?\d\d ?\d\d|\d{6}) {0,2}[-+]? {0,2}\d\d ?\d\d)(?!\d))")
_DIGIT = re.compile(r"\d")
_DASHES = frozenset("−⁃ー")
"""Signs that look like a hyphen though Unicode does not class them as dashes."""
_INVISIBLE = frozenset({"Cc", "Cf", "Me", "Mn"})


def holds_personal_number(text: str) -> bool:
    """True when the text holds ten or twelve digits that read as a personal or coordination number.

    Written with its century and unbroken, or with - or + before the last four digits, a valid date is enough (a slip
    of the pen in the check digit does not make it less personal); other forms also need the check digit, since
    telephone and diary numbers look the same.
    """
    if text.isascii() and len(text) < 10:  # too short for ten digits, escaped or not
        return False
    # %-escapes, full-width digits, odd dashes and invisible marks must not hide a number.
    while (unescaped := unquote(text)) != text:
        text = unescaped
    text = unicodedata.normalize("NFKC", text)
    # Most texts have too few digits: looking at each of their signs took half of the time of reading a catalogue.
    if len(_DIGIT.findall(text)) < 10:
        return False
    plain = "".join(map(_plain_sign, text))
    return any(map(_reads_as_one, _CANDIDATE.finditer(plain))) or any(map(_in_pairs, _IN_PAIRS.finditer(plain)))


def _in_pairs(match: re.Match[str]) -> bool:
    return is_personal_number("".join(_DIGIT.findall(match[1]))[-10:])


def _plain_sign(sign: str) -> str:
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if sign.isspace():
        return " "
    category = unicodedata.category(sign)
    if category == "Pd" or sign in _DASHES:
        return "-"
    return "" if category in _INVISIBLE else sign


def _reads_as_one(match: re.Match[str]) -> bool:
    ten = match["year"] + match["month"] + match["day"] + match["last"]
    whole_date = match["century"] is not None and match["date"].isdecimal()
    written_as_one = whole_date or "-" in match["sign"] or "+" in match["sign"]
    return any(is_personal_number(ten[:9] + check) for check in ("0123456789" if written_as_one else ten[9]))
