"""What is demanded of agreements from a day on: mandatory fields and reviews. Voluntary now, statutory later."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

_PATH = re.compile(r"[a-z][a-z_]*(\.(\*|[a-z][a-z_]*))*")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KNOWN = ("name", "text", "valid_from", "mandatory", "reviews")


@dataclass(frozen=True)
class Reviews:
    """Which reviews stand between a draft and the public."""

    region: bool
    """The region reviews for secrecy before the agency sees it."""
    another_person: bool
    """By somebody who wrote nothing of it."""
    region_may_switch_off: bool
    """A region may do without its own review; the agency's is never its to switch off."""
    agency: bool

    def of_region(self, *, switched_off: bool) -> "Reviews":
        """The reviews of a region that has, or has not, switched off its own; no effect where it may not."""
        off = switched_off and self.region_may_switch_off
        return replace(self, region=False, another_person=False) if off else self


@dataclass(frozen=True)
class Profile:
    """What is demanded from a day on, until the next profile's."""

    name: str
    text: str
    """In Swedish, for people."""
    valid_from: date
    mandatory: tuple[str, ...]
    """Field paths, `*` for each one of a list: `services.*.reimbursement`. For `rules.agreements.faults`."""
    reviews: Reviews


class BadProfiles(ValueError):
    """The file cannot be used; `faults` tells every place and what is wrong there, one sentence each."""

    def __init__(self, place: str, faults: Sequence[str]) -> None:
        super().__init__("; ".join(f"{place}: {fault}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Profiles:
    """All profiles, earliest first; at least one."""

    all: tuple[Profile, ...]

    def on(self, day: date) -> Profile:
        """The profile that holds on a Swedish day; before the first one's day, the first."""
        return [self.all[0], *(one for one in self.all if one.valid_from <= day)][-1]


@cache
def shipped() -> Profiles:
    """The profiles that this release ships."""
    name = "agreement_profiles.toml"
    return parse((files("rules") / name).read_text(encoding="utf-8"), name)


def profile_on(day: date) -> Profile:
    """The shipped profile that holds on a Swedish day."""
    return shipped().on(day)


def read(path: Path, known: Collection[str] | None = None) -> Profiles:
    """An operator's own profiles; `known` are the field paths there are. Raises BadProfiles, also for no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadProfiles(path.name, ["is not UTF-8"]) from None
    except OSError as error:
        raise BadProfiles(path.name, [f"cannot be read: {error.strerror}"]) from None
    return parse(text, path.name, known)


def parse(text: str, place: str, known: Collection[str] | None = None) -> Profiles:
    """The profiles in a TOML text. Raises BadProfiles with every fault; `place` is what the text is called there."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadProfiles(place, [f"is not TOML: {error}"]) from None
    rows = told.get("profile")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadProfiles(place, ["must hold at least one [[profile]]"])
    found = [f"{name}: is not a known field" for name in told if name != "profile"]
    for number, row in enumerate(rows, 1):
        found += [f"profile {number}: {fault}" for fault in _faults(row, known)]
    if not found:
        found += _order([row["valid_from"] for row in rows])
    if found:
        raise BadProfiles(place, found)
    return Profiles(tuple(_profile(row) for row in rows))


def _profile(row: Mapping[str, Any]) -> Profile:
    return Profile(
        row["name"], row["text"], row["valid_from"], tuple(row["mandatory"]), Reviews(**dict(row["reviews"]))
    )


def _faults(row: Mapping[str, Any], known: Collection[str] | None) -> Iterator[str]:
    yield from (f"{name}: is not a known field" for name in row if name not in _KNOWN)
    yield from (f"{name}: is missing" for name in _KNOWN if name not in row)
    name, text, day = row.get("name", "a"), row.get("text", "a"), row.get("valid_from", date.min)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "name: must be a short word in small letters, such as voluntary"
    if not isinstance(text, str) or not text.strip():
        yield "text: must be a text for people"
    # A datetime is a date to Python.
    if not isinstance(day, date) or isinstance(day, datetime):
        yield "valid_from: must be a day without quotation marks, such as 2027-01-01"
    yield from _path_faults(row.get("mandatory", []), known)
    yield from _review_faults(row.get("reviews"))


def _path_faults(paths: Any, known: Collection[str] | None) -> Iterator[str]:
    if not isinstance(paths, list):
        yield "mandatory: must be a list of field paths"
        return
    for number, path in enumerate(paths):
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            yield f"mandatory.{number}: must be a field path, such as services.*.reimbursement"
        elif known is not None and path not in known:
            yield f"mandatory.{number}: there is no field {path}"
        elif path in paths[:number]:
            yield f"mandatory.{number}: is named twice"


def _review_faults(reviews: Any) -> Iterator[str]:
    if reviews is None:
        return
    if not isinstance(reviews, dict):
        yield "reviews: must be a table [profile.reviews]"
        return
    wanted = [one.name for one in fields(Reviews)]
    yield from (f"reviews.{name}: is not a known field" for name in reviews if name not in wanted)
    yield from (f"reviews.{name}: must be true or false" for name in wanted if not isinstance(reviews.get(name), bool))
    if reviews.get("region") is False and reviews.get("another_person") is True:
        yield "reviews.another_person: needs the region's review"


def _order(days: Sequence[date]) -> list[str]:
    return [
        f"profile {number}: valid_from: must be later than that of the profile before it"
        for number, (before, day) in enumerate(pairwise(days), 2)
        if day <= before
    ]
