"""Days are Swedish calendar days, whatever clock the machine keeps."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

_STOCKHOLM = ZoneInfo("Europe/Stockholm")


def swedish_day(at: datetime) -> date:
    """The calendar day in Sweden at a moment (timezone-aware)."""
    return at.astimezone(_STOCKHOLM).date()
