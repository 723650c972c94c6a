"""Which column of a sent table is which of ours: by our headings, the form's paths, or the region's own mapping."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from intake import kinds
from intake.cells import BLANKS, Cell, Mark, Unclear, is_blank
from intake.columns import BY_HEADING, CODE_COLUMNS, COLUMNS, Column, plain
from intake.findings import Finding, UnreadableFile, shown
from rules.regions import REGIONS
from rules.texts import readable

HEADINGS = tuple(column.heading for column in COLUMNS)


@dataclass(frozen=True)
class Mapped:
    """A region's own way of writing, as a dict that can be kept as JSON.

    `{"headings": {theirs: ours or None}, "constants": {ours: value}, "values": {ours: {theirs: ours}}}`; each of the
    three may be left out. "Ours" is a heading of the template or a path of the form. A heading that maps to None is a
    column we are not to read. Constants fill columns that the table does not have, and its blank cells.
    """

    headings: Mapping[str, Column | None] = field(default_factory=dict)
    constants: Mapping[Column, str] = field(default_factory=dict)
    values: Mapping[Column, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> Self:
        """The mapping in a dict. Raises UnreadableFile with a finding for every entry that means nothing."""
        content, findings = content or {}, []

        def column(where: str, heading: object, theirs: object = None) -> Column | None:
            found = BY_HEADING.get(plain(heading)) if isinstance(heading, str) else None
            if found is None:
                value = shown(heading) if theirs is not None else None
                entry = _entry(where, heading if theirs is None else theirs)
                findings.append(Finding(entry, "names no column of ours", value=value, suggestion=near(heading)))
            return found

        parts: dict[str, Mapping[str, Any]] = {}
        for name, part in content.items():
            if name not in ("headings", "constants", "values") or not isinstance(part, Mapping):
                findings.append(Finding("mapping", "must hold headings, constants and values, each of them a table"))
            else:
                parts[name] = part
        headings = {
            plain(theirs): None if ours is None or ours == "" else column("headings", ours, theirs)
            for theirs, ours in parts.get("headings", {}).items()
        }
        constants = {column("constants", ours): value for ours, value in parts.get("constants", {}).items()}
        values: dict[Column | None, Mapping[str, str]] = {}
        for ours, words in parts.get("values", {}).items():
            if isinstance(words, Mapping):
                values[column("values", ours)] = words
            else:
                findings.append(Finding(_entry("values", ours), "must hold a table per column"))
        meant = [(_entry("constants", one.heading), one, value) for one, value in constants.items() if one is not None]
        meant += [
            (_entry("values", one.heading, theirs), one, mine)
            for one, words in values.items()
            if one is not None
            for theirs, mine in words.items()
        ]
        for entry, one, value in meant:
            if (wrong := _wrong(one, value)) is not None:
                told_value = None if one.secret else shown(value)
                findings.append(Finding(entry, wrong.reason, None, None, told_value, wrong.suggestion))
        if not all(map(_readable, _texts(parts))):
            findings.append(Finding("mapping", "must not hold control characters"))
        if findings:
            raise UnreadableFile(dict.fromkeys(findings))
        return cls(
            headings,
            {column: str(value) for column, value in constants.items() if column is not None},
            {
                column: {_word(theirs): str(mine) for theirs, mine in words.items()}
                for column, words in values.items()
                if column is not None
            },
        )

    def is_for(self, cells: Sequence[Cell]) -> bool:
        """False for a table that has all our required headings and none of the region's own words: ours, filled in."""
        words = {plain(cell) for cell in cells if isinstance(cell, str)}
        if any(word in words for word in self.headings if word not in BY_HEADING):
            return True
        ours = {BY_HEADING[word] for word in words & BY_HEADING.keys()}
        return any(column.required and column not in ours for column in COLUMNS)

    def column_of(self, heading: str) -> Column | None:
        """Our column for a heading, by the mapping first; None where there is none, and for one not to be read."""
        word = plain(heading)
        return self.headings[word] if word in self.headings else BY_HEADING.get(word)

    def leaves_out(self, heading: str) -> bool:
        """True for a column that the region says is not for us."""
        word = plain(heading)
        return word in self.headings and self.headings[word] is None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each of our columns stands in the sent table."""

    places: tuple[tuple[int, Column, str], ...]
    """Index of the column from 0, our column, the heading as it was written."""
    mapped: Mapped

    def written(self, column: Column) -> str | None:
        """The heading of a column as it was written; None where the table does not have it."""
        return next((heading for _, one, heading in self.places if one is column), None)


def _entry(where: str, *keys: object) -> str:
    """The path of an entry of a mapping: `mapping.values.typ.Ramavtal`."""
    return ".".join(("mapping", where, *(shown(key) or "(odd word)" for key in keys if key is not None)))


def _wrong(column: Column, value: object) -> Unclear | None:
    """Why a cell of the column could not hold it."""
    if value is None or isinstance(value, dict | list):
        return None if value is None else Unclear("must be a text, a number or true or false")
    try:
        if is_blank(str(value)):
            return None
        read = column.kind.read(str(value))
    except Unclear as unclear:
        return unclear
    if column.kind in (kinds.REGION, kinds.REGIONS) and not _as_set(read) <= REGIONS.keys():
        return Unclear("names no region", "write its code with two digits")
    return None


def _as_set(read: Any) -> frozenset[str]:
    return frozenset([read] if isinstance(read, str) else read)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    else:
        yield str(value)


def _readable(text: str) -> bool:
    # A lone surrogate is no sign, and cannot be kept.
    try:
        readable(text).encode()
    except ValueError:
        return False
    return True


def _word(written: object) -> str:
    return str(written).strip(BLANKS).casefold()


def near(heading: object) -> str | None:
    """A suggestion for a heading that nobody knows."""
    known = {plain(one): one for one in HEADINGS}
    found = difflib.get_close_matches(plain(str(heading)), known, n=1, cutoff=0.6)
    return f"did you mean {known[found[0]]}?" if found else None


def matches(cells: Sequence[Cell], mapped: Mapped) -> int:
    """How many cells of a row are headings that we know."""
    return sum(isinstance(cell, str) and mapped.column_of(cell) is not None for cell in cells)


def lay_out(cells: Sequence[Cell], row: int, mapped: Mapped, filled: Mapping[int, int]) -> Layout:
    """The layout a row of headings gives; `filled` are the columns that hold anything below it, and the first such row.

    Raises UnreadableFile with all findings: unknown headings over filled columns, the same one twice, missing ones.
    """
    places: list[tuple[int, Column, str]] = []
    findings: list[Finding] = []
    seen: dict[Column, str] = {}
    for index, cell in enumerate(cells):
        if is_blank(cell):
            if index in filled:
                findings.append(Finding("", f"column {letters(index)} holds values but has no heading", row))
            continue
        if isinstance(cell, Mark):
            reason = f"the heading of column {letters(index)} is {cell}"
            findings.append(Finding("", reason, row, suggestion="write each heading in a cell of its own, as a text"))
            continue
        heading = " ".join(str(cell).strip(BLANKS).split())
        column = mapped.column_of(heading)
        if column is None:
            if index in filled and not mapped.leaves_out(heading):
                reason = "is not a heading we know: its values would be lost"
                if shown(heading) is None:
                    # It reads as somebody's number and is not repeated: the column must be found all the same.
                    reason = f"the heading of column {letters(index)} {reason}, and reads as a personal number"
                how = near(heading) or "rename it, remove it, or map it to nothing"
                findings.append(Finding("", reason, row, shown(heading), suggestion=how))
        elif column in seen:
            findings.append(
                Finding(column.field, f"has the same meaning as {seen[column]}: leave one of them", row, shown(heading))
            )
        else:
            seen[column] = heading
            places.append((index, column, heading))
    # A row of CSV may be longer than the headings: with a separator inside a value, what is behind it moves on.
    findings += [
        Finding(
            "",
            f"column {letters(index)} holds a value but has no heading",
            filled[index],
            suggestion="is a separator inside a value? Put quotation marks around the value",
        )
        for index in sorted(filled)
        if index >= len(cells)
    ]
    given = seen.keys() | mapped.constants.keys()
    findings += [
        Finding(column.field, f"the column {column.heading} is missing", row)
        for column in COLUMNS
        if column.required and column not in given
    ]
    if not given & set(CODE_COLUMNS):
        names = ", ".join(column.heading for column in CODE_COLUMNS)
        findings.append(Finding(CODE_COLUMNS[0].field, f"a column of codes is missing: one of {names}", row))
    if findings:
        raise UnreadableFile(findings)
    return Layout(tuple(places), mapped)


def letters(index: int) -> str:
    """A column's name in a spreadsheet: A for 0, AA for 26."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name
