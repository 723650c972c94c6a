"""Runs: how far each has come, what it did or would do, and who decided about one that was held."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.store.tables import proposed, run, touched
from kit.database import Sessions


class State(StrEnum):
    """How far a run has come. The first three go on after a crash."""

    READING = "reading"
    COMPARING = "comparing"
    APPLYING = "applying"
    HELD = "held"
    DONE = "done"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    ABANDONED = "abandoned"


UNFINISHED = (State.READING, State.COMPARING, State.APPLYING)
_ACCEPTED = (State.APPLYING, State.DONE)


async def lock_runs(session: AsyncSession) -> bool:
    """True when no other process is at work with a run, until the transaction ends."""
    return bool(await session.scalar(text("SELECT pg_try_advisory_xact_lock(71003)")))


@asynccontextmanager
async def trying_alone(sessions: Sessions) -> AsyncIterator[bool]:
    """Whether this is the only one at work with runs; it stays so within this context."""
    async with sessions.begin() as session:
        yield await lock_runs(session)


async def begin(
    session: AsyncSession, source: str, now: datetime, *, state: State, whole: bool, since: datetime | None = None
) -> int:
    """A new run; its number."""
    values = {"source": source, "state": state, "whole": whole, "since": since, "started_at": now}
    return int(await session.scalar(run.insert().values(**values).returning(run.c.id)) or 0)


async def note(session: AsyncSession, number: int, **values: Any) -> None:
    """Change fields of a run."""
    await session.execute(update(run).where(run.c.id == number).values(**values))


async def count(session: AsyncSession, number: int, left_out: Mapping[str, int], noted: Mapping[str, int]) -> None:
    """So many rows more were left out, by rule, and mended, by repair. One batch of a run at a time."""
    if left_out or noted:
        found = await one(session, number)
        assert found is not None  # noqa: S101 runs are never removed
        more = {"left_out": Counter(found.left_out) + Counter(left_out), "noted": Counter(found.noted) + Counter(noted)}
        await note(session, number, **more)


async def one(session: AsyncSession, number: int) -> Row[Any] | None:
    """A run."""
    return (await session.execute(select(run).where(run.c.id == number))).one_or_none()


async def as_it_is(sessions: Sessions, number: int) -> Row[Any]:
    """A run that is known to be there, as it is now."""
    async with sessions() as session:
        found = await one(session, number)
    assert found is not None  # noqa: S101 runs are never removed
    return found


async def advance(
    session: AsyncSession, number: int, *, read: int, place: Mapping[str, str | None], clock: datetime | None
) -> None:
    """A page more has been read, and where to go on."""
    values = {"read": run.c.read + read, "place": place, "clock": func.coalesce(run.c.clock, clock)}
    await session.execute(update(run).where(run.c.id == number).values(**values))


async def unfinished(session: AsyncSession, source: str) -> Row[Any] | None:
    """The run of a source that is to go on."""
    query = select(run).where(run.c.source == source, run.c.state.in_(UNFINISHED)).order_by(run.c.id)
    return (await session.execute(query.limit(1))).one_or_none()


async def latest(session: AsyncSession, limit: int) -> list[Row[Any]]:
    """The latest runs, newest first."""
    return list(await session.execute(select(run).order_by(run.c.id.desc()).limit(limit)))


async def last_read(session: AsyncSession, source: str) -> tuple[datetime | None, datetime | None]:
    """When the latest whole reading of a source began, and how far the source's clock was when the latest one began.

    (None, None) where the next one must be whole: nothing has been accepted yet, or since then a reading was held or
    given up. What it left in the mirror was not accepted, and only a whole reading that is makes that good.
    """
    clock = func.coalesce(run.c.clock, run.c.started_at)
    query = select(run.c.id, run.c.started_at, clock.label("clock")).where(run.c.source == source)
    newest = query.order_by(run.c.id.desc()).limit(1)
    accepted = newest.where(run.c.read_at.is_not(None), run.c.state.in_(_ACCEPTED))
    whole = (await session.execute(accepted.where(run.c.whole))).one_or_none()
    last = (await session.execute(accepted)).one_or_none()
    if whole is None or last is None:
        return None, None
    doubtful = newest.where(run.c.id > whole.id, run.c.state.not_in((*_ACCEPTED, *UNFINISHED)))
    if (await session.execute(doubtful)).one_or_none() is not None:
        return None, None
    return whole.started_at, last.clock


async def give_up(session: AsyncSession, number: int, now: datetime, state: State) -> None:
    """End a run that changes nothing more; what it would have changed stays readable unless it was half-way."""
    await note(session, number, state=state, finished_at=now, place=None)
    await session.execute(delete(touched).where(touched.c.run == number))
    if state is State.ABANDONED:
        await session.execute(delete(proposed).where(proposed.c.run == number))


async def waiting(session: AsyncSession, source: str, number: int) -> Row[Any] | None:
    """The newest run of a source before this one that waits for a decision."""
    held = (run.c.source == source) & (run.c.state == State.HELD) & (run.c.id < number)
    return (await session.execute(select(run).where(held).order_by(run.c.id.desc()).limit(1))).one_or_none()


async def supersede(session: AsyncSession, source: str, number: int, now: datetime) -> None:
    """A whole reading has looked at everything: what earlier ones would change is no question any more."""
    held = (run.c.source == source) & (run.c.state == State.HELD) & (run.c.id < number)
    await session.execute(update(run).where(held).values(state=State.SUPERSEDED, finished_at=now))


async def forget_old(session: AsyncSession, before: datetime) -> None:
    """Runs stay; what was changed field by field goes once it is older than this."""
    old = select(run.c.id).where(run.c.finished_at < before)
    await session.execute(delete(proposed).where(proposed.c.run.in_(old)))


async def held(session: AsyncSession) -> Mapping[str, int]:
    """How many runs of each source wait for a decision."""
    query = select(run.c.source, func.count()).where(run.c.state == State.HELD).group_by(run.c.source)
    return {row[0]: row[1] for row in await session.execute(query)}


async def read_at(session: AsyncSession) -> Mapping[str, datetime]:
    """When each source was last read completely."""
    query = select(run.c.source, func.max(run.c.read_at)).where(run.c.read_at.is_not(None)).group_by(run.c.source)
    return {row[0]: row[1] for row in await session.execute(query)}


async def names(session: AsyncSession) -> Sequence[str]:
    """Every source that has had a run."""
    return list(await session.scalars(select(run.c.source).distinct()))
