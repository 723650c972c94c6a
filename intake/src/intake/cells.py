"""How one cell is read: what people and Excel write for a text, a number, a yes, a word or a list.

A reader takes a cell that is not blank, as Excel or a CSV file gives it, and returns what the form takes; or raises
`Unclear` with what is wrong and what to write instead. The form's own rules are checked later, for every way alike.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from rules.regions import REGIONS

Cell = str | float | int | bool | date | datetime | time | timedelta | Decimal
"""What calamine and csv give, and what we write; a blank cell is the empty text."""

BLANKS = " \t\r\n\v\f\xa0\u2007\u202f\u200b\ufeff"
_EXACT_DIGITS = 15
ERRORS = frozenset(
    (
        *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"),
        *("#SKÄRNING!", "#DIVISION/0!", "#VÄRDEFEL!", "#REFERENS!", "#NAMN?", "#OGILTIGT!", "#SAKNAS!"),
    )
)


class Mark(str):
    """Stands in a row for a cell whose value its reader cannot give; `tables` tells the reason."""

    __slots__ = ()


FORMULA = Mark("a formula")
NO_VALUE = Mark("a formula without its value")
ERROR_VALUE = Mark("an error")
MERGED = Mark("merged with other cells")


class Unclear(ValueError):
    """A cell that can be read in no way, or in several; holds the reason and a suggestion."""

    def __init__(self, reason: str, suggestion: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.suggestion = suggestion


def is_blank(cell: Cell | None) -> bool:
    """True for an empty cell and one of blanks alone."""
    return cell is None or cell == "" or (isinstance(cell, str) and not cell.strip(BLANKS))


def text(cell: Cell) -> str:
    """The cell as a text, without blanks around it. Raises Unclear where Excel has already lost part of it."""
    if isinstance(cell, str):
        found = cell.strip(BLANKS)
        if found.upper() in ERRORS:
            raise Unclear(
                "holds an error of the spreadsheet instead of a value", "mend the formula, or write the value"
            )
        return found
    if isinstance(cell, bool):
        return "ja" if cell else "nej"
    if isinstance(cell, float):
        if cell.is_integer():
            if abs(cell) >= 10**_EXACT_DIGITS:
                raise Unclear(
                    "is a number of more than 15 digits, of which Excel keeps only the first 15",
                    "format the cell as text and write the number again",
                )
            return str(int(cell))
        # Fifteen digits are what Excel shows; the rest is noise of its arithmetic.
        return format(Decimal(format(cell, ".15g")), "f")
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="minutes")
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _near(word: str, known: Iterable[str]) -> str | None:
    spelt = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(word.casefold(), spelt, n=1, cutoff=0.6)
    return f"did you mean {spelt[near[0]]}?" if near else None


# ---- yes, numbers, words


_YES = frozenset({"ja", "j", "yes", "y", "true", "sant", "x", "1"})
_NO = frozenset({"nej", "n", "no", "false", "falskt", "-", "0"})


def yes_no(cell: Cell) -> bool:
    """Ja or nej, also as x, 1 and 0, and as Excel's SANT and FALSKT."""
    word = text(cell).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Unclear("must be ja or nej")


_GAPS = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff']+")
_CURRENCY = re.compile(r"\s*(?:kr|sek|:-)\.?$", re.IGNORECASE)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?!\1)[.,]\d+")


def number(cell: Cell) -> Decimal:
    """A number with a decimal comma or point, gaps between thousands, and kr behind it."""
    if isinstance(cell, bool | date | time | timedelta):
        raise Unclear("must be a number", "format the cell as a number, and write it again")
    written = _CURRENCY.sub("", _GAPS.sub(" ", text(cell)).strip()).replace(" ", "").replace("−", "-")
    if match := _THOUSANDS.fullmatch(written):
        written = written.replace(match[1], "")
    written = written.replace(",", ".")
    if not re.fullmatch(r"-?\d+(\.\d+)?", written):
        raise Unclear("must be a number", "write it with digits alone, such as 7850 or 7850,50")
    with suppress(InvalidOperation):
        return Decimal(written)
    raise Unclear("must be a number")


def amount(cell: Cell) -> str:
    """A number as the form's JSON has it: decimal point, and no noughts that say nothing behind it."""
    found = number(cell)
    return format(found.quantize(Decimal(1)) if found == found.to_integral_value() else found.normalize(), "f")


def whole(cell: Cell) -> int:
    """A whole number, also written 14.0 or 14,0."""
    found = number(cell)
    if found != found.to_integral_value():
        raise Unclear("must be a whole number")
    if len(str(found)) > 30:
        raise Unclear("is too large a number")
    return int(found)


def one_of(words: Mapping[str, str]) -> Callable[[Cell], str]:
    """A reader of one of the Swedish words, or the form's own; capitals do not matter."""
    known = {**{word.casefold(): word for word in words.values()}, **{sv.casefold(): en for sv, en in words.items()}}

    def read(cell: Cell) -> str:
        word = " ".join(text(cell).split())
        if (found := known.get(word.casefold())) is None:
            raise Unclear(f"must be one of {', '.join(words)}", _near(word, words))
        return found

    return read


# ---- regions


_NAMES = {region.name.casefold(): region.code for region in REGIONS.values()}
_NAMES |= {name.removeprefix("region "): code for name, code in list(_NAMES.items())}


def region(cell: Cell) -> str:
    """A region's code: 01, also as 1 or 1.0, which is what Excel makes of it; or the region's name."""
    written = text(cell)
    if re.fullmatch(r"\d(\.0)?|\d\d\.0", written):
        written = written.removesuffix(".0").zfill(2)
    return _NAMES.get(written.casefold(), written)


# ---- lists


_SIGNS = re.compile(r"[,;\s]+")
_CODES = re.compile(r"[;\s]+|,(?!\d\w?\b)|,\s")
_LINES = re.compile(r"[;\r\n]+")
_PHRASES = re.compile(r"[,;\r\n]+")


def _parts(separators: re.Pattern[str], cell: Cell) -> list[str]:
    return [part for part in (piece.strip(BLANKS) for piece in separators.split(text(cell))) if part]


def identifiers(cell: Cell) -> list[str]:
    """Several ids in one cell, with comma, semicolon, blank or line break between them."""
    return _parts(_SIGNS, cell)


def codes(cell: Cell) -> list[str]:
    """Several codes in one cell; the comma of H25,1 separates nothing."""
    return _parts(_CODES, cell)


def texts(cell: Cell) -> list[str]:
    """Several texts in one cell, with semicolon or line break between them."""
    return _parts(_LINES, cell)


def region_words(cell: Cell) -> list[str]:
    """Several regions as they were written."""
    if isinstance(cell, float) and not cell.is_integer():
        raise Unclear("is a number with decimals: Excel has read the comma as one", "write 01; 03 with a semicolon")
    # A region's name may hold blanks, so they separate codes only.
    pieces = phrases(cell)
    return [part for piece in pieces for part in (piece.split() if piece[0].isdigit() else [piece])]


def regions(cell: Cell) -> list[str]:
    """Several regions in one cell."""
    return [region(part) for part in region_words(cell)]


def phrases(cell: Cell) -> list[str]:
    """Several words of a list, with comma, semicolon or line break between them, for they hold blanks."""
    return _parts(_PHRASES, cell)


def several_of(words: Mapping[str, str]) -> Callable[[Cell], list[str]]:
    """A reader of several of the words."""
    read_one = one_of(words)
    return lambda cell: [read_one(part) for part in phrases(cell)]
