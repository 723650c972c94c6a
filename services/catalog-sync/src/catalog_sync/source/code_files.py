"""Code systems, maps, care areas and places from files: one JSON object a line, in the fields of `CodeUpdated`."""

import json
from datetime import UTC, datetime
from pathlib import Path

from catalog_sync.domain import Fact, Kind, Reading, Rejected

NAME = "code-files"


def read(folder: Path) -> Reading:
    """Every *.jsonl file in the folder, by name. A line that cannot be used is rejected with its place."""
    reading = Reading()
    now = datetime.now(UTC).isoformat()
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                content = json.loads(line)
                key = f"{content['system']}|{content['code']}"
            except (ValueError, KeyError, TypeError) as error:
                reading.rejected.append(Rejected(f"{file.name}:{number}", f"{type(error).__name__}"))
                continue
            reading.facts.append(Fact(Kind.CODE, key, {**content, "changed_at": now}))
    return reading
