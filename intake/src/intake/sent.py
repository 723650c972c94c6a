"""One agreement as it was sent: what goes to the form, and where in the file each of its fields stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intake.cells import Cell, Mark, Unclear, is_blank, text
from intake.columns import SERVICES, Column
from intake.findings import Finding, repeatable_path, shown
from intake.headings import Layout


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table: its number as the spreadsheet shows it, and its cells as they were read."""

    number: int
    cells: Sequence[Cell]

    def cell(self, index: int) -> Cell:
        """The cell, blank behind the row's end."""
        return self.cells[index] if index < len(self.cells) else ""


def kept_once(cells: Sequence[Cell], seen: dict[Cell, Cell]) -> list[Cell]:
    """The cells, each text that is in `seen` as the one that is there: most values of a table stand in many rows."""
    if len(seen) > _MOST_SEEN:
        return [seen.get(cell, cell) if isinstance(cell, str) else cell for cell in cells]
    return [seen.setdefault(cell, cell) if isinstance(cell, str) else cell for cell in cells]


_MOST_SEEN = 100_000


@dataclass(frozen=True, slots=True)
class Origin:
    """The rows an agreement was read from: `services[i]` of its content is `rows[i]`."""

    layout: Layout
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands, and what was written there."""

    row: int | None
    column: str | None
    value: str | None
    """None where nothing was written, or it must not be repeated."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One agreement as it was sent, whatever the format."""

    number: str | None
    """The region's own; None where it is missing, odd, or under secrecy."""
    content: Mapping[str, Any]
    """For `AgreementForm.model_validate`; fields that could not be read are left out, a finding tells of each."""
    rows: tuple[int, ...]
    """All rows it was read from, from 1."""
    findings: tuple[Finding, ...] = ()
    """What was wrong already in reading; with any of them the agreement is not to be taken."""
    notes: tuple[Finding, ...] = ()
    """What should be known and refuses nothing."""
    confidential: bool = False
    """Marked as covered by secrecy: then `content`, `number` and `origin` are empty, nothing of it goes further."""
    mark_heading: str | None = None
    """The heading under which a table marks it."""
    origin: Origin | None = None
    """For a table."""
    marked_number: str | None = None
    """Of one that is marked: to look up what is registered under it, never told and never kept."""


def placed(sent: Sent, field: str) -> Place:
    """Where a field of an agreement stands in the file: a dotted path such as `services.0.units.1`.

    For a field nobody wrote, the row and the heading where it would stand; without a heading where the table has none.
    """
    row = sent.rows[0] if sent.rows else None
    steps = field.split(".") if field else []
    if sent.origin is None:
        value = None if steps[:1] in (["internal_note"], ["confidential"]) else shown(_at(sent.content, steps))
        return Place(row, None, value)
    line, inner = sent.origin.rows[0] if sent.origin.rows else None, steps
    if steps[:1] == [SERVICES]:
        inner = steps[2:]
        if len(steps) > 1 and steps[1].isdecimal() and int(steps[1]) < len(sent.origin.rows):
            line = sent.origin.rows[int(steps[1])]
        if not inner:
            return Place(line.number if line else row, None, None)
    best: tuple[int, Place] | None = None
    for index, column, heading in sent.origin.layout.places:
        if column.of_service != (steps[:1] == [SERVICES]):
            continue
        common = _common(column.path, inner)
        if common == 0 or common < min(len(column.path), len([step for step in inner if not step.isdecimal()])):
            continue
        at = line if column.of_service else _first_written(sent.origin.rows, index) or line
        item = _item(at, index, column, inner, sent)
        cell = at.cell(index) if at is not None and item is None else item
        # Of the columns that fill one field, the one that holds the item; else one in which something is written.
        rank = 2 * common + (not is_blank(cell)) + 100 * (item is not None)
        if best is None or rank > best[0]:
            value = None if column.secret or is_blank(cell) else _told_cell(cell)
            best = rank, Place(at.number if at else row, heading, value)
    return best[1] if best else Place(line.number if line else row, None, None)


def told(sent: Sent, field: str, reason: str, suggestion: str | None = None) -> Finding:
    """A fault found later, such as an unknown code, as a finding in the place where its field stands."""
    place = placed(sent, field)
    return Finding(
        repeatable_path(field.split(".")) if field else "", reason, place.row, place.column, place.value, suggestion
    )


def _at(content: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(content, Mapping):
            content = content.get(step)
        elif isinstance(content, Sequence) and not isinstance(content, str) and step.isdecimal():
            content = content[int(step)] if int(step) < len(content) else None
        else:
            return None
    return content


def _common(path: Sequence[str], steps: Sequence[str]) -> int:
    same = 0
    for mine, yours in zip(path, steps, strict=False):
        if mine != yours:
            break
        same += 1
    return same


def _first_written(rows: Sequence[TableRow], index: int) -> TableRow | None:
    return next((row for row in rows if not is_blank(row.cell(index)) and not isinstance(row.cell(index), Mark)), None)


def _items(row: TableRow | None, index: int, column: Column) -> list[Any]:
    if row is None or column.kind.split is None or is_blank(row.cell(index)) or isinstance(row.cell(index), Mark):
        return []
    try:
        return column.kind.split(row.cell(index))
    except Unclear:
        return []


def _item(row: TableRow | None, index: int, column: Column, inner: Sequence[str], sent: Sent) -> Any:
    """The item of a list as it was written, if it stands in this column; several columns may fill one list."""
    if sent.origin is None or len(inner) <= len(column.path) or not inner[len(column.path)].isdecimal():
        return None
    number = int(inner[len(column.path)])
    for other_index, other, _ in sent.origin.layout.places:
        if other.field == column.field:
            items = _items(row, other_index, other)
            if other_index == index:
                return items[number] if 0 <= number < len(items) else None
            number -= len(items)
    return None


def _told_cell(cell: Cell) -> str | None:
    if isinstance(cell, Mark) or (isinstance(cell, str) and cell.lstrip().startswith("=")):
        return None
    try:
        return shown(text(cell))
    except Unclear:
        return None
