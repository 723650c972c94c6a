"""The one table of tiers: it yields the order of `sort=best` and the words that explain it.

With a deadline, first what can be given before it on a basis that the region may use, then the rest; in both of these:
own region, own collaboration region, agreement elsewhere, others' own provision under the regions' national
agreement, on request, free capacity alone, what no known agreement lets the region use. Inside a tier: expected first
(`domain/expected`), nearest, most free places. What is unknown is never in time, and inside a tier it stands just after
the guarantee's limit (`waits.unknown_days`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rules.regions import collaboration_regions
from search.domain import capacity, expected, grounds
from search.domain.grounds import AGREED, may_ask
from search.domain.question import Basis, Question

Json = Mapping[str, Any]


class Where(StrEnum):
    """Where a unit must lie, seen from the patient."""

    OWN_REGION = "own_region"
    COLLABORATION_REGION = "collaboration_region"
    ANYWHERE = "anywhere"


class Usable(StrEnum):
    """How the patient's region may use the basis."""

    YES = "yes"
    ON_REQUEST = "on_request"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Tier:
    """One tier: a hit belongs to the first whose conditions hold on one and the same basis."""

    id: str
    text: str
    where: Where
    usable: Usable
    kinds: tuple[Basis, ...]
    riksavtalet: bool | None = None
    """Under the regions' national agreement (True), apart from it (False), or either (None)."""
    in_time: bool = False
    """Only where the care is known to be expected by the deadline. On free capacity alone its own first day counts: the
    unit's wait is that of others."""


TIERS: tuple[Tier, ...] = (
    Tier("own_region", "I den egna regionen", Where.OWN_REGION, Usable.YES, AGREED),
    Tier("collaboration_region", "I den egna samverkansregionen", Where.COLLABORATION_REGION, Usable.YES, AGREED),
    Tier(
        "agreement",
        "Avtal som regionen får använda, annan del av landet",
        Where.ANYWHERE,
        Usable.YES,
        (Basis.AGREEMENT,),
        riksavtalet=False,
    ),
    Tier(
        "own_provision",
        "Annan regions egen vård, enligt Riksavtalet",
        Where.ANYWHERE,
        Usable.YES,
        AGREED,
        riksavtalet=True,
    ),
    Tier("on_request", "Får användas efter förfrågan", Where.ANYWHERE, Usable.ON_REQUEST, AGREED),
    # After what is agreed, also on request: there is no agreement to stand on, only an announcement that ends.
    Tier("capacity", "Endast ledig kapacitet", Where.ANYWHERE, Usable.YES, (Basis.CAPACITY,)),
    Tier(
        "catalogue",
        "Inget känt avtal som både passar frågan och får användas av regionen",
        Where.ANYWHERE,
        Usable.UNKNOWN,
        tuple(Basis),
    ),
)
"""Best first. The last one takes every offer, so that each hit has a tier."""


IN_TIME: tuple[Tier, ...] = tuple(
    replace(tier, id=f"in_time_{tier.id}", text=f"Kan ges inom vårdgarantin. {tier.text}", in_time=True)
    for tier in TIERS
    if tier.usable is Usable.YES
)
"""The same places before all others, for what can be given before the deadline without asking anybody."""


def table(question: Question) -> tuple[Tier, ...]:
    """The tiers of a question, best first: those of the deadline only where there is one."""
    return (*IN_TIME, *TIERS) if question.clock is not None else TIERS


def rank(tier: Tier, question: Question) -> int:
    """1 for the best tier."""
    return table(question).index(tier) + 1


def first(document: Json, question: Question) -> Tier | None:
    """The best tier that holds for an offer; None where no patient region was given: nothing is ranked by tiers."""
    if question.patient_region is None:
        return None
    bases = grounds.of(document, question)
    tiers = table(question) if in_time(document, question) else TIERS
    return next((tier for tier in tiers if _holds(tier, document, bases, question)), TIERS[-1])


def stands_on(tier: Tier, bases: Sequence[Json], question: Question) -> list[Json]:
    """Those of the bases that put an offer in a tier, seen from the patient's region.

    In the last one no agreement does: what the catalogue says, and only where it says nothing what others' say.
    """
    region = question.patient_region
    assert region is not None  # noqa: S101 without one there are no tiers
    if tier.usable is Usable.UNKNOWN:
        return [basis for basis in bases if basis["kind"] == Basis.CATALOGUE] or list(bases)
    return [
        basis
        for basis in bases
        if basis["kind"] in tier.kinds
        and (tier.usable is not Usable.YES or region in basis["usable_by"])
        and (tier.usable is not Usable.ON_REQUEST or may_ask(basis, region))
        and (tier.riksavtalet is None or basis.get("riksavtalet", False) == tier.riksavtalet)
        and (not tier.in_time or basis["kind"] != Basis.CAPACITY or _begins_in_time(basis, question))
    ]


def _holds(tier: Tier, document: Json, bases: Sequence[Json], question: Question) -> bool:
    region = question.patient_region
    assert region is not None  # noqa: S101 asked by `first` alone
    if tier.where is Where.OWN_REGION and document["region"] != region:
        return False
    own = collaboration_regions(region)
    if tier.where is Where.COLLABORATION_REGION and document["collaboration_region"] not in own:
        return False
    return bool(stands_on(tier, bases, question))


def _begins_in_time(announced: Json, question: Question) -> bool:
    """It promises places, from the deadline's day or before it."""
    clock = question.clock
    return (
        clock is not None
        and announced["places"] is not None
        and capacity.first_day(announced, question.today) <= clock.deadline
    )


def in_time(document: Json, question: Question) -> bool:
    """There is a deadline, and the care is known to be expected on it or before it."""
    days, left = expected.of(document, question).days, question.days_to_deadline
    return days is not None and left is not None and days <= left
