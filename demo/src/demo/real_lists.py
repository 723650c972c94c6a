"""Real hospital lists, places and an HSA sample, read by catalog-sync's adapters: what became of each row."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import ValidationError

from catalog_sync.domain.places import Places
from catalog_sync.domain.reading import Fact, Kind
from catalog_sync.source import geography, hospital_lists, hsa_r5
from catalog_sync.source.hospital_lists import ListReading
from contracts import CareOfferingUpdated, CodeUpdated

_SAMPLE_UNIT = "SE2321000081-EXEMPEL"
"""Stands in for the unit that the sample only points to."""


@dataclass(frozen=True)
class Loaded:
    """What became of the rows of one file."""

    file: str
    rows: int
    as_they_are: int
    repaired: dict[str, int]
    """How many rows each way of repair had; one row may need several."""
    rejected: dict[str, int]
    """How many rows each reason had."""
    told: list[str] = field(default_factory=list)
    """Other lines worth reading."""
    faults: list[str] = field(default_factory=list)
    """Facts that make no message: ours to mend, not the file's."""

    @property
    def rejected_rows(self) -> int:
        """Rows that could not be used; each has one reason."""
        return sum(self.rejected.values())

    @property
    def repaired_rows(self) -> int:
        """Rows that were used after a repair."""
        return self.rows - self.as_they_are - self.rejected_rows


def load(folder: Path) -> Iterator["Loaded | str"]:
    """What became of each file that is there, else the name of the missing file."""
    with as_file(files("demo") / "data") as own:
        places = geography.look(own).places
    for name, run in (("eu_healthcare_SE.csv", _eurostat), ("sjukhus_care_site_thehyve.csv", _codes)):
        yield run(folder / name, places) if (folder / name).is_file() else name
    yield _places(folder) if (folder / geography.MUNICIPALITIES).is_file() else geography.MUNICIPALITIES
    sample = folder / "hsa_ig_example_healthcareservice_blekinge_r5.json"
    yield _hsa(sample) if sample.is_file() else sample.name


def _eurostat(file: Path, places: Places) -> Loaded:
    return _list(file, hospital_lists.read_eurostat(file, places))


def _codes(file: Path, places: Places) -> Loaded:
    return _list(file, hospital_lists.read_hospital_codes(file, places))


def _list(file: Path, found: ListReading) -> Loaded:
    facts = found.reading.facts
    # Where a point is the place's own, nobody else may have it: that is what the lists get wrong.
    at = Counter(str(place["point"]) for place in _placed(facts) if place["point"]["precision"] == "own")
    told = [f"{found.all_rows}, in every row"] if found.all_rows is not None else []
    told.append(f"{sum(1 for _ in _placed(facts))} of {len(facts)} have a point, {at.total()} of them their own")
    told.append(f"{max(at.values(), default=0)} at most share an own point")
    places = [fact.content["place"] for fact in facts]
    alone = sum(place["municipality"] is None and place["point"] is None for place in places)
    told.append(f"{alone} are known by their region alone")
    return Loaded(
        file.name,
        len(facts) + len(found.reading.rejected),
        sum(1 for row in found.taken if not row.repairs),
        _counted(way for row in found.taken for way in row.repairs),
        _counted(row.reason for row in found.reading.rejected),
        told,
        _faults(facts),
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most common first."""
    return dict(Counter(words).most_common())


def _placed(facts: list[Fact]) -> Iterator[dict[str, dict[str, str]]]:
    return (fact.content["place"] for fact in facts if fact.content["place"]["point"] is not None)


def _places(folder: Path) -> Loaded:
    survey = geography.look(folder)
    reading = geography.facts_of(survey)
    reasons = _counted(row.reason for row in reading.rejected)
    told = [f"municipalities by {way}: {count}" for way, count in survey.seats_by.most_common()]
    told.append(f"{len(reading.noted)} places passed over: their point lies in the wrong part of the country")
    rows = len(reading.facts) + sum(reasons.values())
    name = f"{geography.MUNICIPALITIES} and postal codes"
    return Loaded(name, rows, len(reading.facts), {}, reasons, told, _faults(reading.facts))


def _hsa(file: Path) -> Loaded:
    sample = json.loads(file.read_text(encoding="utf-8"))
    units = {sample["providedBy"]["reference"]: _SAMPLE_UNIT}
    noted: list[str] = []
    contents = hsa_r5.offerings(sample, units, tell=noted.append)
    facts = [Fact(Kind.OFFERING, f"{one['unit']}|{one['care_service']['code']}", one) for one in contents]
    codes = ", ".join(f"{one['care_service']['system']}|{one['care_service']['code']}" for one in contents)
    told = [f"one service of {len(facts)} lines of business: {codes}"]
    return Loaded(file.name, 1, 0 if noted else 1, _counted(noted), {}, told, _faults(facts))


def _faults(facts: list[Fact]) -> list[str]:
    faults = []
    for fact in facts:
        message = CareOfferingUpdated if fact.kind is Kind.OFFERING else CodeUpdated
        try:
            message.model_validate({**fact.content, "version": 1})
        except ValidationError as error:
            row = error.errors(include_input=False)[0]
            faults.append(f"{fact.key}: {'.'.join(map(str, row['loc']))}: {row['msg']}")
    return faults
