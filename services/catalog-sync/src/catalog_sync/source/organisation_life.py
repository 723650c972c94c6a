"""How long an organisation lives, and where a fact comes from, in FHIR's words."""

from datetime import UTC, date, datetime
from typing import Any

from rules.fhir_fields import Resource, day, extensions, own_reference

_PERIOD = "organization-period"
_ACTIVE = "sendi-organization-active-status-extension"


def life_of(one: Resource, today: date) -> tuple[str, str | None, str | None]:
    """Status, first and last day of an organisation.

    It is closed when the source says inactive, or when its period has ended; a last day to come closes nothing yet.
    """
    period = next((ext.get("valuePeriod") or {} for ext in extensions(one, _PERIOD)), {})
    opened, ends = day("period", period.get("start")), day("period", period.get("end"))
    inactive = one.get("active", True) is False or any(
        ext.get("valueBoolean") is False for ext in extensions(one, _ACTIVE)
    )
    closed = inactive or (ends is not None and ends < today)
    last = ends.isoformat() if closed and ends is not None else None
    return "closed" if closed else "active", opened.isoformat() if opened else None, last


def seen_at(one: Resource, source: str) -> dict[str, Any]:
    """Where the fact comes from, and when the source last touched it."""
    seen = (one.get("meta") or {}).get("lastUpdated") or datetime.now(UTC).isoformat()
    return {"system": source, "reference": own_reference(one), "observed_at": seen}
