"""Plain lists: MVO specialties, HSA business codes (verksamhetskod), regions, our own care services, any other.

One code a line with its text. Where a file repeats a column's head, as the saved list of specialties does, the first
one counts.
"""

from functools import partial
from pathlib import Path

from catalog_sync.domain.code_reading import FileRead
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Entry, Release
from catalog_sync.source.code_rows import Row, day, last_day, rows, take, text, words
from contracts.types import code_in

COLUMNS = {
    "code": ("code", "kod", "source_code", "verksamhetskod"),
    "text": ("text", "titel", "klartext", "benämning", "source_concept_name", "source_description"),
    "valid_from": ("valid_from", "giltig från", "giltig fr o m"),
    "valid_to": ("valid_to", "giltig till", "giltig t o m"),
    "designations": ("designations", "synonymer"),
}
"""Heads, in any case, under which each field is looked for."""


def read(file: Path, release: Release, counted: FileRead, rejected: list[Rejected], encoding: str) -> None:
    """Put one file's codes into the release. Raises Headless."""
    found = rows(file, counted.place, COLUMNS, ("code", "text"), encoding)
    take(release, counted, rejected, found, partial(code_in, release.system), entry)


def entry(row: Row) -> Entry:
    """What a row says of its code. Raises Unusable."""
    return Entry(
        text("text", row["text"]),
        day("valid_from", row["valid_from"]),
        last_day("valid_to", row["valid_to"]),
        words(row["designations"]),
    )
