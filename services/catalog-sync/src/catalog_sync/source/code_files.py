"""Code systems, maps and care areas from a folder of files; `shipped/README.md` says which files and their shapes.

SYSTEM/RELEASE/ are releases, maps/*.csv maps, care-areas/*.toml care areas. *.jsonl holds codes made elsewhere, places
among them: one JSON object a line, in the fields of `CodeUpdated`.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catalog_sync.domain.code_reading import Before, CodeReading, FileRead
from catalog_sync.domain.maps import coverage
from catalog_sync.domain.reading import Fact, Kind, Rejected, SourceAway
from catalog_sync.domain.releases import Dated, Known, Release, read_releases
from catalog_sync.source import care_areas, code_maps, code_releases
from catalog_sync.source.code_rows import shown
from contracts import CodeUpdated
from contracts.types import System
from rules.calendar import swedish_day

NAME = "code-files"

SHIPPED = Path(__file__).parents[1] / "shipped"
"""The files that come with the service."""


def systems(folder: Path) -> list[str]:
    """The code systems that have releases in the folder."""
    return sorted({manifest.parent.parent.name for manifest in code_releases.manifests(folder)})


def read(folder: Path, before: Before | None = None, day: date | None = None) -> CodeReading:
    """Everything in the folder as facts; what cannot be used is rejected with its place, and stops nothing else.

    `before` is what earlier readings left; `day` is the Swedish day the files are read on. Raises SourceAway where
    there is no such folder, or a file in it cannot be opened.
    """
    if not folder.is_dir():
        raise SourceAway("the folder of code files is not there")
    try:
        return _read(folder, before or Before(), day or swedish_day(datetime.now(UTC)))
    except OSError as error:
        raise SourceAway(f"a code file cannot be opened ({type(error).__name__})") from error


def not_read(folder: Path, reading: CodeReading) -> list[str]:
    """The files below the folder that were not looked into, by place: of another kind, or where none is looked for."""
    looked = {one.place for one in reading.files}
    looked |= {shown(str(one.relative_to(folder))) for one in code_releases.manifests(folder)}
    files = (one.relative_to(folder) for one in folder.rglob("*") if one.is_file())
    places = {shown(str(one)) for one in files if not any(part.startswith(".") for part in one.parts)}
    return sorted(places - looked)


def _read(folder: Path, before: Before, day: date) -> CodeReading:
    reading, now = CodeReading(), datetime.now(UTC)
    codes: dict[str, Dated] = {}
    contents: dict[str, dict[str, Any]] = {}
    for system, one in _read_systems(folder, before, day, reading).items():
        codes |= {f"{system}|{code}": dated for code, dated in one.codes.items()}
        contents |= {f"{system}|{code}": dated.content(system, code, day) for code, dated in one.codes.items()}
        if one.newest is not None:
            itself = Dated(one.title, one.newest, one.newest_from, None)
            contents[f"{System.CODE_SYSTEM}|{system}"] = itself.content(System.CODE_SYSTEM, system, day)
    made_elsewhere = []
    for content in _read_json_lines(folder, reading):
        code = _code_of(content)
        if code is None or code.key() in contents:
            made_elsewhere.append(content)
            continue
        contents[code.key()] = code.model_dump(mode="json", exclude={"version", "changed_at"})
        codes[code.key()] = Dated.of(contents[code.key()])
    code_maps.add(folder, codes, contents, before.maps, day, reading)
    areas = care_areas.add(folder, codes, contents, before.areas, day, reading)
    reading.coverage = list(coverage(areas, contents, day))
    told = (*contents.values(), *made_elsewhere)
    at = now.isoformat()
    reading.facts = [Fact(Kind.CODE, f"{one['system']}|{one['code']}", {**one, "changed_at": at}) for one in told]
    return reading


def _read_systems(folder: Path, before: Before, day: date, reading: CodeReading) -> dict[str, Known]:
    releases: dict[str, list[Release]] = {system: [] for system in systems(folder)}
    for manifest in code_releases.manifests(folder):
        release = code_releases.read(manifest, folder, reading)
        if release is not None:
            releases[release.system].append(release)
    found = {}
    for system, some in releases.items():
        found[system], refused = read_releases(before.systems.get(system, Known()), some, day)
        reading.rejected += [Rejected(place, reason) for place, reason in refused]
    return found


def _read_json_lines(folder: Path, reading: CodeReading) -> list[dict[str, Any]]:
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        counted = FileRead(shown(file.name))
        reading.files.append(counted)
        # As bytes: a text's own line separators (U+2028) are no line ends, and one bad byte spoils one line only.
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    content = json.loads(line)
                    _ = f"{content['system']}|{content['code']}"
                except (ValueError, KeyError, TypeError):
                    reason = "is not a JSON object with system and code"
                    reading.rejected.append(Rejected(f"{counted.place}:{number}", reason))
                    reading.nameless = True
                    counted.refused += 1
                    continue
                counted.taken += 1
                found.append(content)
    return found


def _code_of(content: dict[str, Any]) -> CodeUpdated | None:
    """A code that maps and care areas may build on; None for a place, and for what makes no message."""
    if content.get("place") is not None:
        return None
    try:
        return CodeUpdated.model_validate({**content, "version": 1, "changed_at": datetime.now(UTC)})
    except ValidationError:
        # It is told with its reason when the codes are compared with what is known.
        return None
