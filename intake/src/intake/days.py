"""How a day is read: as it is usually written, or refused with what it may be; never guessed."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta

from intake.cells import Cell, Unclear, text

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+00:00(?::00(?:\.0+)?)?Z?)?")
_EIGHT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_OTHER = re.compile(r"(\d{1,4})[./\- ](\d{1,2})[./\- ](\d{1,4})")
_MONTHS = ("jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_WORDED = re.compile(r"(\d{1,2})\s+([a-zåäö]{3,9})\.?\s+(\d{4})", re.IGNORECASE)
_ASKED = "must be a day written as 2026-01-31"


def day(cell: Cell) -> str:
    """A day as ISO text: 2026-01-31, with midnight behind it or without its hyphens; and Excel's own dates."""
    if isinstance(cell, datetime):
        if cell.time() != time():
            raise Unclear("holds a time of day, must be a day alone", f"write {cell.date()}")
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bool | time | timedelta):
        raise Unclear(_ASKED)
    written = text(cell)
    if match := _ISO.fullmatch(written) or _EIGHT.fullmatch(written):
        return _of_calendar(*map(int, match.groups()))
    raise Unclear(_ASKED, _which_day(written))


def _of_calendar(year: int, month: int, number: int) -> str:
    with suppress(ValueError):
        return date(year, month, number).isoformat()
    suggestion = None
    if 1 <= month <= 12 and 28 < number <= 31 and 1 <= year <= 9998:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        suggestion = f"the last day of that month is {last}"
    raise Unclear("is not a day of the calendar", suggestion)


def _which_day(written: str) -> str | None:
    if match := _WORDED.fullmatch(written):
        number, month, year = int(match[1]), match[2].lower()[:3], int(match[3])
        return _meant([(year, _MONTHS.index(month) + 1, number)] if month in _MONTHS else [])
    if match := _OTHER.fullmatch(written):
        first, middle, last = (int(part) for part in match.groups())
        if first > 99:
            return _meant([(first, middle, last)])
        if last > 99:
            return _meant(sorted([(last, middle, first), (last, first, middle)]))
        # With hyphens the year stands first as a rule.
        year_first = [(2000 + first, middle, last)] if "-" in written and 15 <= first <= 50 else []
        return _meant([*year_first, *sorted([(2000 + last, middle, first), (2000 + last, first, middle)])])
    if re.fullmatch(r"\d{5}", written) and 36_526 <= int(written) <= 73_050:
        return (
            f"is it Excel's number for {date(1899, 12, 30) + timedelta(days=int(written))}? Format the cell as a date"
        )
    return "write the year, the month and the day" if re.fullmatch(r"\d{1,2}[/.]\d{1,2}", written) else None


def _meant(readings: Sequence[tuple[int, int, int]]) -> str | None:
    """The readings that are days, the likeliest first."""
    days: dict[str, None] = {}
    for year, month, number in readings:
        with suppress(ValueError):
            days[date(year, month, number).isoformat()] = None
    return f"did you mean {' or '.join(days)}?" if days else None
