"""Municipalities and postal codes with their points, from the CSV files of an operator's folder.

Read are `se_municipalities.csv` and `se_postal_codes.csv` (or `se_postal_to_municipality.csv`), which must be there;
`svenska-stader.csv` with `se_counties.csv` for points of localities; `municipality_seats.csv` for seats that bear
another name than their municipality, or whose point the list of places lacks. The README tells the columns.

The list of places was made by looking names up, and some names were found in the wrong part of the country: their
county, taken from that wrong point, then differs from their municipality's. Those rows are passed over and noted, and
so are the few that landed far away in the right county.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Any

from catalog_sync.domain.places import Municipality, Places, PostalCode, Spot, in_sweden, point
from catalog_sync.domain.reading import Fact, Kind, Noted, Reading, Rejected, SourceAway
from rules import identifiers

NAME = "geography"

MUNICIPALITIES, COUNTIES, SEATS = "se_municipalities.csv", "se_counties.csv", "municipality_seats.csv"
LOCALITIES = "svenska-stader.csv"
POSTAL_CODES = ("se_postal_codes.csv", "se_postal_to_municipality.csv")

# The list of places shortens these municipalities' names.
_MISSPELT = {
    "Falu": "Falun",
    "Grum": "Grums",
    "Skinnskattebergs k.": "Skinnskatteberg",
    "Torså": "Torsås",
    "Tranå": "Tranås",
}
# Counties with municipalities so wide that a place may lie far from the seat, and places that really do.
_WIDE_COUNTIES = frozenset({"09", "17", "20", "21", "22", "23", "24", "25"})
_FAR_BUT_RIGHT = frozenset({"idre", "funäsdalen", "gäddede", "hemavan", "karesuando", "kuttainen", "tärnaby"})
_NEAR_KM, _FAR_KM = 42.0, 80.0


@dataclass
class Survey:
    """What the folder tells of places, and what was wrong in it."""

    places: Places
    seats_by: "Counter[str]"
    """How many municipalities got their point which way."""
    noted: list[Noted] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def read(folder: Path) -> Reading:
    """Every municipality and postal code as a fact with its place. Raises SourceAway where a file is missing."""
    return facts_of(look(folder))


def facts_of(survey: Survey) -> Reading:
    """What was surveyed, as facts of the code systems `municipality` and `postal-code`."""
    now = datetime.now(UTC).isoformat()
    places = survey.places
    facts = [_fact("municipality", one.code, one.name, _seat(one), now) for one in places.municipalities.values()]
    facts += [
        _fact("postal-code", one.code, f"{one.code[:3]} {one.code[3:]} {one.locality}", _area(one, places), now)
        for one in places.postal_codes.values()
    ]
    return Reading(facts=facts, rejected=survey.rejected, noted=survey.noted)


def add(reading: Reading, survey: Survey) -> None:
    """Add the places to a reading of code files. A line of a code file about the same place wins: it may correct it."""
    told, found = {fact.key for fact in reading.facts}, facts_of(survey)
    reading.facts.extend(fact for fact in found.facts if fact.key not in told)
    reading.rejected.extend(found.rejected)
    reading.noted.extend(found.noted)


def look(folder: Path) -> Survey:
    """The places themselves, for the repair of addresses. Raises SourceAway where a file is missing."""
    survey = Survey(Places(), Counter())
    names = dict(_names(folder, survey))
    spots = _localities(folder, names, survey)
    municipalities = _municipalities(folder, names, spots, survey)
    for (code, name), spot in list(spots.items()):
        seat, limit = municipalities[code].spot, _FAR_KM if code[:2] in _WIDE_COUNTIES else _NEAR_KM
        if seat is not None and name not in _FAR_BUT_RIGHT and spot.km_to(seat) > limit:
            del spots[code, name]
            survey.noted.append(Noted(LOCALITIES, f"{name}, {names[code]}: far from its municipality, passed over"))
    postal_codes = dict(_postal_codes(folder, municipalities, survey))
    named: dict[str, set[str]] = defaultdict(set)
    for code, name in [
        *spots,
        *((one.municipality, one.locality.casefold()) for one in postal_codes.values()),
        *((one.code, name.casefold()) for one in municipalities.values() for name in (one.name, one.seat)),
    ]:
        named[name].add(code)
    survey.places = Places(municipalities, postal_codes, spots, {name: frozenset(of) for name, of in named.items()})
    return survey


def _names(folder: Path, survey: Survey) -> Iterator[tuple[str, str]]:
    for where, row in _rows(folder, MUNICIPALITIES, ("municipality_code", "municipality_name_short"), survey):
        try:
            yield identifiers.municipality_code(row["municipality_code"]), row["municipality_name_short"]
        except ValueError as error:
            survey.rejected.append(Rejected(where, f"municipality_code: {error}"))


def _localities(folder: Path, names: Mapping[str, str], survey: Survey) -> dict[tuple[str, str], Spot]:
    """Points by municipality and name, those left out that lie in another county than their municipality."""
    if not (folder / LOCALITIES).is_file():
        return {}
    of_county = _rows(folder, COUNTIES, ("county_code", "county_name_short"), survey)
    counties = {row["county_code"]: row["county_name_short"] for _, row in of_county}
    codes = {name: code for code, name in names.items()}
    spots: dict[tuple[str, str], Spot] = {}
    columns = ("Locality", "Municipality", "County", "Latitude", "Longitude")
    for where, row in _rows(folder, LOCALITIES, columns, survey):
        code = codes.get(_MISSPELT.get(row["Municipality"], row["Municipality"]))
        if code is None:
            survey.rejected.append(Rejected(where, "Municipality: no municipality of that name"))
        elif counties.get(code[:2]) != row["County"]:
            words = f"{row['Locality']}, {row['Municipality']}: its point lies in another county, passed over"
            survey.noted.append(Noted(where, words))
        elif (spot := _spot(row["Latitude"], row["Longitude"])) is None:
            survey.rejected.append(Rejected(where, "Latitude, Longitude: must be degrees in Sweden"))
        else:
            spots[code, row["Locality"].casefold()] = spot
    return spots


def _municipalities(
    folder: Path, names: Mapping[str, str], spots: dict[tuple[str, str], Spot], survey: Survey
) -> dict[str, Municipality]:
    seats: dict[str, dict[str, str]] = {}
    if (folder / SEATS).is_file():
        columns = ("municipality_code", "seat", "lat", "lon")
        seats = {row["municipality_code"]: row for _, row in _rows(folder, SEATS, columns, survey)}
    around: dict[str, list[Spot]] = defaultdict(list)
    for (code, _), known in spots.items():
        around[code].append(known)
    found: dict[str, Municipality] = {}
    for code, name in names.items():
        row = seats.get(code, {"seat": name, "lat": "", "lon": ""})
        seat = row["seat"]
        spot = _spot(row["lat"], row["lon"])
        if spot is not None:
            way = "hand-made point"
            spots[code, seat.casefold()] = spot
        elif (spot := spots.get((code, seat.casefold()))) is not None:
            way = "place of the same name" if seat == name else "seat by another name"
        elif around[code]:
            way = "the middle of its places"
            spot = Spot(fmean(one.lat for one in around[code]), fmean(one.lon for one in around[code]))
        else:
            way = "no point"
        survey.seats_by[way] += 1
        found[code] = Municipality(code, name, seat, spot)
    return found


def _postal_codes(
    folder: Path, municipalities: Mapping[str, Municipality], survey: Survey
) -> Iterator[tuple[str, PostalCode]]:
    file = next((name for name in POSTAL_CODES if (folder / name).is_file()), POSTAL_CODES[0])
    for where, row in _rows(folder, file, ("postal_code", "locality", "municipality_code"), survey):
        try:
            code = identifiers.postal_code(row["postal_code"])
        except ValueError as error:
            survey.rejected.append(Rejected(where, f"postal_code: {error}"))
            continue
        if row["municipality_code"] not in municipalities:
            survey.rejected.append(Rejected(where, f"municipality_code: is not in {MUNICIPALITIES}"))
        else:
            yield code, PostalCode(code, row["locality"], row["municipality_code"])


def _rows(folder: Path, name: str, columns: tuple[str, ...], survey: Survey) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place in the file, without the space around its values."""
    try:
        text = (folder / name).read_text(encoding="utf-8-sig")
    except OSError:
        raise SourceAway(f"{name} is not in the folder of geography files") from None
    except UnicodeDecodeError:
        raise SourceAway(f"{name} is not UTF-8") from None
    table = csv.DictReader(text.splitlines())
    if missing := [column for column in columns if column not in (table.fieldnames or ())]:
        raise SourceAway(f"{name} has no column {missing[0]}")
    for row in table:
        where = f"{name}:{table.line_num}"
        if any(row[column] is None for column in columns):
            survey.rejected.append(Rejected(where, "has fewer values than columns"))
        else:
            yield where, {column: row[column].strip() for column in columns}


def _spot(lat: str, lon: str) -> Spot | None:
    try:
        degrees = Decimal(lat), Decimal(lon)
        return Spot(float(lat), float(lon)) if in_sweden(*degrees) else None
    except ArithmeticError:
        return None


def _seat(one: Municipality) -> dict[str, Any]:
    known = point(one.spot, "municipality") if one.spot is not None else None
    return _place(None, one.seat, one.code, known)


def _area(one: PostalCode, places: Places) -> dict[str, Any]:
    found = places.spot_of(one.municipality, one.code, one.locality)
    return _place(one.code, one.locality, one.municipality, point(*found) if found is not None else None)


def _place(postal_code: str | None, locality: str, municipality: str, known: dict[str, str] | None) -> dict[str, Any]:
    return {
        "street": None,
        "postal_code": postal_code,
        "locality": locality,
        "municipality": municipality,
        "region": municipality[:2],
        "point": known,
    }


def _fact(system: str, code: str, text: str, place: dict[str, Any], now: str) -> Fact:
    content: dict[str, Any] = {
        "system": system,
        "code": code,
        "status": "active",
        "text": text,
        "release": None,
        "valid_from": None,
        "valid_to": None,
        "maps": [],
        "place": place,
        "care_area": None,
        "designations": [],
        "changed_at": now,
    }
    return Fact(Kind.CODE, f"{system}|{code}", content)
