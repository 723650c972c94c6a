"""Runs of reading regions' own interfaces: how far each has come, what became of its rows, what is gone."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, exists, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import ENDED, Way
from agreements.domain.pulling import RunState
from agreements.store.tables import agreement, pull_gone, pull_item, pull_met, pull_page, pull_run
from kit.database import Sessions

_LOCK = 71005
_ACCEPTED = (RunState.DONE, RunState.HELD, RunState.APPROVED, RunState.DISCARDED, RunState.SUPERSEDED)


@asynccontextmanager
async def trying_alone(sessions: Sessions, region: str) -> AsyncIterator[bool]:
    """Whether this is the only one at work with a region's runs; it stays so within this context."""
    async with sessions.begin() as session:
        statement = text("SELECT pg_try_advisory_xact_lock(:lock, :region)")
        yield bool(await session.scalar(statement, {"lock": _LOCK, "region": int(region)}))


async def begin(session: AsyncSession, region: str, form: str, now: datetime, since: datetime | None) -> int:
    """A new run; its number."""
    values = {
        "region": region,
        "format": form,
        "state": RunState.READING,
        "whole": since is None,
        "since": since,
        "started_at": now,
    }
    return int(await session.scalar(insert(pull_run).values(**values).returning(pull_run.c.id)) or 0)


async def note(session: AsyncSession, number: int, **values: Any) -> None:
    """Change fields of a run."""
    await session.execute(update(pull_run).where(pull_run.c.id == number).values(**values))


async def count(session: AsyncSession, number: int, more: Mapping[str, int]) -> None:
    """Add to counts of a run."""
    raised = {name: pull_run.c[name] + value for name, value in more.items()}
    await session.execute(update(pull_run).where(pull_run.c.id == number).values(**raised))


async def one(session: AsyncSession, number: int) -> Row[Any] | None:
    """A run."""
    return (await session.execute(select(pull_run).where(pull_run.c.id == number))).one_or_none()


async def as_it_is(sessions: Sessions, number: int) -> Row[Any]:
    """A run that is known to be there, as it is now."""
    async with sessions() as session:
        found = await one(session, number)
    assert found is not None  # noqa: S101 runs are never removed
    return found


async def unfinished(session: AsyncSession, region: str) -> Row[Any] | None:
    """The run of a region that is to go on."""
    query = select(pull_run).where(pull_run.c.region == region, pull_run.c.state == RunState.READING)
    return (await session.execute(query.order_by(pull_run.c.id).limit(1))).one_or_none()


async def latest(
    session: AsyncSession, regions: Collection[str] | None, limit: int, offset: int = 0
) -> tuple[list[Row[Any]], int]:
    """The latest runs of some regions (None: of all), newest first, and how many there are."""
    query, counted = select(pull_run), select(func.count()).select_from(pull_run)
    if regions is not None:
        query, counted = query.where(pull_run.c.region.in_(regions)), counted.where(pull_run.c.region.in_(regions))
    found = await session.execute(query.order_by(pull_run.c.id.desc()).limit(limit).offset(offset))
    return list(found), await session.scalar(counted) or 0


async def last_read(session: AsyncSession, region: str, form: str) -> tuple[datetime | None, datetime | None]:
    """When the latest whole reading began, and how far the interface's clock was when the latest one began.

    (None, None) where the next one must be whole: there has been none, or since then a reading was not believed.
    """
    clock = func.coalesce(pull_run.c.clock, pull_run.c.started_at)
    done = pull_run.c.state.in_(_ACCEPTED) & pull_run.c.read_at.is_not(None)
    query = select(pull_run.c.id, pull_run.c.started_at, clock.label("clock"), pull_run.c.suspicious, pull_run.c.state)
    query = query.where(pull_run.c.region == region, pull_run.c.format == form, done)
    newest = query.order_by(pull_run.c.id.desc()).limit(1)
    whole = (await session.execute(newest.where(pull_run.c.whole))).one_or_none()
    last = (await session.execute(newest)).one_or_none()
    if whole is None or last is None or (whole.suspicious and whole.state != RunState.APPROVED):
        return None, None
    return whole.started_at, last.clock


async def last_begun(session: AsyncSession, region: str) -> datetime | None:
    """When the latest reading of a region that came to its end began."""
    ended = pull_run.c.read_at.is_not(None)
    query = select(func.max(pull_run.c.started_at)).where(pull_run.c.region == region, ended)
    begun: datetime | None = await session.scalar(query)
    return begun


async def supersede(session: AsyncSession, region: str, number: int, now: datetime) -> None:
    """A whole reading has looked at everything: what earlier ones wait for is no question any more."""
    held = (pull_run.c.region == region) & (pull_run.c.state == RunState.HELD) & (pull_run.c.id < number)
    await session.execute(update(pull_run).where(held).values(state=RunState.SUPERSEDED, finished_at=now))


async def held(session: AsyncSession) -> Mapping[str, int]:
    """How many runs of each region wait for a yes."""
    query = select(pull_run.c.region, func.count()).where(pull_run.c.state == RunState.HELD)
    return {row[0]: row[1] for row in await session.execute(query.group_by(pull_run.c.region))}


async def keep_items(session: AsyncSession, number: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """What became of rows; the last word counts where one was told twice."""
    if not rows:
        return
    by_reference = {row["reference"]: {"run": number, **row} for row in rows}
    statement = upsert(pull_item).values(list(by_reference.values()))
    names = ("number", "answer", "agreement_id", "reasons")
    changed = {name: statement.excluded[name] for name in names}
    await session.execute(statement.on_conflict_do_update(index_elements=["run", "reference"], set_=changed))


async def items(session: AsyncSession, number: int, limit: int | None) -> list[Row[Any]]:
    """What became of the rows of a run, those that were not taken first."""
    order = (pull_item.c.answer == "accepted", pull_item.c.number, pull_item.c.reference)
    return list(await session.execute(select(pull_item).where(pull_item.c.run == number).order_by(*order).limit(limit)))


async def meet(session: AsyncSession, number: int, numbers: Collection[str]) -> None:
    """These agreements are there."""
    if numbers:
        rows = [{"run": number, "number": one} for one in sorted(set(numbers))]
        await session.execute(upsert(pull_met).values(rows).on_conflict_do_nothing())


async def count_known(session: AsyncSession, region: str) -> int:
    """How many agreements of a region came by pull and have not ended."""
    return await session.scalar(select(func.count()).select_from(agreement).where(_pulled(region))) or 0


async def list_gone(session: AsyncSession, number: int, region: str) -> None:
    """List what came by pull and was not met in a whole reading."""
    met = exists().where(pull_met.c.run == number, pull_met.c.number == agreement.c.number)
    why = literal("is not told any more")
    query = select(literal(number), agreement.c.id, agreement.c.number, agreement.c.version, why)
    query = query.where(_pulled(region), ~met)
    names = ["run", "agreement_id", "number", "version", "why"]
    await session.execute(upsert(pull_gone).from_select(names, query).on_conflict_do_nothing())


async def list_ended(session: AsyncSession, number: int, region: str, ended: Mapping[str, str]) -> None:
    """List those among some numbers that came by pull and live, with how the interface says they have ended."""
    if not ended:
        return
    query = select(agreement.c.id, agreement.c.number, agreement.c.version)
    rows = await session.execute(query.where(_pulled(region), agreement.c.number.in_(ended)))
    values = [
        {
            "run": number,
            "agreement_id": row.id,
            "number": row.number,
            "version": row.version,
            "why": f"is told as {ended[row.number]}",
        }
        for row in rows
    ]
    if values:
        await session.execute(upsert(pull_gone).values(values).on_conflict_do_nothing())


def _pulled(region: str) -> Any:
    return and_(
        agreement.c.region == region,
        agreement.c.way == Way.PULL,
        agreement.c.state.not_in(sorted(ENDED)),
    )


async def gone(
    session: AsyncSession, number: int, *, undecided: bool = False, limit: int | None = None
) -> list[Row[Any]]:
    """What a run lists as gone, by number."""
    query = select(pull_gone).where(pull_gone.c.run == number)
    if undecided:
        query = query.where(pull_gone.c.outcome.is_(None))
    return list(await session.execute(query.order_by(pull_gone.c.number).limit(limit)))


async def count_gone(session: AsyncSession, number: int) -> int:
    """How many a run lists as gone."""
    return await session.scalar(select(func.count()).select_from(pull_gone).where(pull_gone.c.run == number)) or 0


async def note_outcome(session: AsyncSession, number: int, agreement_id: str, outcome: str) -> None:
    """What was done with one that is gone."""
    found = (pull_gone.c.run == number) & (pull_gone.c.agreement_id == agreement_id)
    await session.execute(update(pull_gone).where(found).values(outcome=outcome))


@dataclass(frozen=True)
class Remembered:
    """A page of a whole reading as it was, all of it taken."""

    etag: str
    following: str | None
    numbers: Sequence[str]


async def remembered(session: AsyncSession, region: str, address: str) -> Remembered | None:
    """The page at an address."""
    row = (
        await session.execute(select(pull_page).where(pull_page.c.region == region, pull_page.c.address == address))
    ).one_or_none()
    return Remembered(row.etag, row.following, row.numbers) if row is not None else None


async def remember(session: AsyncSession, number: int, region: str, address: str, now: Remembered) -> None:
    """Remember a page as met in this run."""
    values = {"etag": now.etag, "following": now.following, "numbers": list(now.numbers), "run": number}
    statement = upsert(pull_page).values(region=region, address=address, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["region", "address"], set_=values))


async def finish(session: AsyncSession, number: int, region: str, *, whole: bool) -> None:
    """What only the reading needed goes: numbers met, and the pages that a whole one has not met."""
    await session.execute(delete(pull_met).where(pull_met.c.run == number))
    if whole:
        await session.execute(delete(pull_page).where(pull_page.c.region == region, pull_page.c.run != number))


async def tidy(session: AsyncSession, before: datetime) -> None:
    """Runs stay; what became of single rows goes once it is older than this."""
    old = select(pull_run.c.id).where(pull_run.c.finished_at < before)
    for table in (pull_item, pull_gone, pull_met):
        await session.execute(delete(table).where(table.c.run.in_(old)))


async def forget(session: AsyncSession, region: str, number: str, agreement_id: str) -> None:
    """Nothing of an agreement that became confidential stays here."""
    runs = select(pull_run.c.id).where(pull_run.c.region == region)
    told = (pull_item.c.number == number) | (pull_item.c.agreement_id == agreement_id)
    await session.execute(delete(pull_item).where(pull_item.c.run.in_(runs), told))
    await session.execute(delete(pull_met).where(pull_met.c.run.in_(runs), pull_met.c.number == number))
    await session.execute(delete(pull_gone).where(pull_gone.c.agreement_id == agreement_id))
    # A page that is read anew is compared anew.
    await session.execute(delete(pull_page).where(pull_page.c.region == region))
