"""What a run would change: kinds of differences, when they are too many to believe, and what differs field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from catalog_sync.domain.reading import Fact, Kind

FINAL: Mapping[Kind, str] = {Kind.UNIT: "closed", Kind.OFFERING: "ended", Kind.CODE: "retired"}
"""The status of a thing that is no more, by kind."""

# Fewer known things than this say nothing about shares.
_FEWEST = 20


class Act(StrEnum):
    """What becomes of a thing."""

    NEW = "new"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True)
class Shares:
    """Shares (0-1) of what is known of a kind; a run that ends or changes more is held."""

    ended: float
    changed: float


class TooMuch(Exception):
    """A run would end or change a suspicious share of what is known: the source is more likely broken than Sweden."""


def check_ended(kind: Kind, ended: int, known: int, share: float) -> None:
    """Raise TooMuch when more than this share of what is known would end. Below 20 known things: never."""
    if known >= _FEWEST and ended > known * share:
        raise TooMuch(f"{ended} of {known} {kind}s would end, more than {share:.0%}")


def check_changed(kind: Kind, changed: int, known: int, share: float) -> None:
    """Raise TooMuch when more than this share would change. Never for codes: a new release touches every one."""
    if kind is not Kind.CODE and known >= _FEWEST and changed > known * share:
        raise TooMuch(f"{changed} of {known} {kind}s would change, more than {share:.0%}")


def is_final(fact: Fact) -> bool:
    """True when it tells of a thing that is no more."""
    return bool(fact.content.get("status") == FINAL[fact.kind])


def ended(fact: Fact, day: date) -> Fact:
    """The final state of a thing that its source no longer has.

    A code's own last day stays when it has passed; a later one would keep it in use, since dates win over the status.
    """
    dated = {"closed_on": fact.content.get("closed_on") or day.isoformat()} if fact.kind is Kind.UNIT else {}
    if fact.kind is Kind.CODE and (fact.content.get("valid_to") or "") >= day.isoformat():
        dated = {"valid_to": (day - timedelta(days=1)).isoformat()}
    return Fact(fact.kind, fact.key, {**fact.content, "status": FINAL[fact.kind], **dated})


def dated(fact: Fact, was_open: bool, closed_on: str | None, day: date) -> Fact:
    """A closed unit whose source gives no date: the day it was first seen closed, `closed_on` once that is known."""
    if fact.kind is not Kind.UNIT or not is_final(fact) or fact.content.get("closed_on"):
        return fact
    return Fact(fact.kind, fact.key, {**fact.content, "closed_on": day.isoformat() if was_open else closed_on})


def fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What differs, as (dotted field, old, new). Where and when it was read is left out."""
    for name in sorted({*before, *after} - {"source", "changed_at"}):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from ((f"{name}.{inner}", one, two) for inner, one, two in fields(old, new))
        elif old != new:
            yield name, old, new
