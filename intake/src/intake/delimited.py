"""CSV as Excel and others write it: UTF-8 or Windows-1252, comma, semicolon or tab, quoted line breaks."""

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator
from typing import BinaryIO

from intake.cells import BLANKS, FORMULA, Cell
from intake.findings import Finding, unreadable
from intake.headings import Mapped, matches
from intake.limits import Limits
from intake.sent import TableRow, kept_once

_CHUNK = 1024 * 1024
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\t,; ]*\r?\n', re.IGNORECASE)
_DELIMITERS = ";,\t"
_HEAD_ROWS = 20
# What å, ä, ö, Å, Ä, Ö and é become when UTF-8 is taken for Windows-1252.
_MIXED = re.compile("Ã[¥¤¶…„–©]")
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_GUARDED = re.compile(r"'[=+\-@\t\r']")


def encoding_of(file: BinaryIO) -> str:
    """The encoding of a text file. Raises UnreadableFile where it is neither of those we read."""
    file.seek(0)
    start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _decodes(file, "utf-8"):
        return "utf-8-sig"
    if not _decodes(file, "cp1252"):
        raise unreadable(
            "is neither UTF-8 nor Windows-1252 text, or it is damaged", suggestion="save it as CSV UTF-8 in Excel"
        )
    return "cp1252"


def _decodes(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    carried = ""
    try:
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            if encoding == "cp1252":
                if _MIXED.search(carried + text):
                    raise unreadable(
                        "is partly UTF-8 and partly Windows-1252: its å, ä and ö cannot be told",
                        suggestion="save it as CSV UTF-8 in Excel",
                    )
                carried = text[-1:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def rows(file: BinaryIO, mapped: Mapped, limits: Limits, faults: list[Finding]) -> Generator[TableRow]:
    """The rows of a CSV file, numbered as Excel shows them, blank ones too.

    A row whose quotation marks do not match is skipped and told in `faults`; the next line begins a new row.
    """
    encoding = encoding_of(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        head = text.read(64 * 1024)
        separator = _SEPARATOR_LINE.match(head)
        delimiter = separator[1] if separator else _delimiter(head, mapped)
        text.seek(0)
        if separator:
            text.readline()
        yield from _rows(text, delimiter, limits, faults)
    except UnicodeError:
        raise unreadable("is not whole: it ends in the middle of a sign, or is damaged") from None
    finally:
        text.detach()


def _delimiter(head: str, mapped: Mapped) -> str:
    """The sign that gives the most headings we know; a semicolon, as Swedish Excel writes, where none does."""

    def known(sign: str) -> int:
        best = 0
        try:
            for number, cells in enumerate(csv.reader(io.StringIO(head, newline=""), delimiter=sign)):
                best = max(best, matches(cells, mapped))
                if number == _HEAD_ROWS:
                    break
        except csv.Error:
            pass
        return best

    return max(_DELIMITERS, key=known)


def _rows(text: io.TextIOWrapper, delimiter: str, limits: Limits, faults: list[Finding]) -> Iterator[TableRow]:
    seen: dict[Cell, Cell] = {}
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        line = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            faults.append(_broken(number, reader.line_num - line, "limit" in str(error)))
            continue
        if len(cells) > limits.columns and any(cell.strip(BLANKS) for cell in cells[limits.columns :]):
            raise unreadable(f"holds more than {limits.columns} columns", row=number)
        yield TableRow(number, kept_once([_unguarded(cell) for cell in cells[: limits.columns]], seen))


def _broken(number: int, lines: int, too_long: bool) -> Finding:
    if too_long:
        return Finding("", "a cell is too long, or a quotation mark is opened and never closed", number)
    told = "its quotation marks do not match"
    over = f", and {lines - 1} lines below it may have been taken for part of it" if lines > 1 else ""
    return Finding("", told + over, number, suggestion='a quotation mark inside a quoted cell is written twice: ""')


def _unguarded(cell: str) -> str:
    """A cell without what Excel's users and we put before it to keep it a text: ="01" and '+46; a formula as a mark."""
    if cell.startswith("="):
        match = _AS_TEXT.fullmatch(cell)
        return match[1].replace('""', '"') if match else FORMULA
    return cell[1:] if _GUARDED.match(cell) else cell
