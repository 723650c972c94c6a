"""Municipalities and postal codes, each with a point and how exact it is.

The list of places was made by looking names up, and some names were found in the wrong part of the country: their
county, taken from that wrong point, then differs from their municipality's. Those rows are left out, and so are the
few that landed far away in the right county.
"""

from collections import Counter
from dataclasses import dataclass

from contracts.catalog import Precision
from demo.sweden.tables import table
from rules.distance import kilometres

# The list shortens these municipalities' names.
_MISSPELT = {
    "Falu": "Falun",
    "Grum": "Grums",
    "Skinnskattebergs k.": "Skinnskatteberg",
    "Torså": "Torsås",
    "Tranå": "Tranås",
}
# Counties with municipalities so wide that a place may lie far from the seat, and places that really do.
_WIDE_COUNTIES = frozenset({"09", "17", "20", "21", "22", "23", "24", "25"})
_FAR_BUT_RIGHT = frozenset({"Idre", "Funäsdalen", "Gäddede", "Hemavan", "Karesuando", "Kuttainen", "Tärnaby"})
_NEAR_KM, _FAR_KM = 42.0, 80.0


@dataclass(frozen=True)
class Spot:
    """WGS 84 degrees."""

    lat: float
    lon: float


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
    return kilometres(one.lat, one.lon, other.lat, other.lon)


def read_geography() -> Geography:
    """All 290 municipalities and 15,463 postal codes with their points."""
    counties = {row["county_code"]: row["county_name_short"] for row in table("se_counties.csv")}
    names = {row["municipality_code"]: row["municipality_name_short"] for row in table("se_municipalities.csv")}
    places, left_out = _places({name: code for code, name in names.items()}, counties)
    municipalities: dict[str, Municipality] = {}
    ways: Counter[str] = Counter()
    hand_made = {row["municipality_code"]: row for row in table("municipality_seats.csv")}
    for code, name in names.items():
        seat = hand_made.get(code, {"seat": name, "lat": "", "lon": ""})
        if seat["lat"]:
            spot, way = Spot(float(seat["lat"]), float(seat["lon"])), "hand-made point"
            places[code, seat["seat"].casefold()] = spot
        else:
            spot = places[code, seat["seat"].casefold()]
            way = "place of the same name" if seat["seat"] == name else "seat by another name"
        ways[way] += 1
        municipalities[code] = Municipality(code, name, code[:2], seat["seat"], spot)
    for (code, place), spot in list(places.items()):
        limit = _FAR_KM if code[:2] in _WIDE_COUNTIES else _NEAR_KM
        if place.capitalize() not in _FAR_BUT_RIGHT and distance_km(spot, municipalities[code].spot) > limit:
            del places[code, place]
            left_out.append(f"{place.capitalize()}, {names[code]}: far from its municipality")
    return Geography(municipalities, _postal_codes(municipalities, places), places, dict(ways), tuple(left_out))


def _places(codes: dict[str, str], counties: dict[str, str]) -> tuple[dict[tuple[str, str], Spot], list[str]]:
    places: dict[tuple[str, str], Spot] = {}
    left_out: list[str] = []
    for row in table("svenska-stader.csv"):
        code = codes[_MISSPELT.get(row["Municipality"], row["Municipality"])]
        if counties[code[:2]] == row["County"]:
            places[code, row["Locality"].casefold()] = Spot(float(row["Latitude"]), float(row["Longitude"]))
        else:
            left_out.append(f"{row['Locality']}, {row['Municipality']}: its point lies in another county")
    return places, left_out


def _postal_codes(
    municipalities: dict[str, Municipality], places: dict[tuple[str, str], Spot]
) -> dict[str, PostalCode]:
    found: dict[str, PostalCode] = {}
    for row in table("se_postal_codes.csv"):
        code, locality, municipality = row["postal_code"], row["locality"], row["municipality_code"]
        spot = places.get((municipality, locality.casefold()))
        precision = Precision.MUNICIPALITY if spot is None else Precision.POSTAL_CODE
        found[code] = PostalCode(
            code, locality, municipality, spot or municipalities[municipality].spot, precision.value
        )
    return found
