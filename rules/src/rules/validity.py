"""When a code holds: from its first day to its last, both included, as Swedish calendar days."""

from datetime import date


def valid_on(day: date, *, active: bool, valid_from: date | None, valid_to: date | None) -> bool:
    """True when a code may be used on a day. Dates win over the status: a code retired tomorrow is valid today."""
    return why_invalid(day, active=active, valid_from=valid_from, valid_to=valid_to) is None


def why_invalid(day: date, *, active: bool, valid_from: date | None, valid_to: date | None) -> str | None:
    """Why a code may not be used on a day, to be put after "the code "; None when it may.

    The status counts only where there is no last day: whoever ended it did not say when.
    """
    if valid_to is not None and valid_to < day:
        return f"was retired after {valid_to}"
    if not active and valid_to is None:
        return "is retired"
    if valid_from is not None and valid_from > day:
        return f"is not valid until {valid_from}"
    return None
