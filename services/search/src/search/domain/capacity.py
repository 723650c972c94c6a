"""Free capacity that is announced: what can be counted on, by whom, and how it is told.

An announcement counts until its last day, its expiry or its last place, whichever comes first, from the day it is
announced: also one whose period begins later. Whether it may be used is asked apart from the filters on bases: care is
sought on an agreement, and the free place is where it is given soonest. The index asks the same: `index/demands`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from search.domain import eligibility
from search.domain.age import provenance, told
from search.domain.eligibility import Verdict
from search.domain.question import Basis, Question
from search.domain.reason import Code, reason

Json = Mapping[str, Any]

SOURCE = "capacity-board"
_PROMISING = frozenset({"capacity", "limited"})
"""Levels that say that there are places. A waiting list, or asking first, and any word of a later release, promise no
day; a number given beside them is no promise either."""
_LEVELS = {
    "capacity": "platser finns, antal okänt",
    "limited": "enstaka platser, antal okänt",
    "waitlist": "plats på väntelista",
    "ask": "efter förfrågan",
}


def places(left: int | None, level: str) -> int | None:
    """How many places can be counted on: those left; where only a level is told, one; None where none is promised."""
    if level not in _PROMISING:
        return None
    return left if left is not None else 1


def current(basis: Json, question: Question) -> bool:
    """Not over, not expired, not used up. A number left that is unknown is not zero."""
    return (
        bool(question.today.isoformat() <= basis["valid_to"])
        and question.moment < datetime.fromisoformat(basis["expires_at"])
        and not (basis["left"] is not None and basis["left"] <= 0)
    )


def usable(document: Json, question: Question) -> list[Json]:
    """The announcements that the patient's region may answer and that do not refuse the patient.

    Without a patient region those of all: who may answer is then shown.
    """
    return [
        basis
        for basis in document["bases"]
        if basis["kind"] == Basis.CAPACITY
        and current(basis, question)
        and (question.patient_region is None or question.patient_region in basis["usable_by"])
        and eligibility.judged(basis, question)[0] is not Verdict.NO
    ]


def free(document: Json, question: Question) -> list[Json]:
    """Those of the usable ones that promise places."""
    return [basis for basis in usable(document, question) if basis["places"] is not None]


def most_places(document: Json, question: Question) -> int:
    """What an offer is ordered by, after wait and distance: the most places that one announcement has."""
    return max((basis["places"] for basis in free(document, question)), default=0)


def first_day(basis: Json, today: date) -> date:
    """The first day on which care can be given on it, for who asks today."""
    return max(today, date.fromisoformat(basis["valid_from"]))


def best(bases: Iterable[Json], today: date) -> Json | None:
    """The announcement to look at first: one that promises places, the soonest, the one with most places."""
    return min(
        bases,
        key=lambda one: (one["places"] is None, first_day(one, today), -(one["places"] or 0), one["announcement_id"]),
        default=None,
    )


def shown(basis: Json | None, question: Question) -> dict[str, Any] | None:
    """An announcement in a hit."""
    if basis is None:
        return None
    verdict, questions = eligibility.judged(basis, question)
    return {
        "left": basis["left"],
        "until": basis["valid_to"],
        "from": basis["valid_from"],
        "count": basis["count"],
        "level": basis["level"],
        "announcement_id": basis["announcement_id"],
        "region": basis["region"],
        "usable": None if question.patient_region is None else question.patient_region in basis["usable_by"],
        "expires_at": basis["expires_at"],
        "target_group": eligibility.target_group(basis),
        "eligibility": verdict,
        "questions": questions,
        "contacts": basis["contacts"],
        "text": basis["text"],
        **provenance(SOURCE, basis["observed_at"], question.today),
    }


def in_words(basis: Json) -> str:
    """How much is free and when, in Swedish."""
    left, count, level = basis["left"], basis["count"], basis["level"]
    if left is None or level not in _PROMISING:
        amount = _LEVELS.get(level, f"nivå {level}")
    else:
        amount = f"{left} {'plats' if left == 1 else 'platser'}"
        if count is not None and count > left:
            amount = f"{left} av {count} platser"
    return f"Ledig kapacitet: {amount} från {basis['valid_from']} till {basis['valid_to']}"


def fact(basis: Json | None, today: date) -> dict[str, Any] | None:
    """Where it comes from, and how old it is."""
    if basis is None:
        return None
    return {"announcement_id": basis["announcement_id"], **told("Ledig kapacitet", SOURCE, basis["observed_at"], today)}


def lowers(document: Json, found: Sequence[Json], question: Question) -> Iterable[dict[str, Any]]:
    """What of it helps this patient less than it seems; `found` are the usable ones."""
    announced = [basis for basis in document["bases"] if basis["kind"] == Basis.CAPACITY and current(basis, question)]
    if announced and not found:
        others = question.patient_region is not None and all(
            question.patient_region not in basis["usable_by"] for basis in announced
        )
        code = Code.CAPACITY_NOT_USABLE if others else Code.CAPACITY_NOT_FOR_PATIENT
        whom = "av patientens region" if others else "för patienten"
        yield reason(code, f"Ledig kapacitet finns, men får inte användas {whom}")
    elif found and all(basis["places"] is None for basis in found):
        yield reason(Code.CAPACITY_NO_DAY, "Den lediga kapaciteten lovar ingen dag: räknas inte i väntan")
