"""Folders of releases: SYSTEM/RELEASE/ with a release.toml and the code system's own files beside it.

`release.toml` says title, release and valid_from; encoding, retires, publisher and licence may follow. It is written
last: a folder without one is not read, so that a half-copied release changes nothing.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from catalog_sync.domain.code_reading import CodeReading, FileRead
from catalog_sync.domain.reading import Rejected
from catalog_sync.domain.releases import Release
from catalog_sync.source import care_services, code_lists, icd10_se, kva
from catalog_sync.source.code_rows import Headless, shown, text
from contracts.types import System

Shape = TypeVar("Shape", bound=BaseModel)

MANIFEST = "release.toml"
_SYSTEM = re.compile(r"[a-z][a-z0-9-]*")
_MUST_BE = {
    "string": "must be a text, in quotation marks",
    "date": "must be a day such as 2026-01-01, without quotation marks",
    "int": "must be a whole number, without quotation marks",
    "tuple": "must be a list, in square brackets",
    "model": "must be a table of its own",
}
"""What a field is to be, by the first word of pydantic's name for the fault."""
_DATA = frozenset({".csv", ".tsv", ".txt"})


def _checked(value: str) -> str:
    text("text", value)
    return value.strip()


Text = Annotated[str, AfterValidator(_checked)]
"""A text in a TOML file that says something, and holds no personal number."""


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text
    release: Text
    valid_from: Annotated[date, Field(ge=date(1900, 1, 1))]
    encoding: str = "utf-8"
    retires: Annotated[int, Field(ge=0)] = 0
    publisher: str | None = None
    licence: str | None = None


def manifests(folder: Path) -> Iterator[Path]:
    """Every release.toml two folders down, by system and name."""
    yield from sorted(folder.glob(f"*/*/{MANIFEST}"))


def read(manifest: Path, folder: Path, reading: CodeReading) -> Release | None:
    """One release with everything its files hold; None where its release.toml cannot be used. Rejects as it goes."""
    system, place = manifest.parent.parent.name, shown(str(manifest.parent.relative_to(folder)))
    said = toml(manifest, f"{place}/{MANIFEST}", _Manifest, reading)
    if said is None:
        reading.nameless = True
        return None
    if _SYSTEM.fullmatch(system) is None:
        reading.rejected.append(Rejected(place, "is not in a folder named for a code system, in small letters"))
        return None
    release = Release(system, said.title, said.release, said.valid_from, place, said.retires)
    files = [
        (file, FileRead(f"{place}/{shown(file.name)}"))
        for file in sorted(manifest.parent.iterdir())
        if file.suffix.lower() in _DATA and not file.name.startswith(".")
    ]
    reading.files += [counted for _, counted in files]
    rf2 = [(file, counted) for file, counted in files if system == System.CARE_SERVICE and care_services.is_rf2(file)]
    for file, counted in (one for one in files if one not in rf2):
        try:
            _READ.get(system, code_lists.read)(file, release, counted, reading.rejected, said.encoding)
        except Headless as error:
            _torn(release, counted, reading, str(error))
        except (LookupError, UnicodeError):
            _torn(release, counted, reading, "is not in the encoding that release.toml names")
    if rf2:
        try:
            care_services.read_rf2(rf2, release, reading.rejected)
        except Headless as error:
            _torn(release, rf2[0][1], reading, str(error))
    return release


_READ = {
    System.KVA.value: kva.read,
    System.ICD10.value: icd10_se.read,
    System.CARE_SERVICE.value: care_services.read_list,
}


def _torn(release: Release, counted: FileRead, reading: CodeReading, reason: str) -> None:
    release.whole = False
    counted.refused += 1
    reading.rejected.append(Rejected(counted.place, reason))


def toml(file: Path, place: str, shape: type[Shape], reading: CodeReading) -> Shape | None:
    """A TOML file in the shape of a model; None with its faults among the rejected."""
    try:
        return shape.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line \d+", str(error))
        faults = [f"is not TOML{f' ({at[0]})' if at else ''}"]
    except UnicodeDecodeError:
        faults = ["is not UTF-8"]
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, row['loc']))}: {_told(row)}" for row in error.errors(include_input=False)]
    reading.rejected += [Rejected(place, fault) for fault in faults]
    return None


def _told(row: ErrorDetails) -> str:
    """A fault of a model in plain words, without the value that was refused."""
    limits = row.get("ctx", {})
    match row["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a known field"
        case "too_short":
            return f"must hold at least {limits['min_length']}"
        case "greater_than_equal":
            return f"must not be less than {limits['ge']}"
        case "less_than_equal":
            return f"must not be more than {limits['le']}"
        case "enum":
            return f"must be {limits['expected']}"
        case "value_error":
            return str(limits["error"]).removeprefix("text: ")
    kind = row["type"].partition("_")[0]
    return _MUST_BE.get(kind, "is not of the kind that is wanted here")
