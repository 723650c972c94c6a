"""Offers as rows: which exist, and which differ from what the index holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import next_version
from search.domain.document import offer_id
from search.store.sources import Pair
from search.store.tables import offer


@dataclass(frozen=True)
class Dirty:
    """An offer whose index document is behind."""

    id: str
    unit: str
    code_key: str
    revision: int


async def touch(session: AsyncSession, pairs: Iterable[Pair]) -> None:
    """These (unit, care service) offers have changed, or are new."""
    now = next_version(None)
    rows = [
        {"id": offer_id(unit, key), "unit": unit, "code_key": key, "revision": now, "indexed": 0}
        for unit, key in set(pairs)
    ]
    if rows:
        rows.sort(key=lambda row: str(row["id"]))
        statement = insert(offer)
        raised = func.greatest(offer.c.revision + 1, statement.excluded.revision)
        await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"revision": raised}), rows)


async def touch_existing(session: AsyncSession, pairs: Iterable[Pair]) -> None:
    """These offers have changed, where they exist."""
    wanted = sorted(set(pairs))
    if wanted:
        await _raise(session, tuple_(offer.c.unit, offer.c.code_key).in_(wanted))


async def touch_units(session: AsyncSession, units: Sequence[str]) -> None:
    """Every offer of these units has changed."""
    if units:
        await _raise(session, offer.c.unit.in_(units))


async def touch_all(session: AsyncSession) -> None:
    """Every offer is to be indexed anew."""
    await _raise(session, true())


async def touch_services(session: AsyncSession, keys: Iterable[str]) -> None:
    """Every offer of these care services has changed."""
    wanted = sorted(set(keys))
    if wanted:
        await _raise(session, offer.c.code_key.in_(wanted))


async def _raise(session: AsyncSession, where: ColumnElement[bool]) -> None:
    # Locked in one order everywhere, by bytes of the id: two transactions must not wait for each other.
    query = select(offer.c.id).where(where).order_by(offer.c.id.collate("C")).with_for_update()
    ids = list(await session.scalars(query))
    if ids:
        raised = func.greatest(offer.c.revision + 1, next_version(None))
        await session.execute(update(offer).where(offer.c.id.in_(ids)).values(revision=raised))


async def dirty(session: AsyncSession, limit: int) -> list[Dirty]:
    """Offers to index, oldest change first."""
    query = select(offer).where(text("revision <> indexed")).order_by(offer.c.revision).limit(limit)
    return [Dirty(row.id, row.unit, row.code_key, row.revision) for row in await session.execute(query)]


async def mark_indexed(session: AsyncSession, done: Sequence[Dirty], faults: dict[str, str]) -> None:
    """The index holds these revisions now. One that was touched meanwhile stays dirty; a later mark is kept."""
    if not done:
        return
    ordered = sorted(done, key=lambda one: one.id)
    ids = [one.id for one in ordered]
    locked = select(offer.c.id).where(offer.c.id.in_(ids)).order_by(offer.c.id.collate("C")).with_for_update()
    await session.execute(locked)
    await session.execute(
        text(
            "UPDATE offer SET indexed = done.revision, fault = done.fault "
            "FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS bigint[]), CAST(:faults AS text[])) "
            "AS done(id, revision, fault) WHERE offer.id = done.id AND offer.indexed < done.revision"
        ),
        {"ids": ids, "revisions": [one.revision for one in ordered], "faults": [faults.get(one.id) for one in ordered]},
    )
