"""Brings state topics in line with the tables they tell of: compares key by key, announces anew what differs.

A topic may be behind its tables (a stalled relay sent an old version after its successor, the topic was made anew) or
ahead of them (the database was restored). Either way a new version, higher than both, makes every reader take it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.consumer import Record, record
from kit.database import Sessions, next_version
from kit.logging import where
from upkeep.reading import Raw, everything

log = structlog.get_logger(__name__)

# Small enough that a service's own work waits for locks for moments only.
_PORTION = 200

HIGHEST_VERSION = 2**53 - 1
"""What readers take at most, as `contracts.message` says: a version above it is in no reader's rows."""

Read = Callable[[Record], int]
"""The version in a record of any of the topics. Raises ValueError for one that no reader can use."""

Versions = Callable[[AsyncSession, str, Collection[str] | None], Awaitable[dict[str, int]]]
"""`versions(session, topic, keys)`: what the tables say, public state only. With keys: those alone, locked."""

Announce = Callable[[AsyncSession, str, Mapping[str, int]], Awaitable[None]]
"""`announce(session, topic, {key: version})`: store these versions, put the state in the outbox. Keys are locked."""


class Finding(StrEnum):
    """What the comparison found of one key that the tables know."""

    AGREEING = "agreeing"
    IN_FLIGHT = "in flight"
    MISSING = "missing"
    OLDER = "older"
    NEWER = "newer"
    UNREADABLE = "unreadable"


DIFFERENCES = (Finding.MISSING, Finding.OLDER, Finding.NEWER, Finding.UNREADABLE)
"""Findings that readers have a key wrong, or will have once the topic is read anew."""


class Told(NamedTuple):
    """What a topic tells of a key: its last record's version (None: unreadable, 0: none), and the highest of any."""

    last: int | None = 0
    highest: int = 0


@dataclass
class Outcome:
    """What was found on one topic, and how many keys were announced anew."""

    topic: str
    found: Counter[Finding] = field(default_factory=Counter)
    announced: int = 0
    unknown: list[str] = field(default_factory=list)
    """Keys that are on the topic and not in the tables: nobody but an operator can know what they are."""

    @property
    def differing(self) -> int:
        """Keys that differ."""
        return sum(self.found[one] for one in DIFFERENCES)

    @property
    def settled(self) -> bool:
        """True when nothing is left to do."""
        return not self.unknown and self.announced == self.differing


class _Difference(NamedTuple):
    finding: Finding
    version: int
    told: Told


async def reconcile(
    bootstrap: str,
    sessions: Sessions,
    topics: Sequence[str],
    read: Read,
    versions: Versions,
    announce: Announce,
    *,
    dry_run: bool = False,
    seen: Callable[[int, int], None] = lambda read, of: None,
) -> list[Outcome]:
    """Compare each topic with the tables, and announce anew what differs unless it is a dry run.

    Raises Unreachable or a database error; what is announced until then is announced.
    """
    known: dict[str, dict[str, int]] = {}
    waiting: dict[str, set[str]] = {}
    for topic in topics:
        async with sessions.begin() as session:
            # In this order, and the topics last: what waits no more, though the tables have it, must stand there.
            known[topic] = await versions(session, topic, None)
            waiting[topic] = await _waiting(session, topic, None)
    told = await _told(bootstrap, topics, read, seen)
    outcomes = [Outcome(topic) for topic in topics]
    for outcome in outcomes:
        topic = outcome.topic
        differing = _compare(known[topic], waiting[topic], told[topic], outcome)
        for portion in _portions(sorted(differing)):
            part = {key: differing[key] for key in portion}
            await _settle(sessions, versions, part, None if dry_run else announce, outcome)
        strangers = {key for key, one in told[topic].items() if one.last != 0} - known[topic].keys()
        for portion in _portions(sorted(strangers)):
            async with sessions.begin() as session:
                made_since = await versions(session, topic, portion)
            outcome.found[Finding.IN_FLIGHT] += len(made_since)
            outcome.unknown += [key for key in portion if key not in made_since]
        log.info(
            "reconciled",
            topic=topic,
            **{one.name.lower(): outcome.found[one] for one in Finding},
            unknown=len(outcome.unknown),
            announced=outcome.announced,
        )
    return outcomes


def compared(version: int, told: Told) -> Finding:
    """How a row at this version compares with what its topic tells.

    A higher version anywhere on the topic counts as newer: readers have it, and leave what came after it alone.
    """
    if told.last is None:
        return Finding.UNREADABLE
    if told.highest > version:
        return Finding.NEWER
    if told.last == 0:
        return Finding.MISSING
    return Finding.OLDER if told.last < version else Finding.AGREEING


def _compare(
    known: Mapping[str, int], waiting: Collection[str], told: Mapping[str, Told], outcome: Outcome
) -> dict[str, _Difference]:
    differing = {}
    for key, version in known.items():
        finding = Finding.IN_FLIGHT if key in waiting else compared(version, told.get(key, Told()))
        if finding in DIFFERENCES:
            differing[key] = _Difference(finding, version, told.get(key, Told()))
        else:
            outcome.found[finding] += 1
    return differing


async def _settle(
    sessions: Sessions,
    versions: Versions,
    differing: Mapping[str, _Difference],
    announce: Announce | None,
    outcome: Outcome,
) -> None:
    """Compare again with the rows locked, and announce: what has changed since is on its way by itself."""
    found: Counter[Finding] = Counter()
    new = {}
    try:
        async with sessions.begin() as session:
            now = await versions(session, outcome.topic, list(differing))
            waiting = await _waiting(session, outcome.topic, list(differing))
            for key, (finding, version, told) in differing.items():
                if now.get(key) != version or key in waiting:
                    found[Finding.IN_FLIGHT] += 1
                else:
                    found[finding] += 1
                    new[key] = next_version(max(version, told.highest))
            if announce is not None and new:
                await announce(session, outcome.topic, new)
                outcome.announced += len(new)
    except ValueError as error:  # what is stored no longer makes a message: it must not hold up the others
        if len(differing) > 1:
            for key, one in differing.items():
                await _settle(sessions, versions, {key: one}, announce, outcome)
            return
        log.error("cannot be announced", topic=outcome.topic, key=next(iter(differing)), why=where(error))
    outcome.found += found


async def _waiting(session: AsyncSession, topic: str, keys: Sequence[str] | None) -> set[str]:
    query = "SELECT DISTINCT aggregateid FROM outbox WHERE aggregatetype = :topic"
    if keys is None:
        return set(await session.scalars(text(query), {"topic": topic}))
    return set(await session.scalars(text(f"{query} AND aggregateid = ANY(:keys)"), {"topic": topic, "keys": keys}))


async def _told(
    bootstrap: str, topics: Sequence[str], read: Read, seen: Callable[[int, int], None]
) -> dict[str, dict[str, Told]]:
    told: dict[str, dict[str, Told]] = {topic: {} for topic in topics}
    async with aclosing(everything(bootstrap, topics, seen=seen)) as batches:
        async for batch in batches:
            of = told[batch[0].topic]
            for item in batch:
                # A foreign key may hold what PostgreSQL takes for no text.
                key = (item.key or b"").decode(errors="backslashreplace").replace("\0", "\\x00")
                last = _version(item, read)
                of[key] = Told(last, max(of.get(key, Told()).highest, last or 0))
    return told


def _version(item: Raw, read: Read) -> int | None:
    if item.value is None:  # a tombstone: compaction leaves nothing of the key
        return 0
    try:
        version = read(record(item))
    except Exception:  # what a reader trips over is as unreadable as what it refuses
        return None
    return version if 0 < version <= HIGHEST_VERSION else None


def _portions(keys: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while portion := list(islice(rest, _PORTION)):
        yield portion
