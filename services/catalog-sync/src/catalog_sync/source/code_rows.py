"""Rows of delimited text files (CSV, TSV) with a header line, each with its place; a bad line spoils no other."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from catalog_sync.domain.code_reading import FileRead
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Entry, Release
from rules.personal_numbers import holds_personal_number

_SWALLOWED = re.compile("[\n\udc80-\udcff]")
"""A line's end inside a cell, or what stands for a byte that could not be decoded."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DIGIT = re.compile(r"\d")
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
TORN = "cannot be read: it is torn, not in the file's encoding, or a quotation mark is left open"
"""Why a row that is not whole cannot be used."""

_NO_END = 2099
"""Files that must have an end write a year like this one for none."""


class Headless(Exception):
    """The file cannot be used at all: its header names no column that is needed. The text says which."""


class Unusable(ValueError):
    """Why a row cannot be used, without its values."""


@dataclass(frozen=True)
class Row:
    """One line's cells by field name; a field whose column is not there reads as empty text."""

    place: str
    """File and line: `kva/2017/kva.csv:17`."""
    cells: Mapping[str, str]
    whole: bool
    """False when the line cannot be decoded, is too short, or swallows others by a quotation mark left open."""

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def rows(
    file: Path, place: str, columns: Mapping[str, Sequence[str]], needed: Sequence[str], encoding: str = "utf-8"
) -> Iterator[Row]:
    """The file's rows. `columns` says under which heads a field may stand; the first of equal heads counts.

    The delimiter is the one the header holds most of: tab, semicolon or comma. Raises Headless.
    """
    encoding = "utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding
    with file.open(encoding=encoding, errors="surrogateescape", newline="") as lines:
        first = lines.readline()
        delimiter = max("\t;,", key=first.count)
        heads = [head.strip().casefold() for head in next(csv.reader([first], delimiter=delimiter), [])]
        at = {name: _find(heads, among) for name, among in columns.items()}
        for name in needed:
            if at[name] is None:
                raise Headless(f"the header has no column for {name}: it may be called {' or '.join(columns[name])}")
        where = {name: index for name, index in at.items() if index is not None}
        reader, before = csv.reader(lines, delimiter=delimiter), 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Row(f"{place}:{before + 2}", {}, whole=False)
                return
            number, before = before + 2, reader.line_num
            if not "".join(cells).strip():
                continue
            found = {name: cells[index].strip() for name, index in where.items() if index < len(cells)}
            whole = all(name in found for name in needed) and not _SWALLOWED.search("".join(found.values()))
            yield Row(f"{place}:{number}", found, whole)


def _find(heads: Sequence[str], among: Sequence[str]) -> int | None:
    return next((heads.index(name.casefold()) for name in among if name.casefold() in heads), None)


@lru_cache(maxsize=256)
def day(name: str, cell: str) -> date | None:
    """A day written 2026-01-01 or 20260101; None for an empty cell. Raises Unusable."""
    if not cell:
        return None
    match = _DAY.fullmatch(cell)
    try:
        if match is None:
            raise ValueError
        return date(*map(int, match.groups()))
    except ValueError:
        raise Unusable(f"{name}: must be a day such as 2026-01-01") from None


def text(name: str, cell: str) -> str:
    """A text that says something and holds nothing like a personal number. Raises Unusable."""
    if not cell:
        raise Unusable(f"{name}: is missing")
    # Ten digits make one; the search itself is slow, and few texts of codes hold so many.
    if len(_DIGIT.findall(cell)) >= 10 and holds_personal_number(cell):
        raise Unusable(f"{name}: holds something like a personal number")
    plain = " ".join(cell.split())
    if _CONTROL.search(plain):
        raise Unusable(f"{name}: holds a control character")
    return plain


def words(cell: str) -> tuple[str, ...]:
    """Other words for the same thing, written with semicolons between them. Raises Unusable."""
    return tuple(text("designations", word.strip()) for word in cell.split(";") if word.strip())


def take(
    release: Release,
    counted: FileRead,
    rejected: list[Rejected],
    found: Iterator[Row],
    check: Callable[[str], str],
    entry: Callable[[Row], Entry | None],
) -> None:
    """Put a file's rows into a release. What cannot be used is rejected and remembered as unread; others go on.

    `check` gives a code's normal form or raises ValueError; `entry` gives what a row says of it, None for a row that
    is no code, or raises ValueError.
    """
    for row in found:
        cell = row["code"]
        if not row.whole:
            release.whole = False
            _refuse(
                counted,
                rejected,
                row,
                TORN,
            )
            continue
        try:
            one = entry(row)
            if one is None:
                counted.passed += 1
                continue
            try:
                if not cell.isprintable():
                    raise ValueError("holds signs that cannot be printed")
                code = check(cell)
            except ValueError as error:
                raise Unusable(f"code: {error}") from None
            if one.valid_from and one.valid_to and one.valid_to < one.valid_from:
                raise Unusable("valid_to: lies before valid_from")
            if release.entries.setdefault(code, one) != one:
                raise Unusable("code: is told of twice, and not the same")
        except ValueError as error:
            release.unread.add(cell)
            _refuse(counted, rejected, row, str(error))
            continue
        counted.taken += 1


def _refuse(counted: FileRead, rejected: list[Rejected], row: Row, reason: str) -> None:
    counted.refused += 1
    rejected.append(Rejected(row.place, reason))


def shown(name: str) -> str:
    """A file's name as it can be stored and shown: what is not UTF-8 in it becomes question marks."""
    return name.encode(errors="replace").decode()


def last_day(name: str, cell: str) -> date | None:
    """A last day, where a year from 2099 on means none. Raises Unusable."""
    found = day(name, cell)
    return found if found is not None and found.year < _NO_END else None
