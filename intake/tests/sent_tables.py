"""Tables for tests: sound rows to spoil, as CSV and as XLSX."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

SOUND: dict[str, Any] = {
    "avtalsnummer": "AVT-1",
    "namn": "Kataraktkirurgi",
    "region": "14",
    "vårdgivare HSA-id": "SE5561234567-0001",
    "vårdgivare namn": "Kliniken AB",
    "giltigt från": "2026-01-01",
    "giltigt till": "2027-12-31",
    "KVÅ-koder": "CJE20",
    "vårdenheter": "SE5561234567-A0017",
}


def row(**changed: Any) -> dict[str, Any]:
    """A sound row with other cells; `_` in a name stands for a blank."""
    return {**SOUND, **{name.replace("_", " "): value for name, value in changed.items()}}


def as_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ";", encoding: str = "utf-8") -> io.BytesIO:
    text = io.StringIO(newline="")
    headings = list(dict.fromkeys(name for one in rows for name in one))
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([headings, *([one.get(name, "") for name in headings] for one in rows)])
    return io.BytesIO(text.getvalue().encode(encoding))


class Book:
    """A workbook under construction: `sheet` is xlsxwriter's, `file()` ends it."""

    def __init__(self, rows: Sequence[Mapping[str, Any]] = (), **options: Any) -> None:
        self._bytes = io.BytesIO()
        self.book = xlsxwriter.Workbook(self._bytes, {"in_memory": True, **options})
        self.sheet = self.book.add_worksheet("Avtal")
        headings = list(dict.fromkeys(name for one in rows for name in one))
        self.columns = {name: number for number, name in enumerate(headings)}
        self.sheet.write_row(0, 0, headings)
        for number, one in enumerate(rows, start=1):
            for name, value in one.items():
                self.write(number, name, value)

    def write(self, row: int, heading: str, value: Any) -> None:
        """A cell by its heading; row 1 is the first below the headings."""
        if hasattr(value, "year"):
            day = self.book.add_format({"num_format": "yyyy-mm-dd"})
            self.sheet.write_datetime(row, self.columns[heading], value, day)
        elif isinstance(value, str):
            self.sheet.write_string(row, self.columns[heading], value)
        else:
            self.sheet.write(row, self.columns[heading], value)

    def file(self) -> io.BytesIO:
        self.book.close()
        return io.BytesIO(self._bytes.getvalue())
