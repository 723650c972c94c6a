"""KVÅ (Klassifikation av vårdåtgärder): the official text files, KKÅ and KMÅ, and CSV lists with code and text.

The official files (tab-separated, quoted, UTF-8) have the columns Kod, Överordnad kod and Titel, and rows for chapters
and groups (A, CJ, CJE) among the codes: those are passed over.
"""

import re
from pathlib import Path

from catalog_sync.domain.code_reading import FileRead
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Entry, Release
from catalog_sync.source import code_lists
from catalog_sync.source.code_rows import Row, rows, take
from rules.identifiers import kva_code

_HEADING = re.compile(r"[A-Z]{1,3}|[A-Z]{1,3}-[A-Z]{1,3}")


def read(file: Path, release: Release, counted: FileRead, rejected: list[Rejected], encoding: str) -> None:
    """Put one file's codes into the release. Raises Headless."""
    found = rows(file, counted.place, code_lists.COLUMNS, ("code", "text"), encoding)
    take(release, counted, rejected, found, kva_code, _entry)


def _entry(row: Row) -> Entry | None:
    return None if _HEADING.fullmatch(row["code"]) else code_lists.entry(row)
