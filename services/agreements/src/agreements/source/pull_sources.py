"""Which regions are read on a schedule: the TOML file that PULL_SOURCES names, one [[source]] per region.

[[source]]
region = "05"
url = "https://avtal.region.example/fhir/"
format = "fhir"                      # or "json"
token_url = "https://login.region.example/token"
client_id = "vardformedling"
client_secret_file = "/run/secrets/pull-05"
every_minutes = 60                   # default 60
requests_per_second = 5              # default 5
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from contracts.types import RegionCode
from upkeep.addresses import WebUrl

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class Format(StrEnum):
    """In what words a region's interface tells its agreements."""

    FHIR = "fhir"
    """Bundles of Contract (FHIR R4): see `fhir_contract`."""
    JSON = "json"
    """Pages of AgreementForm: see `region_pages`."""


def _encrypted(address: str) -> str:
    # A secret and a token travel there. On this machine alone nobody listens.
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise PydanticCustomError("encrypted", "must begin with https://")
    return address


def _base(address: str) -> str:
    return address if address.endswith("/") else f"{address}/"


class Source(BaseModel):
    """One region's interface."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: RegionCode
    url: Annotated[WebUrl, AfterValidator(_encrypted), AfterValidator(_base)]
    """Base address: `Contract` or `agreements` is asked for below it."""
    format: Format
    token_url: Annotated[WebUrl, AfterValidator(_encrypted)]
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    client_secret_file: Path
    """Read anew for each token, so that a secret can be changed while the worker runs."""
    every_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] = 60
    requests_per_second: Annotated[float, Field(gt=0, le=100)] = 5
    whole_every_hours: Annotated[float, Field(gt=0, le=31 * 24)] = 24
    """A whole reading at least so often: only that finds what is gone."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: tuple[Source, ...] = ()


class BadSources(Exception):
    """The file cannot be used; the message is one line and repeats no value."""


def read(file: Path | None) -> dict[str, Source]:
    """The sources by region; none where no file is named. Raises BadSources."""
    if file is None:
        return {}
    try:
        found = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadSources(f"{file}: {(error.strerror or 'cannot be read').lower()}") from None
    except UnicodeDecodeError:
        raise BadSources(f"{file}: is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSources(f"{file}: is not TOML ({_place(str(error))})") from None
    except ValidationError as error:
        raise BadSources(f"{file}: {_told(error)}") from None
    by_region: dict[str, Source] = {}
    for one in found.source:
        if one.region in by_region:
            raise BadSources(f"{file}: region {one.region} stands there twice")
        secret_of(one)
        by_region[one.region] = one
    return by_region


def secret_of(source: Source) -> str:
    """The client's secret. Raises BadSources."""
    try:
        secret = source.client_secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise BadSources(f"region {source.region}: client_secret_file cannot be read") from None
    if not secret:
        raise BadSources(f"region {source.region}: client_secret_file is empty")
    return secret


def _place(words: str) -> str:
    # tomllib repeats odd signs of the text before it says where.
    at = words.rfind("(at ")
    return words[at + 1 : -1] if at >= 0 else "somewhere"


def _told(error: ValidationError) -> str:
    rows = error.errors(include_input=False, include_url=False)
    place = [str(part + 1) if isinstance(part, int) else str(part) for part in rows[0]["loc"]]
    words = rows[0]["msg"].removeprefix("Value error, ")
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    name = " ".join(place) if rows[0]["type"] != "extra_forbidden" else " ".join(place[:-1]) or "the file"
    words = "holds a name that is not known" if rows[0]["type"] == "extra_forbidden" else words
    return f"{name}: {words[:1].lower()}{words[1:]}{more}"
