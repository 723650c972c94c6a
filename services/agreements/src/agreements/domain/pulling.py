"""What a region's own interface tells, row by row, and when what it no longer tells waits for a yes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """How far a run has come. A reading goes on after a crash."""

    READING = "reading"
    HELD = "held"
    """Waits for a yes: agreements are gone from the interface."""
    DONE = "done"
    APPROVED = "approved"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    """A later whole reading has looked at everything anew."""
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class Item:
    """One agreement as the interface tells it."""

    reference: str
    """The interface's own name of the row; never one that may hold a personal number."""
    content: Mapping[str, Any]
    """In the shape of AgreementForm, as far as it could be read."""
    number: str | None = None
    """The region's own; None where the row cannot be told apart from others."""
    found: tuple[tuple[str, str], ...] = ()
    """What reading has found wrong: field and reason."""
    sent_at: datetime | None = None
    """When the region last touched it, where told."""
    ended: str | None = None
    """How the interface says that it has ended, in one word: then it is not taken."""
    passed: str | None = None
    """Why it is passed by without being taken: it is not concluded yet."""


@dataclass(frozen=True)
class Page:
    """One page of a reading."""

    items: tuple[Item, ...]
    following: str | None
    """The address of the next page."""
    etag: str | None
    served_at: datetime | None
    """The interface's own clock."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class Limits:
    """When a reading is not believed."""

    largest_share: float = 0.1
    """More than this share (0-1) of what came by pull is gone …"""
    few: int = 5
    """… and more than so many."""


LIMITS = Limits()


@dataclass
class Judged:
    """Whether a reading waits, and whether later ones may build on it."""

    held: str | None = None
    suspicious: bool = field(default=False)


def judge(gone: int, known: int, read: int, *, whole: bool, limits: Limits = LIMITS) -> Judged:
    """What is to become of a reading in which `gone` of `known` agreements that came by pull are no longer told."""
    if gone == 0:
        return Judged()
    if whole and gone > max(limits.few, limits.largest_share * known):
        words = f"only {read} rows were told, and {gone} of {known} agreements that came by pull are gone"
        return Judged(f"{words}: look at the interface first; nothing was ended", suspicious=True)
    return Judged(f"{gone} of {known} agreements that came by pull are gone: nothing was ended")
