"""What a synced source yields: facts per key, rows that could not be used, and how a FHIR source is to be read."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from catalog_sync.domain.left_out import Rule


class Kind(StrEnum):
    """What kind of thing a fact is about; each has its own message."""

    UNIT = "unit"
    OFFERING = "offering"
    CODE = "code"


@dataclass(frozen=True)
class Fact:
    """The whole public state of one thing as a source tells it: the message's fields as JSON, without its version."""

    kind: Kind
    key: str
    content: Mapping[str, Any]

    @cached_property
    def fingerprint(self) -> str:
        """Equal when nothing that readers care about has changed. When the source was last touched is no such thing."""
        told = {name: value for name, value in self.content.items() if name not in {"source", "changed_at"}}
        return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def reference(self) -> str:
        """The row in the source that tells of it; its key where the source does not name rows."""
        return str((self.content.get("source") or {}).get("reference") or self.key)


@dataclass(frozen=True)
class Rejected:
    """A source row that could not be used. The reason never repeats the value: it may be a personal number."""

    resource: str
    reason: str


@dataclass(frozen=True)
class Noted:
    """What was mended or passed over in a row that is used. The words never repeat a value."""

    resource: str
    words: str


@dataclass
class Reading:
    """What one reading of a source gave."""

    facts: list[Fact] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    left_out: list[tuple[str, Rule]] = field(default_factory=list)
    """Rows that a rule leaves out, which is no fault: what was known of them ends."""
    noted: list[Noted] = field(default_factory=list)
    nameless: bool = False
    """True when a row could not even be told apart from others: then nothing may be taken for gone."""


@dataclass(frozen=True)
class Guide:
    """A FHIR guide that we can read: what is asked for, and what it becomes.

    `interpret` takes one list of resources per type, in the order of `types`, and is asked for parts of the catalogue:
    some rows, everything they point to, and everything of `beside` that points to them or to their unit. Types that
    tell of units come before types that tell of what units offer.
    """

    name: str
    """The source's own name, as in `source.system`."""
    types: tuple[str, ...]
    beside: tuple[str, ...]
    """Types that only describe others, such as Location."""
    interpret: Callable[..., Reading]


class SourceAway(Exception):
    """The source does not answer, or not with what was asked for. Nothing has been changed."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds
        """How long the source asks to be left alone."""


class LinkExpired(SourceAway):
    """The source does not know the page any more that a reading is to go on with."""
