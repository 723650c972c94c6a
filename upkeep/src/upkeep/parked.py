"""Parked records as they stand: which are open, which were redriven or discarded, and what they were before.

A parked record is never altered. What became of it is a verdict, a record of its own behind it in the same partition:
it is read with the record, expires after it, and is the audit line.
"""

import dataclasses
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from aiokafka import TopicPartition

from kit import parking
from upkeep.reading import Raw, everything

VERDICT, OF = "parked-verdict", "parked-of"
_FIRST = "parked-topic"


class State(StrEnum):
    """Where a parked record stands."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


@dataclass(frozen=True)
class Parked:
    """One parked record. `record` is it as it stands on its parked topic; a listing leaves out value and headers."""

    record: Raw
    topic: str
    """The topic it came from."""
    headers: Mapping[str, str]
    """Why, where from and when, by name without `parked-`."""
    state: State = State.OPEN
    verdict: Mapping[str, str] = field(default_factory=dict)
    """Of a record that is not open: by whom, why and when, by name."""

    @property
    def id(self) -> str:
        """TOPIC:PARTITION:OFFSET of the parked record."""
        return f"{self.record.topic}:{self.record.partition}:{self.record.offset}"

    @property
    def key(self) -> str:
        """The record key, as text."""
        return (self.record.key or b"").decode(errors="backslashreplace")

    @property
    def at(self) -> datetime:
        """When it was parked, UTC."""
        return datetime.fromtimestamp(self.record.timestamp / 1000, UTC)

    @property
    def reason(self) -> str:
        """Why it was parked."""
        return self.headers.get("reason", "")

    @property
    def left_out(self) -> bool:
        """True when the value stayed in its original place, being too large."""
        return self.headers.get("value", "").encode() == parking.LEFT_OUT

    @property
    def place(self) -> tuple[int, int]:
        """Partition and offset it came from; (-1, -1) where nobody wrote that down."""
        try:
            return int(self.headers["partition"]), int(self.headers["offset"])
        except (KeyError, ValueError):
            return -1, -1

    def original(self) -> Raw:
        """The record as it came: its own topic, place and headers."""
        partition, offset = self.place
        headers = tuple(self.record.headers)[: _begin(self.record)]
        return dataclasses.replace(self.record, topic=self.topic, partition=partition, offset=offset, headers=headers)


@dataclass(frozen=True)
class Wanted:
    """Which parked records are meant; what is None or empty does not narrow."""

    ids: frozenset[str] = frozenset()
    topic: str | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    states: frozenset[State] = frozenset(State)

    def __contains__(self, one: Parked) -> bool:
        return (
            (not self.ids or one.id in self.ids)
            and (self.topic is None or self.topic in (one.topic, one.record.topic))
            and (self.key is None or self.key == one.key)
            and (self.since is None or self.since <= one.at)
            and (self.until is None or one.at < self.until)
            and (self.reason is None or self.reason.lower() in one.reason.lower())
            and one.state in self.states
        )


async def listing(
    bootstrap: str,
    group: str,
    topics: Iterable[str],
    *,
    seen: Callable[[int, int], None] = lambda read, of: None,
) -> list[Parked]:
    """Every parked record of a group's topics with its state, oldest first; `with_values` reads them whole.

    Raises Unreachable.
    """
    names = {parking.name(topic, group): topic for topic in topics}
    found: dict[str, Parked] = {}
    verdicts: dict[str, Verdict] = {}
    async with aclosing(everything(bootstrap, sorted(names), seen=seen)) as batches:
        async for batch in batches:
            for record in batch:
                if (verdict := verdict_of(record)) is not None:
                    verdicts[f"{record.topic}:{verdict.partition}:{verdict.offset}"] = verdict
                else:
                    one = _parked(record, names[record.topic])
                    # A hundred thousand of them must fit into memory.
                    found[one.id] = dataclasses.replace(one, record=dataclasses.replace(record, value=b"", headers=()))
    for identity in verdicts.keys() & found.keys():
        verdict = verdicts[identity]
        found[identity] = dataclasses.replace(found[identity], state=verdict.state, verdict=verdict.said)
    return sorted(found.values(), key=lambda one: (one.at, one.topic, one.record.partition, one.record.offset))


async def with_values(bootstrap: str, chosen: Sequence[Parked]) -> AsyncGenerator[Parked, None]:
    """The chosen records again, with their values, one topic after the other in the order in which they were parked."""
    meant = {one.id: one for one in chosen}
    for topic in dict.fromkeys(one.record.topic for one in chosen):
        first: dict[TopicPartition, int] = {}
        for record in (one.record for one in chosen if one.record.topic == topic):
            part = TopicPartition(topic, record.partition)
            first[part] = min(record.offset, first.get(part, record.offset))
        async with aclosing(everything(bootstrap, [topic], after=first)) as batches:
            async for batch in batches:
                for record in batch:
                    one = meant.get(f"{topic}:{record.partition}:{record.offset}")
                    if one is not None:
                        yield dataclasses.replace(one, record=record)


class Verdict(NamedTuple):
    """What a verdict says: of which record of its topic, what became of it, and by whom, why and when."""

    partition: int
    offset: int
    state: State
    said: Mapping[str, str]


def verdict_of(record: Raw) -> Verdict | None:
    """The verdict a record of a parked topic is; None for a parked record."""
    if _begin(record) < len(record.headers):
        return None  # it may have brought headers of any name with it
    headers = _text(record)
    try:
        partition, _, offset = headers[OF].partition("-")
        said = {name: headers.get(f"parked-{name}", "") for name in ("by", "why", "at")}
        return Verdict(int(partition), int(offset), State(headers[VERDICT]), said)
    except (KeyError, ValueError):
        return None


def _parked(record: Raw, topic: str) -> Parked:
    added = _text(dataclasses.replace(record, headers=tuple(record.headers)[_begin(record) :]))
    return Parked(record, topic, {name.removeprefix("parked-"): value for name, value in added.items()})


def _begin(record: Raw) -> int:
    """Where the headers begin that were added when it was parked: the original's own come before."""
    names = [name for name, _ in record.headers]
    return len(names) - 1 - names[::-1].index(_FIRST) if _FIRST in names else len(names)


def _text(record: Raw) -> dict[str, str]:
    return {name: (value or b"").decode(errors="backslashreplace") for name, value in record.headers}
