"""Days are Swedish calendar days, whatever clock the machine keeps."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

_STOCKHOLM = ZoneInfo("Europe/Stockholm")


def swedish_day(at: datetime) -> date:
    """The calendar day in Sweden at a moment. Raises ValueError where the moment has no time zone."""
    if at.tzinfo is None:
        raise ValueError("must have a time zone")
    return at.astimezone(_STOCKHOLM).date()
