"""Releases of a code system over time: what is known of each code once they have been read, oldest first.

Pure: the same known codes, releases and day always give the same result. Days are Swedish calendar days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from rules.validity import valid_on

_SHARE = 0.1
_JUDGED_FROM = 20
_DAYS = ("valid_from", "valid_to")
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One code as one release writes it. Days of its own are rare: most files only say which codes they hold."""

    text: str
    valid_from: date | None = None
    valid_to: date | None = None
    designations: tuple[str, ...] = ()


@dataclass
class Release:
    """One release: what its files hold, and what of them could not be read."""

    system: str
    title: str
    name: str
    valid_from: date
    place: str
    """Where it lies, for people: `kva/2026`."""
    retires: int = 0
    """How many codes somebody has confirmed that it ends, however many that is."""
    entries: dict[str, Entry] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    """Code cells of lines that could not be used: known codes that begin alike are not taken for gone."""
    whole: bool = True
    """False when a line could not even be told apart from others: then no code is taken for gone."""

    def ends(self, code: str) -> bool:
        """True when the release lacks a code, and not because a line could not be read."""
        return code not in self.entries and self.whole and not any(code.startswith(cell[:3]) for cell in self.unread)


@dataclass(frozen=True, slots=True)
class Dated:
    """A code as it is known: the text that holds today, and from which day to which it may be used.

    A code that was ended on a day nobody told has the first day of the calendar as its last.
    """

    text: str
    release: str | None
    valid_from: date | None
    valid_to: date | None
    designations: tuple[str, ...] = ()

    def valid_on(self, day: date) -> bool:
        """True when the code may be used on that day."""
        return valid_on(day, active=True, valid_from=self.valid_from, valid_to=self.valid_to)

    def ended(self, day: date) -> str | None:
        """Why the code may not be used any more on that day, to be put after "the code "; None when it may, or will."""
        if self.valid_to is None or self.valid_to >= day:
            return None
        return "is retired" if self.valid_to == date.min else f"was retired after {self.valid_to}"

    def content(self, system: str, code: str, day: date) -> dict[str, Any]:
        """The code as JSON, in the fields of `CodeUpdated`, without maps, place and care area."""
        return {
            "system": str(system),
            "code": code,
            "status": "active" if self.ended(day) is None else "retired",
            "text": self.text,
            "release": self.release,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to and self.valid_to != date.min else None,
            "maps": [],
            "place": None,
            "care_area": None,
            "designations": list(self.designations),
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Dated":
        """The code that some JSON tells of."""
        begins, ends = (date.fromisoformat(content[name]) if content[name] else None for name in _DAYS)
        if ends is None and content["status"] == "retired":
            ends = date.min
        return cls(content["text"], content["release"], begins, ends, tuple(content["designations"]))


@dataclass
class Known:
    """What is known of one code system: its codes, and the newest release that was ever read."""

    title: str = ""
    newest: str | None = None
    newest_from: date | None = None
    codes: dict[str, Dated] = field(default_factory=dict)


def read_releases(known: Known, releases: Iterable[Release], day: date) -> tuple[Known, list[tuple[str, str]]]:
    """Everything known after some releases of one system have been read, and the places and reasons of refused ones.

    A release older than the newest one ever read changes nothing: what it holds was superseded. One that is read again
    may correct itself. A release that would end more than a tenth of the codes is refused, unless it says how many.
    """
    now, refused = replace(known, codes=dict(known.codes)), list[tuple[str, str]]()
    by_day = sorted(releases, key=lambda one: (one.valid_from, one.place))
    for before, one in zip([None, *by_day], by_day, strict=False):
        if now.newest_from is not None and one.valid_from < now.newest_from:
            if one is by_day[-1]:
                refused.append((one.place, f"is older than {now.newest_from}, which has been read: it changes nothing"))
        elif before is not None and before.valid_from == one.valid_from:
            refused.append((one.place, f"begins on the same day as {before.place}"))
        elif not one.entries:
            refused.append((one.place, "holds no code that can be read"))
        elif reason := _too_many(now, one):
            refused.append((one.place, reason))
        else:
            _read(now, one, day)
    return now, refused


def _too_many(known: Known, release: Release) -> str | None:
    alive = [code for code, one in known.codes.items() if one.valid_to is None or one.valid_to >= release.valid_from]
    gone = sum(1 for code in alive if release.ends(code))
    if len(alive) < _JUDGED_FROM or gone <= max(len(alive) * _SHARE, release.retires):
        return None
    return (
        f"lacks {gone} of {len(alive)} codes, more than {_SHARE:.0%}: nothing of it is read; "
        f"if that is right, write `retires = {gone}` in its release.toml"
    )


def _read(known: Known, release: Release, day: date) -> None:
    last = release.valid_from - _ONE_DAY
    for code, one in known.codes.items():
        if (one.valid_to is None or one.valid_to >= release.valid_from) and release.ends(code):
            known.codes[code] = replace(one, valid_to=last)
    for code, entry in release.entries.items():
        known.codes[code] = _next(known.codes.get(code), entry, release, day)
    known.title, known.newest, known.newest_from = release.title, release.name, release.valid_from


def _next(before: Dated | None, entry: Entry, release: Release, day: date) -> Dated:
    begins = entry.valid_from or release.valid_from
    if entry.valid_from is None and entry.valid_to is not None and entry.valid_to < begins:
        # The release tells of a code that had ended before it; when that one began, nobody says.
        fresh = Dated(entry.text, release.name, None, entry.valid_to, entry.designations)
    else:
        fresh = Dated(entry.text, release.name, begins, entry.valid_to, entry.designations)
    if before is None:
        return fresh
    if before.valid_to is not None and before.valid_to < release.valid_from - _ONE_DAY:
        # It comes back after a gap, which one period cannot hold: the old one stands until its last day has passed.
        return before if day <= before.valid_to else fresh
    begun = None if before.valid_from is None else min(before.valid_from, fresh.valid_from or before.valid_from)
    if release.valid_from > day:
        # Its wording takes effect on its day; until then a reader sees today's.
        return replace(before, valid_from=begun, valid_to=entry.valid_to)
    return replace(fresh, valid_from=begun)
