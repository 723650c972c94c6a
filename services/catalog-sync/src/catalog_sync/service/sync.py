"""Syncing: what a source says now is compared with what is known, and every difference is announced once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from catalog_sync.domain.differences import Shares
from catalog_sync.domain.reading import Fact, Kind, Reading, Rejected
from catalog_sync.service import applying
from catalog_sync.service.proposing import BATCH, propose, propose_ends, same_as_another, valid
from catalog_sync.store import facts as known_facts
from catalog_sync.store import rejections, runs
from catalog_sync.store.runs import State
from kit.database import Sessions

log = structlog.get_logger(__name__)

_STANDBY_SECONDS = 0.25


@dataclass(frozen=True)
class Outcome:
    """What a run did; nothing where it is held."""

    run: int
    source: str
    read: int
    changed: int
    """New ones among them."""
    ended: int
    rejected: Sequence[Rejected]
    """What this run could not use."""
    held: str | None


async def sync(
    sessions: Sessions,
    source: str,
    kinds: Sequence[Kind],
    reading: Reading,
    *,
    largest_share: float,
    largest_changed_share: float = 1.0,
) -> Outcome:
    """Bring what is known of some kinds in line with a full reading of their source, and announce the differences.

    What the source no longer has ends, with a final state; a row that cannot be read is not gone and stays as known.
    When more than a share of a kind would end or change, nothing is changed and the run is held for an operator.
    """
    async with alone(sessions):
        await finish_earlier(sessions, source)
        number, read, rejected = await _compare(sessions, source, kinds, reading)
        held = await applying.judge(sessions, number, Shares(largest_share, largest_changed_share))
        if held is None:
            await applying.apply(sessions, number)
    return await outcome_of(sessions, number, rejected, read)


@asynccontextmanager
async def alone(sessions: Sessions) -> AsyncIterator[None]:
    """Waits until no other process is at work with runs, and keeps others out: reading twice would help nobody.

    What is announced does not depend on it: a batch of changes locks the facts, and takes each proposal once.
    """
    while True:
        async with runs.trying_alone(sessions) as mine:
            if mine:
                yield
                return
        await asyncio.sleep(_STANDBY_SECONDS)


async def finish_earlier(sessions: Sessions, source: str) -> None:
    """Go on with what a crash has interrupted: what was judged is applied, what was not is given up."""
    while True:
        async with sessions.begin() as session:
            run = await runs.unfinished(session, source)
            if run is None:
                return
            if run.state != State.APPLYING:
                await runs.give_up(session, run.id, datetime.now(UTC), State.ABANDONED)
                continue
        await applying.apply(sessions, run.id)


async def outcome_of(sessions: Sessions, number: int, rejected: Sequence[Rejected], read: int | None = None) -> Outcome:
    """A run as it is now."""
    async with sessions() as session:
        run = await runs.one(session, number)
    assert run is not None  # noqa: S101 runs are never removed
    changed, ended = (run.new + run.changed, run.ended) if run.held is None or run.state == State.DONE else (0, 0)
    return Outcome(number, run.source, run.read if read is None else read, changed, ended, rejected, run.held)


async def _compare(
    sessions: Sessions, source: str, kinds: Sequence[Kind], reading: Reading
) -> tuple[int, int, list[Rejected]]:
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        number = await runs.begin(session, source, now, state=State.COMPARING, whole=True)
    told: set[tuple[Kind, str]] = set()
    rejected = list(reading.rejected)
    for begin in range(0, len(reading.facts), BATCH):
        good, bad = valid(reading.facts[begin : begin + BATCH])
        rejected += bad
        batch: list[Fact] = []
        for fact in good:
            if (fact.kind, fact.key) in told:
                rejected.append(same_as_another(fact))
            else:
                told.add((fact.kind, fact.key))
                batch.append(fact)
        async with sessions.begin() as session:
            await known_facts.lock_sync(session)
            await propose(session, number, batch, now)
    async with sessions.begin() as session:
        await known_facts.lock_sync(session)
        await rejections.note(session, source, number, rejected, now)
        unread = {row.resource for row in rejected}
        for kind in kinds if not reading.nameless else ():
            gone = [
                key
                for key, reference in await known_facts.alive_keys(session, kind)
                if (kind, key) not in told and not unread & {key, reference}
            ]
            for begin in range(0, len(gone), BATCH):
                await propose_ends(session, number, kind, gone[begin : begin + BATCH], now)
        await runs.note(session, number, read=len(told), read_at=now, clock=now)
    return number, len(told), rejected
