"""Maps between code systems: which lines of a map can be used, and how far maps reach in a care area."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog_sync.domain.code_reading import Content, Coverage
from catalog_sync.domain.releases import Dated

MAPPED = ("kva", "icd")
"""The systems whose codes are to lead to a care service."""
CARE_SERVICES = ("vt", "vt-demo")
"""The systems of care services."""

_FIRST, _LAST = date.min, date.max


@dataclass(frozen=True, slots=True)
class MapLine:
    """One line: from a code to a code (`system|code`), with its own validity. Many to many."""

    place: str
    source: str
    target: str
    equivalence: str
    """How the target relates to the source, in FHIR's words: wider = the target says less."""
    map: str
    version: str
    valid_from: date | None
    valid_to: date | None
    made_by: str | None
    reviewed_by: str | None

    def meets(self, valid_from: date | None, valid_to: date | None) -> bool:
        """True when the line and a period have a day in common."""
        return max(self.valid_from or _FIRST, valid_from or _FIRST) <= min(self.valid_to or _LAST, valid_to or _LAST)

    def in_force(self, day: date) -> bool:
        """True when the line may be used on that day."""
        return (self.valid_from or _FIRST) <= day <= (self.valid_to or _LAST)

    def content(self) -> dict[str, Any]:
        """The line as JSON, in the fields of `CodeMap`."""
        system, code = self.target.split("|", 1)
        return {
            "target": {"system": system, "code": code},
            "equivalence": self.equivalence,
            "map": self.map,
            "map_version": self.version,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "source": self.made_by or self.place.rpartition(":")[0],
            "reviewed_by": self.reviewed_by,
        }


def usable(lines: Iterable[MapLine], codes: Mapping[str, Dated], day: date) -> Iterator[tuple[MapLine, str | None]]:
    """Each line with the reason why it cannot be used, or None.

    Both codes must be known and valid on a day the line holds; a line in force must not lead to a retired code. Of two
    lines of one map between the same codes, on the same days, the later one is a duplicate, or a conflict where it says
    another equivalence.
    """
    taken: dict[tuple[str, str, str], list[MapLine]] = {}
    for line in lines:
        reason = _fault(line, codes, day)
        before = taken.setdefault((line.map, line.source, line.target), [])
        if reason is None:
            twin = next((one for one in before if one.meets(line.valid_from, line.valid_to)), None)
            if twin is None:
                before.append(line)
            elif twin.equivalence == line.equivalence:
                reason = f"says the same as {twin.place}, on the same days"
            else:
                reason = f"conflicts with {twin.place}: another equivalence on the same days"
        yield line, reason


def _fault(line: MapLine, codes: Mapping[str, Dated], day: date) -> str | None:
    for name, key in (("source", line.source), ("target", line.target)):
        found = codes.get(key)
        if found is None:
            return f"{name}: unknown code"
        if not line.meets(found.valid_from, found.valid_to):
            return f"{name}: the code is retired, or not valid yet, on every day of the line"
    if line.in_force(day) and (why := codes[line.target].ended(day)):
        return f"target: the code {why}; end the line or lead it to the successor"
    return None


def coverage(areas: Mapping[str, Sequence[str]], contents: Mapping[str, Content], day: date) -> Iterator[Coverage]:
    """How many member codes of each area lead to a care service on a day, by system; every code in use counts one.

    `areas` leads from an area to its members, `contents` from a code to what is known of it; all codes are
    `system|code`. An area is left out for a system it has no codes of.
    """
    for area, members in areas.items():
        for system in MAPPED:
            own = [key for key in members if key.startswith(f"{system}|") and _holds(contents.get(key), day)]
            if own:
                yield Coverage(area, system, len(own), tuple(key for key in own if not _leads(contents, key, day)))


def _leads(contents: Mapping[str, Content], key: str, day: date) -> bool:
    return any(
        line["target"]["system"] in CARE_SERVICES
        and _within(line, day)
        and _holds(contents.get(f"{line['target']['system']}|{line['target']['code']}"), day)
        for line in contents[key]["maps"]
    )


def _holds(content: Content | None, day: date) -> bool:
    return (
        content is not None and _within(content, day) and (content["status"] == "active" or bool(content["valid_to"]))
    )


def _within(part: Content, day: date) -> bool:
    # Days as ISO text compare like days.
    return (part["valid_from"] or "") <= day.isoformat() <= (part["valid_to"] or "9999")
