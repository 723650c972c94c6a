"""XLSX: the first visible sheet that has our headings. Formulas count as the value that is saved with them."""

import posixpath
from collections.abc import Generator, Iterator
from typing import BinaryIO
from xml.etree import ElementTree
from zipfile import ZipInfo

import python_calamine
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from intake.cells import ERROR_VALUE, MERGED, NO_VALUE, Cell, Mark, is_blank
from intake.findings import Finding, UnreadableFile, shown, unreadable
from intake.headings import Mapped, matches
from intake.inflating import Budget, inflated, parts
from intake.limits import MIB, Limits
from intake.scanning import Scan, scan
from intake.sent import TableRow, kept_once

LISTS, EXPLANATIONS, UNITS, CODES = "Listor", "Förklaringar", "Enhetslista", "Kodlista"
"""Sheets of our own template beside the table; nobody is told that they are not read."""
_HEAD_ROWS = 20
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION_ID = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def rows(file: BinaryIO, mapped: Mapped, limits: Limits, notes: list[Finding]) -> Generator[TableRow]:
    """The rows of the sheet with the agreements, numbered as Excel shows them. Raises UnreadableFile.

    What is known only from the sheet's XML is put into its cells as a mark: a formula without its value, an
    error, a cell that is merged into another.
    """
    scans = _scanned(file, limits)
    file.seek(0)
    try:
        with python_calamine.load_workbook(file) as book:
            sheet = _chosen(book, scans, mapped, notes)
            yield from _rows(sheet, scans.get(sheet.name, Scan()), notes)
    except (python_calamine.CalamineError, OSError, ValueError, OverflowError):
        raise _damaged() from None
    except BaseException as error:
        # A panic of the Rust code beneath: it is no Exception, and has no name that can be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged() from None


def _damaged() -> UnreadableFile:
    return unreadable("is damaged, or no Excel workbook", suggestion="open it in Excel and save it as .xlsx anew")


def _scanned(file: BinaryIO, limits: Limits) -> dict[str, Scan]:
    """What each sheet's XML tells, by sheet name; and all other parts inflated too, for the count alone."""
    found = parts(file)
    if len(found) > limits.parts:
        raise unreadable(f"holds more than {limits.parts} parts")
    if _WORKBOOK not in found:
        raise unreadable("is a zip file, but no Excel workbook", suggestion="save the table as .xlsx or CSV")
    budget = Budget(limits)
    sheets = _sheets(file, found, limits)
    scans = {}
    for name, part in found.items():
        if name in sheets:
            scans[sheets[name]] = scan(inflated(file, part, budget), limits)
        elif name.startswith("xl/worksheets/") and name.endswith(".xml"):
            scan(inflated(file, part, budget), limits)
        else:
            for _ in inflated(file, part, budget):
                pass
    return scans


def _sheets(file: BinaryIO, found: dict[str, ZipInfo], limits: Limits) -> dict[str, str]:
    """The names of the sheets by part."""
    targets = {}
    for relation in _xml(file, found.get(_RELATIONS), limits):
        target = relation.get("Target", "")
        whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        targets[relation.get("Id")] = whole
    return {
        targets.get(sheet.get(_RELATION_ID) or sheet.get(_STRICT_RELATION_ID), ""): sheet.get("name", "")
        for sheet in _xml(file, found[_WORKBOOK], limits).iter()
        if sheet.tag.rpartition("}")[2] == "sheet"
    }


def _xml(file: BinaryIO, part: ZipInfo | None, limits: Limits) -> ElementTree.Element:
    if part is None or part.file_size > MIB:
        raise _damaged()
    content = b"".join(inflated(file, part, Budget(limits)))
    try:
        if b"<!DOCTYPE" in content:
            raise unreadable("holds XML of a kind that no workbook has")
        return ElementTree.fromstring(content)  # noqa: S314 - no document type, so no entities; at most 1 MiB
    except (ElementTree.ParseError, LookupError, ValueError):
        raise unreadable("is damaged: its list of sheets cannot be read") from None


def _chosen(book: CalamineWorkbook, scans: dict[str, Scan], mapped: Mapped, notes: list[Finding]) -> CalamineSheet:
    best: tuple[int, CalamineSheet] | None = None
    others = []
    for about in book.sheets_metadata:
        told = shown(about.name) or "with an odd name"
        if about.name in (LISTS, EXPLANATIONS, UNITS, CODES) or about.typ != SheetTypeEnum.WorkSheet:
            continue
        if about.visible != SheetVisibleEnum.Visible:
            notes.append(Finding("", f"the sheet {told} is hidden and was not read"))
            continue
        if best is not None and best[0] >= 3:
            others.append(told)
            continue
        sheet = book.get_sheet_by_name(about.name)
        known = max(
            (matches(row, mapped) for row, _ in zip(sheet.iter_rows(), range(_HEAD_ROWS), strict=False)), default=0
        )
        if best is None or known > best[0]:
            others += [best[1].name] if best else []
            best = known, sheet
        else:
            others.append(told)
    if best is None:
        raise unreadable("holds no visible sheet", suggestion="show the sheet with the agreements and save the file")
    notes += [
        Finding("", f"the sheet {told} was not read: the agreements are read from {shown(best[1].name)}")
        for told in others
        if best[1].name != told
    ]
    return best[1]


def _rows(sheet: CalamineSheet, found: Scan, notes: list[Finding]) -> Iterator[TableRow]:
    # Its rows begin with the sheet's first, its columns with the first that holds anything.
    left = sheet.start[1] if sheet.start else 0
    marks: dict[int, list[tuple[int, Mark]]] = {}
    for cells, mark in ((found.valueless, NO_VALUE), (found.errors, ERROR_VALUE), (found.merged, MERGED)):
        for row, column in cells:
            marks.setdefault(row, []).append((column, mark))
    seen: dict[Cell, Cell] = {}
    hidden: list[int] = []
    for number, read in enumerate(sheet.iter_rows()):
        row_cells: list[Cell] = [*[""] * left, *kept_once(read, seen)]
        for column, mark in marks.get(number, ()):
            row_cells += [""] * (column + 1 - len(row_cells))
            row_cells[column] = mark
        if number in found.hidden and not all(map(is_blank, row_cells)):
            hidden.append(number + 1)
        yield TableRow(number + 1, row_cells)
    if hidden:
        told = (
            f"{len(hidden)} hidden rows are read like the others; this is the first"
            if len(hidden) > 1
            else ("is hidden, and is read like the others")
        )
        notes.append(Finding("", told, hidden[0]))
