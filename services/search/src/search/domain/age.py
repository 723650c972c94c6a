"""Where a fact comes from and how old it is, in Swedish calendar days."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from rules.calendar import swedish_day


def provenance(source: str, observed_at: str, today: date) -> dict[str, Any]:
    """Source, time (RFC 3339) and age; a time after today counts as today."""
    age = (today - _day(observed_at)).days
    return {"source": source, "observed_at": observed_at, "age_days": max(0, age)}


# The facts of one source are mostly of one moment.
@lru_cache(maxsize=1024)
def _day(moment: str) -> date:
    return swedish_day(datetime.fromisoformat(moment))


def told(fact: str, source: str, observed_at: str, today: date) -> dict[str, Any]:
    """The same with a Swedish sentence for people."""
    known = provenance(source, observed_at, today)
    days = known["age_days"]
    age = "från i dag" if days == 0 else "1 dag gammal" if days == 1 else f"{days} dagar gammal"
    return {**known, "text": f"{fact}: uppgiften är {age} ({source})"}
