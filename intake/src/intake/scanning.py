"""What the reader of workbooks does not tell of a sheet, read from its XML in one pass and in little memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from intake.findings import unreadable
from intake.limits import Limits

_MOST_MERGES = 20_000
_HIGHEST_COLUMN = 16_384


@dataclass
class Scan:
    """What was found in one sheet; rows and columns from 0."""

    last_row: int = -1
    last_column: int = -1
    """Of the cells that hold anything."""
    valueless: set[tuple[int, int]] = field(default_factory=set)
    """Formulas whose value is not saved."""
    errors: set[tuple[int, int]] = field(default_factory=set)
    """Cells that hold an error of the spreadsheet."""
    hidden: set[int] = field(default_factory=set)
    """Rows that Excel does not show, as a filter leaves them."""
    merged: set[tuple[int, int]] = field(default_factory=set)
    """Cells of merged areas; the first of an area in one row alone is left out, since its value is clear."""


def scan(pieces: Iterable[bytes], limits: Limits) -> Scan:
    """Look through a sheet's XML. Raises UnreadableFile where its cells lie farther apart than the limits allow.

    A reader of workbooks takes memory for the whole area up to the last cell: two cells can ask for gigabytes.
    """
    found = Scan()
    columns: dict[str, int] = {}
    row = column = -1
    error = text_result = valued = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, error, text_result, valued
        kind = name.rpartition(":")[2] if ":" in name else name
        if kind == "v":
            if parser.EndElementHandler is None:
                value()
            else:
                parser.CharacterDataHandler = text
        elif kind == "c":
            reference = attributes.get("r")
            row, column = (row, column + 1) if reference is None else _place(reference, columns)
            word = attributes.get("t")
            error, text_result = word == "e", word == "str"
        elif kind == "f":
            valued, parser.EndElementHandler = False, end
        elif kind in ("is", "t"):
            value()
        elif kind == "row":
            row, column = int(attributes.get("r", row + 2)) - 1, -1
            if attributes.get("hidden") in ("1", "true") and row <= limits.rows + 20:
                found.hidden.add(row)
        elif kind == "mergeCell":
            _merge(found, attributes.get("ref", ""), columns)

    def end(name: str) -> None:
        """Of a cell with a formula."""
        if name == "c" or name.endswith(":c"):
            parser.CharacterDataHandler = parser.EndElementHandler = None
            # A formula that gives an empty text has a value.
            if not valued and not text_result:
                found.valueless.add((row, column))
                value()

    def text(_: str) -> None:
        nonlocal valued
        valued = True
        value()

    def value() -> None:
        if error:
            found.errors.add((row, column))
        if row > found.last_row:
            found.last_row = row
        if column > found.last_column:
            found.last_column = column
        # Titles may stand above the headings.
        if row > limits.rows + 20 or column >= limits.columns:
            raise unreadable(
                f"a cell lies beyond row {limits.rows} or column {limits.columns}, the most that are read",
                suggestion="remove what stands below or beside the table, or send several files",
                row=min(row, limits.rows + 20) + 1,
            )

    def doctype(*_: Any) -> None:
        raise unreadable("holds XML of a kind that no workbook has")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    parser.buffer_text = True
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError):
        raise unreadable("is damaged: a sheet cannot be read", suggestion="open it in Excel and save it anew") from None
    if (found.last_row + 1) * (found.last_column + 1) > limits.cells:
        raise unreadable(f"holds more than {limits.cells} cells", suggestion="send several files")
    return found


def _place(reference: str, columns: dict[str, int]) -> tuple[int, int]:
    """Row and column of a reference such as B7, from 0. Raises ValueError."""
    name = reference.rstrip("0123456789")
    column = columns.get(name)
    if column is None:
        column = 0
        if not (0 < len(name) <= 3 and name.isascii() and name.isalpha()):
            raise ValueError("no reference of a cell")
        for letter in name.upper():
            column = column * 26 + ord(letter) - 64
        column = columns[name] = column - 1
    row = int(reference[len(name) :]) - 1
    if row < 0:
        raise ValueError("no reference of a cell")
    return row, column


def _merge(found: Scan, reference: str, columns: dict[str, int]) -> None:
    first, _, last = reference.partition(":")
    (top, left), (bottom, right) = _place(first, columns), _place(last or first, columns)
    # Whole rows or columns that are merged lie over no table; their cells are not counted one by one.
    if (bottom - top + 1) * (right - left + 1) + len(found.merged) > _MOST_MERGES or right >= _HIGHEST_COLUMN:
        raise unreadable("holds more merged cells than can be told", suggestion="unmerge the cells of the table")
    found.merged |= {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
    if top == bottom:
        found.merged.discard((top, left))
