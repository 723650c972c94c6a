"""Where things lie: municipality and point of an address, found by what is known of Sweden's places.

A point is the place's own where the source has one, else its postal code's (that is its locality's), else the
municipality's (its seat); the precision says which. Municipality codes begin with their region's, so the region, and
with it the collaboration region (rules.regions), follows from the municipality.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from rules.distance import kilometres


class Spot(NamedTuple):
    """WGS 84 degrees."""

    lat: float
    lon: float

    def km_to(self, other: "Spot") -> float:
        """Great-circle distance."""
        return kilometres(self.lat, self.lon, other.lat, other.lon)


class Municipality(NamedTuple):
    """One municipality; its point is its seat's, None where no seat is known."""

    code: str
    name: str
    seat: str
    spot: Spot | None


class PostalCode(NamedTuple):
    """One postal code with its locality and municipality."""

    code: str
    locality: str
    municipality: str


class Way(StrEnum):
    """How a missing municipality was found."""

    POSTAL_CODE = "by its postal code"
    LOCALITY = "by its locality"


@dataclass(frozen=True)
class Places:
    """Everything known of places, by code and by name (in lower case)."""

    municipalities: Mapping[str, Municipality] = field(default_factory=dict)
    postal_codes: Mapping[str, PostalCode] = field(default_factory=dict)
    localities: Mapping[tuple[str, str], Spot] = field(default_factory=dict)
    """By municipality and name."""
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The municipalities that hold a locality of that name."""

    def municipality_of(
        self, postal_code: str | None, locality: str | None, region: str | None = None
    ) -> tuple[str, Way] | None:
        """The municipality of an address that does not say it, and how it was found.

        A locality's name counts only where one municipality has it, in the region if that is known: there are many
        called Sunne or Åby. None where nothing is found.
        """
        if postal_code is not None and (found := self.postal_codes.get(postal_code)) is not None:
            return found.municipality, Way.POSTAL_CODE
        codes = self.named.get((locality or "").casefold(), frozenset())
        fitting = [code for code in codes if region is None or code[:2] == region]
        return (fitting[0], Way.LOCALITY) if len(fitting) == 1 else None

    def spot_of(self, municipality: str, postal_code: str | None, locality: str | None) -> tuple[Spot, str] | None:
        """The best point known for an address without one of its own, and its precision."""
        if postal_code is not None and (found := self.postal_codes.get(postal_code)) is not None:
            # A postal code that contradicts the municipality says nothing.
            locality = found.locality if found.municipality == municipality else None
        spot = self.localities.get((municipality, (locality or "").casefold()))
        if spot is not None:
            return spot, "postal_code"
        known = self.municipalities.get(municipality)
        return (known.spot, "municipality") if known is not None and known.spot is not None else None


NOWHERE = Places()
"""Nothing is known: addresses stay as the source has them."""


def point(spot: Spot, precision: str) -> dict[str, str]:
    """A point as the contract writes it: decimals as text, five places (about a metre)."""
    return {"lat": f"{spot.lat:.5f}", "lon": f"{spot.lon:.5f}", "precision": precision}


def in_sweden(lat: Decimal, lon: Decimal) -> bool:
    """True within Sweden and some sea around it: swapped or mistyped degrees fall outside."""
    return Decimal(55) <= lat <= Decimal("69.1") and Decimal("10.5") <= lon <= Decimal("24.2")
