"""From agreements to a table: the other way round, for the template, for conversion, and for whoever wants a table."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

import xlsxwriter

from intake.cells import Unclear
from intake.columns import CODE_COLUMNS, COLUMNS, SERVICES, Column
from rules.texts import no_formula

Written = str | int | Decimal | date | None

_OWN_SYSTEMS = {"kva": "KVÅ-koder", "icd": "ICD-koder", "vt": "vårdtjänster"}
SHEET = "Avtal"


class NotInATable(ValueError):
    """The agreement says something that a table cannot; JSON can. `field` tells what."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: cannot be written in a table, send it as JSON")
        self.field = field


def rows_of(agreement: Mapping[str, Any]) -> Iterator[list[Written]]:
    """The rows of one agreement (the form's JSON), a cell for each of `COLUMNS`. Raises NotInATable."""
    if any(service in agreement[SERVICES][:number] for number, service in enumerate(agreement[SERVICES])):
        raise NotInATable(SERVICES)  # the same row twice is read once
    for service in agreement[SERVICES]:
        yield [_cell(column, service if column.of_service else agreement) for column in COLUMNS]


def _cell(column: Column, content: Mapping[str, Any]) -> Written:
    value: Any = content
    for step in column.path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if column in CODE_COLUMNS:
        value = [code for code in value or () if _OWN_SYSTEMS.get(code["system"], "andra koder") == column.heading]
    if value is None or value == [] or value == ():
        return None
    try:
        written = column.kind.write(value)
        if not _same(column.kind.read(written), value):
            raise NotInATable(column.field)
    except (Unclear, KeyError):
        raise NotInATable(column.field) from None
    return written


def _same(read: Any, value: Any) -> bool:
    """Does a cell say what it was written from? Amounts by their size, groups without what they do not say."""
    if isinstance(read, list):
        return len(read) == len(value) and all(map(_same, read, value))
    if isinstance(read, dict):
        return read == {name: inner for name, inner in value.items() if inner is not None}
    return bool(read == value) or (isinstance(value, str) and isinstance(read, str) and _amount(read) == _amount(value))


def _amount(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def write_csv(rows: Iterable[Sequence[Written]], file: BinaryIO) -> None:
    """A CSV file as Swedish Excel opens it: UTF-8 with BOM, semicolons, decimal comma.

    A text that a spreadsheet would take for a formula is written behind an apostrophe; the reader takes it off.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow([column.heading for column in COLUMNS])
    writer.writerows([_for_csv(cell) for cell in row] for row in rows)
    text.flush()
    text.detach()


def _for_csv(cell: Written) -> str:
    if isinstance(cell, str):
        # An apostrophe of its own is kept behind another one.
        return f"'{cell}" if cell.startswith("'") else no_formula(cell)
    return "" if cell is None else str(cell).replace(".", ",") if isinstance(cell, Decimal) else str(cell)


def write_xlsx(rows: Iterable[Sequence[Written]], file: BinaryIO) -> None:
    """A workbook with the headings and the rows; texts are texts, whatever they begin with."""
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(SHEET)
        heading, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        for index, column in enumerate(COLUMNS):
            sheet.write_string(0, index, column.heading, heading)
        sheet.freeze_panes(1, 1)
        for number, row in enumerate(rows, start=1):
            for index, cell in enumerate(row):
                put(sheet, number, index, cell, day)


def put(sheet: Any, row: int, column: int, cell: Written, day: Any) -> None:
    """One cell, by its type and never by what a text looks like."""
    if isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, day)
    elif cell is not None:
        sheet.write_number(row, column, cell)
