"""What was shown on which days. Only ends of days can be asked for: a document is shown from a day up to a day."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rules.calendar import swedish_day

Document = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """The document of an offer that was still shown when last looked at."""

    shown_from: date
    digest: str


@dataclass(frozen=True)
class Change:
    """What becomes of an offer's rows. One that ends on the day it began was shown at the end of no day."""

    ends: date | None
    """The first day at whose end the standing one is not shown; None where there is none, or it is replaced."""
    begins: date | None
    """The first day at whose end the new one is shown, in place of the standing one where that began then too."""


def moment(revision: int) -> datetime:
    """The time of a revision: the clock in µs when its change was made."""
    return _EPOCH + timedelta(microseconds=revision)


def day_of(revision: int) -> date:
    """The Stockholm day on which a revision was made."""
    return swedish_day(moment(revision))


def change(standing: Standing | None, day: date, digest: str | None) -> Change | None:
    """What a document that changed on a day does to the rows; `digest` None: nothing is shown. None: no change.

    However often an offer changes within a day, it has one row of that day.
    """
    if standing is None:
        return Change(None, day) if digest is not None else None
    if standing.digest == digest:
        return None
    day = max(day, standing.shown_from)
    replaced = digest is not None and standing.shown_from == day
    return Change(None if replaced else day, day if digest is not None else None)


def digest_of(content: bytes) -> str:
    """Tells one content from another."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def agreements_of(document: Document) -> set[str]:
    """Ids of the agreements that a document shows anything of."""
    parts = [one for value in document.values() if isinstance(value, list) for one in value]
    return {one["agreement_id"] for one in parts if isinstance(one, Mapping) and one.get("agreement_id")}


def without(document: Document, purged: Collection[str], present: Document | None) -> dict[str, Any] | None:
    """The document with nothing of some agreements; None where no basis is left.

    Codes and words are not told apart by the basis that gave them: of those only what the offer's `present` document
    still says, made without these agreements, is known to come from elsewhere, and the rest goes too.
    """
    kept = {
        name: [one for one in value if not (isinstance(one, Mapping) and one.get("agreement_id") in purged)]
        if isinstance(value, list)
        else value
        for name, value in document.items()
    }
    if not kept["bases"]:
        return None
    known = {kept["care_service_text"], *(present["care_service_words"] if present is not None else ())}
    codes = {kept["care_service"], *(present["codes"] if present is not None else ())}
    words = document["care_service_words"]
    kept["care_service_words"] = [word for word in words if word in known]
    kept["codes"] = [code for code in kept["codes"] if code in codes]
    kept["text"] = [*kept["care_service_words"], *document["text"][len(words) :]]
    return kept


def told(day: date, today: date) -> str:
    """What an answer as of a day shows, in Swedish sentences."""
    if day == today:
        return f"Läget just nu: {day} är inte slut än."
    return (
        f"Så som sökningen svarade vid slutet av {day}: utbud, grunder, avtal, väntetider och ledig kapacitet är de som"
        " visades då, och giltighet, ålder på uppgifter, väntade dagar och vårdgarantins regler räknas från den dagen."
        " Kodverk, kopplingar mellan koder, orter, regionprofiler och sökspråkets ordlistor är dagens."
    )
