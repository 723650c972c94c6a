"""Rows made anew from the topics, while the live worker goes on and searches are answered."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts import (
    AgreementRegistered,
    CapacityAnnounced,
    CareOfferingUpdated,
    CareUnitUpdated,
    CodeUpdated,
    RegionProfileUpdated,
    WaittimeUpdated,
)
from kit.consumer import Handler, record
from kit.database import Sessions, is_transient
from search.service.comparing import Comparison
from search.store import offers, sweep
from search.store.tables import agreement, announcement, care_unit, code, offering, region_profile, wait
from upkeep import reading
from upkeep.reading import Raw, Span

_LOCK = text("SELECT pg_try_advisory_lock(hashtext('search.rebuild'))")
_SHOWN, _WIDTH = 20, 200
# More than this share of a table's rows, and more than these few, are never removed unasked.
_LARGEST_SHARE, _FEW = 0.5, 10

TABLES: Mapping[str, Table] = {
    CareUnitUpdated.topic.name: care_unit,
    CareOfferingUpdated.topic.name: offering,
    CodeUpdated.topic.name: code,
    AgreementRegistered.topic.name: agreement,
    CapacityAnnounced.topic.name: announcement,
    WaittimeUpdated.topic.name: wait,
    RegionProfileUpdated.topic.name: region_profile,
}
"""Where each topic's things are kept."""

Progress = Callable[[str, int, int], None]
"""What is done, how many, of how many."""


class Refused(Exception):
    """A rebuild that does not begin, or does not end: why, in one line."""


class Held(Refused):
    """A new index that is complete and is not searched: too much would disappear unasked. `found` tells what."""

    def __init__(self, why: str, found: Comparison) -> None:
        super().__init__(why)
        self.found = found


@dataclass
class Report:
    """What a rebuild did."""

    records: int = 0
    nulls: int = 0
    unreadable: list[str] = field(default_factory=list)
    """Where they are: topic, partition, offset and the reason."""
    removed: int = 0
    """Rows that no record tells of, and links without an owner."""
    found: Comparison | None = None
    """How the new index compares; None before there is one."""

    def lines(self, *, everything: bool = False, searched: bool = True) -> list[str]:
        """For people: what was done, and where the unreadable records are; the first few in short, or everything."""
        named = [one if everything or len(one) <= _WIDTH else f"{one[: _WIDTH - 1]}…" for one in self.unreadable]
        shown = [f"unreadable: {one}" for one in (named if everything else named[:_SHOWN])]
        if len(shown) < len(named):
            shown.append(f"… and {len(named) - len(shown)} more (--all lists them with their whole reasons)")
        read = f"records read {self.records}, empty {self.nulls}, unreadable {len(self.unreadable)}; "
        rows = [f"{read}rows removed {self.removed}"] if self.records else []
        if self.found is None:
            return [*shown, *rows]
        verdict = f"{self.found.index} is {'' if searched else 'not '}searched"
        return [*shown, *rows, *self.found.lines(), verdict]

    def as_json(self) -> dict[str, Any]:
        """For machines: everything, unreadable records with their whole reasons."""
        read = {name: getattr(self, name) for name in ("records", "nulls", "unreadable", "removed")}
        return {**read, "compared": self.found.as_json() if self.found is not None else None}


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """One rebuild at a time. Raises Refused when another is running."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        if not await connection.scalar(_LOCK):
            raise Refused("another rebuild is running")
        try:
            yield
        finally:
            if not connection.closed and not connection.invalidated:
                # The connection goes back to the pool, and would keep the lock there.
                await connection.invalidate()


class RowsRebuild:
    """The rows from the topics alone. What the live worker writes meanwhile stays: it is newer or the same."""

    def __init__(
        self, sessions: Sessions, bootstrap: str, handlers: Mapping[str, Handler], *, may_lose: Iterable[str] = ()
    ) -> None:
        """`handlers` write equal versions again too; `may_lose` names topics whose rows may all be removed."""
        self._sessions = sessions
        self._bootstrap = bootstrap
        self._handlers = handlers
        self._may_lose = frozenset(may_lose)
        self._told: dict[str, set[str]] = {topic: set() for topic in handlers}
        self.report = Report()

    async def run(self, progress: Progress) -> Report:
        """Read everything, remove what nothing tells of, touch the offers. Raises Refused, Unreachable."""
        spans = await reading.spans(self._bootstrap, list(self._handlers))
        await self._refuse_empty(spans)
        async with self._sessions.begin() as session:
            started = await offers.begin(session)
        told = reading.everything(
            self._bootstrap, list(self._handlers), seen=lambda read, of: progress("records read", read, of)
        )
        async with aclosing(told):
            async for batch in told:
                self._note(batch)
                await self._apply(batch)
        self.report.removed = await self._sweep({part: end for part, (_, end) in spans.items()})
        if self.report.removed:
            # Any offer may have lost something.
            async with self._sessions.begin() as session:
                started = await offers.begin(session)
        await sweep.touch_below(self._sessions, started)
        return self.report

    async def _refuse_empty(self, spans: Mapping[TopicPartition, Span]) -> None:
        async with self._sessions() as session:
            for topic in sorted(self._handlers.keys() - self._may_lose):
                empty = all(begin == end for part, (begin, end) in spans.items() if part.topic == topic)
                if empty and (rows := await sweep.count(session, TABLES[topic])):
                    raise Refused(
                        f"{topic} is empty, and {rows} rows came from it: all of them would be removed; fill the topic"
                        f" first (reconcile), or say --may-lose {topic}"
                    )

    def _note(self, batch: Sequence[Raw], *, counted: bool = True) -> None:
        for item in batch:
            if item.value is not None:
                # An unreadable one too: the row of an earlier version is better than none.
                self._told[item.topic].add((item.key or b"").decode(errors="replace"))
        if counted:
            nulls = sum(item.value is None for item in batch)
            self.report.nulls += nulls
            self.report.records += len(batch) - nulls

    async def _apply(self, batch: Sequence[Raw]) -> None:
        by_topic: dict[str, list[tuple[Raw, object]]] = {}
        for item in batch:
            if item.value is None:
                continue
            try:
                by_topic.setdefault(item.topic, []).append((item, self._handlers[item.topic].decode(record(item))))
            except Exception as error:
                self._unreadable(item, error)
        for topic in sorted(by_topic):
            await self._apply_some(topic, by_topic[topic])

    async def _apply_some(self, topic: str, events: Sequence[tuple[Raw, object]]) -> None:
        try:
            async with self._sessions.begin() as session:
                await self._handlers[topic].apply(session, [event for _, event in events])
        except Exception as error:
            if is_transient(error):
                raise
            if len(events) == 1:
                self._unreadable(events[0][0], error)
                return
            middle = len(events) // 2
            await self._apply_some(topic, events[:middle])
            await self._apply_some(topic, events[middle:])

    def _unreadable(self, item: Raw, error: Exception) -> None:
        why = str(error) if isinstance(error, ValueError) else type(error).__name__
        self.report.unreadable.append(f"{item.topic}:{item.partition}:{item.offset}: {why}")

    async def _sweep(self, ends: Mapping[TopicPartition, int]) -> int:
        """Remove rows that no record tells of, unless that would be most of them."""
        candidates: dict[str, list[tuple[str, ...]]] = {}
        async with self._sessions() as session:
            for topic, table in TABLES.items():
                keys, rows = await sweep.untold(session, table, self._told[topic])
                if len(keys) > max(_FEW, rows * _LARGEST_SHARE) and topic not in self._may_lose:
                    raise Refused(
                        f"{len(keys)} of {rows} rows from {topic} are not on the topic any more, and would be removed;"
                        f" fill the topic first (reconcile), or say --may-lose {topic}"
                    )
                candidates[topic] = keys
        removed = 0
        async with self._sessions.begin() as session:
            # The live worker stands still here: whatever it has written is on the topics by now.
            await offers.begin(session)
            if any(candidates.values()):
                since = reading.everything(self._bootstrap, list(self._handlers), after=ends)
                async with aclosing(since):
                    async for batch in since:
                        self._note(batch, counted=False)
            for topic, keys in candidates.items():
                gone = [key for key in keys if "|".join(key) not in self._told[topic]]
                removed += await sweep.remove(session, TABLES[topic], gone)
            return removed + await sweep.remove_orphans(session)
