"""What each query means, and how well an offer fits it: a rule, so that every grade can be explained.

3 is just what is meant, 2 fits in part, 1 is a substitute somebody could do with, 0 is something else. The rule looks
at codes, names and places of an offer, never at how its texts are searched. Demands:

- `care`: an area (`katarakt`), its operation (`katarakt!`), its assessment (`katarakt?`), codes by how they begin
  (`CJE2`), or `-` for any. Where the operation is meant an assessment is a substitute (1), where the area is it fits in
  part (2), and the other way round. Where a code is meant, the care service it maps to fits in part (2).
- `where`: a municipality's code, `r` and a region's code, `@` and words of a unit's name, or `-` for anywhere. A place
  is a demand. Instead of a unit, another one in its town that gives the same care is a substitute (1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).parent / "queries.tsv"
_OPERATIONS = {area: f"vt-demo|{area}-operation" for area in ("katarakt", "ljumskbrack", "knaprotes")}
_ASSESSMENT = "vt-demo|katarakt-bedomning"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """One query, which kind it is, and what is meant by it."""

    kind: str
    words: str
    care: str
    where: str


def read() -> list[Judged]:
    """The judged queries, in the order of the file. Raises ValueError for a line that has not four columns."""
    rows = [line.split("\t") for line in QUERIES.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    for row in rows:
        if len(row) != 4:
            raise ValueError(f"{QUERIES.name}: not four columns: {row}")
    return [Judged(*row) for row in rows]


def grades(query: Judged, offers: Mapping[str, Document]) -> dict[str, int]:
    """The grades above 0, by offer."""
    towns = _towns(query.where, offers.values())
    found = {name: min(_care(query.care, one), _place(query.where, one, towns)) for name, one in offers.items()}
    return {name: grade for name, grade in found.items() if grade}


def _care(care: str, offer: Document) -> int:
    service = offer["care_service"]
    if care == "-":
        return 3
    area = care.rstrip("!?")
    if area not in _OPERATIONS:
        named = any(key.split("|")[1].startswith(care) for key in offer["codes"])
        return 3 if named else 2 * (service == _area_of(care))
    if service == _ASSESSMENT and area == "katarakt":
        return 3 if care.endswith("?") else 1 if care.endswith("!") else 2
    return (1 if care.endswith("?") else 3) * (service == _OPERATIONS[area])


def _area_of(code: str) -> str:
    return _OPERATIONS[
        {"C": "katarakt", "H": "katarakt", "J": "ljumskbrack", "K": "ljumskbrack"}.get(code[0], "knaprotes")
    ]


def _place(where: str, offer: Document, towns: set[str]) -> int:
    unit = offer["care_unit"]
    if where == "-":
        return 3
    if where[0] == "@":
        return 3 if where[1:] in unit["name"] else int(unit["municipality"] in towns)
    return 3 * ((unit["region"] == where[1:]) if where[0] == "r" else (unit["municipality"] == where))


def _towns(where: str, offers: Iterable[Document]) -> set[str]:
    """The towns of the units meant; none where those are more than two: then no other one is a substitute."""
    if where[0] != "@":
        return set()
    found = {one["care_unit"]["municipality"] for one in offers if where[1:] in one["care_unit"]["name"]}
    return found if len(found) <= 2 else set()
