"""A new agreement from an earlier one: the same content for the period that follows."""

import copy
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

Move = tuple[int, int]
"""Months and days to add, whichever describes the period."""

_LATEST = date(9999, 12, 31)


def as_new(body: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The content without its number, for a period of the same length that begins when the old one ends.

    Not before today; without a last day it begins today. The days of a reimbursement move with it.
    """
    new = copy.deepcopy(dict(body))
    new.pop("number", None)
    start = date.fromisoformat(body["valid_from"])
    end = date.fromisoformat(body["valid_to"]) if body.get("valid_to") else None
    begins = today if end is None else max(today, _moved(end, (0, 1)))
    new["valid_from"] = begins.isoformat()
    if end is not None:
        new["valid_to"] = _moved(_moved(begins, _length(start, end)), (0, -1)).isoformat()
    shift = _length(start, begins - timedelta(days=1))
    for service in new.get("services", ()):
        paid = service.get("reimbursement") or {}
        for name in ("valid_from", "valid_to"):
            if paid.get(name):
                paid[name] = _with_the_agreement(date.fromisoformat(paid[name]), start, end, new, shift)
    return new


def _with_the_agreement(day: date, start: date, end: date | None, new: Mapping[str, Any], shift: Move) -> str:
    # On the agreement's own first or last day it stays there, whatever a leap year does to the days between.
    if day == start:
        return str(new["valid_from"])
    if day == end:
        return str(new["valid_to"])
    return _moved(day, shift).isoformat()


def _length(start: date, end: date) -> Move:
    """Whole months where the period is such, as agreements are written; else days."""
    after = _moved(end, (0, 1))
    if after.day == start.day:
        return (after.year - start.year) * 12 + after.month - start.month, 0
    return 0, (after - start).days


def _moved(day: date, by: Move) -> date:
    months, days = by
    try:
        if months:
            year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
            day = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
        return day + timedelta(days=days)
    except (OverflowError, ValueError):
        return _LATEST
