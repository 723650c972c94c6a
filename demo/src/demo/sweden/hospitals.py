"""Real hospitals from two public lists, with the first list's wrong coordinates repaired.

Own coordinates are kept only where they lie near the hospital's place and no other row has the same. Otherwise the
hospital is put at its place, found in its name or in the hand-made table `hospital_facts.csv`.
"""

import re
from collections import Counter
from dataclasses import dataclass

from demo.sweden.geography import Geography, Spot, distance_km
from demo.sweden.tables import table
from rules.regions import REGIONS

NEAR_KM = 10.0
"""Own coordinates further than this from the hospital's place are taken to be wrong."""

_REGION_WORDS = {"Darlana": "20", "Jönköping": "06", "Västra Götaland": "14"}
_CLINICS = {"E": "eye", "S": "surgery", "O": "orthopaedics"}


@dataclass(frozen=True)
class Hospital:
    """One place of care. `spot` is None when only its place is known."""

    name: str
    region: str
    municipality: str
    locality: str
    spot: Spot | None
    clinics: tuple[str, ...]
    ownership: str
    source: str


@dataclass(frozen=True)
class Repair:
    """What was done with one row of a source list."""

    source: str
    name: str
    verdict: str
    """`kept`, `repaired`, `placed` (had no coordinates) or `dropped`."""
    way: str
    """How its place was found, or why it was dropped."""
    fault: str
    """What was wrong with its coordinates, or empty."""


def read_hospitals(geography: Geography) -> tuple[tuple[Hospital, ...], tuple[Repair, ...]]:
    """Today's hospitals, and one line for each row of both lists that was looked at."""
    facts = {(row["source"], row["id"]): row for row in table("hospital_facts.csv")}
    rows = table("eu_healthcare_SE.csv")
    shared = Counter((row["lat"], row["lon"]) for row in rows)
    hospitals: list[Hospital] = []
    repairs: list[Repair] = []
    for row in rows:
        fact, source = facts["eu", row["id"]], f"eu_healthcare_SE.csv#{row['id']}"
        if fact["use"] == "drop":
            repairs.append(Repair(source, row["hospital_name"], "dropped", fact["reason"], ""))
            continue
        found = _find_place(fact, row["hospital_name"], _region_of(row["city"]), geography)
        fault = _fault(_own_spot(row), found.spot, shared[row["lat"], row["lon"]])
        hospitals.append(_hospital(fact, row["hospital_name"], found, None if fault else _own_spot(row), source))
        repairs.append(Repair(source, hospitals[-1].name, "repaired" if fault else "kept", found.way, fault))
    for row in table("sjukhus_care_site.csv"):
        source = f"sjukhus_care_site.csv#{row['source_code']}"
        name, wanted = row["source_name"], facts.get(("list", row["source_code"]))
        if wanted is None:
            way = "placeholder" if name.startswith("Privat") or name == row["source_code"] else "in the other list"
            repairs.append(Repair(source, name, "dropped", f"{way}, closed or not a hospital", ""))
            continue
        found = _find_place(wanted, wanted["name"] or name, row["lan_kid"].zfill(2), geography)
        hospitals.append(_hospital(wanted, name, found, None, source))
        repairs.append(Repair(source, hospitals[-1].name, "placed", found.way, ""))
    return tuple(hospitals), tuple(repairs)


@dataclass(frozen=True)
class _Found:
    municipality: str
    locality: str
    spot: Spot
    way: str


def _hospital(fact: dict[str, str], name: str, found: _Found, own: Spot | None, source: str) -> Hospital:
    return Hospital(
        name=fact["name"] or " ".join(name.split()),
        region=found.municipality[:2],
        municipality=found.municipality,
        locality=found.locality,
        spot=own,
        clinics=tuple(_CLINICS[letter] for letter in fact["clinics"]),
        ownership=fact["ownership"],
        source=source,
    )


def _region_of(word: str) -> str:
    # The list's `city` holds the region, once misspelt.
    for code, region in REGIONS.items():
        if word in region.name:
            return code
    return _REGION_WORDS[word]


def _own_spot(row: dict[str, str]) -> Spot:
    return Spot(float(row["lat"]), float(row["lon"].strip()))


def _fault(own: Spot, place: Spot, times: int) -> str:
    if times > 1:
        return f"point shared by {times} rows"
    far = distance_km(own, place)
    return f"point {far:.0f} km from its place" if far > NEAR_KM else ""


def _find_place(fact: dict[str, str], name: str, region: str, geography: Geography) -> _Found:
    if fact["municipality_code"]:
        municipality = geography.municipalities[fact["municipality_code"]]
        spot = geography.locality(municipality.code, fact["locality"]) or municipality.spot
        return _Found(municipality.code, fact["locality"], spot, "hand-made table")
    for municipality in sorted(geography.municipalities.values(), key=lambda one: -len(one.name)):
        if municipality.region == region and _holds(name, municipality.name):
            return _Found(municipality.code, municipality.name, municipality.spot, "place in its name")
    for (code, place), spot in sorted(geography.localities.items(), key=lambda one: (-len(one[0][1]), one[0])):
        if code[:2] == region and _holds(name, place):
            return _Found(code, place.capitalize(), spot, "place in its name")
    raise LookupError(f"no place for {name}: add it to hospital_facts.csv")


def _holds(name: str, place: str) -> bool:
    # Swedish genitive: Danderyds sjukhus lies in Danderyd.
    return re.search(rf"\b{re.escape(place)}s?\b", name, re.IGNORECASE) is not None
