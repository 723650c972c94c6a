"""Codes as the terminology service knows them, and whether one may be used on a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.validity import why_invalid

INVERSE: Mapping[str, str] = {"wider": "narrower", "narrower": "wider"}
"""How a map line reads from its other end; every other equivalence reads the same both ways."""


@dataclass(frozen=True, slots=True)
class MapLine:
    """One line of a map, from the code that has it to `system|code`; both days are inclusive."""

    system: str
    code: str
    equivalence: str
    map: str
    version: str
    valid_from: date | None
    valid_to: date | None

    @property
    def key(self) -> str:
        return f"{self.system}|{self.code}"

    def holds_on(self, day: date) -> bool:
        """True on the days the line is valid."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Code:
    """One code with its texts, validity and maps. `members` are the codes (`system|code`) a care area holds."""

    system: str
    code: str
    status: str
    text: str
    release: str | None
    valid_from: date | None
    valid_to: date | None
    designations: tuple[str, ...]
    maps: tuple[MapLine, ...]
    members: tuple[str, ...] | None
    guidance: str | None

    @property
    def key(self) -> str:
        return f"{self.system}|{self.code}"

    def fault_on(self, day: date) -> str | None:
        """Why the code may not be used on a day, in words; None when it may. One retired tomorrow is valid today."""
        active = self.status == "active"
        why = why_invalid(day, active=active, valid_from=self.valid_from, valid_to=self.valid_to)
        return None if why is None else f"the code {why}"


def read(content: Mapping[str, Any]) -> Code:
    """A code from its stored content, which is `contracts.CodeUpdated` as JSON."""
    area = content.get("care_area")
    return Code(
        content["system"],
        content["code"],
        content["status"],
        content["text"],
        content.get("release"),
        _day(content.get("valid_from")),
        _day(content.get("valid_to")),
        tuple(content.get("designations") or ()),
        tuple(_line(one) for one in content.get("maps") or ()),
        None if area is None else tuple(f"{one['system']}|{one['code']}" for one in area["members"]),
        None if area is None else area.get("guidance"),
    )


def _line(one: Mapping[str, Any]) -> MapLine:
    target = one["target"]
    return MapLine(
        target["system"],
        target["code"],
        one["equivalence"],
        one["map"],
        one["map_version"],
        _day(one.get("valid_from")),
        _day(one.get("valid_to")),
    )


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
