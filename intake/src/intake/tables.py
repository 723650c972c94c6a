"""From the rows of a table to agreements: rows with the same number are one agreement with several care services."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from intake.cells import BLANKS, ERROR_VALUE, FORMULA, MERGED, NO_VALUE, Cell, Mark, Unclear, is_blank, text
from intake.columns import SERVICES, Column
from intake.findings import Finding, capped, shown
from intake.headings import Layout
from intake.sent import Origin, Sent, TableRow
from rules.texts import one_line

_MARKS: dict[Cell, Unclear] = {
    FORMULA: Unclear("holds a formula instead of a value", "paste the value in place of the formula"),
    NO_VALUE: Unclear(
        "holds a formula whose value is not saved in the file",
        "open the file in Excel and save it, or paste the values in place of the formulas",
    ),
    ERROR_VALUE: Unclear(
        "holds an error of the spreadsheet instead of a value", "mend the formula, or write the value"
    ),
    MERGED: Unclear(
        "is merged with other cells, so that it is not clear for which rows the value holds",
        "unmerge them and write the value in every row",
    ),
}


_MOST_ROWS = 1_000
"""Far above what the form takes; more are not looked at one by one."""


def agreements(layout: Layout, rows: Iterable[TableRow]) -> Iterator[Sent]:
    """The agreements in a table's rows, in the order in which their numbers first appear. Blank rows are skipped."""
    number_at = next((index for index, column, _ in layout.places if column.field == "number"), None)
    groups: dict[Any, list[TableRow]] = {}
    for row in rows:
        key = _number(row.cell(number_at)) if number_at is not None else None
        # A row without a number belongs to no other.
        groups.setdefault(key if key is not None else row.number, []).append(row)
    while groups:
        # Let go of each one's rows once it is handed on.
        yield _agreement(layout, groups.pop(next(iter(groups))))


def _number(cell: Cell) -> str | None:
    if is_blank(cell) or isinstance(cell, Mark):
        return None
    try:
        return one_line(text(cell))
    except Unclear:
        return None


def _agreement(layout: Layout, rows: list[TableRow]) -> Sent:
    numbers = tuple(row.number for row in rows)
    if _confidential(layout, rows):
        heading = next((heading for _, column, heading in layout.places if column.field == "confidential"), None)
        cells = (row.cell(index) for index, column, _ in layout.places if column.field == "number" for row in rows)
        marked = next(filter(None, map(_number, cells)), None)
        return Sent(None, {}, numbers, confidential=True, mark_heading=heading, marked_number=marked)
    if len(rows) > _MOST_ROWS:
        finding = Finding(
            SERVICES, f"is spread over {len(rows)} rows: an agreement has at most 100 services", numbers[0]
        )
        return Sent(None, {}, numbers, (finding,))
    rows, notes = _without_repeats(rows)
    origin = Origin(layout, tuple(rows))
    content: dict[str, Any] = {}
    findings: list[Finding] = []
    shared = [place for place in layout.places if not place[1].of_service]
    for index, column, heading in shared:
        _fill_shared(content, findings, rows, index, column, heading, layout)
    own = [place for place in layout.places if place[1].of_service]
    services = []
    for position, row in enumerate(rows):
        service: dict[str, Any] = {}
        for index, column, heading in own:
            field = f"{SERVICES}.{position}.{'.'.join(column.path)}"
            read = _read(row, index, column, heading, field, layout, findings)
            if read is not None:
                _put(service, column.path, read)
        services.append(service)
    for column, constant in layout.mapped.constants.items():
        for target in services if column.of_service else [content]:
            _put_constant(target, column, constant, numbers[0], findings)
    content[SERVICES] = services
    number = content.get("number")
    return Sent(shown(number), content, numbers, capped(findings), tuple(notes), origin=origin)


def _confidential(layout: Layout, rows: list[TableRow]) -> bool:
    """True when any row is marked, and where the mark cannot be read: better refused than told."""
    for index, column, _ in layout.places:
        if column.field == "confidential":
            for row in rows:
                cell = row.cell(index)
                try:
                    if not is_blank(cell) and _value_of(cell, column, layout):
                        return True
                except Unclear:
                    return True
    return any(
        column.field == "confidential" and column.kind.read(value) for column, value in layout.mapped.constants.items()
    )


def _without_repeats(rows: list[TableRow]) -> tuple[list[TableRow], list[Finding]]:
    if len(rows) == 1:
        return rows, []
    seen: dict[tuple[Cell, ...], int] = {}
    kept, notes = [], []
    for row in rows:
        cells = tuple(row.cells)
        if cells in seen:
            notes.append(Finding("", f"is the same as row {seen[cells]}: read once", row.number))
        else:
            seen[cells] = row.number
            kept.append(row)
    return kept, notes


def _fill_shared(
    content: dict[str, Any],
    findings: list[Finding],
    rows: list[TableRow],
    index: int,
    column: Column,
    heading: str,
    layout: Layout,
) -> None:
    """A cell that holds for the whole agreement: every row that fills it must say the same."""
    first: TableRow | None = None
    value: Any = None
    for row in rows:
        cell = row.cell(index)
        if is_blank(cell) or (first is not None and cell == first.cell(index)):
            continue
        read = _read(row, index, column, heading, column.field, layout, findings)
        if read is None:
            continue
        if first is None:
            first, value = row, read
            _put(content, column.path, read)
        elif read != value:
            reason = f"differs from row {first.number} of the same agreement"
            told_value = None if column.secret else shown(text(cell))
            suggestion = "write the same in all its rows, or leave the later ones blank"
            findings.append(Finding(column.field, reason, row.number, heading, told_value, suggestion))


def _read(
    row: TableRow, index: int, column: Column, heading: str, field: str, layout: Layout, findings: list[Finding]
) -> Any:
    cell = row.cell(index)
    if is_blank(cell):
        return None
    try:
        value = _value_of(cell, column, layout)
    except Unclear as unclear:
        hidden = column.secret or isinstance(cell, Mark)
        value_told = None if hidden else _as_written(cell)
        findings.append(Finding(field, unclear.reason, row.number, heading, value_told, unclear.suggestion))
        return None
    return None if value == [] else value


def _as_written(cell: Cell) -> str | None:
    try:
        return shown(text(cell))
    except Unclear:
        return None


def _value_of(cell: Cell, column: Column, layout: Layout) -> Any:
    if isinstance(cell, Mark):
        raise _MARKS[cell]
    if (words := layout.mapped.values.get(column)) is not None:
        cell = _translated(cell, column, words)
        if is_blank(cell):
            return None
    return column.kind.read(cell)


def _translated(cell: Cell, column: Column, words: Mapping[str, str]) -> Cell:
    """The cell in our words; of a list each item that the mapping knows."""
    whole = words.get(text(cell).casefold())
    if whole is not None or column.kind.split is None:
        return cell if whole is None else whole
    return "; ".join(words.get(str(item).casefold(), str(item)) for item in column.kind.split(cell))


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *way, last = path
    for step in way:
        target = target.setdefault(step, {})
    if isinstance(value, list) and isinstance(target.get(last), list):
        target[last] = [*target[last], *value]
    else:
        target[last] = value


def _put_constant(target: dict[str, Any], column: Column, constant: str, row: int, findings: list[Finding]) -> None:
    place: Any = target
    for step in column.path:
        place = place.get(step) if isinstance(place, dict) else None
    if place is not None or not constant.strip(BLANKS):
        return
    try:
        _put(target, column.path, column.kind.read(constant))
    except Unclear as unclear:
        findings.append(Finding(column.field, f"the mapping's constant {unclear.reason}", row, None, shown(constant)))
