"""ICD-10-SE: the official file `icd-10-se.tsv` (tab-separated, quoted, UTF-8).

Of its columns these are read: Kod, Titel, Giltig från and Latin (a designation). Chapters (Kapitelkod) and sections
(A00-A09) are passed over, and so are the rows that only carry on the notes of the code above: they repeat Kod and leave
Titel empty. The file says of no code when it ended: a code ends with the release that lacks it.
"""

import re
from pathlib import Path

from catalog_sync.domain.code_reading import FileRead
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Entry, Release
from catalog_sync.source.code_lists import COLUMNS
from catalog_sync.source.code_rows import Row, day, last_day, rows, take, text, words
from rules.identifiers import icd10_code

_HEADING = re.compile(r"[IVX]+|\d{1,2}|[A-Z]\d\d-[A-Z]\d\d")


def read(file: Path, release: Release, counted: FileRead, rejected: list[Rejected], encoding: str) -> None:
    """Put one file's codes into the release. Raises Headless."""
    columns = {**COLUMNS, "latin": ("latin",)}
    found = rows(file, counted.place, columns, ("code", "text"), encoding)
    take(release, counted, rejected, (row for row in found if row.whole is False or row["code"]), icd10_code, _entry)


def _entry(row: Row) -> Entry | None:
    if _HEADING.fullmatch(row["code"]) or not row["text"]:
        return None
    latin = (text("latin", row["latin"]),) if row["latin"] else ()
    return Entry(
        text("text", row["text"]),
        day("valid_from", row["valid_from"]),
        last_day("valid_to", row["valid_to"]),
        (*words(row["designations"]), *latin),
    )
