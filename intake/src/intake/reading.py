"""One file, whatever its format, as agreements: the only way in."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from intake import delimited, json_items, workbook
from intake.cells import Mark, is_blank
from intake.columns import EXAMPLE
from intake.findings import Finding, UnreadableFile, unreadable
from intake.headings import Layout, Mapped, lay_out, matches, near
from intake.limits import MIB, STANDARD, Limits
from intake.sent import Sent, TableRow
from intake.tables import agreements

_HEAD_ROWS = 20
_EXAMPLE_ROW = "is the template's example row and was not read"
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass
class Reading:
    """A file that can be read. Iterate it once: one `Sent` per agreement, in the order of the file."""

    format: str
    """`json`, `csv` or `xlsx`."""
    rows: int
    """Rows with data, or items; for progress."""
    notes: list[Finding] = field(default_factory=list)
    """What should be known of the file and refuses nothing, such as a hidden sheet."""
    _sent: Iterator[Sent] = field(default_factory=lambda: iter(()), repr=False)

    def __iter__(self) -> Iterator[Sent]:
        return self._sent


def read(
    file: BinaryIO, *, mapping: Mapping[str, Any] | None = None, remembered: bool = False, limits: Limits = STANDARD
) -> Reading:
    """Open a file of agreements: JSON lines, a JSON array, CSV or XLSX, told apart by what they hold.

    `mapping` is the region's own way of writing (`Mapped`); it is for tables alone, and one that is `remembered` not
    for those with our own headings (`Mapped.is_for`). Raises UnreadableFile with all that can be told at once, where
    the file as a whole is wrong; iterating a JSON file may raise it too, for an array that is broken further down.
    """
    mapped = Mapped.of(mapping)
    size = file.seek(0, 2)
    if size > limits.file_bytes:
        raise unreadable(
            f"is larger than {limits.file_bytes // MIB} MiB, the most that one file may be",
            suggestion="send it in several files",
        )
    file.seek(0)
    start = file.read(4096)
    if start.startswith(_OLD_EXCEL):
        raise unreadable(
            "is an Excel file of the old kind, or one protected by a password",
            suggestion="save it as .xlsx, without a password",
        )
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise unreadable("is empty")
    if text[:1] in b"[{":
        if not (items := json_items.count(file, limits)):
            raise unreadable("holds no agreements")
        return Reading("json", items, [], json_items.items(file, limits))
    notes: list[Finding] = []
    if start.startswith(_ZIP):
        # Closed here and not when it is forgotten: by then the caller may have closed the file.
        with closing(workbook.rows(file, mapped, limits, notes)) as rows:
            try:
                return _table("xlsx", list(_numbered(rows, limits)), mapped, remembered, notes, [])
            except UnreadableFile as error:
                # Which sheets were looked at, and which not, is half of the answer.
                raise UnreadableFile((*error.findings, *notes)) from None
    broken: list[Finding] = []
    with closing(delimited.rows(file, mapped, limits, broken)) as rows:
        return _table("csv", list(_numbered(rows, limits)), mapped, remembered, notes, broken)


def _numbered(rows: Iterator[TableRow], limits: Limits) -> Iterator[TableRow]:
    """The rows that hold anything; blank ones and blank cells at a row's end are Excel's leavings."""
    cells = 0
    for taken, row in enumerate(row for row in rows if any(not is_blank(cell) for cell in row.cells)):
        cells += len(row.cells)
        if taken > limits.rows + _HEAD_ROWS or cells > limits.cells:
            most = f"{limits.rows} rows or {limits.cells} cells"
            raise unreadable(f"holds more than {most}", suggestion="send it in several files")
        if any(isinstance(cell, str) and len(cell) > limits.cell_signs for cell in row.cells):
            raise unreadable(f"a cell holds more than {limits.cell_signs} signs", row=row.number)
        yield row


def _table(
    kind: str, rows: list[TableRow], mapped: Mapped, remembered: bool, notes: list[Finding], broken: list[Finding]
) -> Reading:
    if not rows:
        raise unreadable("holds no rows")
    # Titles and explanations may stand above the headings.
    known = [matches(row.cells, mapped) for row in rows[:_HEAD_ROWS]]
    head = known.index(max(known)) if max(known) > 1 else 0
    if max(known) == 0 and not any(near(cell) for cell in rows[0].cells if isinstance(cell, str)):
        raise unreadable(
            "is not a table of agreements: none of its headings is one of ours",
            suggestion="fill in the template, or map your own headings to ours",
        )
    if remembered and not mapped.is_for(rows[head].cells):
        if mapped != Mapped():
            notes.append(Finding("", "has our own headings: the remembered mapping was not used"))
        mapped = Mapped()
    below = rows[head + 1 :]
    filled: dict[int, int] = {}
    for row in below:
        for index, cell in enumerate(row.cells):
            if index not in filled and not is_blank(cell) and not isinstance(cell, Mark):
                filled[index] = row.number
    layout = lay_out(rows[head].cells, rows[head].number, mapped, filled)
    below = _without_example(layout, below, notes)
    if not below and not broken and notes and notes[-1].reason == _EXAMPLE_ROW:
        raise unreadable("holds the template's example row and no agreement", suggestion="fill in rows of your own")
    if not below and not broken:
        raise unreadable("holds headings and no rows below them")
    return Reading(kind, len(below) + len(broken), notes, _sent(layout, below, broken))


def _without_example(layout: Layout, rows: list[TableRow], notes: list[Finding]) -> list[TableRow]:
    index = next((index for index, column, _ in layout.places if column.field == "number"), None)
    examples = [row for row in rows if index is not None and row.cell(index) == EXAMPLE]
    notes += [Finding("", _EXAMPLE_ROW, row.number) for row in examples]
    return [row for row in rows if row not in examples] if examples else rows


def _sent(layout: Layout, below: list[TableRow], broken: list[Finding]) -> Iterator[Sent]:
    yield from agreements(layout, below)
    for finding in broken:
        yield Sent(None, {}, (finding.row,) if finding.row else (), (finding,))
