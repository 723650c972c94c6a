"""The one table of tiers: it yields the order of `sort=best` and the words that explain it.

Order: own region, own collaboration region, agreement elsewhere, others' own provision under the regions' national
agreement, on request, what no known agreement lets the region use. Inside a tier: shortest known wait, unknown waits
after the known, nearest.
"""

from dataclasses import dataclass
from enum import StrEnum

from search.domain.question import Basis


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


_AGREED = (Basis.AGREEMENT, Basis.OWN)

TIERS: tuple[Tier, ...] = (
    Tier("own_region", "I den egna regionen", Where.OWN_REGION, Usable.YES, _AGREED),
    Tier("collaboration_region", "I den egna samverkansregionen", Where.COLLABORATION_REGION, Usable.YES, _AGREED),
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
        _AGREED,
        riksavtalet=True,
    ),
    Tier("on_request", "Får användas efter förfrågan", Where.ANYWHERE, Usable.ON_REQUEST, _AGREED),
    Tier("catalogue", "Inget känt avtal som regionen får använda", Where.ANYWHERE, Usable.UNKNOWN, tuple(Basis)),
)
"""Best first. The last one takes every offer, so that each hit has a tier."""


def rank(tier: Tier) -> int:
    """1 for the best tier."""
    return TIERS.index(tier) + 1


def first_of(ids: set[str]) -> Tier:
    """The best tier among those whose conditions held."""
    return next((tier for tier in TIERS if tier.id in ids), TIERS[-1])
