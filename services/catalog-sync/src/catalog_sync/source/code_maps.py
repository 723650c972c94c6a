"""Maps between code systems from maps/*.csv, one line a pair of codes."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from catalog_sync.domain.code_reading import CodeReading, Content, FileRead
from catalog_sync.domain.maps import MapLine, usable
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Dated
from catalog_sync.source.code_rows import TORN, Headless, Row, Unusable, day, last_day, rows, shown, text
from contracts.catalog import Equivalence
from contracts.message import CodeRef

COLUMNS = {
    name: (name.replace("_", " "), name)
    for name in (
        "source_system",
        "source_code",
        "target_system",
        "target_code",
        "equivalence",
        "map",
        "version",
        "valid_from",
        "valid_to",
        "source",
        "reviewed_by",
    )
}
_NEEDED = ("source_system", "source_code", "target_system", "target_code", "equivalence", "map", "version")


def add(
    folder: Path,
    codes: Mapping[str, Dated],
    contents: Mapping[str, dict[str, Any]],
    before: Mapping[str, Sequence[Content]],
    day: date,
    reading: CodeReading,
) -> None:
    """Adds the maps' usable lines to the codes they lead from; the others are rejected.

    While a line cannot even be read, no line that was told before is taken for gone.
    """
    counts, lines, unread = dict[str, FileRead](), list[MapLine](), False
    for file in sorted((folder / "maps").glob("*.csv")):
        counted = FileRead(f"maps/{shown(file.name)}")
        reading.files.append(counted)
        try:
            for row in rows(file, counted.place, COLUMNS, _NEEDED):
                try:
                    lines.append(line(row))
                    counts[row.place] = counted
                except ValueError as error:
                    unread = True
                    _refuse(reading, counted, row.place, str(error))
        except Headless as error:
            unread = True
            _refuse(reading, counted, counted.place, str(error))
    for one, reason in usable(lines, codes, day):
        if reason is not None:
            _refuse(reading, counts[one.place], one.place, reason)
            continue
        counts[one.place].taken += 1
        contents[one.source]["maps"].append(one.content())
    if unread:
        for key in before.keys() & contents.keys():
            told = contents[key]["maps"]
            had = {(known["map"], known["target"]["system"], known["target"]["code"]) for known in told}
            told += [
                dict(known)
                for known in before[key]
                if (known["map"], known["target"]["system"], known["target"]["code"]) not in had
            ]


def _refuse(reading: CodeReading, counted: FileRead, place: str, reason: str) -> None:
    counted.refused += 1
    reading.rejected.append(Rejected(place, reason))


def line(row: Row) -> MapLine:
    """A row as a line of a map. Raises Unusable."""
    if not row.whole:
        raise Unusable(TORN)
    equivalence = row["equivalence"].lower()
    if equivalence not in set(Equivalence):
        raise Unusable(f"equivalence: must be {', '.join(Equivalence)}")
    begins, ends = day("valid_from", row["valid_from"]), last_day("valid_to", row["valid_to"])
    if begins and ends and ends < begins:
        raise Unusable("valid_to: lies before valid_from")
    return MapLine(
        row.place,
        _code("source", row),
        _code("target", row),
        equivalence,
        text("map", row["map"]),
        text("version", row["version"]),
        begins,
        ends,
        text("source", row["source"]) if row["source"] else None,
        text("reviewed_by", row["reviewed_by"]) if row["reviewed_by"] else None,
    )


def _code(side: str, row: Row) -> str:
    try:
        return CodeRef(system=row[f"{side}_system"], code=row[f"{side}_code"]).key
    except ValueError as error:
        raise Unusable(f"{side}_code: is no code of its system") from error
