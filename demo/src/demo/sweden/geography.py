"""Municipalities and postal codes as catalog-sync reads them from an operator's folder: the package's own data."""

from dataclasses import dataclass
from importlib.resources import as_file, files

from catalog_sync.domain.places import Municipality as Known
from catalog_sync.domain.places import Spot
from catalog_sync.source import geography

__all__ = ["Geography", "Municipality", "PostalCode", "Spot", "distance_km", "read_geography"]


@dataclass(frozen=True)
class Municipality:
    """One municipality; its point is its seat's."""

    code: str
    name: str
    region: str
    seat: str
    spot: Spot


@dataclass(frozen=True)
class PostalCode:
    """One postal code with the best point known for it."""

    code: str
    locality: str
    municipality: str
    spot: Spot
    precision: str


@dataclass(frozen=True)
class Geography:
    """Everything about places, by code, and what was left out on the way."""

    municipalities: dict[str, Municipality]
    postal_codes: dict[str, PostalCode]
    localities: dict[tuple[str, str], Spot]
    """By municipality code and name in lower case."""
    seats_by: dict[str, int]
    """How many municipalities got their point which way."""
    places_left_out: tuple[str, ...]

    def locality(self, municipality: str, name: str) -> Spot | None:
        """A place's point, if known in that municipality."""
        return self.localities.get((municipality, name.casefold()))


def distance_km(one: Spot, other: Spot) -> float:
    """Great-circle distance."""
    return one.km_to(other)


def read_geography() -> Geography:
    """All 290 municipalities and 15,463 postal codes with their points."""
    with as_file(files("demo") / "data") as folder:
        survey = geography.look(folder)
    places = survey.places
    municipalities = {one.code: _municipality(one) for one in places.municipalities.values()}
    postal_codes = {}
    for one in places.postal_codes.values():
        found = places.spot_of(one.municipality, one.code, one.locality)
        assert found is not None  # noqa: S101 every seat of the package's own data is known
        postal_codes[one.code] = PostalCode(one.code, one.locality, one.municipality, *found)
    left_out = tuple(note.words for note in survey.noted)
    return Geography(municipalities, postal_codes, dict(places.localities), dict(survey.seats_by), left_out)


def _municipality(one: Known) -> Municipality:
    assert one.spot is not None  # noqa: S101 see above
    return Municipality(one.code, one.name, one.code[:2], one.seat, one.spot)
