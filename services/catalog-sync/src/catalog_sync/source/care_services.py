"""Vårdtjänst: a SNOMED CT subset, as RF2 files (simple refset and descriptions) or as a list with conceptid and text.

The content is licensed: it is imported from the operator's own files and never shipped. RF2 is tab-separated, UTF-8 and
unquoted; full files work like snapshots, since the latest effectiveTime of a row's id counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog_sync.domain.code_reading import FileRead
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Entry, Release
from catalog_sync.source import code_lists
from catalog_sync.source.code_rows import Headless, Row, Unusable, rows, take, text
from rules.identifiers import sctid

_FULLY_SPECIFIED = "900000000000003001"
_PREFERRED = "900000000000548007"
_LIST = {**code_lists.COLUMNS, "code": ("conceptid", "sctid", *code_lists.COLUMNS["code"])}
_LIST["text"] = ("text", "term", *code_lists.COLUMNS["text"])


def read_list(file: Path, release: Release, counted: FileRead, rejected: list[Rejected], encoding: str) -> None:
    """Put the codes of a plain list into the release. Raises Headless."""
    found = rows(file, counted.place, _LIST, ("code", "text"), encoding)
    take(release, counted, rejected, found, sctid, code_lists.entry)


def is_rf2(file: Path) -> bool:
    """True for RF2's refset and description files, by their header."""
    heads = _heads(file)
    return "effectiveTime" in heads and ("referencedComponentId" in heads or "conceptId" in heads)


@dataclass
class _Terms:
    """What a concept is called, Swedish before other languages."""

    preferred: list[str] = field(default_factory=list)
    synonyms: list[str] = field(default_factory=list)
    full: list[str] = field(default_factory=list)


def read_rf2(files: Sequence[tuple[Path, FileRead]], release: Release, rejected: list[Rejected]) -> None:
    """Put the concepts of the refset files into the release, named by the description files. Raises Headless.

    A language refset among the files says which term is preferred; without one, the first Swedish synonym is taken.
    """
    members: dict[str, FileRead] = {}
    preferred: set[str] = set()
    descriptions = []
    for file, counted in files:
        heads = _heads(file)
        if "conceptId" in heads:
            descriptions.append((file, counted))
            continue
        for row in _latest(file, counted, release, rejected):
            if row["active"] != "1":
                counted.passed += 1
            elif "acceptabilityId" in heads:
                counted.passed += 1
                if row["acceptabilityId"] == _PREFERRED:
                    preferred.add(row["referencedComponentId"])
            else:
                _member(row, members, counted, release, rejected)
    if not descriptions:
        raise Headless("there is no description file beside the refset (conceptId, term, typeId, languageCode)")
    terms = {concept: _Terms() for concept in members}
    for file, counted in descriptions:
        for row in _latest(file, counted, release, rejected, of=members):
            counted.passed += 1
            _name(terms[row["conceptId"]], row, preferred)
    for concept, one in terms.items():
        names = list(dict.fromkeys([*one.preferred, *one.synonyms, *one.full]))
        if names:
            release.entries[concept] = Entry(names[0], designations=tuple(names[1:]))
            members[concept].taken += 1
        else:
            release.unread.add(concept)
            _refuse(rejected, members[concept], members[concept].place, "a member has no Swedish description")


def _member(
    row: Row, members: dict[str, FileRead], counted: FileRead, release: Release, rejected: list[Rejected]
) -> None:
    try:
        members.setdefault(sctid(row["referencedComponentId"]), counted)
    except ValueError as error:
        release.unread.add(row["referencedComponentId"])
        _refuse(rejected, counted, row.place, f"referencedComponentId: {error}")


def _name(terms: _Terms, row: Row, preferred: set[str]) -> None:
    if row["active"] != "1" or row["languageCode"] != "sv":
        return
    try:
        term = text("term", row["term"])
    except Unusable:
        return
    if row["typeId"] == _FULLY_SPECIFIED:
        terms.full.append(term.rpartition(" (")[0] or term)
    elif row["id"] in preferred:
        terms.preferred.append(term)
    else:
        terms.synonyms.append(term)


def _latest(
    file: Path,
    counted: FileRead,
    release: Release,
    rejected: list[Rejected],
    of: dict[str, FileRead] | None = None,
) -> Iterator[Row]:
    """The latest state of each row; `of` keeps the rows of some concepts only, so that a whole edition fits."""
    found: dict[str, Row] = {}
    for row in _rows(file, counted):
        if not row.whole:
            # A line of another concept's description is no business of this subset.
            if of is None:
                release.whole = False
                _refuse(rejected, counted, row.place, "cannot be read: it is torn or not UTF-8")
            continue
        if of is not None and row["conceptId"] not in of:
            continue
        before = found.get(row["id"])
        if before is None or before["effectiveTime"] <= row["effectiveTime"]:
            found[row["id"]] = row
    yield from found.values()


def _rows(file: Path, counted: FileRead) -> Iterator[Row]:
    heads = _heads(file)
    with file.open("rb") as lines:
        next(lines, None)
        for number, line in enumerate(lines, 2):
            if not line.strip():
                continue
            try:
                cells = line.decode().rstrip("\r\n").split("\t")
            except UnicodeDecodeError:
                cells = []
            yield Row(f"{counted.place}:{number}", dict(zip(heads, cells, strict=False)), len(cells) == len(heads))


def _heads(file: Path) -> list[str]:
    with file.open("rb") as lines:
        return lines.readline().decode("utf-8-sig", errors="replace").rstrip("\r\n").split("\t")


def _refuse(rejected: list[Rejected], counted: FileRead, place: str, reason: str) -> None:
    counted.refused += 1
    rejected.append(Rejected(place, reason))
