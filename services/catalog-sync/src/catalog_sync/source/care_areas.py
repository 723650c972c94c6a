"""Care areas from care-areas/*.toml: one file an area, whose name is the area's code."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from catalog_sync.domain.care_areas import members
from catalog_sync.domain.code_reading import CodeReading, Content, FileRead, merged
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Dated
from catalog_sync.source.code_releases import Text, toml
from catalog_sync.source.code_rows import shown
from contracts.catalog import ClockStart
from contracts.message import Guarantee
from contracts.types import System

_CODE = re.compile(r"[a-z][a-z0-9-]*")
_STRICT = ConfigDict(extra="forbid", frozen=True)


class Rule(BaseModel):
    """One dated limit of the waiting-time guarantee."""

    model_config = _STRICT

    measure: Guarantee
    days: Annotated[int, Field(ge=0, le=3650)]
    starts: ClockStart
    valid_from: date
    valid_to: date | None = None
    legal_basis: Text


class Area(BaseModel):
    """A care area as its file says; `members` are codes (`kva|CJE20`) or beginnings of codes (`kva|JAB*`)."""

    model_config = _STRICT

    text: Text
    members: Annotated[tuple[str, ...], Field(min_length=1)]
    designations: tuple[Text, ...] = ()
    guidance: Text | None = None
    valid_from: date
    valid_to: date | None = None
    guarantee: tuple[Rule, ...]

    def part(self, members: list[str]) -> dict[str, Any]:
        """The contract's care area, with its members told one by one."""
        return {
            "members": [dict(zip(("system", "code"), key.split("|", 1), strict=True)) for key in members],
            "guidance": self.guidance,
            "guarantee": [rule.model_dump(mode="json") for rule in self.guarantee],
        }


def read(folder: Path, reading: CodeReading) -> Iterator[tuple[str, FileRead, Area | None]]:
    """Each area: its code, the count of its file, and what it says; None where the file cannot be used."""
    for file in sorted((folder / "care-areas").glob("*.toml")):
        counted = FileRead(f"care-areas/{shown(file.name)}")
        reading.files.append(counted)
        area = toml(file, counted.place, Area, reading)
        if _CODE.fullmatch(file.stem) is None:
            reason = "its name is the area's code: small letters a-z, digits and hyphens, such as ljumskbrack.toml"
            reading.rejected.append(Rejected(counted.place, reason))
            area = None
        elif area is not None and area.valid_to is not None and area.valid_to < area.valid_from:
            reading.rejected.append(Rejected(counted.place, "valid_to: lies before valid_from"))
            area = None
        if area is None:
            counted.refused += 1
        else:
            counted.taken += 1
        yield file.stem, counted, area


def add(
    folder: Path,
    codes: Mapping[str, Dated],
    contents: dict[str, dict[str, Any]],
    before: Mapping[str, Content],
    day: date,
    reading: CodeReading,
) -> dict[str, list[str]]:
    """Adds the areas to the contents, and their words to the codes of each; gives the members of those in force.

    Whoever looks for grå starr means the codes of that area too: a member carries its area's designations after its
    own. An area whose file cannot be used stays as it was told before.
    """
    ordered, in_force = sorted(codes), dict[str, list[str]]()
    for code, counted, area in read(folder, reading):
        key = f"{System.CARE_AREA}|{code}"
        if area is not None:
            found, faults = members(area.members, codes, ordered, day)
            counted.refused += len(faults)
            reading.rejected += [Rejected(f"{counted.place}: member {number}", reason) for number, reason in faults]
            dated = Dated(area.text, None, area.valid_from, area.valid_to, area.designations)
            contents[key] = {**dated.content(System.CARE_AREA, code, day), "care_area": area.part(found)}
        elif (known := before.get(code)) is not None:
            told = (f"{one['system']}|{one['code']}" for one in known["care_area"]["members"])
            found = [member for member in told if member in contents]
            dated = Dated.of(known)
            contents[key] = dict(known)
        else:
            continue
        if dated.valid_on(day):
            in_force[code] = found
        if dated.ended(day) is None:
            for member in found:
                contents[member]["designations"] = merged(contents[member]["designations"], dated.designations)
    return in_force
