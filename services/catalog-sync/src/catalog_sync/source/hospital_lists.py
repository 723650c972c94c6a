"""Two public lists of hospitals, which know no HSA-ids, as codes with their places: found, repaired, or rejected.

`eu_healthcare_SE.csv` (Eurostat: name, point, region under `city`) and `sjukhus_care_site*.csv` (Socialstyrelsen's
hospital codes with name and county). A row becomes one code in its list's own system, never a care unit: nobody but
HSA gives out HSA-ids. The lists are known for shared and misplaced points; a wrong point moves to the place that the
name tells (Nynäshamns sjukhus), else it is dropped: seventeen hospitals on one point are no seventeen neighbours.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog_sync.domain.places import Municipality, Places, Spot, in_sweden, point
from catalog_sync.domain.reading import Fact, Kind, Reading, Rejected, SourceAway
from rules.regions import REGIONS

EUROSTAT, HOSPITAL_CODE = "eurostat-healthcare", "sjukhuskod"
"""The code systems of the two lists."""

_NEAR_KM = 12.0
"""A point further than this from every place of the municipality in the hospital's name is taken to be wrong."""
_FAR_KM = 25.0
"""A point further than this from every place of its region, and nearer to another region's, lies outside it."""

_MISSPELT = {"Darlana": "Dalarna"}
_REGION_WORDS = {"Jönköping": "06", "Västra Götaland": "14"}
_NOBODY = re.compile(r"(?i)privat vårdgivare|privata|\d+|okänd.*|övriga.*")


@dataclass(frozen=True)
class Taken:
    """One row that is used, and the ways it was repaired; none: it is as it was."""

    resource: str
    repairs: tuple[str, ...]


@dataclass
class ListReading:
    """What a list gave: facts and rejected rows, and what was done with each row that is used."""

    reading: Reading = field(default_factory=Reading)
    taken: list[Taken] = field(default_factory=list)
    all_rows: str | None = None
    """What had to be read otherwise than its column says, in every row."""


@dataclass
class _Row:
    """One row on its way."""

    resource: str
    system: str
    code: str
    name: str
    region: str
    spot: Spot | None
    repairs: list[str]


def read_eurostat(file: Path, places: Places) -> ListReading:
    """The list with points. Raises SourceAway."""
    found = ListReading(all_rows="the column city holds the region")
    rows = [row for line in _lines(file, ("id", "hospital_name", "lat", "lon", "city")) if (row := _eu(line, found))]
    at = Counter(row.spot for row in rows)
    for row in rows:
        _keep(row, at[row.spot], places, found)
    return found


def read_hospital_codes(file: Path, places: Places) -> ListReading:
    """The list of hospital codes, without points. Raises SourceAway."""
    found = ListReading()
    for line in _lines(file, ("source_code", "source_name", "lan_kid")):
        row = _coded(line, found)
        if row is not None:
            _keep(row, 0, places, found)
    return found


def _lines(file: Path, columns: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        table = csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError):
        raise SourceAway(f"{file.name} is not there, or not UTF-8") from None
    if missing := [column for column in columns if column not in (table.fieldnames or ())]:
        raise SourceAway(f"{file.name} has no column {missing[0]}")
    for row in table:
        yield f"{file.name}:{table.line_num}", {column: row[column] or "" for column in columns}


def _eu(line: tuple[str, Mapping[str, str]], found: ListReading) -> _Row | None:
    resource, given = line
    repairs: list[str] = []
    word = given["city"].strip()
    if word in _MISSPELT:
        word = _MISSPELT[word]
        repairs.append("region misspelt")
    region = _REGION_WORDS.get(word) or next((code for code, one in REGIONS.items() if word and word in one.name), None)
    if region is None:
        found.reading.rejected.append(Rejected(resource, "city: is no region"))
        return None
    spot = _spot(given["lat"], given["lon"], repairs)
    if spot is None:
        repairs.append("point missing or outside Sweden, dropped")
    name = _name(given["hospital_name"], repairs)
    return _Row(resource, EUROSTAT, given["id"].strip(), name, region, spot, repairs)


def _coded(line: tuple[str, Mapping[str, str]], found: ListReading) -> _Row | None:
    resource, given = line
    repairs: list[str] = []
    name, county = _name(given["source_name"], repairs), given["lan_kid"].strip()
    if _NOBODY.fullmatch(name) or not name:
        found.reading.rejected.append(Rejected(resource, "source_name: names no hospital"))
        return None
    if len(county) == 1:
        county = county.zfill(2)
        repairs.append("county code without its zero")
    if county not in REGIONS:
        found.reading.rejected.append(Rejected(resource, "lan_kid: is no region"))
        return None
    return _Row(resource, HOSPITAL_CODE, given["source_code"].strip(), name, county, None, repairs)


def _name(written: str, repairs: list[str]) -> str:
    plain = " ".join(written.split()).strip('"')
    if plain != written:
        repairs.append("space or quotes in the name trimmed")
    return plain


def _spot(lat: str, lon: str, repairs: list[str]) -> Spot | None:
    plain = lat.strip().strip('"').strip(), lon.strip().strip('"').strip()
    if plain != (lat, lon):
        repairs.append("space or quotes in a coordinate trimmed")
    try:
        degrees = Decimal(plain[0]), Decimal(plain[1])
        return Spot(float(plain[0]), float(plain[1])) if in_sweden(*degrees) else None
    except ArithmeticError:
        return None


def _keep(row: _Row, times: int, places: Places, found: ListReading) -> None:
    """Judge the row's point and keep the row with the best place there is for it."""
    named = _place_in(row.name, row.region, places)
    fault = _fault(row, times, named, places)
    municipality, locality, place_point = None, None, None
    if named is not None:
        municipality, locality, spot = named
        place_point = point(spot, "municipality")
        if row.spot is None or fault:
            row.repairs.append("place found in the name")
    if row.spot is not None and fault is None:
        place_point = point(row.spot, "own")
    elif fault is not None:
        instead = "the municipality's seat instead" if named is not None else "dropped: no place in the name"
        row.repairs.append(f"{fault}: {instead}")
    place = {
        "street": None,
        "postal_code": None,
        "locality": locality,
        "municipality": municipality,
        "region": row.region,
        "point": place_point,
    }
    found.reading.facts.append(_fact(row, place))
    found.taken.append(Taken(row.resource, tuple(row.repairs)))


def _fault(row: _Row, times: int, named: tuple[str, str, Spot] | None, places: Places) -> str | None:
    """What is wrong with the row's own point, None where nothing is or there is none."""
    if row.spot is None:
        return None
    if times > 1:
        return "point shared with other rows"
    if named is not None:
        around = [named[2], *(spot for (code, _), spot in places.localities.items() if code == named[0])]
        far = min(row.spot.km_to(spot) for spot in around) > _NEAR_KM
        return "point far from the place in the name" if far else None
    inside, outside = (
        min((row.spot.km_to(spot) for spot in _spots(places, row.region, own=own)), default=0.0)
        for own in (True, False)
    )
    return "point outside its region" if inside > _FAR_KM and outside < inside else None


def _spots(places: Places, region: str, *, own: bool) -> Iterator[Spot]:
    for one in places.municipalities.values():
        if one.spot is not None and (one.code[:2] == region) is own:
            yield one.spot
    yield from (spot for (code, _), spot in places.localities.items() if (code[:2] == region) is own)


def _place_in(name: str, region: str, places: Places) -> tuple[str, str, Spot] | None:
    """Municipality, locality and point of the place that a hospital's name holds.

    A municipality before a locality, a long name before a short one; None where it holds two municipalities, which is
    a hospital of several sites.
    """
    ours = [one for one in places.municipalities.values() if one.code[:2] == region]
    said = {one.code: one for one in ours if _holds(name, one.name) or _holds(name, one.seat)}
    if len(said) > 1:
        # Håbo in Håbo-Tibble would be no second place.
        said = {code: one for code, one in said.items() if not any(_inside(one, other) for other in said.values())}
    if said:
        one = next(iter(said.values()))
        return (one.code, one.seat, one.spot) if len(said) == 1 and one.spot is not None else None
    held = [
        (code, place, spot)
        for (code, place), spot in places.localities.items()
        if code[:2] == region and _holds(name, place)
    ]
    if not held:
        return None
    code, place, spot = min(held, key=lambda one: (-len(one[1]), one[0]))
    return code, place.capitalize(), spot


def _inside(one: Municipality, other: Municipality) -> bool:
    return one is not other and _holds(other.name, one.name)


def _holds(name: str, place: str) -> bool:
    # Swedish genitive: Danderyds sjukhus lies in Danderyd.
    if place.casefold() not in name.casefold():
        return False
    return re.search(rf"(?<!\w){re.escape(place)}s?(?!\w)", name, re.IGNORECASE) is not None


def _fact(row: _Row, place: dict[str, Any]) -> Fact:
    content: dict[str, Any] = {
        "system": row.system,
        "code": row.code,
        "status": "active",
        "text": row.name,
        "release": None,
        "valid_from": None,
        "valid_to": None,
        "maps": [],
        "place": place,
        "care_area": None,
        "designations": [],
        "changed_at": datetime.now(UTC).isoformat(),
    }
    return Fact(Kind.CODE, f"{row.system}|{row.code}", content)
