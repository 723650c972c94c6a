"""Code systems, maps, care areas and places from files: one JSON object a line, in the fields of `CodeUpdated`."""

import json
from datetime import UTC, datetime
from pathlib import Path

from catalog_sync.domain.reading import Fact, Kind, Reading, Rejected, SourceAway

NAME = "code-files"


def read(folder: Path) -> Reading:
    """Every *.jsonl file in the folder, by name. A line that cannot be used is rejected with its place.

    Raises SourceAway where there is no such folder.
    """
    if not folder.is_dir():
        raise SourceAway("the folder of code files is not there")
    reading = Reading()
    now = datetime.now(UTC).isoformat()
    for file in sorted(folder.glob("*.jsonl")):
        # As bytes: a text's own line separators (U+2028) are no line ends, and one bad byte spoils one line only.
        for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
                key = f"{content['system']}|{content['code']}"
            except (ValueError, KeyError, TypeError):
                reading.rejected.append(Rejected(f"{file.name}:{number}", "is not a JSON object with system and code"))
                reading.nameless = True
                continue
            reading.facts.append(Fact(Kind.CODE, key, {**content, "changed_at": now}))
    return reading
