"""Days are Swedish calendar days, whatever clock the machine keeps."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_STOCKHOLM = ZoneInfo("Europe/Stockholm")


def swedish_day(at: datetime) -> date:
    """The calendar day in Sweden at a moment. Raises ValueError where the moment has no time zone."""
    if at.tzinfo is None:
        raise ValueError("must have a time zone")
    return at.astimezone(_STOCKHOLM).date()


def swedish_end(day: date) -> datetime:
    """The moment at which a calendar day ends in Sweden, UTC."""
    return datetime.combine(day + timedelta(days=1), time(), _STOCKHOLM).astimezone(UTC)
