"""The empty table to download: headings, drop-down lists, explanations and one example row."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from intake import kinds
from intake.columns import COLUMNS, Column
from intake.workbook import CODES, EXPLANATIONS, LISTS, UNITS
from intake.writing import SHEET, Written, put, write_csv

_LAST_ROW = 10_000
_LONGEST_HELP = 250
_WIDTH = 22


def template_xlsx(
    *,
    codes: Mapping[str, Mapping[str, str]] | None = None,
    units: Mapping[str, str] | None = None,
    region: str | None = None,
) -> bytes:
    """The workbook. `codes` by code system (kva, icd, vt) and the region's `units` become drop-down lists.

    Both come with what they are called, code or HSA-id → name, which stands beside them on sheets of their own. The
    lists suggest and refuse nothing, for a cell may hold several; of words, one must be chosen. `region` fills the
    example row.
    """
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet(SHEET)
        formats = {
            "must": book.add_format({"bold": True, "bg_color": "#FFE699", "border": 1, "text_wrap": True}),
            "may": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "text": book.add_format({"num_format": "@"}),
        }
        _explanations(book, formats)
        known = _units(book, units or {}, formats) | _codes(book, codes or {}, formats)
        lists = book.add_worksheet(LISTS)
        lists.hide()
        for index, column in enumerate(COLUMNS):
            sheet.write_string(0, index, column.heading, formats["must" if column.required else "may"])
            sheet.write_comment(0, index, _help(column))
            # Numbers of agreements, ids and regions are texts: as numbers they would lose their noughts.
            of_days = column.kind is kinds.DAY
            numeric = column.kind in (kinds.WHOLE, kinds.AMOUNT)
            sheet.set_column(index, index, _WIDTH, formats["day"] if of_days else None if numeric else formats["text"])
            _drop_down(sheet, lists, index, column, known)
            put(sheet, 1, index, _example(column, region), formats["day"])
        sheet.freeze_panes(1, 1)
        sheet.activate()
    return made.getvalue()


def template_csv(*, region: str | None = None) -> bytes:
    """The same headings and example row as CSV."""
    made = io.BytesIO()
    write_csv([[_example(column, region) for column in COLUMNS]], made)
    return made.getvalue()


def _help(column: Column) -> str:
    told = f"{column.explained}. Skrivs som {column.kind.explained}." if column.explained else column.kind.explained
    return f"{'Måste fyllas i. ' if column.required else ''}{told}"


def _example(column: Column, region: str | None) -> Written:
    written = region if column.field == "region" and region else column.example
    if not written:
        return None
    if column.kind is kinds.DAY:
        return date.fromisoformat(written)
    if column.kind in (kinds.WHOLE, kinds.AMOUNT):
        return Decimal(str(column.kind.read(written)))
    return written


_SYSTEMS = {"kva": "KVÅ-koder", "icd": "ICD-koder", "vt": "vårdtjänster"}


def _units(book: Any, units: Mapping[str, str], formats: Mapping[str, Any]) -> dict[str, str]:
    """The sheet of units, where there are any; the cells of their HSA-ids, by the heading they are offered under."""
    if not units:
        return {}
    sheet = book.add_worksheet(UNITS)
    sheet.set_column(0, 1, 40)
    sheet.write_row(0, 0, ["HSA-id", "Vårdenhet"], formats["may"])
    for number, row in enumerate(sorted(units.items(), key=lambda unit: unit[1]), start=1):
        _texts(sheet, number, row)
    return {"vårdenheter": _cells(UNITS, 0, 1, len(units))}


def _codes(book: Any, codes: Mapping[str, Mapping[str, str]], formats: Mapping[str, Any]) -> dict[str, str]:
    """The sheet of codes, where there are any; the cells of each system's, by the heading they are offered under."""
    if not any(codes.values()):
        return {}
    sheet = book.add_worksheet(CODES)
    sheet.set_column(0, 1, 16)
    sheet.set_column(2, 2, 90)
    sheet.write_row(0, 0, ["Kolumn", "Kod", "Betydelse"], formats["may"])
    places, number = {}, 1
    for system, known in codes.items():
        heading = _SYSTEMS[system]
        if known:
            places[heading] = _cells(CODES, 1, number, number + len(known) - 1)
        for code, text in known.items():
            _texts(sheet, number, (heading, code, text))
            number += 1
    return places


def _texts(sheet: Any, row: int, cells: Sequence[str]) -> None:
    for column, cell in enumerate(cells):
        sheet.write_string(row, column, cell)


def _cells(sheet: str, column: int, first: int, last: int) -> str:
    ends = (xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True) for row in (first, last))
    return f"={sheet}!{':'.join(ends)}"


def _drop_down(sheet: Any, lists: Any, index: int, column: Column, known: Mapping[str, str]) -> None:
    words = list(column.kind.words)
    if words:
        lists.write_column(0, index, [column.heading, *words])
    source = _cells(LISTS, index, 1, len(words)) if words else known.get(column.heading)
    if source is None:
        return
    sheet.data_validation(
        1,
        index,
        _LAST_ROW,
        index,
        {
            "validate": "list",
            "source": source,
            "input_title": column.heading[:32],
            "input_message": _help(column)[:_LONGEST_HELP],
            "show_error": bool(words),
            "error_title": "Välj ur listan",
            "error_message": "Cellen tar bara ett av orden i listan.",
        },
    )


def _explanations(book: Any, formats: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(EXPLANATIONS)
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 90)
    sheet.set_column(2, 3, 44)
    told = [
        "En rad per avtal och vårdtjänst; rader med samma avtalsnummer är ett avtal.",
        "Kolumner för hela avtalet behöver fyllas i på avtalets första rad.",
        "Gula rubriker måste fyllas i. Av kolumnerna för koder räcker en.",
        f"Vad koder och vårdenheter heter står på bladen {CODES} och {UNITS}.",
        "Ta bort exempelraden innan filen skickas. Skriv aldrig personuppgifter.",
    ]
    for number, line in enumerate(told):
        sheet.write_string(number, 0, line)
    top = len(told) + 1
    sheet.write_row(top, 0, ["Kolumn", "Förklaring", "Exempel", "Fält i JSON"], formats["may"])
    for number, column in enumerate(COLUMNS, start=top + 1):
        for place, cell in enumerate((column.heading, _help(column), column.example, column.field)):
            sheet.write_string(number, place, cell)
