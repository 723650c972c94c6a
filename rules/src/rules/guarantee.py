"""The waiting-time guarantee's clock: dated rules, the deadline they give, and the days that do not count.

Sources: hälso- och sjukvårdslagen (2017:30) 9 kap. 1-2 §§, hälso- och sjukvårdsförordningen (2017:80) 6 kap. 1 §; what
each rule rests on stands beside it in `guarantee.toml`. Days are Swedish calendar days; the first day is day 0.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

GENERAL = "general"
"""The scope of everybody's guarantee; any other is narrower and named by whoever wrote the rule."""
_TEXTS = ("text", "starts", "stops", "owed_by", "source")
_KNOWN = ("guarantee", "scope", "text", "valid_from", "days", "starts", "stops", "owed_by", "not_counted", "source")
_MOST_DAYS = 3650


class Guarantee(StrEnum):
    """The guarantees that oblige the region to arrange care elsewhere (HSL 9 kap. 2 §)."""

    VISIT = "visit"
    TREATMENT = "treatment"


class NotCounted(StrEnum):
    """Why days may be left out of the count."""

    MEDICAL = "medical"
    """The care cannot be given for medical reasons."""
    PATIENT_CHOICE = "patient_choice"
    """The patient, told of the guarantee and offered care within it, has told the provider that she rather waits."""


@dataclass(frozen=True)
class Rule:
    """One limit from a day on, until the next of the same guarantee and scope. Texts are Swedish, for people."""

    guarantee: Guarantee
    scope: str
    text: str
    valid_from: date
    days: int
    """A wait of this many days is still inside."""
    starts: str
    stops: str
    owed_by: str
    not_counted: frozenset[NotCounted]
    source: str


@dataclass(frozen=True)
class Pause:
    """Days that may be left out, first and last included."""

    first: date
    last: date
    reason: NotCounted


class BadRules(ValueError):
    """The file cannot be used; `faults` tells every place and what is wrong there, one sentence each."""

    def __init__(self, place: str, faults: Sequence[str]) -> None:
        super().__init__("; ".join(f"{place}: {fault}" for fault in faults))
        self.faults = tuple(faults)


class NoRule(ValueError):
    """No rule holds for this guarantee and scope on that day."""


@dataclass(frozen=True)
class Rules:
    """All rules. Each guarantee has at least one of general scope."""

    all: tuple[Rule, ...]

    def on(self, guarantee: Guarantee, day: date, scope: str = GENERAL) -> Rule:
        """The rule that holds on a Swedish day. Raises NoRule before the first one's day, and for an unknown scope."""
        rows = [one for one in self.all if (one.guarantee, one.scope) == (guarantee, scope)]
        if not rows:
            raise NoRule("there is no such scope")
        held = [one for one in rows if one.valid_from <= day]
        if not held:
            raise NoRule(f"no rule holds before {min(one.valid_from for one in rows)}")
        return max(held, key=lambda one: one.valid_from)


@cache
def shipped() -> Rules:
    """The rules that this release ships."""
    name = "guarantee.toml"
    return parse((files("rules") / name).read_text(encoding="utf-8"), name)


def deadline(
    guarantee: Guarantee,
    start: date,
    rules_on: date | None = None,
    *,
    pauses: Collection[Pause] = (),
    scope: str = GENERAL,
    rules: Rules | None = None,
) -> date:
    """The last day on which the guarantee is kept, for a clock that started on `start`.

    The rules are those of the day `rules_on`, by default the day the clock started: a change of law does not reach
    back. Pauses for a reason that the rule knows move the deadline by each of their days between the first day and
    the deadline; a day in two pauses counts once. Raises NoRule.
    """
    rule = (rules or shipped()).on(guarantee, rules_on or start, scope)
    day = start + timedelta(days=rule.days)
    # In order of their first day, so that a deadline moved by one pause may reach into the next.
    free = start
    for pause in sorted(pauses, key=lambda one: one.first):
        first = max(pause.first, free + timedelta(days=1))
        if pause.reason in rule.not_counted and first <= pause.last and first <= day:
            day += timedelta(days=(pause.last - first).days + 1)
            free = pause.last
    return day


def days_left(deadline: date, on: date) -> int:
    """Days from a day to the deadline: 0 on the deadline itself, which is inside; below zero when it has passed."""
    return (deadline - on).days


def read(path: Path) -> Rules:
    """An operator's own rules. Raises BadRules, also for no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadRules(path.name, ["is not UTF-8"]) from None
    except OSError as error:
        raise BadRules(path.name, [f"cannot be read: {error.strerror}"]) from None
    return parse(text, path.name)


def parse(text: str, place: str) -> Rules:
    """The rules in a TOML text. Raises BadRules with every fault; `place` is what the text is called there."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRules(place, [f"is not TOML: {error}"]) from None
    rows = told.get("rule")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRules(place, ["must hold at least one [[rule]]"])
    found = [f"{name}: is not a known field" for name in told if name != "rule"]
    for number, row in enumerate(rows, 1):
        found += [f"rule {number}: {fault}" for fault in _faults(row)]
    if not found:
        found += _together(rows)
    if found:
        raise BadRules(place, found)
    return Rules(tuple(_rule(row) for row in rows))


def _rule(row: Mapping[str, Any]) -> Rule:
    reasons = frozenset(NotCounted(reason) for reason in row["not_counted"])
    return Rule(**{**row, "guarantee": Guarantee(row["guarantee"]), "not_counted": reasons})


def _faults(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: is not a known field" for name in row if name not in _KNOWN)
    yield from (f"{name}: is missing" for name in _KNOWN if name not in row)
    if row.get("guarantee", Guarantee.VISIT) not in list(Guarantee):
        yield f"guarantee: must be one of {', '.join(Guarantee)}"
    scope = row.get("scope", GENERAL)
    if not isinstance(scope, str) or not scope.isidentifier():
        yield "scope: must be general, or a short word such as child_psychiatry"
    for name in _TEXTS:
        text = row.get(name, "a")
        if not isinstance(text, str) or not text.strip():
            yield f"{name}: must be a text for people"
    day, days = row.get("valid_from", date.min), row.get("days", 0)
    # A datetime is a date to Python, and true is a number.
    if not isinstance(day, date) or isinstance(day, datetime):
        yield "valid_from: must be a day without quotation marks, such as 2027-01-01"
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= _MOST_DAYS:
        yield f"days: must be a whole number from 0 to {_MOST_DAYS}"
    reasons = row.get("not_counted", [])
    if not isinstance(reasons, list) or not all(reason in list(NotCounted) for reason in reasons):
        yield f"not_counted: must be a list of {', '.join(NotCounted)}"


def _together(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    latest: dict[tuple[str, str], date] = {}
    for number, row in enumerate(rows, 1):
        key, day = (row["guarantee"], row["scope"]), row["valid_from"]
        if key in latest and day <= latest[key]:
            yield f"rule {number}: valid_from: must be later than that of the same guarantee and scope before it"
        latest[key] = day
    yield from (f"{name}: has no rule of general scope" for name in Guarantee if (name, GENERAL) not in latest)
