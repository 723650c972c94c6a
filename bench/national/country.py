"""Units, where they lie and which care services they give: the same in every run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from contracts.catalog import Point
from demo.sweden import build
from demo.sweden.areas import AREAS, ASSESSMENT, KATARAKT, CareArea

SERVICES_EACH = 3
TREATMENTS: Mapping[str, CareArea] = {f"vt-demo|{area.service}": area for area in AREAS}
"""The operations of the three care areas the service starts with: most questions and agreements are about them."""
ASSESSMENTS = f"vt-demo|{ASSESSMENT}"

_OTHER_CODES = 296
# Of each operation a fortieth of all offers; of the other codes the most common about as many, the rest ever fewer.
_SHARE_OF_TREATMENT, _SHARE_OF_ASSESSMENT = 0.025, 0.0125
_KINDS = ("Ögonklinik", "Kirurgcenter", "Ortopedcenter", "Specialistcenter", "Läkargruppen", "Sjukhuset")
_BRANDS = ("Granskär", "Tallmo", "Lövsund", "Ljungudde", "Havsvik", "Rönnberga", "Almdal", "Vindö", "Åslätt", "Enudden")


@dataclass(frozen=True)
class Unit:
    """A unit that is nobody's, at a real postal code; so that they lie where people live."""

    number: int
    name: str
    town: str
    postal_code: str
    locality: str
    point: Point
    private: bool
    services: tuple[str, ...]
    """`system|code` keys of what it offers."""

    @property
    def hsa_id(self) -> str:
        """`SE5561234567-B000001`."""
        return f"SE5561234567-B{self.number:06d}"

    @property
    def region(self) -> str:
        """The code of the region it lies in."""
        return self.town[:2]

    @property
    def area(self) -> CareArea:
        """The care area its agreements read like."""
        return next((TREATMENTS[one] for one in self.services if one in TREATMENTS), KATARAKT)


@dataclass(frozen=True)
class Country:
    """All of it. `codes` and `towns` are the demo's: KVÅ with maps, places, texts."""

    today: date
    units: Sequence[Unit]
    codes: Sequence[Mapping[str, Any]]
    towns: Mapping[str, str]
    """Names of municipalities by code."""

    @property
    def texts(self) -> dict[str, str]:
        """The text of every code, by key."""
        return {f"{one['system']}|{one['code']}": one["text"] for one in self.codes}


def country(units: int, today: date) -> Country:
    """So many units with three services each. A smaller country is the beginning of a larger one."""
    codes = build(today=today).codes
    towns = {one["code"]: one["text"] for one in codes if one["system"] == "municipality"}
    spots = [one["place"] for one in codes if one["system"] == "postal-code" and one["place"]["point"] is not None]
    keys, weights = _services(codes)
    chance = Random(1)  # noqa: S311 the same in every run, no secret
    made = []
    for number in range(units):
        place = chance.choice(spots)
        town = place["municipality"]
        brand = f"{_BRANDS[number % 10]}{number // 290 or ''}"
        offered: dict[str, None] = {}
        while len(offered) < SERVICES_EACH:
            offered[chance.choices(keys, weights)[0]] = None
        made.append(
            Unit(
                number,
                f"{brand} {chance.choice(_KINDS)} {towns[town]}",
                town,
                place["postal_code"],
                place["locality"],
                Point.model_validate({**place["point"], "precision": "own"}),
                chance.random() < 0.6,
                tuple(offered),
            )
        )
    return Country(today, made, codes, towns)


def _services(codes: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[float]]:
    """What units may offer, and how often. The other codes have no map: an offer stands under the code itself."""
    plain = [one["code"] for one in codes if one["system"] == "kva" and not one["maps"]]
    others = [f"kva|{code}" for code in Random(2).sample(sorted(plain), _OTHER_CODES)]  # noqa: S311 no secret
    left = 1 - _SHARE_OF_TREATMENT * len(TREATMENTS) - _SHARE_OF_ASSESSMENT
    falling = [1 / (10 + rank) for rank in range(len(others))]
    weights = [left * one / sum(falling) for one in falling]
    return (
        [*TREATMENTS, ASSESSMENTS, *others],
        [*(_SHARE_OF_TREATMENT for _ in TREATMENTS), _SHARE_OF_ASSESSMENT, *weights],
    )
